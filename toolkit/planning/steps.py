"""The regular times of a series: where the steps of a span begin, and how many fit in a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from toolkit.endpoints import Endpoint
from toolkit.planning.spans import Span, iso

Times = NDArray[np.int64]

_SECOND = 1_000
_DAY = 86_400_000
_UNITS = {"s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND, "d": _DAY, "w": 7 * _DAY}
_MONTH = "1M"
_MONDAY = 4 * _DAY  # 1970-01-05


@dataclass(frozen=True, slots=True)
class StepGrid:
    """The times at which steps of one length begin, in milliseconds since 1970.

    They are counted from 1970-01-01, weeks from a Monday, and months are those of the calendar, all in UTC.

    Attributes:
        word: The length in the exchange's words: "1m", "3d", "1M".
        origin: A time at which a step begins.
    """

    word: str
    origin: int = 0

    @classmethod
    def of(cls, word: str) -> StepGrid:
        """The grid for a length in the exchange's words."""
        return cls(word, _MONDAY if word.endswith("w") else 0)

    def fitted(self, time: int) -> StepGrid:
        """The same grid, or for steps of several days the one that the time of a row shows.

        It is not documented from which day on they are counted.
        """
        several_days = self.word.endswith("d") and self.word != "1d"
        return replace(self, origin=time % self._length) if several_days else self

    @property
    def _length(self) -> int:
        return int(self.word[:-1]) * _UNITS[self.word[-1]]

    def numbers(self, times: Times) -> Times:
        """The number of the step in which each time is."""
        if self.word == _MONTH:
            return cast(Times, times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64))
        return (times - self.origin) // self._length

    def starts(self, numbers: Times) -> Times:
        """The time at which each step begins."""
        if self.word == _MONTH:
            return cast(Times, numbers.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64))
        return numbers * self._length + self.origin

    def number(self, time: int) -> int:
        """The number of the step in which a time is."""
        return int(self.numbers(np.array([time]))[0])

    def start(self, number: int) -> int:
        """The time at which a step begins."""
        return int(self.starts(np.array([number]))[0])

    def within(self, span: Span) -> range:
        """The numbers of the steps that begin within a span."""
        first = self.number(span.start - 1) + 1
        return range(first, self.number(span.end) + 1)

    def windows(self, span: Span, steps: int) -> Iterator[Span]:
        """Split a span into windows with as many steps each, the last one with what is left."""
        found = self.within(span)
        begins = [span.start, *(self.start(number) for number in found[steps::steps])]
        ends = [*(begin - 1 for begin in begins[1:]), span.end]
        yield from map(Span, begins, ends)

    def gaps(self, span: Span, times: Times) -> list[dict[str, Any]]:
        """The steps within a span that no row is of.

        Args:
            span: The span.
            times: The times of the rows within it, ascending.
        """
        steps = self.within(span)
        bounds = np.concatenate(([steps.start - 1], self.numbers(times), [steps.stop]))
        missing = np.diff(bounds) - 1
        found = np.flatnonzero(missing > 0)
        starts = self.starts(bounds[found] + 1)
        ends = self.starts(bounds[found + 1])
        return [
            {"start": iso(start), "end": iso(end - 1), "rows": rows}
            for start, end, rows in zip(starts.tolist(), ends.tolist(), missing[found].tolist(), strict=True)
        ]


def grid_of(endpoint: Endpoint, parameters: Mapping[str, object]) -> StepGrid | None:
    """The grid for the parameters of a request; None where the rows have no regular times."""
    if endpoint.steps is None:
        return None
    fields = {param.name: param.field for param in endpoint.params}
    return StepGrid.of(str(parameters[fields[endpoint.steps.param]]))


def gaps_in(
    grid: StepGrid, span: Span, missing: Sequence[Span], times: Times, now: int
) -> list[dict[str, Any]]:
    """The steps of a span that no row is of, as the attributes of a frame list them.

    Args:
        grid: The times at which steps begin.
        span: The span.
        missing: Parts of it that were not fetched, ascending. Nothing is known about their steps.
        times: The times of the rows, ascending.
        now: The exchange's time. The step that is still running may get its row yet, so it is no gap.
    """
    if len(times):
        grid = grid.fitted(int(times[0]))
    span = Span(span.start, min(span.end, grid.start(grid.number(now)) - 1))
    gaps: list[dict[str, Any]] = []
    start = span.start
    for part in (*missing, Span(span.end + 1, span.end)):
        known = Span(start, min(part.start - 1, span.end))
        if known.start <= known.end:
            within = times[np.searchsorted(times, known.start) : np.searchsorted(times, known.end, "right")]
            gaps += grid.gaps(known, within)
        start = max(start, part.end + 1)
    return gaps


def rows_per_request(endpoint: Endpoint, parameters: Mapping[str, object], rows: int) -> int:
    """How many rows to request at a time, so that so many rows weigh least.

    Where the weight follows the number of rows, the largest request is not the cheapest. Of requests that
    weigh the same, the largest takes the fewest.
    """
    maximum = endpoint.paging.maximum

    def weight(size: int) -> int:
        return endpoint.weight_of({**parameters, endpoint.paging.size: size})

    def total(size: int) -> tuple[int, int]:
        whole, rest = divmod(rows, size)
        return whole * weight(size) + (weight(rest) if rest else 0), whole + bool(rest)

    sizes = [maximum]
    while (lighter := _largest_below(weight, sizes[-1])) is not None:
        sizes.append(lighter)
    return min(sizes, key=total)


def _largest_below(weight: Callable[[int], int], size: int) -> int | None:
    """The largest number of rows that weighs less than another number; None if none does."""
    if weight(1) >= weight(size):
        return None
    low, high = 1, size  # the weight of the first is less, and that of the second is not
    while high - low > 1:
        middle = (low + high) // 2
        if weight(middle) < weight(size):
            low = middle
        else:
            high = middle
    return low


def size_sent(endpoint: Endpoint, parameters: Mapping[str, object], rows: int) -> int:
    """The number of rows to ask for if so many are expected: as many as allowed, unless fewer weigh less."""
    sizes = (endpoint.paging.maximum, max(1, rows))
    return min(sizes, key=lambda size: endpoint.weight_of({**parameters, endpoint.paging.size: size}))
