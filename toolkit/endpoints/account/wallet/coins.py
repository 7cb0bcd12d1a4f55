"""Coins, and the networks they are deposited and withdrawn on."""

from __future__ import annotations

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import Column, Endpoint
from toolkit.endpoints.rate_limits import SAPI_IP

_SOURCE = f"{DOCS}/capital#all-coins-information"


def _amount(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="amount", doc=f"{doc}, in the coin.")


def _flag(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=field, kind="flag", doc=doc)


def _network_text(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=f"networkList[].{field}", kind="text", doc=doc, optional=True)


def _network_flag(name: str, field: str, doc: str) -> Column:
    return Column(name=name, field=f"networkList[].{field}", kind="flag", doc=doc, optional=True)


COINS = Endpoint(
    name="coins",
    system="account.wallet",
    path="/sapi/v1/capital/config/getall",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=10,
    ignored=("networkList",),
    columns=(
        Column(name="coin", field="coin", kind="text", doc="The coin, such as BTC."),
        Column(name="name", field="name", kind="text", doc="Its name, such as Bitcoin."),
        _flag("is_legal_money", "isLegalMoney", "It is money issued by a state."),
        _flag("trading", "trading", "It can be traded."),
        _flag("deposit_all_enable", "depositAllEnable", "It can be deposited, on one network at least."),
        _flag("withdraw_all_enable", "withdrawAllEnable", "It can be withdrawn, on one network at least."),
        _amount("free", "free", "What the account can use"),
        _amount("locked", "locked", "What orders lock"),
        _amount("freeze", "freeze", "What is frozen"),
        _amount("withdrawing", "withdrawing", "What is being withdrawn"),
        _amount("ipoing", "ipoing", "What is subscribed to a launch"),
        _amount("ipoable", "ipoable", "What can be subscribed to a launch with"),
        _amount("storage", "storage", "What is in storage"),
    ),
    identity=("coin",),
    whole=True,
    summary="The coins that can be deposited or withdrawn, and what the account has of each, one row a coin.",
    notes=("The networks of each coin are in `networks`.",),
    source=_SOURCE,
)

NETWORKS = Endpoint(
    name="networks",
    system="account.wallet",
    path="/sapi/v1/capital/config/getall",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    weight=10,
    ignored=(
        *("depositAllEnable", "withdrawAllEnable", "name", "isLegalMoney", "trading"),
        *("free", "locked", "freeze", "withdrawing", "ipoing", "ipoable", "storage"),
        "networkList[].coin",
    ),
    columns=(
        Column(name="coin", field="coin", kind="text", doc="The coin, such as BTC."),
        Column(name="network", field="networkList[].network", kind="text", doc="The network, such as ETH."),
        Column(
            name="name",
            field="networkList[].name",
            kind="text",
            doc="Its name, such as Ethereum (ERC20).",
        ),
        _flag("is_default", "networkList[].isDefault", "It is used if a withdrawal names none."),
        _flag("deposit_enable", "networkList[].depositEnable", "The coin can be deposited on it."),
        _flag("withdraw_enable", "networkList[].withdrawEnable", "The coin can be withdrawn on it."),
        _amount("withdraw_fee", "networkList[].withdrawFee", "Fee of a withdrawal"),
        _amount("withdraw_min", "networkList[].withdrawMin", "Smallest amount of a withdrawal"),
        _amount("withdraw_max", "networkList[].withdrawMax", "Largest amount of a withdrawal"),
        Column(
            name="withdraw_internal_min",
            field="networkList[].withdrawInternalMin",
            kind="amount",
            doc="Smallest amount sent to another account of the exchange, in the coin.",
            optional=True,
        ),
        _amount(
            "withdraw_integer_multiple",
            "networkList[].withdrawIntegerMultiple",
            "What the amount of a withdrawal is a multiple of",
        ),
        Column(
            name="deposit_dust",
            field="networkList[].depositDust",
            kind="amount",
            doc="Deposits below it are not credited, in the coin.",
            optional=True,
        ),
        Column(
            name="min_confirm",
            field="networkList[].minConfirm",
            kind="integer",
            doc="Confirmations until a deposit is credited.",
        ),
        Column(
            name="unlock_confirm",
            field="networkList[].unLockConfirm",
            kind="integer",
            doc="Confirmations until it can be withdrawn.",
        ),
        Column(
            name="estimated_arrival_time",
            field="networkList[].estimatedArrivalTime",
            kind="integer",
            doc="Minutes that a deposit takes.",
            optional=True,
        ),
        _network_flag("busy", "busy", "The network is congested."),
        _network_flag("same_address", "sameAddress", "Its addresses need a memo or tag."),
        _network_flag("withdraw_tag", "withdrawTag", "Withdrawals may have a tag (newer field)."),
        _network_flag("reset_address_status", "resetAddressStatus", "Its deposit address can be reset."),
        _network_text("deposit_desc", "depositDesc", "Why deposits are suspended."),
        _network_text("withdraw_desc", "withdrawDesc", "Why withdrawals are suspended."),
        _network_text("special_tips", "specialTips", "What to know before a deposit."),
        _network_text("special_withdraw_tips", "specialWithdrawTips", "What to know before a withdrawal."),
        _network_text("address_regex", "addressRegex", "Regular expression of its addresses."),
        _network_text("memo_regex", "memoRegex", 'Regular expression of its memos; "" if it has none.'),
        _network_text("contract_address", "contractAddress", 'Address of the token\'s contract; "" if none.'),
        _network_text("contract_address_url", "contractAddressUrl", "Where such addresses are explained."),
        Column(
            name="denomination",
            field="networkList[].denomination",
            kind="integer",
            doc="Number of the network's tokens in one of the coin, as for 1MBABYDOGE.",
            optional=True,
        ),
    ),
    identity=("coin", "network"),
    whole=True,
    summary="The networks that coins are deposited and withdrawn on, with fees and bounds, one row each.",
    source=_SOURCE,
)
