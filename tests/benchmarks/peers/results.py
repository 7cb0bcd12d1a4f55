"""What the contestants gave: the table, and whether it is as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.peers.contestants import Reading
from tests.benchmarks.peers.exchange import Charged

MIN_RATIO_AS_IT_IS = 30
MIN_RATIO_WITHOUT_SLEEPS = 3
MIN_RATIO_CCXT = 2
MIN_FIRST_MINUTE = 0.95


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes:
        name: What the table calls the contestant.
        reading: What it read.
        charged: What the exchange counted meanwhile.
    """

    name: str
    reading: Reading
    charged: Charged

    @property
    def rows(self) -> int:
        """Number of rows that it read."""
        return sum(len(rows) for rows in self.reading.rows.values())


def difference(theirs: Reading, ours: Reading) -> str:
    """Where the rows of two readings differ, in the columns that both have; "" if they are equal."""
    if theirs.error:
        return theirs.error
    if theirs.rows.keys() != ours.rows.keys():
        return f"symbols {sorted(theirs.rows)}, and {sorted(ours.rows)} of ours"
    for symbol, rows in ours.rows.items():
        others = theirs.rows[symbol]
        if len(others) != len(rows):
            return f"{symbol}: {len(others):,} rows, and {len(rows):,} of ours"
        width = min(others.shape[1], rows.shape[1])
        unequal = np.argwhere(others[:, :width] != rows[:, :width])
        if len(unequal):
            row, column = unequal[0]
            return f"{symbol}: {others[row, column]!r} in row {row}, and {rows[row, column]!r} of ours"
    return ""


def table(results: Sequence[Result], ours: Result, limit: int) -> str:
    """The results as a table in Markdown."""
    lines = [
        "| client | seconds | times ours | requests | weight | of the first minute's | 429 | rows | equal to "
        "ours | processor seconds: client, exchange |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    for result in results:
        reading, charged = result.reading, result.charged
        cells = [
            result.name,
            f"{reading.seconds:.1f}",
            "" if reading.error else f"{reading.seconds / ours.reading.seconds:.1f}",
            f"{charged.requests:,}",
            f"{charged.weight:,}",
            f"{charged.first_minute / limit:.0%}",
            f"{charged.refused}",
            f"{result.rows:,}",
            "" if result is ours else difference(reading, ours.reading) or "all",
            f"{reading.processor_seconds:.1f}, {charged.processor_seconds:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def shortfalls_of_one(ours: Result, as_it_is: Result, without_sleeps: Result, ccxt: Result) -> list[str]:
    """What is not as it should be with one symbol."""
    found = []
    for other, wanted in (
        (as_it_is, MIN_RATIO_AS_IT_IS),
        (without_sleeps, MIN_RATIO_WITHOUT_SLEEPS),
        (ccxt, MIN_RATIO_CCXT),
    ):
        ratio = other.reading.seconds / ours.reading.seconds
        if ratio < wanted:
            found.append(f"{ratio:.1f} times as fast as {other.name}, not {wanted}")
    return found


def shortfalls_of_six(ours: Result, limit: int) -> list[str]:
    """What is not as it should be with six symbols, which need more than a minute's allowance."""
    found = []
    if ours.charged.refused:
        found.append(f"{ours.charged.refused} of our requests were refused")
    if ours.charged.weight <= limit:
        found.append(f"a weight of {ours.charged.weight:,} fits in one minute")
    if ours.charged.first_minute < MIN_FIRST_MINUTE * limit:
        found.append(f"{ours.charged.first_minute:,} of {limit:,} used in the first minute")
    return found


def shortfalls_of_rows(others: Sequence[Result], ours: Result, span: tuple[int, int]) -> list[str]:
    """Where rows differ from ours, or ours do not reach from the first minute to the last."""
    found = [f"{ours.name}: {ours.reading.error}"] if ours.reading.error else []
    for symbol, rows in ours.reading.rows.items():
        if len(rows) == 0 or (rows[0, 0], rows[-1, 0]) != span:
            found.append(f"{ours.name}: rows of {symbol} are missing")
    for other in others:
        reason = difference(other.reading, ours.reading)
        if reason:
            found.append(f"{other.name}: {reason}")
    return found
