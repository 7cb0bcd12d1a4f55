"""The documented shapes of responses: how rows are laid out, and the objects around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import ROW_NAME
from toolkit.sandbox.times import from_ms
from toolkit.sandbox.world.tables import Row


def wrap(endpoint: Endpoint, rows: list[Row], values: Mapping[str, str], now_ms: int) -> Any:
    """The payload with these rows.

    Args:
        endpoint: The endpoint.
        rows: Its rows as objects. Where rows are arrays, the fields are in the order of the positions; where
            they are named, `ROW_NAME` has the name.
        values: The parameters of the request: the object around the rows may repeat them.
        now_ms: The exchange's time, which that object may have as well.
    """
    payload: object = _laid_out(endpoint, rows)
    if not endpoint.rows_field:
        return payload
    *path, last = endpoint.rows_field.split(".")
    success = {endpoint.success_field: endpoint.success_value} if endpoint.success_field else {}
    around: dict[str, object] = {**success}
    for column in endpoint.columns:
        if column.outer:
            around[column.fields[0]] = _outer_value(column, values, now_ms)
    payload = {**around, last: payload}
    for name in reversed(path):
        payload = {name: payload}
    return payload


def unwrap(endpoint: Endpoint, payload: Any) -> list[Row] | Row:
    """The rows of a payload as objects, as `wrap` takes them; the row itself where it is an object."""
    if endpoint.row_lists:
        return [
            {ROW_NAME: called} | {str(position): value for position, value in enumerate(row)}
            for field, called in endpoint.row_lists.items()
            for row in payload[field]
        ]
    for name in filter(None, endpoint.rows_field.split(".")):
        payload = payload[name]
    if endpoint.row_layout == "arrays":
        return [{str(position): value for position, value in enumerate(row)} for row in payload]
    if endpoint.row_layout == "named":
        return [{ROW_NAME: name, **row} for name, row in payload.items()]
    return [dict(row) for row in payload] if isinstance(payload, list) else dict(payload)


def with_rows(endpoint: Endpoint, payload: Any, rows: list[Row]) -> Any:
    """The payload with other rows in it, which are laid out like those of `unwrap`."""
    if endpoint.row_lists:
        lists = {
            field: [list(row.values())[1:] for row in rows if row[ROW_NAME] == called]
            for field, called in endpoint.row_lists.items()
        }
        return payload | lists
    name, _, rest = endpoint.rows_field.partition(".")
    if name:
        return payload | {name: with_rows(replace(endpoint, rows_field=rest), payload[name], rows)}
    return _laid_out(endpoint, rows) if isinstance(payload, list) else rows[0]


def _laid_out(endpoint: Endpoint, rows: list[Row]) -> object:
    if endpoint.row_layout == "arrays":
        return [list(row.values()) for row in rows]
    if endpoint.row_layout == "named":
        return {str(row[ROW_NAME]): {k: v for k, v in row.items() if k != ROW_NAME} for row in rows}
    return rows


def _outer_value(column: Column, values: Mapping[str, str], now_ms: int) -> object:
    """The exchange's time, or the parameter of the same name."""
    if column.kind == "time":
        return from_ms(now_ms, column.unit)
    text = values.get(column.fields[0])
    return int(text) if text is not None and column.kind == "integer" else text
