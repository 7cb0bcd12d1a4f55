"""Withdrawals from the account."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_UID

WITHDRAWALS = Endpoint(
    name="withdrawals",
    system="account.wallet",
    path="/sapi/v1/capital/withdraw/history",
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=18_000,
    params=(
        Param(field="coin", name="coin", kind="text", doc="Only this coin.", capitals=True),
        Param(
            field="status",
            name="status",
            kind="choice",
            doc="Only withdrawals in this state.",
            choices=MappingProxyType(
                {"email_sent": 0, "awaiting_approval": 2, "rejected": 3, "processing": 4, "completed": 6}
            ),
        ),
    ),
    unused=(
        # With it, a request spans 7 days; it weighs the same, and is a column.
        Param(
            field="withdrawOrderId",
            name="withdraw_order_id",
            kind="id",
            doc="Only the withdrawal with this id, given by whoever made it.",
        ),
        Param(field="idList", name="id_list", kind="text", doc="Only the withdrawals with these ids."),
        # Nothing says whether the first row is the oldest or the newest.
        Param(field="offset", name="offset", kind="integer", doc="Rows to skip.", default=0, minimum=0),
    ),
    # "Less than 90 days": exactly 90 days are too long. Windows begin with a whole second, as the times
    # of rows do, so that the last 90 days would take two.
    window=Window(max_span=timedelta(days=90) - MILLISECOND, default=timedelta(days=89)),
    paging=Paging(kind="limit", size="limit", default=1000, maximum=1000),
    columns=(
        Column(name="withdrawal_id", field="id", kind="id", doc="Id of the withdrawal at the exchange."),
        Column(
            name="withdraw_order_id",
            field="withdrawOrderId",
            kind="id",
            doc="Id given by whoever made it; missing if none.",
            optional=True,
        ),
        Column(
            name="apply_time",
            field="applyTime",
            kind="time",
            doc="When it was requested, UTC, in whole seconds.",
            unit="text",
        ),
        Column(
            name="complete_time",
            field="completeTime",
            kind="time",
            doc="When it was completed, UTC, in whole seconds; missing until then.",
            unit="text",
            optional=True,
        ),
        Column(name="coin", field="coin", kind="text", doc="The coin."),
        Column(
            name="amount",
            field="amount",
            kind="amount",
            doc="Amount that was sent, in `coin`, without the fee.",
        ),
        Column(
            name="transaction_fee", field="transactionFee", kind="amount", doc="Fee paid for it, in `coin`."
        ),
        Column(
            name="status",
            field="status",
            kind="integer",
            doc="0 e-mail sent, 1 canceled, 2 awaiting approval, 3 rejected, 4 processing, 5 failed, "
            "6 completed.",
        ),
        Column(
            name="network",
            field="network",
            kind="text",
            doc="Network it was sent on; missing for some old ones.",
            optional=True,
        ),
        Column(name="address", field="address", kind="text", doc="Address it was sent to."),
        Column(
            name="address_tag",
            field="addressTag",
            kind="text",
            doc="Tag or memo; missing if none.",
            optional=True,
        ),
        Column(
            name="tx_id",
            field="txId",
            kind="id",
            doc='Id of the transaction; "" until there is one.',
            optional=True,
        ),
        Column(
            name="tx_key", field="txKey", kind="id", doc='Key of the transaction; "" if none.', optional=True
        ),
        Column(
            name="transfer_type",
            field="transferType",
            kind="integer",
            doc="0 to the outside, 1 to another account of the exchange.",
        ),
        Column(
            name="wallet_type",
            field="walletType",
            kind="integer",
            doc="Wallet it was taken from: 0 spot, 1 funding.",
            optional=True,
        ),
        Column(
            name="confirm_no",
            field="confirmNo",
            kind="integer",
            doc="Number of confirmations.",
            optional=True,
        ),
        Column(
            name="info",
            field="info",
            kind="text",
            doc="Why it failed; missing or empty if it did not.",
            optional=True,
        ),
    ),
    identity=("withdrawal_id",),
    order_by="apply_time",
    either_order=True,
    summary="Withdrawals from the account, one row each.",
    notes=("The weight allows 10 requests a minute.",),
    source=f"{DOCS}/capital#withdraw-history",
)
