"""Decodes the responses of one endpoint into pages of rows, on one of two paths.

The strict path takes the JSON that `transport.strict_json` has parsed, and judges: it knows what may be
missing, which spellings a field has, and what each error text says. The fast path takes the body itself,
reads it with a parser made from the declaration, and converts whole columns with Arrow. It judges nothing. A
response that does not fit exactly (an unknown or missing field, another type, an exponent, a backslash) is
left to the strict path, so the result is the same on either of them; only the time differs.

A response that the strict path accepts shows what to expect of the next one: a field that is not declared,
another spelling, amounts as numbers. The fast path is made anew for that, so each change costs it one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from toolkit.endpoints import Column, Endpoint
from toolkit.frames.decode import NO_TIMES, DecodeError, contract_error, milliseconds
from toolkit.frames.layout import FlatRows, Row, ShapeError, flatten, tree_of
from toolkit.frames.number_arrays import NumberArrayReader
from toolkit.frames.page import Page, descends
from toolkit.frames.plain import Unusual
from toolkit.frames.shape import Shape, declared_shape, learned_shape
from toolkit.frames.siblings import fields_left_out
from toolkit.frames.structs import StructReader
from toolkit.runtime.cpu_lock import cpu_lock

# A server whose responses change all the time is left to the strict path.
_MAX_CHANGES = 100


class Reader(Protocol):
    """A fast path for responses of one shape."""

    def read(self, body: bytes) -> Page:
        """The rows of a response.

        Raises:
            Unusual: Only another path can tell what it is.
        """
        ...


class Decoder:
    """Decodes the responses of an endpoint.

    Args:
        endpoint: The endpoint.
        exact: Whether amounts are exact or float64.
    """

    def __init__(self, endpoint: Endpoint, *, exact: bool = False) -> None:
        self.endpoint = endpoint
        self._columns = endpoint.received_columns
        self._declared = {field for column in self._columns for field in column.fields}
        self._tree = tree_of(self._declared)
        self._ignored = fields_left_out(endpoint)
        self._outer = [column for column in self._columns if column.outer]
        self._exact = exact
        self._shape = declared_shape(endpoint)
        # Made when they are needed. With their shape: another thread may have learnt one meanwhile.
        self._readers: tuple[Shape | None, list[Reader]] = None, []
        self._changes = 0

    def read(self, body: bytes) -> Page | None:
        """The rows of a response, on the fast path; None where only the strict path can judge it.

        Args:
            body: The body of the response.
        """
        shape = self._shape
        made_for, readers = self._readers
        if made_for is not shape:
            readers = list(_readers_for(self.endpoint, shape, exact=self._exact))
            self._readers = shape, readers
        for reader in readers:
            with suppress(Unusual), cpu_lock():
                return reader.read(body)
        return None

    def decode(self, payload: Any) -> Page:
        """The rows of a response, on the strict path.

        Args:
            payload: The JSON of the response.

        Raises:
            ContractError: The response does not have the declared shape.
        """
        endpoint = self.endpoint
        try:
            flat = flatten(endpoint, self._tree, payload)
        except ShapeError as error:
            problem = str(error)
        else:
            outer_names = flat.outer.keys() - {endpoint.success_field}
            undeclared = (flat.unknown | outer_names) - self._declared - self._ignored
            rows = flat.rows
            if outer := self._outer_fields(flat.outer):
                rows = [{**row, **outer} for row in rows]
            if endpoint.newest_first:
                rows = rows[::-1]
            columns = [self._values(column, rows) for column in self._columns]
            if endpoint.either_order and descends(self._moments(columns)):
                columns = [values[::-1] for values in columns]
            self._learn(flat)
            return Page(
                rows=len(rows),
                columns=columns,
                moments=self._moments(columns),
                lists=flat.lists,
                undeclared=frozenset(undeclared),
            )
        raise contract_error(self.endpoint, problem)

    def _learn(self, flat: FlatRows) -> None:
        """Expect of the next response what this one, which was accepted, has."""
        shape = learned_shape(self.endpoint, self._shape, flat)
        if shape != self._shape and self._changes < _MAX_CHANGES:
            self._changes += 1
            self._shape = shape

    def _outer_fields(self, outer: Row) -> dict[str, Any]:
        """The fields around the rows that columns take their values from."""
        return {field: outer[field] for column in self._outer for field in column.fields if field in outer}

    def _values(self, column: Column, rows: Sequence[Row]) -> list[Any]:
        """The values of a column as the exchange sent them, None where a field is missing."""
        values = self._received(column, rows)
        if column.kind == "time" and column.optional:
            values = [None if type(value) is int and value in NO_TIMES else value for value in values]
        if column.kind != "time" or (
            column.unit == "ms" and not any(isinstance(each, str) for each in values)
        ):
            return values
        try:
            return [milliseconds(value, column.unit) for value in values]
        except DecodeError as error:
            problem = str(error)
        raise contract_error(self.endpoint, problem, column)

    def _received(self, column: Column, rows: Sequence[Row]) -> list[Any]:
        fields = column.fields
        with suppress(KeyError):
            return [row[fields[0]] for row in rows]
        values = []
        for row_index, row in enumerate(rows):
            for field in fields:
                if field in row:
                    values.append(row[field])
                    break
            else:
                if not column.optional:
                    raise contract_error(self.endpoint, f"row {row_index} has no field {fields[0]!r}")
                values.append(None)
        return values

    def _moments(self, columns: Sequence[list[Any]]) -> list[int | None]:
        for column, values in zip(self._columns, columns, strict=True):
            if column.name == self.endpoint.order_by:
                return [time if type(time) is int else None for time in values]
        return []


def _readers_for(endpoint: Endpoint, shape: Shape, *, exact: bool) -> Iterator[Reader]:
    """The fast paths for a shape, fastest first; none if it has none."""
    for kind in (NumberArrayReader, StructReader):
        with suppress(Unusual):
            yield kind(endpoint, shape, exact=exact)


_MAX_DECODERS = 1000
_decoders: dict[tuple[int, bool], Decoder] = {}


def decoder_for(endpoint: Endpoint, *, exact: bool = False) -> Decoder:
    """The decoder of an endpoint, made once."""
    decoder = _decoders.get((id(endpoint), exact))
    if decoder is None or decoder.endpoint is not endpoint:
        if len(_decoders) >= _MAX_DECODERS:  # of changed copies of endpoints; there are fewer endpoints
            _decoders.clear()
        decoder = _decoders[id(endpoint), exact] = Decoder(endpoint, exact=exact)
    return decoder
