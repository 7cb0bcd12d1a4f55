"""The fast path for rows that are arrays of numbers, such as candles: no value becomes a Python object.

If a body has nothing but digits, points, minus signs and the same brackets, commas and quotation marks in
every row, the commas tell where each value begins and ends. All values are then one Arrow array of texts
over the bytes of the body, which is converted at once. (Arrow's CSV reader takes half as long again.)
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.endpoints import Endpoint
from toolkit.frames import plain
from toolkit.frames.page import Page
from toolkit.frames.plain import Unusual
from toolkit.frames.shape import Shape
from toolkit.frames.structs import MAX_BODY_BYTES

_VALUE = b"0123456789.-"
_COMMA, _ZERO, _MINUS = b",0-"
_NUMBERS = frozenset({"amount", "integer", "time"})
_TIME = pa.timestamp("ms", "UTC")


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
        self._fields = list(zip(endpoint.columns, shape.fields, strict=True))
        kinds = {column.kind for column in endpoint.columns}
        identity = {column.kind for column in endpoint.columns if column.name in endpoint.identity}
        paths = {*shape.fields} | shape.extra
        self._width = len(paths)
        if (
            endpoint.row_layout != "arrays"
            or endpoint.rows_field
            or endpoint.newest_first
            or not kinds <= _NUMBERS
            or not identity
            or "amount" in identity  # by their texts, which are not kept
            or any(column.unit == "text" for column in endpoint.columns)
            or paths != set(map(str, range(self._width)))
        ):
            raise Unusual
        quoted = {
            field for column, field in self._fields if (column.kind == "amount") != (field in shape.swapped)
        } | (shape.extra & shape.swapped)
        if any(column.kind == "amount" and field not in quoted for column, field in self._fields):
            raise Unusual
        self._endpoint = endpoint
        self._amount_type = EXACT_TYPE if exact else pa.float64()
        texts = [b'""' if str(position) in quoted else b"" for position in range(self._width)]
        self._row = b"[" + b",".join(texts) + b"]"
        self._marks = np.array([len(text) for text in texts], np.int64)  # around each value, besides commas
        self._marks[0] += 1
        self._marks[-1] += 1
        self._unquoted = np.flatnonzero([not text for text in texts])
        self._undeclared = frozenset(shape.extra - frozenset(endpoint.ignored))

    def read(self, body: bytes) -> Page:
        """The rows of a response.

        Raises:
            Unusual: Only another path can tell what it is.
        """
        if len(body) > MAX_BODY_BYTES:
            raise Unusual
        marks = body.translate(None, _VALUE)
        rows = (len(marks) - 1) // (len(self._row) + 1)
        if not rows or marks != b"[" + b",".join([self._row] * rows) + b"]":
            raise Unusual
        data = body.translate(None, b'"[],')
        commas = np.flatnonzero(np.frombuffer(body, np.uint8) == _COMMA)
        lengths = np.diff(commas, prepend=-1, append=len(body)) - 1
        lengths -= np.tile(self._marks, rows)
        lengths[0] -= 1
        lengths[-1] -= 1
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        self._check_numbers(np.frombuffer(data, np.uint8), offsets, rows)
        texts = pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(data))
        return self._page(texts, rows)

    def _check_numbers(self, data: np.ndarray, offsets: np.ndarray, rows: int) -> None:
        """Check that values are plain, and that numbers without quotation marks have no leading zero."""
        plain.check_plain(data, offsets)
        starts = offsets[:-1].reshape(rows, self._width)[:, self._unquoted].ravel()
        ends = offsets[1:].reshape(rows, self._width)[:, self._unquoted].ravel()
        starts = starts + (data[starts] == _MINUS)
        if ((data[starts] == _ZERO) & (ends - starts > 1)).any():
            raise Unusual

    def _page(self, texts: pa.Array, rows: int) -> Page:
        amounts = self._amounts(texts, rows)
        columns: list[pa.Array] = []
        moments: np.ndarray | list[int | None] = []
        for column, field in self._fields:
            if column.kind == "amount":
                columns.append(amounts[int(field)])
                continue
            values = texts.take(pa.array(np.arange(int(field), len(texts), self._width)))
            array = plain.integers(values)
            if column.kind == "time":
                array = plain.in_milliseconds(array, column.unit)
                if column.name == self._endpoint.order_by:
                    moments = array.to_numpy()
                array = array.view(_TIME)
            columns.append(array)
        return Page(rows=rows, columns=columns, moments=moments, undeclared=self._undeclared)

    def _amounts(self, texts: pa.Array, rows: int) -> list[pa.Array]:
        """Every column as amounts."""
        try:
            numbers = texts.cast(self._amount_type)
        except pa.ArrowInvalid:
            raise Unusual from None
        item = np.float64 if self._amount_type == pa.float64() else np.dtype("V16")
        table = np.frombuffer(numbers.buffers()[1], item)[: len(texts)].reshape(rows, self._width)
        return [
            pa.Array.from_buffers(self._amount_type, rows, [None, pa.py_buffer(np.ascontiguousarray(column))])
            for column in table.T
        ]
