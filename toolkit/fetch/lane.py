"""One lane of a fetch: what is fetched for one of several values, or all there is to fetch for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from toolkit.endpoints import Endpoint
from toolkit.errors import IncompleteError, ToolkitError
from toolkit.fetch.bisected_window import BisectedWindow, TruncationDetector
from toolkit.fetch.id_paged_window import IdPagedWindow
from toolkit.fetch.id_window import IdWindow
from toolkit.fetch.paged_window import PagedWindow
from toolkit.fetch.step_window import Series, StepWindow
from toolkit.fetch.windows import Gap, WindowFetch
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.planning import Plan, Span, iso


class Lane:
    """The windows of one value, and the rows received for it.

    Args:
        plan: What to fetch, for one value.
        query: The parameters that the rows have to match.
        builder: Receives the responses in the order in which requests one by one would return them.
        truncation: Detects at how many rows the exchange truncates responses.
        rows: Number of rows that an endpoint without a span had in the last fetch, None if not known.

    Attributes:
        plan, builder, truncation: As given.
        open: The windows that are under way, in order; the first is being consumed.
        gaps: Where rows may be missing although everything was consumed.
    """

    def __init__(
        self,
        plan: Plan,
        query: Query,
        builder: FrameBuilder,
        truncation: TruncationDetector,
        rows: int | None = None,
    ) -> None:
        self.plan = plan
        self.builder = builder
        self.truncation = truncation
        self.open: deque[WindowFetch] = deque()
        self.gaps: list[Gap] = []
        self._unended: list[Span] = []
        # Made when they are needed: years of seconds have hundreds of thousands.
        self._later = _window_fetches(plan, query, rows, truncation)
        self._upcoming = next(self._later, None)

    @property
    def has_more(self) -> bool:
        """Whether a window has not been opened yet."""
        return self._upcoming is not None

    @property
    def is_done(self) -> bool:
        """Whether everything has been consumed."""
        return not self.open and self._upcoming is None

    def open_next(self) -> WindowFetch:
        """Open the next window, which there is if `has_more`."""
        window_fetch = self._upcoming
        assert window_fetch is not None  # noqa: S101 - for the type checker
        self.open.append(window_fetch)
        self._upcoming = next(self._later, None)
        return window_fetch

    def close_first(self) -> None:
        """Close the first window, which has been consumed."""
        window_fetch = self.open.popleft()
        self.gaps += window_fetch.gaps
        self._unended += window_fetch.unended

    @property
    def unended(self) -> list[Span]:
        """Where steps of a series without a row had not ended when the exchange responded."""
        return self._unended + [span for window_fetch in self.open for span in window_fetch.unended]

    @property
    def missing(self) -> list[Span]:
        """The spans not fully consumed, oldest first; empty for an endpoint without a span."""
        if self.plan.span is None:
            return []
        gaps = self.gaps + [gap for window_fetch in self.open for gap in window_fetch.gaps]
        spans = [gap.span for gap in gaps if gap.span]
        for window_fetch in self.open:
            if not window_fetch.is_done and window_fetch.span:
                spans.append(Span(window_fetch.done_until, window_fetch.span.end))
        if self._upcoming is not None and self._upcoming.span:
            spans.append(Span(self._upcoming.span.start, self.plan.span.end))
        return _merged(spans)

    def name(self, error: BaseException) -> None:
        """Let an error say which of several values it is about."""
        if self.plan.value is not None and isinstance(error, ToolkitError):
            error.concerns = f"`{self.plan.value.argument}` {self.plan.value.shown!r}"


def missing_of(lane: Lane, *, trusted: bool) -> list[list[str | None]]:
    """The spans of a lane that may lack rows, each after the value that it is of, where there are several."""
    plan = lane.plan
    value: list[str | None] = [] if plan.value is None else [plan.value.shown]
    if plan.span is None:  # there are no times
        is_whole = plan.value is not None and lane.is_done and not lane.gaps
        return [] if is_whole else [[*value, None, None]]
    spans = lane.missing if trusted else [plan.span]
    return [[*value, iso(span.start), iso(span.end)] for span in spans]


def check_gaps(endpoint: Endpoint, lanes: Sequence[Lane]) -> None:
    """Raise if rows may be missing although everything was consumed.

    Raises:
        IncompleteError: They may be.
    """
    gaps = [gap for lane in lanes for gap in lane.gaps]
    if not gaps:
        return
    first = gaps[0]
    at = f" at {iso(first.span.start)}" if first.span else ""
    where = f"in {len(gaps)} places, the first" if len(gaps) > 1 else "in one place"
    error = IncompleteError(
        endpoint.qualified_name, f"rows may be missing {where}{at}: {first.why}. Everything else was fetched"
    )
    next(lane for lane in lanes if lane.gaps).name(error)
    raise error


def _window_fetches(
    plan: Plan, query: Query, rows: int | None, truncation: TruncationDetector
) -> Iterator[WindowFetch]:
    paging = plan.endpoint.paging
    if paging.kind == "id" and paging.by_window and plan.span is not None:
        for window in plan.windows():
            yield IdWindow(plan, window, truncation)
    elif paging.kind == "id":
        yield IdPagedWindow(plan)
    elif plan.span is None:
        yield PagedWindow(plan.endpoint, query, None, rows)
    elif plan.grid is not None:
        series = Series(plan.grid, plan.rows_per_request)
        for window in plan.windows():
            yield StepWindow(plan, window, series)
    elif paging.kind == "limit":
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
