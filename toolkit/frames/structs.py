"""The fast path for rows of any layout: msgspec reads them, Arrow converts their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import ROW_NAME
from toolkit.frames import plain
from toolkit.frames.decode import TIME_TYPE, arrow_type, exact_columns
from toolkit.frames.json_types import Counted, Leaf, ObjectType, leaf_of, object_type
from toolkit.frames.layout import LIST, Node, is_success, tree_of
from toolkit.frames.page import Moments, Page, descends
from toolkit.frames.plain import Unusual
from toolkit.frames.shape import Shape
from toolkit.frames.siblings import fields_left_out

# A response has about 100 KiB. Larger ones are left to the strict path, which bounds their memory.
MAX_BODY_BYTES = 1 << 20
_MAX_MEMORY = 32 << 20
_BYTES_PER_VALUE = 48
_QUOTE = ord('"')


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
        self._exact = exact_columns(endpoint, exact=exact)
        names, declared = endpoint.identity, endpoint.received_columns
        self._identity = {column.name for column in declared if column.name in names or not names}
        self._fields = list(zip(declared, shape.fields, strict=True))
        self._declared = {field for column in declared for field in column.fields}
        self._ignored = fields_left_out(endpoint)
        self._time_at = next(
            (n for n, column in enumerate(declared) if column.name == endpoint.order_by), None
        )
        columns = {field: column for column, field in self._fields if field}
        outer = {field: column for column, field in self._fields if column.outer}
        self._leaves = {
            path: leaf_of(path, columns.get(path), swapped=path in shape.swapped)
            for path in (columns.keys() - outer.keys() - {ROW_NAME}) | shape.extra
        }
        self._outer_leaves = {
            path: leaf_of(path, outer.get(path), swapped=path in shape.swapped)
            for path in outer.keys() | shape.outer_extra
        }
        paths = {*self._leaves}
        tree = tree_of(paths, shape.extra)
        if not tree.is_plain:
            raise Unusual
        lists = {path.rpartition(LIST)[0] for path in paths if LIST in path}
        if len(lists) > 1 or any(LIST in path for path in lists):  # a list in a list
            raise Unusual
        self._row: ObjectType | None = None
        if endpoint.row_layout == "arrays":
            row_type: Any = self._array_type(paths)
        else:
            self._row = object_type(tree, self._leaves)
            row_type = self._row.type
        rows_type: Any = dict[str, row_type] if endpoint.row_layout == "named" else list[row_type]
        self._wrappers: list[ObjectType] = []
        if endpoint.row_lists:
            self._wrappers = [self._wrapper(dict.fromkeys(endpoint.row_lists, rows_type))]
            rows_type = self._wrappers[0].type
        for name in reversed(endpoint.rows_field.split(".") if endpoint.rows_field else []):
            self._wrappers.insert(0, self._wrapper({name: rows_type}))
            rows_type = self._wrappers[0].type
        # Bytes that a row has at least, if it is valid; a comma and the brackets included.
        shortest = 3 + (2 * len(paths) if self._row is None else self._row.shortest)
        memory = _BYTES_PER_VALUE * (len(self._leaves) + 8)
        self._max_bytes = min(MAX_BODY_BYTES, _MAX_MEMORY * shortest // memory)
        self._decoder = msgspec.json.Decoder(rows_type)
        self._row_decoder = msgspec.json.Decoder(row_type)

    def _array_type(self, paths: set[str]) -> Any:
        width = len(paths)
        if paths != set(map(str, range(width))):
            raise Unusual
        return tuple.__class_getitem__(tuple(self._leaves[str(position)].type for position in range(width)))

    def _wrapper(self, rows: Mapping[str, Any]) -> ObjectType:
        """The type of an object around the rows. Which of its fields is at which level is not declared.

        Args:
            rows: The type of each of its fields that hold rows, by name.
        """
        success = self._endpoint.success_field
        leaves = dict(self._outer_leaves)
        if success:
            leaves[success] = Leaf(success, type(self._endpoint.success_value), "none")
        for name in rows:
            leaves.pop(name, None)
        every = {
            path: replace(leaf, type=leaf.type if leaf.type is Raw else leaf.type | UnsetType, optional=True)
            for path, leaf in leaves.items()
        }
        return object_type(Node(leaves={path: path for path in every}), every, [*rows.items()])

    # -- one response ----------------------------------------------------------------------------------

    def read(self, body: bytes) -> Page:
        """The rows of a response.

        Raises:
            Unusual: Only the strict path can tell what it is.
        """
        received = response = self._parsed(body)
        counted = Counted()
        outer: dict[str, Any] = {}
        lists: dict[str, Sequence[Any]] = {}
        for wrapper in self._wrappers:
            counted.strings += len(wrapper.names)
            values = msgspec.structs.astuple(received)
            inner = {name: values[n] for n, name in enumerate(wrapper.names) if n not in wrapper.leaves}
            for index, leaf in wrapper.leaves.items():
                if values[index] is UNSET:
                    counted.strings -= 1
                else:
                    outer[leaf.path] = counted.values_of(leaf, (values[index],))[0]
            if self._endpoint.row_lists:
                lists, received = inner, [*chain.from_iterable(inner.values())]
            else:
                (received,) = inner.values()
        if not is_success(self._endpoint, outer):
            raise Unusual
        by_path, rows = self._rows(received, counted)
        if lists:
            names = self._endpoint.row_lists
            by_path[ROW_NAME] = [names[field] for field, items in lists.items() for _ in items]
        counted.check(int(np.count_nonzero(np.frombuffer(body, np.uint8) == _QUOTE)))
        # Only now: msgspec does not look into a value that no column has before it was found to be plain.
        outline = self._outline(response)
        page = self._page(rows, by_path, outer, counted.raw, outline)
        return replace(page, lists=tuple(map(len, lists.values()))) if lists else page

    def _parsed(self, body: bytes) -> Any:
        if b"\\" in body or len(body) > self._max_bytes:
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
            values, counts = counted.columns_of(self._row, received)
            return by_path | values, len(received) if counts is None else sum(counts)
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
        received: list[Sequence[Any]] = []
        for column, field in self._fields:
            if not column.outer:
                received.append(by_path[field] if field else [None] * rows)
            elif field in outer or column.optional:
                received.append([outer.get(field)] * rows)
            else:
                raise Unusual
        columns, texts = self._columns(received)
        if any(array.null_count for array in self._required(columns)):
            raise Unusual
        moments: Moments = [] if self._time_at is None else columns[self._time_at].view(pa.int64()).to_numpy()
        if self._endpoint.newest_first or (self._endpoint.either_order and descends(moments)):
            moments = moments[::-1]
            columns = [_reversed(array) for array in columns]
            texts = {index: _reversed(array) for index, array in texts.items()}
        undeclared = raw - self._declared - self._ignored if raw else raw
        return Page(
            rows=rows,
            columns=columns,
            moments=moments,
            texts=texts,
            undeclared=frozenset(undeclared),
            outline=outline,
        )

    def _required(self, columns: Sequence[pa.Array]) -> Iterator[pa.Array]:
        for index, (array, (column, _)) in enumerate(zip(columns, self._fields, strict=True)):
            if not column.optional or index == self._time_at:
                yield array

    def _columns(self, received: Sequence[Sequence[Any]]) -> tuple[list[pa.Array], dict[int, pa.Array]]:
        """The columns, and the texts that amounts were converted from where they tell rows apart."""
        texts: dict[int, Sequence[str]] = {}
        numbers: dict[int, Sequence[int]] = {}
        arrays: dict[int, pa.Array] = {}
        amounts: dict[int, pa.Array] = {}
        for index, ((column, field), values) in enumerate(zip(self._fields, received, strict=True)):
            is_alone = column.kind in ("flag", "texts") or (
                column.optional and (None in values or (column.kind == "amount" and "" in values))
            )
            if is_alone or not values:
                arrays[index] = self._array(column, field, values)
                if column.kind == "amount" and column.name in self._identity:
                    amounts[index] = plain.texts(values)
            elif column.kind == "amount":
                written = self._as_texts(field, values)
                is_exact = column.name in self._exact
                if not is_exact:
                    arrays[index] = plain.floats(written)
                if is_exact or column.name in self._identity:
                    texts[index] = written
            elif isinstance(values[0], str):
                texts[index] = values
            else:
                numbers[index] = values
        made = plain.Texts([*texts.values()])
        for at, index in enumerate(texts):
            column, _ = self._fields[index]
            if index in arrays:
                amounts[index] = made.column(at)
            elif column.kind == "amount":
                arrays[index] = made.decimals(at)
            elif column.kind == "integer":
                arrays[index] = made.integers(at)
            elif column.kind == "time":
                arrays[index] = plain.times(texts[index], column.unit).view(TIME_TYPE)
            else:
                arrays[index] = made.column(at)
        together = plain.Integers([*numbers.values()])
        for at, index in enumerate(numbers):
            column, _ = self._fields[index]
            whole = together.column(at)
            if column.kind == "time":
                is_missing = whole == 0 if column.optional else None
                times = plain.in_milliseconds(whole, column.unit)
                arrays[index] = pa.array(times, mask=is_missing).view(TIME_TYPE)
            else:
                arrays[index] = pa.array(whole)
        return [arrays[index] for index in range(len(arrays))], amounts

    def _as_texts(self, field: str, values: Sequence[Any]) -> Sequence[str]:
        if field not in self._shape.swapped:
            return values
        numbers = [bytes(value).decode("ascii") for value in values]
        if "-0" in numbers:  # a whole number, which has no sign
            raise Unusual
        return numbers

    def _array(self, column: Column, field: str, values: Sequence[Any]) -> pa.Array:
        """A column by itself: some of its values are missing, or they are neither texts nor numbers."""
        kind = column.kind
        if kind == "flag":
            return plain.array_of(values, pa.bool_())
        if kind == "texts":
            return plain.lists_of_texts(values)
        if kind == "time":
            if 0 in values:  # missing, too, if the column is optional
                raise Unusual
            return plain.times(values, column.unit).view(TIME_TYPE)
        if kind == "integer":
            if field in self._shape.swapped:
                raise Unusual
            return plain.array_of(values, pa.int64())
        is_exact = column.name in self._exact
        if values.count(None) == len(values):
            return pa.nulls(len(values), arrow_type(kind, exact=is_exact))
        if kind == "amount":
            return plain.some_amounts(values, exact=is_exact)
        if kind == "id" and isinstance(next(value for value in values if value is not None), int):
            return plain.array_of(values, pa.int64())  # refuses texts
        return plain.texts(values)


def _reversed(array: pa.Array) -> pa.Array:
    return array.take(pa.array(range(len(array) - 1, -1, -1), pa.int64()))
