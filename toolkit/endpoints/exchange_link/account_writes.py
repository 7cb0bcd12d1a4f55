"""Writes that create, delete and set up sub-accounts."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.exchange_link.shared import DOCS, SUB_ACCOUNT, SUB_ACCOUNT_ID
from toolkit.endpoints.model import Column, Param
from toolkit.endpoints.rate_limits import SAPI_IP
from toolkit.endpoints.writes import Expectation, Reconciliation, Write

_UPDATE_TIME = Column(name="update_time", field="updateTime", kind="time", doc="When it was changed, UTC.")
_ACCOUNT = MappingProxyType({"sub_account_id": ("sub_account_id",)})


CREATE_SUB_ACCOUNT = Write(
    name="create_sub_account",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccount",
    permission="trade",
    rate_limit=SAPI_IP,
    params=(
        Param(
            field="tag",
            name="tag",
            kind="text",
            doc="A name for the sub-account, at most 31 characters; at most 21 if `unique_suffix`.",
            max_length=31,
            example="desk-7",
        ),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        Column(
            name="email",
            field="email",
            kind="email",
            doc="E-mail address the exchange created for it, masked; "
            '`link.exchange.sub_accounts(emails="clear")` has it in full.',
            masked="email",
        ),
        Column(name="tag", field="tag", kind="text", doc="The tag.", optional=True),
    ),
    summary="Creates a sub-account.",
    source=f"{DOCS}/account",
    reconciliation=Reconciliation(
        kind="new_account",
        read="exchange.sub_accounts",
        checks=(Expectation(column="tag", argument="tag"),),
        manual_check="the list of sub-accounts, by tag and time of creation",
    ),
    subject=("tag",),
    creates="sub_account_id",
    suffixed_argument="tag",
)

DELETE_SUB_ACCOUNT = Write(
    name="delete_sub_account",
    system="exchange",
    method="DELETE",
    path="/sapi/v1/broker/subAccount",
    permission="trade",
    rate_limit=SAPI_IP,
    params=(SUB_ACCOUNT,),
    columns=(),
    summary="Deletes a sub-account. This cannot be undone.",
    notes=(
        "Transfer all its funds out and delete its API keys first.",
        "A partner may delete 20 sub-accounts a day.",
    ),
    source=f"{DOCS}/account/Delete-Sub-Account",
    reconciliation=Reconciliation(
        kind="gone",
        read="exchange.sub_accounts",
        read_arguments=_ACCOUNT,
        checks=(Expectation(column="sub_account_id", argument="sub_account_id"),),
        needs_snapshot=True,
        manual_check="whether the list of sub-accounts still has it",
    ),
    subject=("sub_account_id",),
    confirm="sub_account_id",
)

ENABLE_FUTURES = Write(
    name="enable_futures",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccount/futures",
    rate_limit=SAPI_IP,
    params=(
        SUB_ACCOUNT,
        Param(
            field="futures",
            name="futures",
            kind="flag",
            doc='Only "true" is supported.',
            required=True,
            fixed=True,
        ),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        Column(name="enable_futures", field="enableFutures", kind="flag", doc="Futures are enabled."),
        _UPDATE_TIME,
    ),
    summary="Enables futures for a sub-account.",
    notes=("The API cannot disable them again.",),
    source=f"{DOCS}/account/Enable-Futures-for-Sub-Account",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.futures_balances",
        read_arguments=_ACCOUNT,
        fixed_arguments=MappingProxyType({"market": "um"}),
        checks=(Expectation(column="futures_enable", value=True),),
        manual_check="`futures_enable` of its futures balances",
    ),
    subject=("sub_account_id",),
    repeatable=True,
)


def _burn(name: str, *, path: str, field: str, column: str, what: str, page: str) -> Write:
    """One of the two writes that switch BNB burn on or off."""
    return Write(
        name=name,
        system="exchange",
        method="POST",
        path=path,
        rate_limit=SAPI_IP,
        params=(
            SUB_ACCOUNT,
            Param(field=field, name="enabled", kind="flag", doc=f"Pay {what} in BNB.", required=True),
        ),
        columns=(SUB_ACCOUNT_ID, Column(name=column, field=field, kind="flag", doc=f"Pays {what} in BNB.")),
        summary=f"Sets whether a sub-account pays {what} in BNB.",
        notes=("Margin must be enabled for it first.",) if column == "interest_bnb_burn" else (),
        source=f"{DOCS}/account/{page}",
        reconciliation=Reconciliation(
            kind="in_force",
            read="exchange.bnb_burn",
            read_arguments=_ACCOUNT,
            checks=(Expectation(column=column, argument="enabled"),),
            manual_check="its BNB burn status",
        ),
        subject=("sub_account_id",),
        repeatable=True,
    )


SET_SPOT_BNB_BURN = _burn(
    "set_spot_bnb_burn",
    path="/sapi/v1/broker/subAccount/bnbBurn/spot",
    field="spotBNBBurn",
    column="spot_bnb_burn",
    what="spot and margin fees",
    page="Enable-Or-Disable-BNB-Burn-for-Sub-Account-Spot-Margin",
)
SET_INTEREST_BNB_BURN = _burn(
    "set_interest_bnb_burn",
    path="/sapi/v1/broker/subAccount/bnbBurn/marginInterest",
    field="interestBNBBurn",
    column="interest_bnb_burn",
    what="margin interest",
    page="Enable-Or-Disable-BNB-Burn-for-Sub-Account-Margin-Interest",
)
