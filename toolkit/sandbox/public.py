"""Public endpoints: ping, time, exchangeInfo, system status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.endpoints import API, FAPI, PAPI, SAPI_IP, RateLimit
from toolkit.sandbox.limits import Limits, interval
from toolkit.sandbox.market.symbols import CM, SPOT, UM, Market, pair_of
from toolkit.sandbox.messages import RefusalError

# Documented order limits by rate limit: seconds of the interval, and number. `limit_scale` does not apply.
_ORDERS: Mapping[str, tuple[tuple[int, int], ...]] = {
    API.name: ((10, 50), (86_400, 160_000)),
    FAPI.name: ((60, 1200),),
}


@dataclass(frozen=True, slots=True)
class PublicRequest:
    """A public request, and what is needed to answer it."""

    limits: Limits
    now_ms: int
    values: Mapping[str, str]


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


def _status(request: PublicRequest) -> object:
    return {"status": 0, "msg": "normal"}


def _rate_limits(limits: Limits, rate_limit: RateLimit | None) -> list[dict[str, object]]:
    """The enforced weight, and the documented order limits.

    The sandbox accepts no orders, so those never apply. RAW_REQUESTS, documented for /api as well, is left
    out because the sandbox does not enforce it.
    """
    if rate_limit is None:
        return []
    weight = _rate_limit(
        "REQUEST_WEIGHT", limits.rate_limits[rate_limit.name].seconds, limits.limits[rate_limit.name]
    )
    return [weight, *(_rate_limit("ORDERS", *order) for order in _ORDERS[rate_limit.name])]


def _rate_limit(kind: str, seconds: int, limit: int) -> dict[str, object]:
    number, _, word = interval(seconds)
    return {"rateLimitType": kind, "interval": word, "intervalNum": number, "limit": limit}


def _info(request: PublicRequest, rate_limit: RateLimit | None, symbols: list[dict[str, object]]) -> object:
    return {
        "timezone": "UTC",
        "serverTime": request.now_ms,
        "rateLimits": _rate_limits(request.limits, rate_limit),
        "exchangeFilters": [],
        "symbols": symbols,
    }


def _filters(market: Market) -> list[dict[str, object]]:
    tick, step = f"{market.tick:.8f}", f"{market.step:.8f}"
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
        {
            "filterType": "LOT_SIZE",
            "minQty": step,
            "maxQty": "9000000.00000000",
            "stepSize": step,
        },
        {"filterType": "NOTIONAL", "minNotional": f"{market.min_notional:.8f}", "applyMinToMarket": True},
    ]


def _spot_symbol(market: Market) -> dict[str, object]:
    return {
        "symbol": market.symbol,
        "status": "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": _filters(market),
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
    }


def _perpetual(market: Market, margin: str) -> dict[str, object]:
    return {
        "symbol": market.symbol,
        "pair": pair_of(market),
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "baseAsset": market.base,
        "quoteAsset": "USD" if margin == market.base else market.quote,
        "marginAsset": margin,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "orderTypes": ["LIMIT", "MARKET", "STOP", "TAKE_PROFIT"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": _filters(market),
    }


def _spot_info(request: PublicRequest) -> object:
    wanted = request.values.get("symbol")
    markets = [market for market in SPOT if wanted in (None, market.symbol)]
    if not markets:
        raise RefusalError(-1121, "Invalid symbol.")
    return _info(request, API, [_spot_symbol(market) for market in markets])


def _um_info(request: PublicRequest) -> object:
    symbols = [_perpetual(market, market.quote) | {"status": "TRADING"} for market in UM]
    return _info(request, FAPI, symbols)


def _cm_info(request: PublicRequest) -> object:
    symbols = [
        _perpetual(market, market.base)
        | {"contractStatus": "TRADING", "contractSize": 100 if market.base == "BTC" else 10}
        for market in CM
    ]
    return _info(request, None, symbols)


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
    "/api/v3/ping": PublicRoute(API, 1, _ping),
    "/api/v3/time": PublicRoute(API, 1, _time),
    "/api/v3/exchangeInfo": PublicRoute(API, 20, _spot_info),
    "/fapi/v1/ping": PublicRoute(FAPI, 1, _ping),
    "/fapi/v1/time": PublicRoute(FAPI, 1, _time),
    "/fapi/v1/exchangeInfo": PublicRoute(FAPI, 1, _um_info),
    "/papi/v1/ping": PublicRoute(PAPI, 1, _ping),
    "/sapi/v1/system/status": PublicRoute(SAPI_IP, 1, _status),
    # For clients that load all markets; the toolkit itself has no rate limit for these hosts.
    "/dapi/v1/ping": PublicRoute(None, 0, _ping),
    "/dapi/v1/time": PublicRoute(None, 0, _time),
    "/dapi/v1/exchangeInfo": PublicRoute(None, 0, _cm_info),
    "/eapi/v1/exchangeInfo": PublicRoute(None, 0, _options_info),
}
