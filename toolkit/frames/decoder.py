"""Decodes the responses of one endpoint into pages of rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from toolkit.endpoints import Column, Endpoint
from toolkit.errors import ContractError
from toolkit.frames.page import Page

Row = dict[str, Any]


class Decoder:
    """Decodes the responses of an endpoint.

    Args:
        endpoint: The endpoint.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._declared = {field for column in endpoint.columns for field in column.fields}

    def decode(self, payload: Any) -> Page:
        """The rows of a response.

        Args:
            payload: The JSON of the response.

        Raises:
            ContractError: The response does not have the declared shape.
        """
        rows, undeclared = self._unwrap(payload)
        if self.endpoint.newest_first:
            rows = rows[::-1]
        columns = [self._values(column, rows) for column in self.endpoint.columns]
        return Page(len(rows), columns, self._times(columns), undeclared)

    def _unwrap(self, payload: Any) -> tuple[Sequence[Row], frozenset[str]]:
        """The rows, with the fields of the object around them added to each, and the undeclared fields."""
        endpoint = self.endpoint
        outer: Row = {}
        undeclared: set[str] = set()
        if endpoint.rows_field:
            if not isinstance(payload, dict) or not isinstance(payload.get(endpoint.rows_field), list):
                raise self._contract_error(f"the response has no list of rows named {endpoint.rows_field!r}")
            if endpoint.success_field and payload.get(endpoint.success_field) is not True:
                raise self._contract_error(f"{endpoint.success_field!r} is not true in the response")
            rows = payload[endpoint.rows_field]
            outer = {name: value for name, value in payload.items() if name != endpoint.rows_field}
            undeclared |= outer.keys() - self._declared - {endpoint.success_field}
            outer = {
                field: outer[field]
                for column in endpoint.columns
                if column.outer
                for field in column.fields
                if field in outer
            }
        else:
            rows = payload if isinstance(payload, list) else [payload]
        for row_index, row in enumerate(rows):
            if not isinstance(row, dict):
                raise self._contract_error(f"row {row_index} is not an object")
            if not row.keys() <= self._declared:
                undeclared |= row.keys() - self._declared
        return [row | outer for row in rows] if outer else rows, frozenset(undeclared)

    def _values(self, column: Column, rows: Sequence[Row]) -> list[Any]:
        """The values of a column as the exchange sent them, None where a field is missing."""
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
                    raise self._contract_error(f"row {row_index} has no field {fields[0]!r}")
                values.append(None)
        return values

    def _times(self, columns: Sequence[list[Any]]) -> Sequence[int | None]:
        for column, values in zip(self.endpoint.columns, columns, strict=True):
            if column.name == self.endpoint.order_by:
                return [time if type(time) is int else None for time in values]
        return ()

    def _contract_error(self, problem: str) -> ContractError:
        return ContractError(
            self.endpoint.qualified_name, f"{problem}, contrary to the documentation of the exchange"
        )


_MAX_DECODERS = 1000
_decoders: dict[int, Decoder] = {}


def decoder_for(endpoint: Endpoint) -> Decoder:
    """The decoder of an endpoint, made once."""
    decoder = _decoders.get(id(endpoint))
    if decoder is None or decoder.endpoint is not endpoint:
        if len(_decoders) >= _MAX_DECODERS:  # of changed copies of endpoints; there are fewer endpoints
            _decoders.clear()
        decoder = _decoders[id(endpoint)] = Decoder(endpoint)
    return decoder
