"""What the exchange tells anybody: ping, time, exchangeInfo, system status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.catalogue import API, FAPI, PAPI, SAPI_IP, Pool
from toolkit.sandbox.limits import Limits, interval
from toolkit.sandbox.world.market import CM, SPOT, UM, Market, pair_of


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A path that needs no key. A path of no pool costs nothing."""

    pool: Pool | None
    weight: int
    answer: Callable[[Limits, int], object]


def _ping(limits: Limits, now_ms: int) -> object:
    return {}


def _time(limits: Limits, now_ms: int) -> object:
    return {"serverTime": now_ms}


def _status(limits: Limits, now_ms: int) -> object:
    return {"status": 0, "msg": "normal"}


def _rate_limits(limits: Limits, pool: Pool | None) -> list[dict[str, object]]:
    """Exactly what is enforced, no more."""
    if pool is None:
        return []
    number, _, word = interval(limits.pools[pool.name].seconds)
    return [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": word,
            "intervalNum": number,
            "limit": limits.limits[pool.name],
        }
    ]


def _info(limits: Limits, now_ms: int, pool: Pool | None, symbols: list[dict[str, object]]) -> object:
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": _rate_limits(limits, pool),
        "exchangeFilters": [],
        "symbols": symbols,
    }


def _filters(market: Market) -> list[dict[str, object]]:
    tick = "0.01000000" if market.price > 1 else "0.00000001"
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00001000",
            "maxQty": "9000.00000000",
            "stepSize": "0.00001000",
        },
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
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


def _spot_info(limits: Limits, now_ms: int) -> object:
    return _info(limits, now_ms, API, [_spot_symbol(market) for market in SPOT])


def _um_info(limits: Limits, now_ms: int) -> object:
    symbols = [_perpetual(market, market.quote) | {"status": "TRADING"} for market in UM]
    return _info(limits, now_ms, FAPI, symbols)


def _cm_info(limits: Limits, now_ms: int) -> object:
    symbols = [
        _perpetual(market, market.base)
        | {"contractStatus": "TRADING", "contractSize": 100 if market.base == "BTC" else 10}
        for market in CM
    ]
    return _info(limits, now_ms, None, symbols)


def _options_info(limits: Limits, now_ms: int) -> object:
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
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
    # Only so that clients which load all markets find them; the toolkit has no pool for these hosts.
    "/dapi/v1/ping": PublicRoute(None, 0, _ping),
    "/dapi/v1/time": PublicRoute(None, 0, _time),
    "/dapi/v1/exchangeInfo": PublicRoute(None, 0, _cm_info),
    "/eapi/v1/exchangeInfo": PublicRoute(None, 0, _options_info),
}
