"""What the sandbox's market costs: whole years at once, and pages from a cold place."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.measure import processor_seconds, report
from toolkit.sandbox.market.books import book
from toolkit.sandbox.market.calendar import DAY_MS
from toolkit.sandbox.market.candles import candles
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.paths import MINUTE_MS
from toolkit.sandbox.market.symbols import SPOT, UM
from toolkit.sandbox.market.tickers import statistics
from toolkit.sandbox.market.trades import trades

START = 1_730_419_200_000
NOW = START + 745 * DAY_MS
YEAR = 365 * 1440
# Reached on a busy machine with two processors; the goal is 2 million.
MIN_ROWS_A_SECOND = 2_000_000


def test_a_year_of_minutes_of_20_symbols() -> None:
    """Baseline: numpy's exp(cumsum()) of as many numbers, which makes one column of prices."""
    history = MarketHistory(7, START)
    markets = SPOT[:20]
    first = START // MINUTE_MS + 300 * 1440
    steps = np.full(YEAR, 1e-9)

    def ours() -> None:
        for market in markets:
            assert len(history.minutes(market, first, YEAR)) == YEAR

    def bare() -> None:
        for _ in markets:
            assert np.exp(np.cumsum(steps)).size == YEAR

    took, alone = processor_seconds(ours, bare, rounds=3)
    rows = YEAR * len(markets)
    report(f"{rows:,} minutes, {rows / took / 1e6:.1f} million a second", took, alone, "exp(cumsum()) alone")
    assert rows / took >= MIN_ROWS_A_SECOND


def test_pages_from_a_cold_place() -> None:
    """Baseline: the same page again, which is kept."""
    history = MarketHistory(7, START)
    bitcoin = SPOT[0]
    days = iter(range(1, 700))

    def minutes() -> None:
        for _ in range(50):
            candles(history, bitcoin, "1m", start_ms=START + next(days) * DAY_MS, limit=1000, now_ms=NOW)

    def again() -> None:
        for _ in range(50):
            candles(history, bitcoin, "1m", start_ms=START, limit=1000, now_ms=NOW)

    cold, warm = processor_seconds(minutes, again, rounds=5)
    report("50 pages of 1,000 minutes", cold, warm, "one page 50 times")


def test_all_tickers_and_books() -> None:
    """Baseline: a page of 1,000 trades of each symbol."""
    history = MarketHistory(7, START)
    markets = (*SPOT, *UM)

    def tickers() -> None:
        for market in markets:
            statistics(history, market, NOW - DAY_MS + 1, NOW)

    def books() -> None:
        for market in markets:
            book(history, market, NOW, 100)

    def pages() -> None:
        for market in markets:
            trades(history, market, 100_000, 100_999)

    took, depth, alone = processor_seconds(tickers, books, pages)
    report(f"24 hours of {len(markets)} symbols", took, alone, "1,000 trades of each")
    report(f"books of {len(markets)} symbols, 100 levels", depth, alone, "1,000 trades of each")
