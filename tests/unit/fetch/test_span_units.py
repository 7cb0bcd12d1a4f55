"""Spans that are sent in whole seconds: every row once, and none that was not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.sandbox_env import SandboxEnv
from tests.support.small_endpoints import (
    DAY,
    DIVIDENDS,
    HOUR,
    NOW_MS,
    OWN_TRADES,
    PRICES,
    ROWS,
    WITHDRAWALS,
    small_exchange,
    trade,
)
from toolkit.endpoints import Endpoint, Paging, Window
from toolkit.errors import ContractError
from toolkit.fetch.bisected_window import TruncationDetector
from toolkit.fetch.executor import InlineExecutor
from toolkit.fetch.lane import Lane
from toolkit.fetch.paginator import Job, Paginator
from toolkit.fetch.progress import Progress
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.decoder import decoder_for
from toolkit.frames.validation import Query
from toolkit.gateway.calls import RequestStats
from toolkit.planning import Span, iso, make_plan
from toolkit.timing.cancel import CancelToken

START = NOW_MS - DAY
PAGINGS = {
    "limit": Paging(kind="limit", size="limit", default=5, maximum=20),
    "offset": Paging(kind="offset", size="limit", default=5, maximum=3),
    "page": Paging(kind="page", size="limit", default=5, maximum=3),
    "id": OWN_TRADES.paging,
}


def in_seconds(kind: str, max_span: int | None = None) -> Endpoint:
    """Trades whose times are milliseconds, and whose spans are seconds."""
    assert OWN_TRADES.window is not None
    length = None if max_span is None else timedelta(milliseconds=max_span)
    window = replace(OWN_TRADES.window, unit="s", max_span=length, start_field="since", end_field="until")
    return replace(OWN_TRADES, window=window, paging=PAGINGS[kind])


@dataclass
class Model:
    """An exchange that compares times with whole seconds.

    Attributes:
        whole: Whether it compares only the second of a row, so that the last one counts whole.
        outside: Rows that it returns whatever the span.
        cap: Maximum number of rows, whatever was requested.
        requests: Number of requests so far.
    """

    endpoint: Endpoint
    rows: list[dict[str, Any]]
    whole: bool
    outside: tuple[dict[str, Any], ...] = ()
    cap: int = 1000
    requests: int = 0

    def answer(self, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.requests += 1
        limit = min(parameters["limit"], self.cap)
        if "fromId" in parameters:
            return [row for row in self.rows if row["id"] >= parameters["fromId"]][:limit]
        window = self.endpoint.window
        assert window is not None
        first, last = parameters["since"] * 1000, parameters["until"] * 1000 + 999 * self.whole
        assert window.max_span is None or (last - 999 * self.whole - first) <= window.max_span // timedelta(
            milliseconds=1
        )
        rows = [row for row in self.rows if first <= row["time"] <= last]
        offset = parameters.get("offset", (parameters.get("page", 1) - 1) * limit)
        return [*self.outside, *rows][offset : offset + limit]


def fetched(model: Model, span: Span) -> tuple[list[int], list[Span]]:
    """The numbers of the rows that a fetch has, and the spans that may lack some."""
    endpoint = model.endpoint
    plan = replace(make_plan(endpoint, {"symbol": "BTCUSDT"}, None, None, NOW_MS), span=span)
    query, decoder = Query(endpoint, plan.parameters), decoder_for(endpoint, exact=False)
    builder, token = FrameBuilder(endpoint, "float", query=query), CancelToken(endpoint.qualified_name)
    truncation = TruncationDetector(endpoint.paging)
    stats, clock = RequestStats(), FakeClock()
    progress = Progress(endpoint.qualified_name, span, stats, cancel=token, clock=clock, wanted=False)
    executor = InlineExecutor[Job](lambda job: decoder.decode(model.answer(job.request.parameters)))
    lane = Lane(plan, query, builder, truncation)
    Paginator([lane], progress, executor, speculative=0).run()
    assert not truncation.must_restart
    return [int(text) - 2**40 for text in builder.frame({})["trade_id"]], lane.missing


@given(
    kind=st.sampled_from(sorted(PAGINGS)),
    gaps=st.lists(st.sampled_from([0, 1, 80, 300, 700, 999, 1000, 1001, 4000]), max_size=60),
    start=st.integers(0, 3000),
    length=st.integers(0, 30_000),
    max_span=st.sampled_from([None, 1000, 2500, 7000]),
    whole=st.booleans(),
)
def test_every_row_of_the_span_comes_once_although_requests_are_for_whole_seconds(
    kind: str, gaps: list[int], start: int, length: int, max_span: int | None, whole: bool
) -> None:
    rows: list[dict[str, Any]] = []
    time = START
    for number, gap in enumerate(gaps):
        time += gap
        rows.append(trade(number, time))
    span = Span(START + start, START + start + length)
    numbers, missing = fetched(Model(in_seconds(kind, max_span), rows, whole), span)
    expected = [n for n, row in enumerate(rows) if span.start <= row["time"] <= span.end]
    if kind != "limit" or not missing:
        assert numbers == expected
        return
    # A second that is full, with the beginning of the next one if the exchange counts that too.
    assert set(numbers) <= set(expected)
    for number in set(expected) - set(numbers):
        assert any(gap.start <= rows[number]["time"] <= gap.end for gap in missing)


@pytest.mark.parametrize("kind", sorted(PAGINGS))
@pytest.mark.parametrize("off", [-1501, -2000, 5000])
def test_a_row_outside_of_what_the_request_covers_is_an_error(kind: str, off: int) -> None:
    span = Span(START + 500, START + 2500)
    model = Model(in_seconds(kind), [], whole=True, outside=(trade(0, START + 1000 + off),))
    with pytest.raises(ContractError, match="has the time"):
        fetched(model, span)


def test_a_page_of_rows_that_are_all_left_out_is_not_taken_for_a_repeated_one() -> None:
    rows = [trade(n, START + 10) for n in range(9)] + [trade(9, START + 600)]
    for kind in ("offset", "page"):
        assert fetched(Model(in_seconds(kind), rows, whole=True), Span(START + 500, START + 900))[0] == [9]


def test_a_full_second_is_a_gap_of_a_second() -> None:
    rows = [trade(n, START + 2000 + n) for n in range(20)]
    _, missing = fetched(Model(in_seconds("limit"), rows, whole=False), Span(START, START + 9999))
    assert missing == [Span(START + 2000, START + 2999)]


LARGE_PAGES = replace(in_seconds("limit"), paging=Paging(kind="limit", size="limit", default=5, maximum=200))


@pytest.mark.parametrize("whole", [False, True])
def test_responses_that_are_cut_off_are_noticed(whole: bool) -> None:
    rows = [trade(n, START + 25 * n) for n in range(400)]  # forty a second
    model = Model(LARGE_PAGES, rows, whole, cap=100)
    assert fetched(model, Span(START + 510, START + 9480)) == (list(range(21, 380)), [])


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("second", "cap", "requests"), [(70, 100, 20), (40, 1000, 3)])
def test_a_suspicious_response_is_checked_by_whole_seconds(
    whole: bool, second: int, cap: int, requests: int
) -> None:
    # Sixty rows in one second and more in the next one: a response with a hundred of them may be cut off.
    rows = [trade(n, START + 2000 + 10 * n) for n in range(60)]
    rows += [trade(60 + n, START + 3000 + 10 * n) for n in range(second)]
    model = Model(LARGE_PAGES, rows, whole, cap=cap)
    numbers, missing = fetched(model, Span(START, START + 9999))
    assert numbers == list(range(60 + second))
    assert not missing or (whole and cap == 100), "a second that cannot be requested alone"
    assert model.requests <= requests


def test_a_second_with_as_many_rows_as_a_response_that_was_cut_off_is_a_gap() -> None:
    rows = [trade(n, START + 2000 + n) for n in range(130)]
    numbers, missing = fetched(Model(LARGE_PAGES, rows, whole=False, cap=100), Span(START, START + 9999))
    assert numbers == list(range(100))
    assert missing == [Span(START + 2000, START + 2999)]


# -- times of rows in whole seconds, of requests in milliseconds ---------------------------------------------


class ShownInSeconds(Model):
    """An exchange that compares milliseconds and shows the second, as that of withdrawals does."""

    def answer(self, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        first, last = parameters["startTime"], parameters["endTime"]
        found = [row for row in self.rows if first <= row["time"] <= last][: parameters["limit"]]
        return [row | {"time": iso(row["time"] // 1000 * 1000)[:19]} for row in found]


def shown_in_seconds(max_span: int | None) -> Endpoint:
    columns = tuple(
        replace(each, unit="text") if each.name == OWN_TRADES.order_by else each
        for each in OWN_TRADES.columns
    )
    length = None if max_span is None else timedelta(milliseconds=max_span)
    window = Window(max_span=length, default=timedelta(days=1))
    return replace(OWN_TRADES, window=window, columns=columns, paging=PAGINGS["limit"])


@given(
    gaps=st.lists(st.sampled_from([80, 300, 700, 999, 1000, 1001, 4000]), max_size=40),
    start=st.integers(0, 3000),
    length=st.integers(0, 30_000),
    max_span=st.sampled_from([None, 2499, 6999]),
)
def test_a_row_shown_in_whole_seconds_is_in_the_window_of_its_second(
    gaps: list[int], start: int, length: int, max_span: int | None
) -> None:
    rows: list[dict[str, Any]] = []
    time = START
    for number, gap in enumerate(gaps):
        time += gap
        rows.append(trade(number, time))
    span = Span(START + start, START + start + length)
    numbers, missing = fetched(ShownInSeconds(shown_in_seconds(max_span), rows, whole=False), span)
    shown = [row["time"] // 1000 * 1000 for row in rows]
    assert numbers == [n for n, second in enumerate(shown) if span.start <= second <= span.end]
    assert not missing


# -- with the sandbox -------------------------------------------------------------------------------------

# The name of the timestamp is another matter.
SIGNED_DIVIDENDS = replace(DIVIDENDS, timestamp_field="timestamp")
SYMBOLS = replace(PRICES.params[1], columns=("symbol",))
KEYED_PRICES = replace(PRICES, security="USER_DATA", params=(SYMBOLS,), mutually_exclusive=())


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    endpoints = (SIGNED_DIVIDENDS, WITHDRAWALS, KEYED_PRICES)
    made = SandboxEnv(exchange=small_exchange(endpoints=endpoints))
    yield made
    made.close()


@pytest.mark.parametrize("endpoint", [SIGNED_DIVIDENDS, WITHDRAWALS], ids=lambda each: each.name)
def test_spans_in_seconds_and_as_text_are_fetched_whole(env: SandboxEnv, endpoint: Endpoint) -> None:
    start, end = NOW_MS - 51 * HOUR, NOW_MS - 11 * HOUR + 500
    frame = env.fetch(endpoint, start=start, end=end)
    times = [NOW_MS - (12 - n) * 5 * HOUR for n in range(12)]
    expected = [time for time in times if start <= time <= end]
    assert [int(time.timestamp() * 1000) for time in frame["time"]] == expected
    assert len(expected) == 8
    assert frame.attrs["complete"] is True
    assert frame.attrs["parameters"]["end"].endswith(".500+00:00")


def test_a_list_of_symbols_is_sent_and_its_rows_are_held_against_it(env: SandboxEnv) -> None:
    frame = env.fetch(KEYED_PRICES, {"symbols": ("BNBBTC", "BTCUSDT")})
    assert set(frame["symbol"]) == {"BTCUSDT", "BNBBTC"}
    assert frame.attrs["parameters"] == {"symbols": ["BNBBTC", "BTCUSDT"]}
    query = next(entry for entry in reversed(env.exchange.log) if entry.path == PRICES.path)
    assert query.status == 200
    env.exchange.faults.add("ignore", name="symbols", path=PRICES.path)
    assert len(ROWS[PRICES.name]) == 3
    with pytest.raises(ContractError, match="'ETHUSDT', but 'BNBBTC' or 'BTCUSDT' was requested"):
        env.fetch(KEYED_PRICES, {"symbols": ["BNBBTC", "BTCUSDT"]})
