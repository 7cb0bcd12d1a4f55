"""Tickers of USD-M futures: prices, best offers, and statistics of the last 24 hours."""

from __future__ import annotations

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.market.shared import (
    CHANGE_COLUMNS,
    LAST_PRICE,
    LAST_QUANTITY,
    OFFER_COLUMNS,
    ONLY_SYMBOL,
    PRICE_COLUMNS,
    SYMBOL_COLUMN,
    VOLUME_COLUMNS,
    weight_of_symbols,
)
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

TICKER_24HR = Endpoint(
    name="ticker_24hr",
    system="market.futures",
    path="/fapi/v1/ticker/24hr",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_of_symbols(1, 40),
    params=(ONLY_SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        *CHANGE_COLUMNS,
        LAST_PRICE,
        LAST_QUANTITY,
        *PRICE_COLUMNS,
        *VOLUME_COLUMNS,
    ),
    identity=("symbol",),
    whole=True,
    summary="Prices and volumes of the last 24 hours, one row a symbol.",
    source=f"{DOCS}/24hr-Ticker-Price-Change-Statistics",
)

TICKER_PRICE = Endpoint(
    name="ticker_price",
    system="market.futures",
    path="/fapi/v2/ticker/price",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_of_symbols(1, 2),
    params=(ONLY_SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        Column(name="price", field="price", kind="amount", doc="Last price, in the quote asset."),
        Column(name="time", field="time", kind="time", doc="Time of the last trade, UTC."),
    ),
    identity=("symbol",),
    whole=True,
    inaccurate_header=True,
    summary="Last prices, one row a symbol.",
    source=f"{DOCS}/Symbol-Price-Ticker-v2",
)

TICKER_BOOK = Endpoint(
    name="ticker_book",
    system="market.futures",
    path="/fapi/v1/ticker/bookTicker",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_of_symbols(2, 5),
    params=(ONLY_SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        *OFFER_COLUMNS,
        Column(name="time", field="time", kind="time", doc="When the order book last changed, UTC."),
    ),
    identity=("symbol",),
    whole=True,
    inaccurate_header=True,
    summary="Best bid and best ask, one row a symbol.",
    notes=("Retail Price Improvement orders are left out.",),
    source=f"{DOCS}/Symbol-Order-Book-Ticker",
)
