"""Endpoints that page by id: every row of the span once, whatever the pages are like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.id_exchange import (
    BTC,
    START,
    Answer,
    Fetched,
    Model,
    Row,
    exchanges,
    fetch,
    ids_within,
    own_trades,
    plan_of,
    trades,
)
from tests.support.sandbox_env import SandboxEnv
from tests.support.small_endpoints import DAY, HOUR, NOW_MS, OWN_TRADES, small_exchange, trade
from toolkit.endpoints.model import MILLISECOND, Param
from toolkit.errors import ContractError, IncompleteError, UsageError
from toolkit.fetch import windows
from toolkit.fetch.paged_window import requests_for
from toolkit.planning import Span

FROM_ID = Param(field="fromId", name="from_id", kind="integer", doc="First id of the rows.", minimum=0)
WITH_FROM_ID = replace(OWN_TRADES, params=(*OWN_TRADES.params, FROM_ID))
WITHOUT_SPAN = replace(OWN_TRADES, name="all_trades", path="/api/v3/small/allTrades", window=None)


# -- every row of the span ---------------------------------------------------------------------------


@given(exchanges())
@example(([], Span(START, START + 1000), 5, (5,), 10))
@example((trades(*[0] * 12, 5, 5, 9), Span(START, START + 8), 2, (1,), None))
def test_every_row_of_the_span_comes_once_and_in_order(
    case: tuple[list[Row], Span, int, tuple[int, ...], int | None],
) -> None:
    rows, span, maximum, caps, max_span = case
    length = None if max_span is None else timedelta(milliseconds=max_span)
    plan = plan_of(own_trades(maximum, max_span=length), span)
    model = Model(rows, caps)
    fetched = fetch(model, plan)
    assert fetched.ids == ids_within(rows, span)
    assert fetched.lane.missing == [gap.span for gap in fetched.lane.gaps]
    if fetched.lane.gaps:  # nothing tells whether there are earlier rows
        first = next(row["time"] for row in rows if row["time"] >= span.start)
        assert sum(row["time"] == first for row in rows) >= maximum
    for request in model.requests:
        assert request["limit"] == maximum
        if "startTime" in request and max_span is not None:
            assert request["endTime"] - request["startTime"] <= max_span


@given(st.integers(0, 200), st.integers(10, 30), st.integers(1, 9))
def test_the_first_row_is_found_if_a_response_has_the_newest_rows_of_a_span(
    count: int, cap: int, each: int
) -> None:
    rows = trades(*(n // each for n in range(count)))
    plan = plan_of(own_trades(1000, max_span=None), Span(START, START + DAY))
    assert fetch(Model(rows, (cap,), newest=True), plan).ids == list(range(count))


def test_a_full_page_of_few_rows_may_have_the_newest_rows_only() -> None:
    rows = trades(*range(20))
    plan = plan_of(own_trades(5, max_span=None), Span(START, START + DAY))
    assert fetch(Model(rows, newest=True), plan).ids == list(range(20))


def test_a_page_that_is_not_full_is_not_the_end() -> None:
    rows = trades(*range(30))
    plan = plan_of(own_trades(10, max_span=None), Span(START, START + DAY))
    assert fetch(Model(rows, (10, 3, 1)), plan).ids == list(range(30))


def test_requests_are_as_few_as_prove_the_end() -> None:
    rows = trades(DAY + 1, DAY + 2, DAY + 2, 3 * DAY)
    span = Span(START, START + 2 * DAY)
    model = Model(rows)
    assert fetch(model, plan_of(own_trades(3, max_span=timedelta(days=1)), span)).ids == [0, 1, 2]
    day = {"limit": 3}
    assert model.requests == [
        {"startTime": START, "endTime": START + DAY, **day},
        {"startTime": START + DAY + 1, "endTime": START + 2 * DAY, **day},
        {"startTime": START + DAY + 1, "endTime": START + DAY + 1, **day},  # as the page was full
        {"fromId": 2**40, **day},
        {"fromId": 2**40 + 2, **day},  # a row after the span
    ]


def test_an_empty_span_takes_one_request_a_window() -> None:
    model = Model([])
    plan = plan_of(own_trades(max_span=timedelta(days=1)), Span(START, START + 4 * DAY - 1))
    fetched = fetch(model, plan)
    assert (fetched.ids, len(model.requests), fetched.lane.missing) == ([], 4, [])


def test_more_rows_of_the_first_instant_than_a_response_can_have_are_a_gap() -> None:
    rows = trades(*[5] * 20, 6)
    plan = plan_of(own_trades(12, max_span=None), Span(START, START + DAY))
    fetched = fetch(Model(rows, newest=True), plan)
    assert fetched.ids == list(range(8, 21)), "the exchange does not tell of the earlier ones"
    assert [gap.span for gap in fetched.lane.gaps] == [Span(START + 5, START + 5)]


# -- exchanges that are not as documented ----------------------------------------------------------------


def failure(change: Answer, rows: list[Row] | None = None, **window: Any) -> tuple[str, Fetched]:
    """The message of the error, and what was fetched before it. Pages have five rows, the span thirty."""
    kept: list[Fetched] = []
    model = Model(rows or trades(*range(0, 30 * HOUR, HOUR)), change=change)
    plan = plan_of(own_trades(5, max_span=None, **window), Span(START, START + 2 * DAY))
    with pytest.raises(ContractError) as caught:
        fetch(model, plan, kept)
    assert len(model.requests) < 15
    return str(caught.value), kept[0]


def from_page(number: int, change: Callable[[list[Row]], list[Row]]) -> Answer:
    """Changes the responses to requests by id from a number on."""
    count = 0

    def changed(parameters: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        nonlocal count
        count += "fromId" in parameters
        return change(rows) if "fromId" in parameters and count >= number else rows

    return changed


OLDEST = trades(*range(0, 5 * HOUR, HOUR))
NEWEST = [trade(n, START + n * HOUR) for n in range(25, 30)]


@pytest.mark.parametrize(
    ("page", "change", "problem", "kept"),
    [
        (1, lambda rows: NEWEST, f"does not begin with the id {2**40}", 0),
        (1, lambda rows: [], f"does not begin with the id {2**40}", 0),
        (2, lambda rows: OLDEST, f"row 0 has the `trade_id` {2**40}, but {2**40 + 4} and above", 5),
        (3, lambda rows: NEWEST[:1] + NEWEST[:1], "which do not ascend", 9),
        (3, lambda rows: rows[::-1], "which do not ascend", 9),
        (2, lambda rows: [rows[0], {**rows[1], "id": "x1"}], "row 1 has a `trade_id` that is not a whole", 5),
        (2, lambda rows: [{**row, "id": -row["id"]} for row in rows], "not a whole number", 5),
        (
            2,
            lambda rows: [rows[0], {**rows[1], "time": START + 3 * DAY}, rows[2]],
            "a row within the span follows one after it",
            5,
        ),
        (2, lambda rows: rows[1:], f"does not begin with the id {2**40 + 4}", 5),
        (3, lambda rows: [], f"does not begin with the id {2**40 + 8}", 9),
        (2, lambda rows: [{**rows[0], "time": START - 1}], "has the time", 5),
        (2, lambda rows: [{**rows[0], "symbol": "ETHUSDT"}], "'ETHUSDT', but 'BTCUSDT' was requested", 5),
    ],
)
def test_a_page_that_does_not_follow_the_one_before_is_an_error_with_what_came_until_then(
    page: int, change: Callable[[list[Row]], list[Row]], problem: str, kept: int
) -> None:
    message, fetched = failure(from_page(page, change))
    assert problem in message
    assert "none of its rows was kept" in message
    assert fetched.ids == list(range(kept))
    first = START + (kept - 1) * HOUR if kept else START
    assert fetched.lane.missing == [Span(first, START + 2 * DAY)]


def test_an_exchange_that_ignores_the_span_is_noticed() -> None:
    def ignored(parameters: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        return rows if "fromId" in parameters else [trade(0, START - 5)]

    message, fetched = failure(ignored)
    assert "row 0 has the time" in message
    assert fetched.ids == []


def test_a_first_row_that_a_shorter_span_does_not_have_is_an_error() -> None:
    asked: list[Mapping[str, Any]] = []

    def vanishing(parameters: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        asked.append(parameters)
        return trades(*range(12)) if len(asked) == 1 else []

    message, _ = failure(vanishing)
    assert f"the row with the id {2**40} is missing" in message
    assert len(asked) == 2


def test_pages_without_end_are_bounded_for_each_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_REQUESTS", 10)

    def endless(parameters: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        return [trade(parameters["fromId"] - 2**40, START + 1)] if "fromId" in parameters else rows

    kept: list[Fetched] = []
    plan = plan_of(own_trades(max_span=timedelta(days=1)), Span(START, START + 9 * DAY))
    with pytest.raises(IncompleteError, match="10 requests for one window"):
        fetch(Model(trades(1), change=endless), plan, kept)
    assert kept[0].ids == list(range(5))
    many = trades(*range(0, 9 * DAY, 6 * HOUR))
    assert fetch(Model(many, (2,)), plan).ids == list(range(36)), (
        "a request for each of 36 rows, in 9 windows"
    )


def test_what_is_missing_at_an_interrupt_begins_with_the_last_row() -> None:
    def interrupt(rows: list[Row]) -> list[Row]:
        raise KeyboardInterrupt

    kept: list[Fetched] = []
    model = Model(trades(*range(0, 30 * HOUR, HOUR)), change=from_page(4, interrupt))
    with pytest.raises(KeyboardInterrupt):
        fetch(model, plan_of(own_trades(5, max_span=None), Span(START, START + 2 * DAY)), kept)
    assert kept[0].ids == list(range(13))
    assert kept[0].lane.missing == [Span(START + 12 * HOUR, START + 2 * DAY)]


def test_empty_windows_before_an_interrupt_are_not_missing() -> None:
    def interrupted(parameters: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        if parameters["startTime"] >= START + 2 * DAY:
            raise KeyboardInterrupt
        return rows

    kept: list[Fetched] = []
    plan = plan_of(own_trades(max_span=timedelta(days=1) - MILLISECOND), Span(START, START + 5 * DAY))
    with pytest.raises(KeyboardInterrupt):
        fetch(Model([], change=interrupted), plan, kept)
    assert kept[0].lane.missing == [Span(START + 2 * DAY, START + 5 * DAY)]


# -- with the sandbox -------------------------------------------------------------------------------------


@pytest.fixture
def env() -> Any:
    made = SandboxEnv(
        exchange=small_exchange(
            {
                OWN_TRADES.name: [trade(n, NOW_MS - (40 - n // 2) * HOUR) for n in range(60)],
                WITHOUT_SPAN.name: [trade(n, NOW_MS - (40 - n) * HOUR) for n in range(23)],
            },
            endpoints=(WITH_FROM_ID, WITHOUT_SPAN),
        )
    )
    yield made
    made.close()


def test_a_span_is_fetched_whole_from_the_sandbox(env: SandboxEnv) -> None:
    frame = env.fetch(WITH_FROM_ID, BTC, start=NOW_MS - 35 * HOUR, end=NOW_MS - 20 * HOUR)
    assert [int(each) - 2**40 for each in frame["trade_id"]] == list(range(10, 42))
    assert frame.attrs["complete"] is True
    assert frame.attrs["weight"] == 20 * frame.attrs["requests"]
    # Two for the first row, and eight pages, the last of which has a row after the end.
    assert frame.attrs["requests"] == 2 + 8


def test_from_an_id_on_all_rows_are_fetched_and_no_span_is_sent(env: SandboxEnv) -> None:
    frame = env.fetch(WITH_FROM_ID, {**BTC, "from_id": 2**40 + 50})
    assert [int(each) - 2**40 for each in frame["trade_id"]] == list(range(50, 60))
    assert frame.attrs["parameters"] == {"symbol": "BTCUSDT", "from_id": str(2**40 + 50)}
    assert env.sent(WITH_FROM_ID.path) == [200] * 5


def test_an_id_and_a_span_exclude_each_other(env: SandboxEnv) -> None:
    for span in ({"start": "-1D"}, {"end": "2025-12-31"}):
        with pytest.raises(UsageError, match="`from_id` and a span are mutually exclusive"):
            env.fetch(WITH_FROM_ID, {**BTC, "from_id": 5}, **span)
    with pytest.raises(UsageError, match="`from_id` must be a whole number from 0"):
        env.fetch(WITH_FROM_ID, {**BTC, "from_id": -1})
    assert env.sent(WITH_FROM_ID.path) == []


def test_without_a_span_every_row_is_fetched_from_the_first_id_on(env: SandboxEnv) -> None:
    frame = env.fetch(WITHOUT_SPAN, BTC)
    assert [int(each) - 2**40 for each in frame["trade_id"]] == list(range(23))
    assert frame.attrs["complete"] is True
    assert frame.attrs["requests"] == requests_for(WITHOUT_SPAN, 23) == 8


def test_a_failure_keeps_the_rows_before_it_and_says_what_is_missing(env: SandboxEnv) -> None:
    rows = [trade(n, NOW_MS - (40 - n // 2) * HOUR) for n in range(60)]
    del rows[23]["price"]
    env.replace_exchange(**small_exchange({OWN_TRADES.name: rows}, endpoints=(WITH_FROM_ID,)))
    with pytest.raises(ContractError, match="has no field 'price'") as caught:
        env.fetch(WITH_FROM_ID, BTC, start=NOW_MS - 35 * HOUR)
    partial = caught.value.partial
    assert partial is not None
    assert [int(each) - 2**40 for each in partial["trade_id"]] == list(range(10, 23))
    assert partial.attrs["complete"] is False
    last = partial["time"].iloc[-1].isoformat(timespec="milliseconds")
    assert [span[0] for span in partial.attrs["missing"]] == [last]


def test_a_declared_first_id_is_documented_once() -> None:
    fields = [param.field for param in WITH_FROM_ID.request_params]
    assert fields.count("fromId") == 1
    assert [param.name for param in OWN_TRADES.request_params if param.field == "fromId"] == ["from_id"]
