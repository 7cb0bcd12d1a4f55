"""Whether the exchange responds, and its time."""

from __future__ import annotations

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

PING = Endpoint(
    name="ping",
    system="market.futures",
    path="/fapi/v1/ping",
    security="NONE",
    rate_limit=FAPI,
    columns=(
        Column(name="answered", field="", kind="flag", doc="The exchange responded.", derived="answered"),
    ),
    summary="Whether the exchange responds, as one row.",
    source=f"{DOCS}/Test-Connectivity",
)

TIME = Endpoint(
    name="time",
    system="market.futures",
    path="/fapi/v1/time",
    security="NONE",
    rate_limit=FAPI,
    columns=(Column(name="server_time", field="serverTime", kind="time", doc="Time of the exchange, UTC."),),
    summary="The exchange's time, as one row.",
    source=f"{DOCS}/Check-Server-Time",
)
