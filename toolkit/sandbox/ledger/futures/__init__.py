"""USD-M futures of an account: fills, orders, positions, funding and income."""

from toolkit.sandbox.ledger.futures.account import FuturesAccount
from toolkit.sandbox.ledger.futures.columns import (
    INCOME_TYPES,
    ORDER_STATUSES,
    FundingPayments,
    FuturesFills,
    FuturesOrders,
    IncomeRows,
    Position,
    UmTransfers,
)
from toolkit.sandbox.ledger.futures.income_table import IncomeTable
from toolkit.sandbox.ledger.futures.transfers import PlannedTransfers

__all__ = [
    "INCOME_TYPES",
    "ORDER_STATUSES",
    "FundingPayments",
    "FuturesAccount",
    "FuturesFills",
    "FuturesOrders",
    "IncomeRows",
    "IncomeTable",
    "PlannedTransfers",
    "Position",
    "UmTransfers",
]
