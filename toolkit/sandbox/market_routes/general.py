"""What each exchange answers about itself: ping, time, and whether the system is under maintenance."""

from __future__ import annotations

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.market_routes.market_data import MarketData, Rules


def _ping(data: MarketData, request: CheckedRequest) -> object:
    return {}


def _time(data: MarketData, request: CheckedRequest) -> object:
    return {"serverTime": request.now_ms}


def _status(data: MarketData, request: CheckedRequest) -> object:
    if data.is_in_maintenance(request.now_ms):
        return {"status": 1, "msg": "system_maintenance"}
    return {"status": 0, "msg": "normal"}


RULES: Rules = {
    "/api/v3/ping": _ping,
    "/api/v3/time": _time,
    "/fapi/v1/ping": _ping,
    "/fapi/v1/time": _time,
    "/sapi/v1/system/status": _status,
}
