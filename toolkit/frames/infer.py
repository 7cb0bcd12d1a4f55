"""Infers the declaration of an undeclared endpoint from its response, for `link.get`.

The frame is then built as for a declared endpoint: ids are text, amounts are numbers, times are UTC. E-mail
addresses may be anywhere in such a response, so all of it is searched for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from toolkit.endpoints import Column, Endpoint, RateLimit
from toolkit.endpoints.model import ColumnKind
from toolkit.errors import ContractError
from toolkit.redaction import Emails, mask, mask_within
from toolkit.runtime.decimals import in_own_context

_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^0-9A-Za-z]+")
_AMOUNT = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_MIN_TIME = 946_684_800_000  # 2000-01-01; smaller numbers are counts, or seconds
_MAX_TIME = 4_102_444_800_000
_INT64 = 2**63
# More than any response has. The memory of a frame grows with the product of rows and fields.
_MAX_ROWS, _MAX_FIELDS, _MAX_VALUES = 50_000, 500, 1_000_000
# Usual names of the list of rows; an empty list there means that there are no rows.
_ROWS_FIELDS = ("rows", "data", "list", "items", "records", "transfers")
# The spellings of the field for an API key or its secret.
_KEY = re.compile(r"(api|secret)_?key$", re.IGNORECASE)
_EMAIL = re.compile(r"mails?(_?addr(ess)?(es)?)?$")


class _UndeclaredEndpoint(Endpoint):
    """An endpoint without a method on `Link`, called by its path."""

    __slots__ = ()

    @property
    def qualified_name(self) -> str:
        """Its path."""
        return self.path


def infer(
    path: str, rate_limit: RateLimit, payload: Any, emails: Emails = "masked"
) -> tuple[Endpoint, list[dict[str, Any]]]:
    """Infer a declaration from a response, and return it with the rows of the response.

    An object is one row. If exactly one field of an object is a list of objects, these are the rows, and the
    other fields become columns of each row. In a list of lists, the inner items become numbered columns.
    Columns with other nested values are JSON text, and columns with values of several types are text. If
    `emails` is "masked", addresses are masked wherever they are: inside longer texts, in nested values and in
    field names.

    Raises:
        ContractError: The response has too many rows or fields.
    """
    if any(isinstance(each, list) and len(each) > _MAX_ROWS for each in (payload, *_values(payload))):
        raise ContractError(path, f"the response has more than {_MAX_ROWS:,} rows")
    if emails == "masked":
        payload = _masked(payload)
    rows = [dict(row) for row in _rows(payload)]
    fields = dict.fromkeys(field for row in rows for field in row)
    if len(fields) > _MAX_FIELDS or len(fields) * len(rows) > _MAX_VALUES:
        raise ContractError(
            path, f"the response has {len(rows):,} rows with {len(fields):,} different fields"
        )
    names: dict[str, str] = {}
    for field in fields:
        name = base = _snake_case(field)
        number = 1
        while name in names.values():
            number += 1
            name = f"{base}_{number}"
        names[field] = name
    kinds: dict[str, ColumnKind] = {}
    for field in fields:
        rows_with_value = [row for row in rows if row.get(field) is not None]
        kind, convert = _infer_kind(field, [row[field] for row in rows_with_value])
        kinds[field] = kind
        if convert is not None:
            for row in rows_with_value:
                row[field] = convert(row[field])
    columns = tuple(
        Column(
            name=names[field],
            field=field,
            kind=kinds[field],
            doc="Inferred from the response.",
            optional=True,
            masked="key" if _KEY.search(field) else "",
        )
        for field in fields
    )
    endpoint = _UndeclaredEndpoint(
        name=path,
        system="exchange",
        path=path,
        rate_limit=rate_limit,
        columns=columns,
        summary="An undeclared endpoint.",
        source="",
    )
    return endpoint, rows


def _values(payload: Any) -> Iterable[Any]:
    return payload.values() if isinstance(payload, dict) else ()


def _rows(payload: Any) -> list[dict[str, Any]]:
    if isinstance(payload, dict):
        lists = [name for name, value in payload.items() if _is_rows(value)]
        if not lists and any(payload.get(name) == [] for name in _ROWS_FIELDS):
            return []
        if len(lists) != 1:
            return [payload]
        rows = payload[lists[0]]
        inner = {name for row in rows for name in row}
        outer = {
            (f"outer_{name}" if name in inner else name): value
            for name, value in payload.items()
            if name != lists[0]
        }
        return [outer | row for row in rows]
    items = payload if isinstance(payload, list) else [payload]
    return [_as_row(item) for item in items]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _as_row(item: Any) -> dict[str, Any]:
    if isinstance(item, dict):
        return item
    if isinstance(item, list):
        return {f"column_{index}": value for index, value in enumerate(item)}
    return {"value": item}


@in_own_context
def _as_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _as_text(value: Any) -> str:
    """A scalar as text, unchanged."""
    if isinstance(value, str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else _as_json(value)


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _masked(value: Any, *, whole: bool = False) -> Any:
    """Mask the e-mail addresses in a value; with `whole`, each text in it is an address as a whole."""
    if isinstance(value, str):
        return mask(value) if whole else mask_within(value)
    if isinstance(value, list):
        return [_masked(item, whole=whole) for item in value]
    if not isinstance(value, dict):
        return value
    masked: dict[str, Any] = {}
    for field, item in value.items():
        name = mask_within(field)
        while name in masked:  # two addresses may have the same mask
            name += "*"
        masked[name] = _masked(item, whole=whole or _is_email(field))
    return masked


def _is_email(field: str) -> bool:
    return _EMAIL.search(_snake_case(field)) is not None


def _infer_kind(field: str, values: list[Any]) -> tuple[ColumnKind, Callable[[Any], str] | None]:
    """The kind of a column, and the conversion its values need, if any."""
    words = _snake_case(field).split("_")
    if all(isinstance(value, bool) for value in values):
        return ("flag" if values else "text"), None
    if all(_is_text_list(value) for value in values):
        return "texts", None
    if any(isinstance(value, dict | list) for value in values):
        return "text", _as_json
    if any(isinstance(value, bool) for value in values):
        return "text", _as_text
    all_int = all(isinstance(value, int) for value in values)
    if (
        all_int
        and words[-1] in {"time", "timestamp", "date"}
        and all(_MIN_TIME <= value < _MAX_TIME for value in values)
    ):
        return "time", None
    if words[-1] in {"id", "uid", "no"} and all(isinstance(value, int | str) for value in values):
        return "id", None
    if all_int:
        return ("integer" if all(-_INT64 <= value < _INT64 for value in values) else "id"), None
    all_text = all(isinstance(value, str) for value in values)
    if all_text and _is_email(field):
        return "email", None
    if all(_is_amount(value) for value in values):
        return "amount", None
    return "text", None if all_text else _as_text


def _is_amount(value: Any) -> bool:
    if isinstance(value, str):
        return _AMOUNT.fullmatch(value) is not None
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def _snake_case(field: str) -> str:
    return "_".join(word for word in _WORD_BREAK.sub("_", field).split("_") if word).lower() or field
