"""Open interest of USD-M futures, now and over time."""

from __future__ import annotations

from toolkit.endpoints.market.futures.shared import (
    DOCS,
    PERIOD,
    SERIES_PAGING,
    SERIES_STEPS,
    SERIES_TIME,
    SERIES_WINDOW,
)
from toolkit.endpoints.market.shared import SYMBOL, SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI, FUTURES_DATA

OPEN_INTEREST = Endpoint(
    name="open_interest",
    system="market.futures",
    path="/fapi/v1/openInterest",
    security="NONE",
    rate_limit=FAPI,
    params=(SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        Column(name="time", field="time", kind="time", doc="Time of the figure, UTC."),
        Column(
            name="open_interest",
            field="openInterest",
            kind="amount",
            doc="Open positions, in the base asset.",
        ),
    ),
    identity=("symbol",),
    summary="Open interest of a symbol now, as one row.",
    source=f"{DOCS}/Open-Interest",
)

OPEN_INTEREST_HISTORY = Endpoint(
    name="open_interest_history",
    system="market.futures",
    path="/futures/data/openInterestHist",
    security="NONE",
    rate_limit=FUTURES_DATA,
    params=(SYMBOL, PERIOD),
    window=SERIES_WINDOW,
    paging=SERIES_PAGING,
    columns=(
        SYMBOL_COLUMN,
        SERIES_TIME,
        Column(
            name="open_interest",
            field="sumOpenInterest",
            kind="amount",
            doc="Open positions, in the base asset.",
        ),
        Column(
            name="open_interest_value",
            field="sumOpenInterestValue",
            kind="amount",
            doc="Open positions, in the quote asset.",
        ),
        # In the official SDK, not in the page of 2025.
        Column(
            name="circulating_supply",
            field="CMCCirculatingSupply",
            kind="amount",
            doc="Circulating supply of the base asset, by CoinMarketCap.",
            optional=True,
        ),
    ),
    identity=("time",),
    order_by="time",
    steps=SERIES_STEPS,
    summary="Open interest of a symbol over time, one row a period.",
    source=f"{DOCS}/Open-Interest-Statistics",
)
