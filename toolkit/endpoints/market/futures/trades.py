"""Trades on USD-M futures, one by one and aggregated.

All of them are market trades, which fill orders of the book: those of the insurance fund and of
auto-deleveraging are left out.
"""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.market.shared import (
    AGG_TRADE_COLUMNS,
    FROM_TRADE_ID,
    SYMBOL,
    TRADE_COLUMNS,
    trade_limit,
)
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Window
from toolkit.endpoints.rate_limits import FAPI

_TRADE_COLUMNS = (
    *TRADE_COLUMNS,
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
    params=(SYMBOL, trade_limit(500, 1000)),
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
    params=(SYMBOL, FROM_TRADE_ID, trade_limit(100, 500)),
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
        *AGG_TRADE_COLUMNS,
        # Since June 2026.
        Column(
            name="normal_quantity",
            field="nq",
            kind="amount",
            doc="Amount traded without Retail Price Improvement orders, in the base asset.",
            optional=True,
        ),
    ),
    identity=("agg_trade_id",),
    order_by="time",
    summary="Aggregate trades: those of one taker order at one price within 100 ms, one row each.",
    source=f"{DOCS}/Compressed-Aggregate-Trades-List",
)
