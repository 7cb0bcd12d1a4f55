"""Unlimited rows, generated on demand: time is divided into hours, and the rows of each follow from the seed.

The number of rows of an hour, and the rows, are a function of (seed, stream, hour) alone. A page in the
middle of ten million rows takes the time of the hours it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from toolkit.sandbox.hashing import (
    BoolArray,
    FloatArray,
    Int64Array,
    UInt64Array,
    hash_key,
    random_bits,
    to_fraction,
    uniform,
)
from toolkit.sandbox.world.tables import Row

HOUR = 3_600_000
DAY = 24 * HOUR
# Maximum number of rows generated at once: it bounds the memory, however wide the span.
CHUNK_ROWS = 65_536

# Activity by hour of the day (UTC); the mean is 1.
_NIGHT = (1.0, 1.0, 0.95, 0.9, 0.85, 0.8, 0.8, 0.85)
_MORNING = (0.95, 1.0, 1.0, 1.0, 1.05, 1.2, 1.35, 1.4)
_EVENING = (1.3, 1.15, 1.05, 1.0, 0.95, 0.9, 0.85, 0.65)
_HOURS = np.array((*_NIGHT, *_MORNING, *_EVENING))


class ActivityProfile:
    """Activity of each day: growth, monthly variation, quiet weekends, occasional spikes.

    Args:
        seed: Seed of the world.
        name: Name of the stream or market.
        start_ms: When business began, in milliseconds.
        weekend: Activity of a weekend day relative to a weekday.
    """

    def __init__(self, seed: int, name: str, start_ms: int, *, weekend: float = 0.6) -> None:
        self._month, self._day, self._spike = (
            hash_key(seed, name, part) for part in ("month", "day", "spike")
        )
        self.first_day = start_ms // DAY
        self._weekend = weekend
        # Normalised to a mean of 1 over the second year, so that "rows per day" holds once business runs.
        self._level = 1.0
        self._level = float(self.of_days(np.arange(self.first_day + 365, self.first_day + 730)).mean())

    def of_days(self, days: Int64Array) -> FloatArray:
        """Activity of these days (since 1970); an average day has 1."""
        age = np.maximum(days - self.first_day, 0) / 365.0
        growth = 0.3 + 0.7 * age**1.2
        weekday = np.where((days + 3) % 7 >= 5, self._weekend, 1.0)
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        month = 0.75 + 0.6 * uniform(self._month, months)
        noise = 0.8 + 0.4 * uniform(self._day, days)
        chances = uniform(self._spike, days)
        spike = np.where(chances < 0.012, 2.0 + 200.0 * chances, 1.0)
        busy: FloatArray = growth * weekday * month * noise * spike / self._level
        return busy


class Block:
    """Rows of some hours, as columns.

    Attributes:
        hour: Hour of each row, since 1970.
        index: Index of each row within its hour.
        order: Index of the order within its hour; the fills of one order share it, and their time.
        time: Time of each row, in milliseconds.
    """

    def __init__(
        self, key: int, hour: Int64Array, index: Int64Array, order: Int64Array, time: Int64Array
    ) -> None:
        self._key = key
        self.hour, self.index, self.order, self.time = hour, index, order, time
        self._row_bits: UInt64Array | None = None
        self._order_bits: UInt64Array | None = None

    @classmethod
    def of_hours(cls, key: int, hours: Int64Array, counts: Int64Array, same_order_fraction: float) -> Block:
        """All rows of these hours."""
        hour: Int64Array = np.repeat(hours, counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        last = first + np.repeat(counts, counts) - 1
        index: Int64Array = np.arange(len(hour), dtype=np.int64) - first
        if same_order_fraction:
            opens = (index == 0) | (uniform(_label_key(key, "together"), hour, index) >= same_order_fraction)
            running = np.cumsum(opens)
            order: Int64Array = running - running[first]
        else:
            order = index
        # One order in each of as many equal parts of the hour: ascending times without sorting.
        within = (order + uniform(_label_key(key, "time"), hour, order)) / (order[last] + 1)
        return cls(key, hour, index, order, hour * HOUR + (within * HOUR).astype(np.int64))

    def take(self, rows: Int64Array) -> Block:
        """Some of the rows, by index."""
        return Block(self._key, self.hour[rows], self.index[rows], self.order[rows], self.time[rows])

    def __len__(self) -> int:
        return len(self.hour)

    def bits(self, label: str) -> UInt64Array:
        """64 random bits for each row."""
        if self._row_bits is None:
            self._row_bits = random_bits(self._key, self.hour, self.index)
        return random_bits(_label_key(self._key, label), self._row_bits)

    def by_row(self, label: str) -> FloatArray:
        """A number from 0 to 1 for each row."""
        return to_fraction(self.bits(label))

    def by_order(self, label: str) -> FloatArray:
        """A number from 0 to 1 for each order, the same for all its fills."""
        if self._order_bits is None:
            self._order_bits = random_bits(_label_key(self._key, "order"), self.hour, self.order)
        return uniform(_label_key(self._key, label), self._order_bits)


@lru_cache(maxsize=4096)
def _label_key(key: int, label: str) -> int:
    return hash_key(key, label)


class RowGenerator(Protocol):
    """Generates the rows of a stream."""

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        ...

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows that match."""
        ...

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        ...


