"""Periods as people say them: "last month", "2026-Q3", "MTD", in a time zone that is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from toolkit.analytics.zones import (
    MILLISECOND,
    STEPS,
    Unit,
    instant,
    local,
    since_1970,
    start_of,
    unit_label,
    utc,
    zone_name,
)
from toolkit.errors import UsageError
from toolkit.planning.relative_times import parse_relative_time
from toolkit.planning.spans import When
from toolkit.text.characters import find_invisible
from toolkit.text.suggestions import closest, did_you_mean, suggests_arguments

_DAY = pd.Timedelta(1, "D")
# As for the `start` and `end` of a read: numbers outside are seconds, or no times at all.
_FIRST, _LAST = pd.Timestamp("2010-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")

_TO_DATE: dict[str, Unit] = {"wtd": "week", "mtd": "month", "qtd": "quarter", "ytd": "year"}
# What is said, and which of these units it is: 0 for the one that is running, -1 for the one before.
_WORDS: dict[str, tuple[Unit, int]] = {
    "today": ("day", 0),
    "yesterday": ("day", -1),
    **{f"this {unit}": (unit, 0) for unit in ("week", "month", "quarter", "year")},
    **{f"last {unit}": (unit, -1) for unit in ("week", "month", "quarter", "year")},
    **{word: (unit, 0) for word, unit in _TO_DATE.items()},
}
_EXAMPLES = (
    '"last month", "this week", "yesterday", "MTD", "QTD", "YTD", "2026", "2026-Q3", "2026-10", "2026-W41", '
    '"2026-10-05", "-30D", "2026-01-01..2026-02-15" or two dates'
)
# [0-9], because \d matches the digits of every script.
_CALENDAR = re.compile(
    r"(?P<year>[0-9]{4})(-(?:Q(?P<quarter>[0-9])|W(?P<week>[0-9]{2})|(?P<month>[0-9]{2})(-(?P<day>[0-9]{2}))?))?",
    re.IGNORECASE,
)
_TIME_OF_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
# What is often written for a period, and how it is said here.
_LOOSE: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(r"([0-9]{4})[-/. ]?q([1-4])", re.IGNORECASE), lambda found: f"{found[1]}-Q{found[2]}"),
    (re.compile(r"q([1-4])[-/. ]?([0-9]{4})", re.IGNORECASE), lambda found: f"{found[2]}-Q{found[1]}"),
    (re.compile(r"([0-9]{4})[-/.]?([0-9]{1,2})"), lambda found: f"{found[1]}-{found[2]:0>2}"),
    (re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})"), lambda found: f"{found[2]}-{found[1]:0>2}"),
    (
        re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"),
        lambda found: f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}",
    ),
    (
        re.compile(rf"({'|'.join(_MONTHS)})[a-z]*[-/. ]?([0-9]{{4}})", re.IGNORECASE),
        lambda found: f"{found[2]}-{_MONTHS.index(found[1].lower()) + 1:02d}",
    ),
    (re.compile(r"(?:the )?last ([0-9]{1,4}) days?", re.IGNORECASE), lambda found: f"-{found[1]}D"),
    (
        re.compile(r"(?:the )?(?:previous|past) (week|month|quarter|year)", re.IGNORECASE),
        lambda found: f"last {found[1]}",
    ),
    (
        re.compile(r"(?:the )?current (week|month|quarter|year)", re.IGNORECASE),
        lambda found: f"this {found[1]}",
    ),
]


@dataclass(frozen=True, repr=False)
class Period:
    """A span of time that has a name, as `period()` makes it.

    Attributes:
        start: Its first millisecond, in UTC.
        end: Its last millisecond, in UTC; it is part of the period. One that is running ends now.
        name: What was said, such as "last month".
        zone: The time zone in which its days begin, such as "UTC" or "Europe/Berlin".
        is_over: Whether it has ended. "MTD", "YTD", "this month" and the like have not: more will come.
        unit: "day", "week", "month", "quarter" or "year", None for any other span.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    name: str
    zone: str = "UTC"
    is_over: bool = field(default=True, kw_only=True)
    unit: Unit | None = field(default=None, kw_only=True)

    def before(self) -> Period:
        """The period that this one is compared with.

        It is the day, week, month, quarter or year before. For one that is running, it is as many days and
        hours of that, so that both are of one length: on 5 October at noon, "MTD" is compared with September
        until the 5th at noon; where the month before is shorter, with all of it. For any other span, such as
        "-30D", it is a span of the same length that ends where this one begins.
        """
        last = self.start - MILLISECOND
        first, end = local(self.start, self.zone), local(self.end, self.zone)
        if self.unit is None:
            start = last - (self.end - self.start)
            after = end + MILLISECOND
            if (
                first == first.normalize() and after == after.normalize()
            ):  # as many days, also where clocks change
                start = instant(first - (after - first), self.zone)
            return _named_by_dates(start, last, self.zone)
        unit_first = start_of(self.unit, local(last, self.zone).normalize())
        start = instant(unit_first, self.zone)
        if self.is_over:
            return Period(start, last, unit_label(self.unit, unit_first), self.zone, unit=self.unit)
        return _named_by_dates(
            start, min(instant(unit_first + (end - first), self.zone, is_end=True), last), self.zone
        )

    @property
    def days(self) -> float:
        """Its length in days. A day on which the clocks change is one day, like any other."""
        return (local(self.end, self.zone) - local(self.start, self.zone) + MILLISECOND) / _DAY

    @property
    def is_whole_days(self) -> bool:
        """Whether it cuts no UTC day, so that daily rows, which the exchange counts by UTC days, fit into it.

        It begins at midnight in UTC, and ends at one or is running.
        """
        after = self.end + MILLISECOND
        return self.start == self.start.normalize() and (after == after.normalize() or not self.is_over)

    @property
    def label(self) -> str:
        """A short text for titles and file names: "2026-10", "2026-Q3", or its first and its last day.

        One that is not over has its days, as "2026-10" would be taken for the whole month.
        """
        if self.unit is not None and self.is_over:
            return unit_label(self.unit, local(self.start, self.zone))
        return _dates(self.start, self.end, self.zone)

    def to_dict(self) -> dict[str, str | bool]:
        """Its name, start, end, zone and is_over, as in `attrs["period"]`: times are ISO text in UTC."""
        return {
            "name": self.name,
            "start": self.start.isoformat(timespec="milliseconds"),
            "end": self.end.isoformat(timespec="milliseconds"),
            "zone": self.zone,
            "is_over": self.is_over,
        }

    def __repr__(self) -> str:
        first, last = local(self.start, self.zone), local(self.end, self.zone)
        running = "" if self.is_over else ", not over"
        return f'<Period "{self.name}": {_shown(first)} to {_shown(last)}, {self.zone}{running}>'


