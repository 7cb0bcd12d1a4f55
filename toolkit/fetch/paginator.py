"""Paginates lanes: all their windows and pages, with several requests at a time, consumed in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from toolkit.errors import ContractError
from toolkit.fetch.executor import Executor, JobResult
from toolkit.fetch.lane import Lane
from toolkit.fetch.progress import Progress
from toolkit.fetch.windows import PlannedRequest, WindowFetch

MAX_BUFFERED = 3
"""Maximum number of responses under way or buffered, per worker; it bounds the memory."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request of a lane."""

    lane: Lane
    request: PlannedRequest


class Paginator:
    """One fetch under way.

    Each lane is consumed in order by itself. Requests are made for the first lanes first, and for as many as
    keep all workers busy.

    Args:
        lanes: What to fetch.
        progress: Receives the progress.
        executor: Sends the requests.
        speculative: Maximum number of pages to request before they are known to be needed.

    Attributes:
        max_outstanding: Maximum number of responses that were under way or buffered at a time.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        progress: Progress,
        executor: Executor[Job],
        *,
        speculative: int,
    ) -> None:
        self.max_outstanding = 0
        self._progress = progress
        self._executor = executor
        self._speculative = speculative
        self._later = iter([lane for lane in lanes if lane.has_more])
        self._upcoming = next(self._later, None)
        self._active: list[Lane] = []  # in order
        self._rows = self._done_ms = 0

    def run(self) -> None:
        """Fetch everything.

        Raises:
            ToolkitError: The first error in order; no earlier request is under way then.
        """
        while True:
            self._submit_all()
            ready = next((lane for lane in self._active if lane.open and lane.open[0].is_ready), None)
            if ready is not None:
                self._consume_next(ready)
                self._collect()
            elif not self._active and self._upcoming is None:
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
                request = result.job.request
                request.window_fetch.receive(request.number, result.payload)
        for lane in self._active:
            for window_fetch in lane.open:
                with suppress(ContractError):
                    window_fetch.salvage(lane.builder)

    # -- requests ------------------------------------------------------------------------------------

    def _submit_all(self) -> None:
        if any(window_fetch.failure for lane in self._active for window_fetch in lane.open):
            return
        while self._executor.busy < self._executor.size:
            following = self._next()
            if following is None:
                return
            lane, window_fetch = following
            with _naming(lane):
                request = window_fetch.next_request()
            self._executor.submit(Job(lane, request))
            self.max_outstanding = max(self.max_outstanding, self._outstanding())

    def _next(self) -> tuple[Lane, WindowFetch] | None:
        """The window whose request is next: needed before speculative ones, earlier before later ones.

        The first window of a lane may always send a request it needs, and its responses are consumed at
        once. All others may only while not too many responses are buffered.
        """
        for lane in self._active:
            if lane.open and lane.open[0].is_certain:
                return lane, lane.open[0]
        has_room = not self._active or self._outstanding() < MAX_BUFFERED * self._executor.size
        if has_room:
            for lane in self._active:
                for window_fetch in lane.open:
                    if window_fetch.is_certain:
                        return lane, window_fetch
            for lane in self._active:
                if lane.has_more:
                    return lane, lane.open_next()
        if self._upcoming is not None:
            lane = self._upcoming
            self._active.append(lane)
            self._upcoming = next(self._later, None)
            return lane, lane.open_next()
        if not has_room:
            return None
        return next(
            (
                (lane, window_fetch)
                for lane in self._active
                for window_fetch in lane.open
                if window_fetch.may_speculate(self._speculative)
            ),
            None,
        )

    def _outstanding(self) -> int:
        buffered = sum(window_fetch.buffered for lane in self._active for window_fetch in lane.open)
        return self._executor.busy + buffered

    # -- responses -----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Handle all jobs that are finished."""
        while (result := self._executor.next_done(0)) is not None:
            self._handle(result)

    def _handle(self, result: JobResult[Job]) -> None:
        request = result.job.request
        if result.error is None:
            request.window_fetch.receive(request.number, result.payload)
        elif isinstance(result.error, Exception):
            request.window_fetch.receive_error(request.number, result.error)
        else:
            raise result.error

    def _consume_next(self, lane: Lane) -> None:
        window_fetch = lane.open[0]
        rows, done_until = lane.builder.rows, window_fetch.done_until
        try:
            with _naming(lane):
                window_fetch.consume(lane.builder)
        finally:
            self._rows += lane.builder.rows - rows
            self._done_ms += window_fetch.done_until - done_until
            self._progress.update(self._rows, self._done_ms)
        if window_fetch.is_done:
            lane.close_first()
            if lane.is_done:
                self._active.remove(lane)

    def _raise_first_error(self) -> None:
        """Raise the first error, once no earlier request is under way that could make it void."""
        for lane in self._active:
            for window_fetch in lane.open:
                failure = window_fetch.failure
                if window_fetch.is_under_way(before=failure and failure[0]):
                    return
                if failure:
                    with _naming(lane):
                        raise failure[1]


@contextmanager
def _naming(lane: Lane) -> Iterator[None]:
    """Let an error say which lane it is from."""
    try:
        yield
    except Exception as error:
        lane.name(error)
        raise
