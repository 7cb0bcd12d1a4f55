"""The intervals of candles: where each begins."""

from __future__ import annotations

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS

_MINUTE = 60_000
WIDTHS = {
    "1s": 1000,
    "1m": _MINUTE,
    "3m": 3 * _MINUTE,
    "5m": 5 * _MINUTE,
    "15m": 15 * _MINUTE,
    "30m": 30 * _MINUTE,
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
INTERVALS = (*WIDTHS, "1M")
"""All intervals, from the shortest. A week begins on Monday, a month on its first day, in UTC."""

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
