"""Series with regular times: every row of the span, and its gaps, whatever a response has."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from tests.support.small_endpoints import HOUR, MINUTE, NOW_MS, SERIES, small_exchange, step
from toolkit.endpoints import Endpoint
from toolkit.errors import ApiError, ContractError, RowOrderError
from toolkit.fetch.bisected_window import TruncationDetector
from toolkit.fetch.executor import InlineExecutor
from toolkit.fetch.lane import Lane
from toolkit.fetch.paginator import Job, Paginator
from toolkit.fetch.progress import Progress
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.decoder import decoder_for
from toolkit.frames.validation import Query
from toolkit.gateway.calls import RequestStats
from toolkit.planning import Plan, Span, gaps_in, iso, make_plan
from toolkit.timing.cancel import CancelToken

BTC = {"symbol": "BTCUSDT"}
LENGTHS = {"1s": 1000, "1m": MINUTE, "1h": HOUR, "3d": 72 * HOUR, "1w": 168 * HOUR}
MONDAY = 4 * 24 * HOUR

Times = list[int]
WHOLE = Span(NOW_MS - 30 * MINUTE, NOW_MS - 1)
MINUTES = [*range(NOW_MS, NOW_MS + 10 * MINUTE, MINUTE)]


def begins(word: str, start: int, end: int, phase: int = 0) -> Times:
    """When the steps begin that begin from one time to another, both included; by the calendar alone."""
    if word == "1M":
        moment = datetime.fromtimestamp(start / 1000, UTC).replace(day=1, hour=0, minute=0, second=0)
        time = int(moment.replace(microsecond=0).timestamp()) * 1000
        found = []
        while time <= end:
            found += [time] if time >= start else []
            moment = (datetime.fromtimestamp(time / 1000, UTC) + timedelta(days=40)).replace(day=1)
            time = int(moment.timestamp()) * 1000
        return found
    length = LENGTHS[word]
    offset = MONDAY if word == "1w" else phase
    first = start + (offset - start) % length
    return [*range(first, end + 1, length)]


@dataclass
class Model:
    """An exchange with the candles that begin at some times.

    Attributes:
        cap: The most rows of a response.
        newest: Whether a response that cannot have all rows has the newest ones.
        change: Changes the times of a response.
        caps: The most rows of each of the first responses, where they are fewer.
        read_at: When the exchange reads the rows; None where that is not known.
        requests: The parameters of the requests.
    """

    times: Times
    cap: int = 1000
    newest: bool = False
    change: Callable[[Times], Times] = field(default=lambda times: times)
    caps: list[int] = field(default_factory=list)
    read_at: int | None = 2**42
    requests: list[Mapping[str, Any]] = field(default_factory=list)

    def answer(self, parameters: Mapping[str, Any]) -> bytes:
        self.requests.append(parameters)
        start, end, size = parameters["startTime"], parameters["endTime"], parameters["limit"]
        size = min(size, self.cap, *self.caps[len(self.requests) - 1 :][:1])
        times = [time for time in self.times if start <= time <= end]
        times = times[-size:] if self.newest else times[:size]
        rows = [[time, "1.5", time + 10] for time in self.change(times)]
        return json.dumps(rows, separators=(",", ":")).encode()


def refuse(times: Times) -> Times:
    raise ApiError("small", 400, -1, "Refused.")


@dataclass
class Fetched:
    """The times of the rows, and what the attributes of the frame say."""

    times: Times
    gaps: list[dict[str, Any]]
    missing: list[Span]


def plan_of(word: str, span: Span, endpoint: Endpoint = SERIES) -> Plan:
    plan = make_plan(endpoint, {**BTC, "interval": word}, None, None, NOW_MS)
    return replace(plan, span=span)


def fetch(model: Model, plan: Plan, partial: list[Fetched] | None = None) -> Fetched:
    """Fetch from a model. A failure puts what was fetched before it into `partial`."""
    endpoint = plan.endpoint
    query, decoder = Query(endpoint, {}), decoder_for(endpoint, exact=False)
    builder, token = FrameBuilder(endpoint, "float", query=query), CancelToken(endpoint.qualified_name)
    clock = FakeClock()
    progress = Progress(
        endpoint.qualified_name, plan.span, RequestStats(), cancel=token, clock=clock, wanted=False
    )

    def work(job: Job) -> Any:
        body = model.answer(job.request.parameters)
        page = decoder.read(body)
        page = decoder.decode(json.loads(body)) if page is None else page
        return replace(page, read_at=model.read_at)

    lane = Lane(plan, query, builder, TruncationDetector(endpoint.paging))
    paginator = Paginator([lane], progress, InlineExecutor(work), speculative=0)

    def fetched() -> Fetched:
        frame = builder.frame({})
        times = frame[endpoint.order_by].dt.as_unit("ms").astype("int64").to_numpy()
        assert plan.grid
        assert plan.span
        missing = lane.missing
        unknown = [*missing, *lane.unended]
        return Fetched(times.tolist(), gaps_in(plan.grid, plan.span, unknown, times), missing)

    try:
        paginator.run()
    except Exception:
        paginator.salvage()
        if partial is not None:
            partial.append(fetched())
        raise
    return fetched()


def gaps_of(all_times: Times, times: Times, word: str, phase: int = 0) -> list[dict[str, Any]]:
    """Runs of steps without a row, looked for one by one."""
    runs: list[list[int]] = []
    before = None
    for number, time in enumerate(all_times):
        if time in times:
            continue
        if before == number - 1:
            runs[-1].append(time)
        else:
            runs.append([time])
        before = number
    return [
        {"start": iso(run[0]), "end": iso(after(run[-1], word, phase) - 1), "rows": len(run)} for run in runs
    ]


def after(time: int, word: str, phase: int = 0) -> int:
    """When the next step begins."""
    return begins(word, time + 1, time + 32 * 24 * HOUR, phase)[0]


# -- every row and every gap -------------------------------------------------------------------------------


@st.composite
def series(draw: st.DrawFn) -> tuple[str, Span, Times, Times, int, bool]:
    """A word, a span, the steps in it, those with a row, the cap, and which rows are kept."""
    word = draw(st.sampled_from(["1s", "1m", "1h", "3d", "1w", "1M"]))
    length = LENGTHS.get(word, 30 * 24 * HOUR)
    start = NOW_MS - draw(st.integers(0, 50 * length))
    span = Span(start, start + draw(st.integers(0, 45 * length)))
    steps = begins(word, span.start, span.end)
    holes = draw(st.lists(st.tuples(st.integers(0, 46), st.integers(1, 20)), max_size=4))
    empty = {number for first, count in holes for number in range(first, first + count)}
    times = [time for number, time in enumerate(steps) if number not in empty]
    cap = draw(st.sampled_from([1000, 1000, 10, 9, 5, 1]))
    return word, span, steps, times, cap, draw(st.booleans())


@given(series())
@example(("1m", Span(NOW_MS, NOW_MS + 9 * MINUTE), [*range(NOW_MS, NOW_MS + 600_000, MINUTE)], [], 10, False))
@example(("1M", Span(1_700_000_000_000, 1_700_000_000_001), [], [], 10, False))
def test_all_rows_and_all_gaps_of_a_span(case: tuple[str, Span, Times, Times, int, bool]) -> None:
    word, span, steps, times, cap, newest = case
    before, behind = span.start - 1, span.end + 1
    around = [*begins(word, before - 90 * MINUTE, before), *times, *begins(word, behind, behind + HOUR)]
    model = Model(around, cap, newest)
    fetched = fetch(model, plan_of(word, span))
    assert fetched.times == times
    assert fetched.gaps == gaps_of(steps, times, word)
    assert fetched.missing == []
    assert sum(gap["rows"] for gap in fetched.gaps) + len(times) == len(steps)
    for request in model.requests:
        asked = len(begins(word, request["startTime"], request["endTime"]))
        assert max(1, asked) <= request["limit"] <= SERIES.paging.maximum


@settings(max_examples=40)
@given(series())
def test_gaps_cost_a_request_at_most_where_nothing_is_cut_off(
    case: tuple[str, Span, Times, Times, int, bool],
) -> None:
    word, span, steps, times, _, newest = case
    model = Model(times, 1000, newest)
    plan = plan_of(word, span)
    fetch(model, plan)
    windows = len([*plan.windows()])
    assert len(model.requests) - windows <= 2 * len(gaps_of(steps, times, word))
    if len(times) == len(steps):
        assert len(model.requests) == windows


@pytest.mark.parametrize("phase", [0, 24 * HOUR, 48 * HOUR])
def test_the_first_row_shows_from_which_day_on_days_are_counted(phase: int) -> None:
    span = Span(NOW_MS - 100 * 24 * HOUR, NOW_MS)
    steps = begins("3d", span.start, span.end, phase)
    times = [time for number, time in enumerate(steps) if number not in (5, 6, 20)]
    fetched = fetch(Model(times), plan_of("3d", span))
    assert fetched.times == times
    assert fetched.gaps == gaps_of(steps, times, "3d", phase)


def test_a_whole_series_takes_a_request_for_each_window() -> None:
    span = Span(NOW_MS - 100 * MINUTE, NOW_MS - 1)
    model = Model(begins("1m", span.start, span.end))
    fetch(model, plan_of("1m", span))
    assert [request["limit"] for request in model.requests] == [10] * 10


def test_empty_responses_and_inner_gaps_are_not_checked() -> None:
    span = Span(NOW_MS - 40 * MINUTE, NOW_MS - 1)
    steps = begins("1m", span.start, span.end)
    model = Model([*steps[:13], *steps[15:20]])  # delisted
    assert fetch(model, plan_of("1m", span)).times == model.times
    assert len(model.requests) == 4


@settings(max_examples=200)
@given(series(), st.lists(st.integers(1, 10), max_size=12))
@example(("1m", Span(NOW_MS, NOW_MS + 9 * MINUTE), MINUTES[:10], MINUTES[:10], 10, False), [4, 1])
def test_a_limit_that_changes_all_the_time(
    case: tuple[str, Span, Times, Times, int, bool], caps: list[int]
) -> None:
    word, span, steps, times, cap, newest = case
    fetched = fetch(Model(times, cap, newest, caps=caps), plan_of(word, span))
    assert fetched.times == times
    assert fetched.gaps == gaps_of(steps, times, word)
    assert fetched.missing == []


@pytest.mark.parametrize("newest", [False, True])
def test_a_response_to_another_request_proves_no_gap(newest: bool) -> None:
    """A proxy that does not look at the span has the same rows for a second request."""
    steps = begins("1m", WHOLE.start, WHOLE.end)
    first = steps[3:10] if newest else steps[:7]
    model = Model(steps, change=lambda times: first if not times or times[-1] <= steps[9] else times)
    fetched = fetch(model, plan_of("1m", WHOLE))
    unknown = steps[:3] if newest else steps[7:10]
    assert fetched.gaps == []
    assert fetched.missing == [Span(unknown[0] + (0 if newest else -MINUTE + 1), unknown[-1] + MINUTE - 1)]


# -- steps that have not ended -----------------------------------------------------------------------------


@given(series(), st.integers(-5, 50), st.booleans())
@example(("1m", Span(NOW_MS, NOW_MS + 9 * MINUTE), MINUTES, [], 10, False), 3, True)
@example(("1m", Span(NOW_MS, NOW_MS + 9 * MINUTE), MINUTES, MINUTES[:3], 10, False), 3, False)
def test_a_step_that_has_not_ended_is_no_gap(
    case: tuple[str, Span, Times, Times, int, bool], number: int, is_inside: bool
) -> None:
    word, span, steps, times, _, _ = case
    length = LENGTHS.get(word, 30 * 24 * HOUR)
    read_at = span.start + number * length + length // 2 * is_inside
    times = [time for time in times if time <= read_at]
    fetched = fetch(Model(times, read_at=read_at), plan_of(word, span))
    assert fetched.times == times
    assert fetched.missing == []
    assert fetched.gaps == gaps_of([time for time in steps if after(time, word) <= read_at], times, word)


def test_a_cached_response_proves_no_gap_after_its_last_row() -> None:
    steps = begins("1m", WHOLE.start, WHOLE.end)
    fetched = fetch(Model([*steps[3:5], *steps[7:20]], read_at=None), plan_of("1m", WHOLE))
    assert [gap["start"] for gap in fetched.gaps] == [iso(steps[0]), iso(steps[5])]
    assert fetched.missing == [Span(steps[20], WHOLE.end)]


def test_a_fetch_of_years_of_seconds_is_planned_step_by_step() -> None:
    """A second of 2017 to 2026 has one row of 300 million; planned at once, they would take gigabytes."""
    span = Span(NOW_MS - 9 * 365 * 24 * HOUR, NOW_MS - 1)
    tracemalloc.start()
    try:
        with pytest.raises(ApiError):
            fetch(Model([], change=refuse), plan_of("1s", span))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("newest", [False, True])
def test_a_lower_limit_is_noticed_once_and_kept_to(newest: bool) -> None:
    span = Span(NOW_MS - 40 * MINUTE, NOW_MS - 1)
    model = Model(begins("1m", span.start, span.end), 7, newest)
    fetched = fetch(model, plan_of("1m", span))
    assert len(fetched.times) == 40
    assert fetched.gaps == []
    assert len(model.requests) == 2 + 4 * 2, "a request that is cut off, its check, and two parts a window"


# -- limits and weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "limits"),
    [(1, [3]), (3, [3]), (4, [3, 3]), (9, [3, 3, 3]), (13, [3] * 4 + [3]), (15, [3] * 5), (16, [3] * 6)],
)
def test_a_span_is_requested_as_cheaply_as_it_can_be(minutes: int, limits: list[int]) -> None:
    span = Span(NOW_MS - minutes * MINUTE, NOW_MS - 1)
    endpoint = replace(SERIES, weight=lambda sent: 1 if sent["limit"] < 4 else 5)
    model = Model(begins("1m", span.start, span.end))
    fetch(model, plan_of("1m", span, endpoint))
    weights = [endpoint.weight_of(request) for request in model.requests]
    assert len(weights) == len(limits)
    assert sum(weights) == len(limits)


def test_of_two_ways_that_weigh_the_same_the_one_with_fewer_requests() -> None:
    span = Span(NOW_MS - 10 * MINUTE, NOW_MS - 1)
    endpoint = replace(SERIES, weight=lambda sent: 1 if sent["limit"] < 4 else 4)
    model = Model(begins("1m", span.start, span.end))
    fetch(model, plan_of("1m", span, endpoint))
    assert [request["limit"] for request in model.requests] == [10]


def test_a_window_is_not_longer_than_a_request_may_be() -> None:
    assert SERIES.window is not None
    short = replace(SERIES, window=replace(SERIES.window, max_span=timedelta(minutes=4)))
    span = Span(NOW_MS - 30 * MINUTE, NOW_MS - 1)
    model = Model(begins("1m", span.start, span.end))
    assert fetch(model, plan_of("1m", span, short)).times == model.times
    for request in model.requests:
        assert request["endTime"] - request["startTime"] <= 4 * MINUTE


# -- what no series has ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda times: [times[0], times[1] + 1, *times[2:]], ContractError, "no step of '1m' begins"),
        (lambda times: [times[0], *times[:-1]], ContractError, "both of the step that begins at"),
        (lambda times: [*times, times[-1] + MINUTE], ContractError, "was requested"),
        (lambda times: [times[0] - MINUTE, *times[1:]], ContractError, "was requested"),
        (lambda times: [times[1], times[0], *times[2:]], RowOrderError, "oldest first"),
    ],
)
def test_rows_that_are_no_series(change: Callable[[Times], Times], kind: type[Exception], said: str) -> None:
    steps = begins("1m", WHOLE.start, WHOLE.end)
    model = Model(steps, change=lambda times: change(times) if times and times[0] == steps[10] else times)
    partial: list[Fetched] = []
    with pytest.raises(kind, match=said):
        fetch(model, plan_of("1m", WHOLE), partial)
    assert partial[0].times[:10] == steps[:10]


def test_a_partial_frame_has_the_gaps_within_what_was_fetched() -> None:
    steps = begins("1m", WHOLE.start, WHOLE.end)
    times = steps[:3] + steps[5:]

    def fail(found: Times) -> Times:
        if found and found[0] == steps[20]:
            raise ApiError("small", 400, -1, "Refused.")
        return found

    partial: list[Fetched] = []
    with pytest.raises(ApiError):
        fetch(Model(times, change=fail), plan_of("1m", WHOLE), partial)
    assert partial[0].gaps == [{"start": iso(steps[3]), "end": iso(steps[5] - 1), "rows": 2}]
    assert partial[0].missing == [Span(steps[20], WHOLE.end)]


# -- over a socket -----------------------------------------------------------------------------------------


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(exchange=small_exchange())
    yield made
    made.close()


def serve(env: SandboxEnv, times: Times, **more: Any) -> None:
    rows = {SERIES.name: [step(number, time) for number, time in enumerate(times)]}
    env.replace_exchange(**small_exchange(rows, **more))


def test_a_frame_with_gaps_and_the_running_candle(env: SandboxEnv) -> None:
    env.clock.advance(30)
    now = env.now
    steps = begins("1m", now - 30 * MINUTE, now)
    serve(env, steps[:4] + steps[7:])
    frame = env.fetch(SERIES, {**BTC, "interval": "1m"}, start="-30min")
    assert len(frame) == 27
    assert frame["closed"].tolist() == [True] * 26 + [False]
    assert frame.attrs["complete"] is True
    assert frame.attrs["gaps"] == [{"start": iso(steps[4]), "end": iso(steps[7] - 1), "rows": 3}]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs


@pytest.mark.parametrize(("rows", "gap"), [(slice(None, -1), 0), (slice(None, -3), 2), (slice(0), 30)])
def test_the_running_step_is_no_gap(env: SandboxEnv, rows: slice, gap: int) -> None:
    """Nothing may have been traded in it yet; the steps before it have ended without a row."""
    steps = begins("1m", env.now - 30 * MINUTE, env.now)
    serve(env, steps[rows])
    frame = env.fetch(SERIES, {**BTC, "interval": "1m"}, start="-30min")
    assert sum(each["rows"] for each in frame.attrs["gaps"]) == gap
    assert all(each["end"] == iso(steps[-1] - 1) for each in frame.attrs["gaps"])


def test_attributes_survive_parquet_and_pickle(env: SandboxEnv, tmp_path: Any) -> None:
    serve(env, begins("1m", env.now - 30 * MINUTE, env.now)[9:])
    frame = env.fetch(SERIES, {**BTC, "interval": "1m"})
    frame.to_parquet(tmp_path / "series.parquet")
    frame.to_pickle(tmp_path / "series.pickle")
    assert frame.attrs["gaps"][0]["rows"] == 9
    assert pd.read_parquet(tmp_path / "series.parquet").attrs == frame.attrs
    assert pd.read_pickle(tmp_path / "series.pickle").attrs == frame.attrs


@pytest.mark.parametrize("header", [{"Age": "1"}, {"X-Cache": "Hit from cloudfront"}])
def test_nothing_in_a_cached_response_is_known_to_be_closed(
    env: SandboxEnv, header: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert closed_with(env, header, monkeypatch) == 0


def test_a_response_without_a_date_was_made_after_its_request(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert closed_with(env, {"Date": ""}, monkeypatch) == 29


@pytest.mark.parametrize(("seconds", "closed"), [(59.9, 29), (60.0, 30), (60.1, 30)])
def test_a_candle_is_not_closed_because_the_response_has_a_later_date(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, seconds: float, closed: int
) -> None:
    """The rows may have been read before the response was dated."""
    steps = begins("1m", env.now - 29 * MINUTE, env.now)
    serve(env, steps)
    env.clock.advance(seconds)
    dated = {"Date": formatdate(steps[-1] / 1000 + 60, usegmt=True)}
    session = env.link._connection.session
    read = session.read
    monkeypatch.setattr(session, "read", lambda *given: with_headers(given[0], read(*given), dated))
    frame = env.fetch(SERIES, {**BTC, "interval": "1m"}, start=steps[0])
    assert len(frame) == 30
    assert frame["closed"].sum() == closed


@pytest.mark.parametrize("ahead", [2, 4, 60, 86_400])
@pytest.mark.parametrize("minutes_before", [0, 20])
def test_a_candle_is_not_closed_because_a_date_is_ahead(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, ahead: int, minutes_before: int
) -> None:
    """Neither by seconds, nor after the clock was measured for the last time."""
    env.clock.advance(59.0)
    steps = begins("1m", env.now - 59_000 - 29 * MINUTE, env.now + HOUR)
    serve(env, steps)
    env.fetch(SERIES, {**BTC, "interval": "1m"}, start="-1min")
    env.clock.advance(minutes_before * 60)
    dated = {"Date": formatdate(env.now // 1000 + ahead, usegmt=True)}
    session = env.link._connection.session
    read = session.read
    monkeypatch.setattr(session, "read", lambda *given: with_headers(given[0], read(*given), dated))
    frame = env.fetch(SERIES, {**BTC, "interval": "1m"}, start="-29min")
    assert frame["closed"].tolist() == [True] * (len(frame) - 1) + [False]


def test_a_fetch_of_many_minutes_measures_the_clock_again(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = env.new_link(workers=1)
    steps = begins("1h", env.now - 29 * HOUR, env.now)
    rows = {SERIES.name: [step(0, time) | {"2": time + HOUR - 1} for time in steps]}
    env.replace_exchange(**small_exchange(rows))
    session = link._connection.session
    read = session.read

    def slow(*given: Any) -> Any:
        if given[0].path == SERIES.path:
            env.clock.advance(600)
        dated = {"Date": formatdate(env.now // 1000 + 86_400, usegmt=True)}
        return with_headers(given[0], read(*given), dated)

    monkeypatch.setattr(session, "read", slow)
    frame = link._fetcher.fetch(SERIES, {**BTC, "interval": "1h"}, start=steps[0])
    assert frame["closed"].tolist() == [True] * 29 + [False]


def closed_with(env: SandboxEnv, header: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of thirty candles are closed; the last but one ended half a second ago."""
    env.clock.advance(0.5)
    serve(env, begins("1m", env.now - 29 * MINUTE - 500, env.now))
    session = env.link._connection.session
    read = session.read
    monkeypatch.setattr(session, "read", lambda *given: with_headers(given[0], read(*given), header))
    frame = env.fetch(SERIES, {**BTC, "interval": "1m"}, start="-30min")
    assert len(frame) == 30
    return int(frame["closed"].sum())


def with_headers(request: Any, response: Any, header: dict[str, str]) -> Any:
    """A response of the series with other headers; the clock is measured as usual."""
    changed = header if request.path == SERIES.path else {}
    return replace(response, headers={**response.headers, **changed})


def test_a_partial_frame_over_a_socket(env: SandboxEnv) -> None:
    steps = begins("1m", env.now - 30 * MINUTE, env.now)
    serve(env, [*steps[:4], *steps[7:14], steps[14] + 1])
    with pytest.raises(ContractError, match="no step of '1m' begins") as caught:
        env.fetch(SERIES, {**BTC, "interval": "1m"}, start=steps[0])
    attrs = caught.value.partial.attrs  # type: ignore[union-attr]
    assert attrs["complete"] is False
    assert attrs["missing"][0][0] == iso(steps[10])
    assert attrs["gaps"][0] == {"start": iso(steps[4]), "end": iso(steps[7] - 1), "rows": 3}
    later = attrs["gaps"][1:]  # a window after the one that failed may have arrived
    assert all(gap["start"] >= iso(steps[20]) for gap in later)
