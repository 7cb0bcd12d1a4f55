"""Tickers: last prices, best offers, and statistics of a day or of a time of choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from toolkit.endpoints.market.sent_parameters import texts_sent
from toolkit.endpoints.market.shared import (
    CHANGE_COLUMNS,
    LAST_PRICE,
    LAST_QUANTITY,
    OFFER_COLUMNS,
    ONLY_SYMBOL,
    PRICE_COLUMNS,
    SYMBOL_COLUMN,
    VOLUME_COLUMNS,
)
from toolkit.endpoints.market.spot.shared import MARKET_DOCS, ONLY_SYMBOLS, SYMBOL_STATUS
from toolkit.endpoints.model import Column, Endpoint, Param
from toolkit.endpoints.rate_limits import API

# A MINI response weighs the same and lacks columns.
_TYPE = Param(
    field="type",
    name="type",
    kind="choice",
    doc="Whether the response has all fields or the most used ones.",
    choices=MappingProxyType({"full": "FULL", "mini": "MINI"}),
    default="full",
)
_ONE_SYMBOL = replace(ONLY_SYMBOL, doc="One symbol.")
_HUNDRED_SYMBOLS = replace(ONLY_SYMBOLS, doc="Up to 100 symbols.", maximum=100)
_WINDOW_SIZES = (
    *(f"{minutes}m" for minutes in range(1, 60)),
    *(f"{hours}h" for hours in range(1, 24)),
    *(f"{days}d" for days in range(1, 8)),
)


def _number_of_symbols(sent: Mapping[str, Any]) -> int:
    """How many symbols a request names; 0 is for all of them."""
    return 1 if "symbol" in sent else texts_sent(sent, "symbols")


def weight_of_day(sent: Mapping[str, Any]) -> int:
    """2 for up to 20 symbols, 40 for up to 100, 80 for more or all of them."""
    number = _number_of_symbols(sent)
    return 2 if 1 <= number <= 20 else 40 if 1 <= number <= 100 else 80


def weight_of_each(sent: Mapping[str, Any]) -> int:
    """4 for each symbol, 200 at most."""
    return min(4 * max(_number_of_symbols(sent), 1), 200)


def weight_of_latest(sent: Mapping[str, Any]) -> int:
    """2 for `symbol`, 4 for `symbols` or all of them."""
    return 2 if "symbol" in sent else 4


_NO_TRADE = "Without a trade, `first_trade_id` and `last_trade_id` are -1."

TICKER_24HR = Endpoint(
    name="ticker_24hr",
    system="market.spot",
    path="/api/v3/ticker/24hr",
    security="NONE",
    rate_limit=API,
    weight=weight_of_day,
    params=(ONLY_SYMBOL, ONLY_SYMBOLS, SYMBOL_STATUS),
    unused=(_TYPE,),
    mutually_exclusive=("symbol", "symbols"),
    columns=(
        SYMBOL_COLUMN,
        *CHANGE_COLUMNS,
        Column(
            name="previous_close_price",
            field="prevClosePrice",
            kind="amount",
            doc="Price of the last trade before, in the quote asset.",
        ),
        LAST_PRICE,
        LAST_QUANTITY,
        *OFFER_COLUMNS,
        *PRICE_COLUMNS,
        *VOLUME_COLUMNS,
    ),
    identity=("symbol",),
    whole=True,
    summary="Prices and volumes of the last 24 hours, one row a symbol.",
    notes=(_NO_TRADE,),
    source=f"{MARKET_DOCS}#ticker24hr",
)

TICKER_TRADING_DAY = Endpoint(
    name="ticker_trading_day",
    system="market.spot",
    path="/api/v3/ticker/tradingDay",
    security="NONE",
    rate_limit=API,
    weight=weight_of_each,
    params=(_ONE_SYMBOL, _HUNDRED_SYMBOLS),
    unused=(_TYPE, SYMBOL_STATUS),
    at_least_one=("symbol", "symbols"),
    mutually_exclusive=("symbol", "symbols"),
    columns=(SYMBOL_COLUMN, *CHANGE_COLUMNS, *PRICE_COLUMNS, LAST_PRICE, *VOLUME_COLUMNS),
    identity=("symbol",),
    summary="Prices and volumes of the day, one row a symbol.",
    notes=("A trading day begins at midnight UTC.", _NO_TRADE),
    source=f"{MARKET_DOCS}#ticker-trading-day",
)

TICKER = Endpoint(
    name="ticker",
    system="market.spot",
    path="/api/v3/ticker",
    security="NONE",
    rate_limit=API,
    weight=weight_of_each,
    params=(
        _ONE_SYMBOL,
        _HUNDRED_SYMBOLS,
        Param(
            field="windowSize",
            name="window_size",
            kind="choice",
            doc='Length of the time in the exchange\'s words: "1m" to "59m", "1h" to "23h", "1d" to "7d"; '
            'defaults to "1d".',
            choices=MappingProxyType({word: word for word in _WINDOW_SIZES}),
            default="1d",
        ),
    ),
    unused=(_TYPE, SYMBOL_STATUS),
    at_least_one=("symbol", "symbols"),
    mutually_exclusive=("symbol", "symbols"),
    columns=(SYMBOL_COLUMN, *CHANGE_COLUMNS, *PRICE_COLUMNS, LAST_PRICE, *VOLUME_COLUMNS),
    identity=("symbol",),
    summary="Prices and volumes of a time up to now, one row a symbol.",
    notes=("It begins at a full minute, so it is up to a minute longer than `window_size`.", _NO_TRADE),
    source=f"{MARKET_DOCS}#ticker",
)

TICKER_PRICE = Endpoint(
    name="ticker_price",
    system="market.spot",
    path="/api/v3/ticker/price",
    security="NONE",
    rate_limit=API,
    weight=weight_of_latest,
    params=(ONLY_SYMBOL, ONLY_SYMBOLS, SYMBOL_STATUS),
    mutually_exclusive=("symbol", "symbols"),
    columns=(
        SYMBOL_COLUMN,
        Column(name="price", field="price", kind="amount", doc="Last price, in the quote asset."),
    ),
    identity=("symbol",),
    whole=True,
    summary="Last prices, one row a symbol.",
    source=f"{MARKET_DOCS}#ticker-price",
)

TICKER_BOOK = Endpoint(
    name="ticker_book",
    system="market.spot",
    path="/api/v3/ticker/bookTicker",
    security="NONE",
    rate_limit=API,
    weight=weight_of_latest,
    params=(ONLY_SYMBOL, ONLY_SYMBOLS, SYMBOL_STATUS),
    mutually_exclusive=("symbol", "symbols"),
    columns=(SYMBOL_COLUMN, *OFFER_COLUMNS),
    identity=("symbol",),
    whole=True,
    summary="Best bid and best ask, one row a symbol.",
    source=f"{MARKET_DOCS}#ticker-book-ticker",
)
