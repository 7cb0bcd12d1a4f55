"""Pure: every row of an answer is held against what was asked.

An exchange, or a proxy in between, that leaves a filter or the span out of account answers another
question. Such rows look like any other, and nobody would find them in a frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from toolkit.endpoints import Column, Endpoint, Param
from toolkit.redaction import names_shown

_DAY = 86_400_000
_YEAR_3000 = 32_503_680_000_000


class Query:
    """What one fetch asks for, as far as the rows of an answer tell.

    Args:
        endpoint: What is asked.
        parameters: What goes out besides span and paging, by wire name.

    Attributes:
        single_row: At most one row answers it: all that names a row was asked for.
    """

    def __init__(self, endpoint: Endpoint, parameters: Mapping[str, object]) -> None:
        self._endpoint = endpoint
        asked = [(param, parameters[param.field]) for param in endpoint.params if param.field in parameters]
        self._asked = [
            (param, str(value), columns)
            for param, value in asked
            if (columns := endpoint.columns_echoing(param))
        ]
        named = {columns[0].name for _, _, columns in self._asked if len(columns) == 1}
        self.single_row = bool(endpoint.identity) and named.issuperset(endpoint.identity)

    def is_constrained(self, kind: str) -> bool:
        """Whether every column of a kind was asked for one value."""
        pinned = {columns[0] for _, _, columns in self._asked if len(columns) == 1}
        return all(column in pinned for column in self._endpoint.columns if column.kind == kind)

    def mismatch(self, values: Mapping[str, Sequence[Any]], span: tuple[int, int] | None) -> str:
        """What is wrong with the rows of an answer; "" where each answers the question.

        Args:
            values: The values of each column as they were sent.
            span: First and last moment that the request asked for.
        """
        for param, text, columns in self._asked:
            row_index = _first_other(param, text, columns, values)
            if row_index is not None:
                return _said(param, text, row_index, columns, values)
        if span is not None and self._endpoint.order_by:
            return self._outside(values[self._endpoint.order_by], span)
        return ""

    def _outside(self, times: Sequence[Any], span: tuple[int, int]) -> str:
        start, end = span
        window = self._endpoint.window
        # A day's row is stamped with the midnight that begins it, and a span may begin later in the day.
        first = start - start % _DAY if window and window.per_day else start
        for row_index, time in enumerate(times):
            if type(time) is int and not first <= time <= end:
                asked = f"{_moment(start)} to {_moment(end)}"
                return f"row {row_index} is of {_moment(time)}, and {asked} was asked for"
        return ""


def _first_other(
    param: Param, text: str, columns: tuple[Column, ...], values: Mapping[str, Sequence[Any]]
) -> int | None:
    """Position of the first row that is of something else than was asked for."""
    if len(columns) > 1:
        rows = zip(*(values[column.name] for column in columns), strict=True)
        return next(
            (n for n, row in enumerate(rows) if not any(_is_same(param, text, each) for each in row)), None
        )
    column = values[columns[0].name]
    if columns[0].optional and all(value is None or value == "" for value in column):
        return None  # left out by all: such an answer does not tell, or the master account is meant
    for row_index, value in enumerate(column):
        if value != text and not _is_same(param, text, value):
            return row_index
    return None


def _is_same(param: Param, text: str, value: Any) -> bool:
    if not isinstance(value, str | int | None):
        return True  # refused as a value of the wrong kind
    shown = "" if value is None else str(value)
    if param.kind in ("text", "email"):
        text, shown = text.casefold(), shown.casefold()
    if "*" in shown:  # masked: its ends tell
        return text.startswith(shown[: shown.index("*")]) and text.endswith(shown[shown.rindex("*") + 1 :])
    return shown == text


def _said(
    param: Param, text: str, row_index: int, columns: tuple[Column, ...], values: Mapping[str, Sequence[Any]]
) -> str:
    names = " and ".join(f"`{column.name}`" for column in columns)
    if param.private:  # neither what was asked for nor what came is shown
        return f"row {row_index} has another {names} than was asked for"
    found = ", ".join(repr(names_shown([str(values[column.name][row_index] or "")])[0]) for column in columns)
    return f"row {row_index} has {names} {found}, and {names_shown([text])[0]!r} was asked for"


def _moment(milliseconds: int) -> str:
    if not 0 <= milliseconds < _YEAR_3000:
        return f"{milliseconds} ms"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
