"""Writes that transfer the partner's funds, and that set the commissions of its sub-accounts."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.exchange_link.shared import DOCS, FUTURES_TYPE, SUB_ACCOUNT, SUB_ACCOUNT_ID
from toolkit.endpoints.model import Column, Param
from toolkit.endpoints.rate_limits import SAPI_IP, SAPI_UID
from toolkit.endpoints.writes import Expectation, Reconciliation, TransferLeg, Write

_ASSET = Param(
    field="asset", name="asset", kind="text", doc="Asset to transfer, such as USDT.", required=True
)
_AMOUNT = Param(
    field="amount",
    name="amount",
    kind="amount",
    doc='Amount to transfer, as a Decimal or text ("12.5"); it is never rounded.',
    required=True,
)
_FROM = Param(
    field="fromId",
    name="from_id",
    kind="id",
    doc="Sub-account to transfer from; the master account if not given.",
)
_TO = Param(
    field="toId", name="to_id", kind="id", doc="Sub-account to transfer to; the master account if not given."
)
_CLIENT_TRAN = Param(
    field="clientTranId",
    name="client_tran_id",
    kind="id",
    doc="Unique id of your own for the transfer, at most 32 characters. If not given, a random one is used, "
    "which identifies the transfer beyond doubt.",
    max_length=32,
)
_TXN_ID = Column(name="txn_id", field="txnId", kind="id", doc="Id of the transfer.")
_CLIENT_TRAN_ID = Column(
    name="client_tran_id", field="clientTranId", kind="id", doc="Your own id of the transfer.", optional=True
)
_SIDES = MappingProxyType(
    {"from_id": ("from_id",), "to_id": ("to_id",), "client_tran_id": ("client_tran_id",)}
)
_WALLETS = MappingProxyType({"spot": "SPOT", "um": "USDT_FUTURE", "cm": "COIN_FUTURE"})


def _wallet(field: str, name: str, doc: str) -> Param:
    return Param(
        field=field,
        name=name,
        kind="choice",
        doc=f'{doc}: "spot", "um" (USD-margined futures) or "cm" (coin-margined).',
        required=True,
        choices=_WALLETS,
    )


TRANSFER = Write(
    name="transfer",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/transfer",
    permission="internal transfer",
    rate_limit=SAPI_IP,
    params=(_ASSET, _AMOUNT, _FROM, _TO, _CLIENT_TRAN),
    at_least_one=("from_id", "to_id"),
    columns=(_TXN_ID, _CLIENT_TRAN_ID),
    summary="Transfers funds between the spot wallets of the master account and of sub-accounts.",
    source=f"{DOCS}/asset",
    reconciliation=Reconciliation(
        kind="client_id",
        read="exchange.transfers",
        read_arguments=_SIDES,
        fixed_arguments=MappingProxyType({"show_all_status": True}),
        manual_check="the transfers of both accounts, by its client id",
    ),
    subject=("asset", "amount"),
    transfer_leg=TransferLeg(source="spot", target="spot"),
    creates="txn_id",
)

TRANSFER_FUTURES = Write(
    name="transfer_futures",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/transfer/futures",
    permission="internal transfer",
    rate_limit=SAPI_IP,
    params=(FUTURES_TYPE, _ASSET, _AMOUNT, _FROM, _TO, _CLIENT_TRAN),
    at_least_one=("from_id", "to_id"),
    columns=(
        Column(name="success", field="success", kind="flag", doc="The exchange reports success."),
        _TXN_ID,
        _CLIENT_TRAN_ID,
    ),
    summary="Transfers funds between the futures wallets of the master account and of sub-accounts.",
    notes=("A master account may make 5,000 transfers a minute.",),
    source=f"{DOCS}/asset/Sub-Account-Transfer-Futures",
    reconciliation=Reconciliation(
        kind="client_id",
        read="exchange.futures_transfers",
        read_arguments=MappingProxyType(
            {
                "sub_account_id": ("to_id", "from_id"),
                "market": ("market",),
                "client_tran_id": ("client_tran_id",),
            }
        ),
        manual_check="the futures transfers of the sub-account, by its client id",
    ),
    subject=("asset", "amount"),
    transfer_leg=TransferLeg(source="market", target="market"),
    creates="txn_id",
)

UNIVERSAL_TRANSFER = Write(
    name="universal_transfer",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/universalTransfer",
    permission="internal transfer",
    rate_limit=SAPI_IP,
    params=(
        _wallet("fromAccountType", "from_wallet", "Wallet to transfer from"),
        _wallet("toAccountType", "to_wallet", "Wallet to transfer to"),
        _ASSET,
        _AMOUNT,
        _FROM,
        _TO,
        _CLIENT_TRAN,
    ),
    at_least_one=("from_id", "to_id"),
    columns=(_TXN_ID, _CLIENT_TRAN_ID),
    summary="Transfers funds between any wallets of the master account and of sub-accounts.",
    notes=("Transfers between two futures wallets are not possible.",),
    source=f"{DOCS}/asset/Universal-Transfer",
    reconciliation=Reconciliation(
        kind="client_id",
        read="exchange.universal_transfers",
        read_arguments=_SIDES,
        fixed_arguments=MappingProxyType({"show_all_status": True}),
        manual_check="the universal transfers of both accounts, by its client id",
    ),
    subject=("asset", "amount"),
    transfer_leg=TransferLeg(source="from_wallet", target="to_wallet", spot_on_one_side=True),
    creates="txn_id",
)

TRANSFER_WITHIN = Write(
    name="transfer_within",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/futures/accountTransfer",
    security="USER_DATA",
    permission="Spot & Margin Trading",
    rate_limit=SAPI_IP,
    params=(
        SUB_ACCOUNT,
        _ASSET,
        _AMOUNT,
        Param(
            field="type",
            name="route",
            kind="choice",
            doc='Source and target wallet: "spot_to_um", "um_to_spot", "spot_to_cm" or "cm_to_spot".',
            required=True,
            choices=MappingProxyType({"spot_to_um": 1, "um_to_spot": 2, "spot_to_cm": 3, "cm_to_spot": 4}),
        ),
    ),
    columns=(_TXN_ID,),
    summary="Transfers funds between the spot and futures wallets of one sub-account.",
    notes=(
        "It takes no client id, and no read shows it: use `universal_transfer` if you need to find the "
        "transfer again.",
    ),
    source=f"{DOCS}/asset/Futures-Transfer-for-Link-Sub-account",
    reconciliation=Reconciliation(
        kind="manual",
        manual_check="the sub-account's wallets (`link.exchange.spot_balances` and `futures_balances`), or "
        "its transfer history on the exchange's website, at the time of the journal entry",
    ),
    subject=("asset", "amount"),
    transfer_leg=TransferLeg(route="route"),
    creates="txn_id",
)


def _rate(field: str, name: str, doc: str, *, required: bool) -> Param:
    return Param(
        field=field,
        name=name,
        kind="rate",
        doc=f'{doc}, as a fraction: "0.001" is 0.1 %.',
        required=required,
    )


def _fraction(field: str, name: str, doc: str, *, optional: bool = False) -> Column:
    return Column(name=name, field=field, kind="amount", doc=f"{doc}, as a fraction.", optional=optional)


SET_COMMISSION = Write(
    name="set_commission",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccountApi/commission",
    permission="trade",
    rate_limit=SAPI_UID,
    weight=4,
    params=(
        SUB_ACCOUNT,
        _rate("makerCommission", "maker", "Spot maker commission", required=True),
        _rate("takerCommission", "taker", "Spot taker commission", required=True),
        _rate("marginMakerCommission", "margin_maker", "Margin maker commission", required=False),
        _rate("marginTakerCommission", "margin_taker", "Margin taker commission", required=False),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        _fraction("makerCommission", "maker_commission", "Spot maker commission"),
        _fraction("takerCommission", "taker_commission", "Spot taker commission"),
        _fraction("marginMakerCommission", "margin_maker_commission", "Margin maker rate", optional=True),
        _fraction("marginTakerCommission", "margin_taker_commission", "Margin taker rate", optional=True),
    ),
    summary="Sets the spot and margin commission of a sub-account.",
    notes=(
        "`link.exchange.partner` returns the lowest and highest rate the partner may set.",
        "Margin rates need margin to be enabled; they follow the spot rates if not given.",
    ),
    source=f"{DOCS}/fee",
    # The unit of margin rates in the list of sub-accounts is not documented, so they are not compared.
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.sub_accounts",
        read_arguments=MappingProxyType({"sub_account_id": ("sub_account_id",)}),
        checks=(
            Expectation(column="maker_commission", argument="maker"),
            Expectation(column="taker_commission", argument="taker"),
        ),
        manual_check="its commissions in the list of sub-accounts",
    ),
    subject=("sub_account_id",),
    repeatable=True,
)


def _adjustment(*, name: str, path: str, key: str, title: str, example: str, maxima: str, page: str) -> Write:
    """One of the two futures commission writes. No official page seen so far documents their bounds."""

    def adjustment(field: str, side: str) -> Param:
        return Param(
            field=field,
            name=f"{side}_adjustment",
            kind="integer",
            doc=f"Addition to the {side} commission of its fee tier, in millionths: 100 is 0.01 %.",
            required=True,
            minimum=0,
        )

    def millionths(field: str, column: str, doc: str) -> Column:
        return Column(name=column, field=field, kind="integer", doc=f"{doc}, in millionths.")

    return Write(
        name=name,
        system="exchange",
        method="POST",
        path=path,
        permission="trade",
        rate_limit=SAPI_IP,
        params=(
            SUB_ACCOUNT,
            Param(field=key, name=key, kind="text", doc=f"The {key}, such as {example}.", required=True),
            adjustment("makerAdjustment", "maker"),
            adjustment("takerAdjustment", "taker"),
        ),
        columns=(
            SUB_ACCOUNT_ID,
            Column(name=key, field=key, kind="text", doc=f"The {key}."),
            millionths("makerAdjustment", "maker_adjustment", "Addition to the maker commission"),
            millionths("takerAdjustment", "taker_adjustment", "Addition to the taker commission"),
            millionths("makerCommission", "maker_commission", "Maker commission including it"),
            millionths("takerCommission", "taker_commission", "Taker commission including it"),
        ),
        summary=f"Sets the {title} futures commission of a sub-account, as an addition to its fee tier.",
        notes=("Futures must be enabled for it first.", f"Other clients have these maxima: {maxima}."),
        source=f"{DOCS}/fee/{page}",
        # The read shows the commission including the adjustment, not the adjustment itself.
        reconciliation=Reconciliation(
            kind="changed",
            read=f"exchange.{'um' if key == 'symbol' else 'cm'}_commission",
            read_arguments=MappingProxyType({"sub_account_id": ("sub_account_id",), key: (key,)}),
            checks=(Expectation(column="maker_commission"), Expectation(column="taker_commission")),
            needs_snapshot=True,
            manual_check="its futures commission",
        ),
        subject=("sub_account_id", key),
        repeatable=True,
    )


SET_UM_COMMISSION = _adjustment(
    name="set_um_commission",
    path="/sapi/v1/broker/subAccountApi/commission/futures",
    key="symbol",
    title="USD-M",
    example="BTCUSDT",
    maxima="maker 200, taker 400",
    page="Change-Sub-Account-UM-Futures-Commission",
)
SET_CM_COMMISSION = _adjustment(
    name="set_cm_commission",
    path="/sapi/v1/broker/subAccountApi/commission/coinFutures",
    key="pair",
    title="COIN-M",
    example="BTCUSD",
    maxima="maker 100, taker 500",
    page="Change-Sub-Account-CM-Futures-Commission",
)
