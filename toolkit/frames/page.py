"""The rows of one response, before a `FrameBuilder` adds them to a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one response, column by column, oldest first.

    Attributes:
        rows: Number of rows.
        columns: The values of each declared column as they were received, None where one is missing.
        times: The time of each row in milliseconds, None where it has none; empty if the endpoint has no
            times.
        undeclared: Names of fields that were received but are not declared.
    """

    rows: int
    columns: Sequence[list[Any]] = field(repr=False)
    times: Sequence[int | None] = field(default=(), repr=False)
    undeclared: frozenset[str] = frozenset()

    @property
    def first_time(self) -> int | None:
        """The time of the first row, None if it has none or there are no rows."""
        return self.times[0] if len(self.times) else None

    @property
    def last_time(self) -> int | None:
        """The time of the last row, None if it has none or there are no rows."""
        return self.times[-1] if len(self.times) else None

    def without(self, start: int, end: int) -> Page:
        """The page without the rows whose times are from `start` to `end`, both included, in milliseconds."""
        kept = [n for n, time in enumerate(self.times) if time is None or not start <= time <= end]
        if len(kept) == len(self.times):
            return self
        return replace(
            self,
            rows=len(kept),
            columns=[[values[n] for n in kept] for values in self.columns],
            times=[self.times[n] for n in kept],
        )
