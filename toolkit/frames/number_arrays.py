"""The fast path for rows that are arrays of numbers, such as candles: no value becomes a Python object.

If a body has nothing but digits, points and the same brackets, commas and quotation marks in every row, the
commas tell where each value begins and ends: each mark is at its place, and there are no others. All values
are then one Arrow array of texts over the bytes of the body, which is converted at once. (Arrow's CSV reader
takes twice as long.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.amounts.integers import EXACT_TYPE, PLACES
from toolkit.endpoints import Endpoint
from toolkit.frames import plain
from toolkit.frames.decode import TIME_TYPE, exact_columns
from toolkit.frames.page import Page
from toolkit.frames.plain import Unusual
from toolkit.frames.shape import Shape
from toolkit.frames.siblings import fields_left_out
from toolkit.frames.structs import MAX_BODY_BYTES

_COMMA, _POINT, _QUOTE, _OPEN, _CLOSE, _ZERO, _NINE = b',."[]09'
_MARKS = b',"[]'
_MAX_LENGTH = 20
_MAX_FLOAT_INTEGER = 2**53
_POWERS = 10 ** np.arange(1, 19)
_NUMBERS = frozenset({"amount", "integer", "time"})


class NumberArrayReader:
    """Reads responses whose rows are arrays of amounts as text and of whole numbers.

    Args:
        endpoint: The endpoint.
        shape: What to expect of a response.
        exact: Whether amounts are exact.

    Raises:
        Unusual: There is no fast path of this kind for this shape.
    """

    def __init__(self, endpoint: Endpoint, shape: Shape, *, exact: bool) -> None:
        columns = endpoint.received_columns
        self._fields = list(zip(columns, shape.fields, strict=True))
        kinds = {column.kind for column in columns}
        identity = {column.kind for column in columns if column.name in endpoint.identity}
        paths = {*shape.fields} | shape.extra
        self._width = len(paths)
        if (
            endpoint.row_layout != "arrays"
            or endpoint.rows_field
            or endpoint.row_lists
            or endpoint.newest_first
            or endpoint.either_order
            or not kinds <= _NUMBERS
            or not identity
            or "amount" in identity  # by their texts, which are not kept
            or any(column.unit == "text" for column in columns)
            or any(column.kind == "time" and column.optional for column in columns)
            or paths != set(map(str, range(self._width)))
        ):
            raise Unusual
        quoted = {
            field for column, field in self._fields if (column.kind == "amount") != (field in shape.swapped)
        }
        if any(column.kind == "amount" and field not in quoted for column, field in self._fields):
            raise Unusual
        self._endpoint = endpoint
        self._exact = exact_columns(endpoint, exact=exact)
        self._quoted = frozenset(map(int, quoted))
        self._extra = sorted(map(int, shape.extra))
        self._marks: dict[frozenset[int], _Marks] = {}
        self._floats = [
            int(field)
            for column, field in self._fields
            if column.kind == "amount" and column.name not in self._exact
        ]
        self._undeclared = frozenset(shape.extra - fields_left_out(endpoint))

    def read(self, body: bytes) -> Page:
        """The rows of a response.

        Raises:
            Unusual: Only another path can tell what it is.
        """
        if len(body) > MAX_BODY_BYTES or body[:1] != b"[" or body[-1:] != b"]":
            raise Unusual
        characters = np.frombuffer(body, np.uint8)
        commas = np.flatnonzero(characters == _COMMA)
        rows, rest = divmod(len(commas) + 1, self._width)
        if rest:
            raise Unusual
        # The brackets around all rows take the place of the first and the last comma.
        bounds = np.concatenate(([0], commas, [len(body) - 1]))
        before, after = (bounds[:-1].reshape(rows, -1), bounds[1:].reshape(rows, -1))
        marks = self._marks_of(body, before[0])
        lengths = after - before - 1 - marks.both
        if lengths.min() < 1:
            raise Unusual
        quoted = marks.quoted
        if (
            not (characters[before[:, 0] + 1] == _OPEN).all()
            or not (characters[after[:, -1] - 1] == _CLOSE).all()
            or not (characters[before[:, quoted] + marks.before[quoted]] == _QUOTE).all()
            or not (characters[after[:, quoted] - marks.after[quoted]] == _QUOTE).all()
        ):
            raise Unusual
        numbers = NumberTable(body, after - marks.after, lengths)
        for position in self._extra:
            if position not in quoted:
                numbers.integers(position)
        return self._page(numbers, rows)

    def _marks_of(self, body: bytes, before: NDArray[np.int64]) -> _Marks:
        """The marks of a row. The first one tells whether values that no column has are quoted."""
        starts = {position: before[position] + 1 + (position == 0) for position in self._extra}
        quoted = self._quoted.union(n for n, at in starts.items() if body[at : at + 1] == b'"')
        if quoted not in self._marks:
            self._marks[quoted] = _marks_of(quoted, self._width)
        return self._marks[quoted]

    def _page(self, numbers: NumberTable, rows: int) -> Page:
        columns: list[pa.Array] = []
        moments: NDArray[np.int64] | list[int | None] = []
        floats = numbers.floats(self._floats)
        for column, field in self._fields:
            position = int(field)
            if column.kind == "amount":
                columns.append(floats[position] if position in floats else numbers.exact(position))
                continue
            values = numbers.integers(position)
            if column.kind == "time":
                values = plain.in_milliseconds(values, column.unit)
                if column.name == self._endpoint.order_by:
                    moments = values
                columns.append(pa.array(values).view(TIME_TYPE))
            else:
                columns.append(pa.array(values))
        return Page(rows=rows, columns=columns, moments=moments, undeclared=self._undeclared)


@dataclass(frozen=True, slots=True)
class _Marks:
    """The marks in each row.

    Attributes:
        quoted: The positions of the values in quotation marks.
        before, after: How many quotation marks and brackets are before and after each value.
        both: Their sum.
    """

    quoted: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    both: NDArray[np.int64]


def _marks_of(positions: frozenset[int], width: int) -> _Marks:
    quoted = np.array(sorted(positions), np.int64)
    before = np.isin(np.arange(width), quoted).astype(np.int64)
    after = before.copy()
    before[0] += 1
    after[-1] += 1
    return _Marks(quoted, before, after, before + after)


class NumberTable:
    """A table of numbers in text, of which each column has as many decimals in every row.

    Without the points they are whole numbers, which are parsed at once. A float that is such a number divided
    by a power of ten is the same as the text gives, if both are below 2**53 and 10**23.

    Args:
        body: A text with the numbers, and marks between them.
        ends: Where each number ends in it.
        lengths: The length of each number.

    Raises:
        Unusual: A number is negative, or is not as in the other rows; or there is any other character in the
            text, or a comma, a bracket or a quotation mark within a number.
    """

    def __init__(self, body: bytes, ends: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        first = zip((ends[0] - lengths[0]).tolist(), ends[0].tolist(), strict=True)
        decimals = np.array([_decimals_of(body[start:end]) for start, end in first])
        is_pointed = decimals >= 0
        # At least one digit, and where there is a point, one before it.
        if lengths.max() > _MAX_LENGTH or (lengths < np.where(is_pointed, decimals + 2, 1)).any():
            raise Unusual
        points = ends[:, is_pointed] - 1 - decimals[is_pointed]
        if not (np.frombuffer(body, np.uint8)[points] == _POINT).all():
            raise Unusual
        offsets = np.zeros(lengths.size + 1, np.int32)
        np.cumsum(lengths - is_pointed, out=offsets[1:])
        data = body.translate(None, _MARKS + b".")
        digits = np.frombuffer(data, np.uint8)
        if len(data) != offsets[-1] or digits.min() < _ZERO or digits.max() > _NINE:
            raise Unusual
        texts = _texts(offsets, data)
        table = plain.cast(texts, pa.int64()).to_numpy().reshape(lengths.shape)
        self._body = body
        self._lengths = lengths
        self._decimals: list[int] = decimals.tolist()
        self._columns = np.ascontiguousarray(table.T)

    def integers(self, position: int) -> NDArray[np.int64]:
        """A column of whole numbers, without leading zeros."""
        if self._decimals[position] >= 0:
            raise Unusual
        # A copy, so that a page does not keep the memory of all columns.
        values: NDArray[np.int64] = self._columns[position].copy()
        if (np.searchsorted(_POWERS, values, side="right") + 1 != self._lengths[:, position]).any():
            raise Unusual
        return values

    def floats(self, positions: list[int]) -> dict[int, pa.Array]:
        """Columns of amounts as float64, by position."""
        if not positions:
            return {}
        values = self._columns[positions]
        powers = [10.0 ** max(0, self._decimals[position]) for position in positions]
        arrays = dict(zip(positions, map(pa.array, values / np.array(powers)[:, None]), strict=True))
        for position in np.array(positions)[values.max(axis=1) >= _MAX_FLOAT_INTEGER].tolist():
            arrays[position] = self._parsed(position)
        return arrays

    def _parsed(self, position: int) -> pa.Array:
        """A column of amounts as float64, of which some have more digits than a division gives."""
        rows, width = self._lengths.shape
        offsets = np.zeros(self._lengths.size + 1, np.int32)
        np.cumsum(self._lengths, out=offsets[1:])
        texts = _texts(offsets, self._body.translate(None, _MARKS))
        return plain.cast(texts.take(pa.array(range(position, rows * width, width))), pa.float64())

    def exact(self, position: int) -> pa.Array:
        """A column of exact amounts."""
        return exact_amounts(self._columns[position], PLACES - max(0, self._decimals[position]))


def _texts(offsets: NDArray[np.int32], data: bytes) -> pa.Array:
    """Texts one after the other, given where each begins and the last one ends."""
    return pa.Array.from_buffers(
        pa.string(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def _decimals_of(number: bytes) -> int:
    """How many decimals a number has, -1 if it has no point."""
    point = number.find(b".")
    return -1 if point < 0 else len(number) - point - 1


def exact_amounts(values: NDArray[np.int64], shift: int) -> pa.Array:
    """Whole numbers times a power of ten, as exact amounts of 10**-18 each.

    Raises:
        Unusual: A product may have more than 36 digits.
    """
    if not 0 <= shift <= PLACES:
        raise Unusual
    factor, mask, half = np.uint64(10**shift), np.uint64(0xFFFFFFFF), np.uint64(32)
    number = values.astype(np.uint64)
    # Schoolbook multiplication of halves of 32 bits, as numpy has no integers of 128.
    low, high = number & mask, number >> half
    factor_low, factor_high = factor & mask, factor >> half
    middle = high * factor_low + (low * factor_low >> half)
    carried = low * factor_high + (middle & mask)
    words = np.empty((len(values), 2), np.uint64)
    words[:, 0] = number * factor
    words[:, 1] = high * factor_high + (middle >> half) + (carried >> half)
    return pa.Array.from_buffers(EXACT_TYPE, len(values), [None, pa.py_buffer(words)])
