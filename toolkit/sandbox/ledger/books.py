"""The books of an account, made once for a seed and a month, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger.cash import Cash
from toolkit.sandbox.ledger.movements import WALLETS, Movements, wallet_index
from toolkit.sandbox.ledger.trading import SpotTrading
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.units import UNITS

Source = Callable[[int, int], Movements]
"""Returns the movements after one time and up to another, which is included."""

Anchor = Mapping[tuple[int, int], int]
"""Units by wallet and asset, as indices; those of cheap coins exceed 64 bits."""

_CHUNK = 30 * DAY
_SPOT, _UM = wallet_index("spot"), wallet_index("um")
_USDT = ASSETS.index("USDT")
# What the USD-M wallet keeps besides, as margin for open positions and their losses.
_MARGIN = 15_000 * UNITS


class _Parts:
    """Movements of some sources in parts of thirty days, so that those of some weeks are made alone."""

    def __init__(self, sources: Sequence[Source], begins_ms: int, ends_ms: int) -> None:
        self._sources = sources
        self._begins_ms, self._ends_ms = begins_ms, ends_ms
        self._part = lru_cache(maxsize=64)(self._make)
        self._part_sums = lru_cache(maxsize=64)(lambda number: _sums(self._part(number)))

    def between(self, after_ms: int, until_ms: int) -> Movements:
        """The movements after one time, up to another, which is included."""
        parts = [self._part(number) for number in self._numbers(after_ms, until_ms)]
        return Movements.joined(Movements.empty(), *parts).between(after_ms, until_ms)

    def change(self, after_ms: int, until_ms: int) -> Int64Array:
        """How much the balances change after one time, up to another: a row for each wallet."""
        total = np.zeros((len(WALLETS), len(ASSETS)), dtype=np.int64)
        for number in self._numbers(after_ms, until_ms):
            begin, end = self._bounds(number)
            if after_ms <= begin and end <= until_ms:
                total += self._part_sums(number)
            else:
                total += _sums(self._part(number).between(after_ms, until_ms))
        return total

    def _numbers(self, after_ms: int, until_ms: int) -> range:
        first, last = max(after_ms + 1, self._begins_ms), min(until_ms, self._ends_ms)
        if first > last:
            return range(0)
        return range((first - self._begins_ms) // _CHUNK, (last - self._begins_ms) // _CHUNK + 1)

    def _bounds(self, number: int) -> tuple[int, int]:
        """The last moments before a part, and in it."""
        begin = self._begins_ms - 1 + number * _CHUNK
        return begin, min(begin + _CHUNK, self._ends_ms)

    def _make(self, number: int) -> Movements:
        begin, end = self._bounds(number)
        return Movements.joined(Movements.empty(), *(source(begin, end) for source in self._sources))


class Books:
    """Records and movements of an account, and its balances at any time.

    What takes the longest to make, futures and a partner's rebates, is made when its wallet is read.

    Args:
        begins_ms: Nothing happens before.
        ends_ms: Nothing happens after.
        trading: Spot fills and orders.
        cash: Deposits, withdrawals, transfers and dividends.
        sources: Where movements come from, but for those of rebates and of futures.
        futures: Where the movements of futures come from.
        rebates: Where those of rebates come from, which the spot wallet gets; None if there are none.
        anchor_ms: When the balances are those of `anchor`; None to begin with what the lowest ones need.
        anchor: The balances at that time.
    """

    def __init__(
        self,
        begins_ms: int,
        ends_ms: int,
        trading: SpotTrading,
        cash: Cash,
        *,
        sources: Sequence[Source],
        futures: Source,
        rebates: Source | None = None,
        anchor_ms: int | None = None,
        anchor: Anchor | None = None,
    ) -> None:
        self.begins_ms, self.ends_ms = begins_ms, ends_ms
        self.trading, self.cash = trading, cash
        self.lock_changes = trading.orders.lock_changes()
        self._parts = _Parts(sources, begins_ms, ends_ms)
        self._futures = _Parts([futures], begins_ms, ends_ms)
        self._rebates = _Parts([rebates] if rebates else [], begins_ms, ends_ms)
        self._anchor_ms = begins_ms - 1 if anchor_ms is None else anchor_ms
        self._anchor = anchor
        self._needed = lru_cache(maxsize=len(WALLETS))(self._find_needed)

    def movements(self, after_ms: int, until_ms: int) -> Movements:
        """The movements after one time, up to another, which is included."""
        every = (self._parts, self._rebates, self._futures)
        return Movements.joined(*(part.between(after_ms, until_ms) for part in every))

    def movements_of(self, wallet: int, after_ms: int, until_ms: int) -> Movements:
        """Those of one wallet."""
        parts = (part.between(after_ms, until_ms) for part in self._parts_of(wallet))
        return Movements.joined(*(part[part.wallet == wallet] for part in parts))

    def other_movements(self, after_ms: int, until_ms: int) -> Movements:
        """Those that no rebate, and no position and no commission of futures, has caused."""
        return self._parts.between(after_ms, until_ms)

    def balances(self, wallet: int, at_ms: int) -> list[int]:
        """Units of each asset in a wallet at a time."""
        first, last = sorted((self._anchor_ms, at_ms))
        sign = 1 if at_ms > self._anchor_ms else -1
        change = sum(part.change(first, last)[wallet] for part in self._parts_of(wallet))
        return [known + sign * int(units) for known, units in zip(self._known(wallet), change, strict=True)]

    def _parts_of(self, wallet: int) -> Sequence[_Parts]:
        others = {_SPOT: (self._rebates,), _UM: (self._futures,)}
        return (self._parts, *others.get(wallet, ()))

    def _known(self, wallet: int) -> list[int]:
        """The balances at the time of the anchor."""
        if self._anchor is None:
            return self._needed(wallet)
        return [self._anchor.get((wallet, asset), 0) for asset in range(len(ASSETS))]

    def _find_needed(self, wallet: int) -> list[int]:
        """The opening balances that the lowest later ones of a wallet need, in round numbers."""
        span = self.begins_ms - 1, self.ends_ms
        every = self.movements_of(wallet, *span)
        time, asset, units = self.lock_changes if wallet == _SPOT else (every.time[:0],) * 3
        # Of one moment, movements come before locks, so both alone are covered as well.
        order = np.argsort(np.concatenate([every.time, time]), kind="stable")
        assets = np.concatenate([every.asset, asset])[order]
        change = np.concatenate([every.units, -units])[order]
        lowest = (int(np.cumsum(change[assets == each]).min(initial=0)) for each in range(len(ASSETS)))
        needed = [-units for units in lowest]
        if wallet == _UM:
            needed[_USDT] += _MARGIN
        return [_rounded_up(units) for units in needed]


def _sums(movements: Movements) -> Int64Array:
    sums = np.zeros((len(WALLETS), len(ASSETS)), dtype=np.int64)
    np.add.at(sums, (movements.wallet, movements.asset), movements.units)
    return sums


def _rounded_up(units: int) -> int:
    """The next number with two digits before its zeros."""
    step = int(10 ** max(len(str(units)) - 2, 0))
    return -(-units // step) * step
