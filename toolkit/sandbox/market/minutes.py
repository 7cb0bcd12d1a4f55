"""One symbol's history by the minute, in blocks.

The orders of a minute are: one at the open, one at the high, one at the low, one at the close, and pairs that
lie symmetrically about a middle price. So the sums of a minute follow from a few numbers, without its trades;
`toolkit.sandbox.market.trades` makes the trades that have these sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from toolkit.sandbox.hashing import BoolArray, FloatArray, Int64Array, UInt64Array, hash_key, random_bits
from toolkit.sandbox.market.calendar import DAY_MS, GROUP, TradingHours, delivery_ms
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS, Paths
from toolkit.sandbox.market.prices import BLOCKS, Prices, clustered, first_block
from toolkit.sandbox.market.symbols import PRICES_USD, QUARTERLY, Market

SINGLE_ORDERS = 4
"""Orders that every minute with trades has: at the open, high, low and close."""
# Of five more trades, two belong to the same order as the trade before them.
ORDERS, TRADES = 3, 5
ALWAYS_TRADED = 1.1
"""Weight from which a symbol trades in every minute. Others have quiet minutes, all of them odd."""

_GROUPS = BLOCK // GROUP
_TRADES_PER_WEIGHT = 13.0
_ORDER_USD = {"spot": 900.0, "um": 2600.0}
_PREMIUM_DEVIATION = 4e-4
_WEEKEND = 0.7
_CARRY_A_YEAR = 0.05


@dataclass(frozen=True, slots=True)
class Minutes:
    """Consecutive minutes of a symbol: prices in ticks, quantities in steps.

    Amounts of the quote are in ticks times steps.

    Attributes:
        traded: False where there is no candle: before listing, after delisting, during maintenance.
        trades: Number of trades; 0 in a quiet minute, whose prices are those of the last trade.
        first_trade: Id of the minute's first trade, or of the next one if it has none.
        orders: Number of aggregate trades.
        first_order: Id of the minute's first aggregate trade.
    """

    open: Int64Array
    high: Int64Array
    low: Int64Array
    close: Int64Array
    volume: Int64Array
    quote: Int64Array
    taker_volume: Int64Array
    taker_quote: Int64Array
    trades: Int64Array
    first_trade: Int64Array
    orders: Int64Array
    first_order: Int64Array
    traded: BoolArray

    @classmethod
    def empty(cls, count: int) -> Self:
        """Minutes to be filled."""
        columns = {name: np.empty(count, np.int64) for name in cls.__slots__ if name != "traded"}
        return cls(**columns, traded=np.empty(count, np.bool_))

    def block(self, number: int) -> Self:
        """One of several blocks."""
        return type(self)(*(getattr(self, name)[number] for name in self.__slots__))

    def __len__(self) -> int:
        return len(self.open)

    def __getitem__(self, rows: slice | BoolArray | Int64Array) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """What the orders of some minutes add up to: quantities in steps.

    Attributes:
        at_open, at_high, at_low, at_close: Quantity of the single orders.
        odd: Quantity of the order at the middle price, 0 if there is none.
        middle: The middle price of all pairs, in ticks.
        buy_pairs, sell_pairs: Number of pairs in which the taker buys, and sells.
        bought, sold: Half of the quantity of these pairs.
        bits: Random bits: sides of orders and where the high and the low are.
    """

    at_open: Int64Array
    at_high: Int64Array
    at_low: Int64Array
    at_close: Int64Array
    odd: Int64Array
    middle: Int64Array
    buy_pairs: Int64Array
    sell_pairs: Int64Array
    bought: Int64Array
    sold: Int64Array
    bits: UInt64Array

    def block(self, number: int) -> Self:
        """One of several blocks."""
        return type(self)(*(getattr(self, name)[number] for name in self.__slots__))

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


def _bits(bits: UInt64Array, low: int, count: int) -> Int64Array:
    """Some of the bits as a number."""
    part: UInt64Array = (bits >> np.uint64(low) if low else bits) & np.uint64((1 << count) - 1)
    return part.view(np.int64)


def taker_buys(bits: UInt64Array, order: int) -> Int64Array:
    """1 where the taker of an order buys: 0 is the order at the open, 1 at the close, 2 the odd one."""
    return _bits(bits, 42 + order, 1)


def _season() -> FloatArray:
    """How busy each minute of a day is: most at 15:00 UTC, least in the early morning."""
    hours = np.arange(1440) / 60
    return 1 + 0.35 * np.cos((hours - 15) / 24 * 2 * np.pi) + 0.15 * np.cos((hours - 14) / 12 * 2 * np.pi)


_SEASON = _season()
_FRACTIONS_12 = (np.arange(4096) + 0.5) / 4096
_FRACTIONS_8 = (np.arange(256) + 0.5) / 256
# -2 ln(u), for the highest point of a Brownian bridge.
_REACH = -2 * np.log(_FRACTIONS_12)
_SIZES = (-np.log(_FRACTIONS_8)) ** 1.5
_SIZES /= _SIZES.mean()
_BUSY = np.exp(0.9 * (_FRACTIONS_8 + np.roll(_FRACTIONS_8, 83) - 1))
_OPEN = np.array([-1, 0, 0, 1])


class MinuteSeries:
    """The minutes of one symbol.

    Args:
        seed: The same seed gives the same minutes.
        prices: Dollar prices of all assets.
        market: The symbol.
        hours: When it is traded.

    Attributes:
        order_size: Average quantity of an order, in steps.
    """

    def __init__(self, seed: int, prices: Prices, market: Market, hours: TradingHours) -> None:
        self.market = market
        self.hours = hours
        self._prices = prices
        name = (seed, market.kind, market.symbol)
        self._keys = hash_key(*name, "minute"), hash_key(*name, "orders"), hash_key(*name, "quiet")
        self._scale = market.price_decimals * np.log(10)
        self._quiet = market.weight < ALWAYS_TRADED
        self.order_size = max(
            8.0, _ORDER_USD[market.kind] / PRICES_USD[market.base] * 10**market.quantity_decimals
        )
        self._sizes = 2 + (self.order_size * _SIZES).astype(np.int64)
        self._first = first_block(hours.start_ms)
        blocks = np.arange(self._first, self._first + BLOCKS)
        self._premium = _premium(hash_key(*name, "premium"), blocks, market) if market.kind == "um" else None
        groups = hours.traded_groups(blocks * _GROUPS, _GROUPS)
        self._more_trades = self._activity(blocks, groups)
        always = groups * (SINGLE_ORDERS * (GROUP - self._quiet))
        self._first_trade = np.concatenate([[0], np.cumsum(always + self._more_trades)])
        self._first_order = np.concatenate([[0], np.cumsum(always + _orders_of(self._more_trades))])

    def _activity(self, blocks: Int64Array, groups: Int64Array) -> Int64Array:
        """The trades of each block beyond those that every minute has."""
        deviations = self._prices.deviation_of_a_minute(
            self.market.base, self.market.quote, self._first, blocks.size
        )
        a_minute = max(1.5, _TRADES_PER_WEIGHT * self.market.weight - SINGLE_ORDERS)
        weekday = (blocks * BLOCK * MINUTE_MS // DAY_MS + 3) % 7
        busy = deviations / deviations.mean() * np.where(weekday >= 5, _WEEKEND, 1.0)
        more: Int64Array = (a_minute * busy * groups * GROUP).astype(np.int64)
        return more

    def block_of_trade(self, trade: int) -> int:
        """The block that has this trade."""
        return self._first + int(np.searchsorted(self._first_trade, trade, side="right")) - 1

    def block_of_order(self, order: int) -> int:
        """The block that has this aggregate trade."""
        return self._first + int(np.searchsorted(self._first_order, order, side="right")) - 1

    @property
    def trade_count(self) -> int:
        """Number of trades in all of the tables."""
        return int(self._first_trade[-1])

    @property
    def order_count(self) -> int:
        """Number of aggregate trades in all of the tables."""
        return int(self._first_order[-1])

    def log_prices(self, first: int, count: int) -> FloatArray:
        """Logarithm of the price at every minute of some blocks, as `Paths.blocks`."""
        values = self._prices.log_ratio(self.market.base, self.market.quote, first, count)
        if self._premium is not None:
            values += self.premiums(first, count)
        return values

    def premiums(self, first: int, count: int) -> FloatArray:
        """Logarithm of the price of a future in its index, at every minute of some blocks."""
        values: FloatArray = self._future.blocks(np.zeros(1, np.int64), first, count)[0]
        return values

    def premium_at(self, times: Int64Array) -> FloatArray:
        """The same at times in ms."""
        return self._future.at(np.zeros(times.shape, np.int64), times)

    @property
    def _future(self) -> Paths:
        if self._premium is None:
            raise ValueError(f"{self.market.symbol} ({self.market.kind}) is no USD-M future")
        return self._premium

    def blocks(self, first: int, count: int) -> tuple[Minutes, OrderTotals]:
        """Every minute of some blocks, in rows of 1,024."""
        values = self.log_prices(first, count)
        values += self._scale
        np.exp(values, out=values)
        np.rint(values, out=values)
        np.maximum(values, 1.0, out=values)
        ticks = values.astype(np.int64)
        minutes = np.arange(first * BLOCK, (first + count) * BLOCK).reshape(count, BLOCK)
        traded = self.hours.traded(minutes)
        live = traded.astype(np.int64)
        if self._quiet:
            live &= ~self._is_quiet(minutes)
        bits, more = random_bits(self._keys[0], minutes), random_bits(self._keys[1], minutes)

        before, close = ticks[:, :-1], ticks[:, 1:]
        open_ = np.maximum(before + _OPEN[_bits(more, 40, 2)], 1)
        deviations = self._prices.deviation_of_a_minute(self.market.base, self.market.quote, first, count)
        high, low, move = _extremes(open_, close, values[:, :-1], deviations, bits)
        if self._quiet:
            quiet = live == 0
            open_, high, low, close = (np.where(quiet, before, price) for price in (open_, high, low, close))

        column = first - self._first
        busy = _SEASON[minutes % 1440]
        busy *= _bits(bits, 0, 16) * (1 / 65536) + 0.3
        busy *= move + 0.6
        busy *= live
        trades, orders, first_trade, first_order = self._numbers(column, busy, live)
        rest = orders - SINGLE_ORDERS * live
        pairs = rest >> 1
        buy_pairs = (pairs * (_bits(bits, 48, 16) + 32768) + 65536) >> 17
        sell_pairs = pairs - buy_pairs
        size = self.order_size * _BUSY[_bits(bits, 40, 8)]
        bought = 2 * buy_pairs + (buy_pairs * size).astype(np.int64)
        sold = 2 * sell_pairs + (sell_pairs * size).astype(np.int64)
        at_open, at_high, at_low, at_close = (
            self._sizes[_bits(more, 8 * place, 8)] * live for place in range(4)
        )
        odd = self._sizes[_bits(more, 32, 8)] * (rest & 1)
        middle = (open_ + close) >> 1

        pairs_bought = bought << 1
        odd_bought = odd * taker_buys(more, 2)
        open_bought, close_bought = at_open * taker_buys(more, 0), at_close * taker_buys(more, 1)
        about_middle = pairs_bought + odd_bought
        taker_volume = at_high + open_bought + close_bought + about_middle
        at_highest = at_high * high
        taker_quote = at_highest + open_bought * open_ + close_bought * close + about_middle * middle
        about_middle = pairs_bought + odd + (sold << 1)
        volume = at_open + at_high + at_low + at_close + about_middle
        quote = at_highest + at_open * open_ + at_low * low + at_close * close + about_middle * middle
        made = Minutes(
            open_, high, low, close, volume, quote, taker_volume, taker_quote,
            trades, first_trade, orders, first_order, traded,
        )  # fmt: skip
        totals = OrderTotals(
            at_open, at_high, at_low, at_close, odd, middle, buy_pairs, sell_pairs, bought, sold, more
        )
        return made, totals

    def _is_quiet(self, minutes: Int64Array) -> Int64Array:
        """1 in one odd minute of each group: no two are adjacent, so the minute before has the last price."""
        groups = minutes[:, ::GROUP] // GROUP
        chosen = _bits(random_bits(self._keys[2], groups), 0, 3) * 2 + 1
        quiet: Int64Array = (minutes % GROUP == np.repeat(chosen, GROUP, axis=1)).astype(np.int64)
        return quiet

    def _numbers(self, column: int, busy: FloatArray, live: Int64Array) -> tuple[Int64Array, ...]:
        """Number of trades and orders of each minute, and the ids of the first ones."""
        count = len(busy)
        more = self._more_trades[column : column + count, None]
        np.cumsum(busy, axis=1, out=busy)
        busy *= more / np.maximum(busy[:, -1:], 1e-9)
        trades_until = np.empty((count, BLOCK + 1), np.int64)
        trades_until[:, 0] = 0
        trades_until[:, 1:] = busy
        trades_until[:, -1] = more[:, 0]
        orders_until = _orders_of(trades_until)
        always = np.zeros((count, BLOCK + 1), np.int64)
        np.cumsum(live, axis=1, out=always[:, 1:])
        always *= SINGLE_ORDERS
        trades_until += always
        orders_until += always
        trades, orders = np.diff(trades_until, axis=1), np.diff(orders_until, axis=1)
        trades_until += self._first_trade[column : column + count, None]
        orders_until += self._first_order[column : column + count, None]
        return trades, orders, trades_until[:, :-1], orders_until[:, :-1]


def _orders_of(more_trades: Int64Array) -> Int64Array:
    orders: Int64Array = (more_trades * ORDERS + TRADES - 1) // TRADES
    return orders


def _extremes(
    open_: Int64Array, close: Int64Array, level: FloatArray, deviations: FloatArray, bits: UInt64Array
) -> tuple[Int64Array, Int64Array, FloatArray]:
    """High and low of a Brownian bridge from open to close; and the move, in standard deviations."""
    move = (close - open_).astype(np.float64)
    deviation = level * deviations[:, None]
    variance = deviation * deviation
    square = move * move
    above = np.sqrt(square + variance * _REACH[_bits(bits, 16, 12)])
    above += move
    above *= 0.5
    below = np.sqrt(square + variance * _REACH[_bits(bits, 28, 12)])
    below -= move
    below *= 0.5
    high = np.maximum(open_ + above.astype(np.int64), np.maximum(open_, close))
    low = np.maximum(np.minimum(open_ - below.astype(np.int64), np.minimum(open_, close)), 1)
    np.abs(move, out=move)
    move /= deviation
    return high, low, move


def _premium(key: int, blocks: Int64Array, market: Market) -> Paths:
    """Logarithm of the price of a future in its index: about 0 for a perpetual."""
    ends = np.append(blocks, blocks[-1] + 1)
    nodes = _PREMIUM_DEVIATION * clustered(key, ends)
    if market.contract in QUARTERLY:
        times = ends * BLOCK * MINUTE_MS
        left = delivery_ms(times, QUARTERLY.index(market.contract)) - times
        nodes += _CARRY_A_YEAR * left / (365.25 * DAY_MS)
    deviations = np.full((1, blocks.size), _PREMIUM_DEVIATION)
    return Paths(keys=[key], nodes=nodes[None], deviations=deviations, first_block=int(blocks[0]))
