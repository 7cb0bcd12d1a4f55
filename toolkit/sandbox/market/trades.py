"""Trades and aggregate trades, made from the orders of their minute. Ids are contiguous, from 0 at listing.

An order is an aggregate trade; it is one trade or two, of the same time and price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array, UInt64Array, hash_key, random_bits
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.minutes import SINGLE_ORDERS, Minutes, OrderTotals, taker_buys
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS
from toolkit.sandbox.market.symbols import Market

_S16, _S45, _S54 = np.uint64(16), np.uint64(45), np.uint64(54)
_MASK8, _MASK9, _MASK16 = np.uint64(0xFF), np.uint64(0x1FF), np.uint64(0xFFFF)
# Steps of up to 2**15 either way, so that the walk strays by an eighth of the minute's range.
_STRAYS = 8 * 0.5 * 2**15 / 3**0.5
# Shares of a minute's quantity: many small orders, few large ones.
_WEIGHTS = (1 + 300 * (-np.log((np.arange(256) + 0.5) / 256)) ** 1.5).astype(np.int64)


@dataclass(frozen=True, slots=True)
class MarketTrades:
    """Trades, oldest first. Times in ms, prices in ticks, quantities in steps.

    Attributes:
        taker_buys: Whether the taker bought, so the maker sold.
    """

    id: Int64Array
    time: Int64Array
    price: Int64Array
    quantity: Int64Array
    taker_buys: BoolArray

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class AggregateTrades:
    """Trades of one taker's order at one price, oldest first.

    Attributes:
        first_trade, last_trade: Ids of its trades.
    """

    id: Int64Array
    time: Int64Array
    price: Int64Array
    quantity: Int64Array
    first_trade: Int64Array
    last_trade: Int64Array
    taker_buys: BoolArray

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


def trades(history: MarketHistory, market: Market, first: int, last: int) -> MarketTrades:
    """The trades with these ids, both included. `trade_count` says how many there are until now."""
    first, last = max(first, 0), min(last, history.series(market).trade_count - 1)
    if first > last:
        return _trades_of(no_aggregates(), 0)
    begin, end = (_minute_of_trade(history, market, trade) for trade in (first, last))
    made = _trades_of(
        _orders(history, market, begin, end), hash_key(history.seed, market.kind, market.symbol, "fills")
    )
    offset = int(made.id[0])
    return made[first - offset : last - offset + 1]


def latest_trades(history: MarketHistory, market: Market, limit: int, now_ms: int) -> MarketTrades:
    """The last trades up to now."""
    count = trade_count(history, market, now_ms)
    return trades(history, market, count - limit, count - 1)


def trades_between(history: MarketHistory, market: Market, start_ms: int, end_ms: int) -> MarketTrades:
    """The trades of a span, both ends included."""
    first, end = (trade_count(history, market, time) for time in (start_ms - 1, end_ms))
    return trades(history, market, first, end - 1)


def aggregate_trades(history: MarketHistory, market: Market, first: int, last: int) -> AggregateTrades:
    """The aggregate trades with these ids, both included; `aggregate_count` says how many there are."""
    first, last = max(first, 0), min(last, history.series(market).order_count - 1)
    if first > last:
        return no_aggregates()
    begin, end = (_minute_of_order(history, market, order) for order in (first, last))
    made = _orders(history, market, begin, end)
    offset = int(made.id[0])
    return made[first - offset : last - offset + 1]


def aggregates_between(history: MarketHistory, market: Market, start_ms: int, end_ms: int) -> AggregateTrades:
    """The aggregate trades of a span, both ends included."""
    first, end = (aggregate_count(history, market, time) for time in (start_ms - 1, end_ms))
    return aggregate_trades(history, market, first, end - 1)


def trade_count(history: MarketHistory, market: Market, until_ms: int) -> int:
    """The number of trades up to a time, which is included: the id of the next one."""
    return counts(history, market, until_ms)[0]


def aggregate_count(history: MarketHistory, market: Market, until_ms: int) -> int:
    """The number of aggregate trades up to a time, which is included: the id of the next one."""
    return counts(history, market, until_ms)[1]


def counts(history: MarketHistory, market: Market, until_ms: int) -> tuple[int, int]:
    """The number of trades and of aggregate trades up to a time, which is included."""
    if until_ms < history.hours(market).listed_ms:
        return 0, 0
    minute = until_ms // MINUTE_MS
    row = minute % BLOCK
    minutes = history.block(market, minute // BLOCK)[0]
    trade, order, orders = (
        int(column[row]) for column in (minutes.first_trade, minutes.first_order, minutes.orders)
    )
    if not orders:
        return trade, order
    # Orders are spread evenly, each within its share of the minute: only a few can be on either side.
    offset = until_ms % MINUTE_MS
    done = offset * orders // MINUTE_MS
    places = np.arange(done, min(done + 3, orders))
    done += int(
        (_offset_ms(places, orders, random_bits(_key(history, market), order + places)) <= offset).sum()
    )
    return trade + _trades_before(done, orders, int(minutes.trades[row])), order + done


def _minute_of_trade(history: MarketHistory, market: Market, trade: int) -> int:
    block = history.series(market).block_of_trade(trade)
    minutes = history.block(market, block)[0]
    return block * BLOCK + int(np.searchsorted(minutes.first_trade + minutes.trades, trade, side="right"))


def _minute_of_order(history: MarketHistory, market: Market, order: int) -> int:
    block = history.series(market).block_of_order(order)
    minutes = history.block(market, block)[0]
    return block * BLOCK + int(np.searchsorted(minutes.first_order + minutes.orders, order, side="right"))


def no_aggregates() -> AggregateTrades:
    """No trades at all."""
    empty = np.empty(0, np.int64)
    return AggregateTrades(empty, empty, empty, empty, empty, empty, empty.astype(bool))


def _orders(history: MarketHistory, market: Market, first: int, last: int) -> AggregateTrades:
    """All orders of some minutes, both included; those of one minute are kept for a while."""
    if first < last:
        return _make_orders(history, market, first, last)
    found: AggregateTrades | None = history.orders_cache.find((market, first))
    if found is None:
        found = _make_orders(history, market, first, last)
        history.orders_cache.keep((market, first), found)
    return found


def _make_orders(history: MarketHistory, market: Market, first: int, last: int) -> AggregateTrades:
    key = _key(history, market)
    parts = []
    for block in range(first // BLOCK, last // BLOCK + 1):
        minutes, totals = history.block(market, block)
        rows = slice(max(first - block * BLOCK, 0), min(last - block * BLOCK + 1, BLOCK))
        if minutes.orders[rows].any():
            parts.append(_orders_of(minutes[rows], totals[rows], block * BLOCK + rows.start, key))
    if not parts:
        return no_aggregates()
    return AggregateTrades(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in AggregateTrades.__slots__)
    )


def _key(history: MarketHistory, market: Market) -> int:
    return hash_key(history.seed, market.kind, market.symbol, "order")


def _orders_of(minutes: Minutes, totals: OrderTotals, first_minute: int, key: int) -> AggregateTrades:
    numbers = minutes.orders
    row = np.repeat(np.arange(len(numbers)), numbers)
    ids = np.arange(minutes.first_order[0], minutes.first_order[0] + row.size)
    place = ids - minutes.first_order[row]
    count = numbers[row]
    bits = random_bits(key, ids)

    at_high, at_low = (places[row] for places in _places_of_extremes(numbers, totals))
    # The others are ranked: the first and the last are a pair, and so on to the middle.
    rank = place - 1 - (place > at_high) - (place > at_low)
    rest = count - SINGLE_ORDERS
    mirrored = rest - 1 - rank
    pairs = np.maximum(numbers - SINGLE_ORDERS, 0) >> 1
    offsets = np.cumsum(pairs) - pairs
    distance, size, side = _pairs(minutes, totals, pairs, key)

    price, quantity, buys = totals.middle[row], totals.odd[row], taker_buys(totals.bits, 2)[row]
    single = (
        (place == 0, minutes.open, totals.at_open, taker_buys(totals.bits, 0)),
        (place == count - 1, minutes.close, totals.at_close, taker_buys(totals.bits, 1)),
        (place == at_high, minutes.high, totals.at_high, np.ones_like(numbers)),
        (place == at_low, minutes.low, totals.at_low, np.zeros_like(numbers)),
    )
    paired = ~np.logical_or.reduce([here for here, *_ in single])
    for sign, own in ((1, rank), (-1, mirrored)):
        here = paired & (own < rest - 1 - own)
        pair = (offsets[row] + own)[here]
        price[here] += sign * distance[pair]
        quantity[here], buys[here] = size[pair], side[pair]
    for here, prices, quantities, sides in single:
        rows = row[here]
        price[here], quantity[here], buys[here] = prices[rows], quantities[rows], sides[rows]

    first, trades_of_minute = minutes.first_trade[row], minutes.trades[row]
    return AggregateTrades(
        ids,
        (first_minute + row) * MINUTE_MS + _offset_ms(place, count, bits),
        price,
        quantity,
        first + _trades_before(place, count, trades_of_minute),
        first + _trades_before(place + 1, count, trades_of_minute) - 1,
        buys.astype(bool),
    )


def _offset_ms(place: Int64Array, count: Int64Array | int, bits: UInt64Array) -> Int64Array:
    """When an order comes within its minute, which has so many."""
    spread = (bits & _MASK16).view(np.int64)
    return MINUTE_MS * ((place << 16) + spread) // (count << 16)


def _trades_before(place: Any, orders: Any, trades_of_minute: Any) -> Any:
    """The number of trades before an order within its minute: more than one for each are spread evenly."""
    return place + place * (trades_of_minute - orders) // orders


def _places_of_extremes(numbers: Int64Array, totals: OrderTotals) -> tuple[Int64Array, Int64Array]:
    """Which of a minute's orders are at the high and at the low: neither is the first or the last."""
    inner = np.maximum(numbers - 2, 2)
    high = (((totals.bits >> _S45) & _MASK9).view(np.int64) * inner) >> 9
    low = (((totals.bits >> _S54) & _MASK9).view(np.int64) * (inner - 1)) >> 9
    low += low >= high
    return high + 1, low + 1