@suggests_arguments
def period(
    what: str | Period | tuple[When, When], *, zone: str = "UTC", now: pd.Timestamp | None = None
) -> Period:
    """The period that a word, a date or two dates stand for. Nothing is fetched.

    - `"today"`, `"this week"`, `"this month"`, `"this quarter"`, `"this year"`: from its beginning to now
    - `"WTD"`, `"MTD"`, `"QTD"`, `"YTD"`: the same: the week, month, quarter or year to date
    - `"yesterday"`, `"last week"`, `"last month"`, `"last quarter"`, `"last year"`: the whole one before
    - `"2026"`, `"2026-Q3"`, `"2026-10"`, `"2026-W41"`, `"2026-10-05"`: a year, quarter, month, week or day
    - `"-30D"`, `"-12h"`: thirty days, or twelve hours, until now
    - `"2026-01-01..2026-02-15"`, `("2026-01-01", "2026-02-15")`: from the first until the end of the last

    Capitals do not matter. Weeks begin on Monday, and their numbers are those of ISO 8601. A period that is
    not over ends now. Either of two dates may also be a month, a quarter, a year, a date with a time of day,
    "now" or a time before now such as "-30D".

    Args:
        what: The period; one that is a `Period` already is returned as it is.
        zone: The time zone whose days, weeks and months are meant, with its IANA name, such as
            "Europe/Berlin". Dates and times without a zone of their own are in it.
        now: The current time; that of this machine by default. Without a time zone, it is in UTC.

    Raises:
        UsageError: The period or the zone is unknown, is in the future, or ends before it begins.

    Example:
        >>> period("last month", now=pd.Timestamp("2026-11-05"))
        <Period "last month": 2026-10-01 00:00 to 2026-10-31 23:59:59.999, UTC>
    """
    if isinstance(what, Period):
        return what
    zone, present = zone_name(zone), _present(now)
    if isinstance(what, str):
        return _from_text(what, zone, present)
    if isinstance(what, tuple | list) and len(what) == 2:
        return _from_ends(what[0], what[1], zone, present)
    raise UsageError(f"`period` must be {_EXAMPLES}, not {_quoted(what)}.")


