"""An account's ledger: its records, and its balances at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from toolkit.runtime.decimals import in_own_context
from toolkit.sandbox.keys import CUSTOMER, PARTNER, STRANGER
from toolkit.sandbox.ledger.futures.columns import UmTransfers
from toolkit.sandbox.ledger.movements import Movements, wallet_index
from toolkit.sandbox.ledger.owners import RATES, books_of
from toolkit.sandbox.ledger.records import (
    AccountDeposits,
    AccountWithdrawals,
    Dividends,
    SpotFills,
    SpotOrders,
    WalletTransfers,
)
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.world.fills import RATE_UNITS
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.units import UNITS

if TYPE_CHECKING:
    from toolkit.sandbox.world import World

_SECOND = 1000
_SECONDS_A_DAY = DAY // _SECOND
_LARGEST_PART = 2**62
_LOOKED_BACK_MS = 60 * DAY


class Ledger:
    """The books of one account. Every method takes the present of the request: nothing later is told.

    Args:
        world: The world.
        owner: Whose it is, as the owner of a key: PARTNER, CUSTOMER or STRANGER.
        uid: Id of the account.

    Attributes:
        begins_ms: Beginning of the books, in milliseconds.
        ends_ms: Their end: two months after the world's month begins.
        maker_rate, taker_rate: Commission of spot trades, in units of 1e-8 (0.1 % is 100,000).
    """

    def __init__(self, world: World, owner: str, uid: str) -> None:
        self._world = world
        self._books = books_of(world, owner)
        self.owner, self.uid = owner, uid
        self.begins_ms, self.ends_ms = self._books.begins_ms, self._books.ends_ms
        self.maker_rate, self.taker_rate = (rate * UNITS // RATE_UNITS for rate in RATES[owner])

    def __repr__(self) -> str:
        return f"Ledger({self.owner!r})"

    def movements(self, until_ms: int, after_ms: int | None = None) -> Movements:
        """The movements of all wallets up to a time (included); after another, if it is given."""
        after_ms = self.begins_ms - 1 if after_ms is None else after_ms
        return self._with_written(self._books.movements(after_ms, until_ms), after_ms, until_ms)

    def last_moved(self, wallet: str, at_ms: int) -> dict[str, int]:
        """When each asset of a wallet last changed, by asset.

        Assets that have not in two months are left out: to find them takes all history.
        """
        after_ms, lasts = at_ms - _LOOKED_BACK_MS, np.zeros(len(ASSETS), dtype=np.int64)
        found = self._books.movements_of(wallet_index(wallet), after_ms, at_ms)
        moved = self._with_written(found, after_ms, at_ms).of_wallet(wallet)
        np.maximum.at(lasts, moved.asset, moved.time)
        return {asset: time for asset, time in zip(ASSETS, lasts.tolist(), strict=True) if time}

    def um_transfers(self, start_ms: int, end_ms: int) -> UmTransfers:
        """What came into the USD-M wallet from others and left it to them in a span, both ends included."""
        found = self._books.other_movements(start_ms - 1, end_ms)
        moved = self._with_written(found, start_ms - 1, end_ms).of_wallet("um")
        return UmTransfers(time=moved.time, asset=moved.asset, amount=moved.units, id=moved.reference)

    def balance(self, wallet: str, asset: str, at_ms: int) -> int:
        """Units of an asset in a wallet, locked ones included."""
        return self.balances(wallet, at_ms)[asset]

    def balances(self, wallet: str, at_ms: int) -> dict[str, int]:
        """Units of each asset in a wallet, by asset, zeros included."""
        held = self._books.balances(wallet_index(wallet), at_ms)
        written = self._written().until(at_ms).of_wallet(wallet)
        for asset, units in zip(written.asset.tolist(), written.units.tolist(), strict=True):
            held[asset] += units
        return dict(zip(ASSETS, held, strict=True))

    def locked(self, at_ms: int) -> dict[str, int]:
        """Units of the spot wallet that open orders lock, by asset; assets without are left out."""
        time, asset, units = self._books.lock_changes
        made = int(np.searchsorted(time, at_ms, side="right"))
        locked = np.zeros(len(ASSETS), dtype=np.int64)
        np.add.at(locked, asset[:made], units[:made])
        return {ASSETS[index]: int(locked[index]) for index in np.flatnonzero(locked).tolist()}

    def daily_balances(self, wallet: str, start_ms: int, end_ms: int) -> list[tuple[int, dict[str, int]]]:
        """The last moment of each UTC day whose last second is in a span, and the balances then.

        So whatever happened on a day, rebates of its last second included, is in them.
        """
        first = -(-(start_ms // _SECOND + 1) // _SECONDS_A_DAY)
        last = (end_ms // _SECOND + 1) // _SECONDS_A_DAY
        ends = [day * DAY - 1 for day in range(first, last + 1)]
        return [(end, self.balances(wallet, end)) for end in ends]

    def fills(self, until_ms: int) -> SpotFills:
        """The spot fills."""
        return self._books.trading.fills.until(until_ms)

    def orders(self, at_ms: int) -> SpotOrders:
        """The spot orders as they are at a time."""
        return self._books.trading.orders.as_of(at_ms)

    def open_orders(self, at_ms: int) -> SpotOrders:
        """Those that are open at a time."""
        orders = self._books.trading.orders.until(at_ms)
        return orders[orders.closed > at_ms].as_of(at_ms)

    def deposits(self, until_ms: int) -> AccountDeposits:
        """The deposits seen by then; one that completes later is pending."""
        return self._books.cash.deposits.until(until_ms)

    def withdrawals(self, until_ms: int) -> AccountWithdrawals:
        """The withdrawals applied for by then; one that completes later is being processed."""
        return self._books.cash.withdrawals.until(until_ms)

    def transfers(self, until_ms: int) -> WalletTransfers:
        """The transfers between the account's wallets."""
        return self._books.cash.transfers.until(until_ms)

    def dividends(self, until_ms: int) -> Dividends:
        """The dividends paid."""
        return self._books.cash.dividends.until(until_ms)

    def _with_written(self, found: Movements, after_ms: int, until_ms: int) -> Movements:
        written = self._written()
        return Movements.joined(found, written.between(after_ms, until_ms)) if len(written) else found

    @in_own_context
    def _written(self) -> Movements:
        """What transfers made through the exchange moved, of the master account."""
        if self.owner != PARTNER:
            return Movements.empty()
        rows = [
            (
                each.time,
                wallet_index(wallet),
                ASSETS.index(each.asset),
                sign * part,
                each.id,
            )
            for table in self._world.transfers.values()
            for each in table.added
            for account, wallet, sign in (
                (each.source, each.source_wallet, -1),
                (each.target, each.target_wallet, 1),
            )
            if not account
            for part in _parts(int(Decimal(each.amount) * UNITS))
        ]
        if not rows:
            return Movements.empty()
        time, wallets, asset, units, reference = np.array(rows, dtype=np.int64).T
        return Movements.of(
            "sub-account transfer", time, wallet=wallets, asset=asset, units=units, reference=reference
        )


def _parts(units: int) -> Iterator[int]:
    """The units of a transfer, in parts that fit into 64 bits: a million dollars in PEPE do not."""
    for part in range(0, units, _LARGEST_PART):
        yield min(_LARGEST_PART, units - part)


def ledger_of(world: World, owner: str) -> Ledger:
    """The ledger of an owner, given as such or by the id of its account."""
    uids = {key.owner: key.uid for key in world.keys.values()}
    found = next((each for each, uid in uids.items() if owner in (each, uid)), None)
    if found is None:
        raise KeyError(f"no account {owner!r}: the owners are {', '.join((PARTNER, CUSTOMER, STRANGER))}")
    return Ledger(world, found, uids[found])
