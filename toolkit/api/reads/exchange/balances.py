"""The methods of `link.exchange`: balances of sub-accounts."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints.exchange_link import balances
from toolkit.frames.builder import Numbers


class BalanceReads(ReadResource):
    """Balances of sub-accounts."""

    def spot_balances(
        self, *, sub_account_id: str | int | None = None, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """The spot balance of each sub-account, one row each.

        GET /sapi/v1/broker/subAccount/spotSummary: weight 3000, rate limit sapi-uid (180,000 a minute for
        each account (UID), for this endpoint alone).

        All pages are fetched, 20 rows a request, until a page is empty. A request returns up to 20
        sub-accounts, and the rate limit allows 60 requests a minute.

        Args:
            sub_account_id: Only this sub-account; all if not given.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - total_balance_of_btc (amount): Value of all spot assets, in BTC.
            - time (time): Time of the snapshot at the exchange, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Query-Sub-Account-Spot-Asset-Info
        """
        return self._fetch(balances.SPOT_BALANCES, {"sub_account_id": sub_account_id}, numbers=numbers)

    def margin_balances(
        self, *, sub_account_id: str | int | None = None, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """What each sub-account owns and owes on margin, one row each.

        GET /sapi/v1/broker/subAccount/marginSummary: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        All pages are fetched, 20 rows a request, until a page is empty.

        Args:
            sub_account_id: Only this sub-account; all if not given.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - margin_enable (flag): Margin is enabled.
            - sub_account_id (id): Id of the sub-account.
            - total_asset_of_btc (amount): Assets, in BTC; missing where margin is not enabled.
            - total_liability_of_btc (amount): Liabilities, in BTC; missing where margin is not enabled.
            - total_net_asset_of_btc (amount): Assets minus liabilities, in BTC; missing where margin is
                not enabled.
            - margin_level (amount): Ratio of assets to liabilities; missing where margin is not enabled.
            - time (time): Time of the snapshot at the exchange, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Query-Sub-Account-Margin-Asset-Info
        """
        return self._fetch(balances.MARGIN_BALANCES, {"sub_account_id": sub_account_id}, numbers=numbers)

    def futures_balances(
        self,
        market: Literal["um", "cm"],
        *,
        sub_account_id: str | int | None = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """What each sub-account holds in one futures market, one row each.

        GET /sapi/v3/broker/subAccount/futuresSummary: weight 60, rate limit sapi-uid (180,000 a minute
        for each account (UID), for this endpoint alone).

        All pages are fetched, 20 rows a request, until a page is empty. For sub-accounts without futures,
        only the id and `futures_enable` are set.

        Args:
            market: "um" for USD-margined, "cm" for coin-margined futures.
            sub_account_id: Only this sub-account; all if not given.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - sub_account_id (id): Id of the sub-account.
            - futures_enable (flag): Futures are enabled.
            - asset (text): Unit of the amounts, "USD"; only for market "um".
            - total_initial_margin (amount): Initial margin, in USD; only for market "um".
            - total_maintenance_margin (amount): Maintenance margin, in USD; only for market "um".
            - total_wallet_balance (amount): Wallet balance, in USD; only for market "um".
            - total_unrealized_profit (amount): Unrealised profit, in USD; only for market "um".
            - total_margin_balance (amount): Margin balance, in USD; only for market "um".
            - total_position_initial_margin (amount): Initial margin of positions, in USD; only for market
                "um".
            - total_open_order_initial_margin (amount): Initial margin of orders, in USD; only for market
                "um".
            - total_wallet_balance_of_usdt (amount): Wallet balance, in USDT; only for market "cm".
            - total_unrealized_profit_of_usdt (amount): Unrealised profit, in USDT; only for market "cm".
            - total_margin_balance_of_usdt (amount): Margin balance, in USDT; only for market "cm".
            - time (time): Time of the snapshot at the exchange, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/exchange-link/asset/Query-Sub-Account-Futures-Asset-Info
        """
        return self._fetch(
            balances.FUTURES_BALANCES, {"market": market, "sub_account_id": sub_account_id}, numbers=numbers
        )
