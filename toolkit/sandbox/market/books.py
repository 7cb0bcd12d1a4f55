"""Order books: what is offered around the price of the last trade, at any moment.

Whether a price has orders follows from the price, and their quantity from the price and the time, so a book
changes a little from one moment to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import BoolArray, FloatArray, Int64Array, UInt64Array, hash_key, random_bits
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import PRICES_USD, Market
from toolkit.sandbox.market.trades import counts, latest_trades

MAX_LEVELS = 5000

_MOMENT_MS = 100
# Where prices have more ticks than this, only some have orders.
_DENSE_TICKS = 500_000
_SPARSEST = 8
_WIDEST_SPREAD = 4
_SIZES = (-np.log((np.arange(256) + 0.5) / 256)) ** 1.5
# The quantity grows with the distance from the best price, up to this many times.
_DEEPEST = 4
# Dollars offered within a ten-thousandth of the price, for a weight of 1 and next to the best price.
_USD_PER_BASIS_POINT = 6000.0
_S8, _S32 = np.uint64(8), np.uint64(32)
_MASK8 = np.uint64(0xFF)


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Prices in ticks and quantities in steps, best first.

    Attributes:
        update_id: Never falls; two books with the same one are the same.
        time: When the book was last changed, in ms.
    """

    update_id: int
    time: int
    bid_prices: Int64Array
    bid_quantities: Int64Array
    ask_prices: Int64Array
    ask_quantities: Int64Array


def book(history: MarketHistory, market: Market, now_ms: int, levels: int = MAX_LEVELS) -> OrderBook | None:
    """The book of a symbol at a moment, None if it is not listed or was never traded.

    During maintenance the book rests. A cheap symbol may have fewer bids, which end at one tick.
    """
    hours = history.hours(market)
    last = latest_trades(history, market, 1, now_ms)
    if not hours.is_listed(now_ms) or not len(last):
        return None
    stopped, resumed = hours.maintenance
    moment = (stopped - 1 if stopped <= now_ms < resumed else now_ms) // _MOMENT_MS
    key = hash_key(history.seed, market.kind, market.symbol, "book")
    price = int(last.price[0])
    spread = _spread(key, moment, price)
    # The last trade was with the best price of its side.
    bid, ask = (price - spread, price) if last.taker_buys[0] else (price, price + spread)
    bid = max(bid, 1)
    ask = max(ask, bid + 1)
    size = _level_size(market, price)
    bids, asks = _prices(key, bid, -1, levels, price), _prices(key + 1, ask, 1, levels, price)
    return OrderBook(
        update_id=counts(history, market, now_ms)[0] + moment,
        time=max(moment * _MOMENT_MS, int(last.time[0])),
        bid_prices=bids,
        bid_quantities=_quantities(key, bids, moment, size),
        ask_prices=asks,
        ask_quantities=_quantities(key + 1, asks, moment, size),
    )


def _one_in(price: int) -> int:
    """One in so many ticks has orders."""
    return min(1 << (price // _DENSE_TICKS).bit_length(), _SPARSEST)


def _level_size(market: Market, price: int) -> float:
    """The average quantity at a price, in steps: the finer the ticks, the less each of them has."""
    base, quote = PRICES_USD[market.base], PRICES_USD[market.quote]
    ticks = base / quote * 10**market.price_decimals
    usd = market.weight * _USD_PER_BASIS_POINT * _one_in(price) * 10_000 / ticks
    size: float = usd / base * 10**market.quantity_decimals
    return size


def _spread(key: int, moment: int, price: int) -> int:
    """One tick for most of the time, more where ticks are fine."""
    widest = min(_WIDEST_SPREAD * (1 + price // _DENSE_TICKS), 1 + price // 1000)
    draw = int(random_bits(key + 2, np.array([moment // 20]))[0]) % 4096
    return 1 + int((draw / 4096) ** 4 * widest)


def _prices(key: int, best: int, direction: int, levels: int, price: int) -> Int64Array:
    """Prices with orders from the best one on."""
    one_in = _one_in(price)
    if one_in == 1:
        return _positive(best + direction * np.arange(levels))
    # So many ticks hold enough levels but for a chance of one in a million.
    ticks = one_in * (levels + 5 * int(levels**0.5) + 16)
    prices = _positive(best + direction * np.arange(ticks))
    present: BoolArray = (random_bits(key, prices) >> _S32) % np.uint64(one_in) == 0
    present[0] = True
    return prices[present][:levels]


def _positive(prices: Int64Array) -> Int64Array:
    """The prices that there can be."""
    return prices[prices > 0]


def _quantities(key: int, prices: Int64Array, moment: int, size: float) -> Int64Array:
    """Quantities at these prices, each of which changes at its own pace: after 0.1 to 25 seconds."""
    bits: UInt64Array = random_bits(key + 3, prices)
    pace = ((bits & _MASK8) + np.uint64(1)).view(np.int64)
    since = (moment + ((bits >> _S8) & _MASK8).view(np.int64)) // pace
    drawn = _SIZES[(random_bits(key + 4, prices, since) & _MASK8).view(np.int64)]
    deep = np.minimum(1 + np.arange(prices.size) / 25, _DEEPEST)
    quantities: FloatArray = 1 + size * drawn * deep
    return quantities.astype(np.int64)
