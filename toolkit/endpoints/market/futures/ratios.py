"""Who is long and short on USD-M futures, who takes, and what futures cost above spot, over time.

The official SDK labels the two about top traders MARKET_DATA since 2026. The pages do not, and they answer
without a key.
"""

from __future__ import annotations

import dataclasses

from toolkit.endpoints.market.futures.shared import (
    DOCS,
    PAIR,
    PERIOD,
    SERIES_PAGING,
    SERIES_STEPS,
    SERIES_TIME,
    SERIES_WINDOW,
    contract_type,
)
from toolkit.endpoints.market.shared import SYMBOL, SYMBOL_COLUMN
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FUTURES_DATA

_ACCOUNTS = (
    SYMBOL_COLUMN,
    SERIES_TIME,
    Column(
        name="long_short_ratio",
        field="longShortRatio",
        kind="amount",
        doc="Accounts that are long for each one that is short.",
    ),
    Column(
        name="long_account",
        field="longAccount",
        kind="amount",
        doc="Accounts that are long, a fraction of 1.",
    ),
    Column(
        name="short_account",
        field="shortAccount",
        kind="amount",
        doc="Accounts that are short, a fraction of 1.",
    ),
)

LONG_SHORT_RATIO = Endpoint(
    name="long_short_ratio",
    system="market.futures",
    path="/futures/data/globalLongShortAccountRatio",
    security="NONE",
    rate_limit=FUTURES_DATA,
    params=(SYMBOL, PERIOD),
    window=SERIES_WINDOW,
    paging=SERIES_PAGING,
    columns=_ACCOUNTS,
    identity=("time",),
    order_by="time",
    steps=SERIES_STEPS,
    summary="Accounts of all traders that are long and short, one row a period.",
    source=f"{DOCS}/Long-Short-Ratio",
)

TOP_ACCOUNT_RATIO = Endpoint(
    name="top_account_ratio",
    system="market.futures",
    path="/futures/data/topLongShortAccountRatio",
    security="NONE",
    rate_limit=FUTURES_DATA,
    params=(SYMBOL, PERIOD),
    window=SERIES_WINDOW,
    paging=SERIES_PAGING,
    columns=_ACCOUNTS,
    identity=("time",),
    order_by="time",
    steps=SERIES_STEPS,
    summary="Accounts of top traders that are long and short, one row a period.",
    notes=("Top traders are the 20 % of users with the highest margin balance.",),
    source=f"{DOCS}/Top-Long-Short-Account-Ratio",
)

TOP_POSITION_RATIO = Endpoint(
    name="top_position_ratio",
    system="market.futures",
    path="/futures/data/topLongShortPositionRatio",
    security="NONE",
    rate_limit=FUTURES_DATA,
    params=(SYMBOL, PERIOD),
    window=SERIES_WINDOW,
    paging=SERIES_PAGING,
    columns=(
        SYMBOL_COLUMN,
        SERIES_TIME,
        Column(
            name="long_short_ratio",
            field="longShortRatio",
            kind="amount",
            doc="Long positions for each short one, by their size.",
        ),
        # The fields are called after accounts, and are about positions.
        Column(
            name="long_position", field="longAccount", kind="amount", doc="Long positions, a fraction of 1."
        ),
        Column(
            name="short_position",
            field="shortAccount",
            kind="amount",
            doc="Short positions, a fraction of 1.",
        ),
    ),
    identity=("time",),
    order_by="time",
    steps=SERIES_STEPS,
    summary="Positions of top traders that are long and short, one row a period.",
    notes=("Top traders are the 20 % of users with the highest margin balance.",),
    source=f"{DOCS}/Top-Trader-Long-Short-Ratio",
)

TAKER_VOLUME_RATIO = Endpoint(
    name="taker_volume_ratio",
    system="market.futures",
    path="/futures/data/takerlongshortRatio",
    security="NONE",
    rate_limit=FUTURES_DATA,
    params=(SYMBOL, PERIOD),
    window=SERIES_WINDOW,
    paging=SERIES_PAGING,
    columns=(
        SERIES_TIME,
        Column(
            name="buy_sell_ratio",
            field="buySellRatio",
            kind="amount",
            doc="Amount that takers bought for each one they sold.",
        ),
        Column(
            name="buy_volume",
            field="buyVol",
            kind="amount",
            doc="Amount that takers bought, in the base asset.",
        ),
        Column(
            name="sell_volume",
            field="sellVol",
            kind="amount",
            doc="Amount that takers sold, in the base asset.",
        ),
    ),
    identity=("time",),
    order_by="time",
    steps=SERIES_STEPS,
    summary="Amounts that takers bought and sold, one row a period.",
    notes=("The rows do not repeat the symbol.",),
    source=f"{DOCS}/Taker-BuySell-Volume",
)

BASIS = Endpoint(
    name="basis",
    system="market.futures",
    path="/futures/data/basis",
    security="NONE",
    rate_limit=FUTURES_DATA,
    params=(PAIR, contract_type("perpetual", "current_quarter", "next_quarter"), PERIOD),
    window=SERIES_WINDOW,
    paging=dataclasses.replace(SERIES_PAGING, size_required=True),  # by the page of 2025
    columns=(
        Column(name="pair", field="pair", kind="text", doc="Pair."),
        Column(name="contract_type", field="contractType", kind="text", doc="Kind of the contract."),
        SERIES_TIME,
        Column(
            name="futures_price",
            field="futuresPrice",
            kind="amount",
            doc="Price of the contract, in the quote asset.",
        ),
        Column(name="index_price", field="indexPrice", kind="amount", doc="Index price, in the quote asset."),
        Column(
            name="basis",
            field="basis",
            kind="amount",
            doc="Price of the contract less index price, in the quote asset.",
        ),
        Column(
            name="basis_rate",
            field="basisRate",
            kind="amount",
            doc="The same, a fraction of the index price.",
        ),
        Column(
            name="annualized_basis_rate",
            field="annualizedBasisRate",
            kind="amount",
            doc="The same for a year; missing for perpetual contracts.",
            optional=True,
        ),
    ),
    identity=("time",),
    order_by="time",
    steps=SERIES_STEPS,
    summary="What a pair's contract cost above its index price, one row a period.",
    source=f"{DOCS}/Basis",
)
