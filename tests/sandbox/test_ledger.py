"""Accounting: in random worlds, records, movements and balances of every account agree to the last unit."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sandbox_requests import DAY, NOW_MS, new_rows, world, write
from toolkit.sandbox import World
from toolkit.sandbox.keys import CUSTOMER, PARTNER, STRANGER
from toolkit.sandbox.ledger import (
    CAUSES,
    ORDER_STATUSES,
    ORDER_TYPES,
    TRANSFER_TYPES,
    WALLETS,
    Ledger,
    Movements,
    SpotFills,
)
from toolkit.sandbox.ledger import owners as ledger_owners
from toolkit.sandbox.ledger.trading import spot_orders
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.history import BoundedCache, MarketHistory
from toolkit.sandbox.market.symbols import ASSETS, RARE, SPOT
from toolkit.sandbox.world.payments import NOW as NOW_FILTER
from toolkit.sandbox.world.stream import ActivityProfile, Stream

OWNERS = (PARTNER, CUSTOMER, STRANGER)
MINUTE = 60_000
UNITS = 10**8
MONTHS = tuple(datetime(2026, month, 17, 9, 30, tzinfo=UTC).timestamp() for month in (2, 7))


@cache
def small_world(seed: int, now: float) -> World:
    """A world of which all history can be read."""
    return World(seed, now=now, rebates_per_day=60, sub_accounts=12, customers=20)


# Two years of futures take long, so not every owner of every world is read.
ACCOUNTS = ((0, PARTNER), (0, CUSTOMER), (1, STRANGER))
worlds = st.sampled_from((0, 1)).map(lambda seed: small_world(seed, MONTHS[seed]))


def ledgers(*owners: str) -> st.SearchStrategy[tuple[World, Ledger]]:
    """A world, and the ledger of one of these owners."""
    chosen = [account for account in ACCOUNTS if account[1] in (owners or OWNERS)]
    made = st.sampled_from(chosen)
    return made.map(lambda pair: ((this := small_world(pair[0], MONTHS[pair[0]])), this.ledger(pair[1])))


# Of floats between 0 and 1, a third are either: moments without any history.
moments = st.integers(1, 1000).map(lambda part: (part / 1000) ** 0.7)


def at(this: World, share: float) -> int:
    """A moment of history, or of the two months after the beginning of the world's month."""
    return this.start_ms + int(share * (this.end_ms - this.start_ms))


def matrix(ledger: Ledger, at_ms: int) -> dict[tuple[str, str], int]:
    """Every balance that is not zero."""
    return {
        (wallet, asset): units
        for wallet in WALLETS
        for asset, units in ledger.balances(wallet, at_ms).items()
        if units
    }


