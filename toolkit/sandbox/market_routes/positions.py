"""Who holds futures, who is long and who takes, and what a future costs more than its index."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import NumberColumn, Piece, rows_json
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.market.positions import (
    Holders,
    basis,
    long_short_ratios,
    open_interest,
    period_times,
    taker_volumes,
)
from toolkit.sandbox.market.symbols import Market, future_of
from toolkit.sandbox.market_routes.market_data import (
    MarketData,
    Rule,
    Rules,
    page_size,
    quantity_text,
    values,
)
from toolkit.sandbox.spans import span_of

_RATIO_PLACES = 4
_HISTORY_PLACES = 8

Series = Callable[[MarketData, CheckedRequest, Market, Int64Array], list[Piece]]


def _now(data: MarketData, request: CheckedRequest) -> object:
    market = data.one("um", request)
    found = open_interest(data.history, market, np.array([request.now_ms]))
    # All contracts were settled when trading ended.
    held = found.contracts[0] if data.status(market, request.now_ms) == "TRADING" else 0
    return {
        "openInterest": quantity_text(market, int(held)),
        "symbol": market.symbol,
        "time": request.now_ms,
    }


def _series(row: Series) -> Rule:
    """The rule for one row in each period."""

    def rule(data: MarketData, request: CheckedRequest) -> object:
        market: Market | None = data.one("um", request)
        if market is not None and "contractType" in request.values:
            market = future_of(market.symbol, request.values["contractType"])
        span = span_of(request.endpoint, request.values, request.now_ms)
        if market is None or span.is_empty:
            return []
        times = period_times(
            data.history,
            market,
            request.values["period"],
            start_ms=span.start,
            end_ms=span.end,
            limit=page_size(request),
            now_ms=request.now_ms,
            newest=not span.forward,
        )
        if not times.size:
            return []
        pieces = [*row(data, request, market, times), b',"timestamp":', NumberColumn(times), b"}"]
        return msgspec.Raw(rows_json(times.size, pieces))

    return rule


def _open_interest(
    data: MarketData, request: CheckedRequest, market: Market, times: Int64Array
) -> list[Piece]:
    found = open_interest(data.history, market, times)
    return [
        b'{"symbol":"%s","sumOpenInterest":"' % market.symbol.encode(),
        NumberColumn(found.contracts, market.quantity_decimals, _HISTORY_PLACES),
        b'","sumOpenInterestValue":"',
        values(found.value),
        b'"',
    ]


def _ratios(holders: Holders) -> Series:
    def row(data: MarketData, request: CheckedRequest, market: Market, times: Int64Array) -> list[Piece]:
        found = long_short_ratios(data.history, market, holders, times)
        return [
            b'{"symbol":"%s","longShortRatio":"' % market.symbol.encode(),
            _ratio(found.ratio),
            b'","longAccount":"',
            _ratio(found.long),
            b'","shortAccount":"',
            _ratio(found.short),
            b'"',
        ]

    return row


def _takers(data: MarketData, request: CheckedRequest, market: Market, times: Int64Array) -> list[Piece]:
    found = taker_volumes(data.history, market, request.values["period"], times, request.now_ms)
    places = max(_RATIO_PLACES, market.quantity_decimals)
    return [
        b'{"buySellRatio":"',
        _ratio(found.ratio),
        b'","buyVol":"',
        NumberColumn(found.bought, market.quantity_decimals, places),
        b'","sellVol":"',
        NumberColumn(found.sold, market.quantity_decimals, places),
        b'"',
    ]


def _basis(data: MarketData, request: CheckedRequest, market: Market, times: Int64Array) -> list[Piece]:
    found = basis(data.history, market, times)
    words = (request.values["pair"].encode(), market.contract.encode())
    annualized: list[Piece] = [] if found.annualized is None else [_ratio(found.annualized)]
    return [
        b'{"pair":"%s","contractType":"%s","annualizedBasisRate":"' % words,
        *annualized,
        b'","indexPrice":"',
        values(found.index),
        b'","futuresPrice":"',
        values(found.futures),
        b'","basis":"',
        values(found.basis),
        b'","basisRate":"',
        _ratio(found.rate),
        b'"',
    ]


def _ratio(numbers: Int64Array) -> NumberColumn:
    return NumberColumn(numbers, _RATIO_PLACES, _RATIO_PLACES)


RULES: Rules = {
    "/fapi/v1/openInterest": _now,
    "/futures/data/openInterestHist": _series(_open_interest),
    "/futures/data/globalLongShortAccountRatio": _series(_ratios("global accounts")),
    "/futures/data/topLongShortAccountRatio": _series(_ratios("top accounts")),
    "/futures/data/topLongShortPositionRatio": _series(_ratios("top positions")),
    "/futures/data/takerlongshortRatio": _series(_takers),
    "/futures/data/basis": _series(_basis),
}
