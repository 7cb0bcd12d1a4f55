"""Candles of USD-M futures: of trades, and of the mark, index and premium prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from toolkit.endpoints.market.candle_columns import (
    BEGINNINGS,
    CANDLE_COLUMNS,
    FUTURES_INTERVALS,
    interval_param,
)
from toolkit.endpoints.market.futures.shared import DOCS, PAIR, contract_type
from toolkit.endpoints.market.sent_parameters import number_sent
from toolkit.endpoints.market.shared import SYMBOL
from toolkit.endpoints.model import Column, Endpoint, Paging, Steps, Window
from toolkit.endpoints.rate_limits import FAPI

_INTERVAL = interval_param(FUTURES_INTERVALS)
_WINDOW = Window(max_span=None, default=timedelta(days=7))
_PAGING = Paging(kind="limit", size="limit", default=500, maximum=1500)
_STEPS = Steps(param="interval")


def weight_by_limit(sent: Mapping[str, Any]) -> int:
    """Under 100 candles 1, under 500 candles 2, up to 1,000 candles 5, more 10."""
    limit = number_sent(sent, "limit", 500)
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def _price_columns(first: str, highest: str, lowest: str, last: str) -> tuple[Column, ...]:
    """The columns of candles of a price that is not traded: they have no volumes."""
    prices = {"open": first, "high": highest, "low": lowest, "close": last}
    return tuple(
        Column(name=column.name, field=column.field, kind="amount", doc=prices[column.name])
        if column.name in prices
        else column
        for column in CANDLE_COLUMNS
        if column.name in {"open_time", *prices, "close_time", "closed"}
    )


# The page calls these fields "Ignore": they are 0, or a number of samples.
_IGNORED = ("5", "7", "8", "9", "10", "11")

KLINES = Endpoint(
    name="klines",
    system="market.futures",
    path="/fapi/v1/klines",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_limit,
    params=(SYMBOL, _INTERVAL),
    window=_WINDOW,
    paging=_PAGING,
    row_layout="arrays",
    ignored=("11",),
    columns=CANDLE_COLUMNS,
    identity=("open_time",),
    order_by="open_time",
    steps=_STEPS,
    summary="Candles of a symbol, one row each.",
    notes=(BEGINNINGS,),
    source=f"{DOCS}/Kline-Candlestick-Data",
)

CONTINUOUS_KLINES = Endpoint(
    name="continuous_klines",
    system="market.futures",
    path="/fapi/v1/continuousKlines",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_limit,
    params=(
        PAIR,
        # The last one since July 2026.
        contract_type("perpetual", "current_quarter", "next_quarter", "tradifi_perpetual"),
        _INTERVAL,
    ),
    window=_WINDOW,
    paging=_PAGING,
    row_layout="arrays",
    ignored=("11",),
    columns=CANDLE_COLUMNS,
    identity=("open_time",),
    order_by="open_time",
    steps=_STEPS,
    summary="Candles of a pair's contract of one kind, one row each, over all quarters.",
    notes=(BEGINNINGS,),
    source=f"{DOCS}/Continuous-Contract-Kline-Candlestick-Data",
)

MARK_PRICE_KLINES = Endpoint(
    name="mark_price_klines",
    system="market.futures",
    path="/fapi/v1/markPriceKlines",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_limit,
    params=(SYMBOL, _INTERVAL),
    window=_WINDOW,
    paging=_PAGING,
    row_layout="arrays",
    ignored=_IGNORED,
    columns=_price_columns(
        "First mark price, in the quote asset.",
        "Highest mark price, in the quote asset.",
        "Lowest mark price, in the quote asset.",
        "Last mark price, in the quote asset.",
    ),
    identity=("open_time",),
    order_by="open_time",
    steps=_STEPS,
    summary="Candles of a symbol's mark price, which liquidations go by, one row each.",
    notes=(BEGINNINGS,),
    source=f"{DOCS}/Mark-Price-Kline-Candlestick-Data",
)

INDEX_PRICE_KLINES = Endpoint(
    name="index_price_klines",
    system="market.futures",
    path="/fapi/v1/indexPriceKlines",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_limit,
    params=(PAIR, _INTERVAL),
    window=_WINDOW,
    paging=_PAGING,
    row_layout="arrays",
    ignored=_IGNORED,
    columns=_price_columns(
        "First index price, in the quote asset.",
        "Highest index price, in the quote asset.",
        "Lowest index price, in the quote asset.",
        "Last index price, in the quote asset.",
    ),
    identity=("open_time",),
    order_by="open_time",
    steps=_STEPS,
    summary="Candles of a pair's index price, which is that of spot markets, one row each.",
    notes=(BEGINNINGS,),
    source=f"{DOCS}/Index-Price-Kline-Candlestick-Data",
)

PREMIUM_INDEX_KLINES = Endpoint(
    name="premium_index_klines",
    system="market.futures",
    path="/fapi/v1/premiumIndexKlines",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_limit,
    params=(SYMBOL, _INTERVAL),
    window=_WINDOW,
    paging=_PAGING,
    row_layout="arrays",
    ignored=_IGNORED,
    columns=_price_columns(
        "First premium, a fraction of the index price; it may be negative.",
        "Highest premium, a fraction of the index price.",
        "Lowest premium, a fraction of the index price.",
        "Last premium, a fraction of the index price.",
    ),
    identity=("open_time",),
    order_by="open_time",
    steps=_STEPS,
    summary="Candles of a symbol's premium over its index price, from which funding follows, one row each.",
    notes=(BEGINNINGS,),
    source=f"{DOCS}/Premium-Index-Kline-Data",
)