def summed(movements: Movements) -> dict[tuple[str, str], int]:
    """The sum of movements by wallet and asset, in Python's integers."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    columns = (movements.wallet, movements.asset, movements.units)
    for wallet, asset, units in zip(*(column.tolist() for column in columns), strict=True):
        sums[WALLETS[wallet], ASSETS[asset]] += units
    return sums


def added(*parts: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    total: defaultdict[tuple[str, str], int] = defaultdict(int)
    for part in parts:
        for place, units in part.items():
            total[place] += units
    return {place: units for place, units in total.items() if units}


# --- balances ------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(ledgers(), moments, moments)
def test_an_opening_balance_and_all_movements_make_the_closing_balance(
    account: tuple[World, Ledger], one: float, other: float
) -> None:
    this, ledger = account
    before, after = sorted((at(this, one), at(this, other)))
    moved = ledger.movements(after, before)
    assert not len(moved) or before < moved.time[0] <= moved.time[-1] <= after
    assert (np.diff(moved.time) >= 0).all()
    assert added(matrix(ledger, before), summed(moved)) == matrix(ledger, after)


@settings(max_examples=8)
@given(ledgers(CUSTOMER, STRANGER), moments)
def test_records_alone_make_the_balances(account: tuple[World, Ledger], share: float) -> None:
    """A second book-keeping, row by row, that knows nothing of movements."""
    this, ledger = account
    now = at(this, share)
    books = matrix(ledger, ledger.begins_ms - 1)
    own: defaultdict[tuple[str, str], int] = defaultdict(int, books)
    fills = ledger.fills(now)
    for n in range(len(fills)):
        market, sign = SPOT[fills.market[n]], 1 if fills.is_buyer[n] else -1
        own["spot", market.base] += sign * int(fills.quantity[n])
        own["spot", market.quote] += int(fills.kickback[n]) - sign * int(fills.quote[n])
        own["spot", ASSETS[fills.commission_asset[n]]] -= int(fills.commission[n])
    deposits, withdrawals = ledger.deposits(now), ledger.withdrawals(now)
    for n in range(len(deposits)):
        if deposits.completed[n] <= now:
            own["spot", ASSETS[deposits.asset[n]]] += int(deposits.amount[n])
    for n in range(len(withdrawals)):
        if not withdrawals.is_canceled[n] or withdrawals.completed[n] > now:
            own["spot", ASSETS[withdrawals.asset[n]]] -= int(withdrawals.amount[n] + withdrawals.fee[n])
    transfers, dividends = ledger.transfers(now), ledger.dividends(now)
    for n in range(len(transfers)):
        asset, units = ASSETS[transfers.asset[n]], int(transfers.amount[n])
        own[WALLETS[transfers.source[n]], asset] -= units
        own[WALLETS[transfers.target[n]], asset] += units
    for n in range(len(dividends)):
        own["spot", ASSETS[dividends.asset[n]]] += int(dividends.amount[n])
    futures = {"realized pnl", "funding fee", "futures commission", "welcome bonus", "insurance clear"}
    outside = ledger.movements(now).of_wallet("um").of_cause(*futures, "kickback", "rebate")
    assert added(own, summed(outside)) == matrix(ledger, now)


@pytest.mark.parametrize(("seed", "owner"), ACCOUNTS)
def test_no_balance_is_negative_at_any_moment(seed: int, owner: str) -> None:
    ledger = small_world(seed, MONTHS[seed]).ledger(owner)
    opening = {
        (wallet, asset): units
        for wallet in WALLETS
        for asset, units in ledger.balances(wallet, ledger.begins_ms - 1).items()
    }
    assert min(opening.values()) >= 0
    moved = ledger.movements(ledger.ends_ms)
    for (wallet, asset), units in opening.items():
        here = (moved.wallet == WALLETS.index(wallet)) & (moved.asset == ASSETS.index(asset))
        lowest = int(np.cumsum(moved.units[here]).min(initial=0))
        assert units + lowest >= 0, (wallet, asset)


@settings(max_examples=20)
@given(ledgers(), moments)
def test_open_orders_lock_what_the_wallet_has(account: tuple[World, Ledger], share: float) -> None:
    this, ledger = account
    now = at(this, share)
    needed: defaultdict[str, int] = defaultdict(int)
    found = ledger.open_orders(now)
    for n in range(len(found)):
        market = SPOT[found.market[n]]
        assert TradingHours.of(market, this.start_ms).is_listed(now)
        left = int(found.quantity[n] - found.executed[n])
        assert left > 0
        assert ORDER_STATUSES[found.status[n]] in ("NEW", "PARTIALLY_FILLED")
        if found.is_buy[n]:
            assert int(found.price[n]) * left % UNITS == 0
        units = int(found.price[n]) * left // UNITS if found.is_buy[n] else left
        assert units == found.locked[n] > 0
        needed[market.quote if found.is_buy[n] else market.base] += units
    assert ledger.locked(now) == needed
    held = ledger.balances("spot", now)
    assert all(held[asset] >= units for asset, units in needed.items())


def test_some_orders_are_open_now() -> None:
    days = range(NOW_MS - 20 * DAY, NOW_MS, DAY)
    assert sum(len(world().ledger(PARTNER).open_orders(day)) > 0 for day in days) > 12
    assert sum(len(world().ledger(CUSTOMER).open_orders(day)) > 0 for day in days) > 8


# --- fills and orders ----------------------------------------------------------------------------


@cache
def market_of(seed: int, start_ms: int) -> MarketHistory:
    return MarketHistory(seed, start_ms)


@settings(max_examples=8)
@given(ledgers(), st.integers(0, 10**6))
def test_a_fill_lies_on_the_market(account: tuple[World, Ledger], first: int) -> None:
    this, ledger = account
    fills = ledger.fills(this.end_ms)
    history = market_of(this.seed, this.start_ms)
    for n in range(first % len(fills), len(fills), max(len(fills) // 12, 1)):
        market = SPOT[fills.market[n]]
        price, quantity = (Decimal(int(each)) / UNITS for each in (fills.price[n], fills.quantity[n]))
        assert price % market.tick == quantity % market.step == 0
        candle = history.minutes(market, int(fills.time[n]) // MINUTE, 1)
        assert candle.traded[0]
        assert candle.trades[0] > 0
        assert candle.low[0] <= int(price / market.tick) <= candle.high[0]
        assert int(price / market.tick) == candle.close[0]


@settings(max_examples=8)
@given(ledgers())
def test_price_times_quantity_is_the_quote_amount_and_the_fee_a_share_of_it(
    account: tuple[World, Ledger],
) -> None:
    this, ledger = account
    fills = ledger.fills(this.end_ms)
    rates = {True: ledger.maker_rate, False: ledger.taker_rate}
    for n in range(0, len(fills), 5):
        market = SPOT[fills.market[n]]
        price, quantity, quote = (int(getattr(fills, name)[n]) for name in ("price", "quantity", "quote"))
        assert price * quantity == quote * UNITS
        assert Decimal(quote) / UNITS >= market.min_notional
        rate, asset = rates[bool(fills.is_maker[n])], ASSETS[fills.commission_asset[n]]
        received = quantity if fills.is_buyer[n] else quote
        assert asset in ("BNB", market.base if fills.is_buyer[n] else market.quote)
        if asset != "BNB":
            assert fills.commission[n] == received * rate // UNITS
        assert fills.commission[n] > 0


@settings(max_examples=10)
@given(ledgers(), moments)
def test_an_order_is_the_sum_of_its_fills(account: tuple[World, Ledger], share: float) -> None:
    this, ledger = account
    now = at(this, share)
    orders, fills = ledger.orders(now), ledger.fills(now)
    by_order: defaultdict[int, list[int]] = defaultdict(list)
    for n, order in enumerate(fills.order.tolist()):
        by_order[order].append(n)
    assert (np.diff(orders.time) >= 0).all()
    assert (np.diff(orders.id) > 0).all()
    for n, order in enumerate(orders.id.tolist()):
        rows = by_order.pop(order, [])
        assert orders.executed[n] == fills.quantity[rows].sum()
        assert orders.quote[n] == fills.quote[rows].sum()
        status, kind = ORDER_STATUSES[orders.status[n]], ORDER_TYPES[orders.type[n]]
        assert (status == "FILLED") == (orders.executed[n] == orders.quantity[n] > 0)
        assert status != "PARTIALLY_FILLED" or rows
        assert status != "NEW" or not rows
        assert (kind == "MARKET") == (orders.price[n] == 0)
        assert orders.time[n] <= orders.updated[n] <= now
        if rows:
            assert set(fills.market[rows]) == {orders.market[n]}
            assert set(fills.is_buyer[rows]) == {orders.is_buy[n]}
            assert orders.time[n] <= fills.time[rows].min()
            assert kind == "MARKET" or set(fills.price[rows]) == {orders.price[n]}
    assert not by_order, "every fill has its order"


def test_no_order_is_left_when_its_symbol_is_delisted() -> None:
    this = small_world(0, MONTHS[0])
    index, market = next((n, each) for n, each in enumerate(SPOT) if each.delisted_after)
    ends = TradingHours.of(market, this.start_ms).delisted_ms
    assert ends is not None
    activity = ActivityProfile(0, "orders", this.start_ms)
    stream = Stream(0, "orders", activity, 20_000, this.start_ms)
    _, trades = this.customer_trades
    span_ms = (ends - 2 * DAY, ends + DAY)
    made = spot_orders(0, SpotFills.empty(), stream, trades, start_ms=this.start_ms, span_ms=span_ms)
    closed = made.closed[made.market == index]
    assert closed.max() == ends
    assert (closed == ends).sum() > 1
    assert (made.closed > ends).sum() > 1000


def test_there_are_orders_of_every_kind() -> None:
    for owner in (PARTNER, CUSTOMER):
        ledger = world().ledger(owner)
        orders, fills = ledger.orders(NOW_MS), ledger.fills(NOW_MS)
        counts = np.bincount(orders.status, minlength=len(ORDER_STATUSES))
        assert min(counts[ORDER_STATUSES.index(each)] for each in ("FILLED", "CANCELED", "EXPIRED")) > 50
        assert set(orders.type) == set(range(len(ORDER_TYPES)))
        partly = (orders.executed > 0) & (orders.executed < orders.quantity)
        assert set(orders.status[partly]) >= {ORDER_STATUSES.index("CANCELED")}
        assert len(set(fills.order)) < len(fills), "some orders have several fills"
        assert 0.2 < fills.is_maker.mean() < 0.6
        assert len(set(fills.market)) >= 10
    recent = world().ledger(PARTNER).fills(NOW_MS).between(NOW_MS - 10 * DAY, NOW_MS)
    assert len(set((recent.time // DAY).tolist())) >= 9, "the partner trades every day"
    assert len(set(recent.market.tolist())) >= 10
    assert len(world().ledger(STRANGER).fills(NOW_MS)) < len(world().ledger(CUSTOMER).fills(NOW_MS)) / 3


# --- the partner ---------------------------------------------------------------------------------


def test_the_customers_fills_are_those_that_rebates_are_paid_for() -> None:
    this = world()
    start = NOW_MS - 90 * DAY
    fills = this.ledger(CUSTOMER).fills(NOW_MS).between(start, NOW_MS)
    filters = {"customerId": this.customer.id, NOW_FILTER: str(NOW_MS + DAY)}
    rows: list[dict[str, Any]] = this.table("spot.rebates").slice(start, NOW_MS, filters, 0, 10**6)
    assert len(rows) > 100
    assert [
        (
            int(fills.id[n]),
            int(fills.order[n]),
            int(fills.time[n]),
            SPOT[fills.market[n]].symbol,
            ASSETS[fills.commission_asset[n]],
            int(fills.commission[n]),
        )
        for n in range(len(fills))
    ] == [
        (
            row["tradeId"],
            row["orderId"],
            row["time"],
            row["symbol"],
            row["commissionAsset"],
            int(Decimal(row["commission"]) * UNITS),
        )
        for row in rows
    ]
    # Where the fee is in the base asset, its price in the quote asset is that of the fill itself.
    same = [n for n, row in enumerate(rows) if row["symbol"].startswith(row["commissionAsset"])]
    assert [int(Decimal(rows[n]["convertPrice"]) * UNITS) for n in same] == fills.price[same].tolist()
    kickbacks: list[dict[str, Any]] = this.table("spot.kickbacks").slice(start, NOW_MS, {}, 0, 10**6)
    assert [int(Decimal(row["income"]) * UNITS) for row in kickbacks] == fills.kickback.tolist()


@settings(max_examples=6)
@given(worlds, moments)
def test_the_partners_rebates_are_its_movements(this: World, share: float) -> None:
    now = at(this, share)
    start = max(now - 20 * DAY, this.start_ms)
    rows: list[dict[str, Any]] = this.table("spot.rebates").slice(
        start - DAY, now, {NOW_FILTER: str(now)}, 0, 10**6
    )
    moved = this.ledger(PARTNER).movements(now, start).of_cause("rebate")
    paid = {}
    if rows and "distributeTime" in rows[0]:
        for row in rows:
            if start < row["distributeTime"] <= now:
                paid[row["tradeId"]] = (row["distributeTime"], row["asset"], row["income"])
        assert {
            int(moved.reference[n]): (
                int(moved.time[n]),
                ASSETS[moved.asset[n]],
                f"{Decimal(int(moved.units[n])) / UNITS:.8f}",
            )
            for n in range(len(moved))
        } == paid
    # And by day, as the history of rebates has them.
    first = start // DAY + 1
    history: list[dict[str, Any]] = this.table("spot.rebate_history").slice(
        first * DAY, now // DAY * DAY - 1, {"owner": PARTNER}, 0, 10**6
    )
    sums: defaultdict[tuple[int, str], int] = defaultdict(int)
    for n in range(len(moved)):
        if first * DAY <= moved.time[n] < now // DAY * DAY:
            sums[int(moved.time[n]) // DAY, ASSETS[moved.asset[n]]] += int(moved.units[n])
    assert {
        (row["updateTime"] // DAY, row["asset"]): int(Decimal(row["amount"]) * UNITS) for row in history
    } == sums


@pytest.mark.parametrize("seed", [0, 1])
def test_transfers_of_the_master_account_are_those_that_its_endpoints_show(seed: int) -> None:
    this = small_world(seed, MONTHS[seed])
    end = this.month_ms + 9 * DAY
    start = end - 4 * DAY
    wallets = {"SPOT": "spot", "USDT_FUTURE": "um", "COIN_FUTURE": "cm", "MARGIN": "margin"}
    expected = []
    reads: list[tuple[str, dict[str, str]]] = [
        ("exchange.transfers", {}),
        ("exchange.universal_transfers", {}),
    ]
    reads += [("exchange.futures_transfers", {"futuresType": market}) for market in "12"]
    for name, filters in reads:
        for row in this.table(name).slice(start + 1, end, {"showAllStatus": "true", **filters}, 0, 10**6):
            if row.get("status", "SUCCESS") != "SUCCESS":
                continue
            default = {"1": "USDT_FUTURE", "2": "COIN_FUTURE"}.get(filters.get("futuresType", ""), "SPOT")
            for sign, sides, wallet in (
                (-1, ("fromId", "from"), "fromAccountType"),
                (1, ("toId", "to"), "toAccountType"),
            ):
                if not any(row.get(side) for side in sides):
                    units = sign * int(Decimal(str(row["qty"])) * UNITS)
                    where = wallets[str(row.get(wallet, default))]
                    expected.append((row["time"], where, row["asset"], units))
    moved = this.ledger(PARTNER).movements(end, start).of_cause("sub-account transfer")
    found = [
        (int(moved.time[n]), WALLETS[moved.wallet[n]], ASSETS[moved.asset[n]], int(moved.units[n]))
        for n in range(len(moved))
    ]
    assert len(found) > 200
    assert {each[1] for each in found} == {"spot", "um", "cm", "margin"}
    assert sorted(found) == sorted(expected)


def test_a_transfer_that_is_written_moves_the_balance() -> None:
    this = new_rows()
    ledger = this.world.ledger(PARTNER)
    account = next(each for each in this.world.accounts if each.futures)
    before = ledger.balances("spot", NOW_MS), ledger.balances("um", NOW_MS)
    earlier = ledger.balances("spot", NOW_MS - 1)
    params = {
        "fromAccountType": "SPOT",
        "toAccountType": "USDT_FUTURE",
        "toId": account.id,
        "asset": "USDT",
        "amount": "12.5",
    }
    assert write(this, "exchange.universal_transfer", params).status == 200
    after = ledger.balances("spot", NOW_MS), ledger.balances("um", NOW_MS)
    assert after[0]["USDT"] == before[0]["USDT"] - 1_250_000_000
    assert after[1] == before[1]
    assert ledger.movements(NOW_MS, NOW_MS - DAY).units[-1] == -1_250_000_000
    assert ledger.balances("spot", NOW_MS - 1) == earlier


def test_the_master_account_cannot_send_what_its_own_business_has_used() -> None:
    this = new_rows()
    ledger, master = this.world.ledger(PARTNER), this.world.master
    account = next(each for each in this.world.accounts if each.futures)

    def send(asset: str, units: int) -> int:
        params = {"toId": account.id, "asset": asset, "amount": f"{Decimal(units) / UNITS:.8f}"}
        return write(this, "exchange.transfer", params).status

    locked = ledger.locked(NOW_MS)
    free = {name: held - locked.get(name, 0) for name, held in ledger.balances("spot", NOW_MS).items()}
    asset = next(
        name for name, units in free.items() if units + 2 < int(master.wallets["spot"][name] * UNITS)
    )
    assert send(asset, free[asset] + 1) == 400
    assert send(asset, free[asset]) == 200
    assert ledger.balance("spot", asset, NOW_MS) == locked.get(asset, 0)
    assert send(asset, 1) == 400


@pytest.mark.parametrize("wallet", ["spot", "um", "cm"])
def test_the_master_account_has_what_the_world_says_when_its_month_begins(wallet: Any) -> None:
    held = world().ledger(PARTNER).balances(wallet, world().month_ms)
    expected = dict.fromkeys(ASSETS, 0)
    expected |= {name: int(each * UNITS) for name, each in world().master.wallets[wallet].items()}
    assert held == expected
    assert {name for name, units in held.items() if not units} == set(RARE)


# --- time ----------------------------------------------------------------------------------------


def everything(ledger: Ledger, now: int) -> dict[str, Any]:
    wallets = WALLETS if ledger.owner != CUSTOMER else ("spot", "funding")
    kept: dict[str, Any] = {wallet: ledger.balances(wallet, now) for wallet in wallets}
    records = ("fills", "orders", "open_orders", "deposits", "withdrawals", "transfers", "dividends")
    found = {name: getattr(ledger, name)(now) for name in records}
    for name, rows in {**found, "movements": ledger.movements(now, now - 40 * DAY)}.items():
        kept[name] = {each: getattr(rows, each).tolist() for each in rows.__dataclass_fields__}
    return kept | {"locked": ledger.locked(now)}


@pytest.mark.parametrize("owner", OWNERS)
def test_a_ledger_is_the_same_later_in_the_month_and_after_a_restart(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = small_world(1, MONTHS[1])
    before = everything(this.ledger(owner), this.now_ms)
    monkeypatch.setattr(ledger_owners, "_BOOKS", BoundedCache[Any](6))
    later = World(1, now=MONTHS[1] + 11 * 86_400, rebates_per_day=60, sub_accounts=12, customers=20)
    assert everything(later.ledger(owner), this.now_ms) == before
    assert everything(this.ledger(owner), this.now_ms) == before


@settings(max_examples=12)
@given(ledgers(), moments)
def test_nothing_after_now_is_told(account: tuple[World, Ledger], share: float) -> None:
    this, ledger = account
    now = at(this, share)
    for name in ("fills", "orders", "deposits", "withdrawals", "transfers", "dividends"):
        times = getattr(ledger, name)(now).time
        assert (times <= now).all(), name
        assert (np.diff(times) >= 0).all(), name
    assert (ledger.orders(now).updated <= now).all()
    moved = ledger.movements(now, now - 5 * DAY)
    assert (moved.time <= now).all()


@pytest.mark.parametrize("owner", OWNERS)
def test_business_goes_on_until_two_months_after_the_month_begins(owner: str) -> None:
    ledger = small_world(0, MONTHS[0]).ledger(owner)
    ends = datetime.fromtimestamp(ledger.ends_ms / 1000, UTC)
    assert (ends.month, ends.day) == (4, 1)
    assert len(ledger.movements(ledger.ends_ms, ledger.ends_ms - 5 * DAY))
    assert ledger.balances("spot", ledger.ends_ms + 99 * DAY) == ledger.balances("spot", ledger.ends_ms)


def test_daily_balances_are_those_at_the_end_of_each_day() -> None:
    ledger = world().ledger(CUSTOMER)
    days = ledger.daily_balances("spot", NOW_MS - 6 * DAY, NOW_MS)
    assert [time % DAY for time, _ in days] == [DAY - 1] * 6
    assert all(held == ledger.balances("spot", time) for time, held in days)
    second, third = (time // 1000 * 1000 for time, _ in days[2:4])
    assert ledger.daily_balances("spot", second, third) == days[2:4]
    assert ledger.daily_balances("spot", second + 999, third + 999) == days[2:4]
    assert ledger.daily_balances("spot", second + 1000, third - 1) == []


def test_a_wallet_tells_when_its_assets_last_changed() -> None:
    this = small_world(1, MONTHS[1])
    for owner in OWNERS:
        ledger = this.ledger(owner)
        recent = ledger.movements(this.now_ms, this.now_ms - 60 * DAY)
        for wallet in WALLETS:
            expected = {}
            moved = recent.of_wallet(wallet)
            for time, asset in zip(moved.time.tolist(), moved.asset.tolist(), strict=True):
                expected[ASSETS[asset]] = time
            assert ledger.last_moved(wallet, this.now_ms) == expected
    assert this.ledger(STRANGER).last_moved("spot", this.start_ms - DAY) == {}


def test_transfers_have_documented_types_and_futures_accounts_learn_of_theirs() -> None:
    this = small_world(1, MONTHS[1])
    for owner in OWNERS:
        ledger, now = this.ledger(owner), this.now_ms
        transfers = ledger.transfers(now)
        pairs = set(zip(transfers.source.tolist(), transfers.target.tolist(), strict=True))
        names = {name for name, pair in TRANSFER_TYPES.items() if pair in pairs}
        assert {"MAIN_UMFUTURE", "UMFUTURE_MAIN", "MAIN_FUNDING", "FUNDING_MAIN"} <= names
        assert pairs <= set(TRANSFER_TYPES.values())
        start = now - 60 * DAY
        um = ledger.um_transfers(start, now)
        recent = transfers.between(start - 1, now)
        sign = (recent.target == WALLETS.index("um")) * 1 - (recent.source == WALLETS.index("um"))
        own = {
            (n, amount) for n, amount in zip(recent.id.tolist(), (sign * recent.amount).tolist(), strict=True)
        }
        assert {each for each in own if each[1]} <= set(zip(um.id.tolist(), um.amount.tolist(), strict=True))
    assert "UMFUTURE_CMFUTURE" not in TRANSFER_TYPES


def test_an_owner_is_named_as_in_keys_or_by_uid() -> None:
    this = world()
    for name in ("partner", "customer", "no-link"):
        key = this.keys[name]
        assert this.ledger(key.uid).owner == this.ledger(key.owner).owner == key.owner
        assert this.ledger(key.owner).uid == key.uid
    with pytest.raises(KeyError, match=r"nobody.*partner, customer, stranger"):
        this.ledger("nobody")


def test_every_cause_has_movements() -> None:
    this = small_world(1, MONTHS[1])
    found = {
        each
        for owner in OWNERS
        for each in set(this.ledger(owner).movements(this.end_ms, this.end_ms - 150 * DAY).cause.tolist())
    }
    assert {CAUSES[each] for each in found} == set(CAUSES)
