"""Order books."""

from __future__ import annotations

import msgspec

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.column_json import Piece, rows_json
from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.market.books import book
from toolkit.sandbox.market.symbols import Kind, Market
from toolkit.sandbox.market_routes.market_data import (
    MarketData,
    Row,
    Rule,
    Rules,
    page_size,
    prices,
    quantities,
)


def _depth(kind: Kind) -> Rule:
    def rule(data: MarketData, request: CheckedRequest) -> object:
        market, now_ms = data.one(kind, request), request.now_ms
        found = book(data.history, market, now_ms, page_size(request))
        times: Row = {} if kind == "spot" else {"E": now_ms, "T": found.time if found else now_ms}
        if found is None:  # delisted, or not traded yet
            return {"lastUpdateId": 0, **times, "bids": [], "asks": []}
        return {
            "lastUpdateId": found.update_id,
            **times,
            "bids": _levels(market, found.bid_prices, found.bid_quantities),
            "asks": _levels(market, found.ask_prices, found.ask_quantities),
        }

    return rule


def _levels(market: Market, at: Int64Array, offered: Int64Array) -> msgspec.Raw:
    pieces: list[Piece] = [b'["', prices(market, at), b'","', quantities(market, offered), b'"]']
    return msgspec.Raw(rows_json(len(at), pieces))


RULES: Rules = {"/api/v3/depth": _depth("spot"), "/fapi/v1/depth": _depth("um")}
