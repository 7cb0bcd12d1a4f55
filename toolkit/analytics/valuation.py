"""What amounts are worth in one currency, at the prices of their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE, PLACES, WIDE_TYPE
from toolkit.analytics.prices import CandlePrices, Interval
from toolkit.analytics.pricing import ANY_TIME, GIVEN, NO_PRICE, PriceTable, Pricing, ValuedRows
from toolkit.analytics.routes import RENAMED
from toolkit.analytics.valuation_arguments import (
    ValuedColumns,
    check_words,
    checked_renamed,
    own_prices,
    pairs_at_par,
)
from toolkit.client import Link
from toolkit.errors import InexactError, UsageError
from toolkit.text.suggestions import suggests_arguments

COLUMNS = ("price", "price_time", "priced_by", "value")
"""The columns that `value()` adds."""

# Arrow multiplies decimals of 76 digits at most in all: 37 of one, 38 of the other.
_FACTOR = pa.decimal256(37, PLACES)
_ROWS_AT_ONCE = 32_768


@suggests_arguments
def value(
    frame: pd.DataFrame,
    currency: str = "USDT",
    *,
    link: Link | None = None,
    prices: pd.DataFrame | None = None,
    at: Interval = "1h",
    at_par: Sequence[str] | Mapping[str, str] = (),
    renamed: Mapping[str, str | tuple[str, Decimal | int]] | None = None,
    time: str = "time",
    asset: str | None = None,
    amount: str | None = None,
) -> pd.DataFrame:
    """Value amounts in one currency, each at the price of its time.

    The price is the close of the last candle that closed at or before the row's time, never one after it, and
    at most 24 hours old. It comes from the asset's own spot market in that currency, or from up to three
    markets one after the other, the other way round where need be (`1/EURUSDT`). Stable coins have the price
    of their market, unless they are `at_par`. "USD", the unit of COIN-M totals, counts as USDT, and as a
    currency it means USDT; `attrs` say so. A row without a price keeps NA: it is not worth nothing.

    A price has at most 18 decimal places: that of one market is the candle's, and a quotient or product is
    rounded once, half to even. A value is the whole product of amount and price, rounded once in the same way
    where it has more places.

    Args:
        frame: Any frame with times, assets and amounts. It is not changed.
        currency: What to value in, such as "USDT", "EUR" or "BTC".
        link: The Link whose `market.spot.klines` are read, 1,000 candles with a weight of 2. Days that are
            over are kept in your state folder, so that each price is fetched once.
        prices: Your own prices, which go before those of the market: a frame of time, asset and price, and
            currency where there are several. A price holds from its time until the next one of that asset.
        at: Length of the candles: "1m" to "1d".
        at_par: Stable coins that count as one unit of their own currency instead of at their market price,
            such as `("USDC", "FDUSD")`: one USDT (or one of the currency, if that is a stable coin of the
            dollar, too). For other assets, say what they are worth one unit of: `{"WBTC": "BTC"}`.
        renamed: Further assets with a new name: `{"OLD": "NEW"}`, or `{"OLD": ("NEW", 1000)}` where one unit
            became a thousand.
        time: Column with the times.
        asset: Column with the assets; by default `asset`, `unit` or `coin`.
        amount: Column with the amounts, "exact" or float; by default `amount`, `income`, `rebate_vol`,
            `total` or `balance`.

    Returns:
        A copy with four more columns (which replace those of an earlier valuation)

        - price (amount): Price of one unit of the asset, in the currency.
        - price_time (time): When that price was made: the earlier one where it is from two markets.
        - priced_by (text): Where it is from: "BTCUSDT", "1/EURUSDT", "SOLETH*ETHUSDT", "USD=USDT", "given".
        - value (amount): The amount in the currency.

        Exact where the amounts are, floats otherwise. `attrs["valuation"]` has the currency, the number of
        rows and of valued ones, and the ways that were used; `attrs["unvalued"]` the number of rows without a
        price, by asset.

    Raises:
        UsageError: An argument is invalid; nothing was sent.
        InexactError: A value has more than 20 digits before the decimal point.
        ToolkitError: Prices could not be fetched. What was fetched is kept.

    Example:
        >>> toolkit.analytics.value(link.spot.rebates(start="-30D"), "EUR", link=link)
    """
    columns = ValuedColumns.of(frame, time, asset, amount)
    check_words(currency, at)
    target = "USDT" if currency == "USD" else currency
    rows = ValuedRows.of(frame, columns)
    own = None if prices is None else own_prices(prices, currency)
    source = None if link is None else CandlePrices(link, at)
    par = [("USD", "USDT"), *pairs_at_par(at_par, target)]
    known = {**RENAMED, **checked_renamed(renamed or {})}
    pricing = Pricing(target, known, par, own, source)
    if source is None and own is None and pricing.needs_market(rows.assets):
        raise UsageError(
            "value() needs prices: give a Link (`link=`), or your own prices (`prices=`). Nothing was sent."
        )
    table = pricing.table(rows)
    if currency != target:
        pricing.used_at_par.add(f"{currency}={target}")
    return _valued(frame, rows, table, currency=currency, at=at, is_at_par=pricing.used_at_par)


def _valued(
    frame: pd.DataFrame, rows: ValuedRows, table: PriceTable, *, currency: str, at: str, is_at_par: set[str]
) -> pd.DataFrame:
    is_valued = table.index != NO_PRICE
    indices = pa.array(table.index, mask=~is_valued)
    prices = pa.concat_arrays([pa.array([], EXACT_TYPE), *table.prices]).take(indices)
    is_exact = rows.amounts.type == EXACT_TYPE
    if is_exact:
        values: Any = pd.Series(ExactDtype().__from_arrow__(_multiplied(rows.amounts, prices)), frame.index)
        shown: Any = pd.Series(ExactDtype().__from_arrow__(prices), frame.index)
    else:
        floats = prices.cast(pa.float64())
        shown = pd.Series(floats.to_numpy(zero_copy_only=False), frame.index)
        values = pd.Series(pc.multiply(rows.amounts, floats).to_numpy(zero_copy_only=False), frame.index)
    made = np.concatenate([*table.times, [ANY_TIME]])[table.index]  # the last one where there is no price
    stamps = pa.array(np.where(made == ANY_TIME, rows.times, made), pa.int64(), mask=~is_valued).cast(
        pa.timestamp("ms", tz="UTC")
    )
    runs = np.repeat(np.arange(len(table.names)), [len(each) for each in table.times])
    run_of = np.append(runs, len(runs))[table.index]
    names = pa.array(table.names, pa.string()).take(pa.array(run_of, mask=~is_valued))
    valued = frame.assign(
        price=shown,
        price_time=pd.Series(stamps.to_pandas(), dtype="datetime64[ms, UTC]").set_axis(frame.index),
        priced_by=pd.Series(pd.array(names.to_pandas(), dtype="string"), frame.index),
        value=values,
    )
    counts = np.bincount(run_of[is_valued], minlength=len(table.names))
    routes: dict[str, int] = {}
    for name, count in zip(table.names, counts.tolist(), strict=True):
        if count:
            routes[name] = routes.get(name, 0) + count
    without = np.unique(rows.codes[~is_valued], return_counts=True)
    valued.attrs = {
        **frame.attrs,
        "valuation": {
            "currency": currency,
            "at": at,
            "rows": len(frame),
            "valued": int(is_valued.sum()),
            "given": routes.pop(GIVEN, 0),
            "at_par": sorted(is_at_par),
            "routes": dict(sorted(routes.items())),
        },
        "unvalued": {
            ("(none)" if code < 0 else rows.assets[code]): count
            for code, count in zip(*(each.tolist() for each in without), strict=True)
        },
    }
    return valued


def _multiplied(amounts: Any, prices: Any) -> Any:
    """The products, each rounded once."""
    try:
        # Decimals of 256 bits need much memory, so only a part of the rows has them at once.
        parts = [
            _product_of(amounts.slice(start, _ROWS_AT_ONCE), prices.slice(start, _ROWS_AT_ONCE))
            for start in range(0, len(amounts), _ROWS_AT_ONCE)
        ]
    except pa.ArrowInvalid:
        raise InexactError(
            "A value has more than 20 digits before the decimal point, which do not fit an exact amount. "
            'Use floats: `frame.astype({"amount": "float64"})`, or a larger currency.'
        ) from None
    return pa.chunked_array(parts, EXACT_TYPE)


def _product_of(amounts: Any, prices: Any) -> Any:
    product = pc.multiply(amounts.cast(WIDE_TYPE).cast(_FACTOR), prices.cast(pa.decimal256(38, PLACES)))
    rounded = pc.round(product, ndigits=PLACES, round_mode="half_to_even")
    return rounded.cast(WIDE_TYPE).cast(EXACT_TYPE)
