"""What amounts are worth in one currency, at the prices of their time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE, PLACES, WIDE_TYPE
from toolkit.analytics.prices import INTERVALS, MAX_AGE_MS, CandlePrices, Closes, Interval, PriceSource, Times
from toolkit.analytics.routes import RENAMED, STABLE_COINS, Graph, Renamed, Route, name_of
from toolkit.client import Link
from toolkit.errors import InexactError, UsageError
from toolkit.runtime.decimals import in_own_context
from toolkit.text.suggestions import did_you_mean, suggests_arguments

COLUMNS = ("price", "price_time", "priced_by", "value")
"""The columns that `value()` adds."""

GIVEN = "given"
"""What prices of the user are marked with."""

_AMOUNTS = ("amount", "income", "rebate_vol", "total", "balance", "free")
_ASSETS = ("asset", "unit", "coin")
_CURRENCY = re.compile(r"[A-Z0-9]{1,20}")
_STEP = Decimal((0, (1,), -PLACES))
_NO_PRICE = -1
_COINS = sorted({*STABLE_COINS, *STABLE_COINS.values()})
# The range of exact amounts.
_LEAST_PRICE, _ABOVE_PRICES = _STEP, Decimal(10**20)
_ANY_TIME = np.iinfo(np.int64).min
"""The time of a price that is the same at any time: that of the row."""
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
            `total`, `balance` or `free`.

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
    columns = _Columns.of(frame, time, asset, amount)
    _check(currency, at)
    target = "USDT" if currency == "USD" else currency
    rows = _Rows.of(frame, columns)
    own = None if prices is None else _own_prices(prices, currency)
    source = None if link is None else CandlePrices(link, at)
    par = [("USD", "USDT"), *_at_par(at_par, target)]
    known = {**RENAMED, **_renamed(renamed or {})}
    pricing = _Pricing(target, known, par, own, source)
    if source is None and own is None and pricing.needs_market(rows.assets):
        raise UsageError(
            "value() needs prices: give a Link (`link=`), or your own prices (`prices=`). Nothing was sent."
        )
    table = pricing.table(rows)
    if currency != target:
        pricing.used_at_par.add(f"{currency}={target}")
    return _valued(frame, rows, table, currency=currency, at=at, is_at_par=pricing.used_at_par)


# -- arguments -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    time: str
    asset: str
    amount: str

    @classmethod
    def of(cls, frame: object, time: str, asset: str | None, amount: str | None) -> _Columns:
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


def _check(currency: object, at: object) -> None:
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise UsageError(
            f'`currency` must be the name of an asset in capital letters, such as "USDT", not {currency!r}.'
        )
    if at not in INTERVALS:
        raise UsageError(
            f"`at` must be one of {', '.join(INTERVALS)}, not {at!r}.{did_you_mean(at, INTERVALS)}"
        )


def _at_par(given: object, currency: str) -> list[tuple[str, str]]:
    """The pairs of assets that count as worth the same."""
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


def _renamed(given: Mapping[str, str | tuple[str, Decimal | int]]) -> Renamed:
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


def _own_prices(prices: object, currency: str) -> dict[str, Closes]:
    """The prices of the user by asset."""
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
        {"time": _milliseconds(prices["time"], "prices"), "asset": prices["asset"].astype(str).to_numpy()}
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
    return [number.quantize(_STEP, ROUND_HALF_EVEN) for number in numbers]


def _number(price: object) -> Decimal:
    # A float is taken as it is written: 1.1 is 1.1.
    if isinstance(price, int | float | Decimal | str | np.number) and not isinstance(price, bool):
        try:
            number = Decimal(str(price))
        except ArithmeticError:
            number = Decimal("NaN")
        if number.is_finite() and _LEAST_PRICE <= number < _ABOVE_PRICES:
            return number
    raise UsageError(
        f"`prices` has the price {price!r}: prices must be numbers from 1e-18 to less than 1e20."
    )


def _milliseconds(column: pd.Series, name: str) -> Times:
    try:
        times = pd.to_datetime(column, utc=True)
    except (TypeError, ValueError):
        times = None
    if times is None or pd.api.types.is_numeric_dtype(column):
        raise UsageError(f"Column {str(column.name)!r} of {name} must hold times.")
    naive = pd.Series(times).dt.tz_localize(None).to_numpy()
    return naive.astype("datetime64[ms]").astype(np.int64)


# -- prices --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is to be valued.

    Attributes:
        times: Milliseconds; the smallest number where there is none.
        codes: Index of each row's asset, -1 where there is none.
        assets: The assets.
        amounts: Arrow array, exact or float64.
    """

    times: Times
    codes: np.ndarray[Any, np.dtype[np.int64]]
    assets: Sequence[str]
    amounts: Any

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: _Columns) -> _Rows:
        codes, assets = pd.factorize(frame[columns.asset])
        times = _milliseconds(frame[columns.time], "the frame")
        column = frame[columns.amount]
        amounts: Any
        if isinstance(column.dtype, ExactDtype):
            amounts = pa.array(column.array)
        elif pd.api.types.is_numeric_dtype(column):
            amounts = pa.array(column, from_pandas=True).cast(pa.float64())
        else:
            raise UsageError(
                f"Column {columns.amount!r} holds neither exact amounts nor floats. Decimals become exact "
                "amounts by `toolkit.amounts.exact(frame)`. Nothing was sent."
            )
        return cls(times, codes.astype(np.int64), [str(each) for each in assets], amounts)


