"""Trades, one by one and aggregated."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.spot.shared import MARKET_DOCS, SYMBOL
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import API

_LIMIT = Param(
    field="limit",
    name="limit",
    kind="integer",
    doc="Number of trades; defaults to 500.",
    default=500,
    minimum=1,
    maximum=1000,
)
_BUYER_IS_MAKER = "The buyer's order was in the book, so the taker sold."
_TRADE_COLUMNS = (
    Column(name="trade_id", field="id", kind="id", doc="Id of the trade."),
    Column(name="time", field="time", kind="time", doc="When it was made, UTC."),
    Column(name="price", field="price", kind="amount", doc="Price, in the quote asset."),
    Column(name="quantity", field="qty", kind="amount", doc="Amount traded, in the base asset."),
    Column(name="quote_quantity", field="quoteQty", kind="amount", doc="Amount traded, in the quote asset."),
    Column(name="buyer_is_maker", field="isBuyerMaker", kind="flag", doc=_BUYER_IS_MAKER),
    Column(name="best_match", field="isBestMatch", kind="flag", doc="At the best price of the book."),
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
    params=(
        SYMBOL,
        Param(
            field="fromId",
            name="from_trade_id",
            kind="id",
            doc="Id of the first trade; by default, the most recent trades are returned.",
            minimum=0,
        ),
        _LIMIT,
    ),
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
        Column(name="agg_trade_id", field="a", kind="id", doc="Id of the aggregate trade."),
        Column(name="time", field="T", kind="time", doc="When it was made, UTC."),
        Column(name="price", field="p", kind="amount", doc="Price, in the quote asset."),
        Column(name="quantity", field="q", kind="amount", doc="Amount traded, in the base asset."),
        Column(name="first_trade_id", field="f", kind="id", doc="Id of its first trade."),
        Column(name="last_trade_id", field="l", kind="id", doc="Id of its last trade."),
        Column(name="buyer_is_maker", field="m", kind="flag", doc=_BUYER_IS_MAKER),
        Column(name="best_match", field="M", kind="flag", doc="At the best price of the book."),
    ),
    identity=("agg_trade_id",),
    order_by="time",
    summary="Aggregate trades: those of one taker order at one price and time, one row each.",
    source=f"{MARKET_DOCS}#agg-trades",
)

ENDPOINTS: tuple[Endpoint, ...] = (TRADES, HISTORICAL_TRADES, AGG_TRADES)
