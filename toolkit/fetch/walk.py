"""Walks a plan: every window, every page, several requests at once, taken in one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from toolkit.errors import ContractError
from toolkit.fetch.crew import Crew, Done
from toolkit.fetch.pages import Pages
from toolkit.fetch.parts import Counts, Parts
from toolkit.fetch.progress import Progress
from toolkit.fetch.strands import Gap, Request, Strand
from toolkit.frames import Gathering
from toolkit.plan import Plan, Span
from toolkit.question import Question

HELD = 3
"""Answers under way or held until their turn, at most, for each of the crew: what bounds the memory."""


class Walk:
    """One fetch under way.

    Args:
        plan: What is to be fetched.
        question: What its rows have to answer.
        gathering: Takes the answers in, in the order that asking for one after the other would have.
        progress: Told what has been taken in.
        crew: Sends the requests.
        ahead: Pages to ask for before it is known whether there are as many, at most.
        rows: How many rows an endpoint without a span had the last time, None where that is not known.
        counts: What is known of how many rows the exchange hands out at once.

    Attributes:
        gaps: Where rows may be missing, although everything was taken in.
        most: The most answers that were under way or held at once.
    """

    def __init__(
        self,
        plan: Plan,
        question: Question,
        gathering: Gathering,
        progress: Progress,
        crew: Crew[Request],
        *,
        ahead: int,
        rows: int | None,
        counts: Counts,
    ) -> None:
        self.gaps: list[Gap] = []
        self.most = 0
        self._plan = plan
        self._gathering = gathering
        self._progress = progress
        self._crew = crew
        self._ahead = ahead
        self._coming = deque(_strands(plan, question, rows, counts))
        self._open: deque[Strand] = deque()  # in order; the first is the one being taken in

    def run(self) -> None:
        """Fetch everything.

        Raises:
            ToolkitError: The error that is the first in order; no request of an earlier place is
                under way then.
        """
        while True:
            self._launch()
            if self._open and self._open[0].is_ready:
                self._take()
                self._collect()
            elif not self._open and not self._coming:
                return  # pages that were guessed and are not there may still be under way
            else:
                self._raise_what_stands()
                done = self._crew.back(self._progress.patience)
                if done is not None:
                    self._file(done)
                    self._collect()
                self._progress.look(self._crew.busy)

    def rescue(self) -> None:
        """Take in whatever else has come, although something is missing before it."""
        while (done := self._crew.back(0)) is not None:
            if done.error is None:
                done.job.strand.came(done.job.number, done.payload)
        for strand in self._open:
            with suppress(ContractError):
                strand.rescue(self._gathering)

    @property
    def missing(self) -> list[Span]:
        """What has not been taken in wholly, oldest first; nothing for an endpoint without a span."""
        if self._plan.span is None:
            return []
        gaps = self.gaps + [gap for strand in self._open for gap in strand.gaps]
        spans = [gap.span for gap in gaps if gap.span]
        for strand in self._open:
            if not strand.over and strand.span:
                spans.append(Span(strand.since, strand.span.end))
        spans += [strand.span for strand in self._coming if strand.span]
        return _joined(spans)

    # -- asking --------------------------------------------------------------------------------------

    def _launch(self) -> None:
        while self._crew.busy < self._crew.size and not any(strand.failure for strand in self._open):
            strand = self._next()
            if strand is None:
                return
            self._crew.give(strand.ask())
            self.most = max(self.most, self._outstanding())

    def _next(self) -> Strand | None:
        """Whose turn it is to ask: what is needed before what may be, earlier before later.

        The first strand may always ask for what it needs; everything else only while not too many
        answers wait for it.
        """
        if self._open and self._open[0].is_sure:
            return self._open[0]
        if self._open and self._outstanding() >= HELD * self._crew.size:
            return None
        for strand in self._open:
            if strand.is_sure:
                return strand
        if self._coming:
            self._open.append(self._coming.popleft())
            return self._open[-1]
        return next((strand for strand in self._open if strand.may_guess(self._ahead)), None)

    def _outstanding(self) -> int:
        return self._crew.busy + sum(strand.held for strand in self._open)

    # -- what came -----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """File what has come meanwhile."""
        while (done := self._crew.back(0)) is not None:
            self._file(done)

    def _file(self, done: Done[Request]) -> None:
        request = done.job
        if done.error is None:
            request.strand.came(request.number, done.payload)
        elif isinstance(done.error, Exception):
            request.strand.failed(request.number, done.error)
        else:
            raise done.error

    def _take(self) -> None:
        strand = self._open[0]
        try:
            strand.take(self._gathering)
        finally:
            self._progress.arrived(self._gathering.rows, strand.since)
        if strand.over:
            self.gaps += strand.gaps
            self._open.popleft()

    def _raise_what_stands(self) -> None:
        """Raise the first error, once nothing before it is under way: that may still make it void."""
        for strand in self._open:
            failure = strand.failure
            if strand.is_under_way(before=failure and failure[0]):
                return
            if failure:
                raise failure[1]


def _strands(plan: Plan, question: Question, rows: int | None, counts: Counts) -> Iterator[Strand]:
    if plan.span is None:
        yield Pages(plan.endpoint, question, None, rows)
    elif plan.endpoint.paging.kind == "limit":
        for window in plan.windows():
            yield Parts(plan.endpoint, question, window, counts)
    else:
        for window in plan.windows():
            yield Pages(plan.endpoint, question, window)


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if joined and span.start <= joined[-1].end + 1:
            joined[-1] = Span(joined[-1].start, max(span.end, joined[-1].end))
        else:
            joined.append(span)
    return joined
