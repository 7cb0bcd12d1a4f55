"""Paginates a plan: all windows and pages, with several requests at a time, consumed in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from toolkit.errors import ContractError
from toolkit.fetch.bisected_window import BisectedWindow, TruncationDetector
from toolkit.fetch.executor import Executor, JobResult
from toolkit.fetch.id_paged_window import IdPagedWindow
from toolkit.fetch.paged_window import PagedWindow
from toolkit.fetch.progress import Progress
from toolkit.fetch.step_window import Series, StepWindow
from toolkit.fetch.windows import Gap, PlannedRequest, WindowFetch
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.planning import Plan, Span

MAX_BUFFERED = 3
"""Maximum number of responses under way or buffered, per worker; it bounds the memory."""


class Paginator:
    """One fetch under way.

    Args:
        plan: What to fetch.
        query: The parameters that the rows have to match.
        builder: Receives the responses in the order in which requests one by one would return them.
        progress: Receives the progress.
        executor: Sends the requests.
        speculative: Maximum number of pages to request before they are known to be needed.
        rows: Number of rows that an endpoint without a span had in the last fetch, None if not known.
        truncation: Detects at how many rows the exchange truncates responses.

    Attributes:
        gaps: Where rows may be missing although everything was consumed.
        max_outstanding: Maximum number of responses that were under way or buffered at a time.
    """

    def __init__(
        self,
        plan: Plan,
        query: Query,
        builder: FrameBuilder,
        progress: Progress,
        executor: Executor[PlannedRequest],
        *,
        speculative: int,
        rows: int | None,
        truncation: TruncationDetector,
    ) -> None:
        self.gaps: list[Gap] = []
        self.max_outstanding = 0
        self._plan = plan
        self._builder = builder
        self._progress = progress
        self._executor = executor
        self._speculative = speculative
        # Made when they are needed: years of seconds have hundreds of thousands.
        self._unended: list[Span] = []
        self._later = _window_fetches(plan, query, rows, truncation)
        self._upcoming = next(self._later, None)
        self._open: deque[WindowFetch] = deque()  # in order; the first is being consumed

    def run(self) -> None:
        """Fetch everything.

        Raises:
            ToolkitError: The first error in order; no earlier request is under way then.
        """
        while True:
            self._submit_all()
            if self._open and self._open[0].is_ready:
                self._consume_next()
                self._collect()
            elif not self._open and self._upcoming is None:
                return  # speculative pages may still be under way
            else:
                self._raise_first_error()
                result = self._executor.next_done(self._progress.poll_interval_s)
                if result is not None:
                    self._handle(result)
                    self._collect()
                self._progress.show_wait(self._executor.busy)

    def salvage(self) -> None:
        """Consume all responses received, although something before them is missing."""
        while (result := self._executor.next_done(0)) is not None:
            if result.error is None:
                result.job.window_fetch.receive(result.job.number, result.payload)
        for window_fetch in self._open:
            with suppress(ContractError):
                window_fetch.salvage(self._builder)

    @property
    def unended(self) -> list[Span]:
        """Where steps of a series without a row had not ended when the exchange responded."""
        return self._unended + [span for window_fetch in self._open for span in window_fetch.unended]

    @property
    def missing(self) -> list[Span]:
        """The spans not fully consumed, oldest first; empty for an endpoint without a span."""
        if self._plan.span is None:
            return []
        gaps = self.gaps + [gap for window_fetch in self._open for gap in window_fetch.gaps]
        spans = [gap.span for gap in gaps if gap.span]
        for window_fetch in self._open:
            if not window_fetch.is_done and window_fetch.span:
                spans.append(Span(window_fetch.done_until, window_fetch.span.end))
        if self._upcoming is not None and self._upcoming.span:
            spans.append(Span(self._upcoming.span.start, self._plan.span.end))
        return _merged(spans)

    # -- requests ------------------------------------------------------------------------------------

    def _submit_all(self) -> None:
        if any(window_fetch.failure for window_fetch in self._open):
            return
        while self._executor.busy < self._executor.size:
            window_fetch = self._next()
            if window_fetch is None:
                return
            self._executor.submit(window_fetch.next_request())
            self.max_outstanding = max(self.max_outstanding, self._outstanding())

    def _next(self) -> WindowFetch | None:
        """The window whose request is next: needed before speculative ones, earlier before later ones.

        The first window may always send a request it needs, all others only while not too many responses
        are buffered.
        """
        if self._open and self._open[0].is_certain:
            return self._open[0]
        if self._open and self._outstanding() >= MAX_BUFFERED * self._executor.size:
            return None
        for window_fetch in self._open:
            if window_fetch.is_certain:
                return window_fetch
        if self._upcoming is not None:
            self._open.append(self._upcoming)
            self._upcoming = next(self._later, None)
            return self._open[-1]
        return next(
            (window_fetch for window_fetch in self._open if window_fetch.may_speculate(self._speculative)),
            None,
        )

    def _outstanding(self) -> int:
        return self._executor.busy + sum(window_fetch.buffered for window_fetch in self._open)

    # -- responses -----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Handle all jobs that are finished."""
        while (result := self._executor.next_done(0)) is not None:
            self._handle(result)

    def _handle(self, result: JobResult[PlannedRequest]) -> None:
        request = result.job
        if result.error is None:
            request.window_fetch.receive(request.number, result.payload)
        elif isinstance(result.error, Exception):
            request.window_fetch.receive_error(request.number, result.error)
        else:
            raise result.error

    def _consume_next(self) -> None:
        window_fetch = self._open[0]
        try:
            window_fetch.consume(self._builder)
        finally:
            self._progress.update(self._builder.rows, window_fetch.done_until)
        if window_fetch.is_done:
            self.gaps += window_fetch.gaps
            self._unended += window_fetch.unended
            self._open.popleft()

    def _raise_first_error(self) -> None:
        """Raise the first error, once no earlier request is under way that could make it void."""
        for window_fetch in self._open:
            failure = window_fetch.failure
            if window_fetch.is_under_way(before=failure and failure[0]):
                return
            if failure:
                raise failure[1]


def _window_fetches(
    plan: Plan, query: Query, rows: int | None, truncation: TruncationDetector
) -> Iterator[WindowFetch]:
    if plan.endpoint.paging.kind == "id":
        yield IdPagedWindow(plan)
    elif plan.span is None:
        yield PagedWindow(plan.endpoint, query, None, rows)
    elif plan.grid is not None:
        series = Series(plan.grid, plan.rows_per_request)
        for window in plan.windows():
            yield StepWindow(plan, window, series)
    elif plan.endpoint.paging.kind == "limit":
        for window in plan.windows():
            yield BisectedWindow(plan.endpoint, query, window, truncation)
    else:
        for window in plan.windows():
            yield PagedWindow(plan.endpoint, query, window)


def _merged(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if joined and span.start <= joined[-1].end + 1:
            joined[-1] = Span(joined[-1].start, max(span.end, joined[-1].end))
        else:
            joined.append(span)
    return joined
