"""Pure: what an answer of an endpoint that the catalogue does not have looks like.

The columns are read off the answer by the rules of the declared ones, and the frame is then made as
for any other endpoint: identifiers are text, amounts are numbers, times are UTC. As nothing says where
e-mail addresses are, they are looked for everywhere.
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

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^0-9A-Za-z]+")
_AMOUNT = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_FIRST_TIME = 946_684_800_000  # 2000-01-01; smaller numbers are counts, or seconds
_LAST_TIME = 4_102_444_800_000
_INT64 = 2**63
# No answer has as many rows, fields or values in all; what a frame needs grows with their product.
_MOST_ROWS, _MOST_FIELDS, _MOST_VALUES = 50_000, 500, 1_000_000
# Fields that hold an answer's rows; an empty list there means that there are none.
_USUAL_LISTS = ("rows", "data", "list", "items", "records", "transfers")
# What an API key or its secret is called, in any of the spellings in use.
_KEY = re.compile(r"(api|secret)_?key$", re.IGNORECASE)
_MAIL = re.compile(r"mails?(_?addr(ess)?(es)?)?$")


class _Unlisted(Endpoint):
    """An endpoint that no door leads to: it is called by its path."""

    __slots__ = ()

    @property
    def qualified_name(self) -> str:
        """Its path."""
        return self.path


def infer(
    path: str, rate_limit: RateLimit, payload: Any, emails: Emails = "masked"
) -> tuple[Endpoint, list[dict[str, Any]]]:
    """A declaration that fits an answer, and the answer's rows for it.

    An object is one row. The one list of objects inside of an object is its rows, and the object's
    other fields become columns of each. Lists of lists get numbered columns. A column with anything that is
    nested deeper is JSON text, one with values of several kinds is text. Unless they are asked for, e-mail
    addresses are masked wherever they stand: also in the middle of a text, in what is nested, and in names
    of fields.

    Raises:
        ContractError: The answer has more rows or fields than any.
    """
    if any(isinstance(each, list) and len(each) > _MOST_ROWS for each in (payload, *_values(payload))):
        raise ContractError(path, f"the answer has more than {_MOST_ROWS} rows")
    if emails == "masked":
        payload = _masked(payload)
    rows = [dict(row) for row in _rows(payload)]
    fields = dict.fromkeys(field for row in rows for field in row)
    if len(fields) > _MOST_FIELDS or len(fields) * len(rows) > _MOST_VALUES:
        raise ContractError(path, f"the answer has {len(fields)} different fields in {len(rows)} rows")
    names: dict[str, str] = {}
    for field in fields:
        name = plain = _snake(field)
        number = 1
        while name in names.values():
            number += 1
            name = f"{plain}_{number}"
        names[field] = name
    kinds: dict[str, ColumnKind] = {}
    for field in fields:
        having = [row for row in rows if row.get(field) is not None]
        kind, convert = _kind(field, [row[field] for row in having])
        kinds[field] = kind
        if convert is not None:
            for row in having:
                row[field] = convert(row[field])
    columns = tuple(
        Column(
            name=names[field],
            field=field,
            kind=kinds[field],
            doc="Inferred from the answer.",
            optional=True,
            masked="key" if _KEY.search(field) else "",
        )
        for field in fields
    )
    endpoint = _Unlisted(
        name=path,
        system="exchange",
        path=path,
        rate_limit=rate_limit,
        columns=columns,
        summary="An endpoint the catalogue does not have.",
        source="",
    )
    return endpoint, rows


def _values(payload: Any) -> Iterable[Any]:
    return payload.values() if isinstance(payload, dict) else ()


def _rows(payload: Any) -> list[dict[str, Any]]:
    if isinstance(payload, dict):
        lists = [name for name, value in payload.items() if _is_rows(value)]
        if not lists and any(payload.get(name) == [] for name in _USUAL_LISTS):
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
        return {f"column_{row_index}": value for row_index, value in enumerate(item)}
    return {"value": item}


@in_own_context
def _as_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _as_text(value: Any) -> str:
    """A plain value as it was written."""
    if isinstance(value, str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else _as_json(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _masked(value: Any, *, whole: bool = False) -> Any:
    """A value of an answer with its e-mail addresses masked; `whole` says that each text in it is one."""
    if isinstance(value, str):
        return mask(value) if whole else mask_within(value)
    if isinstance(value, list):
        return [_masked(item, whole=whole) for item in value]
    if not isinstance(value, dict):
        return value
    masked: dict[str, Any] = {}
    for field, item in value.items():
        name = mask_within(field)
        while name in masked:  # two addresses may have one mask
            name += "*"
        masked[name] = _masked(item, whole=whole or _is_email(field))
    return masked


def _is_email(field: str) -> bool:
    return _MAIL.search(_snake(field)) is not None


def _kind(field: str, values: list[Any]) -> tuple[ColumnKind, Callable[[Any], str] | None]:
    """What a column is, and what has to be made of each of its values, if anything."""
    words = _snake(field).split("_")
    if all(isinstance(value, bool) for value in values):
        return ("flag" if values else "text"), None
    if all(_is_texts(value) for value in values):
        return "texts", None
    if any(isinstance(value, dict | list) for value in values):
        return "text", _as_json
    if any(isinstance(value, bool) for value in values):
        return "text", _as_text
    whole = all(isinstance(value, int) for value in values)
    if (
        whole
        and words[-1] in {"time", "timestamp", "date"}
        and all(_FIRST_TIME <= value < _LAST_TIME for value in values)
    ):
        return "time", None
    if words[-1] in {"id", "uid", "no"} and all(isinstance(value, int | str) for value in values):
        return "id", None
    if whole:
        return ("integer" if all(-_INT64 <= value < _INT64 for value in values) else "id"), None
    texts = all(isinstance(value, str) for value in values)
    if texts and _is_email(field):
        return "email", None
    if all(_is_amount(value) for value in values):
        return "amount", None
    return "text", None if texts else _as_text


def _is_amount(value: Any) -> bool:
    if isinstance(value, str):
        return _AMOUNT.fullmatch(value) is not None
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def _snake(field: str) -> str:
    return "_".join(word for word in _WORD.sub("_", field).split("_") if word).lower() or field
