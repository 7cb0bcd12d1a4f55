"""Movements: every change of every balance, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from toolkit.sandbox.hashing import Int64Array
from toolkit.sandbox.ledger.columns import Columns

WALLETS = ("spot", "funding", "um", "cm", "margin")
CAUSES = (
    "fill",
    "commission",
    "deposit",
    "withdrawal",
    "withdrawal fee",
    "transfer",
    "sub-account transfer",
    "dividend",
    "rebate",
    "kickback",
    "realized pnl",
    "funding fee",
    "futures commission",
    "api rebate",
    "welcome bonus",
    "insurance clear",
)


def wallet_index(name: str) -> int:
    """The index of a wallet in `WALLETS`."""
    return WALLETS.index(name)


def cause_index(name: str) -> int:
    """The index of a cause in `CAUSES`."""
    return CAUSES.index(name)


@dataclass(frozen=True, slots=True)
class Movements(Columns):
    """Changes of balances, ascending by time.

    Attributes:
        wallet: Index in `WALLETS`.
        asset: Index in `market.symbols.ASSETS`.
        units: The change, in units of 1e-8.
        cause: Index in `CAUSES`.
        reference: Id of the record that caused it.
    """

    wallet: Int64Array
    asset: Int64Array
    units: Int64Array
    cause: Int64Array
    reference: Int64Array

    @classmethod
    def of(
        cls,
        cause: str,
        time: Int64Array,
        *,
        wallet: Int64Array | str,
        asset: Int64Array,
        units: Int64Array,
        reference: Int64Array,
    ) -> Self:
        """Movements of one cause; of one wallet if it is given by its name. Times need not ascend."""
        order = np.argsort(time, kind="stable")
        wallets = np.full(len(time), wallet_index(wallet)) if isinstance(wallet, str) else wallet
        causes = np.full(len(time), cause_index(cause))
        return cls(*(column[order] for column in (time, wallets, asset, units, causes, reference)))

    def of_wallet(self, wallet: str) -> Self:
        """The movements of one wallet."""
        return self[self.wallet == wallet_index(wallet)]

    def of_cause(self, *causes: str) -> Self:
        """The movements with one of these causes."""
        return self[np.isin(self.cause, [cause_index(cause) for cause in causes])]