@dataclass(slots=True)
class _Table:
    """The different prices that rows have, in runs of one way each.

    Attributes:
        index: The price of each row, -1 where there is none.
        prices: The prices of each run, exact.
        times: When each was made, `_ANY_TIME` for one that always holds.
        names: Where each run is from.
        count: Number of prices.
    """

    index: np.ndarray[Any, np.dtype[np.int64]]
    prices: list[Any] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, prices: Any, times: Times, name: str) -> int:
        """Add a run of prices. Returns the index of the first one."""
        first = self.count
        self.prices.append(prices)
        self.times.append(times)
        self.names.append(name)
        self.count += len(times)
        return first


class _Pricing:
    """Finds the prices of rows.

    Args:
        currency: What they are in.
        renamed: Assets with another name.
        at_par: Pairs of assets that are worth the same.
        own: Prices of the user, by asset.
        source: Prices of the market, None if there are only the user's.
    """

    def __init__(
        self,
        currency: str,
        renamed: Renamed,
        at_par: Sequence[tuple[str, str]],
        own: Mapping[str, Closes] | None,
        source: PriceSource | None,
    ) -> None:
        self._currency, self._own, self._source = currency, own or {}, source
        self._renamed, self._at_par = renamed, at_par
        self._graph: Graph | None = None
        self.used_at_par: set[str] = set()

    def needs_market(self, assets: Sequence[str]) -> bool:
        """Whether one of the assets has a price only on a market."""
        fixed = {self._currency, *(one for pair in self._at_par if self._currency in pair for one in pair)}
        return not fixed.issuperset(assets)

    @in_own_context
    def table(self, rows: _Rows) -> _Table:
        """The prices of all rows."""
        table = _Table(np.full(len(rows.times), _NO_PRICE, np.int64))
        order = np.argsort(rows.codes, kind="stable")
        bounds = np.searchsorted(rows.codes[order], np.arange(len(rows.assets) + 1))
        has_time = rows.times > np.iinfo(np.int64).min
        for code, asset in enumerate(rows.assets):
            of_asset = order[bounds[code] : bounds[code + 1]]
            self._price(table, asset, of_asset[has_time[of_asset]], rows.times)
        return table

    def _price(self, table: _Table, asset: str, rows: Times, times: Times) -> None:
        """Set the prices of the rows of one asset."""
        if asset in self._own:
            rows = self._price_by_own(table, self._own[asset], rows, times)
        if asset == self._currency:
            if len(rows):
                table.index[rows] = table.add(
                    pa.array([Decimal(1)], EXACT_TYPE), np.array([_ANY_TIME]), asset
                )
            return
        if not len(rows):
            return
        for route in self._routes(asset):
            rows = self._price_by_route(table, route, rows, times)
            if not len(rows):
                return

    def _routes(self, asset: str) -> list[Route]:
        if not self.needs_market([asset]):
            return Graph({}, {}, self._at_par).routes(asset, self._currency)
        if self._graph is None:
            markets = {} if self._source is None else self._source.markets()
            self._graph = Graph(markets, self._renamed, self._at_par)
            assets = self._graph.assets()
            if self._source is not None and not self._own and self._currency not in assets:
                raise UsageError(
                    f"No market of the exchange has {self._currency!r}: choose another `currency`, or give "
                    f"your own `prices`.{did_you_mean(self._currency, assets)}"
                )
        return self._graph.routes(asset, self._currency)

    @staticmethod
    def _price_by_own(table: _Table, own: Closes, rows: Times, times: Times) -> Times:
        found = np.searchsorted(own.times, times[rows], side="right") - 1
        first = table.add(own.prices, own.times, GIVEN)
        has_price = found >= 0
        table.index[rows[has_price]] = first + found[has_price]
        return rows[~has_price]

    def _price_by_route(self, table: _Table, route: Route, rows: Times, times: Times) -> Times:
        """Set the prices of the rows that a way has. Returns the others."""
        moments = times[rows]
        has_price = np.ones(len(rows), bool)
        combined = np.zeros(len(rows), np.int64)
        legs: list[tuple[Closes, Times]] = []
        for leg in route:
            if not leg.symbol or self._source is None:  # without a source, there are no markets
                continue
            closes = self._source.closes(leg.symbol, moments)
            if not len(closes.times):
                return rows
            found = np.searchsorted(closes.times, moments, side="right") - 1
            has_price &= (found >= 0) & (moments - closes.times[found] <= MAX_AGE_MS)
            combined = combined * len(closes.times) + np.maximum(found, 0)
            legs.append((closes, found))
        chosen = np.flatnonzero(has_price)
        _, one_each, inverse = np.unique(combined[chosen], return_index=True, return_inverse=True)
        each = chosen[one_each]
        made = np.full(len(each), np.iinfo(np.int64).max if legs else _ANY_TIME)
        for closes, found in legs:
            made = np.minimum(made, closes.times[found[each]])
        prices = _products(
            route, [closes.prices.take(pa.array(found[each])) for closes, found in legs], len(each)
        )
        is_price = prices.is_valid().to_numpy(zero_copy_only=False)
        indices = table.add(prices, made, name_of(route)) + np.arange(len(each))
        indices = np.where(is_price, indices, _NO_PRICE)[inverse]
        table.index[rows[chosen]] = indices
        chosen = chosen[indices != _NO_PRICE]
        has_price[:] = False
        has_price[chosen] = True
        if len(chosen):
            self.used_at_par |= {leg.name for leg in route if leg.is_par}
        return rows[~has_price]


