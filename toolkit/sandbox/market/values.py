"""Index prices, mark prices and premiums of perpetual futures, at any moment and as candles.

All are whole numbers of 10**-8. The mark price lies between the index price and the price of the trades.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, hash_key, random_bits
from toolkit.sandbox.market.candles import Candles, candles_of, no_candles
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.minutes import Minutes
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS
from toolkit.sandbox.market.symbols import ASSETS, Market

ValueKind = Literal["index", "mark", "premium"]

UNIT = 10**8
"""Values are divided by this."""

# The exchange smooths the premium before it marks prices.
_MARK_SHARE = 0.8
_S32, _MASK32 = np.uint64(32), np.uint64(0xFFFFFFFF)
_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Values:
    """Index price, mark price and premium at some times."""

    time: Int64Array
    index: Int64Array
    mark: Int64Array
    premium: Int64Array


def values_at(history: MarketHistory, market: Market, times: Int64Array) -> Values:
    """The values at these times in ms. The premium is a share of the index price, and may be negative."""
    index = _log_index_at(history, market, times)
    premium = history.series(market).premium_at(times)
    return Values(
        times, _rounded(np.exp(index)), _rounded(np.exp(index + _MARK_SHARE * premium)), _rounded(premium)
    )


def value_candles(
    history: MarketHistory,
    market: Market,
    kind: ValueKind,
    interval: str,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int,
    now_ms: int,
    newest: bool = False,
) -> Candles:
    """Candles of a value, as of trades; not by the second. They have no volume, and 60 values a minute."""
    source = ValueSource(history, market, kind)
    return candles_of(source, interval, start_ms, end_ms, limit=limit, now_ms=now_ms, newest=newest)


class ValueSource:
    """Candles of a value of a perpetual."""

    def __init__(self, history: MarketHistory, market: Market, kind: ValueKind) -> None:
        self.history = history
        self.market = market
        self.kind = kind
        self.hours = history.hours(market)
        self.key: Hashable = (market, kind)
        self._hash_key = hash_key(history.seed, market.symbol, kind)

    def minutes(self, first_minute: int, count: int) -> Minutes:
        """Minutes numbered since 1970, whether they are over or not."""
        first, last = first_minute // BLOCK, (first_minute + count) // BLOCK
        logs = self._logs(first, last - first + 1)[:, :-1].reshape(-1)
        begin = first_minute - first * BLOCK
        values = _rounded(logs if self.kind == "premium" else np.exp(logs))[begin : begin + count + 1]
        numbers = np.arange(first_minute, first_minute + count)
        open_, close = values[:-1], values[1:]
        # Between its ends a value goes beyond both by up to half of their distance.
        bits = random_bits(self._hash_key, numbers)
        reach = np.abs(close - open_) // 2
        above, below = (
            (reach * (part / 2.0**32)).astype(np.int64) for part in (bits >> _S32, bits & _MASK32)
        )
        zero = np.zeros(count, np.int64)
        return Minutes(
            open=open_,
            high=np.maximum(open_, close) + above,
            low=np.minimum(open_, close) - below,
            close=close,
            volume=zero,
            quote=zero,
            taker_volume=zero,
            taker_quote=zero,
            trades=np.full(count, _A_MINUTE),
            first_trade=zero,
            orders=zero,
            first_order=zero,
            traded=self.hours.traded(numbers),
        )

    def seconds(self, begin_ms: int, end_ms: int, now_ms: int) -> Candles:
        """There are none."""
        raise ValueError("values have no candles by the second")

    def running(self, minute_ms: int, now_ms: int) -> Candles:
        """The candle of the minute that runs."""
        minute = self.minutes(minute_ms // MINUTE_MS, 1)
        if not minute.traded[0]:
            return no_candles()
        now = getattr(values_at(self.history, self.market, np.array([now_ms])), self.kind)
        zero = np.zeros(1, np.int64)
        return Candles(
            open_time=np.array([minute_ms]),
            close_time=np.array([minute_ms + MINUTE_MS - 1]),
            open=minute.open,
            high=np.maximum(minute.open, now),
            low=np.minimum(minute.open, now),
            close=now,
            volume=zero,
            quote=zero,
            taker_volume=zero,
            taker_quote=zero,
            trades=zero + 1 + (now_ms - minute_ms) // 1000,
            first_trade=zero,
        )

    def _logs(self, first: int, count: int) -> FloatArray:
        """The logarithm of a price, or the premium itself, at every minute of some blocks."""
        premium = self.history.series(self.market).premiums(first, count)
        if self.kind == "premium":
            return premium
        logs = self.history.prices.log_ratio(self.market.base, self.market.quote, first, count)
        if self.kind == "mark":
            premium *= _MARK_SHARE
            logs += premium
        return logs


def _log_index_at(history: MarketHistory, market: Market, times: Int64Array) -> FloatArray:
    base, quote = (
        history.prices.paths.at(np.full(times.shape, ASSETS.index(asset)), times)
        for asset in (market.base, market.quote)
    )
    return base - quote


def _rounded(values: FloatArray) -> Int64Array:
    return np.rint(values * UNIT).astype(np.int64)
