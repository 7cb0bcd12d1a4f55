"""Small endpoints of each layout that rows can have, with a response each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toolkit.endpoints import ENDPOINTS_BY_NAME, Column, Endpoint
from toolkit.endpoints.model import ROW_NAME, ColumnKind, TimeUnit

_BASE = replace(
    ENDPOINTS_BY_NAME["exchange.rebates"], params=(), identity=(), order_by=None, columns=(), window=None
)
FIRST = 1_767_225_600_000


def column(name: str, field: str | tuple[str, ...], kind: ColumnKind, **more: Any) -> Column:
    return Column(name=name, field=field, kind=kind, doc="A column.", **more)


def endpoint(name: str, *columns: Column, **more: Any) -> Endpoint:
    return replace(_BASE, name=name, columns=columns, **more)


CANDLES = endpoint(
    "candles",
    column("open_time", "0", "time"),
    *(
        column(name, str(position), "amount")
        for position, name in enumerate(("open", "high", "low", "close", "volume"), start=1)
    ),
    column("close_time", "6", "time"),
    column("quote_volume", "7", "amount"),
    column("trades", "8", "integer"),
    column("taker_base", "9", "amount"),
    column("taker_quote", "10", "amount"),
    row_layout="arrays",
    ignored=("11",),
    identity=("open_time",),
    order_by="open_time",
)


def candle(number: int) -> list[Any]:
    price = 42_000 + number % 977 * 0.37
    opened = FIRST + number * 60_000
    prices = [f"{price + offset:.8f}" for offset in (0, 5, -5, 1)]
    return [
        opened,
        *prices,
        f"{number % 91 * 1.01234:.8f}",
        opened + 59_999,
        f"{number * 13.37:.8f}",
        number % 500,
        f"{number % 45 * 1.0123:.8f}",
        f"{number * 7.7:.8f}",
        "0",
    ]


def _timed(unit: TimeUnit) -> Endpoint:
    return endpoint(
        f"times_{unit}",
        column("id", "id", "id"),
        column("time", "time", "time", unit=unit),
        column("done", "done", "time", unit=unit, optional=True),
        order_by="time",
        identity=("id", "time"),
    )


BOOK = endpoint(
    "book",
    column("update_id", "lastUpdateId", "id", outer=True),
    column("time", "E", "time", outer=True, optional=True),
    column("side", ROW_NAME, "text"),
    column("level", "", "integer", derived="level", of="price"),
    column("price", "0", "amount"),
    column("quantity", "1", "amount"),
    column("total", "", "amount", derived="running_total", of="quantity"),
    row_layout="arrays",
    row_lists={"bids": "bid", "asks": "ask"},
)
"""An order book. Its sides are lists beside each other."""

SYMBOLS = endpoint(
    "symbols",
    column("symbol", "symbol", "text"),
    column("order_types", "orderTypes", "texts"),
    column("permission_sets", "permissionSets[]", "texts"),
    column("tick_size", "filters[filterType=PRICE_FILTER].tickSize", "amount", exact=True),
    column(
        "min_notional",
        ("filters[filterType=NOTIONAL].minNotional", "filters[filterType=MIN_NOTIONAL].notional"),
        "amount",
        exact=True,
        optional=True,
    ),
    rows_field="symbols",
    ignored=("filters[filterType=PRICE_FILTER].maxPrice", "filters[filterType=ICEBERG_PARTS]"),
)
"""Rules of symbols, which are objects of a list that a value selects."""

LAYOUTS: dict[str, tuple[Endpoint, Any]] = {
    "candles": (CANDLES, [candle(number) for number in range(3)]),
    "an order book": (
        BOOK,
        {
            "lastUpdateId": 2**60,
            "E": FIRST,
            "bids": [["0.3", "0.1"], ["0.2", "0.2"], ["0.1", "0.3"]],
            "asks": [["0.4", "0.7"], ["0.5", "0.1"]],
        },
    ),
    "an order book with an empty side": (BOOK, {"lastUpdateId": 1, "bids": [], "asks": [["0.4", "0.7"]]}),
    "a response without fields": (endpoint("ping", column("ok", "", "flag", derived="answered")), {}),
    "candles that may be closed": (
        replace(
            CANDLES,
            columns=(*CANDLES.columns, column("closed", "", "flag", derived="closed", of="close_time")),
        ),
        [candle(number) for number in range(3)],
    ),
    "an exact column": (
        endpoint("steps", column("step", "step", "amount", exact=True), column("price", "price", "amount")),
        [{"step": "0.00000001", "price": "0.1"}, {"step": "92141578.12345678", "price": "0.7"}],
    ),
    "arrays with texts": (
        endpoint(
            "levels",
            column("price", "0", "amount"),
            column("side", "1", "text"),
            column("id", "2", "id", optional=True),
            row_layout="arrays",
        ),
        [["0.5", "BUY", 7], ["0.25", "SELL", 8]],
    ),
    "named": (
        endpoint(
            "prices",
            column("asset", ROW_NAME, "text"),
            column("price", "price", "amount"),
            column("id", "id", "id"),
            row_layout="named",
        ),
        {"BTC": {"price": "1.5", "id": 1}, "ETH": {"price": "2", "id": 2}},
    ),
    "named in a field": (
        endpoint(
            "named_within",
            column("asset", ROW_NAME, "id"),
            column("ok", "ok", "flag"),
            row_layout="named",
            rows_field="data.all",
        ),
        {"code": 200, "data": {"all": {"BTC": {"ok": True}, "ETH": {"ok": False}}}},
    ),
    "nested": (
        endpoint(
            "snapshots",
            column("type", "type", "text"),
            column("time", "updateTime", "time"),
            column("total", "data.total", "amount"),
            column("asset", "data.balances[].asset", "text"),
            column("free", "data.balances[].free", "amount"),
            rows_field="snapshotVos",
            ignored=("code", "msg"),
        ),
        {
            "code": 200,
            "msg": "",
            "snapshotVos": [
                {
                    "type": "spot",
                    "updateTime": FIRST,
                    "data": {
                        "total": "0.1",
                        "balances": [{"asset": "BTC", "free": "1"}, {"asset": "ETH", "free": "2.5"}],
                    },
                },
                {"type": "margin", "updateTime": FIRST + 1, "data": {"total": "0.2", "balances": []}},
                {
                    "type": "futures",
                    "updateTime": FIRST + 2,
                    "data": {"total": "0.3", "balances": [{"asset": "BNB", "free": "3"}]},
                },
            ],
        },
    ),
    "rows in two objects": (
        endpoint(
            "tax",
            column("asset", "asset", "text"),
            column("type", "type", "integer"),
            column("amount", "amount", "amount"),
            column("time", "updateTime", "time"),
            column("page", "page", "integer", outer=True),
            rows_field="data.data",
            ignored=("status", "type", "code", "totalRecords"),
            identity=("asset", "type", "amount", "time"),
            order_by="time",
        ),
        {
            "status": "OK",
            "type": "GENERAL",
            "code": "000000000",
            "data": {
                "page": 1,
                "totalRecords": 2,
                "data": [
                    {"asset": "USDT", "type": 1, "amount": "0.1", "updateTime": FIRST},
                    {"asset": "BNB", "type": 2, "amount": "0.2", "updateTime": FIRST + 1},
                ],
            },
        },
    ),
    "numbers and texts": (
        endpoint(
            "numbers",
            column("rate", "rate", "amount"),
            column("fee", "fee", "amount", optional=True),
            column("count", "count", "integer"),
            column("names", "names", "texts", optional=True),
            column("email", "email", "email"),
            column("key", ("apikey", "apiKey"), "text", masked="key"),
        ),
        [
            {"rate": 0.001, "fee": -1, "count": "12", "names": ["a"], "email": "a@b.com", "apiKey": "k" * 9},
            {"rate": 2, "fee": 0.5, "count": "7", "names": [], "email": "c@d.com", "apiKey": "l" * 9},
        ],
    ),
    "seconds": (
        _timed("s"),
        [{"id": 1, "time": FIRST // 1000, "done": None}, {"id": 2, "time": FIRST // 1000}],
    ),
    "microseconds": (
        _timed("us"),
        [
            {"id": 1, "time": FIRST * 1000 + 999, "done": FIRST * 1000},
            {"id": 2, "time": FIRST * 1000 + 1000, "done": FIRST * 1000},
        ],
    ),
    "times as text": (
        _timed("text"),
        [
            {"id": "a", "time": "2025-12-31 23:59:59", "done": ""},
            {"id": "b", "time": "2026-01-01T00:00:00.123", "done": "2026-01-01 00:00:01"},
        ],
    ),
}
