"""The endpoints of the exchange, declared as frozen data: one module or folder for each system.

This package imports nothing else of the toolkit (`listing` aside), so that client and sandbox can share it.
"""

from __future__ import annotations

from toolkit.endpoints import exchange_link, link_futures, link_portfolio, link_spot
from toolkit.endpoints.account import KEY_PERMISSIONS
from toolkit.endpoints.hosts import ALTERNATES, BASE_URLS, EXCHANGE_DOMAINS, Host
from toolkit.endpoints.model import (
    NO_PAGING,
    SYSTEM_TITLES,
    Column,
    Endpoint,
    Method,
    Paging,
    Param,
    Security,
    System,
    Window,
)
from toolkit.endpoints.rate_limits import API, FAPI, PAPI, RATE_LIMITS, SAPI_IP, SAPI_UID, RateLimit
from toolkit.endpoints.writes import Expectation, Reconciliation, TransferLeg, Write

ENDPOINTS: tuple[Endpoint, ...] = (
    *exchange_link.ENDPOINTS,
    *link_spot.ENDPOINTS,
    *link_futures.ENDPOINTS,
    *link_portfolio.ENDPOINTS,
)

WRITES: tuple[Write, ...] = (
    *exchange_link.WRITES,
    *link_spot.WRITES,
    *link_futures.WRITES,
    *link_portfolio.WRITES,
)

ENDPOINTS_BY_NAME: dict[str, Endpoint] = {endpoint.qualified_name: endpoint for endpoint in ENDPOINTS}
WRITES_BY_NAME: dict[str, Write] = {write.qualified_name: write for write in WRITES}
ENDPOINTS_BY_ROUTE: dict[tuple[str, str], Endpoint] = {
    (e.method, e.path): e for e in (*ENDPOINTS, *WRITES, KEY_PERMISSIONS)
}


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
    "ENDPOINTS",
    "ENDPOINTS_BY_NAME",
    "ENDPOINTS_BY_ROUTE",
    "EXCHANGE_DOMAINS",
    "FAPI",
    "KEY_PERMISSIONS",
    "NO_PAGING",
    "PAPI",
    "RATE_LIMITS",
    "SAPI_IP",
    "SAPI_UID",
    "SYSTEM_TITLES",
    "WRITES",
    "WRITES_BY_NAME",
    "Column",
    "Endpoint",
    "Expectation",
    "Host",
    "Method",
    "Paging",
    "Param",
    "RateLimit",
    "Reconciliation",
    "Security",
    "System",
    "TransferLeg",
    "Window",
    "Write",
    "rate_limit_for",
]


def __dir__() -> list[str]:
    return __all__
