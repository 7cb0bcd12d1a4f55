"""Doors of `link.spot`."""

from __future__ import annotations

import pandas as pd

from toolkit.api.reads.resource import ReadResource
from toolkit.endpoints import link_spot
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.redaction import Emails


class SpotReads(ReadResource):
    """Link and Trade (Spot): customers that trade through the partner's product."""

    _system = "spot"

    def new_user(self, agent_code: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """Whether the customer who owns the key is new to the partner, as one row.

        GET /sapi/v1/apiReferral/ifNewUser: weight 100, pool sapi-ip (12,000 a minute for the address on
        this endpoint alone).

        Use the customer's key, not the partner's. A rebate applies when `rebate_working` and
        `if_new_user` are both true.

        Args:
            agent_code: The partner's Link id.
            numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.

        Returns:
            A frame with the columns

            - agent_code (id): The partner's Link id.
            - rebate_working (flag): A rebate is being paid.
            - if_new_user (flag): New to the partner's Link id.
            - referrer_id (id): Account that referred the customer.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ApiError: The exchange refused the request; nothing was executed.
            ServerError: The exchange's side failed time after time; `partial` is what had arrived.
            ContractError: The answer is not as documented; `partial` is what had arrived.

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

        GET /sapi/v1/apiReferral/customization: weight 1, pool sapi-ip (12,000 a minute for the address on
        this endpoint alone).

        Args:
            customer_id: Only the customer with this id.
            email: Only the customer with this e-mail address.
            numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.
            emails: E-mail addresses "masked" or "clear"; as chosen on the Link when not given. Two may
                have the same mask: tell rows apart, and join them, by `customer_id`.

        Returns:
            A frame with the columns

            - customer_id (id): Id the partner gave the customer.
            - email (email): E-mail address (personal data).

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ApiError: The exchange refused the request; nothing was executed.
            ServerError: The exchange's side failed time after time; `partial` is what had arrived.
            ContractError: The answer is not as documented; `partial` is what had arrived.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Get-Client-Email-Customized-Id
        """
        return self._fetch(
            link_spot.CUSTOMERS, {"customer_id": customer_id, "email": email}, numbers=numbers, emails=emails
        )

    def customer_id(self, agent_code: str | int, *, numbers: Numbers | None = None) -> pd.DataFrame:
        """The id of the customer who owns the key, as one row.

        GET /sapi/v1/apiReferral/userCustomization: weight 1, pool sapi-ip (12,000 a minute for the
        address on this endpoint alone).

        Use the customer's key, not the partner's.

        Args:
            agent_code: The partner's Link id.
            numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.

        Returns:
            A frame with the columns

            - customer_id (id): Id the customer has with the partner.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ApiError: The exchange refused the request; nothing was executed.
            ServerError: The exchange's side failed time after time; `partial` is what had arrived.
            ContractError: The answer is not as documented; `partial` is what had arrived.

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

        GET /sapi/v1/apiReferral/rebate/recentRecord: weight 1, pool sapi-ip (12,000 a minute for the
        address on this endpoint alone).

        One request spans 7 days at most; longer spans are put together. An answer of 500 rows is full:
        its span is asked for again in halves. So is that of one that may have been cut at fewer: 100 rows
        cost three requests where 130 cost one.

        Args:
            customer_id: Only this customer.
            start: First moment, included; 7 days before the end when not given.
            end: Last moment, included; a date means its whole day. Now when not given.
            numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.

        Returns:
            A frame with the columns

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
            UsageError: An argument cannot be right; nothing was sent.
            ApiError: The exchange refused the request; nothing was executed.
            ServerError: The exchange's side failed time after time; `partial` is what had arrived.
            ContractError: The answer is not as documented; `partial` is what had arrived.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Query-Rebate-Recent-Record-For-Partner
        """
        return self._fetch(
            link_spot.REBATES, {"customer_id": customer_id}, start=start, end=end, numbers=numbers
        )

    def kickbacks(
        self, *, start: When = None, end: When = None, numbers: Numbers | None = None
    ) -> pd.DataFrame:
        """Kickbacks the customer who owns the key received, one row a trade.

        GET /sapi/v1/apiReferral/kickback/recentRecord: weight 1, pool sapi-ip (12,000 a minute for the
        address on this endpoint alone).

        An answer of 1000 rows is full: its span is asked for again in halves. So is that of one that may
        have been cut at fewer: 100 rows cost three requests where 130 cost one. Use the customer's key,
        not the partner's. The exchange keeps the last 7 days.

        Args:
            start: First moment, included; 7 days before the end when not given. Not more than 7 days ago.
            end: Last moment, included; a date means its whole day. Now when not given.
            numbers: Amounts as "float" or "exact"; as chosen on the Link when not given.

        Returns:
            A frame with the columns

            - income (amount): The kickback, in `asset`.
            - asset (text): Asset it is paid in.
            - symbol (text): Symbol of the trade.
            - time (time): Time of the trade, UTC.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ApiError: The exchange refused the request; nothing was executed.
            ServerError: The exchange's side failed time after time; `partial` is what had arrived.
            ContractError: The answer is not as documented; `partial` is what had arrived.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Query-Rebate-Recent-Record-For-Client
        """
        return self._fetch(link_spot.KICKBACKS, {}, start=start, end=end, numbers=numbers)
