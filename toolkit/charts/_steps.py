"""Regular times of candles, and aggregation to longer ones. Pure functions on arrays of milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Int64Array: TypeAlias = npt.NDArray[np.int64]

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
_FIRST_MONDAY = 4 * DAY  # 5 January 1970
_SHORTEST_MONTH = 28 * DAY
_MONTH = 30.436875 * DAY

How = Literal["first", "highest", "lowest", "last", "sum"]


@dataclass(frozen=True, slots=True)
class Step:
    """The length of candles, and where they begin: at multiples of it, in UTC.

    Attributes:
        count: Number of units.
        unit: Milliseconds, weeks that begin on Monday, or months.
    """

    count: int
    unit: Literal["ms", "week", "month"] = "ms"

    def starts(self, times: Int64Array) -> Int64Array:
        """The start of the candle of each time."""
        if self.unit == "month":
            months = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
            return _month_starts(np.asarray(months // self.count * self.count))
        first = _FIRST_MONDAY if self.unit == "week" else 0
        starts: Int64Array = (times - first) // self.length * self.length + first
        return starts

    def ends(self, starts: Int64Array) -> Int64Array:
        """The start of the next candle after each of these starts."""
        if self.unit == "month":
            months = starts.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
            return _month_starts(months + self.count)
        return np.asarray(starts + self.length)

    @property
    def length(self) -> int:
        """Its length in milliseconds, on average for months."""
        return round(self.count * {"ms": 1, "week": WEEK, "month": _MONTH}[self.unit])

    def divides(self, other: Step) -> bool:
        """Whether the other candles consist of whole ones of these."""
        if other.unit == self.unit:
            return other.count % self.count == 0
        whole = {"week": WEEK, "month": DAY}.get(other.unit)  # a month is a number of days
        return self.unit == "ms" and whole is not None and whole % self.count == 0

    def __str__(self) -> str:
        """Its length in words, such as "15 minutes"."""
        if self.unit == "month" and self.count % 12 == 0:
            return _counted(self.count // 12, "year")
        if self.unit != "ms":
            return _counted(self.count, self.unit)
        sizes = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"), (1, "millisecond"))
        size, name = next((size, name) for size, name in sizes if self.count % size == 0)
        return _counted(self.count // size, name)


LADDER = (
    *(Step(seconds * SECOND) for seconds in (1, 5, 15, 30)),
    *(Step(minutes * MINUTE) for minutes in (1, 3, 5, 15, 30)),
    *(Step(hours * HOUR) for hours in (1, 2, 4, 6, 8, 12)),
    *(Step(days * DAY) for days in (1, 3)),
    Step(1, "week"),
    *(Step(months, "month") for months in (1, 3, 12)),
)
"""Lengths of candles that people know; most are intervals of the exchange."""


def step_of(opens: Int64Array, closes: Int64Array | None, default: Step) -> Step:
    """The length of candles: the smallest distance between two, or from the start of one to its end.

    Args:
        opens: Their first milliseconds, ascending.
        closes: Their last milliseconds, if known.
        default: What a single candle without an end is taken for.
    """
    lengths = [np.diff(opens)] if len(opens) > 1 else []
    if closes is not None:
        lengths.append(closes - opens + 1)
    known = [int(each[each > 0].min()) for each in lengths if (each > 0).any()]
    if not known:
        return default
    length = min(known)
    if length >= _SHORTEST_MONTH:
        months = Step(max(1, round(length / _MONTH)), "month")
        if (Step(1, "month").starts(opens) == opens).all():
            return months
    if length % WEEK == 0 and (Step(1, "week").starts(opens) == opens).all():
        return Step(length // WEEK, "week")
    return Step(length)


def readable_step(source: Step, opens: Int64Array, most: int) -> Step:
    """The shortest step of at most so many candles that whole candles of the source make up."""
    span = int(opens[-1] - opens[0])

    def fits(step: Step) -> bool:
        return span // step.length + 1 <= most

    if fits(source):
        return source
    return next(step for step in _candidates(source) if source.divides(step) and fits(step))


def _candidates(source: Step) -> Iterator[Step]:
    yield from (step for step in LADDER if step.length > source.length)
    count = 2
    while True:
        yield Step(source.count * count, source.unit)
        count += 1


@dataclass(frozen=True, slots=True)
class Buckets:
    """Rows put together by time; times in milliseconds.

    Attributes:
        starts: Start of each bucket that has rows, ascending.
        ends: Where the next one would start.
        sizes: Number of rows in each.
        values: The values of each column, one a bucket.
    """

    starts: Int64Array
    ends: Int64Array
    sizes: Int64Array
    values: dict[str, FloatArray]

    def with_holes(self, name: str) -> tuple[Int64Array, FloatArray]:
        """The ends of the buckets and a column, with NaN where buckets between them are missing."""
        holes = np.flatnonzero(self.starts[1:] > self.ends[:-1]) + 1
        values = np.insert(self.values[name], holes, np.nan)
        return np.insert(self.ends, holes, self.starts[holes]), values


def aggregate(times: Int64Array, columns: Mapping[str, tuple[FloatArray, How]], step: Step) -> Buckets:
    """Put rows together by the step they begin in. No row is dropped.

    Args:
        times: Ascending times of the rows.
        columns: Values for each row, and what becomes of those of a step.
        step: The step.
    """
    starts = step.starts(times)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    after = np.append(first[1:], len(times))
    values = {name: _reduced(column, how, first, after) for name, (column, how) in columns.items()}
    return Buckets(starts[first], step.ends(starts[first]), after - first, values)


def unchanged(times: Int64Array, columns: Mapping[str, tuple[FloatArray, How]], step: Step) -> Buckets:
    """Each row as a bucket of its own, which begins at its time."""
    return Buckets(
        times, step.ends(times), np.ones_like(times), {name: column for name, (column, _) in columns.items()}
    )


def _reduced(column: FloatArray, how: How, first: Int64Array, after: Int64Array) -> FloatArray:
    if how == "first":
        return column[first]
    if how == "last":
        return column[after - 1]
    reduce = {"highest": np.maximum, "lowest": np.minimum, "sum": np.add}[how]
    return np.asarray(reduce.reduceat(column, first))


def gaps(opens: Int64Array, step: Step) -> tuple[Int64Array, Int64Array]:
    """Starts and ends of the spans between candles in which some are missing."""
    ends = step.ends(opens)
    index = np.flatnonzero(opens[1:] > ends[:-1])
    return ends[index], opens[index + 1]


def _month_starts(months: Int64Array) -> Int64Array:
    return np.asarray(months.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64))


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
