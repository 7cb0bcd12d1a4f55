"""What the last good response of an endpoint looked like, beyond its declaration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import ROW_NAME
from toolkit.frames.layout import FlatRows
from toolkit.frames.siblings import fields_left_out

# More undeclared fields than this are not expected in further responses.
_MAX_EXTRA = 50
# JSON has a backslash for each of these, and with one a response is left to the strict path anyway.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class Shape:
    """What the fast path expects of a response.

    Attributes:
        fields: For each column the spelling of its field; "" where the exchange leaves it out.
        swapped: Fields whose values are JSON numbers where text is usual, or the other way round.
        extra: Fields of a row that may be there although no column has them.
        outer_extra: The same for the objects around the rows.
    """

    fields: tuple[str, ...]
    swapped: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    outer_extra: frozenset[str] = frozenset()


def declared_shape(endpoint: Endpoint) -> Shape:
    """The shape of a response that is as declared."""
    ignored = fields_left_out(endpoint)
    return Shape(
        tuple(column.fields[0] for column in endpoint.received_columns), extra=ignored, outer_extra=ignored
    )


def learned_shape(endpoint: Endpoint, shape: Shape, flat: FlatRows) -> Shape:
    """The shape of a response that was accepted, which also allows what was allowed before."""
    if not flat.rows:
        return shape
    columns = endpoint.received_columns
    outer_fields = {field for column in columns if column.outer for field in column.fields}
    row = dict(flat.rows[0]) | {name: value for name, value in flat.outer.items() if name in outer_fields}
    is_array = endpoint.row_layout == "arrays"
    positions = frozenset(flat.rows[0]) - {ROW_NAME}
    fields = tuple(
        next((field for field in column.fields if field in row), "" if is_array else usual)
        for column, usual in zip(columns, shape.fields, strict=True)
    )
    swapped = frozenset(
        field
        for column, field in zip(columns, fields, strict=True)
        if field and _is_swapped(column, row.get(field))
    )
    if is_array:
        extra = positions - {*fields}
    else:
        extra = _joined(shape.extra, _within_declared(endpoint, flat.unknown - {ROW_NAME}))
    unknown = flat.outer.keys() - outer_fields - {endpoint.success_field}
    return Shape(fields, swapped, extra, _joined(shape.outer_extra, unknown))


def _is_swapped(column: Column, value: Any) -> bool:
    if column.kind == "amount":
        return value is not None and not isinstance(value, str)
    return column.kind == "integer" and isinstance(value, str)


def _joined(known: frozenset[str], more: Iterable[str]) -> frozenset[str]:
    joined = known.union(name for name in more if not _ESCAPED.search(name))
    return joined if len(joined) <= _MAX_EXTRA else known


def _within_declared(endpoint: Endpoint, unknown: Iterable[str]) -> set[str]:
    """The paths of fields in objects that are declared; in others, a point is part of the name."""
    objects = {""}
    for column in endpoint.columns:
        for field in column.fields:
            *parents, _ = field.split(".")
            objects |= {".".join(parents[: depth + 1]) for depth in range(len(parents))}
    return {path for path in unknown if path.rpartition(".")[0] in objects}
