"""USD-M futures of an account: fills, orders, positions, funding and income."""

from toolkit.sandbox.ledger.futures.account import FuturesAccount, FuturesTrading
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
from toolkit.sandbox.ledger.futures.contracts import CM_CONTRACTS
from toolkit.sandbox.ledger.futures.income_table import IncomeTable
from toolkit.sandbox.ledger.futures.transfers import PlannedTransfers

__all__ = [
    "CM_CONTRACTS",
    "INCOME_TYPES",
    "ORDER_STATUSES",
    "FundingPayments",
    "FuturesAccount",
    "FuturesFills",
    "FuturesOrders",
    "FuturesTrading",
    "IncomeRows",
    "IncomeTable",
    "PlannedTransfers",
    "Position",
    "UmTransfers",
]
