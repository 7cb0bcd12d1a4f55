"""Spans become request parameters, with the names and in the unit of the window."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.auth.signing import encode
from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint, Window
from toolkit.endpoints.model import TimeUnit
from toolkit.planning import Plan, Span, covered_span, span_parameters

REBATES = ENDPOINTS_BY_NAME["spot.rebates"]
NOON = 1_773_576_000_000  # 2026-03-15 12:00:00
UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)
times = st.integers(NOON, NOON + 10_000)


def endpoint(unit: TimeUnit, max_span: int | None = None) -> Endpoint:
    length = None if max_span is None else timedelta(milliseconds=max_span)
    window = Window(max_span=length, default=timedelta(days=1), unit=unit, start_field="from", end_field="to")
    return replace(REBATES, window=window)


def milliseconds(value: Any, unit: TimeUnit) -> float:
    """A request parameter in milliseconds."""
    if unit == "text":
        moment = datetime.strptime(value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return moment.timestamp() * 1000
    assert type(value) is int
    return float(value * {"ms": 1, "s": 1000, "us": 0.001}[unit])


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [
        ("ms", NOON + 1, NOON + 1500),
        ("s", NOON // 1000, NOON // 1000 + 2),
        ("us", (NOON + 1) * 1000, (NOON + 1500) * 1000 + 999),
        ("text", "2026-03-15 12:00:00", "2026-03-15 12:00:02"),
    ],
)
def test_both_ends_are_covered_in_every_unit(unit: TimeUnit, start: object, end: object) -> None:
    assert span_parameters(endpoint(unit), Span(NOON + 1, NOON + 1500)) == {"from": start, "to": end}


def test_a_text_is_encoded_without_a_plus_or_a_colon() -> None:
    sent = encode(span_parameters(endpoint("text"), Span(NOON, NOON)))
    assert sent == "from=2026-03-15%2012%3A00%3A00&to=2026-03-15%2012%3A00%3A00"


def test_an_endpoint_without_a_window_has_no_parameters_for_it() -> None:
    assert span_parameters(replace(REBATES, window=None), Span(NOON, NOON)) == {}
    assert covered_span(replace(REBATES, window=None), Span(NOON, NOON)) == Span(NOON, NOON)


@given(st.sampled_from(UNITS), times, st.integers(0, 5000))
def test_a_request_covers_its_span_and_at_most_the_covered_one(
    unit: TimeUnit, start: int, length: int
) -> None:
    span = Span(start, start + length)
    sent = span_parameters(endpoint(unit), span)
    first, last = milliseconds(sent["from"], unit), milliseconds(sent["to"], unit)
    covered = covered_span(endpoint(unit), span)
    assert covered.start == first <= span.start
    # An exchange may compare the whole time of a row with the end, or only its second.
    whole_unit = 999 if unit in ("s", "text") else 0
    assert span.end <= last <= last + whole_unit < covered.end + 1
    assert covered.end < span.end + (2000 if whole_unit else 1)


@given(
    st.sampled_from(UNITS),
    times,
    st.integers(0, 20_000),
    st.none() | st.integers(1000, 9000) | st.sampled_from([1999, 2000, 2001]),
)
def test_windows_cover_the_span_once_and_none_is_too_long_when_sent(
    unit: TimeUnit, start: int, length: int, max_span: int | None
) -> None:
    whole, limited = Span(start, start + length), endpoint(unit, max_span)
    windows = list(Plan(limited, {}, whole, {}).windows())
    assert (windows[0].start, windows[-1].end) == (whole.start, whole.end)
    for before, after in pairwise(windows):
        assert after.start == before.end + 1
    if max_span is None:
        assert windows == [whole]
        return
    for window in windows:
        sent = span_parameters(limited, window)
        assert milliseconds(sent["to"], unit) - milliseconds(sent["from"], unit) < max_span + 1
