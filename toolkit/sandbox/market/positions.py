"""Open interest, long and short positions, taker volumes and the basis, by period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, hash_key
from toolkit.sandbox.market import intervals
from toolkit.sandbox.market.calendar import DAY_MS, delivery_ms
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import Paths
from toolkit.sandbox.market.prices import BLOCKS, clustered, first_block
from toolkit.sandbox.market.symbols import PRICES_USD, QUARTERLY, Market
from toolkit.sandbox.market.values import values_at

RATIO_UNIT = 10_000
"""Ratios and shares of accounts are divided by this."""

Holders = Literal["global accounts", "top accounts", "top positions"]

# About what is traded in a day.
_OPEN_INTEREST_USD_PER_WEIGHT = 3e7
_SPREAD = {"open interest": 0.25, "global accounts": 0.35, "top accounts": 0.3, "top positions": 0.2}
# Of each block in the one before: positions are held for weeks.
_PERSISTENCE = 0.98
# More accounts are long than short.
_MEAN = {"open interest": 0.0, "global accounts": 0.35, "top accounts": 0.3, "top positions": 0.1}


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Contracts held, in steps; and their value at the mark price, in the quote asset times 10**-8."""

    time: Int64Array
    contracts: Int64Array
    value: Int64Array


@dataclass(frozen=True, slots=True)
class LongShortRatios:
    """Shares of longs and shorts and their ratio, in 10**-4."""

    time: Int64Array
    long: Int64Array
    short: Int64Array
    ratio: Int64Array


@dataclass(frozen=True, slots=True)
class TakerVolumes:
    """What takers bought and sold in the period that begins at `time`, in steps, and the ratio in 10**-4."""

    time: Int64Array
    bought: Int64Array
    sold: Int64Array
    ratio: Int64Array


@dataclass(frozen=True, slots=True)
class BasisValues:
    """Index price, futures price and their difference, in 10**-8.

    Attributes:
        rate: The difference as a share of the index, in 10**-4.
        annualized: The same for a year, None for a perpetual. The last day counts as a whole one.
    """

    time: Int64Array
    index: Int64Array
    futures: Int64Array
    basis: Int64Array
    rate: Int64Array
    annualized: Int64Array | None


def period_times(
    history: MarketHistory,
    market: Market,
    period: str,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int,
    now_ms: int,
    newest: bool = False,
) -> Int64Array:
    """When the periods within a span begin, both ends included, up to now; none in maintenance.

    Without `newest` the first `limit` of them, otherwise the last.
    """
    hours, width = history.hours(market), intervals.WIDTHS[period]
    last_ms = hours.end_of_trading(now_ms) - 1
    if end_ms is not None:
        last_ms = min(last_ms, end_ms)
    first_ms = hours.listed_ms if start_ms is None else max(start_ms, hours.listed_ms)
    stopped, resumed = hours.maintenance
    first, last = -(-first_ms // width), last_ms // width
    spare = limit - (stopped - resumed) // width
    if newest:
        first = max(first, last - spare + 1)
    times = np.arange(first, min(last, first + spare - 1) + 1) * width
    times = times[(times < stopped) | (times >= resumed)]
    return times[max(times.size - limit, 0) :] if newest else times[:limit]


def open_interest(history: MarketHistory, market: Market, times: Int64Array) -> OpenInterest:
    """Open interest at these times."""
    usd = _OPEN_INTEREST_USD_PER_WEIGHT * market.weight
    average = usd / PRICES_USD[market.base] * 10**market.quantity_decimals
    contracts = np.rint(average * np.exp(_walk(history, market, "open interest", times))).astype(np.int64)
    mark = values_at(history, market, times).mark
    value = [
        int(number) * int(price) // 10**market.quantity_decimals
        for number, price in zip(contracts, mark, strict=True)
    ]
    return OpenInterest(times, contracts, np.array(value, dtype=np.int64))


def long_short_ratios(
    history: MarketHistory, market: Market, holders: Holders, times: Int64Array
) -> LongShortRatios:
    """How accounts or positions divide into long and short, at these times."""
    share = 1 / (1 + np.exp(-_walk(history, market, holders, times)))
    long = np.clip(np.rint(share * RATIO_UNIT).astype(np.int64), 1, RATIO_UNIT - 1)
    return LongShortRatios(times, long, RATIO_UNIT - long, long * RATIO_UNIT // (RATIO_UNIT - long))


def taker_volumes(
    history: MarketHistory, market: Market, period: str, times: Int64Array, now_ms: int
) -> TakerVolumes:
    """Volumes of the periods that begin at these times, from `period_times`; they agree with candles."""
    if not times.size:
        return TakerVolumes(times, times, times, times)
    first, last = int(times[0]), int(times[-1])
    made = candles(history, market, period, start_ms=first, end_ms=last, limit=times.size, now_ms=now_ms)
    bought = made.taker_volume
    sold = made.volume - bought
    return TakerVolumes(made.open_time, bought, sold, bought * RATIO_UNIT // np.maximum(sold, 1))


def basis(history: MarketHistory, market: Market, times: Int64Array) -> BasisValues:
    """The difference between a future and its index, at these times."""
    values = values_at(history, market, times)
    futures = np.rint(values.index * np.exp(history.series(market).premium_at(times))).astype(np.int64)
    difference = futures - values.index
    share = difference / values.index * RATIO_UNIT
    annualized = None
    if market.contract in QUARTERLY:
        left = np.maximum(delivery_ms(times, QUARTERLY.index(market.contract)) - times, DAY_MS)
        annualized = np.rint(share * (365 * DAY_MS / left)).astype(np.int64)
    rate = np.rint(share).astype(np.int64)
    return BasisValues(times, values.index, futures, difference, rate, annualized)


def _walk(history: MarketHistory, market: Market, word: str, times: Int64Array) -> FloatArray:
    """A slow walk about a mean."""
    path: Paths | None = history.parts_cache.find((market, word))
    if path is None:
        key = hash_key(history.seed, market.symbol, word)
        first = first_block(history.start_ms)
        blocks = np.arange(first, first + BLOCKS + 1)
        nodes = _MEAN[word] + _SPREAD[word] * clustered(key, blocks, _PERSISTENCE)
        path = Paths(
            keys=[key],
            nodes=nodes[None],
            deviations=np.full((1, BLOCKS), _SPREAD[word] / 5),
            first_block=first,
        )
        history.parts_cache.keep((market, word), path)
    return path.at(np.zeros(times.shape, np.int64), times)
