"""The totals of earnings equal, to the last digit, those that independent code makes of the sandbox's tables.

What the partner earned is put together here from the rows of the world, and valued from the minutes of its
market with Python's decimals. Nothing of `toolkit.analytics` is used for that.
"""

from __future__ import annotations

import decimal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import toolkit
from tests.support.sandbox_env import SandboxEnv
from toolkit.analytics import earnings, summarize
from toolkit.sandbox import World
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import SPOT
from toolkit.sandbox.world.payments import NOW as PAID_BY

HOUR, DAY = 3_600_000, 86_400_000
LONGEST_DELAY = 75 * 60_000  # from a trade to its rebate
OLDEST_PRICE = DAY
NOW = 1_794_997_805.5  # 2026-11-18
# The markets that lead from an asset to dollars: sold for the quote (1), or bought with it (-1).
SOLD = ("USDC", "FDUSD", "TUSD", "EUR", "MATIC", "POL")
COINS = ("BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOGE", "LINK", "AVAX", "LTC")
ROUTES: Mapping[str, tuple[tuple[str, int], ...]] = {
    **{asset: ((f"{asset}USDT", 1),) for asset in (*SOLD, *COINS)},
    "TRY": (("USDTTRY", -1),),
    "JPY": (("BTCJPY", -1), ("BTCUSDT", 1)),
    "DCR": (("DCRBTC", 1), ("BTCUSDT", 1)),
}
AT_PAR = {"USDT", "USD"}
MARKETS = {market.symbol: market for market in SPOT}
WORLDS = {7: (40, 24, 60), 31: (25, 12, 40), 2026: (60, 40, 90)}
# Each has something: the first payment times, maintenance, the end of MATIC, its new name, the end of TUSD.
PERIODS = {7: "2025-11", 31: "2026-01", 2026: "2026-02"}
WITHOUT_DAYS = ("exchange", "spot")


@dataclass(frozen=True, slots=True)
class Earned:
    """One income; times in milliseconds."""

    time: int
    traded_at: int | None
    system: str
    kind: str
    asset: str
    amount: Decimal
    value: Decimal | None
    customer: str | None
    sub_account: str | None
    symbol: str | None
    trade: str | None


Key = Callable[[Earned], object]


