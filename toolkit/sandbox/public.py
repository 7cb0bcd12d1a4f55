"""Public paths that no endpoint is declared for: what other clients ask when they load all markets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.endpoints import PAPI, RateLimit
from toolkit.sandbox.limits import Limits
from toolkit.sandbox.market.symbols import CM
from toolkit.sandbox.market_routes.exchange_info import info, perpetual


@dataclass(frozen=True, slots=True)
class PublicRequest:
    """A public request, and what is needed to answer it.

    Attributes:
        limits: The rate limits in force.
        start_ms: Beginning of history.
        now_ms: The exchange's time.
    """

    limits: Limits
    start_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A path that needs no key; without a rate limit it costs nothing."""

    rate_limit: RateLimit | None
    weight: int
    handler: Callable[[PublicRequest], object]


def _ping(request: PublicRequest) -> object:
    return {}


def _time(request: PublicRequest) -> object:
    return {"serverTime": request.now_ms}


def _cm_info(request: PublicRequest) -> object:
    symbols = [
        perpetual(market, market.base, request.start_ms)
        | {"contractStatus": "TRADING", "contractSize": 100 if market.base == "BTC" else 10}
        for market in CM
    ]
    return info(request.limits, None, symbols, request.now_ms)


def _options_info(request: PublicRequest) -> object:
    return {
        "timezone": "UTC",
        "serverTime": request.now_ms,
        "optionContracts": [],
        "optionAssets": [],
        "optionSymbols": [],
        "rateLimits": [],
    }


PUBLIC_ROUTES: Mapping[str, PublicRoute] = {
    "/papi/v1/ping": PublicRoute(PAPI, 1, _ping),
    # The toolkit itself has no rate limit for these hosts.
    "/dapi/v1/ping": PublicRoute(None, 0, _ping),
    "/dapi/v1/time": PublicRoute(None, 0, _time),
    "/dapi/v1/exchangeInfo": PublicRoute(None, 0, _cm_info),
    "/eapi/v1/exchangeInfo": PublicRoute(None, 0, _options_info),
}