def _pairs(
    minutes: Minutes, totals: OrderTotals, pairs: Int64Array, key: int
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Distance from the middle price, quantity and side of every pair."""
    row = np.repeat(np.arange(len(pairs)), pairs)
    starts = np.cumsum(pairs) - pairs
    number = np.arange(row.size) - starts[row]
    bits = random_bits(key + 1, minutes.first_order[row] + number)
    low, high, middle = minutes.low[row], minutes.high[row], totals.middle[row]

    # From the open to the close in a straight line, from which a random walk strays and comes back.
    count = pairs[row]
    line = (minutes.open - minutes.close)[row] * (count - number) // (2 * count)
    walked = np.concatenate([[0], np.cumsum((bits & _MASK16).view(np.int64) - 32768)])
    whole = (walked[starts + pairs] - walked[starts])[row]
    strayed = walked[1:] - walked[starts][row] - whole * ((number + 1) / count)
    noise = (strayed * ((high - low) / (_STRAYS * np.sqrt(count)))).astype(np.int64)
    furthest = np.minimum(middle - low, high - middle)
    distance = np.clip(line + noise, -furthest, furthest)

    buy_pairs = totals.buy_pairs[row]
    buys = (number + 1) * buy_pairs // count - number * buy_pairs // count
    weight = _WEIGHTS[((bits >> _S16) & _MASK8).view(np.int64)]
    size = np.empty_like(weight)
    for side, numbers, amounts in (
        (1, totals.buy_pairs, totals.bought),
        (0, totals.sell_pairs, totals.sold),
    ):
        until = np.concatenate([[0], np.cumsum(np.where(buys == side, weight, 0))])
        before, whole = until[starts], until[starts + pairs]
        # Each order has at least two steps, so that it can be two trades.
        spare = (amounts - 2 * numbers)[row]
        whole = np.maximum(whole - before, 1)[row]
        end = spare * (until[1:] - before[row]) // whole
        begin = spare * (until[:-1] - before[row]) // whole
        here = buys == side
        size[here] = 2 + (end - begin)[here]
    return distance, size, buys


def _trades_of(orders: AggregateTrades, key: int) -> MarketTrades:
    counts = orders.last_trade - orders.first_trade + 1
    share = (random_bits(key, orders.id) & _MASK16).view(np.int64)
    first_part = np.where(counts == 2, 1 + ((orders.quantity - 2) * share >> 16), orders.quantity)
    order = np.repeat(np.arange(len(orders)), counts)
    ids = np.arange(counts.sum()) + (orders.first_trade[0] if len(orders) else 0)
    is_second = ids > orders.first_trade[order]
    quantity = np.where(is_second, (orders.quantity - first_part)[order], first_part[order])
    return MarketTrades(ids, orders.time[order], orders.price[order], quantity, orders.taker_buys[order])
