"""What the tests of the simulated market have in common."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.market.calendar import DAY_MS
from toolkit.sandbox.market.candles import Candles
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import QUARTERS, SPOT, UM, Market

START = 1_730_419_200_000  # 2024-11-01
NOW = START + 745 * DAY_MS + 12_345_678
HISTORY = MarketHistory(7, START, (*SPOT, *UM, *QUARTERS))
PRICES = ("open", "high", "low", "close")
SUMS = ("volume", "quote", "taker_volume", "taker_quote", "trades")


def market(kind: str, symbol: str) -> Market:
    return next(each for each in HISTORY.markets if (each.kind, each.symbol) == (kind, symbol))


def first_minute(each: Market) -> int:
    return HISTORY.hours(each).listed_ms // MINUTE_MS


def last_minute(each: Market) -> int:
    """The last minute that is over."""
    return HISTORY.hours(each).end_of_trading(NOW - NOW % MINUTE_MS - 1) // MINUTE_MS - 1


@st.composite
def minutes_of_markets(draw: st.DrawFn, longest: int) -> tuple[Market, int, int]:
    """A symbol, the first minute of a span of its history, and the number of minutes."""
    each = draw(st.sampled_from(HISTORY.markets))
    stopped, resumed = (edge // MINUTE_MS for edge in HISTORY.hours(each).maintenance)
    edges = [first_minute(each), stopped - 3, resumed - 3, last_minute(each) - longest]
    first = draw(st.integers(first_minute(each), last_minute(each) - 1) | st.sampled_from(edges))
    first = max(first, first_minute(each))
    return each, first, draw(st.integers(1, min(longest, last_minute(each) - first + 1)))


def exactly(column: Int64Array) -> list[int]:
    """Python's integers, which never overflow."""
    return [int(value) for value in column]


def assert_equal(left: Candles, right: Candles) -> None:
    for name in Candles.__slots__:
        assert exactly(getattr(left, name)) == exactly(getattr(right, name)), name


def folded(parts: Candles) -> dict[str, int]:
    """One candle of several, by Python's arithmetic: those without trades add nothing."""
    live = [row for row in range(len(parts)) if parts.trades[row]] or [len(parts) - 1]
    columns = {name: [int(getattr(parts, name)[row]) for row in live] for name in (*PRICES, *SUMS)}
    return {
        "open": columns["open"][0],
        "high": max(columns["high"]),
        "low": min(columns["low"]),
        "close": columns["close"][-1],
        **{name: sum(columns[name]) for name in SUMS},
    }


def row_of(made: Candles, row: int) -> dict[str, int]:
    return {name: int(getattr(made, name)[row]) for name in (*PRICES, *SUMS)}


def times(*values: int) -> Int64Array:
    return np.array(values, dtype=np.int64)
