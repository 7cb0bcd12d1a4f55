"""Orders of the account, and how many it may place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from toolkit.endpoints.account.spot.shared import DOCS, SYMBOLS
from toolkit.endpoints.market.shared import ONLY_SYMBOL, SYMBOL, SYMBOL_COLUMN, weight_of_symbols
from toolkit.endpoints.model import Column, ColumnKind, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import API

_KEPT = "The exchange archives orders without a trade after 90 days."


def _some(name: str, field: str, kind: ColumnKind, doc: str) -> Column:
    """A column of orders of some kinds only."""
    return Column(name=name, field=field, kind=kind, doc=doc, optional=True)


_COLUMNS = (
    SYMBOL_COLUMN,
    Column(name="order_id", field="orderId", kind="id", doc="Id of the order, unique within its symbol."),
    Column(
        name="order_list_id",
        field="orderListId",
        kind="id",
        doc="Id of its order list; -1 if it is in none.",
    ),
    Column(
        name="client_order_id", field="clientOrderId", kind="id", doc="Id given by whoever placed the order."
    ),
    Column(name="time", field="time", kind="time", doc="When it was placed, UTC."),
    Column(name="update_time", field="updateTime", kind="time", doc="When it last changed, UTC."),
    Column(name="side", field="side", kind="text", doc="BUY or SELL."),
    Column(name="type", field="type", kind="text", doc="LIMIT, MARKET, STOP_LOSS_LIMIT, ..."),
    Column(name="time_in_force", field="timeInForce", kind="text", doc="GTC, IOC or FOK."),
    Column(
        name="status",
        field="status",
        kind="text",
        doc="NEW, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED, EXPIRED, EXPIRED_IN_MATCH, ...",
    ),
    Column(
        name="price", field="price", kind="amount", doc="Its price, in the quote asset; 0 if it has none."
    ),
    Column(name="quantity", field="origQty", kind="amount", doc="Amount ordered, in the base asset."),
    Column(
        name="quote_order_quantity",
        field="origQuoteOrderQty",
        kind="amount",
        doc="Amount ordered in the quote asset; 0 if it was ordered in the base asset.",
    ),
    Column(
        name="executed_quantity", field="executedQty", kind="amount", doc="Amount traded, in the base asset."
    ),
    Column(
        name="executed_quote_quantity",
        field="cummulativeQuoteQty",
        kind="amount",
        doc="Amount traded, in the quote asset; below 0 for some old orders, where it is not known.",
    ),
    Column(
        name="stop_price",
        field="stopPrice",
        kind="amount",
        doc="Price at which it is triggered, in the quote asset; 0 if there is none.",
    ),
    Column(
        name="iceberg_quantity",
        field="icebergQty",
        kind="amount",
        doc="Amount shown in the book, in the base asset; 0 for all of it.",
    ),
    Column(name="is_working", field="isWorking", kind="flag", doc="It is, or was, in the book."),
    _some("working_time", "workingTime", "time", "When it entered the book, UTC; missing if it did not."),
    _some(
        "self_trade_prevention_mode",
        "selfTradePreventionMode",
        "text",
        "What happens if it would trade with another order of the account.",
    ),
    _some("prevented_match_id", "preventedMatchId", "id", "Id of the trade with itself that was prevented."),
    _some("prevented_quantity", "preventedQuantity", "amount", "Amount of it, in the base asset."),
    _some("strategy_id", "strategyId", "id", "Id of a strategy, given by whoever placed the order."),
    _some("strategy_type", "strategyType", "integer", "Type of the strategy."),
    _some("trailing_delta", "trailingDelta", "integer", "Distance of a trailing stop, in basis points."),
    _some(
        "trailing_time", "trailingTime", "time", "Since when the stop trails, UTC; missing if it does not."
    ),
    _some("used_sor", "usedSor", "flag", "It was routed to other books as well."),
    _some("working_floor", "workingFloor", "text", "Where it was executed: EXCHANGE or SOR."),
    _some("peg_price_type", "pegPriceType", "text", "What the price follows: PRIMARY_PEG or MARKET_PEG."),
    _some("peg_offset_type", "pegOffsetType", "text", "Unit of the distance to it, such as PRICE_LEVEL."),
    _some("peg_offset_value", "pegOffsetValue", "integer", "The distance to it."),
    _some("pegged_price", "peggedPrice", "amount", "Present price of a pegged order, in the quote asset."),
    _some("expiry_reason", "expiryReason", "text", "Why it expired (since 2026-05)."),
)


ORDERS = Endpoint(
    name="orders",
    system="account.spot",
    path="/api/v3/allOrders",
    security="USER_DATA",
    rate_limit=API,
    weight=20,
    params=(
        SYMBOLS,
        Param(
            field="orderId",
            name="from_order_id",
            kind="id",
            doc="All orders from this id on, in place of a span; 0 for all there are.",
            minimum=0,
        ),
    ),
    window=Window(max_span=timedelta(hours=24), default=timedelta(hours=24)),
    paging=Paging(
        kind="id",
        size="limit",
        default=500,
        maximum=1000,
        id_field="orderId",
        id_column="order_id",
        by_window=True,
    ),
    columns=_COLUMNS,
    identity=("symbol", "order_id"),
    order_by="time",
    summary="All orders of the account, open ones and others, one row each.",
    notes=(_KEPT,),
    source=f"{DOCS}#all-orders",
)

OPEN_ORDERS = Endpoint(
    name="open_orders",
    system="account.spot",
    path="/api/v3/openOrders",
    security="USER_DATA",
    rate_limit=API,
    weight=weight_of_symbols(6, 80),
    params=(replace(ONLY_SYMBOL, example=None, several=True),),
    columns=_COLUMNS,
    identity=("symbol", "order_id"),
    whole=True,
    summary="The open orders of the account, one row each.",
    source=f"{DOCS}#get-open-orders",
)

ORDER = Endpoint(
    name="order",
    system="account.spot",
    path="/api/v3/order",
    security="USER_DATA",
    rate_limit=API,
    weight=4,
    params=(
        SYMBOL,
        # Not compared with the one received: a canceled order may show that of its cancellation.
        Param(
            field="origClientOrderId",
            name="client_order_id",
            kind="id",
            doc="Id given by whoever placed the order.",
        ),
        Param(field="orderId", name="order_id", kind="id", doc="Id of the order.", minimum=0),
    ),
    at_least_one=("client_order_id", "order_id"),
    mutually_exclusive=("client_order_id", "order_id"),
    columns=_COLUMNS,
    identity=("symbol", "order_id"),
    summary="One order, as one row.",
    notes=(_KEPT,),
    source=f"{DOCS}#get-order",
)

ORDER_COUNTS = Endpoint(
    name="order_counts",
    system="account.spot",
    path="/api/v3/rateLimit/order",
    security="USER_DATA",
    rate_limit=API,
    weight=40,
    columns=(
        Column(name="rate_limit_type", field="rateLimitType", kind="text", doc="ORDERS."),
        Column(name="interval", field="interval", kind="text", doc="Unit of the interval: SECOND or DAY."),
        Column(name="interval_num", field="intervalNum", kind="integer", doc="Number of these units."),
        Column(name="limit", field="limit", kind="integer", doc="Orders allowed in the interval."),
        Column(name="count", field="count", kind="integer", doc="Orders placed in it that were not filled."),
    ),
    whole=True,
    identity=("rate_limit_type", "interval", "interval_num"),
    summary="How many orders the account has placed and may place, one row an interval.",
    source=f"{DOCS}#rate-limit-order",
)
