"""An account's spot trading: its fills, and the orders that they belong to, or that were never filled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array, hash_key, uniform
from toolkit.sandbox.ledger.columns import Columns
from toolkit.sandbox.ledger.movements import Movements
from toolkit.sandbox.ledger.records import ORDER_STATUSES, ORDER_TYPES, SpotFills, SpotOrders
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.symbols import SPOT
from toolkit.sandbox.world.fills import GRID, SpotTrades, order_ids, row_numbers
from toolkit.sandbox.world.rates import KICKBACK
from toolkit.sandbox.world.rebates import FIRST_TRADE
from toolkit.sandbox.world.stream import DAY, HOUR, Stream, chunks

_NEVER = 2**62
_LIMIT, _MARKET, _LIMIT_MAKER = range(len(ORDER_TYPES))
_NEW, _PARTIAL, _FILLED, _CANCELED, _EXPIRED = range(len(ORDER_STATUSES))
_MARKET_ORDERS, _POST_ONLY, _PARTIALS, _FILL_OR_KILL = 0.7, 0.3, 0.12, 0.15
_LONGEST_REST_MS = DAY
_REST_SPREAD = 8.4  # most orders rest for minutes or hours, some for three days
_LEAST_AWAY = 0.28  # so far that the market hardly ever comes there in that time


@dataclass(frozen=True, slots=True)
class OrderHistory(Columns):
    """Spot orders from their creation (`time`) to their end, ascending by both id and creation.

    Attributes:
        id, market, type, is_buy, price, quantity: As in `SpotOrders`.
        executed: Amount of the base asset that is filled in the end.
        quote: Amount of the quote asset of these fills.
        lock: What the order locks while nothing of it is filled.
        filled: When its fills happen, all in one moment; never, if there are none.
        closed: When it is filled, canceled or expired.
        rests: Whether it is in the book for some time, and so locks what it needs.
        is_expired: Whether it expires.
    """

    id: Int64Array
    market: Int64Array
    type: Int64Array
    is_buy: BoolArray
    price: Int64Array
    quantity: Int64Array
    executed: Int64Array
    quote: Int64Array
    lock: Int64Array
    filled: Int64Array
    closed: Int64Array
    rests: BoolArray
    is_expired: BoolArray

    @property
    def lock_asset(self) -> Int64Array:
        """Index of the asset that each order locks."""
        return np.where(self.is_buy, GRID.quotes[self.market], GRID.bases[self.market])

    @property
    def unlocked_by_fills(self) -> Int64Array:
        """How much less is locked once the fills have happened."""
        return np.where(self.is_buy, self.quote, self.executed)

    def as_of(self, at_ms: int) -> SpotOrders:
        """The orders as they are at a time."""
        made = self.until(at_ms)
        has_fills, is_closed = made.filled <= at_ms, made.closed <= at_ms
        executed, quote, unlocked = (
            np.where(has_fills, column, 0) for column in (made.executed, made.quote, made.unlocked_by_fills)
        )
        unfilled = np.where(made.is_expired, _EXPIRED, _CANCELED)
        at_end = np.where(made.executed == made.quantity, _FILLED, unfilled)
        return SpotOrders(
            time=made.time,
            id=made.id,
            market=made.market,
            type=made.type,
            is_buy=made.is_buy,
            price=made.price,
            quantity=made.quantity,
            executed=executed,
            quote=quote,
            status=np.where(is_closed, at_end, np.where(has_fills, _PARTIAL, _NEW)),
            updated=np.where(is_closed, made.closed, np.where(has_fills, made.filled, made.time)),
            locked=np.where(is_closed, 0, made.lock - unlocked),
        )

    def lock_changes(self) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Time, asset and units of every change of what is locked, ascending by time."""
        rests = self[self.rests]
        part = rests.filled < rests.closed
        some = rests[part]
        left = rests.lock - np.where(part, rests.unlocked_by_fills, 0)
        time = np.concatenate([rests.time, some.filled, rests.closed])
        asset = np.concatenate([rests.lock_asset, some.lock_asset, rests.lock_asset])
        units = np.concatenate([rests.lock, -some.unlocked_by_fills, -left])
        order = np.argsort(time, kind="stable")
        return time[order], asset[order], units[order]


@dataclass(frozen=True, slots=True)
class SpotTrading:
    """What an account does on the spot market.

    Attributes:
        fills: Its fills.
        orders: Its orders.
    """

    fills: SpotFills
    orders: OrderHistory


