"""The pandas extension array of exact amounts. No operation rounds: it is exact, or it raises.

Arrow computes sums, differences and products with twice the digits. If the result does not fit, or the
operation has no exact result, an `InexactError` says what to do instead. Only `.astype("float64")` converts
exact amounts to floats.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.extensions import no_default
from pandas.api.indexers import check_array_indexer

from toolkit.amounts import grouping
from toolkit.amounts.dtype import ExactDtype
from toolkit.amounts.errors import raise_inexact
from toolkit.amounts.integers import (
    EXACT_TYPE,
    PLACES,
    UNIT,
    WIDE_TYPE,
    array_of_units,
    decimals_of_units,
    sort_codes,
    text_of_units,
    units_of_array,
    units_of_number,
)
from toolkit.amounts.operators import Operators
from toolkit.amounts.results import checked_array, masked_array, object_array
from toolkit.amounts.values import array_of_values, is_array_like, is_missing, units_of_value
from toolkit.runtime.decimals import CONTEXT

# Wide enough for the sum of any column.
_TOTAL = pa.decimal256(76, 18)
# Parts of pandas only request a numpy array, so that its purpose is only known from the caller. The first two
# would compute on it with code for other types, and raise "No matching signature found". The third would
# write decimals as floats. Later versions of pandas have methods of their own for the last two.
_SELECTN_MODULE = "pandas.core.methods.selectn"  # nlargest and nsmallest
_QUANTILE_CALLER = ("pandas.core.groupby.groupby", "pre_processor")  # of groups: _groupby_quantile
_JSON_MODULE = "pandas.io.json._json"  # of a Series: _values_for_json
_NOT_EXACT = "of exact amounts has no exact result in general"


class ExactArray(Operators):
    """An array of exact amounts in Arrow memory."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow would pickle the whole array that a slice was taken from.
        return type(self), (self._data.take(pa.array(np.arange(len(self)))),)

    # -- construction ---------------------------------------------------------------------------------

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> ExactArray:
        del dtype, copy  # there is only one dtype, and Arrow arrays are immutable
        return (
            scalars if isinstance(scalars, cls) else cls(checked_array(array_of_values, scalars, text=True))
        )

    @classmethod
    def _from_sequence_of_strings(cls, strings: Any, *, dtype: Any = None, copy: bool = False) -> ExactArray:
        return cls._from_sequence(strings, dtype=dtype, copy=copy)

    @classmethod
    def _from_scalars(cls, scalars: Any, *, dtype: Any) -> ExactArray:
        """The results of a function applied value by value; exact if they are decimals that fit."""
        del dtype
        values = list(scalars)
        known = [value for value in values if not is_missing(value)]
        if not known or not all(
            isinstance(value, Decimal) and units_of_number(value) is not None for value in known
        ):
            raise TypeError("not all values are exact amounts")
        return cls(array_of_values(values))

    @classmethod
    def _from_factorized(cls, values: Any, original: ExactArray) -> ExactArray:
        del original
        return cls(array_of_values(values))

    @classmethod
    def _concat_same_type(cls, to_concat: Any) -> ExactArray:
        return cls(pa.concat_arrays([each._data for each in to_concat]))

    # -- properties -----------------------------------------------------------------------------------

    @property
    def dtype(self) -> ExactDtype:
        """The dtype of the array."""
        return ExactDtype()

    @property
    def nbytes(self) -> int:
        """Memory used, in bytes."""
        return int(self._data.nbytes)

    def copy(self) -> ExactArray:
        """A copy of the array."""
        return type(self)(self._data)

    # -- indexing -------------------------------------------------------------------------------------

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, tuple):  # pandas gets the column of a one-column block with arr[..., 0]
            item = next(each for each in item if each is not Ellipsis) if item != (Ellipsis,) else slice(None)
        item = check_array_indexer(self, item)
        if isinstance(item, slice):
            start, stop, step = item.indices(len(self))
            if step == 1:
                return type(self)(self._data[start : max(start, stop)])
            return self.take(np.arange(start, stop, step))
        if isinstance(item, int | np.integer):
            if not -len(self) <= item < len(self):
                raise IndexError(f"index {item} is out of bounds for {len(self)} amounts")
            index = int(item) % len(self)
            return decimals_of_units(units_of_array(self._data[index : index + 1]), pd.NA)[0]
        if isinstance(item, np.ndarray) and item.dtype.kind == "b":
            return type(self)(self._data.filter(pa.array(item)))
        if not isinstance(item, np.ndarray):
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
                "boolean arrays are valid indices"
            )
        return self.take(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        if getattr(self, "_readonly", False):  # set by pandas 3 on the arrays of a Series
            raise ValueError("Cannot modify read-only array")
        indexes = np.arange(len(self))[check_array_indexer(self, key)]
        if is_array_like(value):
            given = array_of_values(value)
            if np.ndim(indexes) == 0 or len(given) != len(indexes):
                raise ValueError(f"cannot set {np.size(indexes)} amounts from {len(given)} values")
        else:
            given = array_of_units([units_of_value(value)])
        take = np.arange(len(self))
        take[indexes] = len(self) + (np.arange(len(given)) if is_array_like(value) else 0)
        self._data = pa.concat_arrays([self._data, given]).take(pa.array(take))

    def __iter__(self) -> Iterator[Any]:
        return iter(decimals_of_units(units_of_array(self._data), pd.NA))

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> ExactArray:
        """The amounts at these indexes."""
        if indices is None:  # pandas, aligning two indexes of which one already matches
            return self.copy()
        indexes = np.asarray(indices, dtype=np.intp)
        if not len(self) and (indexes >= 0 if allow_fill else np.ones(len(indexes), bool)).any():
            raise IndexError("cannot do a non-empty take from an empty axes.")
        if indexes.size and (
            indexes.max() >= len(self) or indexes.min() < (-1 if allow_fill else -len(self))
        ):
            error = ValueError if allow_fill and indexes.min() < -1 else IndexError
            raise error("an index is out of bounds")
        if not allow_fill:
            return type(self)(self._data.take(pa.array(indexes % max(len(self), 1))))
        if is_missing(fill_value):
            return type(self)(self._data.take(pa.array(indexes, mask=indexes == -1)))
        filled = pa.concat_arrays([self._data, array_of_units([units_of_value(fill_value)])])
        return type(self)(filled.take(pa.array(np.where(indexes == -1, len(self), indexes))))

    # -- conversions ----------------------------------------------------------------------------------

    def __arrow_array__(self, type: Any = None) -> pa.Array:
        if type is None:
            return self._data
        return (self._data.cast(WIDE_TYPE) if pa.types.is_decimal(type) else self._data).cast(type)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("exact amounts cannot be converted to a numpy array without a copy")
        if dtype is not None and np.dtype(dtype) != object:
            raise_inexact("Exact amounts are only converted to floats explicitly", "{estimate}")
        caller = sys._getframe(1)
        module = caller.f_globals.get("__name__")
        if module == _JSON_MODULE:
            return self._values_for_json()
        if (module, caller.f_code.co_name) == _QUANTILE_CALLER:
            self._groupby_quantile()
        if module == _SELECTN_MODULE:
            raise_inexact(
                "pandas has no nlargest and nsmallest for exact amounts",
                "write .sort_values(ascending=False).head(n) instead of nlargest(n), "
                "and .sort_values().head(n) instead of nsmallest(n)",
            )
        return object_array(list(self))

    def to_numpy(self, dtype: Any = None, copy: bool = False, na_value: Any = no_default) -> np.ndarray:
        """Convert to a numpy array of decimals, or of floats if `dtype` is a float type."""
        if dtype is np.float64:  # pandas, before it computes windows or bins with floats
            raise_inexact("pandas computes this only with floats", "{estimate}")
        del copy  # it is always a copy
        result = np.array(self.astype(np.dtype(dtype) if dtype is not None else np.dtype(object)))
        if na_value is not no_default:
            result[self.isna()] = na_value
        return result

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Convert to another dtype. Floats are the nearest ones; integers require whole amounts."""
        dtype = pd.api.types.pandas_dtype(dtype)
        if isinstance(dtype, ExactDtype):
            return self.copy() if copy else self
        if pd.api.types.is_object_dtype(dtype):
            return np.asarray(self)
        missing = self.isna()
        numbers = units_of_array(self._data)
        if pd.api.types.is_float_dtype(dtype):
            # Unlike Arrow, Python always rounds a quotient of integers correctly.
            floats = [0.0 if number is None else number / UNIT for number in numbers]
            return masked_array(np.array(floats, float), missing).astype(dtype)
        if pd.api.types.is_integer_dtype(dtype):
            if any(number is not None and number % UNIT for number in numbers):
                raise_inexact("Not all amounts are whole numbers", "round them first with .round()")
            return pd.array([None if n is None else n // UNIT for n in numbers], dtype="Int64").astype(dtype)
        if pd.api.types.is_bool_dtype(dtype):
            return pd.arrays.BooleanArray(np.array([bool(n) for n in numbers], bool), missing).astype(dtype)
        if pd.api.types.is_string_dtype(dtype) or (isinstance(dtype, np.dtype) and dtype.kind in "US"):
            return pd.array(self._texts(), dtype="string").astype(dtype)
        if isinstance(dtype, pd.ArrowDtype) and pa.types.is_decimal(dtype.pyarrow_dtype):
            return pd.array(self.__arrow_array__(dtype.pyarrow_dtype), dtype=dtype)
        return super().astype(dtype, copy=copy)

    def _texts(self) -> list[str | None]:
        return [None if number is None else text_of_units(number) for number in units_of_array(self._data)]

    def _values_for_json(self) -> np.ndarray:
        """Convert to text, since JSON numbers are read as floats."""
        return np.array(self._texts(), object)

    def _values_for_factorize(self) -> tuple[np.ndarray, Any]:
        return object_array(decimals_of_units(units_of_array(self._data), None, Decimal)), None

    def factorize(self, use_na_sentinel: bool = True) -> tuple[np.ndarray, ExactArray]:
        """Encode the amounts as indexes into their unique values, in order of appearance."""
        ordered = masked_array(sort_codes(self._data), self.isna())
        codes, found = pd.factorize(ordered, use_na_sentinel=use_na_sentinel)
        return codes, self.take(grouping.indexes_of(ordered, found), allow_fill=True)

    def unique(self) -> ExactArray:
        """The unique amounts, in order of appearance."""
        return self.factorize(use_na_sentinel=False)[1]

    def _values_for_argsort(self) -> np.ndarray:
        return sort_codes(self._data)

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        del boxed
        return lambda value: str(value) if is_missing(value) else f"{value:f}"

    # -- reductions -----------------------------------------------------------------------------------

    def _reduce(self, name: str, *, skipna: bool = True, keepdims: bool = False, **kwargs: Any) -> Any:
        known = self._data.drop_null()
        result: Any = pd.NA
        if name in ("any", "all", "argmin", "argmax"):
            result = getattr(self.astype("boolean") if name in ("any", "all") else self, name)(skipna=skipna)
            return pd.array([result]) if keepdims else result
        if name in ("sum", "min", "max", "median"):
            enough = len(known) >= kwargs.get("min_count", 0) and (skipna or len(known) == len(self))
            if name == "sum" and enough:
                result = self._sum_known(known)
            elif enough and len(known):
                result = self._ordered(name, known)
        else:
            raise_inexact(
                f"`{name}` {_NOT_EXACT}",
                ("{mean}, or " if name == "mean" else "") + "{estimate} (for describe() too)",
            )
        return type(self)._from_sequence([result]) if keepdims else result

    @staticmethod
    def _sum_known(known: pa.Array) -> Any:
        total = pc.sum(known.cast(_TOTAL)).as_py()
        if total is None:
            return decimals_of_units([0], pd.NA)[0]
        number = int(CONTEXT.scaleb(total, 18))
        return decimals_of_units([number], pd.NA)[0]

    def _ordered(self, name: str, known: pa.Array) -> Any:
        if name == "median":
            return self._quantile(np.array([0.5]), "midpoint")[0]
        return decimals_of_units(
            units_of_array(pa.array([pc.min_max(known)[name].as_py()], EXACT_TYPE)), pd.NA
        )[0]

    def _accumulate(self, name: str, *, skipna: bool = True, **kwargs: Any) -> ExactArray:
        step = grouping.STEPS.get(name)
        if step is None:
            raise_inexact(f"`{name}` {_NOT_EXACT}", "{estimate}")
        ids = np.zeros(len(self), np.intp)
        return type(self)(
            checked_array(
                array_of_units, grouping.accumulate(units_of_array(self._data), ids, step, skipna=skipna)
            )
        )

    def _quantile(self, qs: Any, interpolation: str) -> ExactArray:
        ordered = sorted(number for number in units_of_array(self._data) if number is not None)
        return type(self)(array_of_units([_quantile(ordered, float(each), interpolation) for each in qs]))

    def _rank(self, **options: Any) -> Any:
        options.pop("axis", None)
        order = np.where(self.isna(), np.nan, sort_codes(self._data))
        return pd.Series(order).rank(**options).to_numpy()

    def value_counts(self, dropna: bool = True) -> pd.Series:
        """The number of occurrences of each amount."""
        found, first, counts = np.unique(sort_codes(self._data), return_index=True, return_counts=True)
        kept = found >= 0 if dropna else slice(None)
        return pd.Series(counts[kept], index=pd.Index(self.take(first[kept])), name="count")

    def _groupby_op(
        self, *, how: str, has_dropped_na: bool, min_count: int, ngroups: int, ids: Any, **kwargs: Any
    ) -> Any:
        skipna = kwargs.get("skipna", True)
        if how == "sum":
            return type(self)(grouping.group_sums(self._data, ids, ngroups, max(min_count, 0), skipna=skipna))
        if how == "cumsum":
            numbers = grouping.accumulate(units_of_array(self._data), ids, grouping.STEPS[how], skipna=skipna)
            return type(self)(checked_array(array_of_units, numbers))
        if how == "median":
            raise NotImplementedError(how)  # pandas then computes it group by group
        missing = self.isna()
        ordered: Any = masked_array(sort_codes(self._data), missing)
        if how in ("any", "all"):
            ordered = self.astype("boolean")
        elif how not in ("min", "max", "first", "last", "cummin", "cummax", "rank", "idxmin", "idxmax"):
            raise_inexact(f"`{how}` {_NOT_EXACT}", ("{mean}, or " if how == "mean" else "") + "{estimate}")
        result = ordered._groupby_op(
            how=how,
            has_dropped_na=has_dropped_na,
            min_count=min_count,
            ngroups=ngroups,
            ids=ids,
            **kwargs,
        )
        if how in ("any", "all", "rank", "idxmin", "idxmax"):
            return result
        return self.take(grouping.indexes_of(ordered, result), allow_fill=True)

    def _groupby_quantile(self, **kwargs: Any) -> Any:
        del kwargs
        return raise_inexact(
            f"`quantile` {_NOT_EXACT}",
            "use .agg(lambda group: group.quantile(0.25)), or {estimate}",
        )

    def round(self, decimals: int = 0, *args: Any, **kwargs: Any) -> ExactArray:
        """Round to a number of decimal places, halves to the even digit."""
        del args, kwargs
        step = 10 ** max(PLACES - decimals, 0)
        rounded = [
            None if number is None else _rounded(number, step) for number in units_of_array(self._data)
        ]
        return type(self)(checked_array(array_of_units, rounded))

    def interpolate(self, **kwargs: Any) -> Any:
        """Raise: interpolated amounts would not be exact."""
        del kwargs
        return raise_inexact(
            "Interpolated amounts are not exact", "use .ffill() to repeat the last amount, or {estimate}"
        )


def _rounded(number: int, step: int) -> int:
    steps, rest = divmod(number, step)
    return (steps + (2 * rest > step or (2 * rest == step and steps % 2))) * step


def _quantile(ordered: list[int], fraction: float, interpolation: str) -> int | None:
    if not ordered:
        return None
    index = Fraction(repr(fraction)) * (len(ordered) - 1)
    below = index.numerator // index.denominator
    part = index - below
    above = ordered[min(below + 1, len(ordered) - 1)] if part else ordered[below]
    if interpolation == "lower":
        return ordered[below]
    if interpolation == "higher":
        return above
    if interpolation == "nearest":
        return ordered[round(index)]
    if interpolation == "midpoint" and part:
        part = Fraction(1, 2)
    found = ordered[below] + (above - ordered[below]) * part
    if found.denominator != 1:
        raise_inexact("The quantile lies between two amounts", 'use interpolation="lower" or "higher"')
    return found.numerator
