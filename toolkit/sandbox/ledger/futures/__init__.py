"""USD-M futures of an account: fills, orders, positions, funding and income."""

from toolkit.sandbox.ledger.futures.account import FuturesAccount
from toolkit.sandbox.ledger.futures.columns import (
    INCOME_TYPES,
    ORDER_STATUSES,
    Fills,
    FundingPayments,
    IncomeRows,
    Orders,
    Position,
)

__all__ = [
    "INCOME_TYPES",
    "ORDER_STATUSES",
    "Fills",
    "FundingPayments",
    "FuturesAccount",
    "IncomeRows",
    "Orders",
    "Position",
]
