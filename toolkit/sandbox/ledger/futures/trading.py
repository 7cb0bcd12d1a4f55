"""The orders of an account and their fills, in parts of some days.

A position is what has been bought less what has been sold, and its cost what was paid for that. A fill that
reduces it takes its share of the cost, and realizes the difference, rounded to 1e-8: so a closed position has
realized exactly what was received less what was paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, hash_key, random_bits, uniform
from toolkit.sandbox.ledger.futures.columns import Columns, Fills
from toolkit.sandbox.ledger.futures.plan import MOST_ORDERS, Episodes, Planner
from toolkit.sandbox.ledger.futures.prices import FillPrices
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import ASSETS, Market
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.trading import Converter
from toolkit.sandbox.world.units import DECIMALS, UNITS

MAKER_RATE, TAKER_RATE = 2, 4
"""Commission in hundredths of a percent."""
BNB_DISCOUNT = 10
"""Per cent by which a commission that is paid in BNB is lower."""

_RATE_UNIT = 10_000
_CLEARANCE = 125
_MOST_FILLS = 3
_LAUNCH_MS = 1_567_000_000_000  # ids count from it
_FIRST_ORDER_ID = 8_389_000_000_000_000_000
_IN_BNB = 0.25  # fraction of days
_LIQUIDATED = 0.06  # fraction of losing positions
_BNB, _USDT = ASSETS.index("BNB"), ASSETS.index("USDT")
# Labels of the numbers drawn for each order.
_SIZE, _ACT, _MUCH, _MAKER, _MARKET_ORDER, _PLACED, _PRICE, _MANY = range(8)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedOrders(Columns):
    """Orders with what became of them in the end.

    Attributes:
        done: When it was filled or cancelled.
        first_fill: When it was first filled; as `done` if it never was.
    """

    time: Int64Array
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


class _Part(NamedTuple):
    """What some episodes are made of, as Python's numbers."""

    draws: list[list[list[float]]]
    shares: list[list[list[float]]]
    edges: list[list[tuple[int, int]]]
    ids: list[list[int]]
    sizes: list[int]