class Truth:
    """What the partner of a world earned.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._history = MarketHistory(world.seed, world.start_ms)
        self._closes: dict[tuple[str, int], int | None] = {}

    def rows(self, start: int, end: int, *, when: str = "received", days: bool = True) -> list[Earned]:
        """All income between two times (ms), both included."""
        found = [*self._spot(start, end, when), *self._exchange(start, end)]
        if days:
            found.extend(self._futures(start, end))
        return found

    def _spot(self, start: int, end: int, when: str) -> Iterator[Earned]:
        for row in self._read("spot.rebates", start - LONGEST_DELAY, end, {PAID_BY: str(self.world.now_ms)}):
            traded = int(row["time"])
            received = int(row.get("distributeTime", traded)) if when == "received" else traded
            if start <= received <= end:
                yield self._earned(
                    received, traded, "spot", "spot_rebate", row["asset"], row["income"],
                    customer=row["customerId"], symbol=row["symbol"], trade=row["tradeId"],
                )  # fmt: skip

    def _exchange(self, start: int, end: int) -> Iterator[Earned]:
        tables = (
            ("spot_rebate", "exchange.rebates", {}),
            ("um_rebate", "exchange.futures_rebates", {"futuresType": "1"}),
            ("cm_rebate", "exchange.futures_rebates", {"futuresType": "2"}),
        )
        for kind, name, filters in tables:
            for row in self._read(name, start, end, filters):
                if row["status"] == 1:
                    yield self._earned(
                        row["time"], row["time"], "exchange", kind, row["asset"], row["income"],
                        sub_account=row["subaccountId"], symbol=row["symbol"], trade=row["tradeId"],
                    )  # fmt: skip

    def _futures(self, start: int, end: int) -> Iterator[Earned]:
        for kind, number in (("um_rebate", "1"), ("cm_rebate", "2")):
            told: defaultdict[int, Decimal] = defaultdict(Decimal)
            for row in self._read("futures.traders", start, end, {"type": number}):
                told[row["time"]] += Decimal(row["rebateVol"])
                yield self._earned(
                    row["time"], None, "futures", kind, row["unit"], row["rebateVol"],
                    customer=row["customerId"],
                )  # fmt: skip
            # Of this partner, customers' rows add up to the totals.
            totals = {row["time"]: Decimal(row["rebateVol"]) for row in
                      self._read("futures.rebates", start, end, {"type": number})}  # fmt: skip
            assert totals == {time: told[time] for time in totals}

    def _read(self, name: str, start: int, end: int, filters: Mapping[str, str]) -> list[Any]:
        return self.world.table(name).slice(start, end, filters, 0, 10**7)

    def _earned(
        self,
        time: int,
        traded: int | None,
        system: str,
        kind: str,
        asset: str,
        amount: str,
        *,
        customer: str = "",
        sub_account: str = "",
        symbol: str = "",
        trade: object = "",
    ) -> Earned:
        income, price = Decimal(amount), self.price(asset, time)
        value = None if price is None else in_18_places((income, price))
        texts = (customer or None, sub_account or None, symbol or None, str(trade) or None)
        return Earned(time, traded, system, kind, asset, income, value, *texts)

    def price(self, asset: str, time: int) -> Decimal | None:
        """Dollars (USDT) for one unit of an asset, by the closes of the hours before a time."""
        if asset in AT_PAR:
            return Decimal(1)
        if asset not in ROUTES:
            return None
        sides: dict[int, list[Decimal]] = {1: [], -1: []}
        for symbol, side in ROUTES[asset]:
            close = self._close(symbol, time // HOUR * HOUR)
            if close is None:
                return None
            sides[side].append(close * MARKETS[symbol].tick)
        if not sides[-1] and len(sides[1]) == 1:
            return sides[1][0]
        return in_18_places(sides[1], sides[-1])

    def _close(self, symbol: str, hour: int) -> int | None:
        """The close, in ticks, of the last hour with trades that was over by the beginning of another."""
        key = (symbol, hour)
        if key not in self._closes:
            ends = range(hour, hour - OLDEST_PRICE - 1, -HOUR)
            self._closes[key] = next((close for end in ends if (close := self._closed_at(symbol, end))), None)
        return self._closes[key]

    def _closed_at(self, symbol: str, end: int) -> int:
        """The price at the end of an hour; 0 if there was no trading in its last minute."""
        minute = self._history.minutes(MARKETS[symbol], end // MINUTE_MS - 1, 1)
        return int(minute.close[0]) if minute.traded[0] else 0


def in_18_places(factors: Iterable[Decimal], divisors: Iterable[Decimal] = ()) -> Decimal:
    """A product, divided by others, with 18 decimal places: computed in full, and rounded once."""
    with decimal.localcontext(prec=400, rounding=decimal.ROUND_HALF_EVEN):
        result = Decimal(1)
        for each in factors:
            result *= each
        for each in divisors:
            result /= each
        return result.quantize(Decimal(1).scaleb(-18))


# --- the partner asks -----------------------------------------------------------------------------


@cache
def truth(seed: int) -> Truth:
    per_day, accounts, customers = WORLDS[seed]
    return Truth(World(seed, now=NOW, rebates_per_day=per_day, sub_accounts=accounts, customers=customers))


@pytest.fixture(scope="module", params=WORLDS)
def partner(request: pytest.FixtureRequest) -> Iterator[tuple[Truth, toolkit.Link]]:
    """What a partner earned, and its Link, which never has to wait."""
    this = truth(request.param)
    env = SandboxEnv(
        world=this.world,
        exchange={"limit_scale": 10**4},
        link={
            "limits": {"api": 10**8, "fapi": 10**8, "sapi-ip": 10**8, "sapi-uid": 10**8},
            "progress": False,
        },
    )
    env.clock.sleep(NOW - env.clock.time())
    yield this, env.link
    env.close()


@dataclass(slots=True)
class Sums:
    """Sums of some income."""

    rows: int = 0
    amounts: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    value: Decimal = Decimal(0)
    unvalued: int = 0

    def add(self, row: Earned) -> None:
        """Count an income."""
        self.rows += 1
        self.amounts[row.asset] += row.amount
        self.value += row.value or 0
        self.unvalued += row.value is None

    @property
    def shown(self) -> tuple[object, ...]:
        """As `summarize()` shows them: rows, amount of the only asset, value, rows with it and without."""
        amount = next(iter(self.amounts.values())) if len(self.amounts) == 1 else None
        valued = self.rows - self.unvalued
        return self.rows, amount, self.value if valued else None, valued, self.unvalued


def sums(rows: Iterable[Earned], key: Key) -> dict[object, tuple[object, ...]]:
    """The sums of the rows by a key."""
    found: defaultdict[object, Sums] = defaultdict(Sums)
    for row in rows:
        found[key(row)].add(row)
    return {key: each.shown for key, each in found.items()}


def cells(column: Any) -> list[Any]:
    """The values of a column, None where one is missing."""
    return [None if pd.isna(each) else each for each in column]


def summary(frame: pd.DataFrame, by: list[str]) -> dict[object, tuple[object, ...]]:
    """What `summarize()` says."""
    made = summarize(frame, by)
    keys = list(zip(*(cells(made[name]) for name in by), strict=True)) if by else [()]
    shown = zip(
        *(cells(made[name]) for name in ("rows", "amount", "value", "valued", "unvalued")), strict=True
    )
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, shown, strict=True))


def milliseconds(column: Any) -> list[int | None]:
    return [None if pd.isna(each) else int(each.timestamp() * 1000) for each in column]


def as_earned(frame: pd.DataFrame) -> list[Earned]:
    """The rows of earnings."""
    columns = (
        milliseconds(frame["time"]),
        milliseconds(frame["traded_at"]),
        *(cells(frame[name]) for name in ("system", "kind", "asset", "amount", "value", "customer_id",
                                          "sub_account_id", "symbol", "trade_id")),
    )  # fmt: skip
    return [Earned(*row) for row in zip(*columns, strict=True)]


def day_of(zone: str) -> Key:
    return lambda row: (datetime.fromtimestamp(row.time / 1000, ZoneInfo(zone)).date().isoformat(),)


def month(text: str, zone: str = "UTC") -> tuple[int, int]:
    """The first and the last millisecond of a month."""
    first = date.fromisoformat(f"{text}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    begins = (
        datetime(each.year, each.month, 1, tzinfo=ZoneInfo(zone)).timestamp() for each in (first, after)
    )
    start, end = (int(each * 1000) for each in begins)
    return start, end - 1


KEYS: Mapping[str, tuple[list[str], Key]] = {
    "all": ([], lambda row: ()),
    "asset": (["asset"], lambda row: (row.asset,)),
    "customer": (["customer_id"], lambda row: (row.customer,)),
    "sub-account": (["sub_account_id"], lambda row: (row.sub_account,)),
    "system": (["system"], lambda row: (row.system,)),
    "symbol": (["symbol"], lambda row: (row.symbol,)),
    "day": (["day"], day_of("UTC")),
    "kind and asset": (["kind", "asset"], lambda row: (row.kind, row.asset)),
}


def agree(frame: pd.DataFrame, rows: list[Earned]) -> None:
    """Row by row and in every sum."""
    assert Counter(as_earned(frame)) == Counter(rows)
    for by, key in KEYS.values():
        assert summary(frame, by) == sums(rows, key), by


def test_a_month_in_dollars(partner: tuple[Truth, toolkit.Link]) -> None:
    this, link = partner
    period = PERIODS[this.world.seed]
    agree(earnings(link, period, "USDT"), this.rows(*month(period)))


def test_a_month_of_trades(partner: tuple[Truth, toolkit.Link]) -> None:
    this, link = partner
    period = PERIODS[this.world.seed]
    agree(earnings(link, period, when="traded"), this.rows(*month(period), when="traded"))


def test_a_month_in_another_zone(partner: tuple[Truth, toolkit.Link]) -> None:
    this, link = partner
    period, zone = PERIODS[this.world.seed], "Asia/Kolkata"
    frame = earnings(link, period, zone=zone, systems=WITHOUT_DAYS)
    rows = this.rows(*month(period, zone), days=False)
    assert Counter(as_earned(frame)) == Counter(rows)
    assert summary(frame, ["day"]) == sums(rows, day_of(zone))
    assert sums(rows, day_of(zone)).keys() != sums(rows, day_of("UTC")).keys()


def test_what_was_traded_before_the_period_and_paid_within(partner: tuple[Truth, toolkit.Link]) -> None:
    this, link = partner
    end = month("2026-10")[1]
    rows = [row for row in this.rows(end - 8 * DAY, end, days=False) if row.system == "spot"]
    first, last = rows[5], rows[-5]
    assert first.traded_at is not None
    assert last.traded_at is not None
    # It begins after the trade of one, with its payment; and ends with the trade of another.
    start, end = first.time, last.traded_at
    assert first.traded_at < start < end < last.time
    span = tuple(pd.Timestamp(each, unit="ms", tz="UTC") for each in (start, end))
    for when, has_first, has_last in (("received", True, False), ("traded", False, True)):
        frame = earnings(link, span, when=when, systems=WITHOUT_DAYS)
        expected = this.rows(start, end, when=when, days=False)
        assert Counter(as_earned(frame)) == Counter(expected)
        trades = set(cells(frame["trade_id"]))
        assert (first.trade in trades, last.trade in trades) == (has_first, has_last)
