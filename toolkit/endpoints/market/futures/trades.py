"""Trades on USD-M futures, one by one and aggregated.

All of them are market trades, which fill orders of the book: those of the insurance fund and of
auto-deleveraging are left out.
"""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.futures.shared import DOCS, SYMBOL
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import FAPI

_TRADE_COLUMNS = (
    Column(name="trade_id", field="id", kind="id", doc="Id of the trade."),
    Column(name="time", field="time", kind="time", doc="When it was made, UTC."),
    Column(name="price", field="price", kind="amount", doc="Price, in the quote asset."),
    Column(name="quantity", field="qty", kind="amount", doc="Amount traded, in the base asset."),
    Column(name="quote_quantity", field="quoteQty", kind="amount", doc="Amount traded, in the quote asset."),
    Column(
        name="buyer_is_maker",
        field="isBuyerMaker",
        kind="flag",
        doc="The buyer's order was in the book, so the taker sold.",
    ),
    # Since November 2025.
    Column(
        name="rpi",
        field="isRPITrade",
        kind="flag",
        doc="With a Retail Price Improvement order.",
        optional=True,
    ),
)

TRADES = Endpoint(
    name="trades",
    system="market.futures",
    path="/fapi/v1/trades",
    security="NONE",
    rate_limit=FAPI,
    weight=5,
    params=(
        SYMBOL,
        Param(
            field="limit",
            name="limit",
            kind="integer",
            doc="Number of trades; defaults to 500.",
            default=500,
            minimum=1,
            maximum=1000,
        ),
    ),
    columns=_TRADE_COLUMNS,
    identity=("trade_id",),
    order_by="time",
    summary="The most recent trades, one row each.",
    source=f"{DOCS}/Recent-Trades-List",
)

HISTORICAL_TRADES = Endpoint(
    name="historical_trades",
    system="market.futures",
    path="/fapi/v1/historicalTrades",
    security="MARKET_DATA",
    rate_limit=FAPI,
    weight=200,  # the page of 2025 says 20
    params=(
        SYMBOL,
        Param(
            field="fromId",
            name="from_trade_id",
            kind="id",
            doc="Id of the first trade; by default, the most recent trades are returned.",
            minimum=0,
        ),
        Param(
            field="limit",
            name="limit",
            kind="integer",
            doc="Number of trades; defaults to 100.",
            default=100,
            minimum=1,
            maximum=500,
        ),
    ),
    columns=_TRADE_COLUMNS,
    identity=("trade_id",),
    order_by="time",
    summary="Older trades, by their ids, one row each.",
    notes=(
        "One call is one request: twelve of them use up a minute's allowance. For the trades that follow, "
        "pass the last id plus one.",
        "The exchange keeps the trades of the last month.",
    ),
    source=f"{DOCS}/Old-Trades-Lookup",
)

AGG_TRADES = Endpoint(
    name="agg_trades",
    system="market.futures",
    path="/fapi/v1/aggTrades",
    security="NONE",
    rate_limit=FAPI,
    weight=20,
    params=(SYMBOL,),
    # The page of 2025 says that a year is kept.
    window=Window(
        max_span=timedelta(hours=1) - MILLISECOND,
        default=timedelta(minutes=10),
        retention=timedelta(hours=48),
    ),
    paging=Paging(
        kind="id", size="limit", default=500, maximum=1000, id_field="fromId", id_column="agg_trade_id"
    ),
    columns=(
        Column(name="agg_trade_id", field="a", kind="id", doc="Id of the aggregate trade."),
        Column(name="time", field="T", kind="time", doc="When it was made, UTC."),
        Column(name="price", field="p", kind="amount", doc="Price, in the quote asset."),
        Column(name="quantity", field="q", kind="amount", doc="Amount traded, in the base asset."),
        # Since June 2026.
        Column(
            name="normal_quantity",
            field="nq",
            kind="amount",
            doc="Amount traded without Retail Price Improvement orders, in the base asset.",
            optional=True,
        ),
        Column(name="first_trade_id", field="f", kind="id", doc="Id of its first trade."),
        Column(name="last_trade_id", field="l", kind="id", doc="Id of its last trade."),
        Column(
            name="buyer_is_maker",
            field="m",
            kind="flag",
            doc="The buyer's order was in the book, so the taker sold.",
        ),
    ),
    identity=("agg_trade_id",),
    order_by="time",
    summary="Aggregate trades: those of one taker order at one price within 100 ms, one row each.",
    source=f"{DOCS}/Compressed-Aggregate-Trades-List",
)
