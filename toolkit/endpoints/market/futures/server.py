"""Whether the exchange responds, and its time."""

from __future__ import annotations

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.market.shared import PING_COLUMNS, TIME_COLUMNS
from toolkit.endpoints.model import Endpoint
from toolkit.endpoints.rate_limits import FAPI

PING = Endpoint(
    name="ping",
    system="market.futures",
    path="/fapi/v1/ping",
    security="NONE",
    rate_limit=FAPI,
    columns=PING_COLUMNS,
    summary="Whether the exchange responds, as one row.",
    source=f"{DOCS}/Test-Connectivity",
)

TIME = Endpoint(
    name="time",
    system="market.futures",
    path="/fapi/v1/time",
    security="NONE",
    rate_limit=FAPI,
    columns=TIME_COLUMNS,
    summary="The exchange's time, as one row.",
    source=f"{DOCS}/Check-Server-Time",
)
