"""Daily trading volumes of sub-accounts, from the rebates that were paid for their trades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from toolkit.sandbox.world.fills import FEE
from toolkit.sandbox.world.positions import Worth
from toolkit.sandbox.world.rebates import ACCOUNT_SHARE
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row, Table

DAYS = 30
_PERCENT = Decimal(100)
_VOLUME_PER_INCOME = _PERCENT / (Decimal(str(FEE)) * ACCOUNT_SHARE)
_CACHED = 256


@dataclass(frozen=True, slots=True)
class DayVolume:
    """Volume of one account on one day, stamped with its midnight, in BTC and in dollars."""

    time: int
    spot_btc: Decimal
    futures_btc: Decimal
    spot_usd: Decimal
    futures_usd: Decimal


class Volumes:
    """Volumes of each account on the last thirty whole days.

    Args:
        spot: Rebates of the sub-accounts' trades on spot.
        futures: Those of futures.
        worth: What the assets are worth at a time (ms).
    """

    def __init__(self, spot: Table, futures: Table, worth: Callable[[int], Worth]) -> None:
        self._tables = {
            "spot": (spot, ({},)),
            "futures": (futures, ({"futuresType": "1"}, {"futuresType": "2"})),
        }
        self._worth = worth
        self._of = lru_cache(maxsize=_CACHED)(self._make)

    def of(self, account_id: str, now_ms: int) -> tuple[DayVolume, ...]:
        """The days with any trade, oldest first."""
        return self._of(account_id, now_ms // DAY)

    def _make(self, account_id: str, today: int) -> tuple[DayVolume, ...]:
        start, end = (today - DAYS) * DAY, today * DAY - 1
        dollars: dict[str, dict[int, Decimal]] = {}
        for market, (table, kinds) in self._tables.items():
            by_day = dollars[market] = {}
            for kind in kinds:
                filters = {"subAccountId": account_id, **kind}
                count = table.count(start, end, filters)
                for row in table.slice(start, end, filters, 0, count):
                    day = int(str(row["time"])) // DAY
                    by_day[day] = by_day.get(day, Decimal(0)) + self._volume(row, day)
        days = sorted(dollars["spot"].keys() | dollars["futures"].keys())
        return tuple(self._day(day, dollars) for day in days)

    def _volume(self, row: Row, day: int) -> Decimal:
        """Dollars of the trade that a rebate was paid for."""
        price = self._worth((day + 1) * DAY - 1)[str(row["asset"])]
        return Decimal(str(row["income"])) * price * _VOLUME_PER_INCOME

    def _day(self, day: int, dollars: dict[str, dict[int, Decimal]]) -> DayVolume:
        bitcoin = self._worth((day + 1) * DAY - 1)["BTC"]
        spot, futures = (dollars[market].get(day, Decimal(0)) for market in ("spot", "futures"))
        return DayVolume(day * DAY, spot / bitcoin, futures / bitcoin, spot, futures)
