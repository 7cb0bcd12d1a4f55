"""The methods of `link.exchange`: commissions and rebates."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints.exchange_link import fees
from toolkit.frames.builder import Numbers
from toolkit.planning import When


class FeeReads(ReadResource):
    """Commissions and rebates."""

    def um_commission(
        self, sub_account_id: str | int, symbol: str, *, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """The USD-M futures commission of one sub-account, one row a symbol.

        GET /sapi/v1/broker/subAccountApi/commission/futures: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone).

        Args:
            sub_account_id: Id of the sub-account.
            symbol: The symbol, such as BTCUSDT.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - symbol (text): The symbol.
            - maker_commission (integer): Maker commission in millionths: 100 is 0.01 %.
            - taker_commission (integer): Taker commission in millionths: 100 is 0.01 %.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee/Query-Sub-Account-UM-Futures-Commission
        """
        return self._fetch(
            fees.UM_COMMISSION, {"sub_account_id": sub_account_id, "symbol": symbol}, numbers=numbers
        )

    def cm_commission(
        self, sub_account_id: str | int, pair: str, *, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """The COIN-M futures commission of one sub-account, one row a pair.

        GET /sapi/v1/broker/subAccountApi/commission/coinFutures: weight 1, rate limit sapi-ip (12,000 a
        minute for each IP address, for this endpoint alone).

        Args:
            sub_account_id: Id of the sub-account.
            pair: The pair, such as BTCUSD.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - pair (text): The pair.
            - maker_commission (integer): Maker commission in millionths: 100 is 0.01 %.
            - taker_commission (integer): Taker commission in millionths: 100 is 0.01 %.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee/Query-Sub-Account-CM-Futures-Commission
        """
        return self._fetch(
            fees.CM_COMMISSION, {"sub_account_id": sub_account_id, "pair": pair}, numbers=numbers
        )

    def rebates(
        self,
        *,
        sub_account_id: str | int | None = None,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Spot commission rebates from the partner's sub-accounts, one row a trade.

        GET /sapi/v1/broker/rebate/recentRecord: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        One request spans just under 7 days at most; a longer span is split into several requests. All
        pages are fetched, 500 rows a request, until a page is empty.

        Args:
            sub_account_id: Only this sub-account; all if not given.
            start: Start of the span, included; defaults to just under 7 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - income (amount): The rebate, in `asset`.
            - asset (text): The asset.
            - symbol (text): Symbol of the trade.
            - trade_id (id): Id of the trade.
            - time (time): Time of the trade, UTC.
            - status (integer): 0 pending, 1 successful, 2 failed.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee/Query-Spot-Commission-Rebate-Recent-Record
        """
        return self._fetch(
            fees.REBATES, {"sub_account_id": sub_account_id}, start=start, end=end, numbers=numbers
        )

    def futures_rebates(
        self,
        market: Literal["um", "cm"],
        *,
        filter_result: bool = False,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Futures commission rebates of one market, one row a trade.

        GET /sapi/v1/broker/rebate/futures/recentRecord: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        One request spans just under 7 days at most; a longer span is split into several requests. All
        pages are fetched, 100 rows a request, until a page is empty. It cannot be filtered by
        sub-account.

        Args:
            market: "um" for USD-margined, "cm" for coin-margined futures.
            filter_result: Leave out rebates that are not from the partner's sub-accounts (since
                2024-08-16).
            start: Start of the span, included; defaults to just under 7 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - income (amount): The rebate, in `asset`.
            - asset (text): The asset.
            - symbol (text): Symbol of the trade.
            - trade_id (id): Id of the trade.
            - time (time): Time of the trade, UTC.
            - status (integer): 0 pending, 1 successful, 2 failed.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/fee/Query-Futures-Commission-Rebate-Record
        """
        return self._fetch(
            fees.FUTURES_REBATES,
            {"market": market, "filter_result": filter_result},
            start=start,
            end=end,
            numbers=numbers,
        )