def _products(route: Route, prices: Sequence[Any], count: int) -> Any:
    """The prices that a way leads to, null where there is none.

    A product with nothing left at its last place, or beyond an exact amount, is no price.
    """
    if len(route) == 1 and prices and not route[0].is_inverse:  # as they are: no arithmetic
        return pc.if_else(pc.greater(prices[0], Decimal(0)), prices[0], None)
    columns = [each.to_pylist() for each in prices]
    made = [_product(route, each) for each in (zip(*columns, strict=True) if columns else [()] * count)]
    return pa.array([each if _LEAST_PRICE <= each < _ABOVE_PRICES else None for each in made], EXACT_TYPE)


def _product(route: Route, prices: Sequence[Decimal]) -> Decimal:
    """The price that a way leads to, rounded once; 0 if there is none."""
    above = below = Decimal(1)
    remaining = iter(prices)
    for leg in route:
        factor = next(remaining) if leg.symbol else leg.rate
        if leg.is_inverse:
            below *= factor
        else:
            above *= factor
    return (above / below).quantize(_STEP, ROUND_HALF_EVEN) if below else Decimal(0)


# -- the frame -----------------------------------------------------------------------------------------


def _valued(
    frame: pd.DataFrame, rows: _Rows, table: _Table, *, currency: str, at: str, is_at_par: set[str]
) -> pd.DataFrame:
    is_valued = table.index != _NO_PRICE
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
    made = np.concatenate([*table.times, [_ANY_TIME]])[table.index]  # the last one where there is no price
    stamps = pa.array(np.where(made == _ANY_TIME, rows.times, made), pa.int64(), mask=~is_valued).cast(
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
