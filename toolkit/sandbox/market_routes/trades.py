"""Trades, one by one and aggregated."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import ChoiceColumn, NumberColumn, Piece, rows_json
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.trades import (
    aggregate_count,
    aggregate_trades,
    trade_count,
    trades,
)
from toolkit.sandbox.market_routes.market_data import (
    MarketData,
    Rules,
    page_size,
    prices,
    quantities,
    quote_amounts,
)
from toolkit.sandbox.spans import milliseconds, span_of

# How long USD-M keeps trades; spot keeps them all.
_TRADES_KEPT = timedelta(days=30)


def _spot(data: MarketData, request: CheckedRequest) -> object:
    return _trades(data, request, data.one("spot", request))


def _um(data: MarketData, request: CheckedRequest) -> object:
    market = data.one("um", request)
    kept_since = request.now_ms - milliseconds(_TRADES_KEPT)
    return _trades(data, request, market, trade_count(data.history, market, kept_since - 1))


def _trades(data: MarketData, request: CheckedRequest, market: Market, oldest: int = 0) -> msgspec.Raw:
    """The most recent trades, or those from an id on."""
    limit = page_size(request)
    count = trade_count(data.history, market, request.now_ms)
    first = max(int(request.values.get("fromId", count - limit)), oldest)
    found = trades(data.history, market, first, min(first + limit, count) - 1)
    pieces: list[Piece] = [
        b'{"id":',
        NumberColumn(found.id),
        b',"price":"',
        prices(market, found.price),
        b'","qty":"',
        quantities(market, found.quantity),
        b'","quoteQty":"',
        quote_amounts(market, found.price * found.quantity),
        b'","time":',
        NumberColumn(found.time),
        b',"isBuyerMaker":',
        ChoiceColumn(~found.taker_buys),
        b',"isBestMatch":true}' if market.kind == "spot" else b',"isRPITrade":false}',
    ]
    return msgspec.Raw(rows_json(len(found), pieces))


def _spot_aggregate(data: MarketData, request: CheckedRequest) -> object:
    return _aggregate(data, request, data.one("spot", request))


def _um_aggregate(data: MarketData, request: CheckedRequest) -> object:
    return _aggregate(data, request, data.one("um", request))


def _aggregate(data: MarketData, request: CheckedRequest, market: Market) -> object:
    limit = page_size(request)
    span = span_of(request.endpoint, request.values, request.now_ms)
    if span.is_empty:
        return []
    # History cannot be asked for a time long before it begins.
    listed = data.history.hours(market).listed_ms
    first = aggregate_count(data.history, market, max(span.start or 0, listed) - 1)
    end = aggregate_count(data.history, market, max(span.end, listed - 1))
    if not span.forward:
        first = max(first, int(request.values.get("fromId", end - limit)))
    found = aggregate_trades(data.history, market, first, min(first + limit, end) - 1)
    quantity = quantities(market, found.quantity)
    pieces: list[Piece] = [
        b'{"a":',
        NumberColumn(found.id),
        b',"p":"',
        prices(market, found.price),
        b'","q":"',
        quantity,
        *((b'","nq":"', quantity) if market.kind == "um" else ()),
        b'","f":',
        NumberColumn(found.first_trade),
        b',"l":',
        NumberColumn(found.last_trade),
        b',"T":',
        NumberColumn(found.time),
        b',"m":',
        ChoiceColumn(~found.taker_buys),
        b',"M":true}' if market.kind == "spot" else b"}",
    ]
    return msgspec.Raw(rows_json(len(found), pieces))


RULES: Rules = {
    "/api/v3/trades": _spot,
    "/api/v3/historicalTrades": _spot,
    "/api/v3/aggTrades": _spot_aggregate,
    "/fapi/v1/trades": _um,
    "/fapi/v1/historicalTrades": _um,
    "/fapi/v1/aggTrades": _um_aggregate,
}
