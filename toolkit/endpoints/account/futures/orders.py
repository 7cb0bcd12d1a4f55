"""Orders of the account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from toolkit.endpoints.account.futures.shared import (
    PAIR,
    POSITION_SIDE,
    SIDE,
    SYMBOLS,
    TRADE_DOCS,
    amount,
)
from toolkit.endpoints.market.shared import ONLY_SYMBOL, SYMBOL, SYMBOL_COLUMN, weight_of_symbols
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import FAPI

_KEPT = "The exchange keeps orders for 90 days, and those canceled or expired without a fill for three days."


def _text(name: str, field: str, doc: str, *, optional: bool = False) -> Column:
    return Column(name=name, field=field, kind="text", doc=doc, optional=optional)


_ORDER_COLUMNS = (
    SYMBOL_COLUMN,
    Column(name="order_id", field="orderId", kind="id", doc="Id of the order."),
    Column(
        name="client_order_id", field="clientOrderId", kind="id", doc="Id given by whoever placed the order."
    ),
    Column(name="time", field="time", kind="time", doc="When it was placed, UTC."),
    Column(name="update_time", field="updateTime", kind="time", doc="When it last changed, UTC."),
    _text("status", "status", "NEW, PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED and so on."),
    _text("type", "type", "LIMIT, MARKET, STOP and so on."),
    _text("original_type", "origType", "Its type before it was triggered."),
    _text("time_in_force", "timeInForce", "GTC, IOC, FOK, GTX, GTD and so on."),
    SIDE,
    POSITION_SIDE,
    amount("price", "price", "Limit, in the quote asset; 0 if it has none."),
    amount("average_price", "avgPrice", "Average price of its trades, in the quote asset; 0 without one."),
    amount("quantity", "origQty", "Amount ordered, in the base asset."),
    amount("executed_quantity", "executedQty", "Amount traded, in the base asset."),
    amount("executed_quote_quantity", "cumQuote", "Amount traded, in the quote asset."),
    amount("executed_base_quantity", "cumBase", "Amount, in the base asset (newer field).", optional=True),
    amount("stop_price", "stopPrice", "Price that triggers it, in the quote asset; 0 if it has none."),
    amount(
        "activation_price",
        "activatePrice",
        "Price that activates a trailing stop, in the quote asset; only of such orders.",
        optional=True,
    ),
    amount(
        "callback_rate",
        "priceRate",
        "Callback of a trailing stop, in percent; only of such orders.",
        optional=True,
    ),
    Column(name="reduce_only", field="reduceOnly", kind="flag", doc="It may only reduce a position."),
    Column(name="close_position", field="closePosition", kind="flag", doc="It closes the position."),
    _text("working_type", "workingType", "CONTRACT_PRICE or MARK_PRICE, which triggers it."),
    Column(name="price_protect", field="priceProtect", kind="flag", doc="The trigger is protected."),
    _text("price_match", "priceMatch", "Its price is that of the book: NONE, OPPONENT, QUEUE and so on."),
    _text("self_trade_prevention_mode", "selfTradePreventionMode", "How self-trades are prevented."),
    Column(
        name="good_till_date",
        field="goodTillDate",
        kind="time",
        doc="When a GTD order expires, UTC; missing for others.",
        optional=True,
    ),
    PAIR,
)

ORDERS = Endpoint(
    name="orders",
    system="account.futures",
    path="/fapi/v1/allOrders",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    params=(
        # Optional for the exchange since August 2026. Ids ascend within a symbol only, so without one the
        # pages of a long span could not be told apart.
        replace(SYMBOLS, required=False, required_by_client=True),
        Param(
            field="orderId",
            name="from_order_id",
            kind="id",
            doc="All orders from this id on, in place of a span; 0 for all there are.",
            minimum=0,
        ),
    ),
    window=Window(
        max_span=timedelta(days=7) - MILLISECOND,
        default=timedelta(days=7) - MILLISECOND,
        retention=timedelta(days=90),
    ),
    paging=Paging(
        kind="id",
        size="limit",
        default=500,
        maximum=1000,
        id_field="orderId",
        id_column="order_id",
        by_window=True,
    ),
    columns=_ORDER_COLUMNS,
    identity=("symbol", "order_id"),
    order_by="time",
    summary="All orders of the account in a symbol, open ones and others, one row each.",
    notes=(_KEPT,),
    source=f"{TRADE_DOCS}/All-Orders",
)

OPEN_ORDERS = Endpoint(
    name="open_orders",
    system="account.futures",
    path="/fapi/v1/openOrders",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=weight_of_symbols(1, 40),
    params=(replace(ONLY_SYMBOL, several=True),),
    columns=_ORDER_COLUMNS,
    whole=True,
    identity=("symbol", "order_id"),
    summary="The open orders of the account, one row each.",
    source=f"{TRADE_DOCS}/Current-All-Open-Orders",
)

ORDER = Endpoint(
    name="order",
    system="account.futures",
    path="/fapi/v1/order",
    security="USER_DATA",
    rate_limit=FAPI,
    params=(
        SYMBOL,
        Param(
            field="orderId",
            name="order_id",
            kind="id",
            doc="Id of the order.",
            minimum=0,
        ),
        Param(
            field="origClientOrderId",
            name="client_order_id",
            kind="id",
            doc="Id given by whoever placed the order.",
            columns=("client_order_id",),
        ),
    ),
    at_least_one=("client_order_id", "order_id"),
    mutually_exclusive=("order_id", "client_order_id"),
    columns=_ORDER_COLUMNS,
    identity=("symbol", "order_id"),
    summary="One order, as one row.",
    notes=(_KEPT,),
    source=f"{TRADE_DOCS}/Query-Order",
)
