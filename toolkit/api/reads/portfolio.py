"""The methods of `link.portfolio`."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints import link_portfolio
from toolkit.frames.builder import Numbers


class PortfolioReads(ReadResource):
    """Link and Trade (Portfolio Margin): two futures reads, for customers with Portfolio Margin."""

    _system = "portfolio"

    def new_user(
        self, broker_id: str | int, *, market: Literal["um", "cm"] = "um", numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """Whether the Portfolio Margin customer who owns the key is new to the partner, as one row.

        GET /papi/v1/apiReferral/ifNewUser: weight 100, rate limit papi (6,000 a minute for each IP
        address, shared by /papi/*).

        Use the customer's key, not the partner's.

        Args:
            broker_id: The partner's Link id.
            market: "um" for USD-margined, "cm" for coin-margined futures.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - broker_id (id): The partner's Link id.
            - rebate_working (flag): A rebate is being paid.
            - if_new_user (flag): New to the partner's Link id.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Query-Client-If-New-User-PAPI
        """
        return self._fetch(
            link_portfolio.NEW_USER, {"broker_id": broker_id, "market": market}, numbers=numbers
        )

    def customer_id(self, broker_id: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """The id of the Portfolio Margin customer who owns the key, as one row.

        GET /papi/v1/apiReferral/userCustomization: weight 100, rate limit papi (6,000 a minute for each
        IP address, shared by /papi/*).

        Use the customer's key, not the partner's.

        Args:
            broker_id: The partner's Link id.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - broker_id (id): The partner's Link id.
            - customer_id (id): Id the customer has with the partner.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-User-Customize-Id-PAPI
        """
        return self._fetch(link_portfolio.CUSTOMER_ID, {"broker_id": broker_id}, numbers=numbers)
