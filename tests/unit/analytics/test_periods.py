"""Periods: every word, in any zone; they tile the calendar, and touch the period before them."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.analytics.periods import Period, period
from toolkit.analytics.zones import Unit, unit_labels
from toolkit.errors import UsageError

# A Thursday; in Berlin, the clocks went back on 25 October.
NOW = pd.Timestamp("2026-11-05 11:30:15.250")
LATE = pd.Timestamp("2090-01-01")
MILLISECOND = pd.Timedelta(1, "ms")
ZONES = st.sampled_from(sorted(available_timezones()))
# Midnight skipped, repeated or twice; half hours; a day that was skipped.
HARD_ZONES = [
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Africa/Cairo",
    "Asia/Gaza",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Nuuk",
    "Antarctica/Troll",
]


def ends(what: object, zone: str = "UTC", now: pd.Timestamp = NOW) -> list[str]:
    found = period(what, zone=zone, now=now)  # type: ignore[arg-type]
    assert found.start.tz is not None
    assert found.start.unit == found.end.unit == "ms"
    return [f"{each.isoformat(sep=' ', timespec='milliseconds')[:-6]}" for each in (found.start, found.end)]


RUNNING = "2026-11-05 11:30:15.250"


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("today", "2026-11-05 00:00:00.000", RUNNING),
        ("Yesterday", "2026-11-04 00:00:00.000", "2026-11-04 23:59:59.999"),
        ("this week", "2026-11-02 00:00:00.000", RUNNING),
        ("WTD", "2026-11-02 00:00:00.000", RUNNING),
        ("LAST  WEEK", "2026-10-26 00:00:00.000", "2026-11-01 23:59:59.999"),
        ("this month", "2026-11-01 00:00:00.000", RUNNING),
        ("mtd", "2026-11-01 00:00:00.000", RUNNING),
        ("last month", "2026-10-01 00:00:00.000", "2026-10-31 23:59:59.999"),
        ("last-month", "2026-10-01 00:00:00.000", "2026-10-31 23:59:59.999"),
        ("this quarter", "2026-10-01 00:00:00.000", RUNNING),
        ("QTD", "2026-10-01 00:00:00.000", RUNNING),
        ("last quarter", "2026-07-01 00:00:00.000", "2026-09-30 23:59:59.999"),
        ("this year", "2026-01-01 00:00:00.000", RUNNING),
        ("YTD", "2026-01-01 00:00:00.000", RUNNING),
        ("last year", "2025-01-01 00:00:00.000", "2025-12-31 23:59:59.999"),
        ("2025", "2025-01-01 00:00:00.000", "2025-12-31 23:59:59.999"),
        ("2026", "2026-01-01 00:00:00.000", RUNNING),
        ("2026-Q3", "2026-07-01 00:00:00.000", "2026-09-30 23:59:59.999"),
        ("2026-q3", "2026-07-01 00:00:00.000", "2026-09-30 23:59:59.999"),
        ("2026-02", "2026-02-01 00:00:00.000", "2026-02-28 23:59:59.999"),
        ("2020-W53", "2020-12-28 00:00:00.000", "2021-01-03 23:59:59.999"),
        ("2026-10-05", "2026-10-05 00:00:00.000", "2026-10-05 23:59:59.999"),
        ("-30D", "2026-10-06 11:30:15.251", RUNNING),
        ("-12h", "2026-11-04 23:30:15.251", RUNNING),
        ("2026-01-01..2026-02-15", "2026-01-01 00:00:00.000", "2026-02-15 23:59:59.999"),
        ("2026-01 .. 2026-Q2", "2026-01-01 00:00:00.000", "2026-06-30 23:59:59.999"),
        ("-60D..-30D", "2026-09-06 11:30:15.251", "2026-10-06 11:30:15.250"),
        ("2026-11-01..2026-12-31", "2026-11-01 00:00:00.000", RUNNING),
        (("2026-10-01 08:30", "now"), "2026-10-01 08:30:00.000", RUNNING),
        (("2026-10-01", None), "2026-10-01 00:00:00.000", RUNNING),
        ((date(2026, 10, 1), date(2026, 10, 2)), "2026-10-01 00:00:00.000", "2026-10-02 23:59:59.999"),
        (
            (datetime(2026, 10, 1, 8), datetime(2026, 10, 1, 9, tzinfo=UTC)),
            "2026-10-01 08:00:00.000",
            "2026-10-01 09:00:00.000",
        ),
        (
            [np.datetime64("2026-10-01"), np.datetime64("2026-10-01T05:00")],
            "2026-10-01 00:00:00.000",
            "2026-10-01 05:00:00.000",
        ),
        ((1_775_000_000_000, 1_775_000_000_001), "2026-03-31 23:33:20.000", "2026-03-31 23:33:20.001"),
    ],
)
def test_every_word_is_a_period(said: object, start: str, end: str) -> None:
    assert ends(said) == [start, end]


@pytest.mark.parametrize(
    ("said", "zone", "start", "end"),
    [
        ("last month", "Europe/Berlin", "2026-09-30 22:00:00.000", "2026-10-31 22:59:59.999"),
        ("MTD", "America/New_York", "2026-11-01 04:00:00.000", RUNNING),
        ("2026-10-25", "Europe/Berlin", "2026-10-24 22:00:00.000", "2026-10-25 22:59:59.999"),
        ("today", "Pacific/Kiritimati", "2026-11-05 10:00:00.000", RUNNING),
        # Clocks skip midnight: the day begins when they show one o'clock.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04 03:00:00.000", "2018-11-05 01:59:59.999"),
        ("2026-04-24", "Africa/Cairo", "2026-04-23 22:00:00.000", "2026-04-24 20:59:59.999"),
        # Clocks show midnight twice: the day begins with the first.
        ("2026-11-01", "America/Havana", "2026-11-01 04:00:00.000", "2026-11-02 04:59:59.999"),
        # The day that was skipped is in no other.
        ("2011-12-29", "Pacific/Apia", "2011-12-29 10:00:00.000", "2011-12-30 09:59:59.999"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30 10:00:00.000", "2011-12-31 09:59:59.999"),
        # A time that is shown twice, or skipped, as a start and as an end.
        (
            ("2025-10-26 02:30", "2025-10-26 02:30"),
            "Europe/Berlin",
            "2025-10-26 00:30:00.000",
            "2025-10-26 01:30:00.000",
        ),
        (
            ("2026-03-29 02:30", "2026-03-29 04:00"),
            "Europe/Berlin",
            "2026-03-29 01:00:00.000",
            "2026-03-29 02:00:00.000",
        ),
    ],
)
def test_days_begin_in_the_zone_that_is_named(said: object, zone: str, start: str, end: str) -> None:
    assert ends(said, zone) == [start, end]


def test_the_clock_of_the_machine_is_the_default() -> None:
    before = pd.Timestamp(datetime.now(UTC)).floor("ms")
    found = period("-1h")
    assert before <= found.end <= pd.Timestamp(datetime.now(UTC))


def test_now_may_be_in_any_zone() -> None:
    assert period("today", now=NOW.tz_localize("Asia/Tokyo")).end == NOW.tz_localize("Asia/Tokyo")
    assert period("today", now=NOW.tz_localize("UTC")) == period("today", now=NOW)
    with pytest.raises(UsageError, match=r"`now` must be a pandas Timestamp"):
        period("today", now="2026")  # type: ignore[arg-type]


def test_a_period_is_taken_as_it_is() -> None:
    given_before = period("2026-10", zone="Europe/Berlin", now=NOW)
    assert period(given_before, zone="UTC", now=LATE) is given_before


def test_only_what_will_get_longer_is_not_over() -> None:
    running = ["today", "this month", "MTD", "YTD", "2026", "2026-11", "2026-W45", "2026-11-01..2026-11-30"]
    assert [said for said in [*running, "2026-11-01..now"] if period(said, now=NOW).is_over] == []
    over = ["yesterday", "last month", "2025", "2026-10", "-30D", "2026-01-01..2026-02-15"]
    assert [said for said in over if not period(said, now=NOW).is_over] == []
    # The last millisecond of a month belongs to it: with it, the month is over.
    last = pd.Timestamp("2026-10-31 23:59:59.999")
    assert period("2026-10", now=last).is_over
    assert not period("2026-10", now=last - MILLISECOND).is_over


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("last month", "2026-10"),
        ("last quarter", "2026-Q3"),
        ("last year", "2025"),
        ("yesterday", "2026-11-04"),
        ("last week", "2026-W44"),
        ("MTD", "2026-11-01..2026-11-05"),
        ("-7D", "2026-10-29..2026-11-05"),
        ("2026-01-01..2026-02-15", "2026-01-01..2026-02-15"),
    ],
)
def test_a_label_names_the_days(said: str, name: str) -> None:
    assert period(said, now=NOW).label == name


def test_a_repr_says_when_and_where() -> None:
    assert repr(period("last month", zone="Europe/Berlin", now=NOW)) == (
        '<Period "last month": 2026-10-01 00:00 to 2026-10-31 23:59:59.999, Europe/Berlin>'
    )
    assert repr(period("MTD", now=NOW)) == (
        '<Period "MTD": 2026-11-01 00:00 to 2026-11-05 11:30:15.250, UTC, not over>'
    )


def test_a_period_is_written_as_text() -> None:
    assert period("MTD", now=NOW).to_dict() == {
        "name": "MTD",
        "start": "2026-11-01T00:00:00.000+00:00",
        "end": "2026-11-05T11:30:15.250+00:00",
        "zone": "UTC",
        "is_over": False,
    }


def test_whole_days_are_those_of_utc() -> None:
    assert period("2026-10", now=NOW).is_whole_days
    assert period("MTD", now=NOW).is_whole_days  # nothing of today is after now
    assert not period("2026-10", zone="Europe/Berlin", now=NOW).is_whole_days
    assert period("2026-10", zone="Africa/Abidjan", now=NOW).is_whole_days  # there, it is UTC all year
    assert not period("-30D", now=NOW).is_whole_days
    assert not period(("2026-10-01", "2026-10-02 05:00"), now=NOW).is_whole_days


def test_days_are_counted_by_the_clocks() -> None:
    assert period("2026-10", zone="Europe/Berlin", now=NOW).days == 31
    assert period("2026-03-29", zone="Europe/Berlin", now=NOW).days == 1
    assert period("-12h", now=NOW).days == 0.5


# -- the period before ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("last month", "2026-09-01 00:00", "2026-09-30 23:59:59.999"),
        ("2026-03", "2026-02-01 00:00", "2026-02-28 23:59:59.999"),
        ("2026-Q1", "2025-10-01 00:00", "2025-12-31 23:59:59.999"),
        ("2026-W01", "2025-12-22 00:00", "2025-12-28 23:59:59.999"),
        ("2025", "2024-01-01 00:00", "2024-12-31 23:59:59.999"),
        ("MTD", "2026-10-01 00:00", "2026-10-05 11:30:15.250"),
        ("QTD", "2026-07-01 00:00", "2026-08-05 11:30:15.250"),
        ("YTD", "2025-01-01 00:00", "2025-11-05 11:30:15.250"),
        ("today", "2026-11-04 00:00", "2026-11-04 11:30:15.250"),
        ("2026-01-01..2026-02-15", "2025-11-16 00:00", "2025-12-31 23:59:59.999"),
        ("-30D", "2026-09-06 11:30:15.251", "2026-10-06 11:30:15.250"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
def test_what_a_period_is_compared_with(said: str, start: str, end: str, zone: str) -> None:
    now = NOW.tz_localize(zone)
    before = period(said, zone=zone, now=now).before()
    shown = [each.tz_convert(zone).tz_localize(None) for each in (before.start, before.end)]
    if said == "-30D" and zone != "UTC":  # thirty times 24 hours, in which clocks went forward
        shown = [shown[0] + pd.Timedelta("1h"), shown[1]]
    assert shown == [pd.Timestamp(start), pd.Timestamp(end)]


def test_where_the_month_before_is_shorter_it_is_all_of_it() -> None:
    before = period("MTD", now=pd.Timestamp("2026-03-30 12:00")).before()
    assert (before.start, before.end) == (
        pd.Timestamp("2026-02-01", tz="UTC"),
        pd.Timestamp("2026-02-28 23:59:59.999", tz="UTC"),
    )


# -- properties ----------------------------------------------------------------------------------------


def assert_tile(parts: list[Period], whole: Period) -> None:
    """The parts are the whole, without gap or overlap."""
    assert parts[0].start == whole.start
    assert parts[-1].end == whole.end
    for one, following in itertools.pairwise(parts):
        assert following.start - one.end == MILLISECOND
    assert all(each.start <= each.end for each in parts)


@given(year=st.integers(2010, 2060), zone=ZONES | st.sampled_from(HARD_ZONES))
@settings(max_examples=20)
def test_months_and_quarters_are_the_year(year: int, zone: str) -> None:
    whole = period(str(year), zone=zone, now=LATE)
    months = [period(f"{year}-{month:02d}", zone=zone, now=LATE) for month in range(1, 13)]
    assert_tile(months, whole)
    assert_tile([period(f"{year}-Q{quarter}", zone=zone, now=LATE) for quarter in range(1, 5)], whole)
    weeks = date(year, 12, 28).isocalendar().week
    following = period(f"{year + 1}-W01", zone=zone, now=LATE)
    named = [period(f"{year}-W{week:02d}", zone=zone, now=LATE) for week in range(1, weeks + 1)]
    assert_tile([*named, following], Period(named[0].start, following.end, "", zone))
    assert all(each.start.tz_convert(ZoneInfo(zone)).weekday() == 0 for each in named)


@given(day=st.dates(date(2010, 2, 1), date(2060, 1, 1)), zone=ZONES | st.sampled_from(HARD_ZONES))
@settings(max_examples=20)
def test_days_are_the_month(day: date, zone: str) -> None:
    whole = period(f"{day:%Y-%m}", zone=zone, now=LATE)
    skipped = {date(2011, 12, 30)} if zone in ("Pacific/Apia", "Pacific/Fakaofo") else set()
    days = [date(day.year, day.month, each) for each in range(1, pd.Timestamp(day).days_in_month + 1)]
    parts = [period(str(each), zone=zone, now=LATE) for each in days if each not in skipped]
    assert_tile(parts, whole)
    assert [each.label for each in parts] == [str(each) for each in days if each not in skipped]


@given(
    said=st.sampled_from(["last month", "last week", "yesterday", "last quarter", "last year", "-30D", "-5h"])
    | st.dates(date(2011, 1, 1), date(2060, 1, 1)).map(str),
    now=st.datetimes(datetime(2060, 1, 2), datetime(2080, 1, 1)),
    zone=ZONES | st.sampled_from(HARD_ZONES),
)
@settings(max_examples=60)
def test_the_period_before_touches_it(said: str, now: datetime, zone: str) -> None:
    if (said, zone) == ("2011-12-30", "Pacific/Apia"):
        return
    found = period(said, zone=zone, now=pd.Timestamp(now))
    before = found.before()
    assert found.start - before.end == MILLISECOND
    assert before.start < before.end
    assert before.unit == found.unit
    if found.unit is None:
        assert before.end - before.start == found.end - found.start
    else:
        assert period(before.label, zone=zone, now=LATE).start == before.start


@given(
    said=st.sampled_from(["today", "WTD", "MTD", "QTD", "YTD"]),
    now=st.datetimes(datetime(2012, 2, 1), datetime(2060, 1, 1)),
    zone=ZONES,
)
@settings(max_examples=60)
def test_a_running_period_is_compared_with_as_many_days(said: str, now: datetime, zone: str) -> None:
    found = period(said, zone=zone, now=pd.Timestamp(now))
    before = found.before()
    assert not found.is_over
    assert found.end == pd.Timestamp(now, tz="UTC").floor("ms")
    assert before.is_over
    assert before.end < found.start
    assert before.days <= found.days + 1 / 12  # a time of day that clocks show twice counts until its last
    touching = dataclasses.replace(found, is_over=True).before()
    assert before.start == touching.start
    assert before.end <= touching.end


@given(
    times=st.lists(st.datetimes(datetime(2012, 1, 1), datetime(2014, 1, 1)), min_size=1, max_size=20),
    zone=ZONES | st.sampled_from(HARD_ZONES),
    unit=st.sampled_from(["day", "week", "month", "quarter", "year"]),
)
@settings(max_examples=60)
def test_rows_are_sorted_by_what_the_clocks_show(times: list[datetime], zone: str, unit: Unit) -> None:
    stamps = [each.replace(tzinfo=UTC) for each in times]
    codes, labels = unit_labels(np.array([int(each.timestamp() * 1000) for each in stamps]), unit, zone)
    shown = [each.astimezone(ZoneInfo(zone)) for each in stamps]
    expected = {
        "day": [f"{each:%Y-%m-%d}" for each in shown],
        "week": [f"{each.isocalendar().year}-W{each.isocalendar().week:02d}" for each in shown],
        "month": [f"{each:%Y-%m}" for each in shown],
        "quarter": [f"{each.year}-Q{(each.month + 2) // 3}" for each in shown],
        "year": [f"{each.year}" for each in shown],
    }[unit]
    assert [labels[code] for code in codes] == expected
    assert sorted(labels) == labels


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("lastmonth", r'not "lastmonth"\. Did you mean "last month"\?'),
        ("last moth", r'Did you mean "last month"\?'),
        ("MDT", r'Did you mean "MTD"'),
        ("2026-1", r'Did you mean "2026-01"\?'),
        ("2026/10/5", r'Did you mean "2026-10-05"\?'),
        ("Q3 2026", r'Did you mean "2026-Q3"\?'),
        ("October 2026", r'Did you mean "2026-10"\?'),
        ("last 30 days", r'Did you mean "-30D"\?'),
        ("30D", r'Did you mean "-30D"\?'),
        ("previous month", r'Did you mean "last month"\?'),
        ("+3D", r'not before now\. Did you mean "-3D"\?'),
        ("-1m", r'Minutes are "-1min"'),
        ("2026-13", r"does not exist: years are from 2010"),
        ("2026-02-30", r"does not exist"),
        ("2026-W54", r"does not exist"),
        ("2026-Q0", r"does not exist"),
        ("1999", r"does not exist"),
        ("2027", r"has not begun: it begins on 2027-01-01 00:00, and now is 2026-11-05 11:30:15.250 \(UTC\)"),
        ("2026-10-02..2026-10-01", r"ends .* before it begins .* The earlier date comes first"),
        ("2026-10..", r'The end of the period must be a date .* not ""'),
        ("last\u00a0month", r"NO-BREAK SPACE|invisible"),
        ("", r"`period` must be"),
        (None, r"`period` must be .* not None"),
        (7, r"`period` must be .* not 7"),
        ((None, "2026-10-01"), r"The start of the period must be a date .* not None"),
        (("2026-10-01", "soon"), r'The end of the period must be a date .* not "soon"'),
        ((1_700_000_000, "now"), r"whole numbers are milliseconds"),
        ("-99999D", r"not between 2010 and 2100"),
    ],
)
def test_what_is_no_period_is_refused_with_what_to_say(said: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        period(said, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "message"),
    [
        ("berlin", 'Did you mean "Europe/Berlin"'),
        ("New York", 'Did you mean "America/New_York"'),
        ("Europe/Brelin", 'Did you mean "Europe/Berlin"'),
        (1, "must be the IANA name"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_right_one(zone: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        period("today", zone=zone, now=NOW)  # type: ignore[arg-type]


def test_a_skipped_day_is_no_period() -> None:
    with pytest.raises(UsageError, match="clocks in Pacific/Apia have skipped"):
        period("2011-12-30", zone="Pacific/Apia", now=NOW)
