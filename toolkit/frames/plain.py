"""Converts whole columns that have nothing unusual, for the fast path.

Every function raises `Unusual` where a value is not of the plainest form, and never converts it otherwise
than `frames.decode` does.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
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
# Of an exact amount before the point. Arrow does not notice all of the larger ones: it returns other numbers.
_MAX_WHOLE_DIGITS = EXACT_TYPE.precision - PLACES
_PLAIN = b"0123456789.-"
_MINUS, _ZERO, _END_OF_TEXT = b"-0\n"
_CAST = pc.get_function("cast")


class Unusual(Exception):  # noqa: N818 - it is no error: another path takes over
    """A response, or a value in it, that only the strict path can judge."""


class Texts:
    """Columns of texts as Arrow arrays, made at once: they share one buffer.

    Args:
        columns: Columns of the same length, without a missing value.
    """

    def __init__(self, columns: Sequence[Sequence[str]]) -> None:
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

    def numbers(self, index: int, type_: pa.DataType) -> pa.Array:
        """A column of amounts that are plain decimal numbers such as "-0.5"."""
        if self._rows:
            begin = index * self._rows
            offsets = self._offsets[begin : begin + self._rows + 1]
            check_plain(self._data, offsets)
            if type_ == EXACT_TYPE and np.diff(offsets).max() > _MAX_WHOLE_DIGITS:
                _check_whole_digits(self.column(index))
        return cast(self.column(index), type_)

    def integers(self, index: int) -> pa.Array:
        """A column of whole numbers."""
        lengths = np.diff(self._offsets[index * self._rows : (index + 1) * self._rows + 1])
        if len(lengths) and lengths.max() > _MAX_INTEGER_LENGTH:
            raise Unusual
        return self.numbers(index, pa.int64())


def some_numbers(values: Sequence[str | None], type_: pa.DataType) -> pa.Array:
    """Amounts of which some are missing, which are None or ""."""
    present = [value for value in values if value]
    if not all(isinstance(value, str) for value in present):
        raise Unusual
    places = iter(range(len(present)))
    indexes = pa.array([next(places) if value else None for value in values], pa.int64())
    return Texts([present]).numbers(0, type_).take(indexes)


def check_plain(data: bytes, offsets: NDArray[Any]) -> None:
    """Check that numbers have only digits, points and minus signs, begin with a digit, and are not long.

    Arrow takes care of the rest: it refuses what is not a number.
    """
    starts = offsets[:-1]
    lengths = offsets[1:] - starts
    if lengths.min() < 1 or lengths.max() > _MAX_NUMBER_LENGTH:
        raise Unusual
    if data[offsets[0] : offsets[-1]].translate(None, _PLAIN):
        raise Unusual
    characters = np.frombuffer(data, np.uint8)
    first = characters[starts]
    if (first - _ZERO < 10).all():  # unsigned: a point or minus sign becomes a large number
        return
    signs = first == _MINUS
    if (lengths[signs] < 2).any() or not (characters[starts + signs] - _ZERO < 10).all():
        raise Unusual


def _check_whole_digits(texts: pa.Array) -> None:
    ends = pc.find_substring(texts, ".")
    lengths = pc.if_else(pc.less(ends, 0), pc.binary_length(texts), ends)
    if pc.max(lengths).as_py() > _MAX_WHOLE_DIGITS:  # a minus sign counts, too
        raise Unusual


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


def integers(values: Sequence[int | None]) -> pa.Array:
    """Whole numbers, None where one is missing. Only for ints: numpy would read texts as well."""
    try:
        return pa.array(np.fromiter(values, np.int64, len(values)))
    except (TypeError, OverflowError):
        return array_of(values, pa.int64())


def times(values: Sequence[Any], unit: TimeUnit) -> pa.Array:
    """Times in milliseconds, as int64."""
    if unit == "text":
        try:
            return pa.array([milliseconds(value, unit) for value in values], pa.int64())
        except DecodeError:
            raise Unusual from None
    return in_milliseconds(integers(values), unit)


def in_milliseconds(array: pa.Array, unit: TimeUnit) -> pa.Array:
    """Times that are whole numbers in milliseconds, never later than they are."""
    highest = {"s": YEAR_3000 // 1000, "us": YEAR_3000 * 1000}.get(unit, YEAR_3000)
    present = (array.drop_null() if array.null_count else array).to_numpy()
    if len(present) and (present.min() < 0 or present.max() >= highest):
        raise Unusual
    if unit == "ms":
        return array
    return pc.multiply(array, 1000) if unit == "s" else pc.divide(array, 1000)
