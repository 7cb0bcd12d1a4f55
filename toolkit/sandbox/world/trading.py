"""Which market an order goes to, and at what prices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.sandbox.hashing import BoolArray, FloatArray, Int64Array, weighted_choice
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.minutes import ALWAYS_TRADED
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import ASSETS, SPOT, Market
from toolkit.sandbox.world.stream import Block
from toolkit.sandbox.world.units import DECIMALS, UNITS

_FOREVER = 2**62
# Draws of another market where the one before does not trade at that time.
_DRAWS = ("market", "market else", "market then", "market instead")


class MarketChoice:
    """Chooses a market for each order, by weight, of those that trade at that time.

    Args:
        markets: The markets. The first one has to trade in every minute: it gets the orders that are left.
        start_ms: The beginning of history.

    Attributes:
        all: The markets.
        bases: Index of each market's base asset.
        quotes: Index of each market's quote asset.
    """

    def __init__(self, markets: Sequence[Market], start_ms: int) -> None:
        self.all = markets
        self.bases = _indices([each.base for each in markets])
        self.quotes = _indices([each.quote for each in markets])
        self._weights = [each.weight for each in markets]
        hours = [TradingHours.of(each, start_ms) for each in markets]
        self._listed = np.array([each.listed_ms for each in hours], dtype=np.int64)
        self._delisted = np.array([each.delisted_ms or _FOREVER for each in hours], dtype=np.int64)
        self._thin = np.array([each.weight < ALWAYS_TRADED for each in markets], dtype=np.bool_)

    def trade(self, which: Int64Array, times: Int64Array) -> BoolArray:
        """Whether these markets, by index, trade at these times (ms)."""
        odd = times // MINUTE_MS % 2 == 1
        listed = (self._listed[which] <= times) & (times < self._delisted[which])
        trade: BoolArray = listed & ~(self._thin[which] & odd)
        return trade

    def of(self, block: Block) -> Int64Array:
        """The index of the market of each row."""
        which = weighted_choice(block.by_order(_DRAWS[0]), self._weights)
        for label in _DRAWS[1:]:
            idle = np.flatnonzero(~self.trade(which, block.time))
            if not len(idle):
                return which
            which[idle] = weighted_choice(block.take(idle).by_order(label), self._weights)
        return np.where(self.trade(which, block.time), which, 0)


def minute_end(times: Int64Array) -> Int64Array:
    """The end of the minute of each time (ms), when its candle has its closing price."""
    return (times // MINUTE_MS + 1) * MINUTE_MS


class Converter:
    """Values of assets, and prices of one in another as their market shows them.

    Args:
        prices: What the assets are worth.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._decimals = np.full((len(ASSETS), len(ASSETS)), DECIMALS)
        for market in SPOT:
            self._decimals[ASSETS.index(market.base), ASSETS.index(market.quote)] = market.price_decimals

    def at_close(
        self, bases: Int64Array, quotes: Int64Array, fees: Int64Array, times: Int64Array
    ) -> tuple[Int64Array, Int64Array, FloatArray]:
        """Prices of each base asset and of a fee's asset in a quote asset, at the close of the minute.

        Prices are in units of 1e-8, and whole ticks of the market. The last column is what one unit of the
        quote asset is worth in dollars.

        Args:
            bases: Index of the base asset of each market.
            quotes: Index of the quote asset of each market.
            fees: Index of the asset of each fee: one of the two, or one that is traded against the quote.
            times: When, in milliseconds.
        """
        other = np.flatnonzero((fees != bases) & (fees != quotes))
        closes = minute_end(times)
        dollars = self._prices.usd_of(
            np.concatenate((bases, quotes, fees[other])), np.concatenate((closes, closes, closes[other]))
        )
        base, quote, fee = np.split(dollars, [len(bases), 2 * len(bases)])
        price = self._in_units(bases, quotes, base / quote)
        converted = np.where(fees == quotes, UNITS, price)
        converted[other] = self._in_units(fees[other], quotes[other], fee / quote[other])
        return price, converted, quote

    def _in_units(self, bases: Int64Array, quotes: Int64Array, prices: FloatArray) -> Int64Array:
        decimals = self._decimals[bases, quotes]
        ticks = np.maximum(np.rint(prices * 10.0**decimals).astype(np.int64), 1)
        units: Int64Array = ticks * 10 ** (DECIMALS - decimals)
        return units


def _indices(assets: Sequence[str]) -> Int64Array:
    return np.array([ASSETS.index(name) for name in assets], dtype=np.int64)
