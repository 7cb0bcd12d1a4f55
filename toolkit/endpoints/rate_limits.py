"""What requests are charged to, and how much each of these allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.endpoints.hosts import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A counter that the weight of requests is charged to, and what it allows.

    Attributes:
        name: What users and panels call it.
        host: The base host that counts.
        prefix: The paths it serves begin with this.
        limit: Weight allowed in one interval.
        seconds: Length of the interval; it turns at whole multiples of itself, in server time.
        scope: What the exchange counts by: the IP address or the account (UID).
        shared: Whether all endpoints of the prefix draw on one counter, or each has one of its own.
        header: The answer's header that carries the server's own count.
        bans: Whether ignoring a 429 is answered with a ban (418).
        limits_path: Where the exchange tells the limit that is in force, with its query; "" where nowhere.
        limits_weight: Weight of asking there.
    """

    name: str
    host: Host
    prefix: str
    limit: int
    seconds: int = 60
    scope: Literal["IP", "UID"] = "IP"
    shared: bool = True
    header: str = "X-MBX-USED-WEIGHT-1M"
    bans: bool = True
    limits_path: str = ""
    limits_weight: int = 1


# One symbol keeps the answer short; the limits are the same.
API = RateLimit(
    name="api",
    host="api",
    prefix="/api/",
    limit=6000,
    limits_path="/api/v3/exchangeInfo?symbol=BTCUSDT",
    limits_weight=20,
)
# On /sapi each endpoint has counters of its own, and the answer to too much is always 429: the
# ban does not apply there (rate-limits page of 2026).
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

RATE_LIMITS: tuple[RateLimit, ...] = (API, SAPI_IP, SAPI_UID, FAPI, PAPI)
