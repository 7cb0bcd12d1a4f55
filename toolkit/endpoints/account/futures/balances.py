"""Balances of the futures wallet."""

from __future__ import annotations

from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import FAPI

_DOCS = "https://developers.binance.com/legacy-docs/derivatives/usds-margined-futures/account/rest-api"


def _amount(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="amount", doc=f"{doc}, in the asset.")


BALANCES = Endpoint(
    name="balances",
    system="account.futures",
    path="/fapi/v3/balance",
    security="USER_DATA",
    rate_limit=FAPI,
    weight=5,
    columns=(
        Column(name="account_alias", field="accountAlias", kind="id", doc="Short code of the account."),
        Column(name="asset", field="asset", kind="text", doc="Asset, such as USDT."),
        _amount("balance", "balance", "Balance of the wallet"),
        _amount("cross_wallet_balance", "crossWalletBalance", "Part of it for crossed positions"),
        _amount("cross_unrealized_pnl", "crossUnPnl", "Unrealized profit of crossed positions"),
        _amount("available_balance", "availableBalance", "What can be used for new positions"),
        _amount("max_withdraw_amount", "maxWithdrawAmount", "What can be transferred out"),
        Column(
            name="margin_available",
            field="marginAvailable",
            kind="flag",
            doc="Whether it serves as margin in multi-asset mode.",
        ),
        Column(name="update_time", field="updateTime", kind="time", doc="When it last changed, UTC."),
    ),
    whole=True,
    identity=("asset",),
    summary="The assets of the USD-M futures wallet, one row each.",
    source=f"{_DOCS}/Futures-Account-Balance-V3",
)
