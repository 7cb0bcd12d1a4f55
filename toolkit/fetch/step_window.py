"""A window of a series with regular times, such as candles, fetched in one request where it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from toolkit.endpoints.codes import is_span_too_long
from toolkit.errors import ApiError, ContractError
from toolkit.fetch.windows import Gap, WindowFetch
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.planning import Plan, Span, StepGrid, iso, size_sent, span_parameters


class Series:
    """What the windows of one fetch know of their series.

    Args:
        grid: The times at which its steps begin.
        rows_per_request: How many rows to request at a time.

    Attributes:
        grid: As given, until the first row shows another one.
        cap: Number of steps that a request covers at most; fewer if the exchange turns out to return fewer.
    """

    def __init__(self, grid: StepGrid, rows_per_request: int) -> None:
        self.grid = grid
        self.cap = rows_per_request
        self._is_fitted = False

    def learn(self, page: Page) -> None:
        """Note what a response tells."""
        if not self._is_fitted and page.first_time is not None:
            self.grid, self._is_fitted = self.grid.fitted(page.first_time), True


@dataclass(slots=True)
class _Suspect:
    """A response that may have been cut off, and the spans that show whether it was.

    Attributes:
        page: Its rows.
        checks: Spans before its first and after its last row. They have no rows if it is whole.
        read_at: As that of a page, when the steps after its last row were read for the last time.
    """

    page: Page
    checks: deque[Span]
    read_at: int | None


class StepWindow(WindowFetch):
    """A window with as many steps as a response may have rows.

    A response with a row for every step is whole. If the first or the last steps have none, they are a gap,
    or the exchange returns fewer rows than it says: they are requested again, and no response is cut off to
    nothing. If a row comes, requests cover fewer steps from then on. If it is of other steps, whatever it was
    that responded has not read the request, and nothing is known.

    A step without a row is a gap if it had ended when the exchange responded, or has rows after it.

    Args:
        plan: What to fetch.
        span: The window.
        series: Shared by the windows of the fetch.
    """

    span: Span

    def __init__(self, plan: Plan, span: Span, series: Series) -> None:
        super().__init__(plan.endpoint, span)
        self._parameters = plan.parameters
        self._series = series
        self._start = span.start  # of what is still to be fetched
        self._part = span
        self._suspect: _Suspect | None = None
        self._ready: deque[tuple[Page, Span]] = deque()
        self._doubts: list[Gap] = []  # about the present part

    # -- requests ------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """Whether a part is left; each depends on the one before."""
        return not self._under_way and not self._failures and self._start <= self.span.end

    def _next_parameters(self) -> Mapping[str, object]:
        grid = self._series.grid
        if self._suspect is None:
            self._part = next(grid.windows(Span(self._start, self.span.end), self._series.cap))
            span = self._part
        else:
            span = self._suspect.checks[0]
        size = size_sent(self.endpoint, self._parameters, len(grid.within(span)))
        return {**span_parameters(self.endpoint, span), self.endpoint.paging.size: size}

    # -- responses -----------------------------------------------------------------------------------

    def _on_response(self, number: int, page: Page) -> None:
        self._series.learn(page)
        if self._suspect is not None:
            self._compare(self._suspect, page)
            return
        checks = self._checks(page)
        if not checks:
            self._accept(page, page.read_at)
        elif page.rows < self._series.cap:
            self._suspect = _Suspect(page, checks, page.read_at)

    def _checks(self, page: Page) -> deque[Span]:
        """What to request to find out whether a response was cut off; nothing if it cannot have been."""
        part, steps = self._part, self._series.grid.within(self._part)
        first, last = page.first_time, page.last_time
        if first is None or last is None or not part.start <= first <= last <= part.end:
            return deque()  # there are no rows, or some that were not requested: the builder says so
        if page.rows >= len(steps):
            return deque()
        bounds = self._series.grid.numbers(np.array([first, last]))
        after = [Span(last + 1, part.end)] if bounds[1] < steps[-1] else []
        before = [Span(part.start, first - 1)] if bounds[0] > steps[0] else []
        return deque(after + before)

    def _compare(self, suspect: _Suspect, page: Page) -> None:
        span = suspect.checks.popleft()
        if any(time is not None and span.start <= time <= span.end for time in page.times):
            self._shorten(suspect.page.rows)
            return
        if page.rows:
            why = "a second request for steps without rows had rows of other steps"
            self._doubts.append(Gap(why, span))
        elif page.read_at is not None and span.end == self._part.end:
            suspect.read_at = max(page.read_at, suspect.read_at or 0)
        if not suspect.checks:
            self._suspect = None
            self._accept(suspect.page, suspect.read_at)

    def _shorten(self, steps: int) -> None:
        """Request the part again, and fewer steps at a time."""
        self._suspect = None
        self._doubts = []
        self._series.cap = min(self._series.cap, steps)

    def _accept(self, page: Page, read_at: int | None) -> None:
        self._note_unended(page, read_at)
        self.gaps += self._doubts
        self._doubts = []
        self._ready.append((page, self._part))
        self._start = self._part.end + 1

    def _note_unended(self, page: Page, read_at: int | None) -> None:
        """Note the steps after the last row that are not known to have ended when they were read."""
        grid, part = self._series.grid, self._part
        since = part.start if page.last_time is None else page.last_time + 1
        steps = grid.within(Span(since, part.end)) if since <= part.end else range(0)
        if read_at is None:
            if steps:
                why = "a response is from a cache or of no known time, and may be older than what it lacks"
                self.gaps.append(Gap(why, Span(max(grid.start(steps[0]), part.start), part.end)))
            return
        unended = range(max(steps.start, grid.number(read_at)), steps.stop)
        if unended:
            self.unended.append(Span(max(grid.start(unended[0]), part.start), part.end))

    def receive_error(self, number: int, error: Exception) -> None:
        """Keep an error; if the part is too long, fetch half of it instead."""
        steps = len(self._series.grid.within(self._part))
        too_long = isinstance(error, ApiError) and is_span_too_long(self.endpoint.path, error.code)
        if not too_long or steps < 2:
            super().receive_error(number, error)
            return
        self._under_way.discard(number)
        self._shorten(steps // 2)

    # -- consuming -----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Number of parts received and not yet consumed."""
        return len(self._ready) + (self._suspect is not None)

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
        if defect := self._defect(page, part):
            raise ContractError(
                self.endpoint.qualified_name,
                f"{defect}: the response is not a series of regular times, and none of its rows was kept",
            )
        grid = self._series.grid
        if page.read_at is not None:  # whatever a row says about its end, its step has to be over
            page = replace(page, read_at=grid.start(grid.number(page.read_at)))
        builder.begin_window()
        builder.add_page(page, (part.start, part.end), self.endpoint.paging.maximum)

    def _defect(self, page: Page, part: Span) -> str:
        """What is wrong with the times of a response, "" if each is the beginning of a step of its own."""
        times = page.moments
        if isinstance(times, list):  # the builder refuses those that are missing, or not in the part
            times = np.array([time for time in times if time and part.start <= time <= part.end], np.int64)
        grid = self._series.grid
        numbers = grid.numbers(times)
        if (off := np.flatnonzero(grid.starts(numbers) != times)).size:
            at = iso(int(times[off[0]]))
            return f"row {off[0]} has the time {at}, at which no step of {grid.word!r} begins"
        if (twice := np.flatnonzero(numbers[1:] == numbers[:-1])).size:
            at = iso(int(times[twice[0]]))
            return f"rows {twice[0]} and {twice[0] + 1} are both of the step that begins at {at}"
        return ""

    def salvage(self, builder: FrameBuilder) -> None:
        """Consume the parts received, including one being checked, which may lack rows."""
        super().salvage(builder)
        if self._suspect is not None:
            self._add(self._suspect.page, self._part, builder)
            self._suspect = None
