"""Endless rows made on demand: time is cut into hours, and each hour's rows follow from the seed.

How many rows an hour has, and what they are, is a function of (seed, stream, hour) alone. A page in
the middle of ten million rows costs the hours it touches and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from toolkit.sandbox.world.hashing import F64, I64, U64, Mask, chance, key_of, uniform, unit
from toolkit.sandbox.world.tables import Row

HOUR = 3_600_000
DAY = 24 * HOUR
# More rows than this are not made at once: memory stays small however wide the span.
CHUNK_ROWS = 65_536

# How busy each hour of the day is (UTC); the mean is 1.
_NIGHT = (1.0, 1.0, 0.95, 0.9, 0.85, 0.8, 0.8, 0.85)
_MORNING = (0.95, 1.0, 1.0, 1.0, 1.05, 1.2, 1.35, 1.4)
_EVENING = (1.3, 1.15, 1.05, 1.0, 0.95, 0.9, 0.85, 0.65)
_HOURS = np.array((*_NIGHT, *_MORNING, *_EVENING))


class Rhythm:
    """How busy each day is: growth, months of their own, quiet weekends, now and then a spike.

    Args:
        seed: Seed of the world.
        name: What has this rhythm.
        start_ms: When business began.
        weekend: How busy a weekend is against a weekday.
    """

    def __init__(self, seed: int, name: str, start_ms: int, *, weekend: float = 0.6) -> None:
        self._month, self._day, self._spike = (key_of(seed, name, part) for part in ("month", "day", "spike"))
        self.first_day = start_ms // DAY
        self._weekend = weekend
        # The mean over the second year is 1, so "rows a day" means what it says once business runs.
        self._level = 1.0
        self._level = float(self.of_days(np.arange(self.first_day + 365, self.first_day + 730)).mean())

    def of_days(self, days: I64) -> F64:
        """How busy these days (since 1970) are; a usual one has 1."""
        age = np.maximum(days - self.first_day, 0) / 365.0
        growth = 0.3 + 0.7 * age**1.2
        weekday = np.where((days + 3) % 7 >= 5, self._weekend, 1.0)
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        month = 0.75 + 0.6 * uniform(self._month, months)
        noise = 0.8 + 0.4 * uniform(self._day, days)
        chances = uniform(self._spike, days)
        spike = np.where(chances < 0.012, 2.0 + 200.0 * chances, 1.0)
        busy: F64 = growth * weekday * month * noise * spike / self._level
        return busy


class Block:
    """Rows of some hours, column by column.

    Attributes:
        hour: Hour of each row, since 1970.
        place: Number of each row within its hour.
        order: Number of the order within its hour; fills of one order share it, and their time.
        time: Milliseconds.
    """

    def __init__(self, key: int, hour: I64, place: I64, order: I64, time: I64) -> None:
        self._key = key
        self.hour, self.place, self.order, self.time = hour, place, order, time

    @classmethod
    def of_hours(cls, key: int, hours: I64, counts: I64, together: float) -> Block:
        """All rows of these hours."""
        hour: I64 = np.repeat(hours, counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        last = first + np.repeat(counts, counts) - 1
        place: I64 = np.arange(len(hour), dtype=np.int64) - first
        opens = (place == 0) | (uniform(_label_key(key, "together"), hour, place) >= together)
        running = np.cumsum(opens)
        order: I64 = running - running[first]
        # One order in each of as many equal parts of the hour: in order of time without sorting.
        within = (order + uniform(_label_key(key, "time"), hour, order)) / (order[last] + 1)
        return cls(key, hour, place, order, hour * HOUR + (within * HOUR).astype(np.int64))

    def take(self, rows: I64) -> Block:
        """Some of the rows, by their number in this block."""
        return Block(self._key, self.hour[rows], self.place[rows], self.order[rows], self.time[rows])

    def __len__(self) -> int:
        return len(self.hour)

    def bits(self, label: str) -> U64:
        """64 random bits for each row."""
        return chance(_label_key(self._key, label), self.hour, self.place)

    def by_row(self, label: str) -> F64:
        """A number from 0 to 1 for each row."""
        return unit(self.bits(label))

    def by_order(self, label: str) -> F64:
        """A number from 0 to 1 for each order: all its fills have the same."""
        return uniform(_label_key(self._key, label), self.hour, self.order)


@lru_cache(maxsize=4096)
def _label_key(key: int, label: str) -> int:
    return key_of(key, label)


class Recipe(Protocol):
    """What the rows of a stream are."""

    def plain(self, filters: Mapping[str, str]) -> bool:
        """Whether every row passes these filters."""
        ...

    def mask(self, block: Block, filters: Mapping[str, str]) -> Mask:
        """Which rows pass."""
        ...

    def rows(self, block: Block) -> list[Row]:
        """The rows as they go over the wire."""
        ...


class Stream:
    """Rows of one kind since business began.

    Args:
        seed: Seed of the world.
        name: Name of the stream; other streams of the same seed have nothing to do with it.
        rhythm: How busy each day is.
        per_day: Rows on a usual day.
        start_ms: When business began.
        together: Share of rows that are a further fill of the order before them.
    """

    def __init__(
        self, seed: int, name: str, rhythm: Rhythm, per_day: float, start_ms: int, *, together: float = 0.0
    ) -> None:
        self._key = key_of(seed, name)
        self._rhythm = rhythm
        self._per_hour = per_day / 24
        self._together = together
        self.first_hour = start_ms // HOUR

    def counts(self, hours: I64) -> I64:
        """How many rows each of these hours has."""
        busy = self._rhythm.of_days(hours // 24) * _HOURS[hours % 24]
        wobble = 0.85 + 0.3 * uniform(_label_key(self._key, "wobble"), hours)
        exact = self._per_hour * busy * wobble
        counts: I64 = np.floor(exact + uniform(_label_key(self._key, "count"), hours)).astype(np.int64)
        return np.where(hours < self.first_hour, 0, counts)

    def block(self, hours: I64) -> Block:
        """All rows of these hours, which ascend."""
        return Block.of_hours(self._key, hours, self.counts(hours), self._together)


@dataclass(frozen=True, slots=True)
class _Range:
    """All rows of some hours but a few of the first and of the last."""

    hours: I64
    skipped: int
    ends: I64  # rows up to the end of each hour, counted after the skipped ones

    @property
    def total(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0


@dataclass(frozen=True, slots=True)
class _Scattered:
    """Rows named one by one."""

    hours: I64
    places: I64

    @property
    def total(self) -> int:
        return len(self.hours)


Filters = tuple[tuple[str, str], ...]
Choose = Callable[[Mapping[str, str]], tuple[Stream, Recipe]]


class StreamTable:
    """A `Table` over a stream.

    Args:
        choose: Stream and recipe for the filters: some endpoints serve two markets.
        now_ms: Where a span without an end stops.
    """

    def __init__(self, choose: Choose, now_ms: int) -> None:
        self._choose = choose
        self._now_ms = now_ms
        self._find = lru_cache(maxsize=16)(self._search)

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """How many rows there are between two times (ms), both included."""
        return self._find(start, end, tuple(sorted(filters.items()))).total

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Some of these rows, counted from the oldest."""
        stream, recipe = self._choose(filters)
        found = self._find(start, end, tuple(sorted(filters.items())))
        stop = min(offset + limit, found.total)
        if offset >= stop:
            return []
        if isinstance(found, _Range):
            low = int(np.searchsorted(found.ends, offset, side="right"))
            high = int(np.searchsorted(found.ends, stop, side="left"))
            before = int(found.ends[low - 1]) if low else -found.skipped
            block = stream.block(found.hours[low : high + 1])
            return recipe.rows(block.take(np.arange(offset - before, stop - before)))
        hours, places = found.hours[offset:stop], found.places[offset:stop]
        touched = np.unique(hours)
        block = stream.block(touched)
        firsts = np.searchsorted(block.hour, touched)
        return recipe.rows(block.take(firsts[np.searchsorted(touched, hours)] + places))

    def forget(self) -> None:
        """What was found no longer holds: somebody goes by another name."""
        self._find.cache_clear()

    def _search(self, start: int | None, end: int | None, filters: Filters) -> _Range | _Scattered:
        given = dict(filters)
        stream, recipe = self._choose(given)
        end = self._now_ms if end is None else end
        first = stream.first_hour if start is None else max(start // HOUR, stream.first_hour)
        hours = np.arange(first, max(end // HOUR + 1, first), dtype=np.int64)
        counts = stream.counts(hours)
        if recipe.plain(given):
            return _trimmed(stream, hours, counts, start, end)
        none = np.empty(0, dtype=np.int64)
        parts = [(none, none)]
        for chunk in _chunks(hours, counts):
            block = stream.block(chunk)
            passes = recipe.mask(block, given) & (block.time <= end)
            if start is not None:
                passes &= block.time >= start
            parts.append((block.hour[passes], block.place[passes]))
        return _Scattered(np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts]))


def _trimmed(stream: Stream, hours: I64, counts: I64, start: int | None, end: int) -> _Range:
    if not len(hours):
        return _Range(hours, 0, counts)
    ends = np.cumsum(counts)
    late = int((stream.block(hours[-1:]).time > end).sum())
    early = 0 if start is None else int((stream.block(hours[:1]).time < start).sum())
    ends[-1] -= late
    return _Range(hours, early, np.maximum(ends - early, 0))


def _chunks(hours: I64, counts: I64) -> Iterator[I64]:
    """The hours in parts of about `CHUNK_ROWS` rows; hours without rows are left out."""
    hours, counts = hours[counts > 0], counts[counts > 0]
    part = np.cumsum(counts) // CHUNK_ROWS
    for number in np.unique(part):
        yield hours[part == number]
