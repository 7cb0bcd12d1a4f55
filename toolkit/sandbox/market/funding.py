"""Funding of perpetual futures: what longs pay to shorts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array
from toolkit.sandbox.market.calendar import HOUR_MS
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import BLOCK, MINUTE_MS
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.values import UNIT, values_at

USUAL_HOURS = 8
"""Hours between two payments of most symbols."""
INTEREST = UNIT // 10_000
"""Interest of the usual hours, 0.01 %, in 10**-8."""
CAP = UNIT * 3 // 100
"""Greatest rate either way, 3 %, in 10**-8."""

_HALF_WIDTH = 0.0005
# Rates are kept in parts: a whole number of blocks and of intervals.
_PART_BLOCKS = 30
_PART_MS = _PART_BLOCKS * BLOCK * MINUTE_MS


@dataclass(frozen=True, slots=True)
class FundingRates:
    """Payments of funding, oldest first: times in ms, rates and mark prices in 10**-8."""

    time: Int64Array
    rate: Int64Array
    mark: Int64Array

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.__slots__))


def funding_rates(
    history: MarketHistory,
    market: Market,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int,
    now_ms: int,
    newest: bool = False,
) -> FundingRates:
    """The payments within a span, both ends included, up to now.

    Args:
        history: Where they come from.
        market: A perpetual.
        start_ms: Beginning of the span; None is the beginning of trading.
        end_ms: End of the span; None is now.
        limit: Largest number of payments.
        now_ms: Nothing later is told.
        newest: If there are more than `limit`, give the last of them, otherwise the first.
    """
    hours, width = history.hours(market), market.funding_hours * HOUR_MS
    last_ms = hours.end_of_trading(now_ms) - 1
    if end_ms is not None:
        last_ms = min(last_ms, end_ms)
    # The first payment is after a whole interval of trading.
    first = -(-hours.listed_ms // width) + 1
    if start_ms is not None:
        first = max(first, -(-start_ms // width))
    last = last_ms // width
    if newest:
        first = max(first, last - limit + 1)
    times = np.arange(first, min(last, first + limit - 1) + 1) * width
    return FundingRates(times, _rates(history, market, times), values_at(history, market, times).mark)


def next_funding_ms(market: Market, now_ms: int) -> int:
    """The time of the next payment."""
    width = market.funding_hours * HOUR_MS
    return (now_ms // width + 1) * width


def _rates(history: MarketHistory, market: Market, times: Int64Array) -> Int64Array:
    """The rates at consecutive times, from parts that are kept."""
    if not times.size:
        return times
    width = market.funding_hours * HOUR_MS
    length = _PART_MS // width
    first, last = int(times[0]) // width, int(times[-1]) // width
    parts = []
    for number in range(first // length, last // length + 1):
        part: Int64Array | None = history.parts_cache.find((market, "funding", number))
        if part is None:
            part = _part(history, market, number)
            history.parts_cache.keep((market, "funding", number), part)
        parts.append(part)
    begin = first - first // length * length
    return np.concatenate(parts)[begin : begin + times.size]


def _part(history: MarketHistory, market: Market, number: int) -> Int64Array:
    """The average premium of the interval before each time, moved towards the interest by 0.05 % at most."""
    minutes = market.funding_hours * 60
    # The first interval began before this part.
    begin = number * _PART_MS // MINUTE_MS - minutes
    first = begin // BLOCK
    premiums = history.series(market).premiums(first, _PART_BLOCKS + 1)[:, :-1].reshape(-1)
    count = _PART_BLOCKS * BLOCK // minutes
    begin -= first * BLOCK
    premium = premiums[begin : begin + count * minutes].reshape(count, minutes).mean(axis=1)
    interest = INTEREST / UNIT * market.funding_hours / USUAL_HOURS
    rates: FloatArray = premium + np.clip(interest - premium, -_HALF_WIDTH, _HALF_WIDTH)
    return np.clip(np.rint(rates * UNIT), -CAP, CAP).astype(np.int64)
