"""Candles: of trades, and of the prices that futures follow."""

from __future__ import annotations

import msgspec

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import NumberColumn, Piece, rows_json
from toolkit.sandbox.market.candles import Candles, candles
from toolkit.sandbox.market.symbols import Market, future_of
from toolkit.sandbox.market.values import ValueKind, value_candles
from toolkit.sandbox.market_routes.market_data import (
    MarketData,
    Rule,
    Rules,
    page_size,
    prices,
    quantities,
    quote_amounts,
    values,
)
from toolkit.sandbox.spans import span_of

_NEXT = b'","'


def _spot(data: MarketData, request: CheckedRequest) -> object:
    return _of_trades(data, request, data.one("spot", request))


def _um(data: MarketData, request: CheckedRequest) -> object:
    return _of_trades(data, request, data.one("um", request))


def _continuous(data: MarketData, request: CheckedRequest) -> object:
    perpetual = data.one("um", request)
    market = future_of(perpetual.symbol, request.values["contractType"])
    return [] if market is None else _of_trades(data, request, market)


def _of_trades(data: MarketData, request: CheckedRequest, market: Market) -> object:
    span = span_of(request.endpoint, request.values, request.now_ms)
    if span.is_empty:
        return []
    found = candles(
        data.history,
        market,
        request.values["interval"],
        start_ms=span.start,
        end_ms=span.end,
        limit=page_size(request),
        now_ms=request.now_ms,
        newest=not span.forward,
    )
    return _json(market, found)


def _of_values(kind: ValueKind) -> Rule:
    """The rule for candles of a price that is not traded."""

    def rule(data: MarketData, request: CheckedRequest) -> object:
        market = data.one("um", request)
        span = span_of(request.endpoint, request.values, request.now_ms)
        if span.is_empty:
            return []
        found = value_candles(
            data.history,
            market,
            kind,
            request.values["interval"],
            start_ms=span.start,
            end_ms=span.end,
            limit=page_size(request),
            now_ms=request.now_ms,
            newest=not span.forward,
        )
        return _values_json(found)

    return rule


def _values_json(found: Candles) -> msgspec.Raw:
    pieces: list[Piece] = [
        b"[",
        NumberColumn(found.open_time),
        b',"',
        values(found.open),
        _NEXT,
        values(found.high),
        _NEXT,
        values(found.low),
        _NEXT,
        values(found.close),
        b'","0",',
        NumberColumn(found.close_time),
        b',"0",',
        NumberColumn(found.trades),
        b',"0","0","0"]',
    ]
    return msgspec.Raw(rows_json(len(found), pieces))


def _json(market: Market, found: Candles) -> msgspec.Raw:
    pieces: list[Piece] = [
        b"[",
        NumberColumn(found.open_time),
        b',"',
        prices(market, found.open),
        _NEXT,
        prices(market, found.high),
        _NEXT,
        prices(market, found.low),
        _NEXT,
        prices(market, found.close),
        _NEXT,
        quantities(market, found.volume),
        b'",',
        NumberColumn(found.close_time),
        b',"',
        quote_amounts(market, found.quote),
        b'",',
        NumberColumn(found.trades),
        b',"',
        quantities(market, found.taker_volume),
        _NEXT,
        quote_amounts(market, found.taker_quote),
        b'","0"]',
    ]
    return msgspec.Raw(rows_json(len(found), pieces))


RULES: Rules = {
    "/api/v3/klines": _spot,
    "/fapi/v1/klines": _um,
    "/fapi/v1/continuousKlines": _continuous,
    "/fapi/v1/markPriceKlines": _of_values("mark"),
    "/fapi/v1/indexPriceKlines": _of_values("index"),
    "/fapi/v1/premiumIndexKlines": _of_values("premium"),
}
