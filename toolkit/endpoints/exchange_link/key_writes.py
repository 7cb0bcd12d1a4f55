"""Writes that change the API keys of sub-accounts."""

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
    doc="API key of the sub-account, in full.",
    required=True,
    private=True,
)
_UPDATE_TIME = Column(name="update_time", field="updateTime", kind="time", doc="When it was changed, UTC.")
_IP_LIST = Column(
    name="ip_list",
    field="ipList",
    kind="texts",
    doc="IP addresses that may use the key; missing where there is no restriction.",
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

CREATE_API_KEY = Write(
    name="create_api_key",
    system="exchange",
    method="POST",
    path="/sapi/v1/broker/subAccountApi",
    permission="trade",
    # The page has both 8 by IP address and 3000 by account; the latter is stricter, 60 a minute.
    rate_limit=SAPI_UID,
    weight=3000,
    params=(
        SUB_ACCOUNT,
        _flag("canTrade", "can_trade", "The key may trade spot."),
        _flag("marginTrade", "margin_trade", "The key may trade on margin.", required=False),
        _flag("futuresTrade", "futures_trade", "The key may trade futures.", required=False),
        Param(
            field="publicKey",
            name="public_key",
            kind="text",
            doc="Public key (Ed25519 or RSA), for an API key without a secret. Keep the private key.",
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
        "No frame holds the key or its secret: `outcome.take_key()` returns them, once.",
        "At most one key a second can be created for a sub-account.",
        "Margin and futures must be enabled for the sub-account before its keys may trade them.",
    ),
    source=f"{DOCS}/account/Create-Api-Key-for-Sub-Account",
    reconciliation=Reconciliation(
        kind="new_key",
        read="exchange.api_keys",
        read_arguments=_ACCOUNT,
        checks=_FLAG_CHECKS,
        needs_snapshot=True,
        manual_check="the list of the sub-account's keys, for a new one",
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
    summary="Deletes an API key of a sub-account. This cannot be undone.",
    notes=("At most one key a second can be deleted for a sub-account.",),
    source=f"{DOCS}/account/Delete-Sub-Account-Api-Key",
    reconciliation=Reconciliation(
        kind="gone",
        read="exchange.api_keys",
        read_arguments=_ACCOUNT,
        checks=(Expectation(column="api_key", argument="api_key", how="matches_mask"),),
        needs_snapshot=True,
        manual_check="whether the list of the sub-account's keys still has it",
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
        _flag("canTrade", "can_trade", "The key may trade spot."),
        _flag("marginTrade", "margin_trade", "The key may trade on margin."),
        _flag("futuresTrade", "futures_trade", "The key may trade futures."),
    ),
    columns=(SUB_ACCOUNT_ID, KEY_COLUMN, *_FLAGS),
    summary="Sets the trading permissions of an API key of a sub-account.",
    notes=(
        "Each call sets all three.",
        "Margin and futures must be enabled for the sub-account first.",
    ),
    source=f"{DOCS}/account/Change-Sub-Account-Api-Permission",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.api_keys",
        read_arguments=_ACCOUNT_AND_KEY,
        checks=_FLAG_CHECKS,
        manual_check="the key's permissions in the list of the sub-account's keys",
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
        _flag(
            "canUniversalTransfer", "allowed", "The key may transfer funds between the sub-account's wallets."
        ),
    ),
    columns=(
        SUB_ACCOUNT_ID,
        KEY_COLUMN,
        Column(
            name="can_universal_transfer",
            field="canUniversalTransfer",
            kind="flag",
            doc="May transfer funds between the sub-account's wallets.",
        ),
    ),
    summary="Sets whether an API key of a sub-account may make universal transfers.",
    source=f"{DOCS}/account/Enable-Universal-Transfer-Permission-For-SubAccount-Api-Key",
    reconciliation=Reconciliation(
        kind="manual",
        manual_check="the key's permissions on the exchange's website: no read of the API shows this one. "
        "Setting it again is safe",
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
            doc='"on": only listed IP addresses may use the key; "off": any may.',
            required=True,
            choices=MappingProxyType({"off": 1, "on": 2}),
            example="on",
        ),
        Param(
            field="ipAddress",
            name="addresses",
            kind="addresses",
            doc="IP addresses to add to those that may use the key.",
            example="192.0.2.7",
        ),
    ),
    columns=(
        Column(name="status", field="status", kind="text", doc='"1" any IP address, "2" only listed ones.'),
        _IP_LIST,
        _UPDATE_TIME,
        KEY_COLUMN,
    ),
    summary="Sets from which IP addresses an API key of a sub-account may be used.",
    source=f"{DOCS}/account/Update-IP-Restriction-for-Sub-Account-API-key-For-Master-Account",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.ip_restriction",
        read_arguments=_ACCOUNT_AND_KEY,
        checks=(
            Expectation(column="ip_restrict", argument="restriction", choice="on"),
            Expectation(column="ip_list", argument="addresses", how="contains"),
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
            doc="IP addresses to remove, at least one. If none is left, the key may be used from anywhere.",
            # Without it, the exchange would remove every address and open the key to all.
            required_by_client=True,
            example="192.0.2.7",
        ),
    ),
    columns=(SUB_ACCOUNT_ID, KEY_COLUMN, _IP_LIST, _UPDATE_TIME),
    summary="Removes IP addresses from those that may use an API key of a sub-account.",
    source=f"{DOCS}/account/Delete-IPRestriction-for-Sub-Account-Api-Key",
    reconciliation=Reconciliation(
        kind="in_force",
        read="exchange.ip_restriction",
        read_arguments=_ACCOUNT_AND_KEY,
        checks=(Expectation(column="ip_list", argument="addresses", how="lacks"),),
        manual_check="the key's IP restriction",
    ),
    subject=("sub_account_id", "api_key"),
    changes="addresses",
    repeatable=True,
)
