"""The methods of `link.spot`."""

from __future__ import annotations

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints import link_spot
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.redaction import Emails


class SpotReads(ReadResource):
    """Link and Trade (Spot): customers who trade through the partner's product."""

    _system = "spot"

    def new_user(self, agent_code: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """Whether the customer who owns the key is new to the partner, as one row.

        GET /sapi/v1/apiReferral/ifNewUser: weight 100, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        Use the customer's key, not the partner's. A rebate applies when `rebate_working` and
        `if_new_user` are both true.

        Args:
            agent_code: The partner's Link id.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - agent_code (id): The partner's Link id.
            - rebate_working (flag): A rebate is being paid.
            - if_new_user (flag): New to the partner's Link id.
            - referrer_id (id): Account that referred the customer.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot
        """
        return self._fetch(link_spot.NEW_USER, {"agent_code": agent_code}, numbers=numbers)

    def customers(
        self,
        *,
        customer_id: str | int | None = None,
        email: str | None = None,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
    ) -> pd.DataFrame:
        """The ids the partner gave its customers, one row a customer.

        GET /sapi/v1/apiReferral/customization: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

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

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Get-Client-Email-Customized-Id
        """
        return self._fetch(
            link_spot.CUSTOMERS, {"customer_id": customer_id, "email": email}, numbers=numbers, emails=emails
        )

    def customer_id(self, agent_code: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """The id of the customer who owns the key, as one row.

        GET /sapi/v1/apiReferral/userCustomization: weight 1, rate limit sapi-ip (12,000 a minute for each
        IP address, for this endpoint alone).

        Use the customer's key, not the partner's.

        Args:
            agent_code: The partner's Link id.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - customer_id (id): Id the customer has with the partner.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Get-User-Customize-Id
        """
        return self._fetch(link_spot.CUSTOMER_ID, {"agent_code": agent_code}, numbers=numbers)

    def rebates(
        self,
        *,
        customer_id: str | int | None = None,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Spot rebates the partner earned from its customers, one row a trade.

        GET /sapi/v1/apiReferral/rebate/recentRecord: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        One request spans 7 days at most; a longer span is split into several requests. A response of 500
        rows is full, so its span is fetched again as two half-windows. The same holds for a response that
        may have been cut off at a lower limit: 100 rows cost three requests, 130 rows only one.

        Args:
            customer_id: Only this customer.
            start: Start of the span, included; defaults to 7 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - customer_id (id): Id the partner gave the customer; "" if none.
            - email (email): E-mail address, masked by the exchange.
            - income (amount): The rebate, in `asset`.
            - asset (text): Asset the rebate is paid in.
            - symbol (text): Symbol of the trade.
            - time (time): Time of the trade, UTC.
            - order_id (id): Id of the order.
            - trade_id (id): Id of the trade.
            - distribute_time (time): When the rebate was paid, UTC (since 2025-11-25).
            - commission_asset (text): Asset the fee was paid in (since 2025-11-25).
            - commission (amount): The fee, in `commission_asset` (since 2025-11-25).
            - convert_price (amount): Price at which the fee was converted into `asset` (since
                2025-11-25).

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Query-Rebate-Recent-Record-For-Partner
        """
        return self._fetch(
            link_spot.REBATES, {"customer_id": customer_id}, start=start, end=end, numbers=numbers
        )

    def kickbacks(
        self, *, start: When = None, end: When = None, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """Kickbacks the customer who owns the key received, one row a trade.

        GET /sapi/v1/apiReferral/kickback/recentRecord: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        A response of 1000 rows is full, so its span is fetched again as two half-windows. The same holds
        for a response that may have been cut off at a lower limit: 100 rows cost three requests, 130 rows
        only one. Use the customer's key, not the partner's. The exchange keeps the last 7 days.

        Args:
            start: Start of the span, included; defaults to 7 days before `end`. At most 7 days ago.
            end: End of the span, included; a date means its whole day. Defaults to now.
            numbers: Amounts as "float" or "exact" columns; defaults to the setting of the Link.

        Returns:
            A DataFrame with the columns

            - income (amount): The kickback, in `asset`.
            - asset (text): Asset it is paid in.
            - symbol (text): Symbol of the trade.
            - time (time): Time of the trade, UTC.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            ApiError: The exchange refused the request. Nothing was executed.
            ServerError: The exchange failed repeatedly; `partial` has the rows fetched until then.
            ContractError: A response is not as documented; `partial` has the rows fetched until then.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Query-Rebate-Recent-Record-For-Client
        """
        return self._fetch(link_spot.KICKBACKS, {}, start=start, end=end, numbers=numbers)
