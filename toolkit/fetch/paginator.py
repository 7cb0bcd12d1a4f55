"""Walks a plan: every window, every page, several requests at once, taken in one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from toolkit.errors import ContractError
from toolkit.fetch.bisected_window import BisectedWindow, RowCounts
from toolkit.fetch.executor import Executor, JobResult
from toolkit.fetch.paged_window import PagedWindow
from toolkit.fetch.progress import Progress
from toolkit.fetch.windows import Gap, PlannedRequest, WindowFetch
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.planning import Plan, Span

MAX_BUFFERED = 3
"""Answers under way or held until their turn, at most, for each of the crew: what bounds the memory."""


class Paginator:
    """One fetch under way.

    Args:
        plan: What is to be fetched.
        question: What its rows have to answer.
        builder: Takes the answers in, in the order that asking for one after the other would have.
        progress: Told what has been taken in.
        executor: Sends the requests.
        speculative: Pages to ask for before it is known whether there are as many, at most.
        rows: How many rows an endpoint without a span had the last time, None where that is not known.
        counts: What is known of how many rows the exchange hands out at once.

    Attributes:
        gaps: Where rows may be missing, although everything was taken in.
        most: The most answers that were under way or held at once.
    """

    def __init__(
        self,
        plan: Plan,
        question: Query,
        builder: FrameBuilder,
        progress: Progress,
        executor: Executor[PlannedRequest],
        *,
        speculative: int,
        rows: int | None,
        counts: RowCounts,
    ) -> None:
        self.gaps: list[Gap] = []
        self.most = 0
        self._plan = plan
        self._builder = builder
        self._progress = progress
        self._executor = executor
        self._speculative = speculative
        self._pending = deque(_window_fetches(plan, question, rows, counts))
        self._open: deque[WindowFetch] = deque()  # in order; the first is the one being taken in

    def run(self) -> None:
        """Fetch everything.

        Raises:
            ToolkitError: The error that is the first in order; no request of an earlier place is
                under way then.
        """
        while True:
            self._submit_all()
            if self._open and self._open[0].is_ready:
                self._take()
                self._collect()
            elif not self._open and not self._pending:
                return  # pages that were guessed and are not there may still be under way
            else:
                self._raise_first_error()
                result = self._executor.next_done(self._progress.poll_interval_s)
                if result is not None:
                    self._handle(result)
                    self._collect()
                self._progress.show_wait(self._executor.busy)

    def salvage(self) -> None:
        """Take in whatever else has come, although something is missing before it."""
        while (result := self._executor.next_done(0)) is not None:
            if result.error is None:
                result.job.window_fetch.receive(result.job.number, result.payload)
        for window_fetch in self._open:
            with suppress(ContractError):
                window_fetch.salvage(self._builder)

    @property
    def missing(self) -> list[Span]:
        """What has not been taken in wholly, oldest first; nothing for an endpoint without a span."""
        if self._plan.span is None:
            return []
        gaps = self.gaps + [gap for window_fetch in self._open for gap in window_fetch.gaps]
        spans = [gap.span for gap in gaps if gap.span]
        for window_fetch in self._open:
            if not window_fetch.is_done and window_fetch.span:
                spans.append(Span(window_fetch.done_until, window_fetch.span.end))
        spans += [window_fetch.span for window_fetch in self._pending if window_fetch.span]
        return _joined(spans)

    # -- asking --------------------------------------------------------------------------------------

    def _submit_all(self) -> None:
        while self._executor.busy < self._executor.size and not any(
            window_fetch.failure for window_fetch in self._open
        ):
            window_fetch = self._next()
            if window_fetch is None:
                return
            self._executor.submit(window_fetch.ask())
            self.most = max(self.most, self._outstanding())

    def _next(self) -> WindowFetch | None:
        """Whose turn it is to ask: what is needed before what may be, earlier before later.

        The first strand may always ask for what it needs; everything else only while not too many
        answers wait for it.
        """
        if self._open and self._open[0].is_certain:
            return self._open[0]
        if self._open and self._outstanding() >= MAX_BUFFERED * self._executor.size:
            return None
        for window_fetch in self._open:
            if window_fetch.is_certain:
                return window_fetch
        if self._pending:
            self._open.append(self._pending.popleft())
            return self._open[-1]
        return next(
            (window_fetch for window_fetch in self._open if window_fetch.may_speculate(self._speculative)),
            None,
        )

    def _outstanding(self) -> int:
        return self._executor.busy + sum(window_fetch.buffered for window_fetch in self._open)

    # -- what came -----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """File what has come meanwhile."""
        while (result := self._executor.next_done(0)) is not None:
            self._handle(result)

    def _handle(self, result: JobResult[PlannedRequest]) -> None:
        request = result.job
        if result.error is None:
            request.window_fetch.receive(request.number, result.payload)
        elif isinstance(result.error, Exception):
            request.window_fetch.failed(request.number, result.error)
        else:
            raise result.error

    def _take(self) -> None:
        window_fetch = self._open[0]
        try:
            window_fetch.consume(self._builder)
        finally:
            self._progress.arrived(self._builder.rows, window_fetch.done_until)
        if window_fetch.is_done:
            self.gaps += window_fetch.gaps
            self._open.popleft()

    def _raise_first_error(self) -> None:
        """Raise the first error, once nothing before it is under way: that may still make it void."""
        for window_fetch in self._open:
            failure = window_fetch.failure
            if window_fetch.is_under_way(before=failure and failure[0]):
                return
            if failure:
                raise failure[1]


def _window_fetches(
    plan: Plan, question: Query, rows: int | None, counts: RowCounts
) -> Iterator[WindowFetch]:
    if plan.span is None:
        yield PagedWindow(plan.endpoint, question, None, rows)
    elif plan.endpoint.paging.kind == "limit":
        for window in plan.windows():
            yield BisectedWindow(plan.endpoint, question, window, counts)
    else:
        for window in plan.windows():
            yield PagedWindow(plan.endpoint, question, window)


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if joined and span.start <= joined[-1].end + 1:
            joined[-1] = Span(joined[-1].start, max(span.end, joined[-1].end))
        else:
            joined.append(span)
    return joined
