"""Balances, and the state of the account."""

from __future__ import annotations

from toolkit.endpoints.model import Column, Endpoint, Param
from toolkit.endpoints.rate_limits import API

_DOCS = "https://developers.binance.com/en/docs/catalog/core-trading-spot-trading/api/rest-api"

BALANCES = Endpoint(
    name="balances",
    system="account.spot",
    path="/api/v3/account",
    security="USER_DATA",
    rate_limit=API,
    weight=20,
    params=(
        Param(
            field="omitZeroBalances",
            name="omit_zero_balances",
            kind="flag",
            doc="Leave out assets of which the account has nothing.",
            default=False,
        ),
    ),
    columns=(
        Column(name="account_id", field="uid", kind="id", doc="Id of the account.", outer=True),
        Column(name="asset", field="asset", kind="text", doc="Asset, such as BTC."),
        Column(name="free", field="free", kind="amount", doc="What can be used, in the asset."),
        Column(name="locked", field="locked", kind="amount", doc="What orders lock, in the asset."),
    ),
    rows_field="balances",
    whole=True,
    ignored=(
        "makerCommission",
        "takerCommission",
        "buyerCommission",
        "sellerCommission",
        "commissionRates",
        "canTrade",
        "canWithdraw",
        "canDeposit",
        "brokered",
        "requireSelfTradePrevention",
        "preventSor",
        "updateTime",
        "accountType",
        "permissions",
    ),
    identity=("asset",),
    summary="The assets of the spot wallet, one row each.",
    source=f"{_DOCS}/account#account-information",
)
