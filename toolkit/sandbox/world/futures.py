"""Futures: daily reports of the customers' trading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from toolkit.sandbox.hashing import (
    BoolArray,
    FloatArray,
    Int64Array,
    hash_key,
    random_bits,
    uniform,
)
from toolkit.sandbox.ledger.futures import FuturesFills
from toolkit.sandbox.world.customers import Attendance, Customer
from toolkit.sandbox.world.rates import NEW_FOR_DAYS, Rates
from toolkit.sandbox.world.stream import DAY, HOUR, ActivityProfile
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import UNITS, amount

_HASHED = ("size", "often", "day", "trades", "fee", "booked")
_MASK8 = np.uint64(0xFF)

FillsOf = Callable[[int, int], FuturesFills]
Indices = tuple[Int64Array, Int64Array]  # of the day, of the customer


@dataclass(frozen=True, slots=True)
class _DailyFigures:
    """Figures of some days: one row per day, one column per customer."""

    days: Int64Array
    traded: BoolArray
    new: BoolArray
    volume: Int64Array
    rebate: Int64Array


class DailyBusiness:
    """Daily trading of the customers on one futures market.

    Args:
        seed: Seed of the world.
        name: Name of the market.
        customers: The customers who trade futures.
        rates: The partner's share of the fees.
        activity: Activity of each day.
        unit: Unit of the amounts.
        scale: Size of the market.
        known: Fills of some customers within a span (ms), by their index: their figures are sums of these.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        customers: Sequence[Customer],
        rates: Rates,
        activity: ActivityProfile,
        *,
        unit: str,
        scale: float,
        known: Mapping[int, FillsOf],
    ) -> None:
        self.unit = unit
        self.first_day = activity.first_day
        self.rates = rates
        self._customers = customers
        self._activity = activity
        self._scale = scale
        self._known = known
        self._attendance = Attendance(customers)
        self._keys = {part: hash_key(seed, name, part) for part in _HASHED}
        self._of = lru_cache(maxsize=8)(self._make)

    def days(self, first: int, last: int) -> _DailyFigures:
        """Figures from one day to another, both included."""
        return self._of(max(first, self.first_day), max(last, self.first_day - 1))

    def _make(self, first: int, last: int) -> _DailyFigures:
        days = np.arange(first, max(last + 1, first), dtype=np.int64)
        customers = np.arange(len(self._customers), dtype=np.int64)
        day, customer = np.meshgrid(days, customers, indexing="ij")
        # Those who join in the course of a day trade from that day on.
        there = self._attendance.trades(customer, (day + 1) * DAY - 1)
        age = day - (self._attendance.joined // DAY)[None, :]
        often = 0.08 + 0.8 * uniform(self._keys["often"], customers) ** 2
        traded = there & (uniform(self._keys["trades"], day, customer) < often[None, :])
        size = 900.0 * np.exp(4.0 * uniform(self._keys["size"], customers)) * self._scale
        busy: FloatArray = size[None, :] * (0.2 + 1.6 * uniform(self._keys["day"], day, customer))
        volume = np.floor(busy * self._activity.of_days(days)[:, None] * UNITS).astype(np.int64)
        # A fee of about 0.04 %, which depends on the customer's tier.
        fee = volume * (0.0004 * (0.9 + 0.2 * uniform(self._keys["fee"], customers)))[None, :]
        for which, fills_of in self._known.items():
            fills = fills_of(first * DAY, (last + 1) * DAY - 1)
            fees = np.zeros(len(days), dtype=np.int64)
            volume[:, which] = 0
            np.add.at(volume[:, which], fills.time // DAY - first, fills.quote)
            np.add.at(fees, fills.time // DAY - first, fills.fee)
            fee[:, which], traded[:, which] = fees, volume[:, which] > 0
        rebate = np.floor(fee * self.rates.of(day, age) / 100).astype(np.int64)
        zero = np.int64(0)
        return _DailyFigures(
            days,
            traded,
            traded & (age < NEW_FOR_DAYS),
            np.where(traded, volume, zero),
            np.where(traded, rebate, zero),
        )

    def rebates_by_hour(self, first: int, last: int, closed: tuple[int, int]) -> Int64Array:
        """The share of each hour in the rebate of its day, none in a closed span of whole hours (ms)."""
        hours = np.arange(first * 24, (last + 1) * 24, dtype=np.int64)
        weights = 1 + (random_bits(self._keys["booked"], hours) & _MASK8).astype(np.int64)
        weights[(hours >= closed[0] // HOUR) & (hours < closed[1] // HOUR)] = 0
        until = np.cumsum(weights.reshape(-1, 24), axis=1)
        rebates = self.days(first, last).rebate.sum(axis=1)[:, None]
        shares: Int64Array = np.diff(rebates * until // until[:, -1:], prepend=0, axis=1)
        return shares.ravel()

    def totals(self, last: int) -> tuple[int, str, str]:
        """Number of customers who ever traded, their volume and the rebate, up to and including a day."""
        figures = self.days(self.first_day, last)
        users = int(figures.traded.any(axis=0).sum())
        # Python integers: the volume of years in units of 1e-8 exceeds 64 bits.
        volume = sum(map(int, figures.volume.sum(axis=1)))
        rebate = sum(map(int, figures.rebate.sum(axis=1)))
        return users, amount(volume), amount(rebate)

    def volume_row(self, figures: _DailyFigures, day: int, customer: int) -> Row:
        """Volume of a day."""
        total = int(figures.volume[day].sum())
        return {"unit": self.unit, "tradeVol": amount(total), "time": int(figures.days[day]) * DAY}

    def rebate_row(self, figures: _DailyFigures, day: int, customer: int) -> Row:
        """Rebate of a day."""
        total = int(figures.rebate[day].sum())
        return {"unit": self.unit, "rebateVol": amount(total), "time": int(figures.days[day]) * DAY}

    def count_row(self, figures: _DailyFigures, day: int, customer: int) -> Row:
        """Traders of a day; the counts are text, as documented."""
        new, traded = int(figures.new[day].sum()), int(figures.traded[day].sum())
        return {"newTrader": str(new), "oldTrader": str(traded - new), "time": int(figures.days[day]) * DAY}

    def trader_row(self, figures: _DailyFigures, day: int, customer: int) -> Row:
        """Figures of one customer on one day."""
        return {
            "customerId": self._customers[customer].futures_id,
            "unit": self.unit,
            "tradeVol": amount(int(figures.volume[day, customer])),
            "rebateVol": amount(int(figures.rebate[day, customer])),
            "time": int(figures.days[day]) * DAY,
        }

    def every_day(self, figures: _DailyFigures, filters: Mapping[str, str]) -> Indices:
        """One row per day."""
        return np.arange(len(figures.days)), np.zeros(len(figures.days), dtype=np.int64)

    def every_trader(self, figures: _DailyFigures, filters: Mapping[str, str]) -> Indices:
        """One row per day and customer who traded on it."""
        wanted = filters.get("customerId")
        named = [wanted in (None, customer.futures_id) for customer in self._customers]
        days, customers = np.nonzero(figures.traded & np.array(named, dtype=np.bool_)[None, :])
        return days, customers


IndicesOf = Callable[[DailyBusiness, _DailyFigures, Mapping[str, str]], Indices]
DailyRow = Callable[[DailyBusiness, _DailyFigures, int, int], Row]


class DailyTable:
    """A `Table` of daily rows. The figures of a day appear at its first millisecond.

    Args:
        markets: Trading by `type`.
        indices: Returns the days and customers that have a row.
        row: Returns one row.
        now_ms: End of a span that has none.
    """

    def __init__(
        self, markets: Mapping[str, DailyBusiness], indices: IndicesOf, row: DailyRow, now_ms: int
    ) -> None:
        self._markets = markets
        self._indices = indices
        self._row = row
        self._now_ms = now_ms

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        business, figures = self._select(start, end, filters)
        return len(self._indices(business, figures, filters)[0])

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        business, figures = self._select(start, end, filters)
        days, customers = self._indices(business, figures, filters)
        chosen = slice(offset, offset + limit)
        indices = zip(days[chosen].tolist(), customers[chosen].tolist(), strict=True)
        return [self._row(business, figures, day, customer) for day, customer in indices]

    def _select(
        self, start: int | None, end: int | None, filters: Mapping[str, str]
    ) -> tuple[DailyBusiness, _DailyFigures]:
        # Rows are stamped with midnight: those of a span begin at its first midnight.
        first = 0 if start is None else -(-start // DAY)
        last = (self._now_ms if end is None else end) // DAY
        business = self._markets[filters.get("type", "1")]
        return business, business.days(first, last)
