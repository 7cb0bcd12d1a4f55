"""exchangeInfo: the symbols of each exchange, their precision and filters, and the rate limits in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from toolkit.endpoints import API, FAPI, RateLimit
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.limits import Limits, interval
from toolkit.sandbox.market.symbols import Market, pair_of
from toolkit.sandbox.market_routes.market_data import MarketData, Rules
from toolkit.sandbox.messages import RefusalError

_FOREVER = 4_133_404_800_000
_MOST = "9000000.00000000"
_PERMISSIONS = {"SPOT", "MARGIN"}
# Documented order limits by rate limit: seconds of the interval, and number. `limit_scale` does not apply.
_ORDERS: Mapping[str, tuple[tuple[int, int], ...]] = {
    API.name: ((10, 50), (86_400, 160_000)),
    FAPI.name: ((60, 1200),),
}


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


def info(
    limits: Limits, rate_limit: RateLimit | None, symbols: Iterable[Mapping[str, object]], now_ms: int
) -> dict[str, object]:
    """The payload with these symbols."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": _rate_limits(limits, rate_limit),
        "exchangeFilters": [],
        "symbols": list(symbols),
    }


def spot_symbol(market: Market, status: str, *, permission_sets: bool = True) -> dict[str, object]:
    """A symbol of the spot market."""
    tick, step = f"{market.tick:.8f}", f"{market.step:.8f}"
    return {
        "symbol": market.symbol,
        "status": status,
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": status == "TRADING",
        "isMarginTradingAllowed": status == "TRADING",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": _MOST, "stepSize": step},
            {
                "filterType": "NOTIONAL",
                "minNotional": f"{market.min_notional:.8f}",
                "applyMinToMarket": True,
                "maxNotional": _MOST,
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }


def perpetual(market: Market, margin: str, listed_ms: int) -> dict[str, object]:
    """A perpetual future without its status, which USD-M and COIN-M name differently.

    Args:
        market: The market.
        margin: The asset that margin and profit are in.
        listed_ms: When trading began.
    """
    tick, step = f"{market.tick:f}", f"{market.step:f}"
    return {
        "symbol": market.symbol,
        "pair": pair_of(market),
        "contractType": "PERPETUAL",
        "deliveryDate": _FOREVER,
        "onboardDate": listed_ms,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": market.base,
        "quoteAsset": "USD" if margin == market.base else market.quote,
        "marginAsset": margin,
        "pricePrecision": market.price_decimals,
        "quantityPrecision": market.quantity_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"] if market.base in ("BTC", "LTC", "DOGE") else ["Layer-1"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "permissionSets": ["GRID", "COPY"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000000", "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": "9000000", "stepSize": step},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": f"{market.min_notional:f}"},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": "1.0500",
                "multiplierDown": "0.9500",
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def _rate_limit(kind: str, seconds: int, limit: int) -> dict[str, object]:
    number, _, word = interval(seconds)
    return {"rateLimitType": kind, "interval": word, "intervalNum": number, "limit": limit}


def _spot(data: MarketData, request: CheckedRequest) -> object:
    values, now_ms = request.values, request.now_ms
    if "symbolStatus" in values and ("symbol" in values or "symbols" in values):
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
    markets = data.wanted("spot", request)
    if "permissions" in values and not _PERMISSIONS & set(json.loads(values["permissions"])):
        markets = []
    with_sets = values.get("showPermissionSets", "true").lower() == "true"
    symbols = [spot_symbol(each, data.status(each, now_ms), permission_sets=with_sets) for each in markets]
    return info(data.limits, API, symbols, now_ms)


def _um(data: MarketData, request: CheckedRequest) -> object:
    now_ms = request.now_ms
    symbols = [_future(data, each, now_ms) for each in data.listed("um", now_ms)]
    assets = [
        {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
        for asset in ("USDT", "USDC", "BTC")
    ]
    return info(data.limits, FAPI, symbols, now_ms) | {"futuresType": "U_MARGINED", "assets": assets}


def _future(data: MarketData, market: Market, now_ms: int) -> dict[str, object]:
    hours, status = data.history.hours(market), data.status(market, now_ms)
    ended = {} if status == "TRADING" else {"deliveryDate": hours.delisted_ms}
    return perpetual(market, market.quote, hours.listed_ms) | {"status": status, **ended}


RULES: Rules = {"/api/v3/exchangeInfo": _spot, "/fapi/v1/exchangeInfo": _um}
