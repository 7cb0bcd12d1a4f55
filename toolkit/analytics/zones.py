"""The calendar of a time zone: when its days, weeks, months, quarters and years begin."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean

Unit = Literal["day", "week", "month", "quarter", "year"]
IntArray = npt.NDArray[np.int64]

MILLISECOND = pd.Timedelta(1, "ms").as_unit("ms")
STEPS: dict[Unit, pd.DateOffset] = {
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(days=7),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(years=1),
}


def zone_name(zone: object) -> str:
    """The IANA name of a time zone.

    Raises:
        UsageError: There is no such zone.
    """
    if isinstance(zone, ZoneInfo):
        zone = zone.key
    if isinstance(zone, str) and zone.upper() == "UTC":
        return "UTC"
    names = _names()
    # Not ZoneInfo(zone): what it finds depends on capitals only where names of files do.
    if isinstance(zone, str) and zone in names:
        return zone
    meant = [name for name in names if isinstance(zone, str) and _city(name) == _city(zone)]
    question = f' Did you mean "{meant[0]}"?' if meant else did_you_mean(zone, names)
    raise UsageError(
        f'`zone` must be the IANA name of a time zone, such as "UTC" or "Europe/Berlin", not '
        f"{zone!r}.{question}"
    )


@cache
def _names() -> list[str]:
    return sorted(available_timezones())


def unit_labels(milliseconds: IntArray, unit: Unit, zone: str) -> tuple[IntArray, list[str]]:
    """The day, week, month, quarter or year of each time: its index in the labels, and the labels in order.

    Args:
        milliseconds: Times, in milliseconds since 1970.
        unit: The unit.
        zone: The time zone in which days begin.
    """
    if not len(milliseconds):
        return np.empty(0, np.int64), []
    day = start_of(unit, local(utc(int(milliseconds.min())), zone).normalize())
    after = local(utc(int(milliseconds.max())), zone)
    starts, labels = [], []
    # Its boundaries are those of the periods above, and are few; a time zone is not asked for each row.
    while day <= after:
        starts.append(since_1970(instant(day, zone)))
        labels.append(unit_label(unit, day))
        day += STEPS[unit]
    return np.searchsorted(np.array(starts), milliseconds, side="right") - 1, labels


def utc(milliseconds: int) -> pd.Timestamp:
    """The time that is so many milliseconds after 1970."""
    return pd.Timestamp(milliseconds, unit="ms", tz="UTC").as_unit("ms")


def since_1970(when: pd.Timestamp) -> int:
    """Milliseconds since 1970."""
    return (when - utc(0)) // MILLISECOND


def local(when: pd.Timestamp, zone: str) -> pd.Timestamp:
    """What clocks in the zone show, without a time zone."""
    return when.tz_convert(ZoneInfo(zone)).tz_localize(None)


def instant(shown: pd.Timestamp, zone: str, *, is_end: bool = False) -> pd.Timestamp:
    """When clocks in the zone show a time.

    Where they show it twice, it is the first time, and the last one as an end. Where they skip it, as some
    skip midnight, it is when they do: that day begins at one o'clock, and a skipped day is empty.
    """
    wall = shown.to_pydatetime().replace(tzinfo=ZoneInfo(zone))
    first, last = (since_1970(pd.Timestamp(wall.replace(fold=fold).astimezone(UTC))) for fold in (0, 1))
    if first <= last:
        return utc(last if is_end else first)
    # By the rules of `fold`, a skipped time is counted from before the change, and then from after it. So the
    # change is between the two.
    before, after = last, first
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if local(utc(middle), zone) < shown else (before, middle)
    return utc(after)


def start_of(unit: Unit, day: pd.Timestamp) -> pd.Timestamp:
    """The first day of the unit that a day is in, without a time zone."""
    match unit:
        case "day":
            return day
        case "week":
            return day - pd.Timedelta(day.weekday(), "D")
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=3 * day.quarter - 2, day=1)
        case "year":
            return day.replace(month=1, day=1)


def unit_label(unit: Unit, first: pd.Timestamp) -> str:
    """What a unit is called, by its first day: "2026-10-05", "2026-W41", "2026-10", "2026-Q4" or "2026"."""
    match unit:
        case "day":
            return f"{first:%Y-%m-%d}"
        case "week":
            year, week, _ = first.isocalendar()
            return f"{year}-W{week:02d}"
        case "month":
            return f"{first:%Y-%m}"
        case "quarter":
            return f"{first.year}-Q{first.quarter}"
        case "year":
            return f"{first.year}"


def _city(zone: str) -> str:
    """The last part of the name of a zone, in lower case: "berlin" for "Europe/Berlin"."""
    return zone.rpartition("/")[2].strip().replace(" ", "_").casefold()
