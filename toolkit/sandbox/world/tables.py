"""Tables of rows behind the list endpoints, oldest row first."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from toolkit.endpoints.model import TimeUnit
from toolkit.sandbox.times import to_ms

Row = dict[str, object]
OWNER = "owner"
"""The filter that says whose rows they are: the owner of the key."""

# The fields that a filter compares. A row that has none of them matches.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "subAccountId": ("subaccountId", "subAccountId"),
    "subAccountApiKey": ("apikey", "apiKey"),
    "fromId": ("fromId", "from"),
    "toId": ("toId", "to"),
    "symbols": ("symbol",),
}
# Filters without a field of that name.
_SHOW_ALL = "showAllStatus"
_NO_FIELDS = frozenset({_SHOW_ALL, OWNER, "filterResult", "type", "futuresType"})


class Table(Protocol):
    """Rows in ascending order of time; possibly too many for memory."""

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        ...

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        ...


class ListTable:
    """A table of given rows, in the form in which they are sent.

    Args:
        rows: The rows. They are sorted by time; rows of the same time keep their order.
        time: Field that holds the time, "" if there is none.
        unit: How the times are written.
        master: Id of the master account, which transfers leave out or leave empty. Without it such a transfer
            matches any account.
    """

    def __init__(
        self, rows: Iterable[Row], time: str = "time", *, unit: TimeUnit = "ms", master: str = ""
    ) -> None:
        self._time = time
        self._unit = unit
        self._master = master
        self._rows = list(rows)
        self._times: list[int] = []
        if time:
            self._rows.sort(key=self._time_of)
            self._times = [self._time_of(row) for row in self._rows]

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        return len(self._matching(start, end, filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        return [dict(row) for row in self._matching(start, end, filters)[offset : offset + limit]]

    def _time_of(self, row: Row) -> int:
        value = row[self._time]
        if isinstance(value, str) != (self._unit == "text"):
            raise TypeError(f"{self._time} must be a time in the unit {self._unit!r}, not {value!r}")
        return to_ms(value, self._unit)

    def _matching(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> list[Row]:
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
            # The master's side is empty: without its id it matches anything.
            side = str(value or self._master)
            return side in ("", text)
        if text.startswith("["):  # a list of texts, of which the row has one
            return value is None or str(value) in json.loads(text)
        return value is None or str(value) == text


@dataclass(frozen=True, slots=True)
class SingleRow:
    """The row of an endpoint whose response is one object, whatever the request."""

    row: Row

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """One."""
        return 1

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """The row."""
        return [dict(self.row)]


Item = TypeVar("Item")


class LiveTable(Generic[Item]):
    """A table of the present state of items, which have no time.

    Args:
        items: Returns the items that match the filters, in order.
        row: Returns the row of an item, for the filters and at a time (ms).
        now_ms: The time of a request that has none.
    """

    def __init__(
        self,
        items: Callable[[Mapping[str, str]], Sequence[Item]],
        row: Callable[[Item, Mapping[str, str], int], Row],
        now_ms: int,
    ) -> None:
        self._items = items
        self._row = row
        self._now_ms = now_ms

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of items."""
        return len(self._items(filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of them from `offset` on."""
        now_ms = self._now_ms if end is None else end
        return [self._row(item, filters, now_ms) for item in self._items(filters)[offset : offset + limit]]


def is_false(text: str) -> bool:
    """Whether a flag is sent as false."""
    return text.lower() == "false"
