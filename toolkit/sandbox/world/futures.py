"""Futures: daily reports of the customers' business, and the partner's own income."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from toolkit.sandbox.world.hashing import F64, I64, Mask, key_of, pick, uniform
from toolkit.sandbox.world.market import Market
from toolkit.sandbox.world.people import Customer
from toolkit.sandbox.world.stream import DAY, Block, Rhythm
from toolkit.sandbox.world.tables import Row

EIGHT = 100_000_000  # amounts are whole numbers of 1e-8, so sums of days and of traders agree exactly
NEW_FOR_DAYS = 30


Places = tuple[I64, I64]  # number of the day, number of the customer


@dataclass(frozen=True, slots=True)
class _Days:
    """Business of some days: a line for each day, a column for each customer."""

    days: I64
    traded: Mask
    new: Mask
    volume: I64
    rebate: I64


class DailyBusiness:
    """What the customers trade on one futures market, day by day.

    Args:
        seed: Seed of the world.
        name: Name of the market.
        customers: Those who trade futures.
        rhythm: How busy each day is.
        unit: Unit of the amounts.
        scale: How big the market is.
    """

    def __init__(
        self, seed: int, name: str, customers: Sequence[Customer], rhythm: Rhythm, *, unit: str, scale: float
    ) -> None:
        self.unit = unit
        self.first_day = rhythm.first_day
        self._customers = customers
        self._rhythm = rhythm
        self._scale = scale
        self._joined = np.array([customer.joined // DAY for customer in customers], dtype=np.int64)
        self._keys = {part: key_of(seed, name, part) for part in ("size", "often", "day", "trades", "share")}
        self._of = lru_cache(maxsize=8)(self._make)

    def days(self, first: int, last: int) -> _Days:
        """Business from one day to another, both included."""
        return self._of(max(first, self.first_day), max(last, self.first_day - 1))

    def _make(self, first: int, last: int) -> _Days:
        days = np.arange(first, max(last + 1, first), dtype=np.int64)
        people = np.arange(len(self._customers), dtype=np.int64)
        day, who = np.meshgrid(days, people, indexing="ij")
        age = day - self._joined[None, :]
        often = 0.08 + 0.8 * uniform(self._keys["often"], people) ** 2
        traded = (age >= 0) & (uniform(self._keys["trades"], day, who) < often[None, :])
        size = 900.0 * np.exp(4.0 * uniform(self._keys["size"], people)) * self._scale
        busy: F64 = size[None, :] * (0.2 + 1.6 * uniform(self._keys["day"], day, who))
        volume = np.floor(busy * self._rhythm.of_days(days)[:, None] * EIGHT).astype(np.int64)
        # A fee of about 0.04 %, of which the partner gets more for new customers.
        new = (age >= 0) & (age < NEW_FOR_DAYS)
        share = np.where(new, 0.3, 0.2) * (0.9 + 0.2 * uniform(self._keys["share"], people))[None, :]
        rebate = np.floor(volume * (0.0004 * share)).astype(np.int64)
        zero = np.int64(0)
        return _Days(
            days, traded, new & traded, np.where(traded, volume, zero), np.where(traded, rebate, zero)
        )

    def totals(self, last: int) -> tuple[int, str, str]:
        """Customers who ever traded, volume and rebate, up to and with a day."""
        made = self.days(self.first_day, last)
        users = int(made.traded.any(axis=0).sum())
        # Python's whole numbers: the volume of years does not fit into 64 bits of 1e-8.
        volume = sum(map(int, made.volume.sum(axis=1)))
        rebate = sum(map(int, made.rebate.sum(axis=1)))
        return users, amount(volume), amount(rebate)

    def volume_row(self, made: _Days, line: int, who: int) -> Row:
        """Volume of a day."""
        total = int(made.volume[line].sum())
        return {"unit": self.unit, "tradeVol": amount(total), "time": int(made.days[line]) * DAY}

    def rebate_row(self, made: _Days, line: int, who: int) -> Row:
        """Rebate of a day."""
        total = int(made.rebate[line].sum())
        return {"unit": self.unit, "rebateVol": amount(total), "time": int(made.days[line]) * DAY}

    def count_row(self, made: _Days, line: int, who: int) -> Row:
        """Traders of a day; the counts are text, as documented."""
        new, traded = int(made.new[line].sum()), int(made.traded[line].sum())
        return {"newTrader": str(new), "oldTrader": str(traded - new), "time": int(made.days[line]) * DAY}

    def trader_row(self, made: _Days, line: int, who: int) -> Row:
        """What a customer did on a day."""
        return {
            "customerId": self._customers[who].futures_id,
            "unit": self.unit,
            "tradeVol": amount(int(made.volume[line, who])),
            "rebateVol": amount(int(made.rebate[line, who])),
            "time": int(made.days[line]) * DAY,
        }

    def every_day(self, made: _Days, filters: Mapping[str, str]) -> Places:
        """A row for each day."""
        return np.arange(len(made.days)), np.zeros(len(made.days), dtype=np.int64)

    def every_trader(self, made: _Days, filters: Mapping[str, str]) -> Places:
        """A row for each day and customer who traded on it."""
        asked = filters.get("customerId")
        named = [asked in (None, customer.futures_id) for customer in self._customers]
        lines, people = np.nonzero(made.traded & np.array(named, dtype=np.bool_)[None, :])
        return lines, people


PlacesOf = Callable[[DailyBusiness, _Days, Mapping[str, str]], Places]
DailyRow = Callable[[DailyBusiness, _Days, int, int], Row]


class DailyTable:
    """A `Table` of daily rows. A day's figures are there from the day's first millisecond.

    Args:
        markets: The business of each `type`.
        places: Which days and customers have a row.
        row: One of them.
        now_ms: Where a span without an end stops.
    """

    def __init__(
        self, markets: Mapping[str, DailyBusiness], places: PlacesOf, row: DailyRow, now_ms: int
    ) -> None:
        self._markets = markets
        self._places = places
        self._row = row
        self._now_ms = now_ms

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """How many rows there are between two times (ms), both included."""
        business, made = self._asked(start, end, filters)
        return len(self._places(business, made, filters)[0])

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Some of these rows, counted from the oldest."""
        business, made = self._asked(start, end, filters)
        lines, people = self._places(business, made, filters)
        chosen = slice(offset, offset + limit)
        places = zip(lines[chosen].tolist(), people[chosen].tolist(), strict=True)
        return [self._row(business, made, line, who) for line, who in places]

    def _asked(
        self, start: int | None, end: int | None, filters: Mapping[str, str]
    ) -> tuple[DailyBusiness, _Days]:
        # Rows are stamped with midnight: those of a span begin with the first midnight in it.
        first = 0 if start is None else -(-start // DAY)
        last = (self._now_ms if end is None else end) // DAY
        business = self._markets[filters.get("type", "1")]
        return business, business.days(first, last)


_KINDS = {
    "TRANSFER": 6.0,
    "REALIZED_PNL": 25.0,
    "FUNDING_FEE": 20.0,
    "COMMISSION": 30.0,
    "API_REBATE": 12.0,
    "REFERRAL_KICKBACK": 5.0,
    "COMMISSION_REBATE": 5.0,
    "WELCOME_BONUS": 0.1,
    "INSURANCE_CLEAR": 0.2,
}
_NAMES = tuple(_KINDS)
_WITH_SYMBOL = ("REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR")
_WITH_TRADE = ("REALIZED_PNL", "COMMISSION")
_NEGATIVE = ("COMMISSION", "INSURANCE_CLEAR")
_EITHER = ("TRANSFER", "REALIZED_PNL", "FUNDING_FEE")


class Income:
    """Everything that changes the wallet of the futures account which owns the key."""

    def __init__(self, markets: Sequence[Market]) -> None:
        self._markets = markets
        self._weights = [market.weight for market in markets]

    def plain(self, filters: Mapping[str, str]) -> bool:
        """Whether every row passes these filters."""
        return not filters.keys() & {"symbol", "incomeType"}

    def mask(self, block: Block, filters: Mapping[str, str]) -> Mask:
        """Which rows are of this kind and symbol."""
        kinds = self._kinds(block)
        passes: Mask = np.ones(len(block), dtype=np.bool_)
        if "incomeType" in filters:
            asked = filters["incomeType"]
            passes &= kinds == (_NAMES.index(asked) if asked in _KINDS else -1)
        if "symbol" in filters:
            places = [place for place, each in enumerate(self._markets) if each.symbol == filters["symbol"]]
            named = [_NAMES.index(kind) for kind in _WITH_SYMBOL]
            passes &= np.isin(self._which(block), places) & np.isin(kinds, named)
        return passes

    def rows(self, block: Block) -> list[Row]:
        """The rows as they go over the wire."""
        columns = zip(
            self._kinds(block).tolist(),
            self._which(block).tolist(),
            block.by_row("amount").tolist(),
            block.by_row("sign").tolist(),
            block.time.tolist(),
            block.hour.tolist(),
            block.place.tolist(),
            strict=True,
        )
        return [self._row(row) for row in columns]

    def _row(self, cells: tuple[int, int, float, float, int, int, int]) -> Row:
        kind, which, size, sign, time, hour, place = cells
        name = _NAMES[kind]
        value = 0.02 * 2.718281828 ** (8.0 * size)
        if name in _NEGATIVE or (name in _EITHER and sign < 0.47):
            value = -value
        number = hour * 1_000_000 + place
        return {
            "symbol": self._markets[which].symbol if name in _WITH_SYMBOL else "",
            "incomeType": name,
            "income": f"{value:.8f}",
            "asset": "BNB" if name == "COMMISSION" and sign < 0.2 else "USDT",
            "info": name if name == "TRANSFER" else "",
            "time": time,
            "tranId": number,
            "tradeId": str(number % 1_000_000_007) if name in _WITH_TRADE else "",
        }

    @staticmethod
    def _kinds(block: Block) -> I64:
        return pick(block.by_row("kind"), tuple(_KINDS.values()))

    def _which(self, block: Block) -> I64:
        return pick(block.by_row("market"), self._weights)


def amount(units: int) -> str:
    """A whole number of 1e-8 as the exchange writes amounts."""
    return f"{units // EIGHT}.{units % EIGHT:08d}"
