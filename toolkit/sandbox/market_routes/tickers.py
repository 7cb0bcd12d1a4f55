"""Tickers: last prices, best offers, and what happened in a day or another time."""

from __future__ import annotations

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.market.books import book
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.tickers import AVERAGE_MINUTES, Statistics, average_price, statistics
from toolkit.sandbox.market.trades import latest_trades
from toolkit.sandbox.market_routes.market_data import (
    SPOT_PLACES,
    MarketData,
    Row,
    Rules,
    decimal_text,
    for_each,
    price_text,
    quantity_text,
    quote_text,
)

_UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
# Of a symbol that was never traded.
_NOTHING = Statistics(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1)


def _price(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    last = latest_trades(data.history, market, 1, request.now_ms)
    # Sums of one number, or of none.
    row: Row = {"symbol": market.symbol, "price": price_text(market, int(last.price.sum()))}
    return row if market.kind == "spot" else row | {"time": int(last.time.sum())}


def _best(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    offers = _offers(data, market, request.now_ms)
    return {"symbol": market.symbol, **offers} | ({} if market.kind == "spot" else {"time": request.now_ms})


def _offers(data: MarketData, market: Market, now_ms: int) -> Row:
    """The best prices of the book; 0 where there is none."""
    best = book(data.history, market, now_ms, 1)
    columns = (
        (best.bid_prices, best.bid_quantities, best.ask_prices, best.ask_quantities) if best else ((0,),) * 4
    )
    bid, bid_quantity, ask, ask_quantity = (int(column[0]) for column in columns)
    return {
        "bidPrice": price_text(market, bid),
        "bidQty": quantity_text(market, bid_quantity),
        "askPrice": price_text(market, ask),
        "askQty": quantity_text(market, ask_quantity),
    }


def _day(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    now_ms = request.now_ms
    start_ms = now_ms - DAY_MS
    found = statistics(data.history, market, start_ms, now_ms) or _NOTHING
    times = {"openTime": start_ms, "closeTime": now_ms}
    if request.values.get("type") == "MINI":
        return _mini(market, found, times)
    is_spot = market.kind == "spot"
    return {
        "symbol": market.symbol,
        **_changes(market, found),
        **({"prevClosePrice": price_text(market, found.previous_close)} if is_spot else {}),
        "lastPrice": price_text(market, found.last),
        "lastQty": quantity_text(market, found.last_quantity),
        **(_offers(data, market, now_ms) if is_spot else {}),
        **_prices(market, found),
        **_volumes(market, found, times),
    }


def _trading_day(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    start_ms = request.now_ms // DAY_MS * DAY_MS
    return _until_now(data, request, market, {"openTime": start_ms, "closeTime": start_ms + DAY_MS - 1})


def _rolling(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    size = request.values.get("windowSize", "1d")
    start_ms = request.now_ms - int(size[:-1]) * _UNITS[size[-1]]
    return _until_now(
        data, request, market, {"openTime": start_ms // MINUTE_MS * MINUTE_MS, "closeTime": request.now_ms}
    )


def _until_now(data: MarketData, request: CheckedRequest, market: Market, times: dict[str, int]) -> Row:
    found = statistics(data.history, market, times["openTime"], request.now_ms) or _NOTHING
    if request.values.get("type") == "MINI":
        return _mini(market, found, times)
    return {
        "symbol": market.symbol,
        **_changes(market, found),
        **_prices(market, found),
        "lastPrice": price_text(market, found.last),
        **_volumes(market, found, times),
    }


def _mini(market: Market, found: Statistics, times: dict[str, int]) -> Row:
    return {
        "symbol": market.symbol,
        **_prices(market, found),
        "lastPrice": price_text(market, found.last),
        **_volumes(market, found, times),
    }


def _changes(market: Market, found: Statistics) -> Row:
    change = found.last - found.open
    return {
        "priceChange": price_text(market, change),
        "priceChangePercent": f"{100 * change / found.open if found.open else 0:.3f}",
        "weightedAvgPrice": _average_text(market, found.quote, found.volume),
    }


def _average_text(market: Market, quote: int, volume: int) -> str:
    ticks = quote * 10 ** (SPOT_PLACES - market.price_decimals) // volume if volume else 0
    return decimal_text(ticks, SPOT_PLACES, SPOT_PLACES)


def _prices(market: Market, found: Statistics) -> Row:
    return {
        "openPrice": price_text(market, found.open),
        "highPrice": price_text(market, found.high),
        "lowPrice": price_text(market, found.low),
    }


def _volumes(market: Market, found: Statistics, times: dict[str, int]) -> Row:
    return {
        "volume": quantity_text(market, found.volume),
        "quoteVolume": quote_text(market, found.quote),
        **times,
        "firstId": found.first_id,
        "lastId": found.last_id,
        "count": found.trades,
    }


def _average(data: MarketData, request: CheckedRequest) -> object:
    market = data.one("spot", request)
    found = average_price(data.history, market, request.now_ms)
    return {
        "mins": AVERAGE_MINUTES,
        "price": _average_text(market, found.quote if found else 0, found.volume if found else 0),
        "closeTime": found.close_time if found else 0,
    }


RULES: Rules = {
    "/api/v3/avgPrice": _average,
    "/api/v3/ticker/24hr": for_each("spot", _day),
    "/api/v3/ticker/tradingDay": for_each("spot", _trading_day),
    "/api/v3/ticker": for_each("spot", _rolling),
    "/api/v3/ticker/price": for_each("spot", _price),
    "/api/v3/ticker/bookTicker": for_each("spot", _best),
    "/fapi/v1/ticker/24hr": for_each("um", _day),
    "/fapi/v2/ticker/price": for_each("um", _price),
    "/fapi/v1/ticker/bookTicker": for_each("um", _best),
}
