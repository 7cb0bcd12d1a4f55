"""An exchange whose rows are paged by id, without a socket: what it answers, and what a fetch makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.small_endpoints import DAY, NOW_MS, OWN_TRADES, trade
from toolkit.endpoints import Endpoint
from toolkit.fetch.bisected_window import TruncationDetector
from toolkit.fetch.executor import InlineExecutor
from toolkit.fetch.lane import Lane
from toolkit.fetch.paginator import Paginator
from toolkit.fetch.progress import Progress
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.decoder import decoder_for
from toolkit.frames.validation import Query
from toolkit.gateway.calls import RequestStats
from toolkit.planning import Plan, Span, make_plan
from toolkit.timing.cancel import CancelToken

START = NOW_MS - 10 * DAY
BTC = {"symbol": "BTCUSDT"}
Row = dict[str, Any]
Answer = Callable[[Mapping[str, Any], list[Row]], list[Row]]


def own_trades(maximum: int = 5, *, by_window: bool = False, **window: Any) -> Endpoint:
    assert OWN_TRADES.window is not None
    return replace(
        OWN_TRADES,
        window=replace(OWN_TRADES.window, **window),
        paging=replace(OWN_TRADES.paging, maximum=maximum, by_window=by_window),
    )


@dataclass
class Model:
    """An exchange with some rows, ascending in id and time.

    Attributes:
        caps: Maximum number of rows of each response, over and over again.
        newest: Whether a response for a span that holds more rows has the newest of them.
        change: Changes a response, given the parameters of its request.
        requests: The parameters of the requests.
    """

    rows: list[Row]
    caps: tuple[int, ...] = (1000,)
    newest: bool = False
    change: Answer = field(default=lambda parameters, rows: rows)
    requests: list[Mapping[str, Any]] = field(default_factory=list)

    def answer(self, parameters: Mapping[str, Any]) -> list[Row]:
        cap = min(parameters["limit"], self.caps[len(self.requests) % len(self.caps)])
        self.requests.append(parameters)
        if "fromId" in parameters:
            assert not parameters.keys() & {"startTime", "endTime"}
            rows = [row for row in self.rows if row["id"] >= parameters["fromId"]][:cap]
        else:
            start, end = parameters["startTime"], parameters["endTime"]
            rows = [row for row in self.rows if start <= row["time"] <= end]
            rows = rows[-cap:] if self.newest else rows[:cap]
        return self.change(parameters, rows)


@dataclass
class Fetched:
    """What a fetch has at its end, or when it failed."""

    ids: list[int]
    lane: Lane


def plan_of(endpoint: Endpoint, span: Span) -> Plan:
    return replace(make_plan(endpoint, BTC, None, None, NOW_MS), span=span)


def fetch(model: Model, plan: Plan, fetched: list[Fetched] | None = None) -> Fetched:
    """Fetch from a model. A failure has put what was fetched before it into `fetched`."""
    endpoint = plan.endpoint
    query, decoder = Query(endpoint, plan.parameters), decoder_for(endpoint, exact=False)
    builder, token = FrameBuilder(endpoint, "float", query=query), CancelToken(endpoint.qualified_name)
    lane = Lane(plan, query, builder, TruncationDetector(endpoint.paging))
    paginator = Paginator(
        [lane],
        Progress(
            endpoint.qualified_name,
            plan.span,
            RequestStats(),
            cancel=token,
            clock=FakeClock(),
            wanted=False,
        ),
        InlineExecutor(lambda job: decoder.decode(model.answer(job.request.parameters))),
        speculative=0,
    )
    try:
        paginator.run()
    finally:
        paginator.salvage()
        ids = [int(text) - 2**40 for text in builder.frame({})["trade_id"]]
        if fetched is not None:
            fetched.append(Fetched(ids, lane))
    return Fetched(ids, lane)


def trades(*times: int, step: int = 1) -> list[Row]:
    """Trades at these times after the start of the span."""
    return [trade(number * step, START + time) for number, time in enumerate(times)]


def ids_within(rows: list[Row], span: Span) -> list[int]:
    return [row["id"] - 2**40 for row in rows if span.start <= row["time"] <= span.end]


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[list[Row], Span, int, tuple[int, ...], int | None]:
    """Rows around a span, the maximum of a page, the caps of responses, and the length of a window."""
    gaps = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2, 40, 400]), max_size=60))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 7, 10**6]), min_size=len(gaps), max_size=len(gaps)))
    rows, time, number = [], START - 60, 0
    for gap, step in zip(gaps, steps, strict=True):
        time, number = time + gap, number + step
        rows.append(trade(number, time))
    length = draw(st.integers(0, 1500))
    maximum = draw(st.sampled_from([1, 2, 5, 50]))
    caps = tuple(draw(st.lists(st.integers(1, 60), min_size=1, max_size=3)))
    max_span = draw(st.sampled_from([None, 10, 99, 500]))
    return rows, Span(START, START + length), maximum, caps, max_span
