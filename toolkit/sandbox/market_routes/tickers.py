"""Tickers: last prices, best offers, and what happened in a day or another time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.symbols import Kind, Market
from toolkit.sandbox.market.trades import MarketTrades, trade_count, trades, trades_between
from toolkit.sandbox.market_routes.market_data import (
    SPOT_PLACES,
    MarketData,
    Row,
    Rule,
    Rules,
    decimal_text,
    price_text,
    quantity_text,
    quote_text,
)

MINUTE = 60_000
DAY = 86_400_000
_AVERAGE_MINUTES = 5
_UNITS = {"m": MINUTE, "h": 60 * MINUTE, "d": DAY}
_NO_TRADE = -1

RowMaker = Callable[[MarketData, CheckedRequest, Market], Row]


@dataclass(frozen=True, slots=True)
class Statistics:
    """The trades of a span: prices in ticks, volume in steps, quote volume in ticks times steps."""

    open: int
    high: int
    low: int
    last: int
    volume: int
    quote_volume: int
    first_id: int
    count: int

    @property
    def last_id(self) -> int:
        """Id of the last trade."""
        return self.first_id + self.count - 1 if self.count else _NO_TRADE


def statistics(data: MarketData, market: Market, start_ms: int, now_ms: int) -> Statistics:
    """The trades from a time until now, both included."""
    minute = -(-start_ms // MINUTE) * MINUTE
    begun = trades_between(data.history, market, start_ms, min(minute - 1, now_ms))
    whole = candles(
        data.history, market, "1m", start_ms=minute, limit=(now_ms - start_ms) // MINUTE + 2, now_ms=now_ms
    )
    whole = whole[whole.trades > 0]
    count = len(begun) + int(whole.trades.sum())
    if not count:
        price = int(last_trade(data, market, now_ms).price.sum())
        return Statistics(price, price, price, price, 0, 0, _NO_TRADE, 0)
    prices = [*begun.price.tolist(), *whole.high.tolist()], [*begun.price.tolist(), *whole.low.tolist()]
    return Statistics(
        open=int(begun.price[0] if len(begun) else whole.open[0]),
        high=max(prices[0]),
        low=min(prices[1]),
        last=int(whole.close[-1] if len(whole) else begun.price[-1]),
        volume=int(begun.quantity.sum() + whole.volume.sum()),
        quote_volume=int((begun.price * begun.quantity).sum() + whole.quote.sum()),
        first_id=int(begun.id[0] if len(begun) else whole.first_trade[0]),
        count=count,
    )


def last_trade(data: MarketData, market: Market, now_ms: int) -> MarketTrades:
    """The last trade, none before the first one."""
    last = trade_count(data.history, market, now_ms) - 1
    return trades(data.history, market, last, last)


def each(kind: Kind, row: RowMaker) -> Rule:
    """A rule that answers an object for `symbol`, and otherwise a list."""

    def rule(data: MarketData, request: CheckedRequest) -> object:
        rows = [row(data, request, market) for market in data.wanted(kind, request)]
        return rows[0] if "symbol" in request.values else rows

    return rule


def _price(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    trade = last_trade(data, market, request.now_ms)
    row: Row = {"symbol": market.symbol, "price": price_text(market, int(trade.price.sum()))}
    return row if market.kind == "spot" else row | {"time": int(trade.time.sum())}


def _day(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    now_ms = request.now_ms
    start_ms = now_ms - DAY
    found = statistics(data, market, start_ms, now_ms)
    if request.values.get("type") == "MINI":
        return _mini(market, found, start_ms, now_ms)
    trade = last_trade(data, market, now_ms)
    row: Row = {"symbol": market.symbol, **_changes(market, found)}
    if market.kind == "spot":
        before = last_trade(data, market, start_ms - 1)
        row["prevClosePrice"] = price_text(market, int(before.price.sum()))
    row["lastPrice"] = price_text(market, found.last)
    row["lastQty"] = quantity_text(market, int(trade.quantity.sum()))
    return row | _prices(market, found) | _volumes(market, found, start_ms, now_ms)


def _trading_day(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    start_ms = request.now_ms // DAY * DAY
    return _window(data, request, market, start_ms, start_ms + DAY - 1)


def _rolling(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    size = request.values.get("windowSize", "1d")
    start_ms = request.now_ms - int(size[:-1]) * _UNITS[size[-1]]
    return _window(data, request, market, start_ms // MINUTE * MINUTE, request.now_ms)


def _window(data: MarketData, request: CheckedRequest, market: Market, start_ms: int, close_ms: int) -> Row:
    found = statistics(data, market, start_ms, request.now_ms)
    if request.values.get("type") == "MINI":
        return _mini(market, found, start_ms, close_ms)
    return {
        "symbol": market.symbol,
        **_changes(market, found),
        **_prices(market, found),
        "lastPrice": price_text(market, found.last),
        **_volumes(market, found, start_ms, close_ms),
    }


def _mini(market: Market, found: Statistics, start_ms: int, close_ms: int) -> Row:
    return {
        "symbol": market.symbol,
        **_prices(market, found),
        "lastPrice": price_text(market, found.last),
        **_volumes(market, found, start_ms, close_ms),
    }


def _changes(market: Market, found: Statistics) -> Row:
    change = found.last - found.open
    average = 0
    if found.volume:
        average = found.quote_volume * 10 ** (SPOT_PLACES - market.price_decimals) // found.volume
    return {
        "priceChange": price_text(market, change),
        "priceChangePercent": f"{100 * change / found.open if found.open else 0:.3f}",
        "weightedAvgPrice": decimal_text(average, SPOT_PLACES, SPOT_PLACES),
    }


def _prices(market: Market, found: Statistics) -> Row:
    return {
        "openPrice": price_text(market, found.open),
        "highPrice": price_text(market, found.high),
        "lowPrice": price_text(market, found.low),
    }


def _volumes(market: Market, found: Statistics, start_ms: int, close_ms: int) -> Row:
    return {
        "volume": quantity_text(market, found.volume),
        "quoteVolume": quote_text(market, found.quote_volume),
        "openTime": start_ms,
        "closeTime": close_ms,
        "firstId": found.first_id,
        "lastId": found.last_id,
        "count": found.count,
    }


def _average(data: MarketData, request: CheckedRequest) -> object:
    market = data.one("spot", request)
    start_ms = request.now_ms - _AVERAGE_MINUTES * MINUTE
    found = statistics(data, market, start_ms, request.now_ms)
    trade = last_trade(data, market, request.now_ms)
    price = _changes(market, found)["weightedAvgPrice"] if found.count else price_text(market, found.last)
    return {"mins": _AVERAGE_MINUTES, "price": price, "closeTime": int(trade.time.sum())}


RULES: Rules = {
    "/api/v3/avgPrice": _average,
    "/api/v3/ticker/24hr": each("spot", _day),
    "/api/v3/ticker/tradingDay": each("spot", _trading_day),
    "/api/v3/ticker": each("spot", _rolling),
    "/api/v3/ticker/price": each("spot", _price),
    "/fapi/v1/ticker/24hr": each("um", _day),
    "/fapi/v2/ticker/price": each("um", _price),
}
