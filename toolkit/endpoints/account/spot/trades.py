"""Trades of the account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from toolkit.endpoints.account.spot.shared import DOCS, SYMBOLS
from toolkit.endpoints.market.shared import SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import API


def weight_of_trades(sent: Mapping[str, Any]) -> int:
    """20, or 5 for the trades of one order."""
    return 5 if "orderId" in sent else 20


TRADES = Endpoint(
    name="trades",
    system="account.spot",
    path="/api/v3/myTrades",
    security="USER_DATA",
    rate_limit=API,
    weight=weight_of_trades,
    params=(
        SYMBOLS,
        Param(
            field="fromId",
            name="from_trade_id",
            kind="id",
            doc="All trades from this id on, in place of a span; 0 for all there are.",
            minimum=0,
        ),
        Param(
            field="orderId",
            name="order_id",
            kind="id",
            doc="All trades of this order, in place of a span.",
            minimum=0,
        ),
    ),
    without_span=("order_id",),
    window=Window(max_span=timedelta(hours=24), default=timedelta(hours=24)),
    paging=Paging(
        kind="id",
        size="limit",
        default=500,
        maximum=1000,
        id_field="fromId",
        id_column="trade_id",
        by_window=True,
    ),
    columns=(
        SYMBOL_COLUMN,
        Column(name="trade_id", field="id", kind="id", doc="Id of the trade, unique within its symbol."),
        Column(name="order_id", field="orderId", kind="id", doc="Id of the order that it filled."),
        Column(
            name="order_list_id",
            field="orderListId",
            kind="id",
            doc="Id of the order list of that order; -1 if it is in none.",
        ),
        Column(name="time", field="time", kind="time", doc="When it was made, UTC."),
        Column(name="is_buyer", field="isBuyer", kind="flag", doc="The account bought; otherwise it sold."),
        Column(name="price", field="price", kind="amount", doc="Price, in the quote asset."),
        Column(name="quantity", field="qty", kind="amount", doc="Amount traded, in the base asset."),
        Column(
            name="quote_quantity", field="quoteQty", kind="amount", doc="Amount traded, in the quote asset."
        ),
        Column(
            name="commission",
            field="commission",
            kind="amount",
            doc="What was paid for it, in `commission_asset`.",
        ),
        Column(name="commission_asset", field="commissionAsset", kind="text", doc="Asset of the commission."),
        Column(
            name="is_maker", field="isMaker", kind="flag", doc="The order of the account was in the book."
        ),
        Column(name="best_match", field="isBestMatch", kind="flag", doc="At the best price of the book."),
    ),
    identity=("symbol", "trade_id"),
    order_by="time",
    summary="Trades of the account, one row each.",
    source=f"{DOCS}#my-trades",
)
