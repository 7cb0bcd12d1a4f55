"""What open positions pay and get at the times of funding."""

from __future__ import annotations

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger.futures.columns import FundingPayments, FuturesFills
from toolkit.sandbox.market.funding import funding_rates
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market.symbols import UM
from toolkit.sandbox.world.units import UNITS

_ANY = 2**62


def funding_of(history: MarketHistory, fills: FuturesFills, start_ms: int, end_ms: int) -> FundingPayments:
    """The payments of a span (ms), both ends included, for the positions that these fills make."""
    made = []
    for market in np.unique(fills.market).tolist():
        ours = fills[fills.market == market]
        # Between the first and the last fill, and from the last position on.
        first = max(start_ms, int(ours.time[0]))
        last = end_ms if ours.position[-1] else min(end_ms, int(ours.time[-1]))
        if first > last:
            continue
        rates = funding_rates(history, UM[market], start_ms=first, end_ms=last, limit=_ANY, now_ms=last)
        # A fill in the same millisecond is later.
        before = np.searchsorted(ours.time, rates.time, side="left") - 1
        position = np.where(before >= 0, ours.position[np.maximum(before, 0)], 0)
        held = np.flatnonzero(position)
        made.append(
            FundingPayments(
                time=rates.time[held],
                market=np.full(len(held), market),
                position=position[held],
                mark=rates.mark[held],
                rate=rates.rate[held],
                amount=_amounts(position[held], rates.mark[held], rates.rate[held]),
            )
        )
    return FundingPayments.joined(FundingPayments.empty(), *made)


def _amounts(position: Int64Array, mark: Int64Array, rate: Int64Array) -> Int64Array:
    """Minus position times mark price times rate, rounded to 1e-8."""
    divisor = UNITS * UNITS
    # Python's integers: the product exceeds 64 bits.
    amounts = [
        (-2 * held * price * part + divisor) // (2 * divisor)
        for held, price, part in zip(position.tolist(), mark.tolist(), rate.tolist(), strict=True)
    ]
    return np.array(amounts, dtype=np.int64)
