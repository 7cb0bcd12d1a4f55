"""The rows of a response, read plainly: what each column should hold, before it is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import ROW_NAME

ABSENT: Final = object()
"""What a column holds whose field was left out."""

_SELECTED = re.compile(r"(\w+)\[(\w+)=(\w+)\]")


def raw_rows(endpoint: Endpoint, response: Any) -> list[dict[str, Any]]:
    """The rows as they should be in the frame, by names of columns; derived columns are left out."""
    columns = [column for column in endpoint.columns if not column.derived]
    return [
        {column.name: _value(column, response if column.outer else item) for column in columns}
        for row in _rows(endpoint, response)
        for item in _items(endpoint, row)
    ]


def empty_response(endpoint: Endpoint) -> Any:
    """A response without rows."""
    payload: Any = {} if endpoint.row_layout == "named" else []
    if endpoint.row_lists:
        payload = {field: [] for field in endpoint.row_lists}
    path = endpoint.rows_field or next(iter(_lists(endpoint)), "")
    for name in reversed(path.split(".") if path else []):
        payload = {name: payload}
    if endpoint.success_field:
        payload[endpoint.success_field] = endpoint.success_value
    if isinstance(payload, dict):
        payload |= {field: 1 for column in endpoint.columns if column.outer for field in column.fields}
    return payload


def _rows(endpoint: Endpoint, response: Any) -> list[Any]:
    if endpoint.row_lists:
        return [
            {ROW_NAME: called} | dict(enumerate(row))
            for field, called in endpoint.row_lists.items()
            for row in response[field]
        ]
    for name in filter(None, endpoint.rows_field.split(".")):
        response = response[name]
    if endpoint.row_layout == "named":
        return [{ROW_NAME: name} | row for name, row in response.items()]
    rows = response if isinstance(response, list) else [response]
    if endpoint.row_layout == "arrays":
        rows = [dict(enumerate(row)) for row in rows]
    return rows[::-1] if endpoint.newest_first else rows


def _lists(endpoint: Endpoint) -> list[str]:
    """The paths of the lists within a row whose objects are rows."""
    fields = [field for column in endpoint.columns for field in column.fields]
    return [*dict.fromkeys(field.partition("[].")[0] for field in fields if "[]." in field)]


def _items(endpoint: Endpoint, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A row for each object of the list within a row, which is its only item then."""
    for path in _lists(endpoint):
        for items in _found(row, path):
            return [{**row, f"{path}[]": item} for item in items]
    return [row]


def _value(column: Column, row: Mapping[Any, Any]) -> Any:
    return next((value for field in column.fields for value in _found(row, field)), ABSENT)


def _found(row: Any, field: str) -> Iterator[Any]:
    """The value at a path, if it is there."""
    if field.isdecimal() and int(field) in row:
        yield row[int(field)]
        return
    path, in_list, within = field.partition("[].")
    if in_list:
        if f"{path}[]" in row:
            yield from _found(row[f"{path}[]"], within)
        return
    for name in field.removesuffix("[]").split("."):
        selected = _SELECTED.fullmatch(name)
        if selected:
            objects, key, wanted = selected.groups()
            row = next((each for each in row.get(objects, []) if each[key] == wanted), {})
        elif name in row:
            row = row[name]
        else:
            return
    yield ["|".join(texts) for texts in row] if field.endswith("[]") else row
