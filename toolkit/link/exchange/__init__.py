"""`link.exchange`: every door of Exchange Link."""

from __future__ import annotations

from toolkit.link.exchange.accounts import AccountDoors
from toolkit.link.exchange.balances import BalanceDoors
from toolkit.link.exchange.fees import FeeDoors
from toolkit.link.exchange.transfers import TransferDoors


class ExchangeDoors(AccountDoors, BalanceDoors, TransferDoors, FeeDoors):
    """Exchange Link: the partner's sub-accounts, their keys, balances, transfers and rebates."""

    _system = "exchange"
