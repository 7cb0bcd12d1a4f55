"""Requests for market data to an exchange without sockets."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import NOW_MS, error, exchange, world
from toolkit.sandbox import Exchange, SandboxRequest, SandboxResponse
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import SPOT, UM, Market

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START_MS = world().start_ms
HISTORY = MarketHistory(world().seed, START_MS)
"""The market of the exchanges that `serve` makes."""


def spot(symbol: str) -> Market:
    return next(market for market in SPOT if market.symbol == symbol)


def um(symbol: str) -> Market:
    return next(market for market in UM if market.symbol == symbol)


def serve(now_ms: int = NOW_MS, **options: Any) -> Exchange:
    """An exchange with its clock at a time, and ample limits."""
    options.setdefault("limit_scale", 1000)
    return exchange(FakeClock(now_ms / 1000), **options)


def get(this: Exchange, path: str, params: Any = None, *, key: str = "") -> SandboxResponse:
    """The response to a request without a signature."""
    headers = {"X-MBX-APIKEY": key} if key else {}
    return this.handle(SandboxRequest("GET", path, urlencode(params or {}).encode(), b"", headers))


def answer(this: Exchange, path: str, key: str = "", **params: object) -> Any:
    """The payload of the response, which must not be a refusal."""
    response = get(this, path, params, key=key)
    assert response.status == 200, response.body
    return response.json()


def code(this: Exchange, path: str, key: str = "", **params: object) -> int:
    """The code of the refusal of a request."""
    status, refusal = error(get(this, path, params, key=key))
    assert status in (400, 401)
    return refusal


def weight(this: Exchange, path: str, **params: object) -> int:
    """What a request was charged."""
    get(this, path, params)
    return this.log[-1].weight
