"""The rebates that an account was paid, by asset and day.

`spot.rebates` has the same rebates of a partner trade by trade, and `spot.kickbacks` the kickbacks of a
customer. Each row here is the exact sum of those that were paid on one UTC day, with the last second of that
day as its time. So over whole days of payment, both have the same total for each asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.payments import PaidRows
from toolkit.sandbox.world.rebates import LONGEST_DELAY
from toolkit.sandbox.world.stream import DAY, HOUR, Stream
from toolkit.sandbox.world.tables import OWNER, Row
from toolkit.sandbox.world.units import amount

COMMISSION_REBATE, REFERRAL_KICKBACK = 1, 2

_PAID_AT = DAY - 1000
_HOURS_BEFORE = -(-LONGEST_DELAY // HOUR)


@dataclass(frozen=True, slots=True)
class RebateSource:
    """Rebates of one owner, trade by trade."""

    type: int
    stream: Stream
    generator: PaidRows


class RebateHistory:
    """A `Table` of payments, by the owner of the key.

    Args:
        sources: What the history adds up, by owner.
        now_ms: End of a span that has none.
    """

    def __init__(self, sources: Mapping[str, RebateSource], now_ms: int) -> None:
        self._sources = sources
        self._now_ms = now_ms
        self._of_day = lru_cache(maxsize=1000)(self._payments)

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        return len(self._within(start, end, filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        kind = self._sources[filters[OWNER]].type if filters[OWNER] in self._sources else 0
        return [
            {"asset": asset, "type": kind, "amount": amount, "updateTime": time}
            for time, asset, amount in self._within(start, end, filters)[offset : offset + limit]
        ]

    def _within(
        self, start: int | None, end: int | None, filters: Mapping[str, str]
    ) -> list[tuple[int, str, str]]:
        owner = filters[OWNER]
        if owner not in self._sources:
            return []
        begun = self._sources[owner].stream.first_hour * HOUR
        start = begun if start is None else max(start, begun)
        end = self._now_ms if end is None else end
        days = range(start // DAY, end // DAY + 1)
        return [each for day in days for each in self._of_day(owner, day) if start <= each[0] <= end]

    def _payments(self, owner: str, day: int) -> tuple[tuple[int, str, str], ...]:
        """Time, asset and amount of each payment of a day, in this order."""
        source = self._sources[owner]
        block = source.stream.block(np.arange(day * 24 - _HOURS_BEFORE, (day + 1) * 24, dtype=np.int64))
        passes = source.generator.paid_at(block) // DAY == day
        if not source.generator.accepts_all({}):
            passes &= source.generator.mask(block, {})
        assets, amounts = source.generator.payments(block.take(np.flatnonzero(passes)))
        sums = {ASSETS[asset]: int(amounts[assets == asset].sum()) for asset in np.unique(assets).tolist()}
        return tuple((day * DAY + _PAID_AT, asset, amount(sums[asset])) for asset in sorted(sums))