# -- what was said -------------------------------------------------------------------------------------


class _Bounds(NamedTuple):
    """A span before it is cut at now; its unit, where it is a whole one."""

    start: pd.Timestamp
    end: pd.Timestamp
    unit: Unit | None = None


def _from_text(what: str, zone: str, now: pd.Timestamp) -> Period:
    if character := find_invisible(what):
        raise UsageError(f"`period` contains {character}, which is invisible: remove it.")
    name = " ".join(what.split())
    if ".." in name:
        start, _, end = name.partition("..")
        return _from_ends(start.strip(), end.strip(), zone, now, name=name)
    if name.startswith(("-", "+")):
        since = _relative(name, now)
        if since >= now:
            raise UsageError(f'`period` is "{name}", which is not before now. Did you mean "-{name[1:]}"?')
        return Period(since + MILLISECOND, now, name, zone)  # as long as was said, with the end included
    word = re.sub(r"[\s_-]+", " ", name).lower()
    if word in _WORDS:
        unit, offset = _WORDS[word]
        first = start_of(unit, local(now, zone).normalize())
        if offset:
            first -= STEPS[unit]
        return _cut(_unit_bounds(unit, first, zone), name, zone, now)
    bounds = _calendar_bounds(name, zone)
    if bounds is None:
        raise UsageError(f"`period` must be {_EXAMPLES}, not {_quoted(what)}.{_suggestion(name, now)}")
    return _cut(bounds, name, zone, now)


def _from_ends(start: When, end: When, zone: str, now: pd.Timestamp, *, name: str | None = None) -> Period:
    if end is None:
        end = "now"
    name = name or f"{_said(start)}..{_said(end)}"
    first, last = _end_bounds("start", start, zone, now).start, _end_bounds("end", end, zone, now).end
    if last < first:
        raise UsageError(
            f'`period` "{name}" ends ({_shown(local(last, zone))}) before it begins '
            f"({_shown(local(first, zone))}, {zone}). The earlier date comes first."
        )
    # What ends "now" is as little over as "MTD": a moment later, it is longer.
    return _cut(_Bounds(first, last), name, zone, now, is_over=_said(end).lower() != "now")


def _cut(bounds: _Bounds, name: str, zone: str, now: pd.Timestamp, *, is_over: bool = True) -> Period:
    """The period between these bounds, which ends now where it would end later."""
    start, end, unit = bounds
    if start > now:
        raise UsageError(
            f'`period` "{name}" has not begun: it begins on {_shown(local(start, zone))}, and now is '
            f"{_shown(local(now, zone))} ({zone})."
        )
    return Period(start, min(end, now), name, zone, is_over=is_over and end <= now, unit=unit)


def _named_by_dates(start: pd.Timestamp, end: pd.Timestamp, zone: str) -> Period:
    return Period(start, end, _dates(start, end, zone), zone)


def _calendar_bounds(text: str, zone: str) -> _Bounds | None:
    """The year, quarter, month, week or day that a text names, None if it names none.

    Raises:
        UsageError: It looks like one that does not exist.
    """
    found = _CALENDAR.fullmatch(text)
    if found is None:
        return None
    year, quarter, week, month, day = (
        None if each is None else int(each) for each in found.group("year", "quarter", "week", "month", "day")
    )
    try:
        first, unit = _first_day(year or 0, quarter, week, month, day)
    except ValueError:
        raise UsageError(
            f'`period` has "{text}", which does not exist: years are from 2010 to 2099, quarters from Q1 to '
            "Q4, weeks from W01 to W53, months from 01 to 12 and days from 01 to the last of their month."
        ) from None
    bounds = _unit_bounds(unit, pd.Timestamp(first), zone)
    if bounds.end < bounds.start:
        raise UsageError(f'`period` has "{text}", a day that clocks in {zone} have skipped.')
    return bounds


def _first_day(
    year: int, quarter: int | None, week: int | None, month: int | None, day: int | None
) -> tuple[date, Unit]:
    """The first day of a unit of the calendar, and which one it is.

    Raises:
        ValueError: There is no such unit.
    """
    if not _FIRST.year <= year < _LAST.year:
        raise ValueError(year)
    if week is not None:
        return date.fromisocalendar(year, week, 1), "week"
    if quarter is not None:
        return date(year, 3 * quarter - 2, 1), "quarter"
    if month is None:
        return date(year, 1, 1), "year"
    return (date(year, month, 1), "month") if day is None else (date(year, month, day), "day")


