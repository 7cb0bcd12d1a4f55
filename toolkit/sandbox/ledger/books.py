"""The books of an account, made once for a seed and a month, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger.cash import Cash
from toolkit.sandbox.ledger.movements import WALLETS, Movements
from toolkit.sandbox.ledger.trading import SpotTrading
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.stream import DAY

Source = Callable[[int, int], Movements]
"""Returns the movements after one time and up to another, which is included."""

Anchor = Mapping[tuple[int, int], int]
"""Units by wallet and asset, as indices; those of cheap coins exceed 64 bits."""

_CHUNK = 30 * DAY


class Books:
    """Records and movements of an account, and its balances at one time.

    Movements are made in parts of thirty days, so that balances of today need those of some weeks alone.

    Args:
        begins_ms: Nothing happens before.
        ends_ms: Nothing happens after.
        trading: Spot fills and orders.
        cash: Deposits, withdrawals, transfers and dividends.
        sources: Where movements come from.
        anchor_ms: When the balances are those of `anchor`; None to begin with what the lowest ones need.
        anchor: The balances at that time.
    """

    def __init__(
        self,
        begins_ms: int,
        ends_ms: int,
        trading: SpotTrading,
        cash: Cash,
        sources: Sequence[Source],
        *,
        anchor_ms: int | None = None,
        anchor: Anchor | None = None,
    ) -> None:
        self.begins_ms, self.ends_ms = begins_ms, ends_ms
        self.trading, self.cash = trading, cash
        self.lock_changes = trading.orders.lock_changes()
        self._sources = sources
        self._chunk = lru_cache(maxsize=64)(self._make_chunk)
        self._chunk_sums = lru_cache(maxsize=64)(lambda number: _sums(self._chunk(number)))
        self.anchor_ms = begins_ms - 1 if anchor_ms is None else anchor_ms
        self.anchor: Anchor = self._needed() if anchor is None else anchor

    def movements(self, after_ms: int, until_ms: int) -> Movements:
        """The movements after one time, up to another, which is included."""
        after_ms, until_ms = max(after_ms, self.begins_ms - 1), min(until_ms, self.ends_ms)
        if after_ms >= until_ms:
            return Movements.empty()
        first, last = self._number(after_ms + 1), self._number(until_ms)
        parts = [self._chunk(number) for number in range(first, last + 1)]
        return (parts[0] if len(parts) == 1 else Movements.joined(*parts)).between(after_ms, until_ms)

    def balances(self, at_ms: int) -> dict[tuple[int, int], int]:
        """Units by wallet and asset at a time."""
        first, last = sorted((self.anchor_ms, at_ms))
        change = self._change(first, last)
        sign = 1 if at_ms > self.anchor_ms else -1
        return {
            (wallet, asset): self.anchor.get((wallet, asset), 0) + sign * int(change[wallet, asset])
            for wallet in range(len(WALLETS))
            for asset in range(len(ASSETS))
        }

    def _change(self, after_ms: int, until_ms: int) -> Int64Array:
        """How much balances change after one time, up to another."""
        after_ms, until_ms = max(after_ms, self.begins_ms - 1), min(until_ms, self.ends_ms)
        total = np.zeros((len(WALLETS), len(ASSETS)), dtype=np.int64)
        if after_ms >= until_ms:
            return total
        for number in range(self._number(after_ms + 1), self._number(until_ms) + 1):
            begin, end = self._bounds(number)
            whole = after_ms <= begin and end <= until_ms
            total += (
                self._chunk_sums(number) if whole else _sums(self._chunk(number).between(after_ms, until_ms))
            )
        return total

    def _number(self, time_ms: int) -> int:
        return (time_ms - self.begins_ms) // _CHUNK

    def _bounds(self, number: int) -> tuple[int, int]:
        """The last moments before a part of thirty days, and in it."""
        begin = self.begins_ms - 1 + number * _CHUNK
        return begin, min(begin + _CHUNK, self.ends_ms)

    def _make_chunk(self, number: int) -> Movements:
        begin, end = self._bounds(number)
        return Movements.joined(*(source(begin, end) for source in self._sources))

    def _needed(self) -> Anchor:
        """The opening balances that the lowest later ones need, in round numbers."""
        every = self.movements(self.begins_ms - 1, self.ends_ms)
        time, asset, units = self.lock_changes
        # Of one moment, movements come before locks, so both alone are covered as well.
        order = np.argsort(np.concatenate([every.time, time]), kind="stable")
        place = np.concatenate([every.wallet * len(ASSETS) + every.asset, asset])[order]
        change = np.concatenate([every.units, -units])[order]
        needed: dict[tuple[int, int], int] = {}
        for one in np.unique(place).tolist():
            lowest = int(np.cumsum(change[place == one]).min())
            if lowest < 0:
                needed[divmod(one, len(ASSETS))] = _rounded_up(-lowest)
        return needed


def _sums(movements: Movements) -> Int64Array:
    sums = np.zeros((len(WALLETS), len(ASSETS)), dtype=np.int64)
    np.add.at(sums, (movements.wallet, movements.asset), movements.units)
    return sums


def _rounded_up(units: int) -> int:
    """The next number with two digits before its zeros."""
    step = int(10 ** max(len(str(units)) - 2, 0))
    return -(-units // step) * step
