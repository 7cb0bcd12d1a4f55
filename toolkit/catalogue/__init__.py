"""WHAT the exchange offers: facts, frozen, one file (or folder) a system.

Imports nothing of ours, so that client and sandbox may both read it.
"""

from __future__ import annotations

from toolkit.catalogue import exchange_link, link_futures, link_portfolio, link_spot
from toolkit.catalogue.account import KEY_PERMISSIONS
from toolkit.catalogue.hosts import ALTERNATES, BASE_URLS, EXCHANGE_DOMAINS, Host
from toolkit.catalogue.model import (
    NO_PAGES,
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
from toolkit.catalogue.rate_limits import API, FAPI, PAPI, POOLS, SAPI_IP, SAPI_UID, Pool
from toolkit.catalogue.writes import Check, Movement, Reconciliation, Write

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

BY_DOOR: dict[str, Endpoint] = {endpoint.door: endpoint for endpoint in ENDPOINTS}
WRITE_BY_DOOR: dict[str, Write] = {write.door: write for write in WRITES}
BY_ROUTE: dict[tuple[str, str], Endpoint] = {
    (e.method, e.path): e for e in (*ENDPOINTS, *WRITES, KEY_PERMISSIONS)
}


def pool_of(path: str, *, uid: bool = False) -> Pool | None:
    """The pool that a path draws on when nothing else is known; None for a path of no known host."""
    for pool in POOLS:
        if path.startswith(pool.prefix) and (pool.scope == "UID") == (uid and not pool.shared):
            return pool
    return None


__all__ = [
    "ALTERNATES",
    "API",
    "BASE_URLS",
    "BY_DOOR",
    "BY_ROUTE",
    "ENDPOINTS",
    "EXCHANGE_DOMAINS",
    "FAPI",
    "KEY_PERMISSIONS",
    "NO_PAGES",
    "PAPI",
    "POOLS",
    "SAPI_IP",
    "SAPI_UID",
    "SYSTEM_TITLES",
    "WRITES",
    "WRITE_BY_DOOR",
    "Check",
    "Column",
    "Endpoint",
    "Host",
    "Method",
    "Movement",
    "Paging",
    "Param",
    "Pool",
    "Reconciliation",
    "Security",
    "System",
    "Window",
    "Write",
    "pool_of",
]


def __dir__() -> list[str]:
    return __all__
