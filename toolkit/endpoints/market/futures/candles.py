"""Candles of USD-M futures: of trades, and of the mark, index and premium prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from toolkit.endpoints.market.candle_columns import CANDLE_COLUMNS, FUTURES_INTERVALS, interval_param
from toolkit.endpoints.model import Endpoint, Paging, Param, Steps, Window
from toolkit.endpoints.rate_limits import FAPI

_DOCS = "https://developers.binance.com/en/docs/products/derivatives-trading-usds-futures"

SYMBOL = Param(field="symbol", name="symbol", kind="text", doc="Symbol.", required=True, example="BTCUSDT")


def weight_by_limit(sent: Mapping[str, Any]) -> int:
    """Under 100 candles 1, under 500 candles 2, up to 1,000 candles 5, more 10."""
    limit = int(sent.get("limit", 500))
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


KLINES = Endpoint(
    name="klines",
    system="market.futures",
    path="/fapi/v1/klines",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_by_limit,
    params=(SYMBOL, interval_param(FUTURES_INTERVALS)),
    window=Window(max_span=None, default=timedelta(days=7)),
    paging=Paging(kind="limit", size="limit", default=500, maximum=1500),
    row_layout="arrays",
    ignored=("11",),
    columns=CANDLE_COLUMNS,
    identity=("open_time",),
    order_by="open_time",
    steps=Steps(param="interval"),
    summary="Candles of a symbol, one row each.",
    source=f"{_DOCS}/market-data/rest-api/Kline-Candlestick-Data",
)

ENDPOINTS: tuple[Endpoint, ...] = (KLINES,)
