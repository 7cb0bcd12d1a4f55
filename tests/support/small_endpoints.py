"""Small endpoints, one for each thing that a declaration can say, and rows for them.

They are served by a sandbox that is told of them:

    env = SandboxEnv(exchange=small_exchange())
    frame = env.fetch(CANDLES, {"symbol": "BTCUSDT"}, start="2025-12-31")

Their pages are small, so that few rows take several requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from toolkit.endpoints import API, FAPI, SAPI_IP, Column, Endpoint, Paging, Param, RateLimit, Window
from toolkit.endpoints.model import ROW_NAME, Steps, TimeUnit
from toolkit.endpoints.rate_limits import FUNDING, FUTURES_DATA
from toolkit.sandbox.times import from_ms
from toolkit.sandbox.world.tables import ListTable, SingleRow, Table

Row = dict[str, object]

NOW_MS = 1_767_225_600_000  # 2026-01-01, when the fake clock begins
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_SYMBOL = Param(field="symbol", name="symbol", kind="text", doc="The symbol.", required=True)
_ONE_SYMBOL = Param(field="symbol", name="symbol", kind="text", doc="Only this symbol.")
_SYMBOLS = Param(
    field="symbols", name="symbols", kind="texts", doc="Only these symbols.", maximum=3, columns=("symbol",)
)
_ASSET = Param(field="asset", name="asset", kind="text", doc="Only this asset.")


def _endpoint(
    name: str, path: str, columns: Iterable[Column], rate_limit: RateLimit = API, **more: Any
) -> Endpoint:
    return Endpoint(
        name=name,
        system="account",
        path=path,
        rate_limit=rate_limit,
        columns=tuple(columns),
        summary=f"Small rows: {name}.",
        source="https://developers.binance.com/en/docs/products/oms/overview",
        **more,
    )


def _amount(name: str, field: str) -> Column:
    return Column(name=name, field=field, kind="amount", doc="Amount.")


def _time(name: str, field: str, unit: TimeUnit = "ms") -> Column:
    return Column(name=name, field=field, kind="time", doc="Time, UTC.", unit=unit)


def _text(name: str, field: str) -> Column:
    return Column(name=name, field=field, kind="text", doc="Text.")


def _id(name: str, field: str) -> Column:
    return Column(name=name, field=field, kind="id", doc="Id.")


SERVER_TIME = _endpoint(
    "server_clock", "/api/v3/small/time", (_time("server_time", "serverTime"),), security="NONE"
)
"""Public, one object, no parameters."""

PRICES = _endpoint(
    "prices",
    "/api/v3/small/prices",
    (_text("symbol", "symbol"), _amount("price", "price")),
    security="NONE",
    params=(_ONE_SYMBOL, _SYMBOLS),
    mutually_exclusive=("symbol", "symbols"),
    identity=("symbol",),
    weight=lambda sent: 2 if "symbol" in sent else 4,
)
"""Public, a list; `symbols` is a JSON array."""

CANDLES = _endpoint(
    "candles",
    "/api/v3/small/candles",
    (
        _time("open_time", "0"),
        _amount("open", "1"),
        _amount("close", "2"),
        _time("close_time", "3"),
        Column(name="trades", field="4", kind="integer", doc="Number."),
    ),
    security="NONE",
    params=(
        _SYMBOL,
        Param(
            field="interval",
            name="interval",
            kind="choice",
            doc="The interval.",
            required=True,
            choices=MappingProxyType({"1m": "1m", "1h": "1h"}),
        ),
    ),
    window=Window(max_span=None, default=timedelta(days=1)),
    paging=Paging(kind="limit", size="limit", default=5, maximum=10),
    row_layout="arrays",
    ignored=("5",),
    identity=("open_time",),
    order_by="open_time",
)
"""Public, rows as arrays; the sixth position has no column."""

SERIES = _endpoint(
    "series",
    "/fapi/v1/small/series",
    (
        _time("open_time", "0"),
        _amount("close", "1"),
        _time("close_time", "2"),
        Column(
            name="closed", field="", kind="flag", doc="Whether it ended.", derived="closed", of="close_time"
        ),
    ),
    FAPI,
    security="NONE",
    params=(
        _SYMBOL,
        Param(
            field="interval",
            name="interval",
            kind="choice",
            doc="The interval.",
            required=True,
            choices=MappingProxyType({word: word for word in ("1s", "1m", "1h", "3d", "1w", "1M")}),
        ),
    ),
    weight=lambda sent: 1 if int(sent.get("limit", 5)) < 4 else 3,
    window=Window(max_span=None, default=timedelta(minutes=30)),
    paging=Paging(kind="limit", size="limit", default=5, maximum=10),
    row_layout="arrays",
    identity=("open_time",),
    order_by="open_time",
    steps=Steps(param="interval"),
)
"""Public, with regular times. Three rows are cheaper than ten, if there are few."""

ALL_MARKETS = _endpoint(
    "all_markets",
    "/fapi/v1/small/markets",
    (_text("symbol", ROW_NAME), _amount("price", "price"), _time("updated", "updateTime")),
    FAPI,
    security="NONE",
    row_layout="named",
    identity=("symbol",),
)
"""Public, rows as named objects."""

OLD_TRADES = _endpoint(
    "old_trades",
    "/fapi/v1/small/historicalTrades",
    (_id("trade_id", "id"), _amount("price", "price"), _time("time", "time")),
    FAPI,
    security="MARKET_DATA",
    params=(_SYMBOL,),
    paging=Paging(kind="id", size="limit", default=3, maximum=5, id_field="fromId", id_column="trade_id"),
    identity=("trade_id",),
    order_by="time",
)
"""Needs a key and no signature; pages by id, and has no span."""

RECENT_TRADES = _endpoint(
    "recent_trades",
    "/fapi/v1/small/trades",
    (_id("trade_id", "id"), _amount("price", "price"), _time("time", "time")),
    FAPI,
    security="NONE",
    params=(
        _SYMBOL,
        Param(
            field="limit",
            name="limit",
            kind="integer",
            doc="Number of trades.",
            default=500,
            minimum=1,
            maximum=1000,
        ),
    ),
    ignored=("symbol",),
    identity=("trade_id",),
    order_by="time",
)
"""Public, as many rows as the argument says, and no pages."""

OWN_TRADES = _endpoint(
    "own_trades",
    "/api/v3/small/myTrades",
    (
        _text("symbol", "symbol"),
        _id("trade_id", "id"),
        _amount("price", "price"),
        _time("time", "time"),
    ),
    security="USER_DATA",
    weight=20,
    params=(_SYMBOL,),
    window=Window(max_span=timedelta(days=1), default=timedelta(days=1)),
    paging=Paging(kind="id", size="limit", default=3, maximum=5, id_field="fromId", id_column="trade_id"),
    identity=("symbol", "trade_id"),
    order_by="time",
)
"""Signed; pages by id, or a span of at most a day."""

USER_ASSETS = _endpoint(
    "user_assets",
    "/sapi/v3/small/getUserAsset",
    (_text("asset", "asset"), _amount("free", "free")),
    SAPI_IP,
    method="POST",
    security="USER_DATA",
    params=(_ASSET,),
    identity=("asset",),
)
"""A POST that only reads."""

PROVIDED_INFO = _endpoint(
    "provided_info",
    "/sapi/v1/small/provide-info",
    (_id("tran_id", "tranId"), Column(name="accepted", field="accepted", kind="flag", doc="Accepted.")),
    SAPI_IP,
    method="PUT",
    security="USER_DATA",
    params=(Param(field="tranId", name="tran_id", kind="id", doc="The transfer.", required=True),),
)
"""A PUT."""

SNAPSHOTS = _endpoint(
    "snapshots",
    "/sapi/v1/small/accountSnapshot",
    (
        _time("time", "updateTime"),
        _amount("total", "data.totalAssetOfBtc"),
        _text("asset", "data.balances[].asset"),
        _amount("free", "data.balances[].free"),
    ),
    SAPI_IP,
    security="USER_DATA",
    weight=2400,
    window=Window(
        max_span=timedelta(days=30), default=timedelta(days=7), retention=timedelta(days=30), per_day=True
    ),
    paging=Paging(kind="limit", size="limit", default=7, maximum=30),
    rows_field="snapshotVos",
    ignored=("type", "data.balances[].locked"),
    identity=("time", "asset"),
    order_by="time",
)
"""Each object of a nested list is a row."""

DIVIDENDS = _endpoint(
    "dividends",
    "/sapi/v1/small/dividends",
    (_id("id", "id"), _text("asset", "asset"), _amount("amount", "amount"), _time("time", "divTime", "s")),
    SAPI_IP,
    security="USER_DATA",
    params=(_ASSET,),
    window=Window(
        max_span=timedelta(days=2),
        default=timedelta(days=1),
        start_field="beginTime",
        end_field="finishTime",
        unit="s",
    ),
    paging=Paging(kind="limit", size="size", default=3, maximum=5),
    rows_field="data.rows",
    identity=("id",),
    order_by="time",
    timestamp_field="requestTime",
)
"""A span in seconds under other names, another name for the timestamp, rows inside two objects."""

WITHDRAWALS = _endpoint(
    "withdrawals",
    "/sapi/v1/small/withdrawals",
    (_id("id", "id"), _amount("amount", "amount"), _time("time", "applyTime", "text")),
    SAPI_IP,
    security="USER_DATA",
    window=Window(max_span=timedelta(days=2), default=timedelta(days=1), unit="text"),
    paging=Paging(kind="offset", size="limit", default=3, maximum=5),
    identity=("id",),
    order_by="time",
)
"""Times as text, of the span too."""

FUNDING_RATES = _endpoint(
    "funding_rates",
    "/fapi/v1/fundingRate",
    (_text("symbol", "symbol"), _amount("rate", "fundingRate"), _time("time", "fundingTime")),
    FUNDING,
    security="NONE",
    params=(_ONE_SYMBOL,),
    window=Window(max_span=None, default=timedelta(days=7)),
    paging=Paging(kind="limit", size="limit", default=3, maximum=5),
    identity=("symbol", "time"),
    order_by="time",
)
"""Counted in requests, in windows of five minutes, without a header."""

OPEN_INTEREST = _endpoint(
    "open_interest",
    "/futures/data/small/openInterestHist",
    (_text("symbol", "symbol"), _amount("interest", "sumOpenInterest"), _time("time", "timestamp", "us")),
    FUTURES_DATA,
    security="NONE",
    params=(_SYMBOL,),
    window=Window(max_span=None, default=timedelta(days=1), retention=timedelta(days=30)),
    paging=Paging(kind="limit", size="limit", default=3, maximum=5),
    order_by="time",
)
"""The other limit that counts requests; times in microseconds."""

SMALL_ENDPOINTS = (
    SERVER_TIME,
    PRICES,
    CANDLES,
    SERIES,
    ALL_MARKETS,
    OLD_TRADES,
    RECENT_TRADES,
    OWN_TRADES,
    USER_ASSETS,
    PROVIDED_INFO,
    SNAPSHOTS,
    DIVIDENDS,
    WITHDRAWALS,
    FUNDING_RATES,
    OPEN_INTEREST,
)


def candle(number: int, time: int) -> Row:
    return {
        "0": time,
        "1": f"{100 + number}.00",
        "2": f"{101 + number}.50",
        "3": time + MINUTE - 1,
        "4": number,
        "5": "0",
    }


def step(number: int, time: int) -> Row:
    return {"0": time, "1": f"{100 + number}.25", "2": time + MINUTE - 1}


def trade(number: int, time: int) -> Row:
    return {"symbol": "BTCUSDT", "id": 2**40 + number, "price": f"{number}.25", "time": time}


def snapshot(number: int, time: int) -> Row:
    balances = [{"asset": asset, "free": f"{number}.5", "locked": "0"} for asset in ("BTC", "USDT")]
    return {
        "type": "spot",
        "updateTime": time,
        "data": {"totalAssetOfBtc": f"{number}.125", "balances": balances},
    }


def dividend(number: int, time: int) -> Row:
    return {
        "id": number,
        "asset": ("BNB", "USDT")[number % 2],
        "amount": f"{number}.5",
        "divTime": time // 1000,
    }


def withdrawal(number: int, time: int) -> Row:
    return {"id": f"w{number}", "amount": f"{number}.5", "applyTime": from_ms(time, "text")}


def funding_rate(number: int, time: int) -> Row:
    return {"symbol": "BTCUSDT", "fundingRate": f"0.000{number % 10}", "fundingTime": time}


def open_interest(number: int, time: int) -> Row:
    return {"symbol": "BTCUSDT", "sumOpenInterest": f"{number}.5", "timestamp": time * 1000}


def _ago(row: Any, count: int, step: int) -> list[Row]:
    """Rows at equal distances, the last one a step ago."""
    return [row(number, NOW_MS - (count - number) * step) for number in range(count)]


ROWS: Mapping[str, Sequence[Row]] = MappingProxyType(
    {
        SERVER_TIME.name: [{"serverTime": NOW_MS}],
        PRICES.name: [
            {"symbol": "BTCUSDT", "price": "64000.10"},
            {"symbol": "ETHUSDT", "price": "3200.20"},
            {"symbol": "BNBBTC", "price": "0.00900000"},
        ],
        CANDLES.name: _ago(candle, 60, MINUTE),
        SERIES.name: _ago(step, 60, MINUTE),
        ALL_MARKETS.name: [
            {ROW_NAME: "BTC", "price": "64000.10", "updateTime": NOW_MS - 5},
            {ROW_NAME: "ETH", "price": "3200.20", "updateTime": NOW_MS - 4},
        ],
        OLD_TRADES.name: [
            {name: value for name, value in row.items() if name != "symbol"}
            for row in _ago(trade, 14, MINUTE)
        ],
        RECENT_TRADES.name: _ago(trade, 14, MINUTE),
        OWN_TRADES.name: _ago(trade, 14, HOUR),
        USER_ASSETS.name: [{"asset": "BTC", "free": "1.5"}, {"asset": "USDT", "free": "20.25"}],
        PROVIDED_INFO.name: [{"tranId": 17, "accepted": True}],
        SNAPSHOTS.name: _ago(snapshot, 9, DAY),
        DIVIDENDS.name: _ago(dividend, 12, 5 * HOUR),
        WITHDRAWALS.name: _ago(withdrawal, 12, 5 * HOUR),
        FUNDING_RATES.name: _ago(funding_rate, 12, 8 * HOUR),
        OPEN_INTEREST.name: _ago(open_interest, 12, HOUR),
    }
)
"""Rows as the exchange has them, by the name of the endpoint."""

SINGLE = frozenset({SERVER_TIME.name, PROVIDED_INFO.name})
"""The endpoints whose response is one object."""


def small_exchange(
    rows: Mapping[str, Iterable[Row]] | None = None,
    endpoints: Iterable[Endpoint] = SMALL_ENDPOINTS,
    **arguments: Any,
) -> dict[str, Any]:
    """Arguments of an `Exchange` that serves small endpoints.

    Args:
        rows: Rows by the name of the endpoint, instead of those of `ROWS`.
        endpoints: The endpoints, or changed copies of them.
        arguments: More arguments of the exchange.
    """
    endpoints = tuple(endpoints)
    found = {**ROWS, **(rows or {})}
    tables = {each.qualified_name: table_of(each, found[each.name]) for each in endpoints}
    return {"endpoints": endpoints, "tables": tables, **arguments}


def table_of(endpoint: Endpoint, rows: Iterable[Row]) -> Table:
    """A table of rows as the endpoint has them."""
    if endpoint.name in SINGLE:
        return SingleRow(*rows)
    ordered = next((column for column in endpoint.columns if column.name == endpoint.order_by), None)
    if ordered is None:
        return ListTable(rows, "")
    return ListTable(rows, ordered.fields[0], unit=ordered.unit)
