"""The documented example of an endpoint as its rows, for as long as the sandbox has no rule for it.

Times are moved by whole days, so that the newest row is less than a day old. A request gets the rows that
have its parameters; where none has one of them, all rows repeat it, as the real ones would. The rest is as
documented.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import TimeUnit
from toolkit.sandbox.layouts import unwrap
from toolkit.sandbox.times import from_ms, to_ms
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import ListTable, Row, SingleRow, Table

EXAMPLE_HEADER = "X-Sandbox-Example"
"""The header of a response that is made from an example; its value is "1"."""


def example_rows(endpoint: Endpoint, example: object, now_ms: int) -> list[Row] | Row:
    """The rows of an example, or its only one where it is an object, as if the newest was just made."""
    rows = unwrap(endpoint, example)
    ordered = _time_column(endpoint)
    if isinstance(rows, dict) or ordered is None or not rows:
        return rows
    newest = max(to_ms(row[_field(ordered, rows)], ordered.unit) for row in rows)
    later = (now_ms - newest) // DAY * DAY
    for column in endpoint.columns:
        if column.kind == "time" and not column.outer:
            rows = [_changed(row, column, partial(_moved, unit=column.unit, later=later)) for row in rows]
    return rows


def answer(endpoint: Endpoint, rows: list[Row] | Row, values: Mapping[str, str]) -> Table:
    """What a request with these parameters returns of the rows of an example."""
    if isinstance(rows, dict):
        return SingleRow(_requested(endpoint, [rows], values)[0])
    rows = _requested(endpoint, rows, values)
    ordered = _time_column(endpoint)
    if ordered is None or not rows:
        return ListTable(rows, "")
    return ListTable(rows, _field(ordered, rows), unit=ordered.unit)


def _requested(endpoint: Endpoint, rows: list[Row], values: Mapping[str, str]) -> list[Row]:
    """The rows that have the parameters of a request; where none has one of them, all repeat it."""
    for param in endpoint.params:
        columns = endpoint.columns_echoing(param)
        if param.field not in values or not columns:
            continue
        text = values[param.field]
        wanted: list[str] = json.loads(text) if param.kind == "texts" else [text]
        rows = [row for row in rows if _has(row, columns, wanted)] or _repeating(
            endpoint, rows, columns, wanted[0]
        )
    return rows


def _has(row: Row, columns: Iterable[Column], wanted: Iterable[str]) -> bool:
    """Whether a row has one of the values in one of the columns."""
    found = [row[field] for column in columns for field in column.fields if field in row]
    return any(value == _like(value, text=text) for value in found for text in wanted)


def _repeating(endpoint: Endpoint, rows: list[Row], columns: Iterable[Column], text: str) -> list[Row]:
    """The rows with the text in the columns, without those that it gives the identity of another."""
    for column in columns:
        rows = [_changed(row, column, partial(_like, text=text)) for row in rows]
    if not endpoint.identity:
        return rows
    fields = [name for each in endpoint.columns if each.name in endpoint.identity for name in each.fields]
    first: dict[tuple[str, ...], Row] = {}
    for row in rows:
        first.setdefault(tuple(str(row.get(name)) for name in fields), row)
    return list(first.values())


def _time_column(endpoint: Endpoint) -> Column | None:
    """The column by which rows ascend, None where rows carry no time."""
    return next((column for column in endpoint.columns if column.name == endpoint.order_by), None)


def _field(column: Column, rows: list[Row]) -> str:
    """The spelling of a column's field in these rows."""
    return next(field for field in column.fields if field in rows[0])


def _changed(row: Row, column: Column, change: Callable[[object], object]) -> Row:
    """The row with the field of a column changed, where it has it."""
    return {name: change(value) if name in column.fields else value for name, value in row.items()}


def _moved(value: object, *, unit: TimeUnit, later: int) -> object:
    """A later time; one that is left out, or 0, stays."""
    if value in ("", None) or (ms := to_ms(value, unit)) <= 0:
        return value
    moved = from_ms(ms + later, unit)
    return str(moved) if isinstance(value, str) else moved


def _like(value: object, *, text: str) -> object:
    """The text of a parameter, as the type of the value that it replaces."""
    if isinstance(value, bool):
        return text.lower() == "true"
    return int(text) if isinstance(value, int) else text
