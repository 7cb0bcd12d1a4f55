"""Prices at which orders are filled: each lies within its minute's candle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import ASSETS, Market


class FillPrices:
    """Prices of futures, in ticks.

    Args:
        history: The market.
        markets: The futures. Those of COIN-M have no candles, and the price of the index.
    """

    def __init__(self, history: MarketHistory, markets: Sequence[Market]) -> None:
        self._history = history
        self._markets = markets
        self._bases = np.array([ASSETS.index(each.base) for each in markets])
        self._quotes = np.array([ASSETS.index(each.quote) for each in markets])
        self._scales = np.array([each.price_decimals * np.log(10) for each in markets])

    def within_minutes(self, market: Int64Array, times: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Two prices between which every price has been in the candle of the minute of each time."""
        begins = times // MINUTE_MS * MINUTE_MS
        both = self.at(np.tile(market, 2), np.concatenate((begins, begins + MINUTE_MS)))
        before, close = both[: len(times)], both[len(times) :]
        # The candle may open a tick away from the close before it.
        return before + np.sign(close - before), close

    def at(self, market: Int64Array, times: Int64Array) -> Int64Array:
        """The price at each time."""
        paths = self._history.prices.paths
        logs: FloatArray = paths.at(self._bases[market], times)
        if self._markets[0].kind == "um":
            logs -= paths.at(self._quotes[market], times)
            for each in np.unique(market).tolist():
                rows = np.flatnonzero(market == each)
                logs[rows] += self._history.series(self._markets[each]).premium_at(times[rows])
        ticks: Int64Array = np.maximum(np.rint(np.exp(logs + self._scales[market])), 1.0).astype(np.int64)
        return ticks
