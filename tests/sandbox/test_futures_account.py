"""Futures accounts: fills on the market, positions that follow from them, and income that adds up."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from tests.support.sandbox_requests import DAY, NOW, NOW_MS, ask, exchange, world
from toolkit.sandbox import World
from toolkit.sandbox.keys import CUSTOMER, PARTNER, STRANGER
from toolkit.sandbox.ledger.futures import (
    CM_CONTRACTS,
    INCOME_TYPES,
    FuturesAccount,
    FuturesFills,
    FuturesTrading,
    IncomeRows,
    Position,
    UmTransfers,
)
from toolkit.sandbox.ledger.futures.margin import maintenance_rate
from toolkit.sandbox.ledger.futures.trading import BNB_DISCOUNT, MAKER_RATE, TAKER_RATE
from toolkit.sandbox.market.funding import funding_rates
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import ASSETS, CM, SPOT, UM
from toolkit.sandbox.market.values import values_at
from toolkit.sandbox.world.rates import KICKBACK
from toolkit.sandbox.world.tables import OWNER, Row

MINUTE = 60_000
UNITS = 10**8
USDT, BNB = ASSETS.index("USDT"), ASSETS.index("BNB")
OWNERS = (PARTNER, CUSTOMER, STRANGER)
# Accounts of random worlds, each with a month somewhere in the half year that all have futures of.
_CHANCE = random.Random(15)
CASES = [
    (seed, owner)
    for seed, owner in zip((7, _CHANCE.randrange(10**6), _CHANCE.randrange(10**6)), OWNERS, strict=True)
]


@cache
def world_of(seed: int) -> World:
    return world() if seed == world().seed else World(seed, now=NOW, sub_accounts=20, customers=60)


@cache
def market_of(seed: int) -> MarketHistory:
    """The market, made apart from the world's."""
    return MarketHistory(seed, world_of(seed).start_ms)


def account_of(seed: int, owner: str) -> FuturesAccount:
    return world_of(seed).futures_account(owner)


def month_of(seed: int) -> tuple[int, int]:
    start = world_of(seed).start_ms + random.Random(seed).randrange(560, 690) * DAY
    return start, start + 30 * DAY


def of_kind(rows: IncomeRows, kind: str) -> IncomeRows:
    return rows[rows.kind == INCOME_TYPES.index(kind)]


def units_of(amount: object) -> int:
    return int(Decimal(str(amount)) * UNITS)


