"""What changes the partner's sub-accounts, their keys and how they pay fees."""

from __future__ import annotations

from types import MappingProxyType

from toolkit.endpoints.exchange_link.shared import DOCS, KEY_COLUMN, SUB_ACCOUNT, SUB_ACCOUNT_ID
from toolkit.endpoints.model import Column, Param
from toolkit.endpoints.rate_limits import SAPI_IP, SAPI_UID
from toolkit.endpoints.writes import Expectation, Reconciliation, Write

_KEY = Param(
    field="subAccountApiKey",
    name="api_key",
    kind="id",
    doc="API key of the sub-account, the whole of it.",
    required=True,
    private=True,
)
_UPDATE_TIME = Column(name="update_time", field="updateTime", kind="time", doc="When it was changed, UTC.")
_IP_LIST = Column(
    name="ip_list",
    field="ipList",
    kind="texts",
    doc="Addresses that may use the key; missing where there is no restriction.",
    optional=True,
)
_ACCOUNT = MappingProxyType({"sub_account_id": ("sub_account_id",)})
_ACCOUNT_AND_KEY = MappingProxyType({"sub_account_id": ("sub_account_id",), "api_key": ("api_key",)})


def _flag(field: str, name: str, doc: str, *, required: bool = True) -> Param:
    return Param(field=field, name=name, kind="flag", doc=doc, required=required)


_FLAGS = (
    Column(name="can_trade", field="canTrade", kind="flag", doc="May trade spot."),
    Column(name="margin_trade", field="marginTrade", kind="flag", doc="May trade on margin."),
    Column(name="futures_trade", field="futuresTrade", kind="flag", doc="May trade futures."),
)
_FLAG_CHECKS = tuple(
    Expectation(column=name, argument=name) for name in ("can_trade", "margin_trade", "futures_trade")
)

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
            doc="Tag to know it by, less than 32 characters; less than 22 where it is marked.",
            longest=31,
        ),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        Column(
            name="email",
            field="email",
            kind="email",
            doc="Address the exchange made for it, masked; "
            '`link.exchange.sub_accounts(emails="clear")` has the whole.',
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
    summary="Deletes a sub-account. It cannot be brought back.",
    notes=(
        "Transfer all of its funds out and delete its API keys first.",
        "A partner may delete 20 sub-accounts a day.",
    ),
    source=f"{DOCS}/account/Delete-Sub-Account",
    reconciliation=Reconciliation(
        kind="gone",
        read="exchange.sub_accounts",
        ask=_ACCOUNT,
        checks=(Expectation(column="sub_account_id", argument="sub_account_id"),),
        before=True,
        manual_check="the list of sub-accounts: it is in there, or it is not",
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
            doc='Only "true" for now.',
            required=True,
            fixed=True,
        ),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        Column(name="enable_futures", field="enableFutures", kind="flag", doc="Futures are on."),
        _UPDATE_TIME,
    ),
    summary="Switches futures on for a sub-account.",
    notes=("The API cannot switch them off again.",),
    source=f"{DOCS}/account/Enable-Futures-for-Sub-Account",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.futures_balances",
        ask=_ACCOUNT,
        fixed=MappingProxyType({"market": "um"}),
        checks=(Expectation(column="futures_enable", value=True),),
        manual_check="`futures_enable` of its futures balances",
    ),
    subject=("sub_account_id",),
    repeatable=True,
)

CREATE_API_KEY = Write(
    name="create_api_key",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccountApi",
    permission="trade",
    # The page prints both 8 by address and 3000 by account; the second allows less, 60 a minute.
    rate_limit=SAPI_UID,
    weight=3000,
    params=(
        SUB_ACCOUNT,
        _flag("canTrade", "can_trade", "The key may trade spot."),
        _flag("marginTrade", "margin_trade", "It may trade on margin.", required=False),
        _flag("futuresTrade", "futures_trade", "It may trade futures.", required=False),
        Param(
            field="publicKey",
            name="public_key",
            kind="text",
            doc="Public key (Ed25519 or RSA) for a key without a secret; the private part never leaves you.",
            multiline=True,
        ),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        KEY_COLUMN,
        *_FLAGS,
    ),
    summary="Creates an API key for a sub-account.",
    notes=(
        "Key and secret are in no frame: `outcome.take_key()` hands them over, once.",
        "Only one key can be created for a sub-account in a second.",
        "Margin and futures have to be switched on for the sub-account before its keys may trade them.",
    ),
    source=f"{DOCS}/account/Create-Api-Key-for-Sub-Account",
    reconciliation=Reconciliation(
        kind="new_key",
        read="exchange.api_keys",
        ask=_ACCOUNT,
        checks=_FLAG_CHECKS,
        before=True,
        manual_check="the list of the sub-account's keys, for one that was not there before",
    ),
    subject=("sub_account_id",),
    handover_field="secretKey",
)

DELETE_API_KEY = Write(
    name="delete_api_key",
    system="exchange",
    method="DELETE",
    path="/sapi/v1/broker/subAccountApi",
    permission="trade",
    rate_limit=SAPI_IP,
    params=(SUB_ACCOUNT, _KEY),
    columns=(),
    summary="Deletes an API key of a sub-account. It cannot be brought back.",
    notes=("Only one key can be deleted for a sub-account in a second.",),
    source=f"{DOCS}/account/Delete-Sub-Account-Api-Key",
    reconciliation=Reconciliation(
        kind="gone",
        read="exchange.api_keys",
        ask=_ACCOUNT,
        checks=(Expectation(column="api_key", argument="api_key", how="matches_mask"),),
        before=True,
        manual_check="the list of the sub-account's keys: it is in there, or it is not",
    ),
    subject=("sub_account_id", "api_key"),
    confirm="api_key",
)

