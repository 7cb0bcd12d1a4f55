"""A column of exact amounts: what pandas asks of an array, answered without rounding or not at all.

Sums, differences and products are computed by Arrow with twice the digits and brought back; where a result
does not fit, or has none that is exact, an `InexactError` says what to do instead. No way leads from
exact amounts to floats but `.astype("float64")`.
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
from toolkit.amounts.errors import refuse
from toolkit.amounts.integers import EXACT, PLACES, UNIT, codes, decimals, of_units, scaled, text, units
from toolkit.amounts.operators import Operators
from toolkit.amounts.results import made, masked, objects
from toolkit.amounts.values import is_many, is_missing, to_arrow, to_units
from toolkit.runtime.decimals import CONTEXT

# Room for any sum of a column.
_TOTAL = pa.decimal256(76, 18)
# Some of pandas asks for nothing but a numpy array, so that only the caller tells what it is for. The first
# two compute on it with code that takes no objects: "No matching signature found" is all they would say. The
# third would write decimals as floats. The last two ask by methods of their own in later versions.
_SELECTING = "pandas.core.methods.selectn"  # nlargest and nsmallest
_QUANTILES = ("pandas.core.groupby.groupby", "pre_processor")  # of groups: _groupby_quantile
_JSON = "pandas.io.json._json"  # of a Series: _values_for_json
_OPEN = "of exact amounts has no exact result in general"


class ExactArray(Operators):
    """Exact amounts in Arrow's memory."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrow would pickle all that a slice was cut out of.
        return type(self), (self._data.take(pa.array(np.arange(len(self)))),)

    # -- where they come from ----------------------------------------------------------------------------

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> ExactArray:
        del dtype, copy  # there is one type, and what Arrow holds is never changed
        return scalars if isinstance(scalars, cls) else cls(made(to_arrow, scalars, text=True))

    @classmethod
    def _from_sequence_of_strings(cls, strings: Any, *, dtype: Any = None, copy: bool = False) -> ExactArray:
        return cls._from_sequence(strings, dtype=dtype, copy=copy)

    @classmethod
    def _from_scalars(cls, scalars: Any, *, dtype: Any) -> ExactArray:
        """Results of a function that was applied value by value: exact only if they are decimals."""
        del dtype
        values = list(scalars)
        known = [value for value in values if not is_missing(value)]
        if not known or not all(isinstance(value, Decimal) and scaled(value) is not None for value in known):
            raise TypeError("not all of them are exact amounts")
        return cls(to_arrow(values))

    @classmethod
    def _from_factorized(cls, values: Any, original: ExactArray) -> ExactArray:
        del original
        return cls(to_arrow(values))

    @classmethod
    def _concat_same_type(cls, to_concat: Any) -> ExactArray:
        return cls(pa.concat_arrays([each._data for each in to_concat]))

    # -- what they are -----------------------------------------------------------------------------------

    @property
    def dtype(self) -> ExactDtype:
        """The type of the column."""
        return ExactDtype()

    @property
    def nbytes(self) -> int:
        """Memory they take."""
        return int(self._data.nbytes)

    def copy(self) -> ExactArray:
        """Another array of the same amounts."""
        return type(self)(self._data)

    # -- single ones, and some of them ---------------------------------------------------------------------

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, tuple):  # pandas asks for a column of one block with arr[..., 0]
            item = next(each for each in item if each is not Ellipsis) if item != (Ellipsis,) else slice(None)
        item = check_array_indexer(self, item)
        if isinstance(item, slice):
            start, stop, step = item.indices(len(self))
            if step == 1:
                return type(self)(self._data[start : max(start, stop)])
            return self.take(np.arange(start, stop, step))
        if isinstance(item, int | np.integer):
            if not -len(self) <= item < len(self):
                raise IndexError(f"there is no amount number {item}: there are {len(self)}")
            index = int(item) % len(self)
            return decimals(units(self._data[index : index + 1]), pd.NA)[0]
        if isinstance(item, np.ndarray) and item.dtype.kind == "b":
            return type(self)(self._data.filter(pa.array(item)))
        if not isinstance(item, np.ndarray):
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
                "boolean arrays are valid indices"
            )
        return self.take(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        if getattr(self, "_readonly", False):  # what pandas 3 hands out of a Series
            raise ValueError("Cannot modify read-only array")
        places = np.arange(len(self))[check_array_indexer(self, key)]
        if is_many(value):
            given = to_arrow(value)
            if np.ndim(places) == 0 or len(given) != len(places):
                raise ValueError(f"{len(given)} amounts cannot be put in {np.size(places)} places")
        else:
            given = of_units([to_units(value)])
        take = np.arange(len(self))
        take[places] = len(self) + (np.arange(len(given)) if is_many(value) else 0)
        self._data = pa.concat_arrays([self._data, given]).take(pa.array(take))

    def __iter__(self) -> Iterator[Any]:
        return iter(decimals(units(self._data), pd.NA))

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> ExactArray:
        """Those at these places."""
        if indices is None:  # pandas aligns one of two indexes with other names so: all are at their places
            return self.copy()
        places = np.asarray(indices, dtype=np.intp)
        if not len(self) and (places >= 0 if allow_fill else np.ones(len(places), bool)).any():
            raise IndexError("cannot do a non-empty take from an empty axes.")
        if places.size and (places.max() >= len(self) or places.min() < (-1 if allow_fill else -len(self))):
            error = ValueError if allow_fill and places.min() < -1 else IndexError
            raise error("a place is out of bounds")
        if not allow_fill:
            return type(self)(self._data.take(pa.array(places % max(len(self), 1))))
        if is_missing(fill_value):
            return type(self)(self._data.take(pa.array(places, mask=places == -1)))
        filled = pa.concat_arrays([self._data, of_units([to_units(fill_value)])])
        return type(self)(filled.take(pa.array(np.where(places == -1, len(self), places))))

    # -- as other things ---------------------------------------------------------------------------------

    def __arrow_array__(self, type: Any = None) -> pa.Array:
        return self._data if type is None else self._data.cast(type)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("exact amounts become a numpy array only as a copy")
        if dtype is not None and np.dtype(dtype) != object:
            refuse("Exact amounts become floats only where that is said", "{estimate}")
        caller = sys._getframe(1)
        module = caller.f_globals.get("__name__")
        if module == _JSON:
            return self._values_for_json()
        if (module, caller.f_code.co_name) == _QUANTILES:
            self._groupby_quantile()
        if module == _SELECTING:
            refuse(
                "pandas takes the largest and smallest of its own numbers only",
                "instead of nlargest(n) write .sort_values(ascending=False).head(n), "
                "of nsmallest(n) .sort_values().head(n)",
            )
        return objects(list(self))

    def to_numpy(self, dtype: Any = None, copy: bool = False, na_value: Any = no_default) -> np.ndarray:
        """As a numpy array: of decimals, or of floats where that is said."""
        if dtype is np.float64:  # as pandas asks before it computes on floats by itself: windows, bins
            refuse("This is only computed with floats", "{estimate}")
        del copy  # it is one in any case
        result = np.array(self.astype(np.dtype(dtype) if dtype is not None else np.dtype(object)))
        if na_value is not no_default:
            result[self.isna()] = na_value
        return result

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """As another type. Floats are the nearest ones; whole numbers, only if the amounts are."""
        dtype = pd.api.types.pandas_dtype(dtype)
        if isinstance(dtype, ExactDtype):
            return self.copy() if copy else self
        if pd.api.types.is_object_dtype(dtype):
            return np.asarray(self)
        missing = self.isna()
        numbers = units(self._data)
        if pd.api.types.is_float_dtype(dtype):
            # Python rounds a quotient of whole numbers correctly, Arrow does not always.
            floats = [0.0 if number is None else number / UNIT for number in numbers]
            return masked(np.array(floats, float), missing).astype(dtype)
        if pd.api.types.is_integer_dtype(dtype):
            if any(number is not None and number % UNIT for number in numbers):
                refuse("Not all amounts are whole numbers", "round them first, with .round()")
            return pd.array([None if n is None else n // UNIT for n in numbers], dtype="Int64").astype(dtype)
        if pd.api.types.is_bool_dtype(dtype):
            return pd.arrays.BooleanArray(np.array([bool(n) for n in numbers], bool), missing).astype(dtype)
        if pd.api.types.is_string_dtype(dtype) or (isinstance(dtype, np.dtype) and dtype.kind in "US"):
            return pd.array(self._texts(), dtype="string").astype(dtype)
        return super().astype(dtype, copy=copy)

    def _texts(self) -> list[str | None]:
        return [None if number is None else text(number) for number in units(self._data)]

    def _values_for_json(self) -> np.ndarray:
        """As text, since a number of JSON is read as a float."""
        return np.array(self._texts(), object)

    def _values_for_factorize(self) -> tuple[np.ndarray, Any]:
        return objects(decimals(units(self._data), None, Decimal)), None

    def factorize(self, use_na_sentinel: bool = True) -> tuple[np.ndarray, ExactArray]:
        """Each as the number of its value, and the values, in the order they come in."""
        ordered = masked(codes(self._data), self.isna())
        numbers, found = pd.factorize(ordered, use_na_sentinel=use_na_sentinel)
        return numbers, self.take(grouping.places_of(ordered, found), allow_fill=True)

    def unique(self) -> ExactArray:
        """The values, in the order they come in."""
        return self.factorize(use_na_sentinel=False)[1]

    def _values_for_argsort(self) -> np.ndarray:
        return codes(self._data)

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        del boxed
        return lambda value: str(value) if is_missing(value) else f"{value:f}"

    # -- summing up ------------------------------------------------------------------------------------------

    def _reduce(self, name: str, *, skipna: bool = True, keepdims: bool = False, **kwargs: Any) -> Any:
        known = self._data.drop_null()
        result: Any = pd.NA
        if name in ("any", "all", "argmin", "argmax"):
            result = getattr(self.astype("boolean") if name in ("any", "all") else self, name)(skipna=skipna)
            return pd.array([result]) if keepdims else result
        if name in ("sum", "min", "max", "median"):
            enough = len(known) >= kwargs.get("min_count", 0) and (skipna or len(known) == len(self))
            if name == "sum" and enough:
                result = self._total(known)
            elif enough and len(known):
                result = self._ordered(name, known)
        else:
            refuse(
                f"`{name}` {_OPEN}",
                ("{mean}; " if name == "mean" else "") + "{estimate} (of describe() as well)",
            )
        return type(self)._from_sequence([result]) if keepdims else result

    @staticmethod
    def _total(known: pa.Array) -> Any:
        total = pc.sum(known.cast(_TOTAL)).as_py()
        if total is None:
            return decimals([0], pd.NA)[0]
        number = int(CONTEXT.scaleb(total, 18))
        return decimals([number], pd.NA)[0]

    def _ordered(self, name: str, known: pa.Array) -> Any:
        if name == "median":
            return self._quantile(np.array([0.5]), "midpoint")[0]
        return decimals(units(pa.array([pc.min_max(known)[name].as_py()], EXACT)), pd.NA)[0]

    def _accumulate(self, name: str, *, skipna: bool = True, **kwargs: Any) -> ExactArray:
        step = grouping.STEPS.get(name)
        if step is None:
            refuse(f"`{name}` {_OPEN}", "{estimate}")
        ids = np.zeros(len(self), np.intp)
        return type(self)(made(of_units, grouping.running(units(self._data), ids, step, skipna=skipna)))

    def _quantile(self, qs: Any, interpolation: str) -> ExactArray:
        ordered = sorted(number for number in units(self._data) if number is not None)
        return type(self)(of_units([_quantile(ordered, float(each), interpolation) for each in qs]))

    def _rank(self, **options: Any) -> Any:
        options.pop("axis", None)
        places = np.where(self.isna(), np.nan, codes(self._data))
        return pd.Series(places).rank(**options).to_numpy()

    def value_counts(self, dropna: bool = True) -> pd.Series:
        """How often each amount is there."""
        found, first, times = np.unique(codes(self._data), return_index=True, return_counts=True)
        kept = found >= 0 if dropna else slice(None)
        return pd.Series(times[kept], index=pd.Index(self.take(first[kept])), name="count")

    def _groupby_op(
        self, *, how: str, has_dropped_na: bool, min_count: int, ngroups: int, ids: Any, **kwargs: Any
    ) -> Any:
        skipna = kwargs.get("skipna", True)
        if how == "sum":
            return type(self)(grouping.sums(self._data, ids, ngroups, max(min_count, 0), skipna=skipna))
        if how == "cumsum":
            numbers = grouping.running(units(self._data), ids, grouping.STEPS[how], skipna=skipna)
            return type(self)(made(of_units, numbers))
        if how == "median":
            raise NotImplementedError(how)  # pandas then asks each group for its own
        missing = self.isna()
        ordered: Any = masked(codes(self._data), missing)
        if how in ("any", "all"):
            ordered = self.astype("boolean")
        elif how not in ("min", "max", "first", "last", "cummin", "cummax", "rank", "idxmin", "idxmax"):
            refuse(f"`{how}` {_OPEN}", ("{mean}; " if how == "mean" else "") + "{estimate}")
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
        return self.take(grouping.places_of(ordered, result), allow_fill=True)

    def _groupby_quantile(self, **kwargs: Any) -> Any:
        del kwargs
        return refuse(
            f"`quantile` {_OPEN}", ".agg(lambda group: group.quantile(0.25)) asks group by group; {estimate}"
        )

    def round(self, decimals: int = 0, *args: Any, **kwargs: Any) -> ExactArray:
        """To so many places, halves to the even digit."""
        del args, kwargs
        step = 10 ** max(PLACES - decimals, 0)
        rounded = [None if number is None else _rounded(number, step) for number in units(self._data)]
        return type(self)(made(of_units, rounded))

    def interpolate(self, **kwargs: Any) -> Any:
        """Refused: what lies between two amounts was made up."""
        del kwargs
        return refuse(
            "What lies between two amounts is not known exactly", ".ffill() repeats the last one; {estimate}"
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
        refuse("The quantile lies between two amounts", 'interpolation="lower" or "higher" takes one of them')
    return found.numerator
