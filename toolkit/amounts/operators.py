"""What exact amounts do with others: sums, differences, products, comparisons; and what they refuse.

Arrow computes with twice the digits, and what comes out is brought back if it fits.
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

from toolkit.amounts.errors import refuse
from toolkit.amounts.integers import EXACT, LIMIT, UNIT, of_units, scaled, units
from toolkit.amounts.results import answers, masked
from toolkit.amounts.values import ELSE, ROOM, is_many, is_missing, narrowed, to_arrow, to_compare, to_units
from toolkit.errors import InexactError

# Room for any sum of two, and for the product of two where one has a digit less.
_SUM = pa.decimal256(38, 18)
_FACTOR = pa.decimal256(37, 18)

_COMPARED: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "eq": (operator.eq, pc.equal),
    "ne": (operator.ne, pc.not_equal),
    "lt": (operator.lt, pc.less),
    "le": (operator.le, pc.less_equal),
    "gt": (operator.gt, pc.greater),
    "ge": (operator.ge, pc.greater_equal),
}
# What numpy may be asked to do with a column: what has an operator of its own here.
_UFUNCS = frozenset(
    {
        np.add, np.subtract, np.multiply, np.true_divide, np.floor_divide, np.remainder, np.power, np.divmod,
        np.negative, np.positive, np.absolute, np.equal, np.not_equal, np.less, np.less_equal, np.greater,
        np.greater_equal,
    }
)  # fmt: skip
# What numpy would do with Python's decimals, in their context, or with floats.
_COMPUTING = frozenset(
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
    """Exact amounts in Arrow's memory, and their operators."""

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: pa.Array) -> None:
        if not isinstance(values, pa.Array) or values.type != EXACT:
            raise TypeError(f"an ExactArray is made of an Arrow array of {EXACT}")
        self._data = values

    def __len__(self) -> int:
        return len(self._data)

    def isna(self) -> np.ndarray:
        """Which are missing."""
        return np.asarray(self._data.is_null().to_numpy(zero_copy_only=False))

    # -- sums, differences, products -----------------------------------------------------------------------

    def _operand(self, other: Any) -> Any:
        """What stands on the other side, as Arrow has it; NotImplemented where pandas must take it apart."""
        if isinstance(other, pd.Series | pd.Index | pd.DataFrame):
            return NotImplemented
        if is_many(other):
            if len(other) != len(self):
                raise ValueError(f"Lengths must match: {len(self)} and {len(other)}")
            return to_arrow(other)
        other = other.item() if isinstance(other, np.ndarray) else other
        return pa.repeat(of_units([to_units(other)])[0], len(self))

    def _added(self, other: Any, compute: Callable[[Any, Any], Any], *, swapped: bool = False) -> Any:
        right = self._operand(other)
        if right is NotImplemented:
            return NotImplemented
        left, right = (right, self._data) if swapped else (self._data, right)
        wide = compute(left.cast(_SUM), right.cast(_SUM))
        return type(self)(narrowed(wide, f"A sum does not fit an exact amount, which has {ROOM}."))

    def __add__(self, other: Any) -> Any:
        return self._added(other, pc.add)

    def __radd__(self, other: Any) -> Any:
        return self._added(other, pc.add)

    def __sub__(self, other: Any) -> Any:
        return self._added(other, pc.subtract)

    def __rsub__(self, other: Any) -> Any:
        return self._added(other, pc.subtract, swapped=True)

    def __mul__(self, other: Any) -> Any:
        right = self._operand(other)
        if right is NotImplemented:
            return NotImplemented
        for one, another in ((self._data, right), (right, self._data)):
            try:
                wide = pc.multiply(one.cast(_SUM), another.cast(_FACTOR))
            except pa.ArrowInvalid:  # one of 38 digits
                continue
            return type(self)(narrowed(wide, f"A product does not fit an exact amount, which has {ROOM}."))
        return type(self)(_products(units(self._data), units(right)))

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
        return refuse("Dividing amounts has no exact result in general", "{divide}; {estimate}")

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _divided
    __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _divided

    def __pow__(self, other: Any) -> Any:
        return refuse("Powers of amounts are not computed exactly", "multiply as often; {estimate}")

    __rpow__ = __pow__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc not in _UFUNCS or "out" in kwargs:
            refuse(f"numpy's {ufunc.__name__} is not computed exactly", "{estimate}")
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        del types
        if func is np.sum and not args[1:]:
            return self._reduce("sum")
        if func is np.dot and all(getattr(each, "ndim", 0) == 1 for each in args):  # as Series.dot asks
            return (type(self)(to_arrow(args[0])) * args[1])._reduce("sum")
        if func in _COMPUTING:
            refuse(
                f"numpy's {func.__name__} is not computed exactly", "the methods of a Series are; {estimate}"
            )
        return func._implementation(*args, **kwargs)

    # -- comparing -----------------------------------------------------------------------------------------

    def _compare(self, other: Any, name: str) -> Any:
        if isinstance(other, pd.Series | pd.Index | pd.DataFrame):
            return NotImplemented
        python, arrow = _COMPARED[name]
        if is_many(other):
            if len(other) != len(self):
                raise ValueError(f"Lengths must match: {len(self)} and {len(other)}")
            try:
                found = arrow(self._data, to_arrow(other))
            except TypeError:
                return self._one_by_one(name, list(other))
            return answers(found)
        other = other.item() if isinstance(other, np.ndarray) else other
        if is_missing(other):
            return masked(np.zeros(len(self), bool), np.ones(len(self), bool))
        number = to_compare(other)
        if number is None:
            return self._never(name, other)
        fitting = scaled(number)
        if fitting is not None:
            return answers(arrow(self._data, of_units([fitting])[0]))
        found = [value is not pd.NA and python(value, number) for value in self]
        return masked(np.array(found, bool), self.isna())

    def _never(self, name: str, other: Any) -> Any:
        """Compared with what is no number."""
        if name not in ("eq", "ne"):
            raise TypeError(f"amounts cannot be compared with {type(other).__name__}")
        return masked(np.full(len(self), name == "ne"), self.isna())

    def _one_by_one(self, name: str, others: list[Any]) -> Any:
        """Compared with values of which some are no numbers."""
        found = [self[at : at + 1]._compare(other, name)[0] for at, other in enumerate(others)]
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
        """Which are among the values."""
        wanted: set[object] = set()
        for value in values:
            number = None if is_missing(value) else to_compare(value)
            if number is not None:
                wanted.add(scaled(number))
        wanted.discard(None)  # what does not fit is none of them
        if any(map(is_missing, values)):
            wanted.add(None)
        return np.array([number in wanted for number in units(self._data)], bool)


def _products(left: list[int | None], right: list[int | None]) -> pa.Array:
    """What Arrow has no room for: columns that both hold a number of 38 digits, if seldom in one row."""
    products = []
    for one, another in zip(left, right, strict=True):
        product, rest = (None, 0) if one is None or another is None else divmod(one * another, UNIT)
        if rest or (product is not None and not -LIMIT < product < LIMIT):
            raise InexactError(f"A product does not fit an exact amount, which has {ROOM}. {ELSE}")
        products.append(product)
    return of_units(products)