def spot_fills(stream: Stream, trades: SpotTrades, who: int, end_ms: int, *, kickbacks: bool) -> SpotFills:
    """The fills of one customer of a stream."""
    hours = np.arange(stream.first_hour, end_ms // HOUR, dtype=np.int64)
    parts = [SpotFills.empty()]
    for some in chunks(hours, stream.counts(hours)):
        block = stream.block(some)
        block = block.take(np.flatnonzero(trades.owners(block) == who))
        made = trades.fills(block)
        parts.append(
            SpotFills(
                time=block.time,
                id=row_numbers(block, block.index, FIRST_TRADE),
                order=order_ids(block.time),
                market=made.market,
                price=made.price,
                quantity=made.quantity,
                quote=made.quote_amount,
                commission=made.commission,
                commission_asset=made.asset,
                kickback=made.shares(KICKBACK) if kickbacks else np.zeros(len(block), dtype=np.int64),
                is_buyer=made.is_buyer,
                is_maker=made.is_maker,
            )
        )
    return SpotFills.joined(*parts)


def fill_movements(fills: SpotFills) -> Movements:
    """What fills, their commissions and their kickbacks move."""
    sign = np.where(fills.is_buyer, 1, -1)
    bases, quotes = GRID.bases[fills.market], GRID.quotes[fills.market]
    paid_back = fills[fills.kickback > 0]
    changes = (
        ("fill", fills, bases, sign * fills.quantity),
        ("fill", fills, quotes, -sign * fills.quote),
        ("commission", fills, fills.commission_asset, -fills.commission),
        ("kickback", paid_back, GRID.quotes[paid_back.market], paid_back.kickback),
    )
    return Movements.joined(
        *(
            Movements.of(cause, of.time, wallet="spot", asset=asset, units=units, reference=of.id)
            for cause, of, asset, units in changes
        )
    )


def spot_orders(
    seed: int,
    fills: SpotFills,
    unfilled: Stream,
    trades: SpotTrades,
    *,
    start_ms: int,
    span_ms: tuple[int, int],
) -> OrderHistory:
    """The orders of these fills, and others of the same account without any.

    Args:
        seed: The same seed gives the same orders.
        fills: The fills.
        unfilled: The orders without any.
        trades: What these are like.
        start_ms: The beginning of history.
        span_ms: When the account was opened, and the end.
    """
    made = OrderHistory.joined(_filled(fills, seed), _unfilled(unfilled, trades, span_ms))
    # They are joined by the times in their ids: none is created before the one with the id before.
    numbered = made.time
    earliest = np.concatenate([[span_ms[0]], numbered[:-1]])
    # Nor while its market is not traded, and none is left when it is delisted.
    hours = [TradingHours.of(market, start_ms) for market in SPOT]
    opened = np.array([each.listed_ms for each in hours])[made.market]
    ends = np.array([each.delisted_ms or _NEVER for each in hours])[made.market]
    resumed = hours[0].maintenance[1]
    opened = np.where(numbered >= resumed, np.maximum(opened, resumed), opened)
    time = np.maximum(numbered - _rests(made, seed), np.maximum(earliest, opened))
    return replace(made, time=time, closed=np.minimum(made.closed, ends))


def _rests(orders: OrderHistory, seed: int) -> Int64Array:
    """How long each order is in the book before it is filled; 0 of takers and of those without fills."""
    spread = uniform(hash_key(seed, "rests"), orders.id)
    rests = (1000 * np.exp(np.log(DAY / 1000) * spread)).astype(np.int64)
    return np.where((orders.executed > 0) & orders.rests, rests, 0)


def _filled(fills: SpotFills, seed: int) -> OrderHistory:
    """The orders of fills, at the times of these."""
    first = np.flatnonzero(np.diff(fills.order, prepend=-1))
    if not len(first):
        return OrderHistory.empty()
    one = fills[first]
    executed, quote = (np.add.reduceat(column, first) for column in (fills.quantity, fills.quote))
    kind, part, late = (uniform(hash_key(seed, word), one.order) for word in ("type", "part", "late"))
    taker_type = np.where(kind < _MARKET_ORDERS, _MARKET, _LIMIT)
    order_type = np.where(one.is_maker, np.where(kind < _POST_ONLY, _LIMIT_MAKER, _LIMIT), taker_type)
    # Some are canceled after a part.
    is_part = one.is_maker & (part < _PARTIALS)
    least = GRID.coarse[one.market] * GRID.step_units[one.market]
    quantity = np.where(is_part, executed + np.maximum(executed // least, 1) * least, executed)
    price = np.where(order_type == _MARKET, 0, one.price)
    return OrderHistory(
        time=one.time,
        id=one.order,
        market=one.market,
        type=order_type,
        is_buy=one.is_buyer,
        price=price,
        quantity=quantity,
        executed=executed,
        quote=quote,
        lock=np.where(one.is_buyer, _quote_units(one.market, one.price, quantity), quantity),
        filled=one.time,
        closed=one.time + np.where(is_part, 1000 + (late * _LONGEST_REST_MS).astype(np.int64), 0),
        rests=one.is_maker,
        is_expired=np.zeros(len(one), dtype=np.bool_),
    )


def _unfilled(stream: Stream, trades: SpotTrades, span_ms: tuple[int, int]) -> OrderHistory:
    """Orders far from the market, which are canceled, and some to be filled at once or not at all."""
    block = stream.block(np.arange(-(-span_ms[0] // HOUR), span_ms[1] // HOUR, dtype=np.int64))
    made = trades.fills(block)
    away = _LEAST_AWAY + 0.2 * block.by_order("away")
    tick = GRID.tick_units[made.market]
    factor = np.where(made.is_buyer, 1 - away, 1 + away)
    ticks = np.maximum((made.price // tick * factor).astype(np.int64), 1)
    worth = made.quote_amount.astype(np.float64)
    steps = GRID.steps(made.market, ticks, worth)
    is_expired = block.by_order("expires") < _FILL_OR_KILL
    rests = (60_000 * np.exp(_REST_SPREAD * block.by_order("rests"))).astype(np.int64)
    quantity = steps * GRID.step_units[made.market]
    zero = np.zeros(len(block), dtype=np.int64)
    return OrderHistory(
        time=block.time,
        id=order_ids(block.time, part=1),
        market=made.market,
        type=zero + _LIMIT,
        is_buy=made.is_buyer,
        price=ticks * tick,
        quantity=quantity,
        executed=zero,
        quote=zero,
        lock=np.where(made.is_buyer, GRID.quote_units(made.market, ticks, steps), quantity),
        filled=zero + _NEVER,
        closed=np.where(is_expired, block.time, block.time + rests),
        rests=~is_expired,
        is_expired=is_expired,
    )


def _quote_units(market: Int64Array, price: Int64Array, quantity: Int64Array) -> Int64Array:
    return GRID.quote_units(market, price // GRID.tick_units[market], quantity // GRID.step_units[market])
