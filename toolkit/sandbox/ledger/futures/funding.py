"""What open positions pay and get at the times of funding."""

from __future__ import annotations

from functools import partial

import numpy as np

from toolkit.sandbox.ledger.futures.columns import FundingPayments, FuturesFills
from toolkit.sandbox.ledger.futures.contracts import Contracts
from toolkit.sandbox.market.funding import funding_rates
from toolkit.sandbox.market.history import MarketHistory

_ANY = 2**62


def funding_of(
    history: MarketHistory, contracts: Contracts, fills: FuturesFills, *, start_ms: int, end_ms: int
) -> FundingPayments:
    """The payments of a span (ms), both ends included, for the positions that these fills make."""
    made = []
    for market in np.unique(fills.market).tolist():
        ours = fills[fills.market == market]
        # Between the first and the last fill, and from the last position on.
        first = max(start_ms, int(ours.time[0]))
        last = end_ms if ours.position[-1] else min(end_ms, int(ours.time[-1]))
        if first > last:
            continue
        reference = contracts.references[market]
        rates = funding_rates(history, reference, start_ms=first, end_ms=last, limit=_ANY, now_ms=last)
        # A fill in the same millisecond is later.
        before = np.searchsorted(ours.time, rates.time, side="left") - 1
        position = np.where(before >= 0, ours.position[np.maximum(before, 0)], 0)
        held = np.flatnonzero(position)
        columns = (each[held].tolist() for each in (rates.mark, position, rates.rate))
        amounts = map(partial(contracts.funding, market), *columns)
        made.append(
            FundingPayments(
                time=rates.time[held],
                market=np.full(len(held), market),
                position=position[held],
                mark=rates.mark[held],
                rate=rates.rate[held],
                amount=np.array(list(amounts), dtype=np.int64),
            )
        )
    return FundingPayments.joined(FundingPayments.empty(), *made)
