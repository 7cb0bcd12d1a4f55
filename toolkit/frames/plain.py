"""Converts whole columns that have nothing unusual, for the fast path.

Every function raises `Unusual` where a value is not of the plainest form, and never converts it otherwise
than `frames.decode` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from toolkit.endpoints.model import TimeUnit
from toolkit.frames.decode import YEAR_3000, DecodeError, milliseconds

_MAX_LENGTH = 40
_MAX_INTEGER_LENGTH = 18
_MINUS = ord("-")
_IS_DIGIT = np.zeros(256, dtype=np.bool_)
_IS_DIGIT[list(b"0123456789")] = True
_IS_PLAIN = _IS_DIGIT.copy()
_IS_PLAIN[list(b".-")] = True


class Unusual(Exception):  # noqa: N818 - it is no error: another path takes over
    """A response, or a value in it, that only the strict path can judge."""


def array_of(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """The values as they are."""
    try:
        return pa.array(values, type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError):
        raise Unusual from None


def ids(values: Sequence[Any]) -> pa.Array:
    """Ids as text: either all are text already, or all are numbers."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        return array_of(values, pa.int64()).cast(pa.string())


def times(values: Sequence[Any], unit: TimeUnit) -> pa.Array:
    """Times in milliseconds, as int64."""
    if unit == "text":
        try:
            return pa.array([milliseconds(value, unit) for value in values], pa.int64())
        except DecodeError:
            raise Unusual from None
    return in_milliseconds(array_of(values, pa.int64()), unit)


def in_milliseconds(array: pa.Array, unit: TimeUnit) -> pa.Array:
    """Times that are whole numbers in milliseconds, never later than they are."""
    highest = {"s": YEAR_3000 // 1000, "us": YEAR_3000 * 1000}.get(unit, YEAR_3000)
    if len(array) > array.null_count:
        span = pc.min_max(array)
        if span["min"].as_py() < 0 or span["max"].as_py() >= highest:
            raise Unusual
    if unit == "ms":
        return array
    return pc.multiply(array, 1000) if unit == "s" else pc.divide(array, 1000)


def numbers(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    """Amounts that are plain decimal numbers such as "-0.5", without a missing one."""
    if not len(texts):
        return pa.array([], type_)
    if texts.null_count:
        raise Unusual
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if data_buffer is None or offsets[0] == offsets[-1]:
        raise Unusual
    check_plain(np.frombuffer(data_buffer, np.uint8), offsets)
    try:
        return texts.cast(type_)
    except pa.ArrowInvalid:
        raise Unusual from None


def integers(texts: pa.Array) -> pa.Array:
    """Whole numbers that are texts, without a missing one."""
    if len(texts) and pc.max(pc.binary_length(texts)).as_py() > _MAX_INTEGER_LENGTH:
        raise Unusual
    return numbers(texts, pa.int64())


def check_plain(data: NDArray[np.uint8], offsets: NDArray[Any]) -> None:
    """Check that texts have only digits, points and minus signs, begin with a digit, and are not long.

    Arrow takes care of the rest: it refuses what is not a number.
    """
    starts, lengths = offsets[:-1], np.diff(offsets)
    if lengths.min() < 1 or lengths.max() > _MAX_LENGTH:
        raise Unusual
    if not _IS_PLAIN[data[offsets[0] : offsets[-1]]].all():
        raise Unusual
    signs = data[starts] == _MINUS
    if signs.any():
        if (lengths[signs] < 2).any():
            raise Unusual
        starts = starts + signs
    if not _IS_DIGIT[data[starts]].all():
        raise Unusual