def _unit_bounds(unit: Unit, first: pd.Timestamp, zone: str) -> _Bounds:
    """The unit that begins on a day."""
    following = instant(first + STEPS[unit], zone)
    return _Bounds(instant(first, zone), following - MILLISECOND, unit)


def _end_bounds(name: str, value: When, zone: str, now: pd.Timestamp) -> _Bounds:
    """The first and the last millisecond of one of two dates; both are the same for a time of day."""
    when: pd.Timestamp | None = None
    if isinstance(value, str):
        if character := find_invisible(value):
            raise UsageError(f"The {name} of the period contains {character}, which is invisible: remove it.")
        text = value.strip()
        if text.lower() == "now":
            return _Bounds(now, now)
        if text.startswith(("-", "+")):
            when = _relative(text, now)
            return _Bounds(when + MILLISECOND, when)  # so that "-60D..-30D" ends where "-30D" begins
        bounds = _calendar_bounds(text, zone)
        if bounds is not None:
            return bounds
        if _TIME_OF_DAY.fullmatch(text):
            with suppress(ValueError):
                when = pd.Timestamp(text)
    elif isinstance(value, datetime | np.datetime64) and not pd.isna(value):
        with suppress(ValueError, OverflowError):
            when = pd.Timestamp(value)
        if isinstance(value, np.datetime64) and np.datetime_data(value.dtype)[0] == "D" and when is not None:
            return _unit_bounds("day", when, zone)
    elif isinstance(value, date):
        return _unit_bounds("day", pd.Timestamp(value), zone)
    elif isinstance(value, int | np.integer) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            when = utc(int(value))
    if when is None:
        raise UsageError(
            f'The {name} of the period must be a date such as "2026-01-31", a time such as '
            f'"2026-01-31 08:30" or "-30D", a datetime or milliseconds, not {_quoted(value)}.'
        )
    if when.tzinfo is None:
        first = instant(when.floor("ms"), zone)
        last = instant(when.floor("ms"), zone, is_end=True)
    else:
        first = last = when.tz_convert("UTC").floor("ms").as_unit("ms")
    if not _FIRST <= first < _LAST:
        raise UsageError(
            f"The {name} of the period must be between 2010 and 2100; whole numbers are milliseconds since "
            "1970."
        )
    return _Bounds(first, last)


def _relative(text: str, now: pd.Timestamp) -> pd.Timestamp:
    try:
        when = utc(parse_relative_time(text, since_1970(now)))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"`period` {error}.") from None
    if not _FIRST <= when < _LAST:
        raise UsageError(f'`period` is "{text}", which is not between 2010 and 2100.')
    return when


def _suggestion(text: str, now: pd.Timestamp) -> str:
    """What was probably meant, as a sentence with a leading space; "" if that is not known."""
    for pattern, said in _LOOSE:
        if found := pattern.fullmatch(text):
            return f' Did you mean "{said(found)}"?'
    with suppress(ValueError):
        parse_relative_time(f"-{text}", since_1970(now))
        return f' Did you mean "-{text}"?'
    meant = [word.upper() if word in _TO_DATE else word for word in closest(text, _WORDS)]
    return did_you_mean(meant[0], meant) if meant else ""


# -- times ---------------------------------------------------------------------------------------------


def _present(now: pd.Timestamp | None) -> pd.Timestamp:
    if now is None:
        now = pd.Timestamp(datetime.now(UTC))
    if not isinstance(now, datetime) or pd.isna(now):
        raise UsageError(f"`now` must be a pandas Timestamp or a datetime, not {_quoted(now)}.")
    now = pd.Timestamp(now)
    now = now.tz_localize("UTC") if now.tzinfo is None else now.tz_convert("UTC")
    return now.floor("ms").as_unit("ms")


# -- texts ---------------------------------------------------------------------------------------------


def _dates(start: pd.Timestamp, end: pd.Timestamp, zone: str) -> str:
    return f"{local(start, zone):%Y-%m-%d}..{local(end, zone):%Y-%m-%d}"


def _shown(local: pd.Timestamp) -> str:
    """A local time, down to milliseconds where it has any."""
    exact = local.isoformat(sep=" ", timespec="milliseconds")
    return exact.removesuffix(":00.000").removesuffix(".000")


def _said(when: When) -> str:
    return when.strip() if isinstance(when, str) else str(when)


def _quoted(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 and text.isprintable() else f"a {type(value).__name__}"
