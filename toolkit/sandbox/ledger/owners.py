"""The books of the three owners: what each does, and what else moves the partner's balances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.runtime.decimals import in_own_context
from toolkit.sandbox.keys import CUSTOMER, PARTNER, STRANGER
from toolkit.sandbox.ledger.books import Anchor, Books, Source
from toolkit.sandbox.ledger.cash import Habits, make_cash
from toolkit.sandbox.ledger.movements import WALLETS, Movements, wallet_index
from toolkit.sandbox.ledger.trading import SpotTrading, fill_movements, spot_fills, spot_orders
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.history import BoundedCache
from toolkit.sandbox.market.symbols import ASSETS, COMMON_SPOT, SPOT
from toolkit.sandbox.world.balances import master_balances
from toolkit.sandbox.world.customers import Customer
from toolkit.sandbox.world.fills import CUSTOMER_RATE, SpotTrades, row_numbers
from toolkit.sandbox.world.history import MASTER_WALLETS, TransferGenerator
from toolkit.sandbox.world.rebate_history import RebateSource
from toolkit.sandbox.world.rebates import FIRST_TRADE, LONGEST_DELAY
from toolkit.sandbox.world.stream import HOUR, ActivityProfile, Stream
from toolkit.sandbox.world.trading import MarketChoice
from toolkit.sandbox.world.units import UNITS

if TYPE_CHECKING:
    from toolkit.sandbox.world import World

HABITS = {
    PARTNER: Habits(
        fills=8.0, unfilled=8.0, deposits=0.3, withdrawals=0.4, transfers=3.0, dividends=2.0, scale=4.0
    ),
    # The customer's fills are those under the partner's rebates.
    CUSTOMER: Habits(
        fills=0.0, unfilled=6.0, deposits=0.15, withdrawals=0.12, transfers=1.2, dividends=1.0, scale=1.0
    ),
    STRANGER: Habits(
        fills=1.5, unfilled=1.5, deposits=0.05, withdrawals=0.04, transfers=0.3, dividends=0.5, scale=0.5
    ),
}
RATES = {PARTNER: (80, 100), CUSTOMER: (CUSTOMER_RATE, CUSTOMER_RATE), STRANGER: (100, 100)}
"""Rates of makers and takers, in thousandths of a percent."""

_SAME_ORDER = 0.3  # fraction of fills that are a further fill of the order before them
_MARGIN_AND_FUNDING_USD = 2_000_000
_MASTER_WALLETS = np.array([wallet_index(wallet) for wallet in MASTER_WALLETS])
_BOOKS = BoundedCache[Books](6)


def books_of(world: World, owner: str) -> Books:
    """The books of an owner. Those of the same seed and month are made once."""
    key = (world.seed, world.start_ms, world.sizes, owner)
    found = _BOOKS.find(key)
    if found is None:
        found = _make_books(world, owner)
        _BOOKS.keep(key, found)
    return found


@in_own_context
def _make_books(world: World, owner: str) -> Books:
    seed, begins_ms, habits = world.seed, world.start_ms, HABITS[owner]
    ends_ms = world.end_ms
    span_ms = (world.customer.joined if owner == CUSTOMER else begins_ms, ends_ms)
    maintenance = TradingHours.of(SPOT[0], begins_ms).maintenance

    def stream(kind: str, per_day: float, same_order: float = 0.0) -> Stream:
        name = f"{kind} of the {owner}"
        activity = ActivityProfile(seed, name, begins_ms)
        return Stream(
            seed, name, activity, per_day, begins_ms, same_order_fraction=same_order, closed=maintenance
        )

    if owner == CUSTOMER:
        traded, trades = world.customer_trades
        who = world.customers.index(world.customer)
    else:
        maker, taker = RATES[owner]
        alone = Customer(id="", email="", joined=begins_ms, futures=True)
        choice = MarketChoice(COMMON_SPOT, begins_ms)
        traded, who = stream("fills", habits.fills, _SAME_ORDER), 0
        trades = SpotTrades(
            [alone], choice, world.prices, maker_rate=maker, taker_rate=taker, scale=habits.scale
        )
    fills = spot_fills(traded, trades, who, ends_ms, kickbacks=owner == CUSTOMER)
    orders = spot_orders(
        seed, fills, stream("orders", habits.unfilled), trades, start_ms=begins_ms, span_ms=span_ms
    )
    trading = SpotTrading(fills, orders)
    cash = make_cash(seed, owner, habits, world.prices, start_ms=begins_ms, span_ms=span_ms)
    own = Movements.joined(fill_movements(fills), *cash.movements())
    sources: list[Source] = [own.between]
    futures = world.futures_account(owner).movements
    if owner != PARTNER:
        return Books(begins_ms, ends_ms, trading, cash, sources=sources, futures=futures)
    sources.extend(_sub_account_transfers(*each) for each in world.master_transfers)
    return Books(
        begins_ms,
        ends_ms,
        trading,
        cash,
        sources=sources,
        futures=futures,
        rebates=_rebates(world.spot_rebates),
        anchor_ms=world.month_ms,
        anchor=_master_anchor(world),
    )


def _rebates(source: RebateSource) -> Source:
    """The rebates that the partner is paid, each for a fill of a customer."""

    def paid(after_ms: int, until_ms: int) -> Movements:
        hours = np.arange((after_ms - LONGEST_DELAY) // HOUR, until_ms // HOUR + 1, dtype=np.int64)
        block = source.stream.block(hours)
        times = source.generator.paid_at(block)
        rows = np.flatnonzero((after_ms < times) & (times <= until_ms))
        block = block.take(rows)
        asset, units = source.generator.payments(block)
        trades = row_numbers(block, block.index, FIRST_TRADE)
        return Movements.of("rebate", times[rows], wallet="spot", asset=asset, units=units, reference=trades)

    return paid


def _sub_account_transfers(stream: Stream, generator: TransferGenerator) -> Source:
    """The transfers of history between the master account and its sub-accounts."""

    def moved(after_ms: int, until_ms: int) -> Movements:
        block = stream.block(np.arange((after_ms + 1) // HOUR, until_ms // HOUR + 1, dtype=np.int64))
        made = generator.moved_by_master(block)
        return Movements.of(
            "sub-account transfer",
            made.time,
            wallet=_MASTER_WALLETS[made.wallet],
            asset=made.asset,
            units=made.units,
            reference=made.id,
        ).between(after_ms, until_ms)

    return moved


def _master_anchor(world: World) -> Anchor:
    """What the master account has when the world's month begins: as `World.master` before any write."""
    worth = world.worth(world.month_ms)
    held = master_balances(worth).wallets
    anchor = {
        (wallet_index(wallet), ASSETS.index(asset)): int(amount * UNITS)
        for wallet, amounts in held.items()
        for asset, amount in amounts.items()
    }
    for wallet in set(WALLETS) - held.keys():
        for asset in held["spot"]:
            units = int(_MARGIN_AND_FUNDING_USD / worth[asset] * UNITS)
            anchor[wallet_index(wallet), ASSETS.index(asset)] = units
    return anchor
