"""Deposits to the account."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from toolkit.endpoints.account.wallet.shared import DOCS
from toolkit.endpoints.model import MILLISECOND, Column, Endpoint, Paging, Param, Window
from toolkit.endpoints.rate_limits import SAPI_IP

DEPOSITS = Endpoint(
    name="deposits",
    system="account.wallet",
    path="/sapi/v1/capital/deposit/hisrec",
    security="USER_DATA",
    rate_limit=SAPI_IP,
    params=(
        Param(field="coin", name="coin", kind="text", doc="Only this coin.", capitals=True),
        Param(
            field="status",
            name="status",
            kind="choice",
            doc="Only deposits in this state.",
            choices=MappingProxyType(
                {
                    "pending": 0,
                    "success": 1,
                    "rejected": 2,
                    "credited": 6,
                    "wrong_deposit": 7,
                    "waiting_for_confirmation": 8,
                }
            ),
        ),
        Param(field="txId", name="tx_id", kind="id", doc="Only deposits of this transaction."),
        Param(
            field="includeSource",
            name="include_source",
            kind="flag",
            doc="Whether the address it came from is filled in.",
            default=False,
            fixed=True,
        ),
    ),
    # The responses are newest first, so an offset would count from the newest row.
    unused=(Param(field="offset", name="offset", kind="integer", doc="Rows to skip.", default=0, minimum=0),),
    # "Less than 90 days": exactly 90 days are too long.
    window=Window(max_span=timedelta(days=90) - MILLISECOND, default=timedelta(days=90) - MILLISECOND),
    paging=Paging(kind="limit", size="limit", default=1000, maximum=1000),
    columns=(
        Column(name="deposit_id", field="id", kind="id", doc="Id of the deposit.", optional=True),
        Column(
            name="insert_time", field="insertTime", kind="time", doc="When the deposit was registered, UTC."
        ),
        Column(
            name="complete_time",
            field="completeTime",
            kind="time",
            doc="When it was completed, UTC; missing for some old ones and until then.",
            optional=True,
        ),
        Column(name="coin", field="coin", kind="text", doc="The coin."),
        Column(name="amount", field="amount", kind="amount", doc="Amount, in `coin`."),
        Column(
            name="status",
            field="status",
            kind="integer",
            doc="0 pending, 1 success, 2 rejected, 6 credited but not withdrawable, 7 wrong deposit, "
            "8 waiting for the user's confirmation.",
        ),
        Column(name="network", field="network", kind="text", doc="Network of the deposit.", optional=True),
        Column(name="address", field="address", kind="text", doc="Address it was sent to."),
        Column(name="address_tag", field="addressTag", kind="text", doc='Tag or memo; "" if none.'),
        Column(
            name="source_address",
            field="sourceAddress",
            kind="text",
            doc="Address it came from; missing if not known.",
            optional=True,
        ),
        Column(
            name="tx_id",
            field="txId",
            kind="id",
            doc='Id of the transaction; "Off-chain transfer ..." for internal ones.',
        ),
        Column(
            name="transfer_type",
            field="transferType",
            kind="integer",
            doc="0 from outside, 1 from another account of the exchange.",
        ),
        Column(
            name="confirm_times", field="confirmTimes", kind="text", doc='Confirmations, such as "12/12".'
        ),
        Column(
            name="unlock_confirm",
            field="unlockConfirm",
            kind="integer",
            doc="Confirmations until it can be withdrawn.",
            optional=True,
        ),
        Column(
            name="wallet_type",
            field="walletType",
            kind="integer",
            doc="Wallet it was credited to: 0 spot, 1 funding.",
            optional=True,
        ),
        Column(
            name="travel_rule_status",
            field="travelRuleStatus",
            kind="integer",
            doc="0 no action needed, 1 information about the deposit is required (newer field).",
            optional=True,
        ),
    ),
    identity=("deposit_id", "tx_id", "address", "coin", "amount", "insert_time"),
    order_by="insert_time",
    newest_first=True,  # as in the example of the page
    summary="Deposits to the account, one row each.",
    source=f"{DOCS}/capital#deposit-history",
)
