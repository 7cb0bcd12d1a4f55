"""Account (Wallet): balances of all wallets, deposits, withdrawals, transfers, snapshots."""

from __future__ import annotations

from toolkit.endpoints.account.wallet.api_key import KEY_PERMISSIONS
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (KEY_PERMISSIONS,)
