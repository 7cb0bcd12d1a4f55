"""The methods of `ops.exchange`: the API keys of sub-accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from toolkit.api.writes.resource import T, WriteResource
from toolkit.endpoints.exchange_link import account_writes
from toolkit.writes.request import CallOptions


class KeyWrites(WriteResource[T]):
    """API keys of sub-accounts."""

    def create_api_key(
        self,
        sub_account_id: str | int,
        *,
        can_trade: bool,
        margin_trade: bool | None = None,
        futures_trade: bool | None = None,
        public_key: str | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Creates an API key for a sub-account.

        POST /sapi/v1/broker/subAccountApi: weight 3000, rate limit sapi-uid (180,000 a minute for each
        account (UID), for this endpoint alone). The key needs the "trade" permission.

        Key and secret are in no frame: `outcome.take_key()` hands them over, once. Only one key can be
        created for a sub-account in a second. Margin and futures have to be switched on for the
        sub-account before its keys may trade them. An unknown outcome is resolved only if
        `exchange.api_keys` shows no new key: a new key may have been created by another program.

        Args:
            sub_account_id: Id of the sub-account.
            can_trade: The key may trade spot.
            margin_trade: It may trade on margin.
            futures_trade: It may trade futures.
            public_key: Public key (Ed25519 or RSA) for a key without a secret; the private part never
                leaves you.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The key, masked.
            - can_trade (flag): May trade spot.
            - margin_trade (flag): May trade on margin.
            - futures_trade (flag): May trade futures.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.
            NotExecutedError: The state before the call could not be read. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Create-Api-Key-for-Sub-Account
        """
        return self._run(
            account_writes.CREATE_API_KEY,
            {
                "sub_account_id": sub_account_id,
                "can_trade": can_trade,
                "margin_trade": margin_trade,
                "futures_trade": futures_trade,
                "public_key": public_key,
            },
            CallOptions(idempotency_key),
        )

    def delete_api_key(
        self,
        sub_account_id: str | int,
        api_key: str | int,
        *,
        confirm: str | int = "",
        idempotency_key: str | None = None,
    ) -> T:
        """Deletes an API key of a sub-account. It cannot be brought back.

        DELETE /sapi/v1/broker/subAccountApi: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone). The key needs the "trade" permission.

        Only one key can be deleted for a sub-account in a second. An unknown outcome is resolved by
        absence from `exchange.api_keys`, no matter who deleted it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, the whole of it.
            confirm: `api_key` again, because this cannot be undone.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. Its `frame` is empty, like the response.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.
            NotExecutedError: The state before the call could not be read. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Delete-Sub-Account-Api-Key
        """
        return self._run(
            account_writes.DELETE_API_KEY,
            {"sub_account_id": sub_account_id, "api_key": api_key},
            CallOptions(idempotency_key, str(confirm)),
        )

    def set_permissions(
        self,
        sub_account_id: str | int,
        api_key: str | int,
        *,
        can_trade: bool,
        margin_trade: bool,
        futures_trade: bool,
        idempotency_key: str | None = None,
    ) -> T:
        """Says what an API key of a sub-account may do.

        POST /sapi/v1/broker/subAccountApi/permission: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone). The key needs the "trade" permission.

        All three are said each time: none stays as it was. Margin and futures have to be switched on for
        the sub-account first. An unknown outcome is resolved by reading the value back with
        `exchange.api_keys`, no matter who set it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, the whole of it.
            can_trade: It may trade spot.
            margin_trade: It may trade on margin.
            futures_trade: It may trade futures.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The key, masked.
            - can_trade (flag): May trade spot.
            - margin_trade (flag): May trade on margin.
            - futures_trade (flag): May trade futures.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Change-Sub-Account-Api-Permission
        """
        return self._run(
            account_writes.SET_PERMISSIONS,
            {
                "sub_account_id": sub_account_id,
                "api_key": api_key,
                "can_trade": can_trade,
                "margin_trade": margin_trade,
                "futures_trade": futures_trade,
            },
            CallOptions(idempotency_key),
        )

    def set_universal_transfer(
        self,
        sub_account_id: str | int,
        api_key: str | int,
        *,
        allowed: bool,
        idempotency_key: str | None = None,
    ) -> T:
        """Says whether an API key of a sub-account may make universal transfers.

        POST /sapi/v1/broker/subAccountApi/permission/universalTransfer: weight 1, rate limit sapi-ip
        (12,000 a minute for each IP address, for this endpoint alone). The key needs the "trade"
        permission.

        No read resolves an unknown outcome. Check the key's permissions at the exchange's site: no read
        of the API shows this one. Setting it again does no harm.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, the whole of it.
            allowed: It may move funds between the sub-account's wallets.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The key, masked.
            - can_universal_transfer (flag): May move funds between the wallets of its account.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Enable-Universal-Transfer-Permission-For-SubAccount-Api-Key
        """
        return self._run(
            account_writes.SET_UNIVERSAL_TRANSFER,
            {"sub_account_id": sub_account_id, "api_key": api_key, "allowed": allowed},
            CallOptions(idempotency_key),
        )

    def set_ip_restriction(
        self,
        sub_account_id: str | int,
        api_key: str | int,
        *,
        restriction: Literal["off", "on"],
        addresses: str | Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Says whether an API key of a sub-account may be used from anywhere, or from where.

        POST /sapi/v2/broker/subAccountApi/ipRestriction: weight 3000, rate limit sapi-uid (180,000 a
        minute for each account (UID), for this endpoint alone).

        An unknown outcome is resolved by reading the value back with `exchange.ip_restriction`, no matter
        who set it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, the whole of it.
            restriction: "on": only listed addresses may use the key; "off": any may.
            addresses: IP addresses that may use the key, put to those listed by now.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - status (text): "1" any address, "2" only listed ones.
            - ip_list (texts): Addresses that may use the key; missing where there is no restriction.
            - update_time (time): When it was changed, UTC.
            - api_key (id): The key, masked.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Update-IP-Restriction-for-Sub-Account-API-key-For-Master-Account
        """
        return self._run(
            account_writes.SET_IP_RESTRICTION,
            {
                "sub_account_id": sub_account_id,
                "api_key": api_key,
                "restriction": restriction,
                "addresses": addresses,
            },
            CallOptions(idempotency_key),
        )

    def remove_addresses(
        self,
        sub_account_id: str | int,
        api_key: str | int,
        *,
        addresses: str | Sequence[str],
        idempotency_key: str | None = None,
    ) -> T:
        """Removes addresses from those that may use an API key of a sub-account.

        DELETE /sapi/v1/broker/subAccountApi/ipRestriction/ipList: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone).

        An unknown outcome is resolved by reading the value back with `exchange.ip_restriction`, no matter
        who set it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, the whole of it.
            addresses: IP addresses to remove: at least one. Without any left the key may be used from
                anywhere.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The key, masked.
            - ip_list (texts): Addresses that may use the key; missing where there is no restriction.
            - update_time (time): When it was changed, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/account/Delete-IPRestriction-for-Sub-Account-Api-Key
        """
        return self._run(
            account_writes.REMOVE_ADDRESSES,
            {"sub_account_id": sub_account_id, "api_key": api_key, "addresses": addresses},
            CallOptions(idempotency_key),
        )
