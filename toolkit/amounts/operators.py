"""The operators of exact amounts: sums, differences, products, comparisons, and operations that raise.

Arrow computes with twice the digits, and the result is cast back to exact amounts if it fits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.extensions import ExtensionArray

from toolkit.amounts.errors import raise_inexact
from toolkit.amounts.integers import EXACT_TYPE, LIMIT, UNIT, array_of_units, units_of_array, units_of_number
from toolkit.amounts.results import boolean_array, masked_array
from toolkit.amounts.values import (
    CAPACITY,
    REMEDY,
    array_of_values,
    cast_to_exact,
    comparable_number,
    is_array_like,
    is_missing,
    units_of_value,
)
from toolkit.errors import InexactError

# Wide enough for the sum of any two amounts, and for their product if one has a digit less.
_SUM = pa.decimal256(38, 18)
_FACTOR = pa.decimal256(37, 18)

_COMPARISONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "eq": (operator.eq, pc.equal),
    "ne": (operator.ne, pc.not_equal),
    "lt": (operator.lt, pc.less),
    "le": (operator.le, pc.less_equal),
    "gt": (operator.gt, pc.greater),
    "ge": (operator.ge, pc.greater_equal),
}
# The numpy functions with an exact result, each by an operator defined here.
_UFUNCS = frozenset(
    {
        np.add, np.subtract, np.multiply, np.true_divide, np.floor_divide, np.remainder, np.power, np.divmod,
        np.negative, np.positive, np.absolute, np.equal, np.not_equal, np.less, np.less_equal, np.greater,
        np.greater_equal,
    }
)  # fmt: skip
# numpy functions that would compute with floats, or with Python decimals in the thread's context.
_INEXACT_FUNCTIONS = frozenset(
    getattr(np, name)
    for name in [
        "average",
        "convolve",
        "corrcoef",
        "correlate",
        "cov",
        "cumprod",
        "cumsum",
        "diff",
        "dot",
        "ediff1d",
        "einsum",
        "gradient",
        "histogram",
        "inner",
        "interp",
        "mean",
        "median",
        "nanmean",
        "nanmedian",
        "nanpercentile",
        "nanprod",
        "nanquantile",
        "nanstd",
        "nansum",
        "nanvar",
        "outer",
        "percentile",
        "prod",
        "quantile",
        "std",
        "tensordot",
        "trapezoid",
        "trapz",
        "var",
        "vdot",
    ]
    if hasattr(np, name)
)


class Operators(ExtensionArray):
    """An array of exact amounts in Arrow memory, with its operators."""

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: pa.Array) -> None:
        if not isinstance(values, pa.Array) or values.type != EXACT_TYPE:
            raise TypeError(f"an ExactArray needs an Arrow array of {EXACT_TYPE}")
        self._data = values

    def __len__(self) -> int:
        return len(self._data)

    def isna(self) -> np.ndarray:
        """A boolean array that is True for missing amounts."""
        return np.asarray(self._data.is_null().to_numpy(zero_copy_only=False))

    # -- sums, differences, products ------------------------------------------------------------------

    def _operand(self, other: Any) -> Any:
        """The other operand in Arrow's form; NotImplemented for a pandas object, which pandas unpacks."""
        if isinstance(other, pd.Series | pd.Index | pd.DataFrame):
            return NotImplemented
        if is_array_like(other):
            if len(other) != len(self):
                raise ValueError(f"Lengths must match: {len(self)} and {len(other)}")
            return array_of_values(other)
        other = other.item() if isinstance(other, np.ndarray) else other
        return pa.repeat(array_of_units([units_of_value(other)])[0], len(self))

    def _add_exactly(self, other: Any, compute: Callable[[Any, Any], Any], *, swapped: bool = False) -> Any:
        right = self._operand(other)
        if right is NotImplemented:
            return NotImplemented
        left, right = (right, self._data) if swapped else (self._data, right)
        wide = compute(left.cast(_SUM), right.cast(_SUM))
        return type(self)(cast_to_exact(wide, f"A sum does not fit an exact amount, which has {CAPACITY}."))

    def __add__(self, other: Any) -> Any:
        return self._add_exactly(other, pc.add)

    def __radd__(self, other: Any) -> Any:
        return self._add_exactly(other, pc.add)

    def __sub__(self, other: Any) -> Any:
        return self._add_exactly(other, pc.subtract)

    def __rsub__(self, other: Any) -> Any:
        return self._add_exactly(other, pc.subtract, swapped=True)

    def __mul__(self, other: Any) -> Any:
        right = self._operand(other)
        if right is NotImplemented:
            return NotImplemented
        for one, another in ((self._data, right), (right, self._data)):
            try:
                wide = pc.multiply(one.cast(_SUM), another.cast(_FACTOR))
            except pa.ArrowInvalid:  # a factor of 38 digits
                continue
            return type(self)(
                cast_to_exact(wide, f"A product does not fit an exact amount, which has {CAPACITY}.")
            )
        return type(self)(_large_products(units_of_array(self._data), units_of_array(right)))

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return type(self)(pc.negate(self._data))

    def __pos__(self) -> Self:
        return self.copy()

    def __abs__(self) -> Self:
        return type(self)(pc.abs(self._data))

    def _divided(self, other: Any) -> Any:
        if isinstance(other, pd.Series | pd.Index | pd.DataFrame):
            return NotImplemented
        return raise_inexact("Dividing amounts has no exact result in general", "{divide}, or {estimate}")

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _divided
    __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _divided

    def __pow__(self, other: Any) -> Any:
        return raise_inexact("Powers of amounts are not exact", "multiply repeatedly, or {estimate}")

    __rpow__ = __pow__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc not in _UFUNCS or "out" in kwargs:
            raise_inexact(f"numpy's {ufunc.__name__} is not exact", "{estimate}")
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        del types
        if func is np.sum and not args[1:]:
            return self._reduce("sum")
        if func is np.dot and all(getattr(each, "ndim", 0) == 1 for each in args):  # called by Series.dot
            return (type(self)(array_of_values(args[0])) * args[1])._reduce("sum")
        if func in _INEXACT_FUNCTIONS:
            raise_inexact(
                f"numpy's {func.__name__} is not exact",
                "use the methods of a Series, or {estimate}",
            )
        return func._implementation(*args, **kwargs)

    # -- comparisons ----------------------------------------------------------------------------------

    def _compare(self, other: Any, name: str) -> Any:
        if isinstance(other, pd.Series | pd.Index | pd.DataFrame):
            return NotImplemented
        python, arrow = _COMPARISONS[name]
        if is_array_like(other):
            if len(other) != len(self):
                raise ValueError(f"Lengths must match: {len(self)} and {len(other)}")
            try:
                found = arrow(self._data, array_of_values(other))
            except TypeError:
                return self._compare_each(name, list(other))
            return boolean_array(found)
        other = other.item() if isinstance(other, np.ndarray) else other
        if is_missing(other):
            return masked_array(np.zeros(len(self), bool), np.ones(len(self), bool))
        number = comparable_number(other)
        if number is None:
            return self._compare_with_non_number(name, other)
        fitting = units_of_number(number)
        if fitting is not None:
            return boolean_array(arrow(self._data, array_of_units([fitting])[0]))
        found = [value is not pd.NA and python(value, number) for value in self]
        return masked_array(np.array(found, bool), self.isna())

    def _compare_with_non_number(self, name: str, other: Any) -> Any:
        """Compare with a value that is not a number."""
        if name not in ("eq", "ne"):
            raise TypeError(f"amounts cannot be compared with {type(other).__name__}")
        return masked_array(np.full(len(self), name == "ne"), self.isna())

    def _compare_each(self, name: str, others: list[Any]) -> Any:
        """Compare with a list of values, some of which are not numbers."""
        found = [self[n : n + 1]._compare(other, name)[0] for n, other in enumerate(others)]
        return pd.array(found, dtype="boolean")

    def __eq__(self, other: Any) -> Any:
        return self._compare(other, "eq")

    def __ne__(self, other: Any) -> Any:
        return self._compare(other, "ne")

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, "lt")

    def __le__(self, other: Any) -> Any:
        return self._compare(other, "le")

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, "gt")

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, "ge")

    def isin(self, values: Any) -> np.ndarray:
        """A boolean array that is True for amounts among the values."""
        wanted: set[object] = set()
        for value in values:
            number = None if is_missing(value) else comparable_number(value)
            if number is not None:
                wanted.add(units_of_number(number))
        wanted.discard(None)  # a number that does not fit equals no amount
        if any(map(is_missing, values)):
            wanted.add(None)
        return np.array([number in wanted for number in units_of_array(self._data)], bool)


def _large_products(left: list[int | None], right: list[int | None]) -> pa.Array:
    """Multiply columns that both contain 38-digit numbers, for which Arrow's decimals are too small."""
    products = []
    for one, another in zip(left, right, strict=True):
        product, rest = (None, 0) if one is None or another is None else divmod(one * another, UNIT)
        if rest or (product is not None and not -LIMIT < product < LIMIT):
            raise InexactError(f"A product does not fit an exact amount, which has {CAPACITY}. {REMEDY}")
        products.append(product)
    return array_of_units(products)
