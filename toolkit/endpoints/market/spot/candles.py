"""Candles."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.candle_columns import CANDLE_COLUMNS, SPOT_INTERVALS, interval_param
from toolkit.endpoints.model import Endpoint, Paging, Param, Steps, Window
from toolkit.endpoints.rate_limits import API

_DOCS = "https://developers.binance.com/en/docs/products/spot/rest-api"

SYMBOL = Param(field="symbol", name="symbol", kind="text", doc="Symbol.", required=True, example="BTCUSDT")

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
    source=f"{_DOCS}/market-data-endpoints#klinecandlestick-data",
)

ENDPOINTS: tuple[Endpoint, ...] = (KLINES,)
