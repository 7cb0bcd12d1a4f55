"""The methods of `link.futures`."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints import link_futures
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.redaction import Emails


class FuturesReads(ReadResource):
    """Link and Trade (Futures): customers on USD-M and COIN-M futures."""

    _system = "futures"

    def new_user(
        self, broker_id: str | int, *, market: Literal["um", "cm"] = "um", numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """Whether the customer who owns the key is new to the partner on futures, as one row.

        GET /fapi/v1/apiReferral/ifNewUser: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        Use the customer's key, not the partner's. For a customer with Portfolio Margin, use
        `link.portfolio.new_user`.

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

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures
        """
        return self._fetch(link_futures.NEW_USER, {"broker_id": broker_id, "market": market}, numbers=numbers)

    def customers(
        self,
        *,
        customer_id: str | int | None = None,
        email: str | None = None,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
    ) -> pd.DataFrame:
        """The ids the partner gave its futures customers, one row a customer.

        GET /fapi/v1/apiReferral/customization: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        All pages are fetched, 1000 rows a request, until a page is empty.

        Args:
            customer_id: Only the customer with this id.
            email: Only the customer with this e-mail address.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.
            emails: E-mail addresses "masked" or "clear"; defaults to the setting of the Link. Different
                addresses can have the same mask: identify and join rows by `customer_id`.

        Returns:
            A DataFrame with the columns

            - customer_id (id): Id the partner gave the customer.
            - email (email): E-mail address (personal data).

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-Client-Email-Customized-Id
        """
        return self._fetch(
            link_futures.CUSTOMERS,
            {"customer_id": customer_id, "email": email},
            numbers=numbers,
            emails=emails,
        )

    def customer_id(self, broker_id: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """The id of the futures customer who owns the key, as one row.

        GET /fapi/v1/apiReferral/userCustomization: weight 100, rate limit fapi (2,400 a minute for each
        IP address, shared by /fapi/*).

        Use the customer's key, not the partner's. For a customer with Portfolio Margin, use
        `link.portfolio.customer_id`.

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

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-User-Customize-Id
        """
        return self._fetch(link_futures.CUSTOMER_ID, {"broker_id": broker_id}, numbers=numbers)

    def income(
        self,
        *,
        symbol: str | None = None,
        income_type: str | None = None,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Income of the futures account that owns the key, one row a transaction.

        GET /fapi/v1/income: weight 30, rate limit fapi (2,400 a minute for each IP address, shared by
        /fapi/*).

        A response of 1000 rows is full, so its span is fetched again as two half-windows. The same holds
        for a response that may have been cut off at a lower limit: 100 rows cost three requests, 130 rows
        only one. The exchange keeps the last three months. The weight is 30 in every source but the Link
        page, which has 100.

        Args:
            symbol: Only this symbol.
            income_type: Only this type, such as TRANSFER, REALIZED_PNL, FUNDING_FEE, COMMISSION or
                API_REBATE.
            start: Start of the span, included; defaults to 7 days before `end`. At most 90 days ago.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - symbol (text): Symbol it relates to; "" if none.
            - income_type (text): Type of income.
            - income (amount): Signed amount, in `asset`.
            - asset (text): The asset.
            - info (text): Free text from the exchange.
            - time (time): Time of the transaction, UTC.
            - tran_id (id): Id of the transaction, unique within its type (derivatives page only).
            - trade_id (id): Id of the trade; "" if none (derivatives page only).

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-Income-History
        """
        return self._fetch(
            link_futures.INCOME,
            {"symbol": symbol, "income_type": income_type},
            start=start,
            end=end,
            numbers=numbers,
        )

    def overview(self, *, market: Literal["um", "cm"] = "um", numbers: Numbers | None = None) -> pd.DataFrame:
        """Totals of the partner's futures business since its start, as one row.

        GET /fapi/v1/apiReferral/overview: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        Args:
            market: "um" for USD-margined, "cm" for coin-margined futures.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - broker_id (id): The partner's Link id.
            - new_trader_rebate_commission (amount): Share of the fee for new customers, as a fraction:
                0.3 is 30 %.
            - old_trader_rebate_commission (amount): Share of the fee for old customers, as a fraction.
            - total_trade_user (integer): Number of customers who traded.
            - unit (text): Unit of the amounts, such as USDT.
            - total_trade_vol (amount): Total trading volume, in `unit`.
            - total_rebate_vol (amount): Total rebate, in `unit`.
            - time (time): Time the figures refer to, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-Rebate-Data-Overview
        """
        return self._fetch(link_futures.OVERVIEW, {"market": market}, numbers=numbers)

    def volumes(
        self,
        *,
        market: Literal["um", "cm"] = "um",
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Trading volume of all customers on futures, one row a day.

        GET /fapi/v1/apiReferral/tradeVol: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        A response of 1000 rows is full, so its span is fetched again as two half-windows. The same holds
        for a response that may have been cut off at a lower limit: 100 rows cost three requests, 130 rows
        only one.

        Args:
            market: "um" for USD-margined, "cm" for coin-margined futures.
            start: Start of the span, included; defaults to 30 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - unit (text): Unit of the amounts, such as USDT.
            - trade_vol (amount): Trading volume, in `unit`.
            - time (time): The day, as midnight UTC at its start.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-User-Trade-Volume
        """
        return self._fetch(link_futures.VOLUMES, {"market": market}, start=start, end=end, numbers=numbers)

    def rebates(
        self,
        *,
        market: Literal["um", "cm"] = "um",
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Rebates the partner earned on futures, one row a day.

        GET /fapi/v1/apiReferral/rebateVol: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        A response of 1000 rows is full, so its span is fetched again as two half-windows. The same holds
        for a response that may have been cut off at a lower limit: 100 rows cost three requests, 130 rows
        only one.

        Args:
            market: "um" for USD-margined, "cm" for coin-margined futures.
            start: Start of the span, included; defaults to 30 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - unit (text): Unit of the amounts, such as USDT.
            - rebate_vol (amount): Rebate earned, in `unit`.
            - time (time): The day, as midnight UTC at its start.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-Rebate-Volume
        """
        return self._fetch(link_futures.REBATES, {"market": market}, start=start, end=end, numbers=numbers)

    def trader_counts(
        self,
        *,
        market: Literal["um", "cm"] = "um",
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """How many customers traded futures, one row a day.

        GET /fapi/v1/apiReferral/traderNum: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        A response of 1000 rows is full, so its span is fetched again as two half-windows. The same holds
        for a response that may have been cut off at a lower limit: 100 rows cost three requests, 130 rows
        only one. The documented example has two rows for one day, so the time does not identify a row.

        Args:
            market: "um" for USD-margined, "cm" for coin-margined futures.
            start: Start of the span, included; defaults to 30 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - new_trader (integer): Number of new customers who traded.
            - old_trader (integer): Number of old customers who traded.
            - time (time): The day, as midnight UTC at its start.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-Trader-Number
        """
        return self._fetch(
            link_futures.TRADER_COUNTS, {"market": market}, start=start, end=end, numbers=numbers
        )

    def traders(
        self,
        *,
        customer_id: str | int | None = None,
        market: Literal["um", "cm"] = "um",
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Trading volume and rebate of each customer on futures, one row per customer and day.

        GET /fapi/v1/apiReferral/traderSummary: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        A response of 1000 rows is full, so its span is fetched again as two half-windows. The same holds
        for a response that may have been cut off at a lower limit: 100 rows cost three requests, 130 rows
        only one.

        Args:
            customer_id: Only this customer.
            market: "um" for USD-margined, "cm" for coin-margined futures.
            start: Start of the span, included; defaults to 30 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - customer_id (id): Id the partner gave the customer, or a masked e-mail address if there is
                none.
            - unit (text): Unit of the amounts, such as USDT.
            - trade_vol (amount): Trading volume, in `unit`.
            - rebate_vol (amount): Rebate earned, in `unit`.
            - time (time): The day, as midnight UTC at its start.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Get-Trader-Detail
        """
        return self._fetch(
            link_futures.TRADERS,
            {"customer_id": customer_id, "market": market},
            start=start,
            end=end,
            numbers=numbers,
        )
