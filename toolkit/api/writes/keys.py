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

        No frame holds the key or its secret: `outcome.take_key()` returns them, once. At most one key a
        second can be created for a sub-account. Margin and futures must be enabled for the sub-account
        before its keys may trade them. An unknown outcome is resolved only if `exchange.api_keys` shows
        no new key: a new key may have been created by another program.

        Args:
            sub_account_id: Id of the sub-account.
            can_trade: The key may trade spot.
            margin_trade: The key may trade on margin.
            futures_trade: The key may trade futures.
            public_key: Public key (Ed25519 or RSA), for an API key without a secret. Keep the private
                key.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The API key, masked.
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
        """Deletes an API key of a sub-account. This cannot be undone.

        DELETE /sapi/v1/broker/subAccountApi: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone). The key needs the "trade" permission.

        At most one key a second can be deleted for a sub-account. An unknown outcome is resolved by
        absence from `exchange.api_keys`, no matter who deleted it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, in full.
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
        """Sets the trading permissions of an API key of a sub-account.

        POST /sapi/v1/broker/subAccountApi/permission: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone). The key needs the "trade" permission.

        Each call sets all three. Margin and futures must be enabled for the sub-account first. An unknown
        outcome is resolved by reading the value back with `exchange.api_keys`, no matter who set it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, in full.
            can_trade: The key may trade spot.
            margin_trade: The key may trade on margin.
            futures_trade: The key may trade futures.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The API key, masked.
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
        """Sets whether an API key of a sub-account may make universal transfers.

        POST /sapi/v1/broker/subAccountApi/permission/universalTransfer: weight 1, rate limit sapi-ip
        (12,000 a minute for each IP address, for this endpoint alone). The key needs the "trade"
        permission.

        No read resolves an unknown outcome. Check the key's permissions on the exchange's website: no
        read of the API shows this one. Setting it again is safe.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, in full.
            allowed: The key may transfer funds between the sub-account's wallets.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The API key, masked.
            - can_universal_transfer (flag): May transfer funds between the sub-account's wallets.

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
        """Sets from which IP addresses an API key of a sub-account may be used.

        POST /sapi/v2/broker/subAccountApi/ipRestriction: weight 3000, rate limit sapi-uid (180,000 a
        minute for each account (UID), for this endpoint alone).

        An unknown outcome is resolved by reading the value back with `exchange.ip_restriction`, no matter
        who set it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, in full.
            restriction: "on": only listed IP addresses may use the key; "off": any may.
            addresses: IP addresses to add to those that may use the key.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - status (text): "1" any IP address, "2" only listed ones.
            - ip_list (texts): IP addresses that may use the key; missing where there is no restriction.
            - update_time (time): When it was changed, UTC.
            - api_key (id): The API key, masked.

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
        """Removes IP addresses from those that may use an API key of a sub-account.

        DELETE /sapi/v1/broker/subAccountApi/ipRestriction/ipList: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone).

        An unknown outcome is resolved by reading the value back with `exchange.ip_restriction`, no matter
        who set it.

        Args:
            sub_account_id: Id of the sub-account.
            api_key: API key of the sub-account, in full.
            addresses: IP addresses to remove, at least one. If none is left, the key may be used from
                anywhere.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - api_key (id): The API key, masked.
            - ip_list (texts): IP addresses that may use the key; missing where there is no restriction.
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
