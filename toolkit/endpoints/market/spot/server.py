"""Whether the exchange responds, its time, and its maintenance."""

from __future__ import annotations

from toolkit.endpoints.market.shared import PING_COLUMNS, TIME_COLUMNS
from toolkit.endpoints.market.spot.shared import GENERAL_DOCS
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import API, SAPI_IP

PING = Endpoint(
    name="ping",
    system="market.spot",
    path="/api/v3/ping",
    security="NONE",
    rate_limit=API,
    columns=PING_COLUMNS,
    summary="Whether the exchange responds, as one row.",
    source=f"{GENERAL_DOCS}#ping",
)

TIME = Endpoint(
    name="time",
    system="market.spot",
    path="/api/v3/time",
    security="NONE",
    rate_limit=API,
    columns=TIME_COLUMNS,
    summary="The exchange's time, as one row.",
    source=f"{GENERAL_DOCS}#time",
)

SYSTEM_STATUS = Endpoint(
    name="system_status",
    system="market.spot",
    path="/sapi/v1/system/status",
    security="NONE",
    rate_limit=SAPI_IP,
    columns=(
        Column(name="status", field="status", kind="integer", doc="0 is normal, 1 is maintenance."),
        Column(name="message", field="msg", kind="text", doc="The same in words."),
    ),
    summary="Whether the exchange is under maintenance, as one row.",
    source="https://developers.binance.com/en/docs/catalog/core-trading-wallet/api/rest-api/others#system-status",
)
