"""Writes that transfer the partner's funds."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.exchange_link.shared import DOCS, FUTURES_TYPE, SUB_ACCOUNT
from toolkit.endpoints.model import Column, Param
from toolkit.endpoints.rate_limits import SAPI_IP
from toolkit.endpoints.writes import Reconciliation, TransferLeg, Write

_ASSET = Param(
    field="asset",
    name="asset",
    kind="text",
    doc="Asset to transfer, such as USDT.",
    required=True,
    example="USDT",
)
_AMOUNT = Param(
    field="amount",
    name="amount",
    kind="amount",
    doc='Amount to transfer, as a Decimal or text ("12.5"); it is never rounded.',
    required=True,
    example="40",
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


def _wallet(field: str, name: str, doc: str, *, example: str) -> Param:
    return Param(
        field=field,
        name=name,
        kind="choice",
        doc=f'{doc}: "spot", "um" (USD-margined futures) or "cm" (coin-margined).',
        required=True,
        choices=_WALLETS,
        example=example,
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
        _wallet("fromAccountType", "from_wallet", "Wallet to transfer from", example="spot"),
        _wallet("toAccountType", "to_wallet", "Wallet to transfer to", example="um"),
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
