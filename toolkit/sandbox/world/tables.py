"""Rows behind a list endpoint, oldest first."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

Row = dict[str, object]

# A filter and the fields it looks at. A row that has none of them is not held against it.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "subAccountId": ("subaccountId", "subAccountId"),
    "subAccountApiKey": ("apikey", "apiKey"),
    "fromId": ("fromId", "from"),
    "toId": ("toId", "to"),
}
# What is no field of the row but says something about it.
_SHOW_ALL = "showAllStatus"
_NO_FIELDS = frozenset({_SHOW_ALL, "filterResult", "type", "futuresType"})


class Table(Protocol):
    """Rows in order of their time; there may be too many to hold."""

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """How many rows there are between two times (ms), both included."""
        ...

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Some of these rows, counted from the oldest."""
        ...


class ListTable:
    """Rows that were given one by one, as they go over the wire.

    Args:
        rows: The rows. They are put in order of their time; rows of one time stay as they came.
        time: Field that holds their time, "" where they have none.
        master: Id of the master account, which transfers leave out or leave empty; without it such a
            transfer passes for anybody's.
    """

    def __init__(self, rows: Iterable[Row], time: str = "time", *, master: str = "") -> None:
        self._time = time
        self._master = master
        self._rows = list(rows)
        self._times: list[int] = []
        if time:
            self._rows.sort(key=self._time_of)
            self._times = [self._time_of(row) for row in self._rows]

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """How many rows there are between two times (ms), both included."""
        return len(self._chosen(start, end, filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Some of these rows, counted from the oldest."""
        return [dict(row) for row in self._chosen(start, end, filters)[offset : offset + limit]]

    def _time_of(self, row: Row) -> int:
        value = row[self._time]
        if not isinstance(value, int):
            raise TypeError(f"{self._time} must be whole milliseconds, not {value!r}")
        return value

    def _chosen(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> list[Row]:
        rows = self._rows
        if self._time:
            low = 0 if start is None else bisect_left(self._times, start)
            high = len(rows) if end is None else bisect_right(self._times, end)
            rows = rows[low:high]
        return [row for row in rows if self._passes(row, filters)] if filters else rows

    def _passes(self, row: Row, filters: Mapping[str, str]) -> bool:
        if is_false(filters.get(_SHOW_ALL, "true")) and row.get("status") == "FAILURE":
            return False
        return all(self._agrees(row, name, text) for name, text in filters.items() if name not in _NO_FIELDS)

    def _agrees(self, row: Row, name: str, text: str) -> bool:
        fields = _FIELDS.get(name, (name,))
        value = next((row[field] for field in fields if field in row), None)
        if name in ("fromId", "toId"):
            # The master's side is left empty: without its id nothing can be told from that.
            side = str(value or self._master)
            return side in ("", text)
        return value is None or str(value) == text


Thing = TypeVar("Thing")


class LiveTable(Generic[Thing]):
    """Things as they are at this moment, which have no time to ask for.

    Args:
        things: The things that pass the filters, in order.
        row: One of them as it goes over the wire.
    """

    def __init__(
        self,
        things: Callable[[Mapping[str, str]], Sequence[Thing]],
        row: Callable[[Thing, Mapping[str, str]], Row],
    ) -> None:
        self._things = things
        self._row = row

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """How many there are."""
        return len(self._things(filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Some of them."""
        return [self._row(thing, filters) for thing in self._things(filters)[offset : offset + limit]]


def is_false(text: str) -> bool:
    """Whether a flag on the wire says no."""
    return text.lower() == "false"
