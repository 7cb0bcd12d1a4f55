"""A window fetched in parts, for endpoints that have a limit but no pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from toolkit.endpoints import Endpoint, Paging
from toolkit.endpoints.codes import is_span_too_long
from toolkit.endpoints.model import MILLISECOND
from toolkit.errors import ApiError, IncompleteError
from toolkit.fetch.windows import (
    MIN_SUSPECT_ROWS,
    PAGE_SIZES,
    TRUNCATION_SIZES,
    Gap,
    WindowFetch,
    rows_within,
)
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.frames.validation import Query
from toolkit.planning import Span, resolution, span_parameters

MAX_FULL_MILLISECONDS = 100
"""Milliseconds of one window that may hold more rows than a response can: a few can, when many orders are
filled at once. A server with more of them returns full responses whatever the request."""

_DAY = 86_400_000


class TruncationDetector:
    """Detects from the responses of one fetch at how many rows the exchange truncates them.

    Args:
        paging: The endpoint's paging.
        least: Fewer rows than this are not suspected.

    Attributes:
        cap: A response with so many rows is full, and there may be more. It is the number requested, or a
            smaller one at which a response turned out to be truncated.
        proven_rows: Number of rows that the exchange is known to return; responses with fewer were complete.
        must_restart: Whether a response was accepted that has as many rows as one found truncated later.
    """

    def __init__(self, paging: Paging, least: int = MIN_SUSPECT_ROWS) -> None:
        self.cap = paging.maximum
        self.proven_rows = 0
        self.must_restart = False
        self._paging = paging
        self._least = least
        self._highest = 0
        self._checks: dict[int, int] = {}
        self._waiting: list[Callable[[], None]] = []

    def begin_check(self, since: int, rows: int) -> None:
        """Record that a response with so many rows is being checked, for the window from `since` on."""
        self._checks[since] = rows

    def finish_check(self, since: int) -> None:
        """Record that the check has ended, and resume the windows that wait for one."""
        if self._checks.pop(since, None) is not None:
            waiting, self._waiting = self._waiting, []
            for resume in waiting:
                resume()

    def waits(self, since: int, rows: int, resume: Callable[[], None]) -> bool:
        """Whether to wait for the check of an earlier window; `resume` is called when it has ended.

        Only checks of earlier windows count, which are consumed first, so no two windows wait for each other.
        """
        waits = any(start < since and confirm >= rows for start, confirm in self._checks.items())
        if waits:
            self._waiting.append(resume)
        return waits

    def is_suspect(self, rows: int) -> bool:
        """Whether a response that is not full may still be truncated, given its number of rows."""
        if rows < self._least or rows <= self.proven_rows:
            return False
        is_round = rows in PAGE_SIZES or rows % 50 == 0
        return is_round or rows >= self._paging.maximum * 49 // 50 or rows == self._highest

    def accept(self, rows: int) -> None:
        """Record that a response with so many rows is accepted as complete."""
        self._highest = max(self._highest, rows)

    def confirm(self, rows: int) -> None:
        """Record that it was found complete, or had all the rows requested."""
        self.proven_rows = max(self.proven_rows, rows)

    def record_truncation(self, rows: int) -> None:
        """Record that it was found truncated. Not if more rows were returned: then rows were added since."""
        if rows > self.proven_rows and rows >= self._highest:
            self.must_restart = self.must_restart or rows == self._highest
            self.cap = min(self.cap, rows)

    def restarted(self) -> TruncationDetector:
        """A detector with the same knowledge, for fetching everything again."""
        truncation = TruncationDetector(self._paging, self._least)
        truncation.cap, truncation.proven_rows = self.cap, self.proven_rows
        return truncation


@dataclass(slots=True)
class _TruncationCheck:
    """A response that may be truncated, and parts of its span with the number of rows it has in each.

    If requests for these parts return as many rows, nothing was missing: each part is shorter, and has fewer
    rows than the exchange returns. This proves nothing about rows of one and the same time.

    Attributes:
        moment: The time of all rows, None if there are several.
    """

    page: Page
    moment: int | None
    spans: deque[tuple[Span, int]] = field(default_factory=deque)


class BisectedWindow(WindowFetch):
    """A window of an endpoint without pages, fetched in parts that fit into one response.

    A full response may lack rows, and which ones is not documented: it is discarded, and half of its part
    is fetched instead. What cannot be halved (a millisecond, or a day where rows are daily) is kept and
    reported as a gap. A response whose number of rows suggests truncation is checked against the responses
    to its halves: if they have more rows, and the same response comes again, it was truncated. Meanwhile a
    suspected response of a later window, with no more rows, waits for the result. If there is a row per day,
    the days show whether all rows are there.

    Args:
        endpoint: The endpoint.
        query: The parameters that the rows have to match.
        span: The window.
        truncation: Shared by the windows of the fetch.
    """

    span: Span

    def __init__(self, endpoint: Endpoint, query: Query, span: Span, truncation: TruncationDetector) -> None:
        super().__init__(endpoint, span)
        window = endpoint.window
        self._truncation = truncation
        self._daily = window is not None and window.per_day
        self._resolution = resolution(endpoint)
        self._one_row_per_day = self._daily and query.is_constrained("id")
        self._longest = span.length
        if window is not None and window.max_span is not None:
            self._longest = window.max_span // MILLISECOND + 1
        self._step = self._longest
        self._start = span.start  # of what is still to be fetched
        self._current = self._smallest = span
        self._check: _TruncationCheck | None = None
        self._contradicted_rows = 0  # rows of the part's response, if the responses to its halves differ
        self._is_waiting = False  # for the check of another window, which may make one of its own unnecessary
        self._ready: deque[tuple[Page, Span]] = deque()

    # -- requests ------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """Whether a part is left; each depends on the one before."""
        is_free = not self._under_way and not self._failures and not self._is_waiting
        return is_free and self._start <= self.span.end

    def _check_bounds(self) -> None:
        super()._check_bounds()
        if len(self.gaps) >= MAX_FULL_MILLISECONDS and not self._daily:
            raise IncompleteError(
                self.endpoint.qualified_name,
                f"{MAX_FULL_MILLISECONDS} single {self._unit}s of one window have as many rows as a response "
                "can have. No exchange has so many; this one returns full responses whatever the request",
            )

    def _next_parameters(self) -> Mapping[str, object]:
        paging = self.endpoint.paging
        if self._check is not None:
            span = self._check.spans[0][0]
        else:
            if not self._contradicted_rows:
                self._current, self._smallest = self._next_part()
            span = self._current
        return {**span_parameters(self.endpoint, span), paging.size: paging.maximum}

    def _next_part(self) -> tuple[Span, Span]:
        """The next part, and the smallest part with the same start."""
        start, length = self._start, _DAY if self._daily else self._resolution
        end = min(start + self._step - 1, self.span.end)
        # Parts end with a day or second, where the exchange does not tell shorter times apart.
        smallest = min(start - start % length + length - 1, self.span.end)
        end = max(smallest, end if end == self.span.end else end - (end + 1) % length)
        return Span(start, end), Span(start, smallest)

    # -- responses -----------------------------------------------------------------------------------

    def _on_response(self, number: int, page: Page) -> None:
        contradicted, self._contradicted_rows = self._contradicted_rows, 0
        if self._check is not None:
            self._compare(self._check, page)
        elif contradicted and contradicted == page.rows:  # otherwise rows were added meanwhile
            self._truncation.record_truncation(page.rows)
            self._step = self._current.length // 2
        else:
            self._classify(page)
        if self._check is None and not self._contradicted_rows:
            self._truncation.finish_check(self.span.start)

    def _classify(self, page: Page) -> None:
        if self._has_every_day(page):
            self._accept(page)
        elif page.rows >= self._truncation.cap:
            self._bisect(page)
        elif self._is_suspect(page.rows):
            self._start_check(page)
        else:
            self._accept(page)

    def _is_suspect(self, rows: int) -> bool:
        is_short = self._one_row_per_day and rows >= MIN_SUSPECT_ROWS and rows > self._truncation.proven_rows
        return is_short or self._truncation.is_suspect(rows)

    def _has_every_day(self, page: Page) -> bool:
        """Whether there is one row for each day, which is the maximum."""
        if not self._one_row_per_day or not page.rows:
            return False
        days = set(page.times)
        every = _days_of(self._current)
        # The row of the day in which the part begins may be there as well.
        return len(days) == page.rows and every <= days <= every | {self._current.start // _DAY * _DAY}

    def _bisect(self, page: Page) -> None:
        if page.rows >= self.endpoint.paging.maximum:
            self._truncation.confirm(page.rows)
        if self._current != self._smallest:
            self._step = self._current.length // 2
            return
        self._keep_full(page, self._current)

    def _accept(self, page: Page) -> None:
        self._truncation.accept(page.rows)
        if page.rows < self._truncation.cap // 3:
            # The following part may have fewer rows than the one that made this one short.
            self._step = min(self._step * 2, self._longest)
        self._keep(page)

    def _keep_full(self, page: Page, span: Span) -> None:
        why = (
            f"one {self._unit} has as many rows as the exchange returns at once, {page.rows:,}: it may have "
            "more, which cannot be fetched"
        )
        self.gaps.append(Gap(why, span))
        self._keep(page)

    @property
    def _unit(self) -> str:
        """What cannot be halved."""
        return "day" if self._daily else "second" if self._resolution > 1 else "millisecond"

    def _keep(self, page: Page) -> None:
        self._ready.append((page, self._current))
        self._start = self._current.end + 1

    # -- checks for truncation -----------------------------------------------------------------------

    def _start_check(self, page: Page) -> None:
        moments = {time and time - time % self._resolution for time in page.times}
        spans = self._spans(page) if self._current != self._smallest else []
        check = _TruncationCheck(page, moments.pop() if len(moments) == 1 else None, deque(spans))
        if not spans:
            self._finish_check(check)
            return
        self._check = check
        self._is_waiting = self._truncation.waits(self.span.start, page.rows, self._resume)
        if not self._is_waiting:
            self._truncation.begin_check(self.span.start, page.rows)

    def _resume(self) -> None:
        """Continue after the check of another window has ended."""
        check, self._check, self._is_waiting = self._check, None, False
        if check is not None:
            self._classify(check.page)

    def _finish_check(self, check: _TruncationCheck) -> None:
        """Accept the response as complete, as far as that can be known."""
        moment = check.moment
        if moment is None or check.page.rows not in TRUNCATION_SIZES:
            self._accept(check.page)
            return
        end = moment + (_DAY if self._daily else self._resolution) - 1
        span = Span(max(moment, self._current.start), min(end, self._current.end))
        self._keep_full(check.page, span if span.length > 0 else self._current)

    def _spans(self, page: Page) -> list[tuple[Span, int]]:
        """Parts of the span, and the rows that the response has in each; none if a row has no time.

        These are two halves by the number of rows; if all rows have one time, what is before and after it.
        If there is at most one row per day, it is the span of the days without one, unless that is the part.
        """
        part = self._current
        page = rows_within(self.endpoint, page, part)
        moments = sorted(time - time % self._resolution for time in page.times if time is not None)
        if (
            not moments
            or len(moments) < page.rows
            or not part.start - _DAY < moments[0] <= moments[-1] <= part.end
        ):
            return []
        missing = _days_of(part) - set(moments) if self._one_row_per_day else set()
        if missing:
            first, last = min(missing), max(missing)
            within = sum(first <= moment <= last for moment in moments)
            if within < len(moments):
                return [(Span(first, min(last + _DAY - 1, part.end)), within)]
        middle = moments[len(moments) // 2]
        if middle == moments[0]:
            middle = next((moment for moment in moments if moment > moments[0]), middle)
        before = sum(moment < middle for moment in moments)
        if before:
            return [
                (Span(part.start, middle - 1), before),
                (Span(middle, part.end), len(moments) - before),
            ]
        around = [(Span(part.start, middle - 1), 0), (Span(middle + self._resolution, part.end), 0)]
        return [(span, count) for span, count in around if span.length > 0]

    def _compare(self, check: _TruncationCheck, page: Page) -> None:
        span, expected = check.spans.popleft()
        if rows_within(self.endpoint, page, span).rows != expected:
            self._check = None
            self._contradicted_rows = check.page.rows
        elif not check.spans:
            self._check = None
            if check.moment is None:
                self._truncation.confirm(check.page.rows)
            self._finish_check(check)

    def receive_error(self, number: int, error: Exception) -> None:
        """Keep an error; if the part is too long, fetch half of it instead."""
        too_long = isinstance(error, ApiError) and is_span_too_long(self.endpoint.path, error.code)
        if not too_long or self._current == self._smallest or self._check is not None:
            super().receive_error(number, error)
            return
        self._under_way.discard(number)
        self._contradicted_rows = 0
        self._longest = self._step = self._current.length // 2

    # -- consuming -----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Number of parts received and not yet consumed."""
        return len(self._ready) + (self._check is not None)

    @property
    def is_ready(self) -> bool:
        """Whether a part has been received; parts come in order."""
        return bool(self._ready)

    def consume(self, builder: FrameBuilder) -> None:
        """Consume the next part."""
        page, part = self._ready.popleft()
        self._add(page, part, builder)
        self.done_until = part.end + 1
        self.is_done = part.end == self.span.end

    def _add(self, page: Page, part: Span, builder: FrameBuilder) -> None:
        builder.begin_window()
        kept = rows_within(self.endpoint, page, part)
        builder.add_page(kept, (part.start, part.end), self.endpoint.paging.maximum)

    def salvage(self, builder: FrameBuilder) -> None:
        """Consume the parts received, including one being checked, which may lack rows."""
        super().salvage(builder)
        if self._check is not None:
            self._add(self._check.page, self._current, builder)
            self._check = None


def _days_of(part: Span) -> set[int]:
    """The midnights in a part."""
    return set(range(part.start + -part.start % _DAY, part.end + 1, _DAY))
