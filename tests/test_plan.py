"""Arguments become requests: times, windows, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.catalogue import BY_DOOR, ENDPOINTS, Endpoint, Window
from toolkit.errors import UsageError
from toolkit.plan import Plan, Span, make_plan

NOW = int(pd.Timestamp("2026-03-15T12:00:00Z").timestamp() * 1000)
DAY = 86_400_000
REBATES = BY_DOOR["spot.rebates"]


def at(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").timestamp() * 1000)


def span(start: object = None, end: object = None, door: str = "spot.rebates") -> Span:
    plan = make_plan(BY_DOOR[door], {}, start, end, NOW)  # type: ignore[arg-type]
    assert plan.span is not None
    return plan.span


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("-30D", NOW - 30 * DAY),
        ("-12h", NOW - DAY // 2),
        ("-90min", NOW - 90 * 60_000),
        ("2026-03-01", at("2026-03-01")),
        ("2026-03-01 08:30", at("2026-03-01T08:30")),
        ("2026-03-01T08:30:00.123Z", at("2026-03-01T08:30:00.123")),
        ("2026-03-01T08:30+02:00", at("2026-03-01T06:30")),
        (date(2026, 3, 1), at("2026-03-01")),
        (datetime(2026, 3, 1, 8), at("2026-03-01T08:00")),
        (datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=-5))), at("2026-03-01T13:00")),
        (datetime(2026, 3, 1, 8, tzinfo=UTC), at("2026-03-01T08:00")),
        (pd.Timestamp("2026-03-01 08:00"), at("2026-03-01T08:00")),
        (pd.Timestamp("2026-03-01 08:00", tz="Asia/Tokyo"), at("2026-02-28T23:00")),
        (np.datetime64("2026-03-01T08:00"), at("2026-03-01T08:00")),
        (NOW - 5, NOW - 5),
        (np.int64(NOW - 5), NOW - 5),
    ],
)
def test_a_start_may_be_said_in_many_ways_and_naive_means_utc(start: object, moment: int) -> None:
    assert span(start).start == moment


@pytest.mark.parametrize(
    ("end", "moment"),
    [
        (None, NOW),
        ("now", NOW),
        ("2026-03-10", at("2026-03-11") - 1),
        (date(2026, 3, 10), at("2026-03-11") - 1),
        (datetime(2026, 3, 10), at("2026-03-10")),
        ("2026-03-10 00:00", at("2026-03-10")),
        ("2026-03-15", NOW),
        ("2027-01-01", NOW),
    ],
)
def test_a_date_as_end_means_its_whole_day_and_nothing_is_asked_of_the_future(
    end: object, moment: int
) -> None:
    assert span("2026-03-01", end).end == moment


def test_the_default_span_is_the_documented_one() -> None:
    for door, days in [
        ("spot.rebates", 7),
        ("exchange.transfers", 100),
        ("exchange.universal_transfers", 30),
    ]:
        given_arguments = {"from_id": "1"} if "transfers" in door else {}
        plan = make_plan(BY_DOOR[door], given_arguments, None, None, NOW)
        assert plan.span == Span(NOW - days * DAY, NOW)
    assert span(None, "2026-03-01 00:00") == Span(at("2026-02-22"), at("2026-03-01"))


def test_spans_less_than_seven_days_are_less_than_seven_days() -> None:
    plan = make_plan(BY_DOOR["exchange.rebates"], {}, "-21D", None, NOW)
    for window in plan.windows():
        assert window.end - window.start < 7 * DAY


@given(
    start=st.integers(0, 400 * DAY),
    length=st.integers(0, 400 * DAY),
    longest=st.one_of(st.none(), st.integers(DAY // 24, 120 * DAY)),
)
def test_windows_cover_the_span_without_gap_or_overlap(start: int, length: int, longest: int | None) -> None:
    first = at("2024-01-01") + start
    whole = Span(first, first + length)
    window = Window(
        longest=None if longest is None else timedelta(milliseconds=longest), default=timedelta(days=1)
    )
    windows = list(Plan(replace(REBATES, window=window), {}, whole, {}).windows())
    assert windows[0].start == whole.start
    assert windows[-1].end == whole.end
    for before, after in pairwise(windows):
        assert after.start == before.end + 1
    for each in windows:
        assert each.start <= each.end
        assert longest is None or each.end - each.start <= longest
    assert sum(each.length for each in windows) == whole.length


@given(st.text(max_size=12))
def test_whatever_text_is_given_as_a_time_is_a_time_or_refused(text: str) -> None:
    refusal = ""
    try:
        made = span(text)
    except UsageError as error:
        refusal = str(error)
    if refusal:
        assert "`start`" in refusal
        assert "Nothing was sent" in refusal
    else:
        assert made.start <= made.end == NOW


class Market(Enum):
    COIN = "cm"


def test_what_goes_out_has_wire_names_and_values() -> None:
    plan = make_plan(BY_DOOR["exchange.futures_balances"], {"market": Market.COIN}, None, None, NOW)
    assert plan.parameters == {"futuresType": 2}
    plan = make_plan(BY_DOOR["exchange.api_keys"], {"sub_account_id": 367537027503425913}, None, None, NOW)
    assert plan.parameters == {"subAccountId": "367537027503425913"}


def test_private_arguments_are_not_shown() -> None:
    plan = make_plan(BY_DOOR["spot.customers"], {"email": "a@example.com"}, None, None, NOW)
    assert plan.parameters == {"email": "a@example.com"}
    assert plan.shown == {"email": "(hidden)"}


def test_an_argument_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="no argument 'colour'; it takes customer_id"):
        make_plan(REBATES, {"colour": 1}, None, None, NOW)


WINDOWED = [endpoint for endpoint in ENDPOINTS if endpoint.window]


@pytest.mark.parametrize("endpoint", WINDOWED, ids=lambda endpoint: endpoint.door)
def test_the_default_span_is_one_window(endpoint: Endpoint) -> None:
    values = {"market": "um", "from_id": "1"}
    given_arguments = {p.name: values.get(p.name, "1") for p in endpoint.params if p.required}
    given_arguments |= {"from_id": "1"} if endpoint.at_least_one else {}
    assert len(list(make_plan(endpoint, given_arguments, None, None, NOW).windows())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "today",
        "10:30",
        "01/02/2026",
        "2026-3-10",
        "20260310",
        "Mar 10 2026",
        "2026-03",
        "10:30:15.5",
        "-30",
        "-1e9",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="`end`"):
        span("2026-03-01", text)


@pytest.mark.parametrize("text", ["-30000D", "-17000000D", "-99999999999D"])
def test_before_2010_there_is_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="`start`"):
        span(text)


def test_a_day_of_numpy_means_its_whole_day_as_an_end() -> None:
    assert span("2026-03-01", np.datetime64("2026-03-10")).end == at("2026-03-11") - 1
    assert span("2026-03-01", np.datetime64("2026-03-10T00:00")).end == at("2026-03-10")


def test_an_end_before_what_is_kept_is_what_is_named() -> None:
    with pytest.raises(UsageError, match=r"`end` .* is too early: the exchange keeps the last 7 days"):
        make_plan(BY_DOOR["spot.kickbacks"], {}, None, "-8D", NOW)


def test_numpy_scalars_are_values_like_others() -> None:
    plan = make_plan(BY_DOOR["futures.overview"], {"market": np.int64(2)}, None, None, NOW)
    assert plan.parameters == {"type": 2}
    plan = make_plan(BY_DOOR["exchange.bnb_burn"], {"sub_account_id": np.int64(5)}, None, None, NOW)
    assert plan.parameters == {"subAccountId": "5"}
    given_arguments = {"from_id": "1", "show_all_status": np.bool_(True)}
    assert (
        make_plan(BY_DOOR["exchange.transfers"], given_arguments, None, None, NOW).parameters["showAllStatus"]
        is True
    )


def test_a_masked_key_is_refused() -> None:
    with pytest.raises(UsageError, match="`api_key` is masked"):
        make_plan(
            BY_DOOR["exchange.ip_restriction"], {"sub_account_id": "1", "api_key": "Jvp***"}, None, None, NOW
        )