def episodes(fills: FuturesFills) -> list[FuturesFills]:
    """The fills of each position from opening to close."""
    made = []
    for market in np.unique(fills.market).tolist():
        ours = fills[fills.market == market]
        ends = np.flatnonzero(ours.position == 0)
        made += [ours[begin + 1 : end + 1] for begin, end in pairwise(ends.tolist())]
    return made


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_fills_are_on_the_market(seed: int, owner: str) -> None:
    fills = account_of(seed, owner).fills(*month_of(seed))
    assert len(fills) > 100
    for row in range(0, len(fills), 5):
        market = UM[fills.market[row]]
        minute = market_of(seed).minutes(market, int(fills.time[row]) // MINUTE, 1)
        ticks, rest = divmod(int(fills.price[row]), 10 ** (8 - market.price_decimals))
        assert not rest
        assert minute.low[0] <= ticks <= minute.high[0]
        assert minute.trades[0] > 0
        steps, rest = divmod(int(fills.quantity[row]), 10 ** (8 - market.quantity_decimals))
        assert steps > 0
        assert not rest
        assert int(fills.quote[row]) * UNITS == int(fills.price[row]) * int(fills.quantity[row])
    for market in np.unique(fills.market).tolist():
        assert market < {PARTNER: len(UM), CUSTOMER: 10, STRANGER: 8}[owner]
        ids = fills.id[fills.market == market]
        assert (np.diff(ids) > 0).all()


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_a_position_is_the_sum_of_its_fills_and_its_entry_price_their_average(seed: int, owner: str) -> None:
    kinds = set()
    for fills in episodes(account_of(seed, owner).fills(*month_of(seed))):
        position, entry = 0, Fraction(0)
        for row in range(len(fills)):
            quantity = int(fills.quantity[row]) * (1 if fills.is_buyer[row] else -1)
            price, before = int(fills.price[row]), position
            position += quantity
            if before * quantity >= 0:
                kinds.add("opens" if not before else "adds")
                entry = (entry * abs(before) + price * abs(quantity)) / abs(position)
                assert fills.realized[row] == 0
            else:
                closed = min(abs(quantity), abs(before)) * (1 if before > 0 else -1)
                profit = closed * (price - entry) / UNITS
                assert abs(int(fills.realized[row]) - profit) < len(fills) + 1
                flips = before * position < 0
                kinds.add("flips" if flips else "reduces")
                entry = Fraction(price) if flips else entry
            assert fills.position[row] == position
            # The cost is a whole number: each fill rounds it once.
            assert abs(int(fills.cost[row]) - position * entry / UNITS) < len(fills) + 1
        assert position == 0
    assert kinds == {"opens", "adds", "reduces", "flips"}


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_a_closed_position_has_realized_what_was_received_less_what_was_paid(seed: int, owner: str) -> None:
    closed = episodes(account_of(seed, owner).fills(*month_of(seed)))
    assert len(closed) > 15
    for fills in closed:
        assert fills.cost[-1] == 0
        assert fills.realized.sum() == np.where(fills.is_buyer, -fills.quote, fills.quote).sum()


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_commissions_are_a_share_of_the_fill_and_cheaper_in_bnb(seed: int, owner: str) -> None:
    fills = account_of(seed, owner).fills(*month_of(seed))
    bnb = next(each for each in SPOT if each.symbol == "BNBUSDT")
    for row in range(0, len(fills), 3):
        rate = Fraction(MAKER_RATE if fills.is_maker[row] else TAKER_RATE, 10_000)
        fee = int(fills.quote[row]) * rate
        assert abs(int(fills.fee[row]) - fee) <= Fraction(1, 2)
        if fills.commission_asset[row] == USDT:
            assert fills.commission[row] == fills.fee[row]
            continue
        assert fills.commission_asset[row] == BNB
        close = market_of(seed).minutes(bnb, int(fills.time[row]) // MINUTE, 1).close[0]
        paid = fee * Fraction(100 - BNB_DISCOUNT, 100) / Fraction(int(close), 10**bnb.price_decimals)
        assert abs(int(fills.commission[row]) - paid) <= 1
    assert set(fills.commission_asset.tolist()) == {USDT, BNB}
    assert set(fills.is_maker.tolist()) == {True, False}


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_funding_is_paid_at_its_times_on_what_is_held(seed: int, owner: str) -> None:
    account, (start, end) = account_of(seed, owner), month_of(seed)
    paid = account.funding(start, end)
    # Eight days before, whatever is held at the beginning has been opened.
    fills = account.fills(start - 8 * DAY, end)
    expected = {}
    for index, market in enumerate(UM):
        ours = fills[fills.market == index]
        rates = funding_rates(market_of(seed), market, start_ms=start, end_ms=end, limit=10**6, now_ms=NOW_MS)
        for time, rate, mark in zip(
            rates.time.tolist(), rates.rate.tolist(), rates.mark.tolist(), strict=True
        ):
            before = ours[ours.time < time]
            if len(before) and before.position[-1]:
                exact = Fraction(-int(before.position[-1]) * mark * rate, UNITS * UNITS)
                expected[time, index] = exact
    assert {
        (time, market) for time, market in zip(paid.time.tolist(), paid.market.tolist(), strict=True)
    } == set(expected)
    for time, market, amount in zip(
        paid.time.tolist(), paid.market.tolist(), paid.amount.tolist(), strict=True
    ):
        assert abs(amount - expected[time, market]) <= Fraction(1, 2)
    assert len(expected) > 100


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_income_by_type_is_the_sum_of_its_causes(seed: int, owner: str) -> None:
    this, (start, end) = world_of(seed), month_of(seed)
    account = account_of(seed, owner)
    fills, rows = account.fills(start, end), account.income(start, end)
    assert ((start <= rows.time) & (rows.time <= end)).all()
    assert (np.diff(rows.time) >= 0).all()

    def booked(kind: str) -> dict[int, int]:
        ours = of_kind(rows, kind)
        return {
            asset: int(ours.income[ours.asset == asset].sum()) for asset in np.unique(ours.asset).tolist()
        }

    assert booked("REALIZED_PNL") == {USDT: fills.realized.sum()}
    paid = {asset: -fills.commission[fills.commission_asset == asset].sum() for asset in (USDT, BNB)}
    assert booked("COMMISSION") == paid
    assert booked("FUNDING_FEE") == {USDT: account.funding(start, end).amount.sum()}
    assert sum(booked("INSURANCE_CLEAR").values()) == -fills.clearance.sum()
    trades = {(market, trade) for market, trade in zip(fills.market.tolist(), fills.id.tolist(), strict=True)}
    commissions = of_kind(rows, "COMMISSION")
    assert trades == set(zip(commissions.market.tolist(), commissions.trade_id.tolist(), strict=True))
    if owner == PARTNER:
        reported = this.table("futures.rebates").slice(start, end - 1, {"type": "1"}, 0, 100)
        assert booked("API_REBATE") == {USDT: sum(units_of(row["rebateVol"]) for row in reported)}
        assert not booked("REFERRAL_KICKBACK") | booked("COMMISSION_REBATE")
        return
    assert not booked("API_REBATE")
    daily: defaultdict[tuple[int, int], int] = defaultdict(int)
    before = account.fills(start - DAY, end - DAY - 1)
    for time, asset, commission in zip(
        before.time.tolist(), before.commission_asset.tolist(), before.commission.tolist(), strict=True
    ):
        daily[time // DAY, asset] += commission
    kickbacks: defaultdict[int, int] = defaultdict(int)
    for (_, asset), commission in daily.items():
        kickbacks[asset] += commission * KICKBACK // 100
    assert booked("REFERRAL_KICKBACK") == kickbacks


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_income_is_what_moves_the_balance_of_the_wallet(seed: int, owner: str) -> None:
    account, ledger, (start, end) = account_of(seed, owner), world_of(seed).ledger(owner), month_of(seed)
    rows = account.income(start, end)
    opening, closing = ledger.balances("um", start - 1), ledger.balances("um", end)
    for index, asset in enumerate(ASSETS):
        assert closing[asset] - opening[asset] == rows.income[rows.asset == index].sum()
    assert of_kind(rows, "TRANSFER").income.any()
    moved = account.movements(start - 1, end)
    assert len(moved) == (rows.kind != INCOME_TYPES.index("TRANSFER")).sum()


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_any_part_of_the_history_is_the_same_on_its_own_and_after_a_restart(seed: int, owner: str) -> None:
    (start, end), whole = month_of(seed), account_of(seed, owner)
    later = (
        World(seed, now=NOW + 86_400, sub_accounts=20, customers=60) if seed != 7 else World(now=NOW + 86_400)
    )
    again = later.futures_account(owner)
    middle = start + 11 * DAY + 12_345
    for name in ("fills", "funding", "income"):
        rows = getattr(whole, name)(start, end)
        parts = [getattr(again, name)(*span) for span in ((middle, end), (start, middle - 1))]
        for column in rows.__dataclass_fields__:
            joined = np.concatenate([getattr(part, column) for part in reversed(parts)])
            assert (joined == getattr(rows, column)).all(), (name, column)


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_positions_are_worth_their_mark_price(seed: int, owner: str) -> None:
    account, wallet = account_of(seed, owner), 50_000 * UNITS
    held = 0
    for time in range(NOW_MS - 12 * DAY, NOW_MS, 2 * DAY + 7 * MINUTE):
        positions = account.positions(time, wallet)
        fills, orders = account.fills(time - 9 * DAY, time), account.open_orders(time)
        open_now = {m for m in np.unique(fills.market).tolist() if fills.position[fills.market == m][-1]}
        assert {each.market for each in positions} == open_now | set(orders.market.tolist())
        for each in positions:
            ours, mark = (
                fills[fills.market == each.market],
                values_at(market_of(seed), UM[each.market], np.array([time])).mark[0],
            )
            assert each.mark_price == mark
            assert each.quantity == (ours.position[-1] if len(ours) else 0)
            assert each.quantity or each.order_margin
            if not each.quantity:
                continue
            held += 1
            profit = Fraction(each.quantity * (each.mark_price - each.entry_price), UNITS)
            assert abs(each.unrealized - profit) <= abs(each.quantity) / UNITS + 2
            assert abs(each.initial_margin * each.leverage - abs(each.notional)) <= each.leverage
            fees = (each.break_even_price - each.entry_price) * each.quantity
            assert fees > 0
            assert abs(each.notional) * maintenance_rate(each.market) // 10_000 <= each.maintenance_margin + 1
            if each.liquidation_price:
                _check_liquidation(each.market, each, positions, wallet)
    assert held > 8


def _check_liquidation(market: int, each: Position, positions: list[Position], wallet: int) -> None:
    """At the liquidation price the wallet and all profits are just the maintenance margins."""
    price, quantity = each.liquidation_price, each.quantity
    others = [other for other in positions if other.market != market]
    equity = (
        wallet
        + sum(other.unrealized for other in others)
        + Fraction(quantity * (price - each.entry_price), UNITS)
    )
    needed = sum(other.maintenance_margin for other in others) + Fraction(
        abs(quantity) * price * maintenance_rate(market), UNITS * 10_000
    )
    assert abs(equity - needed) <= 3 * abs(quantity) / UNITS + 10


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_the_wallet_covers_the_margin_of_all_positions(seed: int, owner: str) -> None:
    account, ledger = account_of(seed, owner), world_of(seed).ledger(owner)
    moved = ledger.movements(NOW_MS, NOW_MS - 400 * DAY).of_wallet("um")
    moved = moved[moved.asset == USDT]
    # The lowest moment of each fortnight: most others have enough to spare.
    lowest = {}
    for time, held in zip(moved.time.tolist(), np.cumsum(moved.units).tolist(), strict=True):
        part = time // (14 * DAY)
        lowest[part] = min(lowest.get(part, (held, time)), (held, time))
    assert len(lowest) > 20
    for _, time in lowest.values():
        balance = ledger.balance("um", "USDT", time)
        positions = account.positions(time, balance)
        assert balance + sum(each.unrealized - each.initial_margin for each in positions) > 0


@pytest.mark.parametrize(("seed", "owner"), CASES)
def test_orders_are_filled_by_their_fills(seed: int, owner: str) -> None:
    account, (start, end) = account_of(seed, owner), month_of(seed)
    fills, orders = account.fills(start, end + DAY), account.orders(start, end, end)
    assert (np.diff(orders.time) >= 0).all()
    assert len(set(orders.id.tolist())) == len(orders)
    assert min(orders.id.tolist()) > 2**53
    statuses = set()
    for row in range(len(orders)):
        ours = fills[(fills.order == orders.id[row]) & (fills.time <= end)]
        assert ours.quantity.sum() == orders.executed[row]
        assert ours.quote.sum() == orders.quote[row]
        assert (ours.is_buyer == orders.is_buyer[row]).all()
        assert (ours.time >= orders.time[row]).all()
        if orders.is_limit[row] and len(ours):
            better = (
                ours.price <= orders.price[row] if orders.is_buyer[row] else ours.price >= orders.price[row]
            )
            assert better.all()
        full = orders.executed[row] == orders.quantity[row]
        assert full == (orders.status[row] == 2)
        statuses.add(int(orders.status[row]))
    assert {2, 3} <= statuses


def test_an_order_goes_through_its_states() -> None:
    account = account_of(7, PARTNER)
    orders = account.orders(NOW_MS - 60 * DAY, NOW_MS, NOW_MS)
    filled = orders[(orders.status == 2) & (orders.updated - orders.time > 1000)]
    cancelled = orders[orders.status == 3]
    assert len(filled) > 10
    for row in range(0, len(filled), 5):
        time, done, order_id = int(filled.time[row]), int(filled.updated[row]), filled.id[row]
        early, late = account.open_orders(time), account.open_orders(done - 1)
        assert order_id in early.id
        assert early.status[early.id == order_id][0] in (0, 1)
        assert order_id in late.id
        assert order_id not in account.open_orders(done).id
    for row in range(0, len(cancelled), 5):
        time, done = int(cancelled.time[row]), int(cancelled.updated[row])
        assert cancelled.id[row] in account.open_orders(time).id
        assert cancelled.id[row] in account.open_orders(done - 1).id
        assert cancelled.id[row] not in account.open_orders(done).id


def test_the_customers_day_in_the_partners_reports_is_the_sum_of_its_fills() -> None:
    this, customer = world(), world().customer
    start = NOW_MS // DAY * DAY - 90 * DAY
    rows = this.table("futures.traders").slice(
        start, NOW_MS - DAY, {"customerId": customer.id, "type": "1"}, 0, 1000
    )
    assert len(rows) > 60
    account = this.futures_account(CUSTOMER)
    for row in rows:
        day = int(str(row["time"]))
        fills = account.fills(day, day + DAY - 1)
        shares = this.futures_rates.on(day // DAY)
        assert units_of(row["tradeVol"]) == fills.quote.sum()
        assert units_of(row["rebateVol"]) == fills.fee.sum() * shares.old // 100


@pytest.mark.parametrize("kind", ["um", "cm"])
def test_portfolio_margin_has_income_of_its_own_with_ids_as_text(kind: str) -> None:
    def rows(owner: str) -> list[Row]:
        table = world().table(f"portfolio.{kind}_income")
        return table.slice(NOW_MS - 30 * DAY, NOW_MS, {OWNER: owner}, 0, 10_000)

    assert rows(CUSTOMER) == rows(STRANGER) == []
    own = rows(PARTNER)
    assert {"TRANSFER", "COMMISSION", "FUNDING_FEE", "REALIZED_PNL"} <= {row["incomeType"] for row in own}
    assert {type(row["tranId"]) for row in own} == {str}
    assert len({(row["incomeType"], row["tranId"]) for row in own}) == len(own)
    classic = world().table("futures.income").slice(NOW_MS - 30 * DAY, NOW_MS, {OWNER: PARTNER}, 0, 10_000)
    assert not {row["tradeId"] for row in own if row["tradeId"]} & {row["tradeId"] for row in classic}
    symbols = {market.symbol: market for market in (UM if kind == "um" else CM)}
    for row in (row for row in own if row["symbol"] and row["asset"] != "BNB"):
        market = symbols[str(row["symbol"])]
        assert row["asset"] == (market.quote if kind == "um" else market.base)


def test_coin_margined_positions_are_settled_in_coins() -> None:
    start, end = month_of(7)
    history = market_of(7)
    account = FuturesTrading(
        history, "coins", start - 60 * DAY, transfers=lambda *_: UmTransfers.empty(), contracts=CM_CONTRACTS
    )
    fills = account.fills(start, end)
    for row in range(len(fills)):
        market = CM[fills.market[row]]
        dollars = int(fills.quantity[row]) // UNITS * (100 if market.base == "BTC" else 10)
        assert int(fills.quantity[row]) % UNITS == 0
        coins = Fraction(dollars * UNITS * UNITS, int(fills.price[row]))
        assert abs(int(fills.quote[row]) - coins) <= Fraction(1, 2)
    closed = episodes(fills)
    assert len(closed) > 15
    gains = 0
    for each in closed:
        # Whoever bought first gains coins if the price rose: fewer are given back than were received.
        assert each.realized.sum() == np.where(each.is_buyer, each.quote, -each.quote).sum()
        turn = int(np.argmax(each.is_buyer != each.is_buyer[0]))
        rose, fell = each.price[turn] > each.price[:turn].max(), each.price[turn] < each.price[:turn].min()
        if rose or fell:
            gains += 1
            assert (each.realized[turn] > 0) == (rose == each.is_buyer[0])
    assert gains > 10
    paid = account.funding(start, end)
    for row in range(len(paid)):
        face = 100 if CM[paid.market[row]].base == "BTC" else 10
        exact = Fraction(-int(paid.position[row]) * face * int(paid.rate[row]), int(paid.mark[row]))
        assert abs(int(paid.amount[row]) - exact) <= Fraction(1, 2)


def test_nothing_is_told_before_it_happens() -> None:
    for name in ("partner", "customer", "no-link"):
        response = ask(exchange(), "futures.income", {"limit": 1000}, key=world().keys[name])
        times = [row["time"] for row in response.json()]
        assert times
        assert max(times) <= NOW_MS
        account = world().futures_account(world().keys[name].owner)
        assert (account.orders(NOW_MS - DAY, NOW_MS + DAY, NOW_MS).time <= NOW_MS).all()
        assert (account.open_orders(NOW_MS).time <= NOW_MS).all()
