"""The rate limits of the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.endpoints.hosts import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A counter that requests are charged to, and its limit.

    Attributes:
        name: Name shown to users and in panels.
        host: The host that counts.
        prefix: Prefix of the paths it applies to.
        paths: The paths it applies to, where these are not all with its prefix.
        limit: Weight or number of requests allowed in one interval.
        seconds: Length of the interval, which starts at whole multiples of itself in server time.
        scope: Whether the exchange counts by IP address or by account (UID).
        shared: Whether all endpoints of the prefix share one counter, or each has its own.
        counts: Whether it counts the weight of requests, or each request as one.
        header: Response header with the used weight as the exchange counts it, "" where there is none.
        bans: Whether ignoring a 429 leads to a ban (418).
        limits_path: Path and query that return the limit in force, "" where there is none.
        limits_weight: Weight of a request to `limits_path`.
    """

    name: str
    host: Host
    prefix: str
    limit: int
    paths: tuple[str, ...] = ()
    seconds: int = 60
    scope: Literal["IP", "UID"] = "IP"
    shared: bool = True
    counts: Literal["weight", "requests"] = "weight"
    header: str = "X-MBX-USED-WEIGHT-1M"
    bans: bool = True
    limits_path: str = ""
    limits_weight: int = 1


# Naming one symbol keeps the response short; the limits are the same.
API = RateLimit(
    name="api",
    host="api",
    prefix="/api/",
    limit=6000,
    limits_path="/api/v3/exchangeInfo?symbol=BTCUSDT",
    limits_weight=20,
)
# On /sapi each endpoint has its own counters, and exceeding one always returns 429, never a ban
# (rate-limits page of 2026).
SAPI_IP = RateLimit(
    name="sapi-ip",
    host="api",
    prefix="/sapi/",
    limit=12_000,
    shared=False,
    header="X-SAPI-USED-IP-WEIGHT-1M",
    bans=False,
)
SAPI_UID = RateLimit(
    name="sapi-uid",
    host="api",
    prefix="/sapi/",
    limit=180_000,
    scope="UID",
    shared=False,
    header="X-SAPI-USED-UID-WEIGHT-1M",
    bans=False,
)
FAPI = RateLimit(name="fapi", host="fapi", prefix="/fapi/", limit=2400, limits_path="/fapi/v1/exchangeInfo")
PAPI = RateLimit(name="papi", host="papi", prefix="/papi/", limit=6000)
# Counted as requests, not as weight, and reported in no header.
FUNDING = RateLimit(
    name="fapi-funding",
    host="fapi",
    prefix="/fapi/",
    paths=("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo"),
    limit=500,
    seconds=300,
    counts="requests",
    header="",
)
FUTURES_DATA = RateLimit(
    name="futures-data",
    host="fapi",
    prefix="/futures/data/",
    limit=1000,
    seconds=300,
    counts="requests",
    header="",
)

RATE_LIMITS: tuple[RateLimit, ...] = (API, SAPI_IP, SAPI_UID, FAPI, PAPI, FUNDING, FUTURES_DATA)
