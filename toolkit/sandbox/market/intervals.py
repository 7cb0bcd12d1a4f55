"""The intervals of candles: where each begins."""

from __future__ import annotations

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS
from toolkit.sandbox.market.paths import MINUTE_MS

WIDTHS = {
    "1s": 1000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}
"""Milliseconds of each interval but "1M", a month of the calendar. Weeks begin on Monday."""

# 1970 began on a Thursday.
_OFFSETS = {"1w": 4 * DAY_MS}


def numbers_of(interval: str, times: Int64Array) -> Int64Array:
    """The number of the interval that each time in ms lies in."""
    if interval == "1M":
        return times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return (times - _OFFSETS.get(interval, 0)) // WIDTHS[interval]


def begins_of(interval: str, numbers: Int64Array) -> Int64Array:
    """When the intervals with these numbers begin, in ms."""
    if interval == "1M":
        return numbers.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
    return numbers * WIDTHS[interval] + _OFFSETS.get(interval, 0)


def number_of(interval: str, time_ms: int) -> int:
    """The number of the interval that a time lies in."""
    return int(numbers_of(interval, np.array([time_ms]))[0])


def begin_of(interval: str, number: int) -> int:
    """When an interval begins, in ms."""
    return int(begins_of(interval, np.array([number]))[0])
