"""The fast path for rows of any layout: msgspec reads them, Arrow converts their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import ROW_NAME, ColumnKind
from toolkit.frames import plain
from toolkit.frames.json_types import Counted, Leaf, ObjectType, leaf_of, object_type
from toolkit.frames.layout import Node, tree_of
from toolkit.frames.page import Page
from toolkit.frames.plain import Unusual
from toolkit.frames.shape import Shape

# A response has about 100 KiB. Larger ones are left to the strict path, which bounds their memory.
MAX_BODY_BYTES = 1 << 20
_MAX_MEMORY = 32 << 20
_BYTES_PER_VALUE = 48
# No run of digits may have twice as many: Python would take hours to parse millions.
_MAX_DIGITS = 400
_QUOTE = ord('"')

_TIME = pa.timestamp("ms", "UTC")
_TYPES: Mapping[ColumnKind, pa.DataType] = {
    "text": pa.string(),
    "email": pa.string(),
    "flag": pa.bool_(),
    "integer": pa.int64(),
    "texts": pa.list_(pa.string()),
}


class StructReader:
    """Reads the responses of an endpoint that have a certain shape.

    Args:
        endpoint: The endpoint.
        shape: What to expect of a response.
        exact: Whether amounts are exact.

    Raises:
        Unusual: There is no fast path for this shape.
    """

    def __init__(self, endpoint: Endpoint, shape: Shape, *, exact: bool) -> None:
        self._endpoint = endpoint
        self._shape = shape
        self._amount_type = EXACT_TYPE if exact else pa.float64()
        self._fields = list(zip(endpoint.columns, shape.fields, strict=True))
        names = endpoint.identity
        self._identity = {column.name for column in endpoint.columns if column.name in names or not names}
        columns = {field: column for column, field in self._fields if field}
        self._outer = {field for column, field in self._fields if column.outer and field}
        paths = (columns.keys() - self._outer - {ROW_NAME}) | shape.extra
        self._leaves = {
            path: leaf_of(path, columns.get(path), swapped=path in shape.swapped)
            for path in paths | self._outer | shape.outer_extra
        }
        self._row: ObjectType | None = None
        if endpoint.row_layout == "arrays":
            row_type: Any = self._array_type(paths)
        else:
            self._row = object_type(tree_of(paths), self._leaves)
            row_type = self._row.type
        rows_type: Any = dict[str, row_type] if endpoint.row_layout == "named" else list[row_type]
        self._wrappers: list[ObjectType] = []
        for name in reversed(endpoint.rows_field.split(".") if endpoint.rows_field else []):
            self._wrappers.insert(0, self._wrapper(name, rows_type))
            rows_type = self._wrappers[0].type
        self._decoder = msgspec.json.Decoder(rows_type)
        self._row_decoder = msgspec.json.Decoder(row_type)

    def _array_type(self, paths: set[str]) -> Any:
        width = len(paths)
        if paths != set(map(str, range(width))):
            raise Unusual
        return tuple.__class_getitem__(tuple(self._leaves[str(position)].type for position in range(width)))

    def _wrapper(self, rows_name: str, rows_type: Any) -> ObjectType:
        """The type of an object around the rows. Which of its fields is at which level is not declared."""
        success = self._endpoint.success_field
        leaves = {path: self._leaves[path] for path in self._outer | self._shape.outer_extra}
        if success:
            leaves[success] = Leaf(success, bool, "none")
        leaves.pop(rows_name, None)
        every = {
            path: replace(leaf, type=leaf.type if leaf.type is Raw else leaf.type | UnsetType, optional=True)
            for path, leaf in leaves.items()
        }
        return object_type(Node(leaves={path: path for path in every}), every, (rows_name, rows_type))

    # -- one response ----------------------------------------------------------------------------------

    def read(self, body: bytes) -> Page:
        """The rows of a response.

        Raises:
            Unusual: Only the strict path can tell what it is.
        """
        received = self._parsed(body)
        outline = self._outline(received)
        counted = Counted()
        outer: dict[str, Any] = {}
        for wrapper in self._wrappers:
            counted.strings += len(wrapper.names)
            rows_at = next(index for index in range(len(wrapper.names)) if index not in wrapper.leaves)
            values = msgspec.structs.astuple(received)
            for index, leaf in wrapper.leaves.items():
                if values[index] is UNSET:
                    counted.strings -= 1
                else:
                    outer[leaf.path] = counted.values_of(leaf, (values[index],))[0]
            received = values[rows_at]
        if self._endpoint.success_field and outer.get(self._endpoint.success_field) is not True:
            raise Unusual
        by_path, rows = self._rows(received, counted)
        counted.check(int(np.count_nonzero(np.frombuffer(body, np.uint8) == _QUOTE)))
        return self._page(rows, by_path, outer, counted.raw, outline)

    def _parsed(self, body: bytes) -> Any:
        if b"\\" in body or len(body) > MAX_BODY_BYTES:
            raise Unusual
        brackets = body.count(b"{") + body.count(b"[")
        if brackets * (len(self._leaves) + 8) * _BYTES_PER_VALUE > _MAX_MEMORY or any(
            body[start : start + _MAX_DIGITS].isdigit() for start in range(0, len(body), _MAX_DIGITS)
        ):
            raise Unusual
        is_row = self._row is not None and not self._wrappers and self._endpoint.row_layout == "objects"
        decoder = self._decoder
        if is_row and body.lstrip()[:1] == b"{":  # an object is one row
            decoder = self._row_decoder
        try:
            return decoder.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Unusual from None

    def _outline(self, received: Any) -> Any:
        if self._wrappers:
            return self._wrappers[0].as_dict(received)
        if self._row is None or isinstance(received, dict):
            return None
        if isinstance(received, list):
            return [self._row.as_dict(row) for row in received[:1]]
        return self._row.as_dict(received)

    def _rows(self, received: Any, counted: Counted) -> tuple[dict[str, Sequence[Any]], int]:
        """The values of the rows by path, and the number of rows."""
        by_path: dict[str, Sequence[Any]] = {}
        if isinstance(received, dict):  # named rows
            by_path[ROW_NAME] = list(received)
            counted.strings += len(received)
            received = list(received.values())
        elif not isinstance(received, list):
            received = [received]
        if self._row is not None:
            values, rows = counted.columns_of(self._row, received)
            return by_path | values, rows
        columns: Any = zip(*received, strict=True) if received else [()] * len(self._leaves)
        for position, column in enumerate(columns):
            path = str(position)
            by_path[path] = counted.values_of(self._leaves[path], column)
        return by_path, len(received)

    def _page(
        self,
        rows: int,
        by_path: Mapping[str, Sequence[Any]],
        outer: Mapping[str, Any],
        raw: set[str],
        outline: Any,
    ) -> Page:
        columns: list[pa.Array] = []
        texts: dict[int, pa.Array] = {}
        moments: Any = []
        for index, (column, field) in enumerate(self._fields):
            if column.outer:
                if field not in outer and not column.optional:
                    raise Unusual
                values: Sequence[Any] = [outer.get(field)] * rows
            else:
                values = by_path[field] if field else [None] * rows
            array, text = self._array(column, field, values)
            if self._endpoint.newest_first:
                array, text = _reversed(array), None if text is None else _reversed(text)
            if text is not None and column.name in self._identity:
                texts[index] = text
            if column.kind == "time":
                if column.name == self._endpoint.order_by:
                    if array.null_count:
                        raise Unusual
                    moments = array.to_numpy()
                array = array.view(_TIME)
            if array.null_count and not column.optional:
                raise Unusual
            columns.append(array)
        undeclared = raw - {field for column in self._endpoint.columns for field in column.fields}
        return Page(
            rows=rows,
            columns=columns,
            moments=moments,
            texts=texts,
            undeclared=frozenset(undeclared - frozenset(self._endpoint.ignored)),
            outline=outline,
        )

    def _array(self, column: Column, field: str, values: Sequence[Any]) -> tuple[pa.Array, pa.Array | None]:
        """A column, and for amounts the texts they were converted from. Times are int64 for now."""
        kind, swapped = column.kind, field in self._shape.swapped
        if kind == "amount":
            if column.optional and values.count(None) == len(values):
                return pa.nulls(len(values), self._amount_type), None
            if swapped:
                values = [None if value is None else bytes(value).decode("ascii") for value in values]
            texts = plain.array_of(values, pa.string())
            return plain.numbers(texts, self._amount_type), texts
        if kind == "time":
            return plain.times(values, column.unit), None
        if kind == "id":
            return plain.ids(values), None
        if kind == "integer" and swapped:
            return plain.integers(plain.array_of(values, pa.string())), None
        return plain.array_of(values, _TYPES[kind]), None


def _reversed(array: pa.Array) -> pa.Array:
    return array.take(pa.array(range(len(array) - 1, -1, -1), pa.int64()))
