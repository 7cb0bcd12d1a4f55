"""Account (Wallet): balances of all wallets, deposits, withdrawals, transfers, snapshots."""

from __future__ import annotations

from toolkit.endpoints.account.wallet.account_status import STATUS
from toolkit.endpoints.account.wallet.api_key import KEY_PERMISSIONS
from toolkit.endpoints.account.wallet.assets import ASSETS, FUNDING_ASSETS, WALLETS
from toolkit.endpoints.account.wallet.coins import COINS, NETWORKS
from toolkit.endpoints.account.wallet.deposits import DEPOSITS
from toolkit.endpoints.account.wallet.dividends import DIVIDENDS
from toolkit.endpoints.account.wallet.fees import TRADE_FEES
from toolkit.endpoints.account.wallet.snapshots import (
    FUTURES_POSITION_SNAPSHOTS,
    FUTURES_SNAPSHOTS,
    MARGIN_SNAPSHOTS,
    SPOT_SNAPSHOTS,
)
from toolkit.endpoints.account.wallet.transfers import TRANSFERS
from toolkit.endpoints.account.wallet.withdrawals import WITHDRAWALS
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    ASSETS,
    FUNDING_ASSETS,
    WALLETS,
    SPOT_SNAPSHOTS,
    MARGIN_SNAPSHOTS,
    FUTURES_SNAPSHOTS,
    FUTURES_POSITION_SNAPSHOTS,
    DEPOSITS,
    WITHDRAWALS,
    TRANSFERS,
    DIVIDENDS,
    TRADE_FEES,
    COINS,
    NETWORKS,
    STATUS,
    KEY_PERMISSIONS,
)
