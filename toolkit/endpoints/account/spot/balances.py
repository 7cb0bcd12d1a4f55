"""Balances, and the state of the account."""

from __future__ import annotations

from dataclasses import replace

from toolkit.endpoints.account.spot.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint, Param
from toolkit.endpoints.rate_limits import API

_OMIT_ZERO_BALANCES = Param(
    field="omitZeroBalances",
    name="omit_zero_balances",
    kind="flag",
    doc="Leave out assets of which the account has nothing.",
    default=False,
)
_ACCOUNT_ID = Column(
    name="account_id",
    field="uid",
    kind="id",
    doc="Id of the account at the exchange, the same for all of its keys.",
)


def _rate(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="amount", doc=f"{doc}, as a fraction: 0.001 is 0.1 %.")


def _flag(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="flag", doc=doc)


INFO = Endpoint(
    name="info",
    system="account.spot",
    path="/api/v3/account",
    security="USER_DATA",
    rate_limit=API,
    weight=20,
    params=(replace(_OMIT_ZERO_BALANCES, fixed=True),),
    ignored=(
        "balances",
        # The rates below, in basis points and without their decimals.
        *("makerCommission", "takerCommission", "buyerCommission", "sellerCommission"),
    ),
    columns=(
        _ACCOUNT_ID,
        Column(
            name="account_type", field="accountType", kind="text", doc="Type of the account, such as SPOT."
        ),
        _flag("can_trade", "canTrade", "The account may trade."),
        _flag("can_withdraw", "canWithdraw", "The account may withdraw."),
        _flag("can_deposit", "canDeposit", "The account may deposit."),
        _rate("maker_rate", "commissionRates.maker", "Commission of orders that were in the book"),
        _rate("taker_rate", "commissionRates.taker", "Commission of orders that take from the book"),
        _rate("buyer_rate", "commissionRates.buyer", "Commission added for the buyer"),
        _rate("seller_rate", "commissionRates.seller", "Commission added for the seller"),
        _flag("brokered", "brokered", "The account belongs to a broker."),
        _flag(
            "require_self_trade_prevention",
            "requireSelfTradePrevention",
            "Its orders must not trade with each other.",
        ),
        _flag("prevent_sor", "preventSor", "Its orders are not routed to other books."),
        Column(name="permissions", field="permissions", kind="texts", doc="What it may trade, such as SPOT."),
        Column(name="update_time", field="updateTime", kind="time", doc="When it last changed, UTC."),
    ),
    summary="The account of the key: its id, commissions and permissions, as one row.",
    notes=("The commission of one symbol, taxes and discounts are in `commission`.",),
    source=f"{DOCS}#get-account",
)

BALANCES = Endpoint(
    name="balances",
    system="account.spot",
    path="/api/v3/account",
    security="USER_DATA",
    rate_limit=API,
    weight=20,
    params=(_OMIT_ZERO_BALANCES,),
    columns=(
        replace(_ACCOUNT_ID, outer=True),
        Column(name="asset", field="asset", kind="text", doc="Asset, such as BTC."),
        Column(name="free", field="free", kind="amount", doc="What can be used, in the asset."),
        Column(name="locked", field="locked", kind="amount", doc="What open orders lock, in the asset."),
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
    source=f"{DOCS}#get-account",
)
