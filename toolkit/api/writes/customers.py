"""The methods of `ops.spot`, `ops.futures` and `ops.portfolio`: ids of customers."""

from __future__ import annotations

from toolkit.api.writes.resource import T, WriteResource
from toolkit.endpoints import link_futures, link_portfolio, link_spot
from toolkit.writes.request import CallOptions


class SpotWrites(WriteResource[T]):
    """Link and Trade (Spot): ids of customers."""

    def set_customer_id(self, customer_id: str | int, email: str, *, idempotency_key: str | None = None) -> T:
        """Sets the id of a customer, replacing the one it had.

        POST /sapi/v1/apiReferral/customization: weight 1, rate limit sapi-ip (12,000 a minute for each IP
        address, for this endpoint alone).

        An unknown outcome is resolved by reading the value back with `spot.customers`, no matter who set
        it.

        Args:
            customer_id: The new id; no two customers may have the same.
            email: E-mail address of the customer.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - customer_id (id): The customer's new id.
            - email (email): E-mail address, masked.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Customize-Id-For-Client-For-Partner
        """
        return self._run(
            link_spot.SET_CUSTOMER_ID,
            {"customer_id": customer_id, "email": email},
            CallOptions(idempotency_key),
        )

    def set_own_customer_id(
        self, customer_id: str | int, agent_code: str | int, *, idempotency_key: str | None = None
    ) -> T:
        """Sets the id that the customer who owns the key has with the partner.

        POST /sapi/v1/apiReferral/userCustomization: weight 1, rate limit sapi-ip (12,000 a minute for
        each IP address, for this endpoint alone).

        Use the customer's key, not the partner's. An unknown outcome is resolved by reading the value
        back with `spot.customer_id`, no matter who set it.

        Args:
            customer_id: The new id; no two customers may have the same.
            agent_code: The partner's Link id.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - customer_id (id): The customer's new id.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/spot/Customize-Id-For-Client-For-Client
        """
        return self._run(
            link_spot.SET_OWN_CUSTOMER_ID,
            {"customer_id": customer_id, "agent_code": agent_code},
            CallOptions(idempotency_key),
        )


class FuturesWrites(WriteResource[T]):
    """Link and Trade (Futures): ids of customers."""

    def set_customer_id(self, customer_id: str | int, email: str, *, idempotency_key: str | None = None) -> T:
        """Sets the id of a futures customer.

        POST /fapi/v1/apiReferral/customization: weight 100, rate limit fapi (2,400 a minute for each IP
        address, shared by /fapi/*).

        An unknown outcome is resolved by reading the value back with `futures.customers`, no matter who
        set it.

        Args:
            customer_id: The new id; no two customers may have the same.
            email: E-mail address of the customer.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - customer_id (id): The customer's new id.
            - email (email): E-mail address, masked.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Customize-Id-For-Client-For-Partner
        """
        return self._run(
            link_futures.SET_CUSTOMER_ID,
            {"customer_id": customer_id, "email": email},
            CallOptions(idempotency_key),
        )

    def set_own_customer_id(
        self, customer_id: str | int, broker_id: str | int, *, idempotency_key: str | None = None
    ) -> T:
        """Sets the id that the futures customer who owns the key has with the partner.

        POST /fapi/v1/apiReferral/userCustomization: weight 100, rate limit fapi (2,400 a minute for each
        IP address, shared by /fapi/*).

        Use the customer's key, not the partner's. For a customer with Portfolio Margin, use
        `ops.portfolio.set_own_customer_id`. An unknown outcome is resolved by reading the value back with
        `futures.customer_id`, no matter who set it.

        Args:
            customer_id: The new id; no two customers may have the same.
            broker_id: The partner's Link id.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - broker_id (id): The partner's Link id.
            - customer_id (id): Id the customer has with the partner.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Customize-Id-For-Client-For-Client
        """
        return self._run(
            link_futures.SET_OWN_CUSTOMER_ID,
            {"customer_id": customer_id, "broker_id": broker_id},
            CallOptions(idempotency_key),
        )


class PortfolioWrites(WriteResource[T]):
    """Link and Trade (Portfolio Margin): ids of customers."""

    def set_own_customer_id(
        self, customer_id: str | int, broker_id: str | int, *, idempotency_key: str | None = None
    ) -> T:
        """Sets the id that the Portfolio Margin customer who owns the key has with the partner.

        POST /papi/v1/apiReferral/userCustomization: weight 100, rate limit papi (6,000 a minute for each
        IP address, shared by /papi/*).

        Use the customer's key, not the partner's. An unknown outcome is resolved by reading the value
        back with `portfolio.customer_id`, no matter who set it.

        Args:
            customer_id: The new id; no two customers may have the same.
            broker_id: The partner's Link id.
            idempotency_key: Name under which the write is made once, across restarts and kernels: a
                second call with the same key sends nothing and returns the first outcome.

        Returns:
            An `Outcome`; from `ops.preview`, a `Preview`. When confirmed, its `frame` has the columns

            - broker_id (id): The partner's Link id.
            - customer_id (id): Id the customer has with the partner.

        Raises:
            UsageError: An argument is invalid. Nothing was sent.
            PendingWriteError: An earlier call about the same thing is unresolved. Nothing was sent.
            JournalError: The journal cannot be written. Nothing was sent.

        Source: https://developers.binance.com/docs/binance_link/link-and-trade/futures/Customize-Id-For-Client-For-Client-PAPI
        """
        return self._run(
            link_portfolio.SET_OWN_CUSTOMER_ID,
            {"customer_id": customer_id, "broker_id": broker_id},
            CallOptions(idempotency_key),
        )
