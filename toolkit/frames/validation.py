"""Checks that every row of a response matches the request.

If the exchange, or a proxy, ignores a filter or the span, it returns rows that nobody requested. In a frame
they would look like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.endpoints import Column, Endpoint, Param
from toolkit.frames.decode import YEAR_3000
from toolkit.frames.page import Moments, Values
from toolkit.redaction import displayable_names

_DAY = 86_400_000


class Query:
    """The filters of one fetch that can be checked in the rows of a response.

    Args:
        endpoint: The endpoint.
        parameters: The parameters sent, by field name, without those for the window and paging.

    Attributes:
        single_row: Whether at most one row can match, because the filters include the whole identity.
        max_rows: How many rows were asked for, by their number or by a list of identities; None where nobody
            said it.
    """

    def __init__(self, endpoint: Endpoint, parameters: Mapping[str, object]) -> None:
        self._endpoint = endpoint
        self._parameters = parameters
        sent = [(param, parameters[param.field]) for param in endpoint.params if param.field in parameters]
        self._filters = [
            (param, tuple(map(str, value)) if isinstance(value, tuple) else (str(value),), columns)
            for param, value in sent
            if (columns := endpoint.columns_echoing(param))
        ]
        fixed = {column.name for column in self._fixed}
        self.max_rows = _max_rows(endpoint, parameters) or self._listed_rows()
        self.single_row = bool(endpoint.identity) and fixed.issuperset(endpoint.identity)

    def requested(self, name: str) -> str | None:
        """The text that was sent for an argument, None if there was none."""
        field = next(param.field for param in self._endpoint.params if param.name == name)
        value = self._parameters.get(field)
        return None if value is None else str(value)

    @property
    def _fixed(self) -> set[Column]:
        """The columns that have one value in all rows."""
        return {
            columns[0] for _, texts, columns in self._filters if len(columns) == 1 and len(set(texts)) == 1
        }

    def _listed_rows(self) -> int | None:
        identity = self._endpoint.identity
        return next(
            (len(set(texts)) for _, texts, columns in self._filters if (columns[0].name,) == identity), None
        )

    def is_constrained(self, kind: str) -> bool:
        """Whether the filters fix the value of every column of a kind."""
        return all(column in self._fixed for column in self._endpoint.columns if column.kind == kind)

    def mismatch(self, columns: Mapping[str, Values], span: tuple[int, int] | None, moments: Moments) -> str:
        """Describe the first row that does not match the request, "" if all rows do.

        Args:
            columns: The values of each column.
            span: Requested start and end in milliseconds.
            moments: The time of each row in milliseconds, None where it has none.
        """
        for param, texts, echoing in self._filters:
            if _all_match(param, texts, [columns[column.name] for column in echoing]):
                continue
            values = {column.name: _listed(columns[column.name]) for column in echoing}
            row_index = _first_mismatch(param, texts, echoing, values)
            if row_index is not None:
                return _describe(param, texts, row_index, echoing, values)
        return "" if span is None else self._outside_span(moments, span)

    def _outside_span(self, moments: Moments, span: tuple[int, int]) -> str:
        start, end = span
        window = self._endpoint.window
        # A daily row has the time of midnight, and a span may start later in the day.
        first = start - start % _DAY if window and window.per_day else start
        if isinstance(moments, np.ndarray) and (moments >= first).all() and (moments <= end).all():
            return ""
        for row_index, time in enumerate(moments):
            if time is not None and not first <= time <= end:
                requested = f"{_iso(start)} to {_iso(end)}"
                return f"row {row_index} has the time {_iso(int(time))}, but {requested} was requested"
        return ""


def _max_rows(endpoint: Endpoint, parameters: Mapping[str, object]) -> int | None:
    limit = endpoint.row_limit
    if limit is None:
        return None
    number = parameters.get(limit.field, limit.default)
    # Of an order book, it is the number of levels of each side.
    return None if number is None else int(str(number)) * max(1, len(endpoint.row_lists))


def _all_match(param: Param, texts: Sequence[str], columns: Sequence[Values]) -> bool:
    """Whether all values of an Arrow array match; each different one is looked at once."""
    if len(columns) > 1 or not isinstance(columns[0], pa.Array):
        return False
    return all(_is_one_of(param, texts, value) for value in _listed(columns[0].unique()))


def _listed(values: Values) -> list[Any]:
    if isinstance(values, list):
        return values
    listed: list[Any] = (
        values.view(pa.int64()) if pa.types.is_timestamp(values.type) else values
    ).to_pylist()
    return listed


def _first_mismatch(
    param: Param, texts: Sequence[str], columns: tuple[Column, ...], values: Mapping[str, Sequence[Any]]
) -> int | None:
    """Index of the first row with another value than requested, None if there is none."""
    if len(columns) > 1:
        rows = zip(*(values[column.name] for column in columns), strict=True)
        return next(
            (n for n, row in enumerate(rows) if not any(_is_one_of(param, texts, each) for each in row)),
            None,
        )
    column = values[columns[0].name]
    if columns[0].optional and all(value is None or value == "" for value in column):
        return None  # missing in all rows: not part of this response, or the master account
    for row_index, value in enumerate(column):
        if value not in texts and not _is_one_of(param, texts, value):
            return row_index
    return None


def _is_one_of(param: Param, texts: Sequence[str], value: Any) -> bool:
    return any(_is_same(param, text, value) for text in texts)


def _is_same(param: Param, text: str, value: Any) -> bool:
    if not isinstance(value, str | int | None):
        return True  # the builder rejects values of the wrong type
    received = "" if value is None else str(value)
    if param.kind in ("text", "texts", "email"):
        text, received = text.casefold(), received.casefold()
    if "*" in received:  # masked: compare what is visible at both ends
        prefix, suffix = received[: received.index("*")], received[received.rindex("*") + 1 :]
        return text.startswith(prefix) and text.endswith(suffix)
    return received == text


def _describe(
    param: Param,
    texts: Sequence[str],
    row_index: int,
    columns: tuple[Column, ...],
    values: Mapping[str, Sequence[Any]],
) -> str:
    names = " and ".join(f"`{column.name}`" for column in columns)
    if param.private:  # show neither the requested nor the received value
        return f"row {row_index} has another {names} than requested"
    received = [values[column.name][row_index] for column in columns]
    found = ", ".join(repr(displayable_names(["" if value is None else str(value)])[0]) for value in received)
    requested = " or ".join(map(repr, displayable_names(texts)))
    return f"row {row_index} has {names} {found}, but {requested} was requested"


def _iso(milliseconds: int) -> str:
    if not 0 <= milliseconds < YEAR_3000:
        return f"{milliseconds} ms"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
