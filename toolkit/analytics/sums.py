"""Sums of groups and quotients of sums. No sum depends on the order of the rows.

Sums of exact amounts are whole numbers of units while they are computed, so that none overflows: a unit is
10**-18, as in an exact amount. Floats are added up by `math.fsum`, which rounds once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts.array import ExactArray
from toolkit.amounts.dtype import ExactDtype
from toolkit.amounts.integers import LIMIT, PLACES, UNIT, array_of_units, units_of_array
from toolkit.amounts.values import array_of_values
from toolkit.analytics.income_frames import amount_array
from toolkit.errors import InexactError, UsageError
from toolkit.runtime.decimals import CONTEXT

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Arrow's sums of these cannot overflow: a million amounts of 38 digits have a sum of 44.
_WIDE = pa.decimal256(76, PLACES)
_WIDE_LIMIT = 10**76
_PRODUCT_PLACES = 2 * PLACES


@dataclass(frozen=True, slots=True)
class Numbers:
    """The amounts of a column, missing ones included.

    Attributes:
        exact: Exact amounts, None if they are floats.
        floats: Floats, NaN where one is missing; None if they are exact.
    """

    exact: Any
    floats: Any = None

    @property
    def known(self) -> BoolArray:
        """Which amounts are not missing."""
        if self.floats is not None:
            return np.asarray(~np.isnan(self.floats))
        return np.asarray(self.exact.is_valid().to_numpy(zero_copy_only=False))

    def to_floats(self) -> Numbers:
        """The amounts as floats."""
        if self.floats is not None:
            return self
        return Numbers(None, self.exact.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))

    def above_zero(self) -> BoolArray:
        """Which amounts are above zero; missing ones are not."""
        if self.floats is not None:
            return np.asarray(self.floats > 0)
        above = pc.greater(self.exact, pa.scalar(Decimal(0), self.exact.type))
        return np.asarray(pc.fill_null(above, False).to_numpy(zero_copy_only=False))

    def where(self, kept: BoolArray) -> Numbers:
        """The same amounts, those that are not kept missing."""
        if self.floats is not None:
            return Numbers(None, np.where(kept, self.floats, np.nan))
        return Numbers(pc.if_else(pa.array(kept), self.exact, pa.scalar(None, self.exact.type)))


@dataclass(frozen=True, slots=True)
class Totals:
    """The sum of each group, missing where no amount of the group is known.

    Attributes:
        units: Whole numbers of units; none if the amounts are floats.
        floats: Floats, None if the amounts are exact.
        places: Decimal places of a unit.
    """

    units: Sequence[int | None]
    floats: FloatArray | None = None
    places: int = PLACES

    def column(self) -> pd.Series:
        """The sums as a column: exact amounts, or wider decimals where one does not fit; or floats."""
        if self.floats is not None:
            return pd.Series(self.floats, dtype="float64")
        step = 10 ** (self.places - PLACES)
        return exact_column([None if each is None else round_quotient(each, step) for each in self.units])

    def above_zero(self) -> BoolArray:
        """Which sums are above zero; missing ones are not."""
        if self.floats is not None:
            return self.floats > 0
        return np.array([each is not None and each > 0 for each in self.units], bool)

    def where(self, kept: BoolArray) -> Totals:
        """The same sums, those that are not kept missing."""
        if self.floats is not None:
            return Totals((), np.where(kept, self.floats, np.nan))
        pairs = zip(self.units, kept.tolist(), strict=True)
        return Totals([each if keep else None for each, keep in pairs], places=self.places)

    def zero_where(self, empty: BoolArray) -> Totals:
        """The same sums, 0 for groups without a row."""
        if self.floats is not None:
            return Totals((), np.where(empty, 0.0, self.floats))
        pairs = zip(self.units, empty.tolist(), strict=True)
        return Totals([0 if is_empty else each for each, is_empty in pairs], places=self.places)

    def minus(self, other: Totals) -> Totals:
        """The differences; missing where one of both is."""
        if self.floats is not None and other.floats is not None:
            return Totals((), self.floats - other.floats)
        pairs = zip(self.units, other.units, strict=True)
        differences = [None if one is None or by is None else one - by for one, by in pairs]
        return Totals(differences, places=self.places)


def numbers_of(column: pd.Series) -> Numbers:
    """The amounts of a column: exact ones, decimals, whole numbers or floats.

    Raises:
        UsageError: The column holds something else, or infinite numbers.
        InexactError: A decimal has too many digits for an exact amount.
    """
    values = amount_array(column)
    if pa.types.is_decimal(values.type) or pa.types.is_integer(values.type):
        return Numbers(array_of_values(values))
    floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    if np.isinf(floats).any():
        raise UsageError(f"Column {column.name!r} has infinite numbers, which do not add up.")
    return Numbers(None, floats)


def group_totals(numbers: Numbers, ids: IntArray, groups: int) -> Totals:
    """The sum of each group.

    Args:
        numbers: The amounts.
        ids: The group of each amount.
        groups: Number of groups.
    """
    if numbers.floats is not None:
        return Totals((), _float_sums(numbers.floats, ids, groups))
    return Totals(_unit_sums(numbers.exact.cast(_WIDE), ids, groups))


def group_totals_of_products(first: Numbers, second: Numbers, ids: IntArray, groups: int) -> Totals:
    """The sum of the products in each group. Exact products are added up with all their 36 decimal places."""
    if first.floats is not None or second.floats is not None:
        return Totals((), _float_sums(first.to_floats().floats * second.to_floats().floats, ids, groups))
    left, right = (max(_digits(each.exact), 1) for each in (first, second))
    if left + right + len(str(len(ids))) < 76:
        products = pc.multiply(
            first.exact.cast(pa.decimal256(max(left, PLACES), PLACES)),
            second.exact.cast(pa.decimal256(max(right, PLACES), PLACES)),
        )
        wide = products.cast(pa.decimal256(76, _PRODUCT_PLACES))
        return Totals(_unit_sums(wide, ids, groups), places=_PRODUCT_PLACES)
    # Some are so large that Arrow might overflow: row by row, with Python's whole numbers.
    sums: list[int | None] = [None] * groups
    pairs = zip(units_of_array(first.exact), units_of_array(second.exact), ids.tolist(), strict=True)
    for one, other, group in pairs:
        if one is not None and other is not None:
            sums[group] = (sums[group] or 0) + one * other
    return Totals(sums, places=_PRODUCT_PLACES)


def divide_totals(dividends: Totals, divisors: Totals, factor: int = 1) -> pd.Series:
    """The quotients, times a factor, each rounded once, half-even, at the 18th place; missing by zero."""
    if dividends.floats is not None and divisors.floats is not None:
        by = np.where(divisors.floats == 0, np.nan, divisors.floats)
        return pd.Series(dividends.floats * factor / by, dtype="float64")
    up, down = 10 ** (PLACES + divisors.places) * factor, 10**dividends.places
    return exact_column(
        [
            None if one is None or not by else round_quotient(one * up, by * down)
            for one, by in zip(dividends.units, divisors.units, strict=True)
        ]
    )


def exact_column(units: Sequence[int | None]) -> pd.Series:
    """A column of exact amounts, or of wider decimals where one does not fit.

    Raises:
        InexactError: A number has more than 76 digits.
    """
    most = max((abs(each) for each in units if each is not None), default=0)
    if most < LIMIT:
        return pd.Series(ExactArray(array_of_units(units)), dtype=ExactDtype())
    if most >= _WIDE_LIMIT:
        raise InexactError("A result has more than 76 digits, and no column holds as many.")
    decimals = [None if each is None else CONTEXT.scaleb(Decimal(each), -PLACES) for each in units]
    return pd.Series(pa.array(decimals, _WIDE).to_pandas(types_mapper=pd.ArrowDtype))


def round_quotient(dividend: int, divisor: int) -> int:
    """The quotient of two whole numbers, rounded once, halves to the even one."""
    if divisor < 0:
        dividend, divisor = -dividend, -divisor
    whole, rest = divmod(dividend, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))


def _digits(amounts: pa.Array) -> int:
    """The most digits that an amount has, counted in units."""
    bounds = pc.min_max(amounts).as_py()
    largest = max((each.copy_abs() for each in bounds.values() if each is not None), default=Decimal(0))
    return len(str(int(CONTEXT.multiply(largest, Decimal(UNIT)))))


def _unit_sums(amounts: pa.Array, ids: IntArray, groups: int) -> list[int | None]:
    """The sums in units of the last place of their type, None where no amount of a group is known."""
    table = pa.table({"id": ids, "amount": amounts})
    found = table.group_by("id", use_threads=False).aggregate([("amount", "sum")])
    column = found.column("amount_sum")
    sums: list[int | None] = [None] * groups
    for group, total in zip(found.column("id").to_pylist(), column.to_pylist(), strict=True):
        sums[group] = None if total is None else int(CONTEXT.scaleb(total, column.type.scale))
    return sums


def _float_sums(floats: FloatArray, ids: IntArray, groups: int) -> FloatArray:
    known = ~np.isnan(floats)
    order = np.argsort(ids[known], kind="stable")
    values, counts = floats[known][order].tolist(), np.bincount(ids[known], minlength=groups)
    ends = np.cumsum(counts).tolist()
    sums = np.full(groups, np.nan)
    try:
        for group, (end, count) in enumerate(zip(ends, counts.tolist(), strict=True)):
            if count:
                sums[group] = math.fsum(values[end - count : end])
    except OverflowError:
        raise UsageError("A sum of floats is beyond their range. Use exact amounts.") from None
    return sums
