"""Checks and converts whole columns that have nothing unusual, for the fast path.

Every function raises `Unusual` where a value is not of the plainest form, and never converts it otherwise
than `frames.decode` does. Exact amounts stay texts, and ids whole numbers, until the frame is made: casting
them all at once is cheaper, and what these functions accept can always be cast.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from toolkit.amounts.integers import EXACT_TYPE, PLACES
from toolkit.endpoints.model import TimeUnit
from toolkit.frames.decode import YEAR_3000, DecodeError, milliseconds

# Longer texts are not searched for a run of digits that `strict_json` refuses.
_MAX_TEXT_LENGTH = 300
_MAX_NUMBER_LENGTH = 40
_MAX_INTEGER_LENGTH = 18
# Of an exact amount before the point. Of larger ones, Arrow makes other numbers without a word.
_MAX_WHOLE_DIGITS = EXACT_TYPE.precision - PLACES
_PLAIN = b"0123456789.-\n"
_END_OF_TEXT = ord("\n")
_CAST = pc.get_function("cast")


class Unusual(Exception):  # noqa: N818 - it is no error: another path takes over
    """A response, or a value in it, that only the strict path can judge."""


class Texts:
    """Columns of texts as Arrow arrays, made at once: they share one buffer.

    Args:
        columns: Columns of the same length, without a missing value.
    """

    def __init__(self, columns: Sequence[Sequence[str]]) -> None:
        self._columns = columns
        try:
            joined = "\n".join(map("\n".join, columns)).encode()  # no text in JSON has a line break
        except TypeError:
            raise Unusual from None
        ends = np.flatnonzero(np.frombuffer(joined, np.uint8) == _END_OF_TEXT)
        count = len(ends) + 1 if columns and columns[0] else 0
        self._rows = count // len(columns) if columns else 0
        self._offsets = np.empty(count + 1, np.int32)
        self._offsets[0] = 0
        if count:
            self._offsets[1:-1] = ends - np.arange(len(ends))
            self._offsets[-1] = len(joined) - len(ends)
            if (self._offsets[1:] - self._offsets[:-1]).max() > _MAX_TEXT_LENGTH:
                raise Unusual
        self._data = joined.translate(None, b"\n")
        buffers = [None, pa.py_buffer(self._offsets), pa.py_buffer(self._data)]
        self._array = pa.Array.from_buffers(pa.string(), count, buffers)

    def column(self, index: int) -> pa.Array:
        """A column as it is."""
        return self._array.slice(index * self._rows, self._rows)

    def decimals(self, index: int) -> pa.Array:
        """A column of exact amounts that are plain decimal numbers such as "-0.5", as they are."""
        check_decimals(self._columns[index], exact=True)
        return self.column(index)

    def integers(self, index: int) -> pa.Array:
        """A column of whole numbers."""
        if max(map(len, self._columns[index]), default=0) > _MAX_INTEGER_LENGTH:
            raise Unusual
        check_decimals(self._columns[index], exact=False)
        return cast(self.column(index), pa.int64())


def some_amounts(values: Sequence[str | None], *, exact: bool) -> pa.Array:
    """Amounts of which some are missing, which are None or ""."""
    present = [value for value in values if value]
    if not all(isinstance(value, str) for value in present):
        raise Unusual
    if exact:
        check_decimals(present, exact=True)
        array = cast(pa.array(present, pa.string()), EXACT_TYPE)
    else:
        array = floats(present)
    places = iter(range(len(present)))
    return array.take(pa.array([next(places) if value else None for value in values], pa.int64()))


def check_decimals(values: Sequence[str], *, exact: bool) -> None:
    """Check that texts are decimal numbers such as "-0.5", which any type of amounts can hold."""
    floats(values)
    if exact and max(map(len, values), default=0) > _MAX_WHOLE_DIGITS:
        for value in values:
            whole, _, places = value.partition(".")
            if len(whole) > _MAX_WHOLE_DIGITS or len(places) > PLACES:  # a minus sign counts, too
                raise Unusual


def floats(values: Sequence[str]) -> pa.Array:
    """Amounts that are decimal numbers such as "-0.5", as float64."""
    data = b"\n" + "\n".join(values).encode()
    if (
        max(map(len, values), default=0) > _MAX_NUMBER_LENGTH
        or data.translate(None, _PLAIN)
        or b"\n." in data
        or b"-." in data
    ):
        raise Unusual
    try:
        return pa.array(np.fromiter(map(float, values), np.float64, len(values)))
    except ValueError:
        raise Unusual from None


def cast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """Numbers in texts, or numbers as texts."""
    try:
        return _CAST.call([array], _options(type_))
    except pa.ArrowInvalid:
        raise Unusual from None


@functools.cache
def _options(type_: pa.DataType) -> pc.CastOptions:
    return pc.CastOptions(type_)


def array_of(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """The values as they are."""
    try:
        return pa.array(values, type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError):
        raise Unusual from None


def texts(values: Sequence[Any]) -> pa.Array:
    """Texts, None where one is missing."""
    array = array_of(values, pa.string())
    _check_lengths(array)
    return array


def lists_of_texts(values: Sequence[Any]) -> pa.Array:
    """Lists of texts, None where one is missing."""
    array = array_of(values, pa.list_(pa.string()))
    _check_lengths(array.flatten())
    return array


def _check_lengths(array: pa.Array) -> None:
    if (pc.max(pc.binary_length(array)).as_py() or 0) > _MAX_TEXT_LENGTH:
        raise Unusual


class Integers:
    """Columns of JSON numbers as arrays, made at once.

    Args:
        columns: Columns of the same length. No value is missing, and none is a text, which numpy would read.
    """

    def __init__(self, columns: Sequence[Sequence[int]]) -> None:
        self._rows = len(columns[0]) if columns else 0
        try:
            self._numbers = np.fromiter(chain.from_iterable(columns), np.int64, self._rows * len(columns))
        except OverflowError:
            raise Unusual from None

    def column(self, index: int) -> NDArray[np.int64]:
        """A column."""
        return self._numbers[index * self._rows : (index + 1) * self._rows]


def times(values: Sequence[Any], unit: TimeUnit) -> pa.Array:
    """Times in milliseconds, of which some are missing or all are texts."""
    if unit != "text":
        array = array_of(values, pa.int64())
        in_milliseconds(array.drop_null().to_numpy(), unit)
        return array if unit == "ms" else pc.multiply(array, 1000) if unit == "s" else pc.divide(array, 1000)
    try:
        return pa.array([milliseconds(value, unit) for value in values], pa.int64())
    except DecodeError:
        raise Unusual from None


def in_milliseconds(numbers: NDArray[np.int64], unit: TimeUnit) -> NDArray[np.int64]:
    """Times that are whole numbers in milliseconds, never later than they are."""
    highest = {"s": YEAR_3000 // 1000, "us": YEAR_3000 * 1000}.get(unit, YEAR_3000)
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= highest):
        raise Unusual
    if unit == "ms":
        return numbers
    return numbers * 1000 if unit == "s" else numbers // 1000
