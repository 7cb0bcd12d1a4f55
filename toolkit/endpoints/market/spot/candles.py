"""Candles, and the average price."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.candle_columns import BEGINNINGS, CANDLE_COLUMNS, SPOT_INTERVALS, interval_param
from toolkit.endpoints.market.shared import SYMBOL
from toolkit.endpoints.market.spot.shared import MARKET_DOCS
from toolkit.endpoints.model import Column, Endpoint, Paging, Steps, Window
from toolkit.endpoints.rate_limits import API

# `timeZone` would move the first millisecond of days, weeks and months away from midnight UTC, where `Steps`
# has it. /api/v3/uiKlines has the same rows, changed for display.
KLINES = Endpoint(
    name="klines",
    system="market.spot",
    path="/api/v3/klines",
    security="NONE",
    rate_limit=API,
    weight=2,
    params=(SYMBOL, interval_param(SPOT_INTERVALS)),
    window=Window(max_span=None, default=timedelta(days=7)),
    paging=Paging(kind="limit", size="limit", default=500, maximum=1000),
    row_layout="arrays",
    ignored=("11",),
    columns=CANDLE_COLUMNS,
    identity=("open_time",),
    order_by="open_time",
    steps=Steps(param="interval"),
    summary="Candles of a symbol, one row each.",
    notes=(BEGINNINGS,),
    source=f"{MARKET_DOCS}#klines",
)

AVG_PRICE = Endpoint(
    name="avg_price",
    system="market.spot",
    path="/api/v3/avgPrice",
    security="NONE",
    rate_limit=API,
    weight=2,
    params=(SYMBOL,),
    columns=(
        Column(name="minutes", field="mins", kind="integer", doc="Number of minutes it is the average of."),
        Column(
            name="price",
            field="price",
            kind="amount",
            doc="Average price of these minutes' trades by their amounts, in the quote asset.",
        ),
        Column(name="close_time", field="closeTime", kind="time", doc="Time of the last trade, UTC."),
    ),
    summary="The average price of the last minutes, as one row.",
    notes=("The exchange compares the value of an order with its minimum by this price.",),
    source=f"{MARKET_DOCS}#avg-price",
)
