"""When a symbol is traded, and the intervals of candles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import Market

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
GROUP = 16
"""Listing, delisting and maintenance begin and end with a group of so many minutes."""

_GROUP_MS = GROUP * MINUTE_MS
_MAINTENANCE_DAY = 447
_OPENING_MS = 8 * HOUR_MS


@dataclass(frozen=True, slots=True)
class TradingHours:
    """When a symbol is traded, in ms; ends are the first moment after.

    Attributes:
        start_ms: Beginning of history.
        listed_ms: Beginning of trading.
        delisted_ms: End of trading, None if it goes on.
        maintenance: The one span in which no symbol was traded.
    """

    start_ms: int
    listed_ms: int
    delisted_ms: int | None
    maintenance: tuple[int, int]

    @classmethod
    def of(cls, market: Market, start_ms: int) -> TradingHours:
        """The hours of a symbol, for a history that begins with the day of `start_ms`."""
        start = start_ms - start_ms % DAY_MS
        after = market.listed_after * DAY_MS + (_OPENING_MS if market.listed_after else 0)
        end = market.delisted_after
        stopped = start + _MAINTENANCE_DAY * DAY_MS + 4 * HOUR_MS
        return cls(
            start,
            start + after,
            None if end is None else start + end * DAY_MS + _OPENING_MS,
            (stopped, stopped + 4 * HOUR_MS),
        )

    def end_of_trading(self, now_ms: int) -> int:
        """The first moment without trades yet: after now, or after delisting."""
        end = now_ms + 1
        return end if self.delisted_ms is None else min(end, self.delisted_ms)

    def is_listed(self, time_ms: int) -> bool:
        """Whether the symbol is offered at a time, be it during maintenance."""
        return self.listed_ms <= time_ms < self.end_of_trading(time_ms)

    def traded(self, minutes: Int64Array) -> BoolArray:
        """Whether there is trading in these minutes since 1970."""
        first, last = int(minutes.flat[0]) * MINUTE_MS, int(minutes.flat[-1]) * MINUTE_MS
        end = self.delisted_ms
        stopped, resumed = self.maintenance
        traded = np.ones(minutes.shape, dtype=bool)
        if first < self.listed_ms:
            traded &= minutes >= self.listed_ms // MINUTE_MS
        if end is not None and last >= end:
            traded &= minutes < end // MINUTE_MS
        if first < resumed and last >= stopped:
            traded &= (minutes < stopped // MINUTE_MS) | (minutes >= resumed // MINUTE_MS)
        return traded

    def traded_groups(self, first: Int64Array, count: int) -> Int64Array:
        """The number of groups with trading, of `count` groups from each first one."""
        last = first + count
        stopped, resumed = (time // _GROUP_MS for time in self.maintenance)
        listed = self.listed_ms // _GROUP_MS
        end = np.iinfo(np.int64).max if self.delisted_ms is None else self.delisted_ms // _GROUP_MS

        def within(begin: int, until: int) -> Int64Array:
            overlap: Int64Array = np.minimum(last, until) - np.maximum(first, begin)
            return np.maximum(overlap, 0)

        return within(listed, end) - within(max(listed, stopped), min(end, resumed))


def delivery_ms(times: Int64Array, quarter: int) -> Int64Array:
    """When quarterly futures are delivered that trade at these times: 0 is the current quarter, 1 the next.

    It is at 08:00 UTC on the last Friday of March, June, September and December.
    """
    months = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    ends = months + 2 - months % 3
    ends = np.where(times >= _last_friday(ends), ends + 3, ends)
    return _last_friday(ends + 3 * quarter)


def _last_friday(months: Int64Array) -> Int64Array:
    days = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
    # 1970 began on a Thursday.
    return (days - (days - 1) % 7) * DAY_MS + _OPENING_MS
