"""The partner's business: priced by the market, paid later, and by customers who come and go."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import DAY, NOW, NOW_MS, ask, exchange, new_rows, read, world
from toolkit.sandbox import World
from toolkit.sandbox.keys import PARTNER
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import ASSETS, CM, COMMON_SPOT, RARE, SPOT, UM, Market
from toolkit.sandbox.world.fills import SpotTrades
from toolkit.sandbox.world.payments import NOW as NOW_FILTER
from toolkit.sandbox.world.rates import KICKBACK, NEW_FOR_DAYS
from toolkit.sandbox.world.rebates import NEWER_FIELDS_SINCE
from toolkit.sandbox.world.stream import ActivityProfile, Stream
from toolkit.sandbox.world.tables import OWNER
from toolkit.sandbox.world.trading import MarketChoice

Row = dict[str, Any]

MINUTE, HOUR = 60_000, 3_600_000
UNIT = Decimal("0.00000001")
SPOT_MARKETS = {market.symbol: market for market in SPOT}
SEEDS = (7, 8, 9)


@cache
def world_of(seed: int) -> World:
    return world() if seed == world().seed else World(seed, now=NOW)


@cache
def market_of(seed: int) -> MarketHistory:
    return MarketHistory(seed, world_of(seed).start_ms)


def rebates(seed: int, start: int, end: int) -> list[Row]:
    return world_of(seed).table("spot.rebates").slice(start, end, {}, 0, 10**6)


@cache
def sample(seed: int, since: int = NEWER_FIELDS_SINCE) -> list[Row]:
    """The rebates of some random half days, which have all fields."""
    chance = random.Random(seed)
    starts = [chance.randrange(since, NOW_MS - DAY) for _ in range(5)]
    return [row for start in starts for row in rebates(seed, start, start + DAY // 2)]


@cache
def calm_world() -> World:
    """A world with fewer rows, for tests that read all of its history."""
    return World(now=NOW, rebates_per_day=60)


@cache
def two_years() -> list[Row]:
    """All rebates of the calm world."""
    return calm_world().table("spot.rebates").slice(None, NOW_MS, {}, 0, 10**6)


def whole(row: Row, share: Decimal) -> Decimal:
    """A share of the fee of a trade, by the rule: converted, and rounded down."""
    return (Decimal(row["commission"]) * Decimal(row["convertPrice"]) * share).quantize(UNIT, ROUND_DOWN)


# --- prices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_convert_price_is_the_close_of_its_minute(seed: int) -> None:
    seen = Counter[bool]()
    for row in sample(seed):
        price = Decimal(row["convertPrice"])
        if row["commissionAsset"] == row["asset"]:
            assert price == 1
            continue
        market = SPOT_MARKETS[row["commissionAsset"] + row["asset"]]
        candle = market_of(seed).minutes(market, row["time"] // MINUTE, 1)
        ticks = int(price / market.tick)
        assert ticks * market.tick == price
        assert candle.low[0] <= ticks <= candle.high[0], row
        assert ticks == candle.close[0], row
        seen[row["commissionAsset"] == "BNB"] += 1
    assert min(seen[True], seen[False]) > 100


@pytest.mark.parametrize("seed", SEEDS)
def test_a_trade_is_made_in_a_minute_with_trades(seed: int) -> None:
    for row in sample(seed, world_of(seed).start_ms):
        minute = market_of(seed).minutes(SPOT_MARKETS[row["symbol"]], row["time"] // MINUTE, 1)
        assert minute.trades[0] > 0, row


@pytest.mark.parametrize(
    ("endpoint_name", "filters", "markets"),
    [
        ("spot.rebates", {}, COMMON_SPOT),
        ("exchange.rebates", {}, SPOT),
        ("exchange.futures_rebates", {"futuresType": "1"}, UM),
        ("exchange.futures_rebates", {"futuresType": "2"}, CM),
        ("futures.income", {OWNER: PARTNER}, UM),
    ],
)
def test_symbols_trade_only_while_they_are_listed(
    endpoint_name: str, filters: dict[str, str], markets: tuple[Market, ...]
) -> None:
    hours = {market.symbol: TradingHours.of(market, world().start_ms) for market in markets}
    stopped, resumed = hours[markets[0].symbol].maintenance
    # All of history where some symbol has come or gone, and the days around maintenance.
    limited = [market.symbol for market in markets if market.listed_after or market.delisted_after]
    span = (world().start_ms, NOW_MS) if limited else (stopped - 9 * DAY, resumed + 9 * DAY)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    rows: list[Row] = calm_world().table(endpoint_name).slice(*span, filters, 0, 10**6)
    for row in rows:
        # Wallets and funding know no maintenance.
        if row.get("incomeType") not in ("TRANSFER", "FUNDING_FEE", "WELCOME_BONUS"):
            assert not stopped <= row["time"] < resumed
        if row["symbol"]:
            assert hours[row["symbol"]].is_listed(row["time"]), row
            first.setdefault(row["symbol"], row["time"])
            last[row["symbol"]] = row["time"]
    assert first.keys() == hours.keys()
    for symbol in limited:
        assert first[symbol] - hours[symbol].listed_ms < 100 * DAY
        assert (hours[symbol].delisted_ms or NOW_MS) - last[symbol] < 100 * DAY


def test_fees_are_a_tenth_of_a_percent_or_less_in_bnb() -> None:
    prices = world().prices
    activity = ActivityProfile(7, "trades", world().start_ms)
    stream = Stream(7, "trades", activity, 400, world().start_ms, same_order_fraction=0.1)
    block = stream.block(np.arange(NOW_MS // HOUR - 60, NOW_MS // HOUR))
    fills = SpotTrades(world().customers, MarketChoice(COMMON_SPOT, world().start_ms), prices).fills(block)
    closes = (block.time // MINUTE + 1) * MINUTE
    paid = fills.commission * prices.usd_of(fills.asset, closes)
    paid /= fills.quote_amount * prices.usd_of(fills.quote, closes)
    in_bnb = fills.asset == ASSETS.index("BNB")
    exact = (fills.commission > 10**4) & (fills.quote_amount > 10**8)  # rounding does not matter
    assert np.allclose(paid[exact & in_bnb], 0.00075, rtol=1e-3)
    assert np.allclose(paid[exact & ~in_bnb], 0.001, rtol=1e-3)
    assert min((exact & in_bnb).sum(), (exact & ~in_bnb).sum()) > 50


@pytest.mark.parametrize(
    ("endpoint_name", "filters", "asset", "amount", "dollars"),
    [
        ("exchange.transfers", {}, "asset", "qty", (24, 16_700)),
        ("exchange.universal_transfers", {}, "asset", "qty", (24, 16_700)),
        ("exchange.deposits", {}, "coin", "amount", (24, 16_700)),
        ("exchange.rebates", {}, "asset", "income", (0.0016, 0.88)),
        ("exchange.futures_rebates", {"futuresType": "2"}, "asset", "income", (0.0016, 0.88)),
    ],
)
def test_amounts_are_worth_their_price_of_then(
    endpoint_name: str, filters: dict[str, str], asset: str, amount: str, dollars: tuple[float, float]
) -> None:
    rows: list[Row] = (
        calm_world().table(endpoint_name).slice(world().start_ms, NOW_MS, filters, 0, 10**6)[::7]
    )
    times = np.array([row.get("time", row.get("insertTime")) for row in rows])
    worth = world().prices.usd_of(np.array([ASSETS.index(row[asset]) for row in rows]), times)
    values = np.abs([float(row[amount]) for row in rows]) * worth
    rounded = worth * 1e-8
    # The bitcoin has been worth half and twice as much: fixed prices would leave these bounds.
    assert (values >= dollars[0] * 0.99 - rounded).all()
    assert (values <= dollars[1] * 1.01).all()


def test_a_few_rebates_of_sub_accounts_are_in_rare_assets() -> None:
    table = calm_world().table("exchange.rebates")
    rows = table.slice(None, NOW_MS, {}, 0, 10**6)
    own, of = Counter[str](), Counter[tuple[object, bool]]()
    for row in rows:
        market = SPOT_MARKETS[str(row["symbol"])]
        in_base = market.base in ("MATIC", "POL", "DCR")
        assert row["asset"] == (market.base if in_base else market.quote)
        own[str(row["asset"])] += 1
    rare = {asset: own[asset] for asset in RARE}
    assert rare.pop("BNFCR") == 0
    assert min(rare.values()) > 20
    assert sum(rare.values()) < 0.03 * len(rows)
    futures = calm_world().table("exchange.futures_rebates")
    for kind in ("1", "2"):
        found = futures.slice(None, NOW_MS, {"futuresType": kind}, 0, 10**6)
        of.update((kind, row["asset"] == "BNFCR") for row in found)
    assert 0.005 < of["1", True] / of["1", False] < 0.02
    assert not of["2", True]


# --- bookings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_partners_bookings_of_a_day_add_up_to_the_daily_report(seed: int) -> None:
    this = world_of(seed)
    first, today = this.start_ms, NOW_MS // DAY * DAY
    booked: defaultdict[int, Decimal] = defaultdict(Decimal)
    filters = {OWNER: PARTNER, "incomeType": "API_REBATE"}
    for row in this.table("futures.income").slice(first, today - 1, filters, 0, 10**6):
        assert (row["asset"], row["symbol"]) == ("USDT", "")
        assert Decimal(str(row["income"])) > 0
        booked[int(str(row["time"])) // DAY * DAY] += Decimal(str(row["income"]))
    reported = this.table("futures.rebates").slice(first, today - 1, {"type": "1"}, 0, 10**6)
    assert len(reported) > 720
    assert {row["time"]: total for row in reported if (total := Decimal(str(row["rebateVol"])))} == booked


def test_only_the_partner_is_booked_rebates_and_nothing_else_like_them() -> None:
    kinds = {
        name: {
            row["incomeType"]
            for row in ask(
                exchange(), "futures.income", {"limit": 1000, "startTime": NOW_MS - 6 * DAY}, key=key
            ).json()
        }
        for name, key in world().keys.items()
        if name in ("partner", "customer")
    }
    rebates = {"API_REBATE", "COMMISSION_REBATE", "REFERRAL_KICKBACK"}
    assert kinds["partner"] & rebates == {"API_REBATE"}
    assert kinds["customer"] & rebates == {"COMMISSION_REBATE", "REFERRAL_KICKBACK"}


# --- shares --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_income_is_a_share_of_the_fee_that_changes_once(seed: int) -> None:
    rates = world_of(seed).spot_rates
    changed = rates.changed * DAY
    assert NEWER_FIELDS_SINCE + 90 * DAY < changed < NOW_MS - 90 * DAY
    before, since = ([Decimal(each) / 100 for each in (s.old, s.new)] for s in (rates.before, rates.since))
    assert len({*before, *since}) == 4
    found: dict[bool, Counter[Decimal]] = {False: Counter(), True: Counter()}
    for row in (*sample(seed), *rebates(seed, changed - 3 * DAY, changed + 3 * DAY)):
        income, shares = Decimal(row["income"]), since if row["time"] >= changed else before
        assert income in {whole(row, share) for share in shares}, row
        if income > Decimal("0.001"):
            (share,) = (share for share in (*before, *since) if whole(row, share) == income)
            found[row["time"] >= changed][share] += 1
    assert set(found[False]) == set(before)
    assert set(found[True]) == set(since)
    assert found[True][since[0]] > found[True][since[1]] > 0


def test_new_customers_bring_a_larger_share_for_30_days() -> None:
    joined: defaultdict[str, list[int]] = defaultdict(list)
    for each in world().customers:
        joined[each.spot_mask].append(each.joined)
    rates = world().spot_rates
    for row in (row for row in sample(7) if Decimal(row["income"]) > Decimal("0.001")):
        shares = rates.on(row["time"] // DAY)
        ages = {row["time"] // DAY - time // DAY for time in joined[row["email"]]}
        if whole(row, Decimal(shares.new) / 100) == Decimal(row["income"]):
            assert any(0 <= age < NEW_FOR_DAYS for age in ages)
        else:
            assert any(age >= NEW_FOR_DAYS for age in ages)


def test_the_overview_has_the_shares_of_today() -> None:
    shares = world().futures_rates
    for day, now in ((shares.changed, shares.since), (shares.changed - 1, shares.before)):
        clock = FakeClock(day * 86_400 + 10)
        overview: Any = ask(exchange(clock), "futures.overview", {"type": "1"}).json()
        assert Decimal(overview["newTraderRebateCommission"]) == Decimal(now.new) / 100
        assert Decimal(overview["oldTraderRebateCommission"]) == Decimal(now.old) / 100


def test_futures_rebates_rise_with_the_shares() -> None:
    day = world().futures_rates.changed * DAY

    def ratio(start: int, end: int) -> float:
        def total(name: str, field: str) -> float:
            rows: list[Row] = world().table(name).slice(start, end, {"type": "1"}, 0, 999)
            return sum(float(row[field]) for row in rows)

        return total("futures.rebates", "rebateVol") / total("futures.volumes", "tradeVol")

    assert 1.2 < ratio(day, day + 40 * DAY) / ratio(day - 40 * DAY, day - 1) < 1.45


def test_a_kickback_is_the_customers_share_of_the_same_fee() -> None:
    start, end = NOW_MS - 40 * DAY, NOW_MS - DAY
    kickbacks: list[Row] = world().table("spot.kickbacks").slice(start, end, {}, 0, 10**6)
    own: list[Row] = (
        world().table("spot.rebates").slice(start, end, {"customerId": world().customer.id}, 0, 10**6)
    )
    expected = [
        (row["time"], row["symbol"], row["asset"], whole(row, Decimal(KICKBACK) / 100)) for row in own
    ]
    assert len(kickbacks) > 100
    found = [(row["time"], row["symbol"], row["asset"], Decimal(row["income"])) for row in kickbacks]
    assert found == expected


# --- payment -------------------------------------------------------------------------------------


def at(now_ms: int, start: int, end: int, **params: object) -> list[Row]:
    """The rebates of a span as they are shown at some time."""
    answer: Any = ask(
        exchange(FakeClock(now_ms / 1000)),
        "spot.rebates",
        {"startTime": start, "endTime": end, "limit": 500, **params},
    ).json()
    return list(answer)


def test_a_rebate_shows_when_it_is_paid_and_never_changes() -> None:
    chance = random.Random(11)
    start = NOW_MS - 6 * HOUR
    before: list[Row] = []
    clock = NOW_MS
    for _ in range(12):
        rows = at(clock, start, NOW_MS + DAY)
        assert all(row["time"] < row["distributeTime"] <= clock for row in rows)
        assert all(a["time"] <= b["time"] for a, b in pairwise(rows))
        assert [row for row in rows if row in before] == before
        before = rows
        clock += chance.randrange(15 * MINUTE)
    assert len(before) > len(at(NOW_MS, start, NOW_MS + DAY)) > 10


def test_a_rebate_shows_at_the_millisecond_of_its_payment() -> None:
    start = NOW_MS - 2 * HOUR
    for row in at(NOW_MS + 2 * HOUR, start, NOW_MS)[::5]:
        ids = [each["tradeId"] for each in at(row["distributeTime"] - 1, start, NOW_MS)]
        assert row["tradeId"] not in ids
        assert row in at(row["distributeTime"], start, NOW_MS)


def test_a_customers_rebates_and_the_newest_ones_are_paid_ones() -> None:
    this = world()
    table, filters = this.table("spot.rebates"), {NOW_FILTER: str(NOW_MS)}
    total = table.count(NOW_MS - DAY, NOW_MS, filters)
    whole_day = table.slice(NOW_MS - DAY, NOW_MS, filters, 0, 10**6)
    newest = next(row for row in reversed(whole_day) if row["customerId"])
    named = {"customerId": newest["customerId"]}
    assert at(NOW_MS, NOW_MS - DAY, NOW_MS, **named) == [
        row for row in whole_day if row["customerId"] == newest["customerId"]
    ]
    assert table.slice(NOW_MS - DAY, NOW_MS, filters, total - 1, 9) == whole_day[-1:]
    assert len(whole_day) == total
    for size in (1, 50, 97):
        pages = [table.slice(NOW_MS - DAY, NOW_MS, filters, k, size) for k in range(0, total + size, size)]
        assert [row for page in pages for row in page] == whole_day


def test_the_largest_delay_is_over_an_hour_and_bounded() -> None:
    delays = [row["distributeTime"] - row["time"] for row in sample(7)]
    assert 60 * MINUTE < max(delays) <= 75 * MINUTE
    assert min(delays) > 19 * MINUTE
    assert all(row["distributeTime"] % 5000 == 0 for row in sample(7))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_history_has_the_sums_of_all_rebates_by_day_of_payment(seed: int) -> None:
    chance = random.Random(seed)
    this = world_of(seed)
    for _ in range(3):
        day = chance.randrange(NEWER_FIELDS_SINCE // DAY + 2, NOW_MS // DAY - 1)
        found = this.table("spot.rebate_history").slice(
            day * DAY, (day + 1) * DAY - 1, {"owner": "partner"}, 0, 99
        )
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in rebates(seed, (day - 1) * DAY, (day + 1) * DAY):
            if row["distributeTime"] // DAY == day:
                sums[row["asset"]] += Decimal(row["income"])
        assert {row["asset"]: Decimal(str(row["amount"])) for row in found} == sums


# --- customers -----------------------------------------------------------------------------------


@cache
def trades_of() -> dict[str, list[int]]:
    """The times of the trades of each customer with an id."""
    times: defaultdict[str, list[int]] = defaultdict(list)
    for row in two_years():
        times[row["customerId"]].append(row["time"])
    times.pop("")
    return dict(times)


def test_some_customers_sleep_for_months_and_wake_up() -> None:
    sleepers = [each for each in world().customers if each.id and each.asleep and each.asleep[0] < NOW_MS]
    woke = 0
    for customer in sleepers:
        begin, end = customer.asleep or (0, 0)
        times = trades_of().get(customer.id, [])
        assert not [time for time in times if begin <= time < end]
        assert 60 * DAY <= end - begin <= 182 * DAY
        woke += any(time < begin for time in times) and any(time >= end for time in times)
    assert len(sleepers) > 40
    assert woke > 15
    assert sum(each.asleep[1] > NOW_MS for each in sleepers if each.asleep) > 3, "some sleep now"


def test_some_customers_left_for_good() -> None:
    gone = [each for each in world().customers if each.id and each.left and each.left < NOW_MS]
    assert 20 < len(gone) < 120
    assert all(max(trades_of().get(each.id, [0])) < (each.left or 0) for each in gone)
    assert sum(each.id in trades_of() for each in gone) > 20


def test_some_customers_are_new_and_nobody_trades_before_joining() -> None:
    new = [each for each in world().customers if NOW_MS - 30 * DAY < each.joined < NOW_MS]
    assert len(new) > 3
    assert any(each.id in trades_of() for each in new)
    first = {each.id: each.joined for each in world().customers if each.id}
    assert all(first[name] <= times[0] for name, times in trades_of().items())


def test_a_few_rebates_lack_a_customer() -> None:
    share = sum(not row["customerId"] for row in two_years()) / len(two_years())
    assert 0.005 < share < 0.1


@pytest.mark.parametrize("market", ["1", "2"])
def test_futures_traders_sleep_and_leave_as_well(market: str) -> None:
    people = {each.futures_id: each for each in world().customers if each.futures and each.id}
    rows = world().table("futures.traders").slice(None, NOW_MS, {"type": market}, 0, 10**6)
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_name[str(row["customerId"])].append(int(str(row["time"])))
    quiet = 0
    for name, customer in people.items():
        begin, end = customer.asleep or (0, 0)
        assert not [time for time in by_name[name] if begin <= time < end]
        assert not [time for time in by_name[name] if time >= (customer.left or NOW_MS + 1)]
        assert not by_name[name] or by_name[name][0] >= customer.joined // DAY * DAY
        quiet += bool(customer.asleep or customer.left)
    assert quiet > 30
    assert len(by_name) > 100


# --- balances ------------------------------------------------------------------------------------


def close_of(this: World, symbol: str, now_ms: int) -> Decimal:
    """The price of a symbol at the end of a minute."""
    market = SPOT_MARKETS[symbol]
    history = MarketHistory(this.seed, this.start_ms)
    return int(history.minutes(market, now_ms // MINUTE - 1, 1).close[0]) * market.tick


def test_balances_are_valued_at_the_markets_price_of_the_moment() -> None:
    clock = FakeClock(NOW // 60 * 60)
    this = new_rows(clock)
    account = next(each for each in this.world.accounts if each.futures and not each.balances.empty)
    own = {"subAccountId": account.id}
    seen = set()
    for _ in range(4):
        now_ms = int(clock.time() * 1000)
        prices = {asset: close_of(this.world, f"{asset}USDT", now_ms) for asset in ("BTC", "ETH", "BNB")} | {
            "USDT": Decimal(1),
            "USDC": 1 / close_of(this.world, "BNBUSDC", now_ms),
        }
        prices["USDC"] *= prices["BNB"]
        spot, um, cm = (account.balances.wallets[name] for name in ("spot", "um", "cm"))
        value = sum(amount * prices[asset] for asset, amount in spot.items())
        bitcoins = Decimal(read(this, "exchange.spot_balances", **own)["data"][0]["totalBalanceOfBtc"])
        assert abs(bitcoins * prices["BTC"] / value - 1) < Decimal("1e-5")
        futures = [
            read(this, "exchange.futures_balances", **own, futuresType=kind)["data"][0] for kind in ("1", "2")
        ]
        usdt = this.world.worth(now_ms)["USDT"]
        value = sum(amount * prices[asset] for asset, amount in um.items()) * usdt
        assert abs(Decimal(futures[0]["totalWalletBalance"]) / value - 1) < Decimal("1e-5")
        value = sum(amount * prices[asset] for asset, amount in cm.items())
        assert abs(Decimal(futures[1]["totalWalletBalanceOfUsdt"]) / value - 1) < Decimal("1e-5")
        seen.add((bitcoins, futures[0]["totalWalletBalance"], futures[1]["totalWalletBalanceOfUsdt"]))
        clock.advance(5 * 3600)
    assert len(seen) == 4


def test_amounts_stay_while_prices_move() -> None:
    """The same month has the same balances, whatever the day."""
    month = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    held = [World(now=month + days * 86_400).accounts for days in (0, 9, 29)]
    assert held[0] == held[1] == held[2]
    joined = [World(now=month + days * 86_400).customers for days in (0, 29)]
    assert joined[0] == joined[1]