SET_PERMISSIONS = Write(
    name="set_permissions",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccountApi/permission",
    permission="trade",
    rate_limit=SAPI_IP,
    params=(
        SUB_ACCOUNT,
        _KEY,
        _flag("canTrade", "can_trade", "It may trade spot."),
        _flag("marginTrade", "margin_trade", "It may trade on margin."),
        _flag("futuresTrade", "futures_trade", "It may trade futures."),
    ),
    columns=(SUB_ACCOUNT_ID, KEY_COLUMN, *_FLAGS),
    summary="Says what an API key of a sub-account may do.",
    notes=(
        "All three are said each time: none stays as it was.",
        "Margin and futures have to be switched on for the sub-account first.",
    ),
    source=f"{DOCS}/account/Change-Sub-Account-Api-Permission",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.api_keys",
        ask=_ACCOUNT_AND_KEY,
        checks=_FLAG_CHECKS,
        manual_check="what the list of the sub-account's keys says about this one",
    ),
    subject=("sub_account_id", "api_key"),
    repeatable=True,
)

SET_UNIVERSAL_TRANSFER = Write(
    name="set_universal_transfer",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccountApi/permission/universalTransfer",
    permission="trade",
    rate_limit=SAPI_IP,
    params=(
        SUB_ACCOUNT,
        _KEY,
        _flag("canUniversalTransfer", "allowed", "It may move funds between the sub-account's wallets."),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        KEY_COLUMN,
        Column(
            name="can_universal_transfer",
            field="canUniversalTransfer",
            kind="flag",
            doc="May move funds between the wallets of its account.",
        ),
    ),
    summary="Says whether an API key of a sub-account may make universal transfers.",
    source=f"{DOCS}/account/Enable-Universal-Transfer-Permission-For-SubAccount-Api-Key",
    reconciliation=Reconciliation(
        kind="manual",
        manual_check="the key's permissions at the exchange's site: no read of the API shows this one. Setting it "
        "again does no harm",
    ),
    subject=("sub_account_id", "api_key"),
    repeatable=True,
)

SET_IP_RESTRICTION = Write(
    name="set_ip_restriction",
    system="exchange",
    method="POST",
    path="/sapi/v2/broker/subAccountApi/ipRestriction",
    security="USER_DATA",
    rate_limit=SAPI_UID,
    weight=3000,
    params=(
        SUB_ACCOUNT,
        _KEY,
        Param(
            field="status",
            name="restriction",
            kind="choice",
            doc='"on": only listed addresses may use the key; "off": any may.',
            required=True,
            choices=MappingProxyType({"off": 1, "on": 2}),
        ),
        Param(
            field="ipAddress",
            name="addresses",
            kind="addresses",
            doc="IP addresses that may use the key, put to those listed by now.",
        ),
    ),
    columns=(
        Column(name="status", field="status", kind="text", doc='"1" any address, "2" only listed ones.'),
        _IP_LIST,
        _UPDATE_TIME,
        KEY_COLUMN,
    ),
    summary="Says whether an API key of a sub-account may be used from anywhere, or from where.",
    source=f"{DOCS}/account/Update-IP-Restriction-for-Sub-Account-API-key-For-Master-Account",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.ip_restriction",
        ask=_ACCOUNT_AND_KEY,
        checks=(
            Expectation(column="ip_restrict", argument="restriction", choice="on"),
            Expectation(column="ip_list", argument="addresses", how="holds"),
        ),
        manual_check="the key's IP restriction",
    ),
    subject=("sub_account_id", "api_key"),
    changes="addresses",
    repeatable=True,
)

REMOVE_ADDRESSES = Write(
    name="remove_addresses",
    system="exchange",
    method="DELETE",
    path="/sapi/v1/broker/subAccountApi/ipRestriction/ipList",
    rate_limit=SAPI_IP,
    params=(
        SUB_ACCOUNT,
        _KEY,
        Param(
            field="ipAddress",
            name="addresses",
            kind="addresses",
            doc="IP addresses to remove: at least one. Without any left the key may be used from anywhere.",
            # Left out it means every address, and a key that is open to all.
            required_by_client=True,
        ),
    ),
    columns=(SUB_ACCOUNT_ID, KEY_COLUMN, _IP_LIST, _UPDATE_TIME),
    summary="Removes addresses from those that may use an API key of a sub-account.",
    source=f"{DOCS}/account/Delete-IPRestriction-for-Sub-Account-Api-Key",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.ip_restriction",
        ask=_ACCOUNT_AND_KEY,
        checks=(Expectation(column="ip_list", argument="addresses", how="lacks"),),
        manual_check="the key's IP restriction",
    ),
    subject=("sub_account_id", "api_key"),
    changes="addresses",
    repeatable=True,
)


def _burn(name: str, *, path: str, field: str, column: str, what: str, page: str) -> Write:
    """Both switches differ in a few words only."""
    return Write(
        name=name,
        system="exchange",
        method="POST",
        path=path,
        rate_limit=SAPI_IP,
        params=(SUB_ACCOUNT, _flag(field, "enabled", f"Pay {what} in BNB.")),
        columns=(SUB_ACCOUNT_ID, Column(name=column, field=field, kind="flag", doc=f"Pays {what} in BNB.")),
        summary=f"Says whether a sub-account pays {what} in BNB.",
        notes=("Margin has to be switched on for it first.",) if column == "interest_bnb_burn" else (),
        source=f"{DOCS}/account/{page}",
        reconciliation=Reconciliation(
            kind="in_force",
            read="exchange.bnb_burn",
            ask=_ACCOUNT,
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
