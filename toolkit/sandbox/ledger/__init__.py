"""The books of an account: what it traded, received, sent and paid, and so what it holds at any moment.

There are three: of the partner's master account, of the customer who owns the key "customer", and of the
stranger who owns the key "no-link". `World.ledger` returns them. Amounts are whole numbers of 1e-8, so an
opening balance and all movements add up to the closing balance exactly.
"""

from toolkit.sandbox.ledger.cash import NETWORK_FEES, TRANSFER_TYPES
from toolkit.sandbox.ledger.ledger import Ledger, ledger_of
from toolkit.sandbox.ledger.movements import CAUSES, WALLETS, Movements, cause_index, wallet_index
from toolkit.sandbox.ledger.records import (
    DIVIDENDS,
    NETWORKS,
    ORDER_STATUSES,
    ORDER_TYPES,
    AccountDeposits,
    AccountWithdrawals,
    Dividends,
    SpotFills,
    SpotOrders,
    WalletTransfers,
)

__all__ = [
    "CAUSES",
    "DIVIDENDS",
    "NETWORKS",
    "NETWORK_FEES",
    "ORDER_STATUSES",
    "ORDER_TYPES",
    "TRANSFER_TYPES",
    "WALLETS",
    "AccountDeposits",
    "AccountWithdrawals",
    "Dividends",
    "Ledger",
    "Movements",
    "SpotFills",
    "SpotOrders",
    "WalletTransfers",
    "cause_index",
    "ledger_of",
    "wallet_index",
]
