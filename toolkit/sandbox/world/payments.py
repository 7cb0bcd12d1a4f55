"""Rows that appear once they are paid, some time after the trades that they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.world.stream import HOUR, Block, RowGenerator, Stream, StreamTable
from toolkit.sandbox.world.tables import Row

NOW = "now"
"""The filter that says what time it is (ms): rows that are paid later are left out."""


class PaidRows(RowGenerator, Protocol):
    """Generates rows that are each paid at some time."""

    def paid_at(self, block: Block) -> Int64Array:
        """When each row is paid, in milliseconds."""
        ...

    def payments(self, block: Block) -> tuple[Int64Array, Int64Array]:
        """Asset (its index) and amount (in units of 1e-8) of each row."""
        ...


class PaidTable:
    """A `Table` of rows in the order of their trades, each of which appears when it is paid.

    Args:
        stream: The rows.
        generator: Generates them.
        longest_delay: The longest time from a trade to its payment, in milliseconds.
        now_ms: The time of a request that has none.
    """

    def __init__(self, stream: Stream, generator: PaidRows, longest_delay: int, now_ms: int) -> None:
        self._stream = stream
        self._generator = generator
        self._longest_delay = longest_delay
        self._now_ms = now_ms
        self._all = StreamTable(lambda _: (stream, generator), now_ms)

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        filters, now, end, paid = self._split(end, filters)
        return self._all.count(start, min(end, paid), filters) + len(
            self._recent(start, end, filters, paid, now)
        )

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        filters, now, end, paid = self._split(end, filters)
        old = self._all.count(start, min(end, paid), filters)
        rows = self._all.slice(start, min(end, paid), filters, offset, limit)
        if offset + limit <= old:
            return rows
        recent = self._recent(start, end, filters, paid, now)
        wanted = np.arange(len(recent))[max(offset - old, 0) : offset + limit - old]
        return rows + self._generator.rows(recent.take(wanted)) if len(wanted) else rows

    def clear_cache(self) -> None:
        """Discard cached searches, after a customer's id has changed."""
        self._all.clear_cache()

    def _split(self, end: int | None, filters: Mapping[str, str]) -> tuple[dict[str, str], int, int, int]:
        """The filters proper, the present, the end of the span, and up to when all rows have been paid."""
        others = dict(filters)
        now = int(others.pop(NOW, self._now_ms))
        # A whole hour, so that searches can be cached.
        paid = (now - self._longest_delay) // HOUR * HOUR - 1
        return others, now, now if end is None else min(end, now), paid

    def _recent(self, start: int | None, end: int, filters: Mapping[str, str], paid: int, now: int) -> Block:
        """The rows of the last hours that have been paid."""
        first = max(paid + 1, 0 if start is None else start)
        block = self._stream.block(np.arange(first // HOUR, end // HOUR + 1, dtype=np.int64))
        passes = (block.time >= first) & (block.time <= end) & (self._generator.paid_at(block) <= now)
        if not self._generator.accepts_all(filters):
            passes &= self._generator.mask(block, filters)
        return block.take(np.flatnonzero(passes))
