"""Transfers into and out of a wallet that no ledger keeps."""

from __future__ import annotations

import numpy as np

from toolkit.sandbox.hashing import hash_key, uniform
from toolkit.sandbox.ledger.futures.columns import UmTransfers
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.units import UNITS

_CHANCE, _OUT = 0.7, 0.45  # on each day; fraction that leave the wallet
_FIRST_ID = 9_689_000_000


class PlannedTransfers:
    """Transfers of an asset on most days.

    Args:
        seed: The same seed gives the same transfers.
        owner: Whose they are.
        opened_ms: There are none before.
        asset: What is moved.
        dollars: Dollars of one unit of it, roughly.
    """

    def __init__(
        self, seed: int, owner: str, opened_ms: int, *, asset: str = "USDT", dollars: float = 1.0
    ) -> None:
        self._keys = [hash_key(seed, "transfers of", owner, each) for each in ("happens", "when", "amount")]
        self._opened_ms = opened_ms
        self._asset = ASSETS.index(asset)
        self._scale = UNITS / dollars

    def __call__(self, start_ms: int, end_ms: int) -> UmTransfers:
        """The transfers of a span (ms), both ends included."""
        start_ms = max(start_ms, self._opened_ms)
        days = np.arange(start_ms // DAY, end_ms // DAY + 1, dtype=np.int64)
        happens, when, much = self._keys
        days = days[uniform(happens, days) < _CHANCE]
        draws = uniform(much, days)
        units = np.rint(50 * 60 ** (draws * 10 % 1) * self._scale).astype(np.int64)
        made = UmTransfers(
            time=days * DAY + (uniform(when, days) * DAY).astype(np.int64),
            asset=np.full(len(days), self._asset),
            amount=np.where(draws < _OUT, -units, units),
            id=_FIRST_ID + days,
        )
        return made.between(start_ms - 1, end_ms)
