"""Funding of USD-M futures, and the prices it follows from."""

from __future__ import annotations

from datetime import timedelta

from toolkit.endpoints.market.futures.shared import DOCS
from toolkit.endpoints.market.shared import ONLY_SYMBOL, SYMBOL_COLUMN, weight_of_symbols
from toolkit.endpoints.model import Column, Endpoint, Paging, Window
from toolkit.endpoints.rate_limits import FAPI, FUNDING

FUNDING_RATES = Endpoint(
    name="funding_rates",
    system="market.futures",
    path="/fapi/v1/fundingRate",
    security="NONE",
    rate_limit=FUNDING,
    params=(ONLY_SYMBOL,),
    window=Window(max_span=None, default=timedelta(days=7)),
    # Without a span, 200 rows come in 2026 and as many as requested in 2025; a span is always sent.
    paging=Paging(kind="limit", size="limit", default=100, maximum=1000),
    columns=(
        SYMBOL_COLUMN,
        Column(
            name="funding_time",
            field="fundingTime",
            kind="time",
            doc="When it was paid, UTC; a few milliseconds after the hour.",
        ),
        Column(
            name="funding_rate",
            field="fundingRate",
            kind="amount",
            doc="What longs paid shorts, a fraction of the position; where it is negative, shorts paid.",
        ),
        Column(
            name="mark_price",
            field="markPrice",
            kind="amount",
            doc="Mark price it was charged at, in the quote asset; missing for the first years.",
            optional=True,
        ),
        # Since July 2026.
        Column(name="rate_type", field="rateType", kind="text", doc="Its type: Regular.", optional=True),
    ),
    identity=("symbol", "funding_time", "rate_type"),
    order_by="funding_time",
    summary="Funding that was paid, one row for each symbol and time.",
    source=f"{DOCS}/Get-Funding-Rate-History",
)

FUNDING_INFO = Endpoint(
    name="funding_info",
    system="market.futures",
    path="/fapi/v1/fundingInfo",
    security="NONE",
    rate_limit=FUNDING,
    ignored=("disclaimer",),
    columns=(
        SYMBOL_COLUMN,
        Column(
            name="funding_interval_hours",
            field="fundingIntervalHours",
            kind="integer",
            doc="Hours from one funding to the next.",
        ),
        Column(
            name="funding_rate_cap",
            field="adjustedFundingRateCap",
            kind="amount",
            doc="Highest rate, a fraction of the position.",
        ),
        Column(
            name="funding_rate_floor",
            field="adjustedFundingRateFloor",
            kind="amount",
            doc="Lowest rate, a fraction of the position.",
        ),
        # Only in responses, in no documentation.
        Column(
            name="update_time",
            field="updateTime",
            kind="time",
            doc="When the exchange adjusted it, UTC.",
            optional=True,
        ),
    ),
    identity=("symbol",),
    whole=True,
    summary="Symbols whose funding interval, or highest or lowest rate, was adjusted, one row each.",
    notes=("Symbols with the usual interval and bounds are left out.",),
    source=f"{DOCS}/Get-Funding-Rate-Info",
)

PREMIUM_INDEX = Endpoint(
    name="premium_index",
    system="market.futures",
    path="/fapi/v1/premiumIndex",
    security="NONE",
    rate_limit=FAPI,
    weight=weight_of_symbols(1, 10),
    params=(ONLY_SYMBOL,),
    columns=(
        SYMBOL_COLUMN,
        Column(name="time", field="time", kind="time", doc="Time of the prices, UTC."),
        Column(name="mark_price", field="markPrice", kind="amount", doc="Mark price, in the quote asset."),
        Column(name="index_price", field="indexPrice", kind="amount", doc="Index price, in the quote asset."),
        Column(
            name="estimated_settle_price",
            field="estimatedSettlePrice",
            kind="amount",
            doc="Estimated settlement price, in the quote asset: of use only in the hour before settlement.",
        ),
        Column(
            name="last_funding_rate",
            field="lastFundingRate",
            kind="amount",
            doc="Current funding rate, a fraction of the position; missing where there is no funding.",
            optional=True,
        ),
        Column(
            name="interest_rate",
            field="interestRate",
            kind="amount",
            doc="Interest rate in it; missing where there is no funding.",
            optional=True,
        ),
        Column(
            name="next_funding_time",
            field="nextFundingTime",
            kind="time",
            doc="When funding is paid next, UTC; missing where there is none, as for quarterly contracts.",
            optional=True,
        ),
    ),
    identity=("symbol",),
    whole=True,
    summary="Mark price, index price and current funding, one row a symbol.",
    source=f"{DOCS}/Mark-Price",
)
