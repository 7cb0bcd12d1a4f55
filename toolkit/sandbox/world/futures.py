"""Futures: daily reports of the customers' trading, and the partner's own income."""

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
    weighted_choice,
)
from toolkit.sandbox.keys import PARTNER
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.customers import Attendance, Customer
from toolkit.sandbox.world.rates import NEW_FOR_DAYS, Rates
from toolkit.sandbox.world.stream import DAY, HOUR, ActivityProfile, Block
from toolkit.sandbox.world.tables import OWNER, Row
from toolkit.sandbox.world.trading import MarketChoice
from toolkit.sandbox.world.units import UNITS, amount, amounts

_HASHED = ("size", "often", "day", "trades", "fee", "booked")
_MASK8 = np.uint64(0xFF)

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
    ) -> None:
        self.unit = unit
        self.first_day = activity.first_day
        self.rates = rates
        self._customers = customers
        self._activity = activity
        self._scale = scale
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


# How often there is each kind, besides the rebate that a partner is booked every hour.
_KINDS = {
    "TRANSFER": 6.0,
    "REALIZED_PNL": 25.0,
    "FUNDING_FEE": 20.0,
    "COMMISSION": 30.0,
    "API_REBATE": 0.0,
    "REFERRAL_KICKBACK": 5.0,
    "COMMISSION_REBATE": 5.0,
    "WELCOME_BONUS": 0.1,
    "INSURANCE_CLEAR": 0.2,
}
_NAMES = tuple(_KINDS)
_REBATE = _NAMES.index("API_REBATE")
# What the reports do not tell of: a partner has none, so that its rebates in both add up to the same.
_OF_OTHERS = [_NAMES.index(name) for name in ("REFERRAL_KICKBACK", "COMMISSION_REBATE")]
_WITH_SYMBOL = ("REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR")
_WITH_TRADE = ("REALIZED_PNL", "COMMISSION")
_NEGATIVE = [_NAMES.index(name) for name in ("COMMISSION", "INSURANCE_CLEAR")]
_EITHER = [_NAMES.index(name) for name in ("TRANSFER", "REALIZED_PNL", "FUNDING_FEE")]


class Income:
    """All changes of the futures wallet whose account owns the key.

    The first row of each hour is a rebate of the partner, if it earned any. The rebates of a day have the sum
    that the daily report of the customers' trading has.

    Args:
        markets: The symbols traded.
        prices: What the assets are worth.
        business: The customers' trading, in the asset of the wallet.
        closed: A span of whole hours, in milliseconds, without rows.
    """

    def __init__(
        self, markets: MarketChoice, prices: Prices, business: DailyBusiness, closed: tuple[int, int]
    ) -> None:
        self._markets = markets
        self._prices = prices
        self._business = business
        self._closed = closed

    def accepts_all(self, filters: Mapping[str, str]) -> bool:
        """Whether every row matches these filters."""
        return not filters.keys() & {"symbol", "incomeType", OWNER}

    def mask(self, block: Block, filters: Mapping[str, str]) -> BoolArray:
        """The rows of this income type, symbol and owner."""
        kinds, _ = self._kinds(block)
        passes: BoolArray = np.ones(len(block), dtype=np.bool_)
        if OWNER in filters:
            hidden = _OF_OTHERS if filters[OWNER] == PARTNER else [_REBATE]
            passes &= ~np.isin(kinds, hidden)
        if "incomeType" in filters:
            wanted = filters["incomeType"]
            passes &= kinds == (_NAMES.index(wanted) if wanted in _KINDS else -1)
        if "symbol" in filters:
            markets = enumerate(self._markets.all)
            indices = [index for index, each in markets if each.symbol == filters["symbol"]]
            named = [_NAMES.index(kind) for kind in _WITH_SYMBOL]
            passes &= np.isin(self._markets.of(block), indices) & np.isin(kinds, named)
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows, as sent."""
        kinds, rebates = self._kinds(block)
        sign = block.by_row("sign")
        in_bnb = (kinds == _NAMES.index("COMMISSION")) & (sign < 0.2)
        assets = np.where(in_bnb, ASSETS.index("BNB"), ASSETS.index("USDT"))
        size = 0.02 * np.exp(8.0 * block.by_row("amount")) / self._prices.usd_of(assets, block.time)
        is_loss = np.isin(kinds, _NEGATIVE) | (np.isin(kinds, _EITHER) & (sign < 0.47))
        income = np.rint(np.where(is_loss, -size, size) * UNITS).astype(np.int64)
        columns = zip(
            kinds.tolist(),
            self._markets.of(block).tolist(),
            amounts(np.where(kinds == _REBATE, rebates, income)),
            assets.tolist(),
            block.time.tolist(),
            (block.hour * 1_000_000 + block.index).tolist(),
            strict=True,
        )
        return [self._row(row) for row in columns]

    def _row(self, cells: tuple[int, int, str, int, int, int]) -> Row:
        kind, which, income, asset, time, number = cells
        name = _NAMES[kind]
        return {
            "symbol": self._markets.all[which].symbol if name in _WITH_SYMBOL else "",
            "incomeType": name,
            "income": income,
            "asset": ASSETS[asset],
            "info": name if name == "TRANSFER" else "",
            "time": time,
            "tranId": number,
            "tradeId": str(number % 1_000_000_007) if name in _WITH_TRADE else "",
        }

    def _kinds(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """The kind of each row, and the rebate that it books if it is one: nobody is booked nothing."""
        if not len(block):
            return block.index, block.index
        first, last = int(block.hour[0]) // 24, int(block.hour[-1]) // 24
        rebates = self._business.rebates_by_hour(first, last, self._closed)[block.hour - first * 24]
        drawn = weighted_choice(block.by_row("kind"), tuple(_KINDS.values()))
        return np.where((block.index == 0) & (rebates > 0), _REBATE, drawn), rebates
