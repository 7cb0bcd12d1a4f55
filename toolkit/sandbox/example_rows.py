"""The documented example of an endpoint as its rows, for as long as the sandbox has no rule for it.

Times are moved by whole days, so that the newest row is less than a day old, and each row repeats the
parameters of the request as the real one would. The rest is as documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import TimeUnit
from toolkit.sandbox.layouts import unwrap
from toolkit.sandbox.times import from_ms, to_ms
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import ListTable, Row, SingleRow, Table

EXAMPLE_HEADER = "X-Sandbox-Example"
"""The header of a response that is made from an example; its value is "1"."""


def example_rows(endpoint: Endpoint, example: object, now_ms: int) -> Table:
    """The rows of an example."""
    rows = unwrap(endpoint, example)
    if isinstance(rows, dict):
        return SingleRow(rows)
    ordered = next((column for column in endpoint.columns if column.name == endpoint.order_by), None)
    if ordered is None or not rows:
        return ListTable(rows, "")
    field = next(field for field in ordered.fields if field in rows[0])
    newest = max(to_ms(row[field], ordered.unit) for row in rows)
    later = (now_ms - newest) // DAY * DAY
    for column in endpoint.columns:
        if column.kind == "time" and not column.outer:
            rows = [_changed(row, column, partial(_moved, unit=column.unit, later=later)) for row in rows]
    return ListTable(rows, field, unit=ordered.unit)


def repeat_parameters(endpoint: Endpoint, rows: list[Row], values: Mapping[str, str]) -> list[Row]:
    """The rows with the values of the request, in the columns that repeat them."""
    for param in endpoint.params:
        text = values.get(param.field)
        if text is not None and param.kind != "texts":
            for column in endpoint.columns_echoing(param):
                rows = [_changed(row, column, partial(_like, text=text)) for row in rows]
    return rows


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
