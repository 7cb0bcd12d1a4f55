"""The history of all symbols: minutes of any span, and who made them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields
from threading import Lock
from typing import TypeVar

from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.minutes import Minutes, MinuteSeries, OrderTotals
from toolkit.sandbox.market.paths import BLOCK
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import SPOT, UM, Market

# So many blocks fit into the processor's cache while they are made.
_AT_ONCE = 4
_BLOCKS_KEPT, _HOURS_KEPT = 160, 512

Made = TypeVar("Made")


class BoundedCache:
    """The values used last, whichever threads use them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """The value of a key, made if it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


class MarketHistory:
    """Candles, trades and books of the symbols.

    Args:
        seed: The same seed and start give the same history.
        start_ms: Beginning of history, in ms since 1970.
        markets: The symbols, spot and USD-M.
    """

    def __init__(self, seed: int, start_ms: int, markets: Iterable[Market] = (*SPOT, *UM)) -> None:
        self.seed = seed
        self.start_ms = start_ms
        self.markets = tuple(markets)
        self.prices = Prices(seed, start_ms)
        self.hours_cache = BoundedCache(_HOURS_KEPT)
        self._blocks = BoundedCache(_BLOCKS_KEPT)
        self._series: dict[Market, MinuteSeries] = {}

    def hours(self, market: Market) -> TradingHours:
        """When a symbol is traded."""
        return TradingHours.of(market, self.start_ms)

    def series(self, market: Market) -> MinuteSeries:
        """What makes the minutes of a symbol."""
        if market not in self._series:
            self._series[market] = MinuteSeries(self.seed, self.prices, market, self.hours(market))
        return self._series[market]

    def block(self, market: Market, block: int) -> tuple[Minutes, OrderTotals]:
        """The 1,024 minutes of a block, kept for a while."""

        def make() -> tuple[Minutes, OrderTotals]:
            minutes, totals = self.series(market).blocks(block, 1)
            return minutes.flat(), totals.flat()

        return self._blocks.get((market, block), make)

    def minutes(self, market: Market, first_minute: int, count: int) -> Minutes:
        """Consecutive minutes, numbered since 1970.

        Trading knows no present here: minutes of the future are made as well.
        """
        made = Minutes.empty(count)
        series = self.series(market)
        end = first_minute + count
        block, last = first_minute // BLOCK, (end - 1) // BLOCK
        keep = last - block < _AT_ONCE
        names = [field.name for field in fields(Minutes)]
        while block <= last:
            size = 1 if keep else min(_AT_ONCE, last - block + 1)
            part = self.block(market, block)[0] if keep else series.blocks(block, size)[0]
            begin, until = max(first_minute, block * BLOCK), min(end, (block + size) * BLOCK)
            rows = slice(begin - block * BLOCK, until - block * BLOCK)
            into = slice(begin - first_minute, until - first_minute)
            for name in names:
                getattr(made, name)[into] = getattr(part, name).reshape(-1)[rows]
            block += size
        return made
