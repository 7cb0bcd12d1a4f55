"""Tickers of USD-M futures: prices, best offers, and statistics of the last 24 hours."""

from __future__ import annotations

from toolkit.endpoints.market.futures.shared import DOCS, ONLY_SYMBOL, weight_of_symbols
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

_SYMBOL = Column(name="symbol", field="symbol", kind="text", doc="Symbol.")

TICKER_24HR = Endpoint(
    name="ticker_24hr",
    system="market.futures",
    path="/fapi/v1/ticker/24hr",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_of_symbols(1, 40),
    params=(ONLY_SYMBOL,),
    columns=(
        _SYMBOL,
        Column(
            name="price_change",
            field="priceChange",
            kind="amount",
            doc="Last price less first price, in the quote asset.",
        ),
        Column(
            name="price_change_percent",
            field="priceChangePercent",
            kind="amount",
            doc="The same, in percent of the first price.",
        ),
        Column(
            name="weighted_average_price",
            field="weightedAvgPrice",
            kind="amount",
            doc="Average price of all trades by their amounts, in the quote asset.",
        ),
        Column(name="last_price", field="lastPrice", kind="amount", doc="Last price, in the quote asset."),
        Column(
            name="last_quantity",
            field="lastQty",
            kind="amount",
            doc="Amount of the last trade, in the base asset.",
        ),
        Column(name="open_price", field="openPrice", kind="amount", doc="First price, in the quote asset."),
        Column(name="high_price", field="highPrice", kind="amount", doc="Highest price, in the quote asset."),
        Column(name="low_price", field="lowPrice", kind="amount", doc="Lowest price, in the quote asset."),
        Column(name="volume", field="volume", kind="amount", doc="Amount traded, in the base asset."),
        Column(
            name="quote_volume", field="quoteVolume", kind="amount", doc="Amount traded, in the quote asset."
        ),
        Column(name="open_time", field="openTime", kind="time", doc="Start of the 24 hours, UTC."),
        Column(name="close_time", field="closeTime", kind="time", doc="End of the 24 hours, UTC."),
        Column(name="first_trade_id", field="firstId", kind="id", doc="Id of the first trade."),
        Column(name="last_trade_id", field="lastId", kind="id", doc="Id of the last trade."),
        Column(name="trades", field="count", kind="integer", doc="Number of trades."),
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
        _SYMBOL,
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
        _SYMBOL,
        Column(name="bid_price", field="bidPrice", kind="amount", doc="Highest bid, in the quote asset."),
        Column(name="bid_quantity", field="bidQty", kind="amount", doc="Amount bid for, in the base asset."),
        Column(name="ask_price", field="askPrice", kind="amount", doc="Lowest ask, in the quote asset."),
        Column(
            name="ask_quantity", field="askQty", kind="amount", doc="Amount asked for, in the base asset."
        ),
        Column(name="time", field="time", kind="time", doc="When the order book last changed, UTC."),
    ),
    identity=("symbol",),
    whole=True,
    inaccurate_header=True,
    summary="Best bid and best ask, one row a symbol.",
    notes=("Retail Price Improvement orders are left out.",),
    source=f"{DOCS}/Symbol-Order-Book-Ticker",
)