class Stream:
    """Rows of one kind since business began.

    Args:
        seed: Seed of the world.
        name: Name of the stream; streams of different names are independent.
        activity: Activity of each day.
        per_day: Rows on an average day.
        start_ms: When business began, in milliseconds.
        same_order_fraction: Fraction of rows that are a further fill of the order before them.
        closed: A span of whole hours, in milliseconds, without rows.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        activity: ActivityProfile,
        per_day: float,
        start_ms: int,
        *,
        same_order_fraction: float = 0.0,
        closed: tuple[int, int] = (0, 0),
    ) -> None:
        self._key = hash_key(seed, name)
        self._activity = activity
        self._per_hour = per_day / 24
        self._same_order_fraction = same_order_fraction
        self._closed = closed[0] // HOUR, closed[1] // HOUR
        self.first_hour = start_ms // HOUR

    def counts(self, hours: Int64Array) -> Int64Array:
        """Number of rows in each of these hours, which must ascend."""
        if not len(hours):
            return hours
        days = hours // 24
        first = int(days[0])
        busy = self._activity.of_days(np.arange(first, int(days[-1]) + 1))[days - first] * _HOURS[hours % 24]
        noise = 0.85 + 0.3 * uniform(_label_key(self._key, "wobble"), hours)
        exact = self._per_hour * busy * noise
        counts: Int64Array = np.floor(exact + uniform(_label_key(self._key, "count"), hours)).astype(np.int64)
        opened, (closed, reopened) = hours >= self.first_hour, self._closed
        return np.where(opened & ((hours < closed) | (hours >= reopened)), counts, 0)

    def block(self, hours: Int64Array) -> Block:
        """All rows of these hours, which must ascend."""
        return Block.of_hours(self._key, hours, self.counts(hours), self._same_order_fraction)


@dataclass(frozen=True, slots=True)
class _HourRange:
    """All rows of some hours, except some of the first and the last hour."""

    hours: Int64Array
    skipped: int
    ends: Int64Array  # cumulative number of rows after each hour, without the skipped ones

    @property
    def total(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0


@dataclass(frozen=True, slots=True)
class _SelectedRows:
    """Rows given individually."""

    hours: Int64Array
    indices: Int64Array

    @property
    def total(self) -> int:
        return len(self.hours)


Filters = tuple[tuple[str, str], ...]
StreamChooser = Callable[[Mapping[str, str]], tuple[Stream, RowGenerator]]


class StreamTable:
    """A `Table` over a stream.

    Args:
        choose: Returns stream and generator for the filters: some endpoints serve two markets.
        now_ms: End of a span that has none.
    """

    def __init__(self, choose: StreamChooser, now_ms: int) -> None:
        self._choose = choose
        self._now_ms = now_ms
        self._find = lru_cache(maxsize=16)(self._search)

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        return self._find(start, end, tuple(sorted(filters.items()))).total

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        stream, generator = self._choose(filters)
        found = self._find(start, end, tuple(sorted(filters.items())))
        stop = min(offset + limit, found.total)
        if offset >= stop:
            return []
        if isinstance(found, _HourRange):
            low = int(np.searchsorted(found.ends, offset, side="right"))
            high = int(np.searchsorted(found.ends, stop, side="left"))
            before = int(found.ends[low - 1]) if low else -found.skipped
            block = stream.block(found.hours[low : high + 1])
            return generator.rows(block.take(np.arange(offset - before, stop - before)))
        hours, indices = found.hours[offset:stop], found.indices[offset:stop]
        touched = np.unique(hours)
        block = stream.block(touched)
        firsts = np.searchsorted(block.hour, touched)
        return generator.rows(block.take(firsts[np.searchsorted(touched, hours)] + indices))

    def clear_cache(self) -> None:
        """Discard cached searches, after a customer's id has changed."""
        self._find.cache_clear()

    def _search(self, start: int | None, end: int | None, filters: Filters) -> _HourRange | _SelectedRows:
        given = dict(filters)
        stream, generator = self._choose(given)
        end = self._now_ms if end is None else end
        first = stream.first_hour if start is None else max(start // HOUR, stream.first_hour)
        hours = np.arange(first, max(end // HOUR + 1, first), dtype=np.int64)
        counts = stream.counts(hours)
        if generator.accepts_all(given):
            return _trimmed(stream, hours, counts, start, end)
        none = np.empty(0, dtype=np.int64)
        parts = [(none, none)]
        for chunk in chunks(hours, counts):
            block = stream.block(chunk)
            passes = generator.mask(block, given) & (block.time <= end)
            if start is not None:
                passes &= block.time >= start
            parts.append((block.hour[passes], block.index[passes]))
        return _SelectedRows(np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts]))


def _trimmed(
    stream: Stream, hours: Int64Array, counts: Int64Array, start: int | None, end: int
) -> _HourRange:
    if not len(hours):
        return _HourRange(hours, 0, counts)
    ends = np.cumsum(counts)
    edges = stream.block(np.unique(hours[[0, -1]]))
    late = int((edges.time > end).sum())
    early = 0 if start is None else int((edges.time < start).sum())
    ends[-1] -= late
    return _HourRange(hours, early, np.maximum(ends - early, 0))


def chunks(hours: Int64Array, counts: Int64Array) -> Iterator[Int64Array]:
    """The hours in parts of about `CHUNK_ROWS` rows; hours without rows are skipped."""
    hours, counts = hours[counts > 0], counts[counts > 0]
    part = np.cumsum(counts) // CHUNK_ROWS
    for number in np.unique(part):
        yield hours[part == number]
