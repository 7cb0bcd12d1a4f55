"""The methods of `ops.exchange`: transfers and commissions."""

from __future__ import annotations

from typing import Literal

from toolkit.api.writes.resource import Amount, T, WriteResource
from toolkit.endpoints.exchange_link import money_writes
from toolkit.writes.request import CallOptions


class TransferWrites(WriteResource[T]):
    """Transfers, and commissions of sub-accounts."""

    def transfer(
        self,
        asset: str,
        amount: Amount,
        *,
        from_id: str | int | None = None,
        to_id: str | int | None = None,
        client_tran_id: str | int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Transfers funds between the spot wallets of the master account and of sub-accounts.

        POST /sapi/v1/broker/transfer: weight 1, rate limit sapi-ip (12,000 a minute for each IP address,
        for this endpoint alone). The key needs the "internal transfer" permission.

        An unknown outcome is resolved by the id generated for the call, which `exchange.transfers` shows.
        An id of your own is not proof: another call may carry it too.

        Args:
            asset: Asset to transfer, such as USDT.
            amount: Amount to transfer, as a Decimal or text ("12.5"); it is never rounded.
            from_id: Sub-account to transfer from; the master account if not given.
            to_id: Sub-account to transfer to; the master account if not given.
            client_tran_id: Unique id of your own for the transfer, at most 32 characters. If not given, a
                random one is used, which identifies the transfer beyond doubt.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - txn_id (id): Id of the transfer.
            - client_tran_id (id): Your own id of the transfer.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset
        """
        return self._run(
            money_writes.TRANSFER,
            {
                "asset": asset,
                "amount": amount,
                "from_id": from_id,
                "to_id": to_id,
                "client_tran_id": client_tran_id,
            },
            CallOptions(idempotency_key),
        )

    def transfer_futures(
        self,
        asset: str,
        amount: Amount,
        *,
        market: Literal["um", "cm"],
        from_id: str | int | None = None,
        to_id: str | int | None = None,
        client_tran_id: str | int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Transfers funds between the futures wallets of the master account and of sub-accounts.

        POST /sapi/v1/broker/transfer/futures: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone). The key needs the "internal transfer" permission.

        A master account may make 5,000 transfers a minute. An unknown outcome is resolved by the id
        generated for the call, which `exchange.futures_transfers` shows. An id of your own is not proof:
        another call may carry it too.

        Args:
            asset: Asset to transfer, such as USDT.
            amount: Amount to transfer, as a Decimal or text ("12.5"); it is never rounded.
            market: "um" for USD-margined, "cm" for coin-margined futures.
            from_id: Sub-account to transfer from; the master account if not given.
            to_id: Sub-account to transfer to; the master account if not given.
            client_tran_id: Unique id of your own for the transfer, at most 32 characters. If not given, a
                random one is used, which identifies the transfer beyond doubt.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - success (flag): The exchange reports success.
            - txn_id (id): Id of the transfer.
            - client_tran_id (id): Your own id of the transfer.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Sub-Account-Transfer-Futures
        """
        return self._run(
            money_writes.TRANSFER_FUTURES,
            {
                "asset": asset,
                "amount": amount,
                "market": market,
                "from_id": from_id,
                "to_id": to_id,
                "client_tran_id": client_tran_id,
            },
            CallOptions(idempotency_key),
        )

    def universal_transfer(
        self,
        asset: str,
        amount: Amount,
        *,
        from_wallet: Literal["spot", "um", "cm"],
        to_wallet: Literal["spot", "um", "cm"],
        from_id: str | int | None = None,
        to_id: str | int | None = None,
        client_tran_id: str | int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Transfers funds between any wallets of the master account and of sub-accounts.

        POST /sapi/v1/broker/universalTransfer: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone). The key needs the "internal transfer" permission.

        Transfers between two futures wallets are not possible. An unknown outcome is resolved by the id
        generated for the call, which `exchange.universal_transfers` shows. An id of your own is not
        proof: another call may carry it too.

        Args:
            asset: Asset to transfer, such as USDT.
            amount: Amount to transfer, as a Decimal or text ("12.5"); it is never rounded.
            from_wallet: Wallet to transfer from: "spot", "um" (USD-margined futures) or "cm"
                (coin-margined).
            to_wallet: Wallet to transfer to: "spot", "um" (USD-margined futures) or "cm" (coin-margined).
            from_id: Sub-account to transfer from; the master account if not given.
            to_id: Sub-account to transfer to; the master account if not given.
            client_tran_id: Unique id of your own for the transfer, at most 32 characters. If not given, a
                random one is used, which identifies the transfer beyond doubt.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - txn_id (id): Id of the transfer.
            - client_tran_id (id): Your own id of the transfer.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Universal-Transfer
        """
        return self._run(
            money_writes.UNIVERSAL_TRANSFER,
            {
                "asset": asset,
                "amount": amount,
                "from_wallet": from_wallet,
                "to_wallet": to_wallet,
                "from_id": from_id,
                "to_id": to_id,
                "client_tran_id": client_tran_id,
            },
            CallOptions(idempotency_key),
        )

    def transfer_within(
        self,
        sub_account_id: str | int,
        asset: str,
        amount: Amount,
        *,
        route: Literal["spot_to_um", "um_to_spot", "spot_to_cm", "cm_to_spot"],
        idempotency_key: str | None = None,
    ) -> T:
        """Transfers funds between the spot and futures wallets of one sub-account.

        POST /sapi/v1/broker/futures/accountTransfer: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone). The key needs the "Spot & Margin Trading" permission.

        It takes no client id, and no read shows it: use `universal_transfer` if you need to find the
        transfer again. No read resolves an unknown outcome. Check the sub-account's wallets
        (`link.exchange.spot_balances` and `futures_balances`), or its transfer history on the exchange's
        website, at the time of the journal entry.

        Args:
            sub_account_id: Id of the sub-account.
            asset: Asset to transfer, such as USDT.
            amount: Amount to transfer, as a Decimal or text ("12.5"); it is never rounded.
            route: Source and target wallet: "spot_to_um", "um_to_spot", "spot_to_cm" or "cm_to_spot".
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - txn_id (id): Id of the transfer.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Futures-Transfer-for-Link-Sub-account
        """
        return self._run(
            money_writes.TRANSFER_WITHIN,
            {"sub_account_id": sub_account_id, "asset": asset, "amount": amount, "route": route},
            CallOptions(idempotency_key),
        )

    def set_commission(
        self,
        sub_account_id: str | int,
        *,
        maker: Amount,
        taker: Amount,
        margin_maker: Amount | None = None,
        margin_taker: Amount | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Sets the spot and margin commission of a sub-account.

        POST /sapi/v1/broker/subAccountApi/commission: weight 4, rate limit sapi-uid (180,000 a minute for
        each account (UID), for this endpoint alone). The key needs the "trade" permission.

        `link.exchange.partner` returns the lowest and highest rate the partner may set. Margin rates need
        margin to be enabled; they follow the spot rates if not given. An unknown outcome is resolved by
        reading the value back with `exchange.sub_accounts`, no matter who set it.

        Args:
            sub_account_id: Id of the sub-account.
            maker: Spot maker commission, as a fraction: "0.001" is 0.1 %.
            taker: Spot taker commission, as a fraction: "0.001" is 0.1 %.
            margin_maker: Margin maker commission, as a fraction: "0.001" is 0.1 %.
            margin_taker: Margin taker commission, as a fraction: "0.001" is 0.1 %.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - maker_commission (amount): Spot maker commission, as a fraction.
            - taker_commission (amount): Spot taker commission, as a fraction.
            - margin_maker_commission (amount): Margin maker rate, as a fraction.
            - margin_taker_commission (amount): Margin taker rate, as a fraction.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee
        """
        return self._run(
            money_writes.SET_COMMISSION,
            {
                "sub_account_id": sub_account_id,
                "maker": maker,
                "taker": taker,
                "margin_maker": margin_maker,
                "margin_taker": margin_taker,
            },
            CallOptions(idempotency_key),
        )

    def set_um_commission(
        self,
        sub_account_id: str | int,
        symbol: str,
        *,
        maker_adjustment: int,
        taker_adjustment: int,
        idempotency_key: str | None = None,
    ) -> T:
        """Sets the USD-M futures commission of a sub-account, as an addition to its fee tier.

        POST /sapi/v1/broker/subAccountApi/commission/futures: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone). The key needs the "trade" permission.

        Futures must be enabled for it first. Other clients have these maxima: maker 200, taker 400. An
        unknown outcome is resolved only if `exchange.um_commission` shows no change: a change may have
        been made by another program.

        Args:
            sub_account_id: Id of the sub-account.
            symbol: The symbol, such as BTCUSDT.
            maker_adjustment: Addition to the maker commission of its fee tier, in millionths: 100 is 0.01
                %.
            taker_adjustment: Addition to the taker commission of its fee tier, in millionths: 100 is 0.01
                %.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - symbol (text): The symbol.
            - maker_adjustment (integer): Addition to the maker commission, in millionths.
            - taker_adjustment (integer): Addition to the taker commission, in millionths.
            - maker_commission (integer): Maker commission including it, in millionths.
            - taker_commission (integer): Taker commission including it, in millionths.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.
            NotExecutedError: The state before the call could not be read. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee/Change-Sub-Account-UM-Futures-Commission
        """
        return self._run(
            money_writes.SET_UM_COMMISSION,
            {
                "sub_account_id": sub_account_id,
                "symbol": symbol,
                "maker_adjustment": maker_adjustment,
                "taker_adjustment": taker_adjustment,
            },
            CallOptions(idempotency_key),
        )

    def set_cm_commission(
        self,
        sub_account_id: str | int,
        pair: str,
        *,
        maker_adjustment: int,
        taker_adjustment: int,
        idempotency_key: str | None = None,
    ) -> T:
        """Sets the COIN-M futures commission of a sub-account, as an addition to its fee tier.

        POST /sapi/v1/broker/subAccountApi/commission/coinFutures: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone). The key needs the "trade" permission.

        Futures must be enabled for it first. Other clients have these maxima: maker 100, taker 500. An
        unknown outcome is resolved only if `exchange.cm_commission` shows no change: a change may have
        been made by another program.

        Args:
            sub_account_id: Id of the sub-account.
            pair: The pair, such as BTCUSD.
            maker_adjustment: Addition to the maker commission of its fee tier, in millionths: 100 is 0.01
                %.
            taker_adjustment: Addition to the taker commission of its fee tier, in millionths: 100 is 0.01
                %.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - sub_account_id (id): Id of the sub-account.
            - pair (text): The pair.
            - maker_adjustment (integer): Addition to the maker commission, in millionths.
            - taker_adjustment (integer): Addition to the taker commission, in millionths.
            - maker_commission (integer): Maker commission including it, in millionths.
            - taker_commission (integer): Taker commission including it, in millionths.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.
            NotExecutedError: The state before the call could not be read. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee/Change-Sub-Account-CM-Futures-Commission
        """
        return self._run(
            money_writes.SET_CM_COMMISSION,
            {
                "sub_account_id": sub_account_id,
                "pair": pair,
                "maker_adjustment": maker_adjustment,
                "taker_adjustment": taker_adjustment,
            },
            CallOptions(idempotency_key),
        )
