"""Trades of the account, and what they cost."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.account.futures.shared import (
    ACCOUNT_DOCS,
    PAIR,
    POSITION_SIDE,
    SIDE,
    SYMBOLS,
    TRADE_DOCS,
    amount,
)
from toolkit.endpoints.market.shared import SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import FAPI

TRADES = Endpoint(
    name="trades",
    system="account.futures",
    path="/fapi/v1/userTrades",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    params=(
        SYMBOLS,
        Param(
            field="fromId",
            name="from_trade_id",
            kind="id",
            doc="All trades from this id on, in place of a span; 0 for all there are.",
            minimum=0,
        ),
    ),
    # It may be sent with a symbol; that it may be sent with a span is not documented.
    unused=(
        Param(field="orderId", name="order_id", kind="id", doc="Only the trades of this order.", minimum=0),
    ),
    # The change log of August 2026 has "three months", read as 90 days; the page of 2025 has six.
    window=Window(max_span=timedelta(days=7), default=timedelta(days=7), retention=timedelta(days=90)),
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
        Column(name="trade_id", field="id", kind="id", doc="Id of the trade."),
        Column(name="order_id", field="orderId", kind="id", doc="Id of the order."),
        Column(name="time", field="time", kind="time", doc="When it was made, UTC."),
        SIDE,
        POSITION_SIDE,
        amount("price", "price", "Price, in the quote asset."),
        amount("quantity", "qty", "Amount traded, in the base asset."),
        amount("quote_quantity", "quoteQty", "Amount traded, in the quote asset."),
        amount("realized_pnl", "realizedPnl", "Profit realized, in the margin asset."),
        # The page has a negative number, the SDK of 2026 the same one without a sign.
        amount(
            "commission",
            "commission",
            "Commission, in `commission_asset`. Whether a commission paid is negative is not settled.",
        ),
        Column(
            name="commission_asset",
            field="commissionAsset",
            kind="text",
            doc="Asset of the commission.",
        ),
        Column(name="is_maker", field="maker", kind="flag", doc="The order of the account was in the book."),
        Column(name="is_buyer", field="buyer", kind="flag", doc="The account bought; otherwise it sold."),
        # Since August 2026.
        amount("base_quantity", "baseQty", "Amount, in the base asset (newer field).", optional=True),
        Column(
            name="margin_asset",
            field="marginAsset",
            kind="text",
            doc="The margin asset (newer field).",
            optional=True,
        ),
        PAIR,
    ),
    identity=("symbol", "trade_id"),
    order_by="time",
    summary="Trades of the account in a symbol, one row each.",
    notes=(
        "The exchange keeps the last three months.",
        "Income of all symbols, such as funding fees and profits, is in `link.futures.income`.",
    ),
    source=f"{TRADE_DOCS}/Account-Trade-List",
)

COMMISSION = Endpoint(
    name="commission",
    system="account.futures",
    path="/fapi/v1/commissionRate",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=20,
    params=(SYMBOLS,),
    columns=(
        SYMBOL_COLUMN,
        amount(
            "maker_commission",
            "makerCommissionRate",
            "Commission of orders that were in the book, as a fraction: 0.0002 is 0.02 %.",
        ),
        amount(
            "taker_commission",
            "takerCommissionRate",
            "Commission of orders that take from the book, as a fraction.",
        ),
        amount(
            "rpi_commission",
            "rpiCommissionRate",
            "Commission of Retail Price Improvement orders, as a fraction (newer field).",
            optional=True,
        ),
    ),
    identity=("symbol",),
    summary="What the account pays for trades of a symbol, one row a symbol.",
    source=f"{ACCOUNT_DOCS}/User-Commission-Rate",
)
