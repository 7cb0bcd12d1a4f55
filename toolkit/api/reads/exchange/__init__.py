"""`link.exchange`: every read of Exchange Link."""

from __future__ import annotations

from toolkit.api.reads.exchange.accounts import AccountReads
from toolkit.api.reads.exchange.balances import BalanceReads
from toolkit.api.reads.exchange.fees import FeeReads
from toolkit.api.reads.exchange.transfers import TransferReads


class ExchangeReads(AccountReads, BalanceReads, TransferReads, FeeReads):
    """Exchange Link: the partner's sub-accounts, their keys, balances, transfers and rebates."""

    _system = "exchange"
