"""Whose an order is: one of the sub-accounts or customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array
from toolkit.sandbox.world.stream import Block

Trades = Callable[[Int64Array, Int64Array], BoolArray]

# Draws of another owner where the one before does not trade at that time.
_DRAWS = ("who", "who else", "who then", "who instead")


class Owners:
    """Chooses an owner for each order: one that had joined by then, early ones much more often.

    Args:
        joined: When each joined, ascending.
        trades: Whether owners, by index, trade at some times; they always do if not given. The first one has
            to, for it gets the orders that are left.
    """

    def __init__(self, joined: Sequence[int] | Int64Array, trades: Trades | None = None) -> None:
        self._joined = np.array(joined, dtype=np.int64)
        self._trades = trades

    def of(self, block: Block) -> Int64Array:
        """The index of the owner of each row."""
        owners = self._draw(block, _DRAWS[0])
        if self._trades is None:
            return owners
        for label in _DRAWS[1:]:
            idle = np.flatnonzero(~self._trades(owners, block.time))
            if not len(idle):
                return owners
            owners[idle] = self._draw(block.take(idle), label)
        return np.where(self._trades(owners, block.time), owners, 0)

    def _draw(self, block: Block, label: str) -> Int64Array:
        there = np.maximum(np.searchsorted(self._joined, block.time, side="right"), 1)
        return np.floor(block.by_order(label) ** 2.2 * there).astype(np.int64)
