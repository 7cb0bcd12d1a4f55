"""The endpoints of the exchange, declared as frozen data: one module or folder for each system.

This package imports nothing else of the toolkit (`listing` aside), so that client and sandbox can share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from toolkit.endpoints.account.wallet.api_key import KEY_PERMISSIONS
from toolkit.endpoints.hosts import ALTERNATES, BASE_URLS, EXCHANGE_DOMAINS, Host
from toolkit.endpoints.model import (
    NO_PAGING,
    Column,
    Endpoint,
    Method,
    Paging,
    Param,
    Security,
    System,
    Window,
)
from toolkit.endpoints.namespaces import NAMESPACES, Namespace
from toolkit.endpoints.owners import CUSTOMER_ENDPOINTS, CUSTOMER_ONLY_ENDPOINTS, OWN_ENDPOINTS
from toolkit.endpoints.rate_limits import API, FAPI, PAPI, RATE_LIMITS, SAPI_IP, SAPI_UID, RateLimit
from toolkit.endpoints.writes import Expectation, Reconciliation, TransferLeg, Write

ENDPOINTS: tuple[Endpoint, ...] = tuple(each for namespace in NAMESPACES for each in namespace.reads)
WRITES: tuple[Write, ...] = tuple(each for namespace in NAMESPACES for each in namespace.writes)

ENDPOINTS_BY_NAME: dict[str, Endpoint] = {endpoint.qualified_name: endpoint for endpoint in ENDPOINTS}
WRITES_BY_NAME: dict[str, Write] = {write.qualified_name: write for write in WRITES}


def by_route(endpoints: Iterable[Endpoint]) -> dict[tuple[str, str], tuple[Endpoint, ...]]:
    """The endpoints of each method and path: several where one response has several kinds of rows."""
    routes: dict[tuple[str, str], tuple[Endpoint, ...]] = {}
    for endpoint in endpoints:
        route = endpoint.method, endpoint.path
        routes[route] = (*routes.get(route, ()), endpoint)
    return routes


ENDPOINTS_BY_ROUTE = by_route((*ENDPOINTS, *WRITES))


def requested(endpoints: Iterable[Endpoint], sent: Mapping[str, object]) -> Endpoint | None:
    """Of the endpoints of one route, the one that a request is for; None if there are none.

    Where a required text tells them apart, it is the one whose text was sent; otherwise the first.
    """
    known = tuple(endpoints)

    def fits(endpoint: Endpoint) -> bool:
        return all(
            sent.get(param.field) == param.fixed
            for param in endpoint.params
            if param.required and isinstance(param.fixed, str)
        )

    return next(filter(fits, known), known[0] if known else None)


def rate_limit_for(path: str, *, uid: bool = False) -> RateLimit | None:
    """The rate limit for a path that is not declared, None where no known host serves the path."""
    for rate_limit in sorted(RATE_LIMITS, key=lambda each: not each.paths):  # single paths come first
        applies = path in rate_limit.paths if rate_limit.paths else path.startswith(rate_limit.prefix)
        if applies and (rate_limit.scope == "UID") == (uid and not rate_limit.shared):
            return rate_limit
    return None


__all__ = [
    "ALTERNATES",
    "API",
    "BASE_URLS",
    "CUSTOMER_ENDPOINTS",
    "CUSTOMER_ONLY_ENDPOINTS",
    "ENDPOINTS",
    "ENDPOINTS_BY_NAME",
    "ENDPOINTS_BY_ROUTE",
    "EXCHANGE_DOMAINS",
    "FAPI",
    "KEY_PERMISSIONS",
    "NAMESPACES",
    "NO_PAGING",
    "OWN_ENDPOINTS",
    "PAPI",
    "RATE_LIMITS",
    "SAPI_IP",
    "SAPI_UID",
    "WRITES",
    "WRITES_BY_NAME",
    "Column",
    "Endpoint",
    "Expectation",
    "Host",
    "Method",
    "Namespace",
    "Paging",
    "Param",
    "RateLimit",
    "Reconciliation",
    "Security",
    "System",
    "TransferLeg",
    "Window",
    "Write",
    "by_route",
    "rate_limit_for",
    "requested",
]


def __dir__() -> list[str]:
    return __all__
