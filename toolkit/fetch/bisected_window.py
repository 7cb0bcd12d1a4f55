"""One window that comes in parts: of an endpoint that has a limit and no pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.endpoints import ENDPOINTS, Endpoint, Paging
from toolkit.endpoints.codes import is_span_too_long
from toolkit.endpoints.model import MILLISECOND
from toolkit.errors import ApiError, IncompleteError
from toolkit.fetch.paged_window import ROUND
from toolkit.fetch.windows import Gap, WindowFetch, moment_of, rows_of
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.planning import Span

MOST_CROWDED = 100
"""Milliseconds of one window that hold more rows than an answer may have. Some may where many orders are
filled at once; a server that is full of them answers whatever it is asked with a full answer."""

FEWEST = 10
"""Fewer rows than this are what there is: no number of rows at which the exchange cuts is documented that
is smaller."""

_SIZES = {each.paging.default for each in ENDPOINTS} | {each.paging.maximum for each in ENDPOINTS}
_DAY = 86_400_000


class RowCounts:
    """What the answers of one fetch tell of how many rows the exchange hands out at once.

    Args:
        paging: What was asked for.

    Attributes:
        cap: An answer with so many rows is full: there may be more. The number asked for, or a smaller one
            at which an answer was found to be cut.
        shown: So many rows the exchange is known to hand out: fewer were not cut.
        is_late: An answer was believed that has as many rows as one that was found to be cut later on.
    """

    def __init__(self, paging: Paging) -> None:
        self.cap = paging.maximum
        self.shown = 0
        self.is_late = False
        self._paging = paging
        self._highest = 0
        self._checks: dict[int, int] = {}
        self._waiting: list[Callable[[], None]] = []

    def begin_check(self, since: int, rows: int) -> None:
        """An answer with so many rows is being held against its halves, of the window from a moment on."""
        self._checks[since] = rows

    def end_check(self, since: int) -> None:
        """What came of it is known: whoever waits for a check looks again."""
        if self._checks.pop(since, None) is not None:
            waiting, self._waiting = self._waiting, []
            for resume in waiting:
                resume()

    def waits(self, since: int, rows: int, resume: Callable[[], None]) -> bool:
        """Whether a check of an earlier window may tell enough of an answer: `resume` is called after it.

        Only of an earlier one, which is taken in before, so that no two wait for each other.
        """
        waits = any(start < since and checked >= rows for start, checked in self._checks.items())
        if waits:
            self._waiting.append(resume)
        return waits

    def is_suspect(self, rows: int) -> bool:
        """Whether an answer that is not full may have been cut all the same, at so many rows."""
        if rows < FEWEST or rows <= self.shown:
            return False
        is_round = rows in _SIZES or rows % 50 == 0
        return is_round or rows >= self._paging.maximum * 49 // 50 or rows == self._highest

    def accepted(self, rows: int) -> None:
        """An answer with so many rows is taken as whole."""
        self._highest = max(self._highest, rows)

    def checked(self, rows: int) -> None:
        """It was found to be whole, or it had all that were asked for."""
        self.shown = max(self.shown, rows)

    def truncated_at(self, rows: int) -> None:
        """It was found to be cut; not if more were handed out: then rows were added meanwhile."""
        if rows > self.shown and rows >= self._highest:
            self.is_late = self.is_late or rows == self._highest
            self.cap = min(self.cap, rows)

    def renewed(self) -> RowCounts:
        """The same knowledge, for asking once more."""
        counts = RowCounts(self._paging)
        counts.cap, counts.shown = self.cap, self.shown
        return counts


@dataclass(slots=True)
class _Verification:
    """An answer that may have been cut, and spans in it with the rows that it has of them.

    Where asking for these spans gives as many rows, nothing had been left out: each is shorter, and has
    fewer rows than are handed out. That says nothing of rows of one moment.

    Attributes:
        moment: Of all of them, None where they are of several.
    """

    payload: Any
    rows: int
    moment: int | None
    spans: deque[tuple[Span, int]] = field(default_factory=deque)


class BisectedWindow(WindowFetch):
    """A window of an endpoint without pages, in parts, each as long as its answer allows.

    A full answer may have left rows out, and which ones is not documented: it is not used, and half
    its part is asked for instead. What cannot be halved (a millisecond, or a day where rows are
    daily) is kept as it is, and said. An answer that may have been cut at its number of rows is held
    against the answers to its halves: where they have more rows, and the same answer comes again, it had
    been cut. While that is done for an earlier window, one of a later window with no more rows waits for the
    result. Where there is a row for each day, the days tell whether all are there.

    Args:
        endpoint: What is asked.
        question: What is asked for.
        span: The window.
        counts: What the answers of the fetch tell.
    """

    span: Span

    def __init__(self, endpoint: Endpoint, question: Query, span: Span, counts: RowCounts) -> None:
        super().__init__(endpoint, span)
        window = endpoint.window
        self._counts = counts
        self._daily = window is not None and window.per_day
        self._one_a_day = self._daily and question.is_constrained("id")
        self._longest = span.length
        if window is not None and window.max_span is not None:
            self._longest = window.max_span // MILLISECOND + 1
        self._step = self._longest
        self._start = span.start  # of what was not asked for yet, or is to be asked for again
        self._current = self._smallest = span
        self._verification: _Verification | None = None
        self._contradicted = 0  # rows of the part's answer, where those to its halves had others
        self._waits = False  # for the check of another window, which may make one of its own needless
        self._ready: deque[tuple[Any, Span]] = deque()

    # -- asking --------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """Whether there is a part left; each depends on the one before."""
        is_free = not self._under_way and not self._failures and not self._waits
        return is_free and self._start <= self.span.end

    def _check_bounds(self) -> None:
        super()._check_bounds()
        if len(self.gaps) >= MOST_CROWDED and not self._daily:
            raise IncompleteError(
                self.endpoint.qualified_name,
                f"{MOST_CROWDED} single milliseconds of one window have as many rows as one answer may: no "
                "exchange has so many, and this one answers whatever it is asked with a full answer",
            )

    def _next(self) -> Mapping[str, object]:
        paging = self.endpoint.paging
        if self._verification is not None:
            span = self._verification.spans[0][0]
        else:
            if not self._contradicted:
                self._current, self._smallest = self._next_span()
            span = self._current
        return {"startTime": span.start, "endTime": span.end, paging.size: paging.maximum}

    def _next_span(self) -> tuple[Span, Span]:
        """The next part, and the smallest that begins there."""
        start = smallest = self._start
        end = min(start + self._step - 1, self.span.end)
        if self._daily:  # a part ends with a day
            smallest = min(start - start % _DAY + _DAY - 1, self.span.end)
            end = max(smallest, end if end == self.span.end else end - (end + 1) % _DAY)
        return Span(start, end), Span(start, smallest)

    # -- what came -----------------------------------------------------------------------------------

    def _hold(self, number: int, payload: Any) -> None:
        rows = rows_of(self.endpoint, payload)
        contradicted, self._contradicted = self._contradicted, 0
        if self._verification is not None:
            self._compare(self._verification, len(rows))
        elif contradicted and contradicted == len(rows):  # else there were more to come meanwhile
            self._counts.truncated_at(len(rows))
            self._step = self._current.length // 2
        else:
            self._classify(payload, rows)
        if self._verification is None and not self._contradicted:
            self._counts.end_check(self.span.start)

    def _classify(self, payload: Any, rows: Sequence[Any]) -> None:
        if self._has_every_day(rows):
            self._accept(payload, len(rows))
        elif len(rows) >= self._counts.cap:
            self._bisect(payload, len(rows))
        elif self._is_suspect(rows):
            self._start_check(payload, rows)
        else:
            self._accept(payload, len(rows))

    def _is_suspect(self, rows: Sequence[Any]) -> bool:
        is_short = self._one_a_day and len(rows) >= FEWEST and len(rows) > self._counts.shown
        return is_short or self._counts.is_suspect(len(rows))

    def _has_every_day(self, rows: Sequence[Any]) -> bool:
        """Whether there is one row for each day, and no more can be."""
        if not self._one_a_day or not rows:
            return False
        days = {moment_of(self.endpoint, row) for row in rows}
        every = _days_of(self._current)
        # The row of a day that had begun before the part does may be there as well.
        return len(days) == len(rows) and every <= days <= every | {self._current.start // _DAY * _DAY}

    def _bisect(self, payload: Any, rows: int) -> None:
        if rows >= self.endpoint.paging.maximum:
            self._counts.checked(rows)
        if self._current != self._smallest:
            self._step = self._current.length // 2
            return
        self._keep_crowded(payload, rows, self._current)

    def _accept(self, payload: Any, rows: int) -> None:
        self._counts.accepted(rows)
        if rows < self._counts.cap // 3:
            # What follows may be sparser than what made it short.
            self._step = min(self._step * 2, self._longest)
        self._keep(payload)

    def _keep_crowded(self, payload: Any, rows: int, span: Span) -> None:
        unit = "day" if self._daily else "millisecond"
        why = (
            f"one {unit} holds as many rows as answers are cut at, {rows:,}: there may be more in it that "
            "cannot be had"
        )
        self.gaps.append(Gap(why, span))
        self._keep(payload)

    def _keep(self, payload: Any) -> None:
        self._ready.append((payload, self._current))
        self._start = self._current.end + 1

    # -- suspicions ----------------------------------------------------------------------------------

    def _start_check(self, payload: Any, rows: Sequence[Any]) -> None:
        moments = {moment_of(self.endpoint, row) for row in rows}
        spans = self._spans(rows) if self._current != self._smallest else []
        verification = _Verification(
            payload, len(rows), moments.pop() if len(moments) == 1 else None, deque(spans)
        )
        if not spans:
            self._finish_check(verification)
            return
        self._verification = verification
        self._waits = self._counts.waits(self.span.start, len(rows), self._resume)
        if not self._waits:
            self._counts.begin_check(self.span.start, len(rows))

    def _resume(self) -> None:
        """The check of another window has ended."""
        verification, self._verification, self._waits = self._verification, None, False
        if verification is not None:
            self._classify(verification.payload, rows_of(self.endpoint, verification.payload))

    def _finish_check(self, verification: _Verification) -> None:
        """Nothing more can be asked: the answer is whole, as far as can be known."""
        moment = verification.moment
        if moment is None or verification.rows not in ROUND:
            self._accept(verification.payload, verification.rows)
            return
        end = moment + _DAY - 1 if self._daily else moment
        span = Span(max(moment, self._current.start), min(end, self._current.end))
        self._keep_crowded(
            verification.payload, verification.rows, span if span.length > 0 else self._current
        )

    def _spans(self, rows: Sequence[Any]) -> list[tuple[Span, int]]:
        """Spans of the part, and the rows its answer has in each; none where a row does not tell its time.

        Two halves by the number of rows; where all are of one moment, what is before and what is after it.
        Where there is a row for each day at most, the days without one, if they are not all over the part.
        """
        span_part = self._current
        times = [moment_of(self.endpoint, row) for row in rows]
        moments = sorted(time for time in times if time is not None)
        if (
            len(moments) < len(times)
            or not span_part.start - _DAY < moments[0] <= moments[-1] <= span_part.end
        ):
            return []
        missing = _days_of(span_part) - set(moments) if self._one_a_day else set()
        if missing:
            first, last = min(missing), max(missing)
            within = sum(first <= moment <= last for moment in moments)
            if within < len(moments):
                return [(Span(first, min(last + _DAY - 1, span_part.end)), within)]
        middle = moments[len(moments) // 2]
        if middle == moments[0]:
            middle = next((moment for moment in moments if moment > moments[0]), middle)
        before = sum(moment < middle for moment in moments)
        if before:
            return [
                (Span(span_part.start, middle - 1), before),
                (Span(middle, span_part.end), len(moments) - before),
            ]
        around = [(Span(span_part.start, middle - 1), 0), (Span(middle + 1, span_part.end), 0)]
        return [(span, count) for span, count in around if span.length > 0]

    def _compare(self, verification: _Verification, rows: int) -> None:
        _, expected = verification.spans.popleft()
        if rows != expected:
            self._verification = None
            self._contradicted = verification.rows
        elif not verification.spans:
            self._verification = None
            if verification.moment is None:
                self._counts.checked(verification.rows)
            self._finish_check(verification)

    def failed(self, number: int, error: Exception) -> None:
        """Hold an error; a part that is too long is asked for in halves."""
        too_long = isinstance(error, ApiError) and is_span_too_long(self.endpoint.path, error.code)
        if not too_long or self._current == self._smallest or self._verification is not None:
            super().failed(number, error)
            return
        self._under_way.discard(number)
        self._contradicted = 0
        self._longest = self._step = self._current.length // 2

    # -- taking in -----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Parts that have come and were not taken in."""
        return len(self._ready) + (self._verification is not None)

    @property
    def is_ready(self) -> bool:
        """Whether a part has come; they come in order."""
        return bool(self._ready)

    def consume(self, builder: FrameBuilder) -> None:
        """Take in the next part."""
        payload, span_part = self._ready.popleft()
        self._add(payload, span_part, builder)
        self.done_until = span_part.end + 1
        self.is_done = span_part.end == self.span.end

    def _add(self, payload: Any, span_part: Span, builder: FrameBuilder) -> None:
        builder.begin_window()
        builder.add(payload, (span_part.start, span_part.end), self.endpoint.paging.maximum)

    def salvage(self, builder: FrameBuilder) -> None:
        """Take in the parts that have come, and the one that is under suspicion: it may be short of some."""
        super().salvage(builder)
        if self._verification is not None:
            self._add(self._verification.payload, self._current, builder)
            self._verification = None


def _days_of(span_part: Span) -> set[int]:
    """The midnights in a part."""
    return set(range(span_part.start + -span_part.start % _DAY, span_part.end + 1, _DAY))
