"""The prices of rows: the user's own, then those of the market, over the best way that has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.analytics.prices import MAX_AGE_MS, Closes, PriceSource, Times
from toolkit.analytics.routes import Graph, Renamed, Route, name_of
from toolkit.analytics.valuation_arguments import (
    ABOVE_PRICES,
    LEAST_PRICE,
    STEP,
    ValuedColumns,
    milliseconds,
)
from toolkit.errors import UsageError
from toolkit.runtime.decimals import in_own_context
from toolkit.text.suggestions import did_you_mean

GIVEN = "given"
"""What prices of the user are marked with."""

NO_PRICE = -1
"""The index of the price of a row that has none."""

ANY_TIME = np.iinfo(np.int64).min
"""The time of a price that is the same at any time: that of the row."""


@dataclass(frozen=True, slots=True)
class ValuedRows:
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
    def of(cls, frame: pd.DataFrame, columns: ValuedColumns) -> ValuedRows:
        """Take what is to be valued from a frame.

        Raises:
            UsageError: The times or amounts are of another type.
        """
        codes, assets = pd.factorize(frame[columns.asset])
        times = milliseconds(frame[columns.time], "the frame")
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
class PriceTable:
    """The different prices that rows have, in runs of one way each.

    Attributes:
        index: The price of each row, -1 where there is none.
        prices: The prices of each run, exact.
        times: When each was made, `ANY_TIME` for one that always holds.
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


class Pricing:
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
    def table(self, rows: ValuedRows) -> PriceTable:
        """The prices of all rows."""
        table = PriceTable(np.full(len(rows.times), NO_PRICE, np.int64))
        order = np.argsort(rows.codes, kind="stable")
        bounds = np.searchsorted(rows.codes[order], np.arange(len(rows.assets) + 1))
        has_time = rows.times > np.iinfo(np.int64).min
        for code, asset in enumerate(rows.assets):
            of_asset = order[bounds[code] : bounds[code + 1]]
            self._price(table, asset, of_asset[has_time[of_asset]], rows.times)
        return table

    def _price(self, table: PriceTable, asset: str, rows: Times, times: Times) -> None:
        """Set the prices of the rows of one asset."""
        if asset in self._own:
            rows = self._price_by_own(table, self._own[asset], rows, times)
        if asset == self._currency:
            if len(rows):
                table.index[rows] = table.add(pa.array([Decimal(1)], EXACT_TYPE), np.array([ANY_TIME]), asset)
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
    def _price_by_own(table: PriceTable, own: Closes, rows: Times, times: Times) -> Times:
        found = np.searchsorted(own.times, times[rows], side="right") - 1
        first = table.add(own.prices, own.times, GIVEN)
        has_price = found >= 0
        table.index[rows[has_price]] = first + found[has_price]
        return rows[~has_price]

    def _price_by_route(self, table: PriceTable, route: Route, rows: Times, times: Times) -> Times:
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
        made = np.full(len(each), np.iinfo(np.int64).max if legs else ANY_TIME)
        for closes, found in legs:
            made = np.minimum(made, closes.times[found[each]])
        prices = _products(
            route, [closes.prices.take(pa.array(found[each])) for closes, found in legs], len(each)
        )
        is_price = prices.is_valid().to_numpy(zero_copy_only=False)
        indices = table.add(prices, made, name_of(route)) + np.arange(len(each))
        indices = np.where(is_price, indices, NO_PRICE)[inverse]
        table.index[rows[chosen]] = indices
        chosen = chosen[indices != NO_PRICE]
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
    return pa.array([each if LEAST_PRICE <= each < ABOVE_PRICES else None for each in made], EXACT_TYPE)


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
    return (above / below).quantize(STEP, ROUND_HALF_EVEN) if below else Decimal(0)
