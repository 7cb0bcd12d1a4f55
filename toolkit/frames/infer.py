"""Infers the declaration of an undeclared endpoint from its response, for `link.get`.

The frame is then built as for a declared endpoint: ids are text, amounts are numbers, times are UTC. E-mail
addresses and keys may be anywhere in such a response, so all of it is searched for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from toolkit.endpoints import Column, Endpoint, RateLimit
from toolkit.errors import ContractError
from toolkit.frames.infer_kinds import infer_kind, is_email, snake_case
from toolkit.frames.infer_rows import (
    MAX_ROWS,
    Key,
    Row,
    TooLarge,
    check_size,
    choose_path,
    find_path,
    rows_at,
    whole,
)
from toolkit.redaction import Emails, mask, mask_within, masked_key

# The spellings of the field for an API key or its secret, or for the key of a stream of account data.
_KEY = re.compile(r"((api|secret|private|listen)[_-]?keys?|secrets?)$", re.IGNORECASE)
# Fields of an aggregate trade that are ids; in other rows these letters have other meanings.
_TRADE_FIELDS = frozenset({"a", "p", "q", "f", "l", "T"})
_TRADE_IDS = {"a": "aggTradeId", "f": "firstTradeId", "l": "lastTradeId"}
# A declared field with one of these characters is a path.
_PATH = re.compile(r"[.*\[\]]")


class _UndeclaredEndpoint(Endpoint):
    """An endpoint without a method on `Link`, called by its path."""

    __slots__ = ()

    @property
    def qualified_name(self) -> str:
        """Its path."""
        return self.path


def infer(
    path: str,
    rate_limit: RateLimit,
    payload: Any,
    emails: Emails = "masked",
    *,
    rows: str | None = None,
    columns: Sequence[str] | None = None,
    exact: bool = False,
    as_it_is: bool = False,
) -> tuple[Endpoint, list[dict[str, Any]]]:
    """Infer a declaration from a response, and return it with the rows of the response.

    `infer_rows` finds the rows, and `infer_kinds` tells the kinds of their columns. Nested lists that are not
    rows are JSON text. If `emails` is "masked", addresses are masked wherever they are: inside longer texts,
    in nested values, in field names and in names of rows. API keys always are.

    Args:
        path: Path of the endpoint.
        rate_limit: Its rate limit.
        payload: The decoded response.
        emails: E-mail addresses "masked" or "clear".
        rows: Which list or object has the rows: its field, or the fields that lead to it, joined by dots.
        columns: Names of the items of rows that are lists.
        exact: Whether amounts will be exact decimals.
        as_it_is: Whether the rows are not searched for, as after an error about `rows` or `columns`.

    Raises:
        ContractError: The response has too many rows or fields.
        UsageError: The response has several lists, or `rows` or `columns` does not match it.
    """
    try:
        found, around = _rows(_masked(payload, emails), rows, columns, as_it_is=as_it_is)
    except TooLarge as error:
        problem = str(error)
    else:
        declared, converted = _columns(found, around, emails, columns or (), exact=exact)
        endpoint = _UndeclaredEndpoint(
            name=path,
            system="exchange",
            path=path,
            rate_limit=rate_limit,
            columns=declared,
            summary="An undeclared endpoint.",
            source="",
        )
        return endpoint, converted
    raise ContractError(path, problem)


def _rows(
    payload: Any, rows: str | None, columns: Sequence[str] | None, *, as_it_is: bool
) -> tuple[list[Row], Row]:
    if isinstance(payload, list) and len(payload) > MAX_ROWS:
        raise TooLarge(f"the response has more than {MAX_ROWS:,} rows")
    if as_it_is:
        found = whole(payload)
        check_size(found)
        return found, {}
    return rows_at(payload, find_path(payload) if rows is None else choose_path(payload, rows), columns)


def _columns(
    found: list[Row], around: Row, emails: Emails, given: Sequence[str], *, exact: bool
) -> tuple[tuple[Column, ...], list[dict[str, Any]]]:
    """The columns of rows, and the rows with the values that they take.

    Where there are no rows, the fields around them, which would be repeated in each, become the columns.
    """
    basis = found or [around]
    converted: dict[str, list[Any]] = {}
    columns: list[Column] = []
    names: set[str] = set()
    keys = dict.fromkeys(key for row in basis for key in row)
    full_names = _TRADE_IDS if {key[-1] for key in keys} >= _TRADE_FIELDS else {}
    for key in keys:
        name = _unique(_name(key, given), names)
        names.add(name)
        last = key[-1] or ""
        values = [row.get(key) for row in basis]
        if key[0] in given:  # its values were masked before they had this name
            values = [_masked_field(key[0] or "", value, emails) for value in values]
        field = f"column {len(columns)}" if _PATH.search(name) else name
        kind, converted[field] = infer_kind(full_names.get(last, last), values, exact=exact)
        columns.append(
            Column(name=name, field=field, kind=kind, doc="Inferred from the response.", optional=True)
        )
    rows = [{field: values[index] for field, values in converted.items()} for index in range(len(found))]
    return tuple(columns), rows


def _name(key: Key, given: Sequence[str]) -> str:
    parts = [part for part in key if part is not None]
    if key[0] in given:
        return "_".join([mask_within(parts[0]), *map(snake_case, parts[1:])])
    return "_".join(map(snake_case, parts))


def _unique(base: str, names: set[str]) -> str:
    name, number = base, 1
    while name in names:
        number += 1
        name = f"{base}_{number}"
    return name


# -- masking --------------------------------------------------------------------------------------------

Hidden = Literal["", "email", "key"]
"""What a text is as a whole, by the name of its field or of one around it."""


def _masked(value: Any, emails: Emails, hidden: Hidden = "") -> Any:
    """Mask the keys in a value, and its e-mail addresses unless these are to be clear."""
    if isinstance(value, str):
        if hidden == "key":
            return masked_key(value)
        if emails == "clear":
            return value
        return mask(value) if hidden == "email" else mask_within(value)
    if isinstance(value, list):
        return [_masked(item, emails, hidden) for item in value]
    if not isinstance(value, dict):
        return value
    masked: dict[str, Any] = {}
    for field, item in value.items():
        name = mask_within(field) if emails == "masked" else field
        while name in masked:  # two addresses may have the same mask
            name += "*"
        # An object under the name of a key describes the key; its own fields tell which of them is the key.
        masked[name] = _masked_field(field, item, emails, "" if hidden == "key" else hidden)
    return masked


def _masked_field(field: str, value: Any, emails: Emails, hidden: Hidden = "") -> Any:
    if _KEY.search(field):
        hidden = "key"
    elif is_email(field):
        hidden = "email"
    return _masked(value, emails, hidden)
