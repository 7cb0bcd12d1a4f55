"""The futures account of one owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from toolkit.sandbox.hashing import Int64Array, hash_key, uniform
from toolkit.sandbox.ledger.futures.columns import (
    INCOME_TYPES,
    FundingPayments,
    FuturesFills,
    FuturesOrders,
    IncomeRows,
    Position,
    UmTransfers,
)
from toolkit.sandbox.ledger.futures.contracts import UM_CONTRACTS, Contracts
from toolkit.sandbox.ledger.futures.funding import funding_of
from toolkit.sandbox.ledger.futures.income import Bookings, IncomeOf
from toolkit.sandbox.ledger.futures.margin import make_positions
from toolkit.sandbox.ledger.futures.plan import LONGEST_SLOT_MS, PART_MS
from toolkit.sandbox.ledger.futures.resting import LONGEST_MS, RestingOrders
from toolkit.sandbox.ledger.futures.trading import PlacedOrders, TradingParts
from toolkit.sandbox.ledger.movements import Movements, cause_index, wallet_index
from toolkit.sandbox.market.history import MarketHistory

TransferSource = Callable[[int, int], UmTransfers]
"""Transfers into and out of the wallet within a span (ms), both ends included, oldest first."""

_PARTS_KEPT = 64
_LEVERAGES = np.array([3, 5, 5, 10, 10, 20])
# What the ledger calls each kind of income but transfers, which it makes itself.
_CAUSES = {
    "REALIZED_PNL": "realized pnl",
    "FUNDING_FEE": "funding fee",
    "COMMISSION": "futures commission",
    "API_REBATE": "api rebate",
    "REFERRAL_KICKBACK": "kickback",
    "COMMISSION_REBATE": "rebate",
    "WELCOME_BONUS": "welcome bonus",
    "INSURANCE_CLEAR": "insurance clear",
}
_CAUSE_OF_KIND = np.array([cause_index(_CAUSES.get(kind, "transfer")) for kind in INCOME_TYPES])
_NEW, _PARTIALLY_FILLED, _FILLED, _CANCELED = range(4)


Timed = TypeVar("Timed", FuturesFills, PlacedOrders, FundingPayments)


class FuturesTrading:
    """What one owner trades of one kind of futures, and the income that follows.

    Everything follows from the seed of the market and the owner's name. Times are in ms, spans include both
    ends; what is asked for is made, also what lies in the future.

    Args:
        history: The market.
        owner: Whose it is.
        opened_ms: Nothing happens before.
        transfers: Where its transfers come from.
        contracts: The futures.
        traded: How many of them it trades, the first ones; None for all.
        further: Kinds of income that do not follow from its trading.
        bookings: The rebates that a partner is booked, if they are among these.

    Attributes:
        markets: The futures: `market` in rows is an index of these.
    """

    def __init__(
        self,
        history: MarketHistory,
        owner: str,
        opened_ms: int,
        *,
        transfers: TransferSource,
        contracts: Contracts = UM_CONTRACTS,
        traded: int | None = None,
        further: frozenset[str] = frozenset(),
        bookings: Bookings | None = None,
    ) -> None:
        self.contracts = contracts
        self.markets = contracts.markets
        self.owner = owner
        self.opened_ms = opened_ms
        self.seed = history.seed
        self._history = history
        self._traded = len(self.markets) if traded is None else traded
        parts = TradingParts(history, owner, contracts, opened_ms, self._traded)
        self._trading = lru_cache(_PARTS_KEPT)(parts.make)
        self._funding = lru_cache(_PARTS_KEPT)(self._make_funding)
        self._income = IncomeOf(self, transfers, further, bookings)

    def fills(self, start_ms: int, end_ms: int) -> FuturesFills:
        """The trades of a span."""
        parts = self._parts(start_ms, end_ms, LONGEST_SLOT_MS)
        return _span(FuturesFills.joined(*(self._trading(part)[1] for part in parts)), start_ms, end_ms)

    def funding(self, start_ms: int, end_ms: int) -> FundingPayments:
        """Payments of funding within a span."""
        parts = self._parts(start_ms, end_ms, 0)
        return _span(FundingPayments.joined(*(self._funding(part) for part in parts)), start_ms, end_ms)

    def income(self, start_ms: int, end_ms: int, kinds: frozenset[str] | None = None) -> IncomeRows:
        """Changes of the wallet within a span: all, or those of some `INCOME_TYPES`."""
        return self._income.rows(max(start_ms, self.opened_ms), end_ms, kinds)

    def _parts(self, start_ms: int, end_ms: int, before_ms: int) -> range:
        first = max(start_ms - before_ms, self.opened_ms - PART_MS) // PART_MS
        return range(first, max(end_ms // PART_MS, first) + 1)

    def _make_funding(self, part: int) -> FundingPayments:
        start, end = part * PART_MS, (part + 1) * PART_MS - 1
        fills = self.fills(start - LONGEST_SLOT_MS, end)
        return funding_of(self._history, self.contracts, fills, start_ms=start, end_ms=end)


class FuturesAccount(FuturesTrading):
    """The USD-M futures of one account, in one-way mode with cross margin.

    Attributes:
        leverages: The leverage of each market.
    """

    def __init__(self, history: MarketHistory, owner: str, opened_ms: int, **options: Any) -> None:
        super().__init__(history, owner, opened_ms, **options)
        chosen = uniform(hash_key(history.seed, "leverage of", owner), np.arange(len(self.markets)))
        self.leverages: Int64Array = _LEVERAGES[(chosen * len(_LEVERAGES)).astype(np.int64)]
        resting = RestingOrders(history, owner, self.contracts, opened_ms, self._traded)
        self._resting = lru_cache(_PARTS_KEPT)(resting.make)
        # Snapshots ask for the same thirty moments each time.
        self._positions = lru_cache(_PARTS_KEPT)(self._make_positions)

    def orders(self, start_ms: int, end_ms: int, at_ms: int) -> FuturesOrders:
        """The orders that were placed within a span, as they were at a time; later ones are left out."""
        end_ms = min(end_ms, at_ms)
        parts = self._parts(start_ms, end_ms, LONGEST_SLOT_MS)
        made = [each for part in parts for each in (self._trading(part)[0], self._resting(part))]
        placed = _span(PlacedOrders.joined(*made), start_ms, end_ms)
        return self._states(placed, at_ms)

    def open_orders(self, at_ms: int) -> FuturesOrders:
        """The orders that were open at a time."""
        orders = self.orders(at_ms - LONGEST_MS, at_ms, at_ms)
        return orders[orders.status < _FILLED]

    def positions(self, at_ms: int, wallet: int | None = None) -> Sequence[Position]:
        """Positions and markets with open orders, in the order of `markets`.

        Args:
            at_ms: When.
            wallet: Balance of USDT of the um wallet, in 1e-8: without it, there is no liquidation price.
        """
        return self._positions(at_ms, wallet)

    def _make_positions(self, at_ms: int, wallet: int | None) -> tuple[Position, ...]:
        fills = self.fills(at_ms - LONGEST_SLOT_MS, at_ms)
        orders = self.open_orders(at_ms)
        return tuple(make_positions(self._history, self.leverages, fills, orders, at_ms=at_ms, wallet=wallet))

    def movements(self, after_ms: int, until_ms: int) -> Movements:
        """What moved the um wallet after one time, up to another; transfers are the ledger's."""
        rows = self.income(after_ms + 1, until_ms, frozenset(_CAUSES))
        return Movements(
            time=rows.time,
            wallet=np.full(len(rows), wallet_index("um")),
            asset=rows.asset,
            units=rows.income,
            cause=_CAUSE_OF_KIND[rows.kind],
            reference=rows.tran_id,
        )

    def _states(self, placed: PlacedOrders, at_ms: int) -> FuturesOrders:
        """Orders at a time."""
        done, begun = placed.done <= at_ms, placed.first_fill <= at_ms
        filled = placed.filled > 0
        executed, quote, last = (np.zeros(len(placed), dtype=np.int64) for _ in range(3))
        started = np.flatnonzero(filled & begun)
        if len(started):
            fills = self.fills(int(placed.first_fill[started].min()), at_ms)
            order = np.argsort(placed.id[started], kind="stable")
            where = np.searchsorted(placed.id[started], fills.order, sorter=order)
            where = order[np.minimum(where, len(order) - 1)]
            ours = placed.id[started][where] == fills.order
            rows = started[where[ours]]
            np.add.at(executed, rows, fills.quantity[ours])
            np.add.at(quote, rows, fills.quote[ours])
            np.maximum.at(last, rows, fills.time[ours])
        update = np.where(filled, np.maximum(placed.time, last), np.where(done, placed.done, placed.time))
        status = np.where(
            filled,
            np.where(done, _FILLED, np.where(begun, _PARTIALLY_FILLED, _NEW)),
            np.where(done, _CANCELED, _NEW),
        )
        return FuturesOrders(
            time=placed.time,
            updated=update,
            market=placed.market,
            id=placed.id,
            is_buyer=placed.buyer == 1,
            is_limit=placed.limit == 1,
            is_reduce_only=placed.reduce_only == 1,
            price=placed.price,
            quantity=placed.quantity,
            executed=executed,
            quote=quote,
            status=status,
        )


def _span(rows: Timed, start_ms: int, end_ms: int) -> Timed:
    """The rows of a span, oldest first."""
    return rows.between(start_ms - 1, end_ms)
