"""The history of all symbols: minutes of any span, and who made them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from threading import Lock
from typing import Any, Generic, TypeVar

from toolkit.runtime import forks
from toolkit.sandbox.market.calendar import TradingHours
from toolkit.sandbox.market.minutes import Minutes, MinuteSeries, OrderTotals
from toolkit.sandbox.market.paths import BLOCK
from toolkit.sandbox.market.prices import Prices
from toolkit.sandbox.market.symbols import SPOT, UM, Market

# So many blocks fit into the processor's cache while they are made.
_AT_ONCE = 4
_BLOCKS_KEPT, _PARTS_KEPT, _DAYS_KEPT, _MINUTES_KEPT = 160, 512, 2048, 128

Kept = TypeVar("Kept")
Block = tuple[Minutes, OrderTotals]


class BoundedCache(Generic[Kept]):
    """The values used last, whichever threads use them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Kept] = OrderedDict()
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._lock = Lock()

    def find(self, key: Hashable) -> Kept | None:
        """The value of a key, None if it is not kept."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def keep(self, key: Hashable, value: Kept) -> None:
        """Keep a value instead of the one used longest ago."""
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)


class MarketHistory:
    """Candles, trades and books of the symbols.

    Args:
        seed: The same seed and start give the same history.
        start_ms: Beginning of history, in ms since 1970.
        markets: The symbols, spot and USD-M.

    Attributes:
        prices: Dollar prices of the assets.
        orders_cache: Orders of single minutes, for `toolkit.sandbox.market.trades`.
        parts_cache: Hourly candles and funding rates, in parts of some days; and the walks of positions.
        days_cache: Daily candles, in parts of a month.
    """

    def __init__(self, seed: int, start_ms: int, markets: Iterable[Market] = (*SPOT, *UM)) -> None:
        self.seed = seed
        self.start_ms = start_ms
        self.markets = tuple(markets)
        self.prices = Prices(seed, start_ms)
        self.orders_cache = BoundedCache[Any](_MINUTES_KEPT)
        self.parts_cache = BoundedCache[Any](_PARTS_KEPT)
        self.days_cache = BoundedCache[Any](_DAYS_KEPT)
        self._blocks = BoundedCache[Block](_BLOCKS_KEPT)
        self._series: dict[Market, MinuteSeries] = {}

    def hours(self, market: Market) -> TradingHours:
        """When a symbol is traded."""
        return TradingHours.of(market, self.start_ms)

    def series(self, market: Market) -> MinuteSeries:
        """What makes the minutes of a symbol."""
        if market not in self._series:
            self._series[market] = MinuteSeries(self.seed, self.prices, market, self.hours(market))
        return self._series[market]

    def block(self, market: Market, block: int) -> Block:
        """The 1,024 minutes of a block, kept for a while."""
        return self._kept(market, block, 1)[0]

    def minutes(self, market: Market, first_minute: int, count: int) -> Minutes:
        """Consecutive minutes, numbered since 1970.

        Trading knows no present here: minutes of the future are made as well.
        """
        made = Minutes.empty(count)
        end = first_minute + count
        block, last = first_minute // BLOCK, (end - 1) // BLOCK
        few = last - block < _AT_ONCE
        while block <= last:
            size = min(_AT_ONCE, last - block + 1)
            parts = (
                [minutes for minutes, _ in self._kept(market, block, size)]
                if few
                else [self.series(market).blocks(block, size)[0]]
            )
            for part in parts:
                length = part.open.size
                begin = block * BLOCK
                rows = slice(max(first_minute - begin, 0), min(end - begin, length))
                into = slice(begin + rows.start - first_minute, begin + rows.stop - first_minute)
                for name in Minutes.__slots__:
                    getattr(made, name)[into] = getattr(part, name).reshape(-1)[rows]
                block += length // BLOCK
        return made

    def _kept(self, market: Market, first: int, count: int) -> list[Block]:
        """Some blocks; those that are not kept are made at once, which takes less time than one by one."""
        found = [self._blocks.find((market, block)) for block in range(first, first + count)]
        missing = [number for number, block in enumerate(found) if block is None]
        if missing:
            minutes, totals = self.series(market).blocks(first + missing[0], missing[-1] - missing[0] + 1)
            for row, number in enumerate(range(missing[0], missing[-1] + 1)):
                found[number] = made = minutes.block(row), totals.block(row)
                self._blocks.keep((market, first + number), made)
        return [block for block in found if block is not None]