@dataclass(slots=True)
class _Holding:
    """A position and its cost while the fills of an episode are made."""

    position: int = 0
    cost: int = 0
    fills: list[tuple[int, ...]] = field(default_factory=list)

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
        markets: The futures.
        opened_ms: Nothing is traded before.
    """

    def __init__(self, history: MarketHistory, owner: str, markets: Sequence[Market], opened_ms: int) -> None:
        hours = [history.hours(each) for each in markets]
        self._markets = markets
        self._planner = Planner(history.seed, owner, markets, hours, opened_ms)
        self._prices = FillPrices(history, markets)
        self._converter = Converter(history.prices)
        self._bnb_key = hash_key(history.seed, "commission in BNB", owner)
        self._id_key = hash_key(history.seed, "order ids", owner)
        self._ticks = np.array([10 ** (DECIMALS - each.price_decimals) for each in markets])
        self._steps = np.array([10 ** (DECIMALS - each.quantity_decimals) for each in markets])

    def make(self, part: int) -> tuple[PlacedOrders, Fills]:
        """The orders and fills of the episodes of a part, oldest first."""
        episodes = self._planner.episodes(part)
        numbers = self._numbers(episodes)
        orders: list[tuple[int, ...]] = []
        fills: list[tuple[int, ...]] = []
        rows = zip(episodes.market.tolist(), episodes.orders.tolist(), episodes.times.tolist(), strict=True)
        for row, (market, count, times) in enumerate(rows):
            self._play(market, times[:count], row, numbers, orders, fills)
        return self._orders(orders), self._fills(fills)

    def _numbers(self, episodes: Episodes) -> _Part:
        """Random numbers of each order and fill, and two prices of its minute."""
        shape = (len(episodes), MOST_ORDERS)
        draws, shares = (
            self._planner.numbers(label, episodes.market, episodes.slot, MOST_ORDERS * each).reshape(
                *shape, each
            )
            for label, each in (("orders", 8), ("fills", 2 * _MOST_FILLS))
        )
        there = np.arange(MOST_ORDERS) < episodes.orders[:, None]
        edges = np.zeros((*shape, 2), dtype=np.int64)
        market = np.broadcast_to(episodes.market[:, None], shape)
        if there.any():
            edges[there] = np.stack(
                self._prices.within_minutes(market[there], episodes.times[there]), axis=1
            )
        ids = order_ids(self._id_key, market, episodes.times)
        price = edges[:, 0, 1] * self._ticks[episodes.market]
        sizes = usual_size(draws[:, 0, _SIZE], price, self._steps[episodes.market])
        return _Part(draws.tolist(), shares.tolist(), edges.tolist(), ids.tolist(), sizes.tolist())

    def _play(
        self,
        market: int,
        times: list[int],
        row: int,
        numbers: _Part,
        orders: list[tuple[int, ...]],
        fills: list[tuple[int, ...]],
    ) -> None:
        """Append the orders and fills of one episode."""
        holding = _Holding()
        tick, step = int(self._ticks[market]), int(self._steps[market])
        size = numbers.sizes[row]
        for number, time in enumerate(times):
            draws = numbers.draws[row][number]
            last = number == len(times) - 1
            quantity = _quantity(holding.position, size, draws, last=last)
            reduces = holding.position * quantity < 0 and abs(quantity) <= abs(holding.position)
            maker = draws[_MAKER] < 0.4
            made = _pieces(abs(quantity), time, quantity > 0, maker, draws, numbers.shares[row][number],
                           numbers.edges[row][number])  # fmt: skip
            order_id = numbers.ids[row][number]
            realized_before = len(fills)
            for place, (moment, ticks, steps) in enumerate(made):
                signed = steps if quantity > 0 else -steps
                quote = ticks * tick * steps * step // UNITS
                realized = holding.fill(signed, quote if quantity > 0 else -quote)
                fills.append((moment, market, place, order_id, ticks * tick, steps * step, quote, realized,
                              quantity > 0, maker, holding.position * step, holding.cost, 0))  # fmt: skip
            lost = last and not maker and sum(each[7] for each in fills[realized_before:]) < 0
            if lost and draws[_SIZE] < _LIQUIDATED:
                final = fills[-1]
                fills[-1] = (*final[:-1], final[6] * _CLEARANCE // _RATE_UNIT)
            placed = time - int(time % MINUTE_MS * draws[_PLACED]) if maker else time
            limit = maker or draws[_MARKET_ORDER] < 0.25
            price = made[-1][1] * tick if limit else 0
            orders.append((placed, made[-1][0], made[0][0], market, order_id, quantity > 0, limit, reduces,
                           price, abs(quantity) * step, abs(quantity) * step))  # fmt: skip

    def _orders(self, rows: list[tuple[int, ...]]) -> PlacedOrders:
        columns = np.array(rows, dtype=np.int64).reshape(-1, len(PlacedOrders.__slots__))
        return PlacedOrders(*columns[np.argsort(columns[:, 0], kind="stable")].T)

    def _fills(self, rows: list[tuple[int, ...]]) -> Fills:
        """The fills with their ids and commissions."""
        columns = np.array(rows, dtype=np.int64).reshape(-1, 13)
        columns = columns[np.argsort(columns[:, 0], kind="stable")]
        time, market, place, order, price, quantity, quote, realized, buyer, maker, position, cost, clear = (
            np.ascontiguousarray(column) for column in columns.T
        )
        fee = (quote * np.where(maker == 1, MAKER_RATE, TAKER_RATE) + _RATE_UNIT // 2) // _RATE_UNIT
        in_bnb = uniform(self._bnb_key, time // DAY) < _IN_BNB
        asset = np.where(in_bnb, _BNB, _USDT)
        _, rate = self._converter.at_close(asset, np.full(len(time), _USDT), time)
        discounted = np.where(in_bnb, fee * (100 - BNB_DISCOUNT) // 100, fee)
        # A fee is at most some hundred dollars: the product stays below 2**63.
        commission = (discounted * UNITS + rate // 2) // rate
        ids = (time - _LAUNCH_MS) // 100 * (_MOST_FILLS + 1) + place
        return Fills(time, market, ids, order, price, quantity, quote, realized, fee, commission, asset,
                     buyer == 1, maker == 1, position, cost, clear)  # fmt: skip


def usual_size(draws: FloatArray, price: Int64Array, step: Int64Array) -> Int64Array:
    """Usual size of an order in steps: some hundred to some thousand dollars."""
    dollars = 400.0 * np.exp(3.4 * draws)
    return np.maximum(np.rint(dollars * UNITS / price * UNITS / step), 3).astype(np.int64)


def order_ids(key: int, market: Int64Array, placed: Int64Array) -> Int64Array:
    """Ids of orders, which ascend with the time and exceed 2**53."""
    digits = (random_bits(key, market, placed) % np.uint64(1_000_000)).astype(np.int64)
    ids: Int64Array = _FIRST_ORDER_ID + (placed - _LAUNCH_MS) * 1_000_000 + digits
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


def _pieces(
    steps: int,
    time: int,
    buys: bool,
    maker: bool,
    draws: list[float],
    shares: list[float],
    edges: tuple[int, int],
) -> list[tuple[int, int, int]]:
    """The fills of an order: time, price in ticks, and quantity in steps.

    A taker's order goes from better to worse prices at once; a maker's waits for others, at one price.
    """
    many = draws[_MANY]
    count = min(steps, 1 + (many < 0.4) + (many < 0.15))
    cuts = sorted({0, steps, *(int(steps * share) for share in shares[: count - 1])})
    sizes = [after - before for before, after in zip(cuts[:-1], cuts[1:], strict=True)]
    before, close = edges
    where = shares[_MOST_FILLS:]
    if maker:
        price = close + round((before - close) * where[0])
        left = MINUTE_MS - 1 - time % MINUTE_MS
        waits = [0, *sorted(int(left * draws[_PRICE] * share) for share in where[1:])]
        return [(time + wait, price, size) for wait, size in zip(waits, sizes, strict=False)]
    prices = sorted((close + round((before - close) * share) for share in where), reverse=not buys)
    return [(time, price, size) for price, size in zip(prices, sizes, strict=False)]
