"""What an account does: in each market it opens a position, changes it some times, and closes it.

Time is divided into slots of some days, of another length and beginning for each market and owner. A slot has
one such episode at most, and its position is closed before the slot ends. So what an account had at any time
follows from a few slots, without what was before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, hash_key, uniform
from toolkit.sandbox.ledger.columns import Columns
from toolkit.sandbox.market.calendar import DAY_MS, HOUR_MS, TradingHours
from toolkit.sandbox.market.symbols import Market

LONGEST_SLOT_MS = 8 * DAY_MS
PART_MS = 32 * DAY_MS
"""A part has the slots that begin within so much time."""
MOST_ORDERS = 7

_BUSY_WEIGHT = 5.0
_BUSY_SLOT_MS = 4 * DAY_MS
_BUSY_CHANCE, _CHANCE = 0.9, 0.45
# Fraction of its slot that an episode takes.
_SHORTEST, _LONGEST = 0.2, 0.85
# What it leaves free at the end, at least: maintenance delays orders by some hours.
_LATEST = 0.55
_AFTER_REOPENING_MS = 4 * HOUR_MS
_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Episodes(Columns):
    """Positions from opening to close: one row each.

    Attributes:
        time: When each order is filled, a column for each; ascending up to the number of orders.
        market: Index of the market.
        slot: Number of the slot.
        orders: Number of orders.
    """

    market: Int64Array
    slot: Int64Array
    orders: Int64Array


class Planner:
    """Plans the episodes of one owner.

    Args:
        seed: Seed of the market.
        owner: Whose they are.
        markets: Where they trade.
        hours: When these are traded.
        opened_ms: No episode begins before.
        traded: Only so many of the markets have episodes.
    """

    def __init__(
        self,
        seed: int,
        owner: str,
        markets: Sequence[Market],
        hours: Sequence[TradingHours],
        *,
        opened_ms: int,
        traded: int,
    ) -> None:
        self._opened_ms = opened_ms
        names = [(seed, "futures of", owner, each.kind, each.symbol) for each in markets]
        self._keys = [hash_key(*name) for name in names]
        busy = np.array([each.weight >= _BUSY_WEIGHT for each in markets])
        self._width = np.where(busy, _BUSY_SLOT_MS, LONGEST_SLOT_MS)
        self._chance = np.where(busy, _BUSY_CHANCE, _CHANCE)
        self._chance[traded:] = 0
        phases = uniform(hash_key(seed, "phases of", owner), np.arange(len(markets)))
        self._phase = (phases * self._width).astype(np.int64)
        self._listed = [each.listed_ms for each in hours]
        self._delisted = [each.delisted_ms or _FOREVER for each in hours]
        self._closed = hours[0].maintenance

    def numbers(self, label: str, market: Int64Array, slot: Int64Array, count: int = 1) -> FloatArray:
        """Numbers from 0 to 1 for each of these slots: `count` columns."""
        made = np.empty((len(market), count))
        columns = np.arange(count)
        for each in np.unique(market).tolist():
            rows = np.flatnonzero(market == each)
            slots, places = np.meshgrid(slot[rows], columns, indexing="ij")
            made[rows] = uniform(hash_key(self._keys[each], label), slots, places)
        return made

    def episodes(self, part: int) -> Episodes:
        """The episodes whose slots begin in this part, by market and time."""
        market, slot = self._slots(part)
        (happens, length, begin, many), chances = (
            self.numbers("episode", market, slot, 4).T,
            self._chance[market],
        )
        chosen = happens < chances
        market, slot = market[chosen], slot[chosen]
        length, begin, many = length[chosen], begin[chosen], many[chosen]
        width = self._width[market]
        span = (width * (_SHORTEST + (_LONGEST - _SHORTEST) * length)).astype(np.int64)
        start = slot * width + self._phase[market] + ((width - span) * _LATEST * begin).astype(np.int64)
        orders = 2 + np.floor(many * (MOST_ORDERS - 1)).astype(np.int64)
        gaps = 0.3 + self.numbers("when", market, slot, MOST_ORDERS)
        gaps[:, 0] = 0
        until = np.cumsum(gaps, axis=1)
        until /= np.take_along_axis(until, orders[:, None] - 1, axis=1)
        times = self._after_maintenance(start[:, None] + (until * span[:, None]).astype(np.int64))
        rows = np.arange(len(market))
        first, last = times[:, 0], times[rows, orders - 1]
        listed, delisted = np.array(self._listed)[market], np.array(self._delisted)[market]
        there = (first >= np.maximum(listed, self._opened_ms)) & (last + DAY_MS < delisted)
        return Episodes(times, market, slot, orders)[there]

    def _slots(self, part: int) -> tuple[Int64Array, Int64Array]:
        """Market and number of the slots that begin in this part."""
        markets, slots = [], []
        for market, (width, phase) in enumerate(zip(self._width.tolist(), self._phase.tolist(), strict=True)):
            first, end = (-((phase - edge * PART_MS) // width) for edge in (part, part + 1))
            slots.append(np.arange(first, end))
            markets.append(np.full(end - first, market))
        return np.concatenate(markets), np.concatenate(slots)

    def _after_maintenance(self, times: Int64Array) -> Int64Array:
        """Times in ascending order as before, none of them during maintenance."""
        closed, reopened = self._closed
        until = reopened + _AFTER_REOPENING_MS
        moved = reopened + (times - closed) * _AFTER_REOPENING_MS // (until - closed)
        return np.where((closed <= times) & (times < until), moved, times)
