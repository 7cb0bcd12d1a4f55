"""The rows of one response, before a `FrameBuilder` adds them to a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Moments: TypeAlias = NDArray[np.int64] | list[int | None]
"""Times in milliseconds; a list where some are missing."""
Values: TypeAlias = list[Any] | pa.Array
"""The values of a column as they were received, None where one is missing. An Arrow array of them is checked:
if it does not have the type of the column yet, it can be cast to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The rows of one response, column by column, oldest first.

    Attributes:
        rows: Number of rows.
        columns: The values of each declared column that is not derived.
        moments: The time of each row in milliseconds, empty if the endpoint has no times. A list where some
            rows have none.
        texts: Amounts as they were received, by index of their column, where `columns` has them converted
            and they are needed to tell rows apart.
        lists: Number of rows in each of the endpoint's `row_lists`; empty where it has none.
        read_at: A time before which the exchange cannot have read the rows, in milliseconds; None where none
            is known.
        undeclared: Names of fields that were received but are not declared.
        outline: What of the response can tell that it reports an error: the object around the rows, or a list
            with the first row.
    """

    rows: int
    columns: Sequence[Values] = field(repr=False)
    moments: Moments = field(default_factory=list, repr=False)
    texts: Mapping[int, pa.Array] = field(default_factory=dict, repr=False)
    lists: tuple[int, ...] = ()
    read_at: int | None = None
    undeclared: frozenset[str] = frozenset()
    outline: Any = field(default=None, repr=False)

    @property
    def times(self) -> list[int | None]:
        """The time of each row in milliseconds, None where it has none; empty if the endpoint has none."""
        return self.moments if isinstance(self.moments, list) else self.moments.tolist()

    @property
    def first_time(self) -> int | None:
        """The time of the first row, None if it has none or there are no rows."""
        return self._time_at(0)

    @property
    def last_time(self) -> int | None:
        """The time of the last row, None if it has none or there are no rows."""
        return self._time_at(-1)

    def _time_at(self, index: int) -> int | None:
        if not len(self.moments):
            return None
        moment = self.moments[index]
        return None if moment is None else int(moment)

    def without(self, start: int, end: int) -> Page:
        """The page without the rows whose times are from `start` to `end`, both included, in milliseconds."""
        kept = [index for index, time in enumerate(self.times) if time is None or not start <= time <= end]
        if len(kept) == len(self.moments):
            return self
        return replace(
            self,
            rows=len(kept),
            columns=[taken(values, kept, self.rows) for values in self.columns],
            moments=taken(self.moments, kept, self.rows),
            texts={index: taken(values, kept, self.rows) for index, values in self.texts.items()},
        )


def descends(moments: Moments) -> bool:
    """Whether the first row is later than the last one."""
    if not len(moments):
        return False
    first, last = moments[0], moments[-1]
    return first is not None and last is not None and bool(first > last)


def taken(values: Any, indexes: Sequence[int], count: int) -> Any:
    """The values at some indexes of all."""
    if len(indexes) == count:
        return values
    if isinstance(values, list):
        return [values[index] for index in indexes]
    return values.take(pa.array(indexes, pa.int64()) if isinstance(values, pa.Array) else indexes)
