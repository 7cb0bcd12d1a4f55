"""The arguments of `value()`, checked and in the form that pricing needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts.integers import EXACT_TYPE, PLACES
from toolkit.analytics.prices import INTERVALS, Closes, Times
from toolkit.analytics.routes import STABLE_COINS, Renamed
from toolkit.errors import UsageError
from toolkit.runtime.decimals import in_own_context
from toolkit.text.suggestions import did_you_mean

STEP = Decimal((0, (1,), -PLACES))
"""The last place of a price."""

# The range of exact amounts.
LEAST_PRICE, ABOVE_PRICES = STEP, Decimal(10**20)

_AMOUNTS = ("amount", "income", "rebate_vol", "total", "balance")
_ASSETS = ("asset", "unit", "coin")
_CURRENCY = re.compile(r"[A-Z0-9]{1,20}")
_COINS = sorted({*STABLE_COINS, *STABLE_COINS.values()})


@dataclass(frozen=True, slots=True)
class ValuedColumns:
    """The columns of the frame that its rows are valued by."""

    time: str
    asset: str
    amount: str

    @classmethod
    def of(cls, frame: object, time: str, asset: str | None, amount: str | None) -> ValuedColumns:
        """Find them in a frame, by the names that are given or else the usual ones.

        Raises:
            UsageError: It is no frame, or has no such column.
        """
        if not isinstance(frame, pd.DataFrame):
            raise UsageError(f"value() takes a DataFrame, not {type(frame).__name__}.")

        def column(given: str | None, usual: Sequence[str], name: str) -> str:
            found = [given] if given is not None else [each for each in usual if each in frame]
            if not found or found[0] not in frame:
                missing = repr(given) if given is not None else " or ".join(usual)
                question = "" if given is None else did_you_mean(given, map(str, frame.columns))
                raise UsageError(
                    f"The frame has no column {missing}: name the right one with `{name}=`.{question}"
                )
            if isinstance(frame[found[0]], pd.DataFrame):
                raise UsageError(f"The frame has several columns named {found[0]!r}. Keep one.")
            return found[0]

        return cls(
            column(time, (), "time"), column(asset, _ASSETS, "asset"), column(amount, _AMOUNTS, "amount")
        )


def check_words(currency: object, at: object) -> None:
    """Check the currency and the length of candles.

    Raises:
        UsageError: One of them is none.
    """
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise UsageError(
            f'`currency` must be the name of an asset in capital letters, such as "USDT", not {currency!r}.'
        )
    if at not in INTERVALS:
        raise UsageError(
            f"`at` must be one of {', '.join(INTERVALS)}, not {at!r}.{did_you_mean(at, INTERVALS)}"
        )


def pairs_at_par(given: object, currency: str) -> list[tuple[str, str]]:
    """The pairs of assets that count as worth the same.

    Raises:
        UsageError: `at_par` is invalid.
    """
    is_named = isinstance(given, Mapping)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f'`at_par` must be a list of stable coins, such as ["USDC"], not {given!r}.')
    pairs = []
    for coin in dict.fromkeys(given):
        unit = given[coin] if isinstance(given, Mapping) else STABLE_COINS.get(coin, coin)
        if not isinstance(coin, str) or not isinstance(unit, str):
            raise UsageError(
                f'`at_par` must name assets, such as ["USDC"] or {{"WBTC": "BTC"}}, not {given!r}.'
            )
        if not is_named and coin not in _COINS:
            raise UsageError(
                f"`at_par` names {coin!r}, which is none of {', '.join(_COINS)}. For any other asset, say "
                f'what it is worth one unit of: `at_par={{{coin!r}: "USDT"}}`.{did_you_mean(coin, _COINS)}'
            )
        if not is_named and STABLE_COINS.get(currency, currency) == unit:
            unit = currency
        if coin != unit:
            pairs.append((coin, unit))
    return pairs


def checked_renamed(given: Mapping[str, str | tuple[str, Decimal | int]]) -> Renamed:
    """The assets of the user with a new name.

    Raises:
        UsageError: How many units one became is no number above 0.
    """
    found = {}
    for old, new in given.items():
        name, rate = (new, 1) if isinstance(new, str) else new
        if isinstance(rate, bool) or not isinstance(rate, int | Decimal) or not rate > 0:
            raise UsageError(
                f"`renamed[{old!r}]` must be the new name, or the new name and how many units of it "
                f"one unit became (a Decimal or a whole number), not {new!r}."
            )
        found[old] = (name, Decimal(rate))
    return found


def own_prices(prices: object, currency: str) -> dict[str, Closes]:
    """The prices of the user by asset.

    Raises:
        UsageError: The frame cannot be used, or has no price in the currency.
    """
    if not isinstance(prices, pd.DataFrame) or not {"time", "asset", "price"} <= set(prices.columns):
        raise UsageError("`prices` must be a frame with the columns time, asset and price.")
    if "currency" in prices:
        prices = prices[prices["currency"].astype(object) == currency]
        if prices.empty:
            raise UsageError(f"`prices` has no price in {currency}: see its column `currency`.")
    if prices["price"].isna().any() or prices["time"].isna().any() or prices["asset"].isna().any():
        raise UsageError("`prices` has missing values: drop these rows, or fill them in.")
    numbers = [_number(price) for price in prices["price"].tolist()]
    own = pd.DataFrame(
        {"time": milliseconds(prices["time"], "prices"), "asset": prices["asset"].astype(str).to_numpy()}
    )
    own["price"] = pd.Series(_rounded(numbers), own.index, dtype=object)
    found = {}
    for name, part in own.sort_values("time", kind="stable").groupby("asset", sort=True):
        if part["time"].duplicated().any():
            raise UsageError(f"`prices` has two prices of {name} at the same time. Keep one.")
        found[str(name)] = Closes(part["time"].to_numpy(), pa.array(part["price"].tolist(), EXACT_TYPE))
    return found


@in_own_context
def _rounded(numbers: Sequence[Decimal]) -> list[Decimal]:
    return [number.quantize(STEP, ROUND_HALF_EVEN) for number in numbers]


def _number(price: object) -> Decimal:
    # A float is taken as it is written: 1.1 is 1.1.
    if isinstance(price, int | float | Decimal | str | np.number) and not isinstance(price, bool):
        try:
            number = Decimal(str(price))
        except ArithmeticError:
            number = Decimal("NaN")
        if number.is_finite() and LEAST_PRICE <= number < ABOVE_PRICES:
            return number
    raise UsageError(
        f"`prices` has the price {price!r}: prices must be numbers from 1e-18 to less than 1e20."
    )


def milliseconds(column: pd.Series, name: str) -> Times:
    """The times of a column; the smallest number where there is none.

    Args:
        column: The column.
        name: What errors call the frame.

    Raises:
        UsageError: It does not hold times.
    """
    try:
        times = pd.to_datetime(column, utc=True)
    except (TypeError, ValueError):
        times = None
    if times is None or pd.api.types.is_numeric_dtype(column):
        raise UsageError(f"Column {str(column.name)!r} of {name} must hold times.")
    naive = pd.Series(times).dt.tz_localize(None).to_numpy()
    return naive.astype("datetime64[ms]").astype(np.int64)
