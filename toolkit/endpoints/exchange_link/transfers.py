"""Reads of transfers between wallets, and of deposits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.exchange_link.shared import (
    ANY_SUB_ACCOUNT,
    ASSET,
    DOCS,
    FUTURES_TYPE,
    SUB_ACCOUNT,
    SUB_ACCOUNT_ID,
    TIME,
)
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP

_FROM = Param(field="fromId", name="from_id", kind="id", doc="Sub-account the funds came from.", several=True)
_TO = Param(field="toId", name="to_id", kind="id", doc="Sub-account the funds went to.", several=True)
_CLIENT_TRAN = Param(
    field="clientTranId", name="client_tran_id", kind="id", doc="Only the transfer with this client id."
)

_SHOW_ALL = Param(
    field="showAllStatus",
    name="show_all_status",
    kind="flag",
    doc="Include failed transfers.",
    default=False,
)

_TRANSFER_FROM = Column(
    name="from_id",
    field="fromId",
    kind="id",
    doc="Sub-account the funds came from; empty or missing means the master account.",
    optional=True,
    named=True,
)
_TRANSFER_TO = Column(
    name="to_id",
    field="toId",
    kind="id",
    doc="Sub-account the funds went to; empty or missing means the master account.",
    optional=True,
    named=True,
)
_QTY = Column(name="qty", field="qty", kind="amount", doc="Amount transferred, in `asset`.")
_CLIENT_TRAN_ID = Column(
    name="client_tran_id", field="clientTranId", kind="id", doc='Client id of the transfer; "" if none.'
)

TRANSFERS = Endpoint(
    name="transfers",
    system="exchange",
    path="/sapi/v1/broker/transfer",
    rate_limit=SAPI_IP,
    params=(_FROM, _TO, _CLIENT_TRAN, _SHOW_ALL),
    # The page also says "Return fromId equal master account by default"; the stricter reading is that one
    # of the two must be sent.
    at_least_one=("from_id", "to_id"),
    # The exchange silently shortens longer spans, so they are never requested.
    window=Window(max_span=timedelta(days=100), default=timedelta(days=100)),
    paging=Paging(kind="page", size="limit", default=500, maximum=500),
    columns=(
        _TRANSFER_FROM,
        _TRANSFER_TO,
        ASSET,
        _QTY,
        TIME,
        Column(name="txn_id", field="txnId", kind="id", doc="Id of the transfer."),
        _CLIENT_TRAN_ID,
        Column(name="status", field="status", kind="text", doc="INIT, PROCESS, SUCCESS or FAILURE."),
    ),
    identity=("txn_id", "time", "from_id", "to_id", "asset"),
    order_by="time",
    summary="Spot transfers between the partner and its sub-accounts, one row each.",
    source=f"{DOCS}/asset/Query-Sub-Account-Transfer-History-Spot",
)

FUTURES_TRANSFERS = Endpoint(
    name="futures_transfers",
    system="exchange",
    path="/sapi/v1/broker/transfer/futures",
    rate_limit=SAPI_IP,
    # The sub-account is the source or the target of each transfer.
    params=(replace(SUB_ACCOUNT, columns=("from_id", "to_id")), FUTURES_TYPE, _CLIENT_TRAN),
    window=Window(max_span=timedelta(days=30), default=timedelta(days=30), retention=timedelta(days=30)),
    paging=Paging(kind="page", size="limit", default=50, maximum=500),
    rows_field="transfers",
    success_field="success",
    columns=(
        # The examples have both from/to and fromId/toId.
        Column(
            name="from_id",
            field=("fromId", "from"),
            kind="id",
            doc='Sub-account the funds came from; "" means the master account.',
            optional=True,
            named=True,
        ),
        Column(
            name="to_id",
            field=("toId", "to"),
            kind="id",
            doc='Sub-account the funds went to; "" means the master account.',
            optional=True,
            named=True,
        ),
        ASSET,
        _QTY,
        Column(name="tran_id", field="tranId", kind="id", doc="Id of the transfer."),
        _CLIENT_TRAN_ID,
        TIME,
        Column(
            name="futures_type",
            field="futuresType",
            kind="integer",
            doc="1 USD-margined, 2 coin-margined.",
            outer=True,
        ),
    ),
    identity=("tran_id", "time", "from_id", "to_id", "asset"),
    order_by="time",
    summary="Futures transfers of one sub-account, one row each.",
    notes=("The exchange keeps the last 30 days.",),
    source=f"{DOCS}/asset/Query-Sub-Account-Transfer-History-Futures",
)

UNIVERSAL_TRANSFERS = Endpoint(
    name="universal_transfers",
    system="exchange",
    path="/sapi/v1/broker/universalTransfer",
    rate_limit=SAPI_IP,
    params=(_FROM, _TO, _CLIENT_TRAN, _SHOW_ALL),
    at_least_one=("from_id", "to_id"),
    window=Window(max_span=timedelta(days=100), default=timedelta(days=30)),
    paging=Paging(kind="page", size="limit", default=500, maximum=500),
    columns=(
        _TRANSFER_FROM,
        _TRANSFER_TO,
        ASSET,
        _QTY,
        TIME,
        Column(name="status", field="status", kind="text", doc="INIT, PROCESS, SUCCESS or FAILURE."),
        Column(name="txn_id", field="txnId", kind="id", doc="Id of the transfer."),
        _CLIENT_TRAN_ID,
        Column(
            name="from_account_type",
            field="fromAccountType",
            kind="text",
            doc="Source wallet: SPOT, USDT_FUTURE, COIN_FUTURE, MARGIN.",
        ),
        Column(name="to_account_type", field="toAccountType", kind="text", doc="Target wallet."),
    ),
    identity=("txn_id", "time", "from_id", "to_id", "asset"),
    order_by="time",
    summary="Transfers between wallets of the partner and its sub-accounts, one row each.",
    source=f"{DOCS}/asset/Query-Universal-Transfer-History",
)

_DEPOSIT_COLUMNS = (
    Column(
        name="deposit_id",
        field="depositId",
        kind="id",
        doc="Id of the deposit (since 2023-11-20).",
        optional=True,
    ),
    SUB_ACCOUNT_ID,
    Column(name="address", field="address", kind="text", doc="Address of the deposit."),
    Column(name="address_tag", field="addressTag", kind="text", doc='Tag or memo; "" if none.'),
    Column(name="amount", field="amount", kind="amount", doc="Amount, in `coin`."),
    Column(name="coin", field="coin", kind="text", doc="The coin."),
    Column(name="insert_time", field="insertTime", kind="time", doc="When the deposit was registered, UTC."),
    Column(
        name="transfer_type",
        field="transferType",
        kind="integer",
        doc="0 external, 1 internal (off-chain).",
    ),
    Column(name="network", field="network", kind="text", doc="Network of the deposit."),
    Column(
        name="status",
        field="status",
        kind="integer",
        doc="0 pending, 6 credited but not withdrawable, 1 success; an example also has 3.",
    ),
    Column(
        name="tx_id",
        field="txId",
        kind="id",
        doc='Transaction id; "Off-chain transfer ..." for internal ones.',
    ),
    Column(
        name="source_address",
        field="sourceAddress",
        kind="text",
        doc="Address it came from (missing in some responses).",
        optional=True,
    ),
    Column(name="confirm_times", field="confirmTimes", kind="text", doc='Confirmations, such as "12/12".'),
    Column(
        name="self_return_status",
        field="selfReturnStatus",
        kind="integer",
        doc="Not documented (since 2023-11-20).",
        optional=True,
    ),
    Column(
        name="travel_rule_status",
        field="travelRuleStatus",
        kind="integer",
        doc="0 no action needed, 1 information about the deposit is required (since 2025-02-26).",
        optional=True,
    ),
)

DEPOSITS = Endpoint(
    name="deposits",
    system="exchange",
    path="/sapi/v1/broker/subAccount/depositHist",
    # Documented as "Weight(Master Account) 10", which some read as UID and gocryptotrader as IP. IP has the
    # smaller limit.
    rate_limit=SAPI_IP,
    weight=10,
    params=(
        ANY_SUB_ACCOUNT,
        Param(field="coin", name="coin", kind="text", doc="Only this coin.", capitals=True),
        Param(
            field="status",
            name="status",
            kind="choice",
            doc="Only deposits in this state.",
            choices=MappingProxyType({"pending": 0, "success": 1, "credited": 6}),
        ),
    ),
    # Documented as "less than 7 days": exactly seven days are too long.
    window=Window(max_span=timedelta(days=7) - MILLISECOND, default=timedelta(days=7) - MILLISECOND),
    paging=Paging(kind="offset", size="limit", default=500, maximum=500),
    columns=_DEPOSIT_COLUMNS,
    identity=("deposit_id", "sub_account_id", "tx_id", "address", "coin", "amount", "insert_time"),
    order_by="insert_time",
    summary="Deposits into sub-accounts, one row each.",
    source=f"{DOCS}/asset/Get-Sub-Account-Deposit-History",
)

DEPOSIT = Endpoint(
    name="deposit",
    system="exchange",
    path="/sapi/v2/broker/subAccount/depositHist",
    rate_limit=SAPI_IP,  # as above
    weight=10,
    params=(
        Param(field="depositId", name="deposit_id", kind="id", doc="Id of the deposit.", required=True),
        SUB_ACCOUNT,
    ),
    paging=Paging(kind="offset", size="limit", default=500, maximum=500),
    columns=_DEPOSIT_COLUMNS,
    identity=("deposit_id", "sub_account_id"),  # both are arguments: there is at most one row
    order_by="insert_time",
    summary="One deposit, looked up by its id.",
    source=f"{DOCS}/asset/Get-Sub-Account-Deposit-History-v2",
)
