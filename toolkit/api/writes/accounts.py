"""The methods of `ops.exchange`: sub-accounts and their fee payment in BNB."""

from __future__ import annotations

from toolkit.api.writes.resource import T, WriteResource
from toolkit.endpoints.exchange_link import account_writes
from toolkit.writes.request import CallOptions


class AccountWrites(WriteResource[T]):
    """Sub-accounts and their fee payment in BNB."""

    def create_sub_account(
        self, *, tag: str | None = None, unique_suffix: bool = False, idempotency_key: str | None = None
    ) -> T:
        """Creates a sub-account.

        POST /sapi/v1/broker/subAccount: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone). The key needs the "trade" permission.

        An unknown outcome is resolved by the unique suffix, which `exchange.sub_accounts` shows. Without
        one, the account may have been created by another program.

        Args:
            tag: A name for the sub-account, at most 31 characters; at most 21 if `unique_suffix`.
            unique_suffix: Append a random suffix to the tag. If the response is lost, the suffix
                identifies what this call created.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - email (email): E-mail address the exchange created for it, masked;
                `link.exchange.sub_accounts(emails="clear")` has it in full.
            - tag (text): The tag.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account
        """
        return self._run(
            account_writes.CREATE_SUB_ACCOUNT,
            {"tag": tag},
            CallOptions(idempotency_key, unique_suffix=unique_suffix),
        )

    def delete_sub_account(
        self, sub_account_id: str | int, *, confirm: str | int = "", idempotency_key: str | None = None
    ) -> T:
        """Deletes a sub-account. This cannot be undone.

        DELETE /sapi/v1/broker/subAccount: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone). The key needs the "trade" permission.

        Transfer all its funds out and delete its API keys first. A partner may delete 20 sub-accounts a
        day. An unknown outcome is resolved by absence from `exchange.sub_accounts`, no matter who deleted
        it.

        Args:
            sub_account_id: Id of the sub-account.
            confirm: `sub_account_id` again, because this cannot be undone.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. Its `frame` is empty, like the response.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.
            NotExecutedError: The state before the call could not be read. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Delete-Sub-Account
        """
        return self._run(
            account_writes.DELETE_SUB_ACCOUNT,
            {"sub_account_id": sub_account_id},
            CallOptions(idempotency_key, str(confirm)),
        )

    def enable_futures(self, sub_account_id: str | int, *, idempotency_key: str | None = None) -> T:
        """Enables futures for a sub-account.

        POST /sapi/v1/broker/subAccount/futures: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        The API cannot disable them again. An unknown outcome is resolved by reading the value back with
        `exchange.futures_balances`, no matter who set it.

        Args:
            sub_account_id: Id of the sub-account.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - enable_futures (flag): Futures are enabled.
            - update_time (time): When it was changed, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Enable-Futures-for-Sub-Account
        """
        return self._run(
            account_writes.ENABLE_FUTURES, {"sub_account_id": sub_account_id}, CallOptions(idempotency_key)
        )

    def set_spot_bnb_burn(
        self, sub_account_id: str | int, *, enabled: bool, idempotency_key: str | None = None
    ) -> T:
        """Sets whether a sub-account pays spot and margin fees in BNB.

        POST /sapi/v1/broker/subAccount/bnbBurn/spot: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        An unknown outcome is resolved by reading the value back with `exchange.bnb_burn`, no matter who
        set it.

        Args:
            sub_account_id: Id of the sub-account.
            enabled: Pay spot and margin fees in BNB.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - spot_bnb_burn (flag): Pays spot and margin fees in BNB.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Enable-Or-Disable-BNB-Burn-for-Sub-Account-Spot-Margin
        """
        return self._run(
            account_writes.SET_SPOT_BNB_BURN,
            {"sub_account_id": sub_account_id, "enabled": enabled},
            CallOptions(idempotency_key),
        )

    def set_interest_bnb_burn(
        self, sub_account_id: str | int, *, enabled: bool, idempotency_key: str | None = None
    ) -> T:
        """Sets whether a sub-account pays margin interest in BNB.

        POST /sapi/v1/broker/subAccount/bnbBurn/marginInterest: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone).

        Margin must be enabled for it first. An unknown outcome is resolved by reading the value back with
        `exchange.bnb_burn`, no matter who set it.

        Args:
            sub_account_id: Id of the sub-account.
            enabled: Pay margin interest in BNB.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - interest_bnb_burn (flag): Pays margin interest in BNB.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Enable-Or-Disable-BNB-Burn-for-Sub-Account-Margin-Interest
        """
        return self._run(
            account_writes.SET_INTEREST_BNB_BURN,
            {"sub_account_id": sub_account_id, "enabled": enabled},
            CallOptions(idempotency_key),
        )
