"""Trades, one by one and aggregated."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.shared import (
    AGG_TRADE_COLUMNS,
    FROM_TRADE_ID,
    SYMBOL,
    TRADE_COLUMNS,
    trade_limit,
)
from toolkit.endpoints.market.spot.shared import MARKET_DOCS
from toolkit.endpoints.model import Column, Endpoint, Paging, Window
from toolkit.endpoints.rate_limits import API

_BEST_MATCH = "At the best price of the book."
_LIMIT = trade_limit(500, 1000)
_TRADE_COLUMNS = (
    *TRADE_COLUMNS,
    Column(name="best_match", field="isBestMatch", kind="flag", doc=_BEST_MATCH),
)

TRADES = Endpoint(
    name="trades",
    system="market.spot",
    path="/api/v3/trades",
    security="NONE",
    rate_limit=API,
    weight=25,
    params=(SYMBOL, _LIMIT),
    columns=_TRADE_COLUMNS,
    identity=("trade_id",),
    order_by="time",
    summary="The most recent trades, one row each.",
    source=f"{MARKET_DOCS}#get-trades",
)

HISTORICAL_TRADES = Endpoint(
    name="historical_trades",
    system="market.spot",
    path="/api/v3/historicalTrades",
    security="NONE",
    rate_limit=API,
    weight=25,
    params=(SYMBOL, FROM_TRADE_ID, _LIMIT),
    columns=_TRADE_COLUMNS,
    identity=("trade_id",),
    order_by="time",
    summary="Older trades, by their ids, one row each.",
    notes=("One call is one request. For the trades that follow, pass the last id plus one.",),
    source=f"{MARKET_DOCS}#historical-trades",
)

AGG_TRADES = Endpoint(
    name="agg_trades",
    system="market.spot",
    path="/api/v3/aggTrades",
    security="NONE",
    rate_limit=API,
    weight=4,
    params=(SYMBOL,),
    window=Window(max_span=None, default=timedelta(minutes=10)),
    paging=Paging(
        kind="id", size="limit", default=500, maximum=1000, id_field="fromId", id_column="agg_trade_id"
    ),
    columns=(
        *AGG_TRADE_COLUMNS,
        Column(name="best_match", field="M", kind="flag", doc=_BEST_MATCH),
    ),
    identity=("agg_trade_id",),
    order_by="time",
    summary="Aggregate trades: those of one taker order at one price and time, one row each.",
    source=f"{MARKET_DOCS}#agg-trades",
)
