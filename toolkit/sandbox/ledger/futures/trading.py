"""The orders of an account and their fills, in parts of some days.

A position is what has been bought less what has been sold, and its cost what was paid for that. A fill that
reduces it takes its share of the cost, and realizes the difference, rounded to 1e-8: so a closed position has
realized exactly what was received less what was paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, hash_key, random_bits, uniform
from toolkit.sandbox.ledger.columns import Columns
from toolkit.sandbox.ledger.futures.columns import FuturesFills
from toolkit.sandbox.ledger.futures.contracts import Contracts
from toolkit.sandbox.ledger.futures.plan import MOST_ORDERS, Episodes, Planner
from toolkit.sandbox.ledger.futures.prices import FillPrices
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.trading import Converter
from toolkit.sandbox.world.units import UNITS

MAKER_RATE, TAKER_RATE = 2, 4
"""Commission in hundredths of a percent."""
BNB_DISCOUNT = 10
"""Per cent by which a commission that is paid in BNB is lower."""
LAUNCH_MS = 1_567_000_000_000
"""Ids count from it."""
MOST_FILLS = 3
"""Most fills of one order. Ids count in steps of one more, so that the remainder is the place of a fill."""

_RATE_UNIT = 10_000
_CLEARANCE = 125
_FIRST_ORDER_ID = 8_389_000_000_000_000_000
_IN_BNB = 0.25  # fraction of days
_LIQUIDATED = 0.06  # fraction of losing positions
_BNB, _USDT = ASSETS.index("BNB"), ASSETS.index("USDT")
# Labels of the numbers drawn for each order.
_SIZE, _ACT, _MUCH, _MAKER, _MARKET_ORDER, _PLACED, _WAIT, _MANY = range(8)
_QUOTE = 6  # its place in the row of a fill


@dataclass(frozen=True, slots=True)
class PlacedOrders(Columns):
    """Orders with what became of them in the end.

    Attributes:
        done: When it was filled or cancelled.
        first_fill: When it was first filled; as `done` if it never was.
    """

    done: Int64Array
    first_fill: Int64Array
    market: Int64Array
    id: Int64Array
    buyer: Int64Array
    limit: Int64Array
    reduce_only: Int64Array
    price: Int64Array
    quantity: Int64Array
    filled: Int64Array


class _Draft(NamedTuple):
    """What an order is made of: its time and id, random numbers, and two prices of its minute in ticks."""

    time: int
    id: int
    draws: list[float]
    shares: list[float]
    edges: list[int]


@dataclass(slots=True)
class _Holding:
    """A position and its cost while the fills of an episode are made."""

    position: int = 0
    cost: int = 0

    def fill(self, quantity: int, value: int) -> int:
        """Buy (or sell, if negative) for a value, and return the profit that is realized."""
        held = abs(self.position)
        if self.position * quantity >= 0:
            self.position += quantity
            self.cost += value
            return 0
        closing = min(abs(quantity), held)
        closing_value = value * closing // abs(quantity)
        closed_cost = (2 * self.cost * closing + held) // (2 * held)
        self.position += quantity
        self.cost += -closed_cost + (value - closing_value)
        return -closing_value - closed_cost


class TradingParts:
    """Makes the orders and fills of an account.

    Args:
        history: The market.
        owner: Whose they are.
        contracts: The futures.
        opened_ms: Nothing is traded before.
        traded: Only so many of the futures are traded.
    """

    def __init__(
        self, history: MarketHistory, owner: str, contracts: Contracts, opened_ms: int, traded: int
    ) -> None:
        markets = contracts.markets
        hours = [history.hours(each) for each in markets]
        self._contracts = contracts
        self._planner = Planner(history.seed, owner, markets, hours, opened_ms=opened_ms, traded=traded)
        self._prices = FillPrices(history, markets)
        self._converter = Converter(history.prices)
        self._bnb_key = hash_key(history.seed, "commission in BNB", owner)
        self._id_key = hash_key(history.seed, "order ids", owner)
        self._ticks, self._steps = contracts.ticks, contracts.steps

    def make(self, part: int) -> tuple[PlacedOrders, FuturesFills]:
        """The orders and fills of the episodes of a part, oldest first."""
        episodes = self._planner.episodes(part)
        orders: list[tuple[int, ...]] = []
        fills: list[tuple[int, ...]] = []
        drafts, sizes = self._drafts(episodes)
        for market, size, planned in zip(episodes.market.tolist(), sizes, drafts, strict=True):
            self._play(market, size, planned, orders, fills)
        return self._orders(orders), self._fills(fills)

    def _drafts(self, episodes: Episodes) -> tuple[list[list[_Draft]], list[int]]:
        """The orders of each episode, and the usual size of them in steps."""
        shape = (len(episodes), MOST_ORDERS)
        draws, shares = (
            self._planner.numbers(label, episodes.market, episodes.slot, MOST_ORDERS * each).reshape(
                *shape, each
            )
            for label, each in (("orders", 8), ("fills", 2 * MOST_FILLS))
        )
        there = np.arange(MOST_ORDERS) < episodes.orders[:, None]
        market = np.broadcast_to(episodes.market[:, None], shape)
        edges = np.zeros((*shape, 2), dtype=np.int64)
        if there.any():
            edges[there] = np.stack(self._prices.within_minutes(market[there], episodes.time[there]), axis=1)
        ids = order_ids(self._id_key, market, episodes.time)
        price = edges[:, 0, 1] * self._ticks[episodes.market]
        dollars = self._contracts.dollars(episodes.market, price)
        sizes = usual_size(draws[:, 0, _SIZE], dollars, self._steps[episodes.market])
        columns = (each.tolist() for each in (episodes.orders, episodes.time, ids, draws, shares, edges))
        drafts = [
            [_Draft(*cells) for cells in list(zip(*each, strict=True))[:count]]
            for count, *each in zip(*columns, strict=True)
        ]
        return drafts, sizes.tolist()

    def _play(
        self,
        market: int,
        size: int,
        drafts: list[_Draft],
        orders: list[tuple[int, ...]],
        fills: list[tuple[int, ...]],
    ) -> None:
        """Append the orders and fills of one episode."""
        holding, contracts = _Holding(), self._contracts
        tick, step = int(self._ticks[market]), int(self._steps[market])
        for draft in drafts:
            draws, last = draft.draws, draft is drafts[-1]
            quantity = _quantity(holding.position, size, draws, last=last)
            buys, maker = quantity > 0, draws[_MAKER] < 0.4
            reduces = holding.position * quantity < 0 and abs(quantity) <= abs(holding.position)
            made = _pieces(draft, abs(quantity), buys=buys, maker=maker)
            profit = 0
            for place, (moment, ticks, steps) in enumerate(made):
                quote = contracts.value(market, ticks * tick, steps * step)
                gained = holding.fill(steps if buys else -steps, quote if buys else -quote)
                # Who bought coins with fewer dollars each got more of them.
                realized = -gained if contracts.is_inverse else gained
                profit += realized
                fills.append((moment, market, place, draft.id, ticks * tick, steps * step, quote, realized,
                              buys, maker, holding.position * step, holding.cost, 0))  # fmt: skip
            if last and not maker and profit < 0 and draws[_SIZE] < _LIQUIDATED:
                quote = sum(each[_QUOTE] for each in fills[-len(made) :])
                fills[-1] = (*fills[-1][:-1], quote * _CLEARANCE // _RATE_UNIT)
            time = draft.time
            placed = time - int(time % MINUTE_MS * draws[_PLACED]) if maker else time
            limit = maker or draws[_MARKET_ORDER] < 0.25
            price = made[-1][1] * tick if limit else 0
            orders.append((placed, made[-1][0], made[0][0], market, draft.id, buys, limit, reduces, price,
                           abs(quantity) * step, abs(quantity) * step))  # fmt: skip

    def _orders(self, rows: list[tuple[int, ...]]) -> PlacedOrders:
        columns = np.array(rows, dtype=np.int64).reshape(-1, 11)
        return PlacedOrders(*columns[np.argsort(columns[:, 0], kind="stable")].T)

    def _fills(self, rows: list[tuple[int, ...]]) -> FuturesFills:
        """The fills with their ids and commissions."""
        columns = np.array(rows, dtype=np.int64).reshape(-1, 13)
        columns = columns[np.argsort(columns[:, 0], kind="stable")]
        time, market, place, order, price, quantity, quote, realized, buyer, maker, position, cost, clear = (
            np.ascontiguousarray(column) for column in columns.T
        )
        fee = (quote * np.where(maker == 1, MAKER_RATE, TAKER_RATE) + _RATE_UNIT // 2) // _RATE_UNIT
        in_bnb = (uniform(self._bnb_key, time // DAY) < _IN_BNB) & (not self._contracts.is_inverse)
        asset = np.where(in_bnb, _BNB, self._contracts.settled_in[market])
        bnb, usdt = (np.full(len(time), which) for which in (_BNB, _USDT))
        price_of_bnb, _, _ = self._converter.at_close(bnb, usdt, usdt, time)
        rate = np.where(in_bnb, price_of_bnb, UNITS)
        discounted = np.where(in_bnb, fee * (100 - BNB_DISCOUNT) // 100, fee)
        # A fee is at most some hundred dollars in USDT: the product stays below 2**63.
        commission = (discounted * UNITS + rate // 2) // rate
        ids = (time - LAUNCH_MS) // 100 * (MOST_FILLS + 1) + place
        return FuturesFills(time, market, ids, order, price, quantity, quote, realized, fee, commission,
                            asset, buyer == 1, maker == 1, position, cost, clear)  # fmt: skip


def usual_size(draws: FloatArray, dollars_each: Int64Array, step: Int64Array) -> Int64Array:
    """Usual size of an order in steps: some hundred to some thousand dollars."""
    worth = 400.0 * np.exp(3.4 * draws)
    sizes: Int64Array = np.maximum(np.rint(worth * UNITS / dollars_each * UNITS / step), 3).astype(np.int64)
    return sizes


def order_ids(key: int, market: Int64Array, placed: Int64Array) -> Int64Array:
    """Ids of orders, which ascend with the time and exceed 2**53."""
    digits = (random_bits(key, market, placed) % np.uint64(1_000_000)).astype(np.int64)
    ids: Int64Array = _FIRST_ORDER_ID + (placed - LAUNCH_MS) * 1_000_000 + digits
    return ids


def _quantity(position: int, size: int, draws: list[float], *, last: bool) -> int:
    """What an order buys (or sells, if negative), in steps."""
    act, much = draws[_ACT], draws[_MUCH]
    side = 1 if position > 0 else -1
    if not position:
        return size if act < 0.55 else -size
    if last:
        return -position
    if act < 0.5 or abs(position) < 2:
        return side * max(1, int(size * (0.3 + 0.7 * much)))
    if act < 0.92:
        return -side * min(max(1, int(abs(position) * (0.2 + 0.55 * much))), abs(position) - 1)
    return -side * (abs(position) + max(1, int(size * (0.4 + 0.6 * much))))


def _pieces(draft: _Draft, steps: int, *, buys: bool, maker: bool) -> list[tuple[int, int, int]]:
    """The fills of an order: time, price in ticks, and quantity in steps.

    A taker's order goes from better to worse prices at once; a maker's waits for others, at one price.
    """
    time, many = draft.time, draft.draws[_MANY]
    count = min(steps, 1 + (many < 0.4) + (many < 0.15))
    cuts = sorted({0, steps, *(int(steps * share) for share in draft.shares[: count - 1])})
    sizes = [after - before for before, after in pairwise(cuts)]
    (before, close), where = draft.edges, draft.shares[MOST_FILLS:]
    prices = [close + round((before - close) * share) for share in where]
    if maker:
        left = (MINUTE_MS - 1 - time % MINUTE_MS) * draft.draws[_WAIT]
        waits = [0, *sorted(int(left * share) for share in where[1:])]
        return [(time + wait, prices[0], size) for wait, size in zip(waits, sizes, strict=False)]
    worse = sorted(prices, reverse=not buys)
    return [(time, price, size) for price, size in zip(worse, sizes, strict=False)]
