"""The methods of `link.exchange`: transfers and deposits."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints.exchange_link import transfers
from toolkit.frames.builder import Numbers
from toolkit.planning import When


class TransferReads(ReadResource):
    """Transfers and deposits."""

    def transfers(
        self,
        *,
        from_id: str | int | None = None,
        to_id: str | int | None = None,
        client_tran_id: str | int | None = None,
        show_all_status: bool = False,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Spot transfers between the partner and its sub-accounts, one row each.

        GET /sapi/v1/broker/transfer: weight 1, rate limit sapi-ip (12,000 a minute for each IP address,
        for this endpoint alone).

        One request spans 100 days at most; a longer span is split into several requests. All pages are
        fetched, 500 rows a request, until a page is empty.

        Args:
            from_id: Sub-account the funds came from.
            to_id: Sub-account the funds went to.
            client_tran_id: Only the transfer with this client id.
            show_all_status: Include failed transfers.
            start: Start of the span, included; defaults to 100 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - from_id (id): Sub-account the funds came from; empty or missing means the master account.
            - to_id (id): Sub-account the funds went to; empty or missing means the master account.
            - asset (text): The asset.
            - qty (amount): Amount transferred, in `asset`.
            - time (time): When it happened, UTC.
            - txn_id (id): Id of the transfer.
            - client_tran_id (id): Client id of the transfer; "" if none.
            - status (text): INIT, PROCESS, SUCCESS or FAILURE.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Query-Sub-Account-Transfer-History-Spot
        """
        return self._fetch(
            transfers.TRANSFERS,
            {
                "from_id": from_id,
                "to_id": to_id,
                "client_tran_id": client_tran_id,
                "show_all_status": show_all_status,
            },
            start=start,
            end=end,
            numbers=numbers,
        )

    def futures_transfers(
        self,
        sub_account_id: str | int,
        market: Literal["um", "cm"],
        *,
        client_tran_id: str | int | None = None,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Futures transfers of one sub-account, one row each.

        GET /sapi/v1/broker/transfer/futures: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        All pages are fetched, 500 rows a request, until a page is empty. The exchange keeps the last 30
        days.

        Args:
            sub_account_id: Id of the sub-account.
            market: "um" for USD-margined, "cm" for coin-margined futures.
            client_tran_id: Only the transfer with this client id.
            start: Start of the span, included; defaults to 30 days before `end`. At most 30 days ago.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - from_id (id): Sub-account the funds came from; "" means the master account.
            - to_id (id): Sub-account the funds went to; "" means the master account.
            - asset (text): The asset.
            - qty (amount): Amount transferred, in `asset`.
            - tran_id (id): Id of the transfer.
            - client_tran_id (id): Client id of the transfer; "" if none.
            - time (time): When it happened, UTC.
            - futures_type (integer): 1 USD-margined, 2 coin-margined.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Query-Sub-Account-Transfer-History-Futures
        """
        return self._fetch(
            transfers.FUTURES_TRANSFERS,
            {"sub_account_id": sub_account_id, "market": market, "client_tran_id": client_tran_id},
            start=start,
            end=end,
            numbers=numbers,
        )

    def universal_transfers(
        self,
        *,
        from_id: str | int | None = None,
        to_id: str | int | None = None,
        client_tran_id: str | int | None = None,
        show_all_status: bool = False,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Transfers between wallets of the partner and its sub-accounts, one row each.

        GET /sapi/v1/broker/universalTransfer: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        One request spans 100 days at most; a longer span is split into several requests. All pages are
        fetched, 500 rows a request, until a page is empty.

        Args:
            from_id: Sub-account the funds came from.
            to_id: Sub-account the funds went to.
            client_tran_id: Only the transfer with this client id.
            show_all_status: Include failed transfers.
            start: Start of the span, included; defaults to 30 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - from_id (id): Sub-account the funds came from; empty or missing means the master account.
            - to_id (id): Sub-account the funds went to; empty or missing means the master account.
            - asset (text): The asset.
            - qty (amount): Amount transferred, in `asset`.
            - time (time): When it happened, UTC.
            - status (text): INIT, PROCESS, SUCCESS or FAILURE.
            - txn_id (id): Id of the transfer.
            - client_tran_id (id): Client id of the transfer; "" if none.
            - from_account_type (text): Source wallet: SPOT, USDT_FUTURE, COIN_FUTURE, MARGIN.
            - to_account_type (text): Target wallet.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Query-Universal-Transfer-History
        """
        return self._fetch(
            transfers.UNIVERSAL_TRANSFERS,
            {
                "from_id": from_id,
                "to_id": to_id,
                "client_tran_id": client_tran_id,
                "show_all_status": show_all_status,
            },
            start=start,
            end=end,
            numbers=numbers,
        )

    def deposits(
        self,
        *,
        sub_account_id: str | int | None = None,
        coin: str | None = None,
        status: Literal["pending", "success", "credited"] | None = None,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Deposits into sub-accounts, one row each.

        GET /sapi/v1/broker/subAccount/depositHist: weight 10, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        One request spans just under 7 days at most; a longer span is split into several requests. All
        pages are fetched, 500 rows a request, until a page is empty.

        Args:
            sub_account_id: Only this sub-account; all if not given.
            coin: Only this coin.
            status: Only deposits in this state.
            start: Start of the span, included; defaults to just under 7 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - deposit_id (id): Id of the deposit (since 2023-11-20).
            - sub_account_id (id): Id of the sub-account.
            - address (text): Address of the deposit.
            - address_tag (text): Tag or memo; "" if none.
            - amount (amount): Amount, in `coin`.
            - coin (text): The coin.
            - insert_time (time): When the deposit was registered, UTC.
            - transfer_type (integer): 0 external, 1 internal (off-chain).
            - network (text): Network of the deposit.
            - status (integer): 0 pending, 6 credited but not withdrawable, 1 success; an example also has
                3.
            - tx_id (id): Transaction id; "Off-chain transfer ..." for internal ones.
            - source_address (text): Address it came from (missing in some responses).
            - confirm_times (text): Confirmations, such as "12/12".
            - self_return_status (integer): Not documented (since 2023-11-20).
            - travel_rule_status (integer): 0 no action needed, 1 information about the deposit is
                required (since 2025-02-26).

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Get-Sub-Account-Deposit-History
        """
        return self._fetch(
            transfers.DEPOSITS,
            {"sub_account_id": sub_account_id, "coin": coin, "status": status},
            start=start,
            end=end,
            numbers=numbers,
        )

    def deposit(
        self, deposit_id: str | int, sub_account_id: str | int, *, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """One deposit, looked up by its id.

        GET /sapi/v2/broker/subAccount/depositHist: weight 10, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        All pages are fetched, 500 rows a request, until a page is empty.

        Args:
            deposit_id: Id of the deposit.
            sub_account_id: Id of the sub-account.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - deposit_id (id): Id of the deposit (since 2023-11-20).
            - sub_account_id (id): Id of the sub-account.
            - address (text): Address of the deposit.
            - address_tag (text): Tag or memo; "" if none.
            - amount (amount): Amount, in `coin`.
            - coin (text): The coin.
            - insert_time (time): When the deposit was registered, UTC.
            - transfer_type (integer): 0 external, 1 internal (off-chain).
            - network (text): Network of the deposit.
            - status (integer): 0 pending, 6 credited but not withdrawable, 1 success; an example also has
                3.
            - tx_id (id): Transaction id; "Off-chain transfer ..." for internal ones.
            - source_address (text): Address it came from (missing in some responses).
            - confirm_times (text): Confirmations, such as "12/12".
            - self_return_status (integer): Not documented (since 2023-11-20).
            - travel_rule_status (integer): 0 no action needed, 1 information about the deposit is
                required (since 2025-02-26).

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Get-Sub-Account-Deposit-History-v2
        """
        return self._fetch(
            transfers.DEPOSIT, {"deposit_id": deposit_id, "sub_account_id": sub_account_id}, numbers=numbers
        )
