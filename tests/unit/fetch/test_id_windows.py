"""Windows whose rows are few: one request each, and on by id where a response may lack rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.id_exchange import (
    START,
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
from tests.support.small_endpoints import DAY, HOUR, trade
from toolkit.errors import ContractError
from toolkit.planning import Span


@given(exchanges(), st.sampled_from([10, 20, 50, 1000]), st.booleans())
@example((trades(*[0] * 12, 5, 5, 9), Span(START, START + 8), 2, (), 3), 1000, False)
@example((trades(*range(40)), Span(START, START + 40), 50, (), 99), 10, True)
@example((trades(*[7] * 25), Span(START, START + 40), 50, (), 99), 20, True)
def test_every_row_comes_once_and_in_order_whatever_fits_in_a_response(
    case: tuple[list[Row], Span, int, tuple[int, ...], int | None], cap: int, newest: bool
) -> None:
    rows, span, maximum, _, max_span = case
    length = None if max_span is None else timedelta(milliseconds=max_span)
    plan = plan_of(own_trades(maximum, by_window=True, max_span=length), span)
    model = Model(rows, (cap,), newest)
    fetched = fetch(model, plan)
    assert fetched.lane.missing == []
    if not fetched.lane.truncation.must_restart:  # otherwise the fetcher begins again
        assert fetched.ids == ids_within(rows, span)
    for request in model.requests:
        assert request["limit"] == maximum
        if "startTime" in request and max_span is not None:
            assert request["endTime"] - request["startTime"] <= max_span


def test_a_window_takes_one_request_if_its_rows_fit_in_a_response() -> None:
    rows = trades(0, 0, 3 * HOUR, DAY + 5, 3 * DAY + HOUR)
    span = Span(START, START + 4 * DAY - 1)
    model = Model(rows)
    plan = plan_of(own_trades(5, by_window=True, max_span=timedelta(days=1, milliseconds=-1)), span)
    assert fetch(model, plan).ids == [0, 1, 2, 3, 4]
    assert [request["startTime"] - START for request in model.requests] == [0, DAY, 2 * DAY, 3 * DAY]


def test_a_full_window_goes_on_by_id_until_past_its_end() -> None:
    rows = trades(*range(12), DAY, DAY + 1)
    span = Span(START, START + 2 * DAY - 1)
    model = Model(rows)
    plan = plan_of(own_trades(5, by_window=True, max_span=timedelta(days=1, milliseconds=-1)), span)
    assert fetch(model, plan).ids == list(range(14))
    first = [request for request in model.requests if request.get("startTime") != START + DAY]
    size = {"limit": 5}
    assert first == [
        {"startTime": START, "endTime": START + DAY - 1, **size},
        {"startTime": START, "endTime": START, **size},  # nothing before the first row
        *(
            {"fromId": 2**40 + number, **size} for number in (0, 4, 8)
        ),  # the last one has a row of the next day
    ]


def test_thousands_of_rows_in_one_window_and_many_of_one_time_at_its_edges() -> None:
    day = DAY - 1
    times = [*[0] * 700, *range(1, 2500), *[day] * 900, *[DAY] * 800, DAY + 1]
    rows = trades(*times)
    plan = plan_of(
        own_trades(1000, by_window=True, max_span=timedelta(milliseconds=day)), Span(START, START + 2 * day)
    )
    fetched = fetch(Model(rows), plan)
    assert fetched.ids == list(range(len(times)))
    assert fetched.lane.gaps == []


@pytest.mark.parametrize("newest", [False, True])
def test_more_rows_of_one_time_than_a_response_can_have(newest: bool) -> None:
    rows = [*trades(0, 1), *(trade(1000 * number, START + HOUR) for number in range(1, 40))]
    plan = plan_of(own_trades(12, by_window=True, max_span=timedelta(minutes=50)), Span(START, START + DAY))
    fetched = fetch(Model(rows, newest=newest), plan)
    assert fetched.ids == ids_within(rows, Span(START, START + DAY))
    assert fetched.lane.gaps == []


def test_a_lower_number_of_rows_than_documented_is_noticed() -> None:
    rows = trades(*range(90))
    plan = plan_of(own_trades(100, by_window=True, max_span=timedelta(days=1)), Span(START, START + DAY))
    model = Model(rows, (50,))
    fetched = fetch(model, plan)
    assert fetched.ids == list(range(90))
    assert fetched.lane.truncation.cap == 50


def test_windows_all_with_the_same_number_of_rows_are_checked_once() -> None:
    rows = trades(*(day * DAY + number for day in range(30) for number in range(24)))
    plan = plan_of(
        own_trades(1000, by_window=True, max_span=timedelta(days=1, milliseconds=-1)),
        Span(START - 25 * DAY, START + 5 * DAY - 1),
    )
    rows = [{**row, "time": row["time"] - 25 * DAY} for row in rows]
    model = Model(rows)
    assert fetch(model, plan).ids == list(range(len(rows)))
    assert len(model.requests) < 30 + 8


def test_rows_outside_of_the_window_are_an_error_that_keeps_what_came_before() -> None:
    def changed(parameters: Mapping[str, Any], rows: list[Row]) -> list[Row]:
        return [trade(9, START)] if parameters.get("startTime", 0) > START + DAY else rows

    kept: list[Fetched] = []
    plan = plan_of(own_trades(by_window=True, max_span=timedelta(days=1)), Span(START, START + 5 * DAY))
    with pytest.raises(ContractError, match="row 0 has the time"):
        fetch(Model(trades(1, 2), change=changed), plan, kept)
    assert kept[0].ids == [0, 1]
    assert kept[0].lane.missing == [Span(START + DAY + 1, START + 5 * DAY)]
