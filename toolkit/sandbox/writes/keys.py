"""Creates and deletes API keys of sub-accounts, and sets their permissions and addresses."""

from __future__ import annotations

from ipaddress import ip_address

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.messages import RefusalError, mandatory
from toolkit.sandbox.world import ApiKey, SubAccount, World
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import (
    WriteResponse,
    check_interval,
    requested_account,
    requested_key,
    require_futures,
    require_margin,
)

RESTRICTED = "2"


def create_api_key(world: World, request: CheckedRequest) -> WriteResponse:
    """Create a key, with a secret unless a public key was sent; one per second and sub-account."""
    account = requested_account(world, request)
    _check_flags(account, request)
    check_interval(account.key_made_ms, request.now_ms)
    text, secret = world.new_key()
    key = ApiKey(
        key=text,
        can_trade=False,
        margin_trade=False,
        futures_trade=False,
        ip_list=[],
        update_time=request.now_ms,
    )
    _set_flags(key, request)
    account.keys.append(key)
    account.key_made_ms = request.now_ms
    payload: Row = {"subaccountId": account.id, "apiKey": text}
    if "publicKey" not in request.values:
        payload["secretKey"] = secret
    return WriteResponse(payload | _flags(key), key.masked)


def delete_api_key(world: World, request: CheckedRequest) -> WriteResponse:
    """Delete a key; one per second and sub-account."""
    account, key = requested_key(world, request)
    check_interval(account.key_deleted_ms, request.now_ms)
    account.keys.remove(key)
    account.key_deleted_ms = request.now_ms
    return WriteResponse({})


def set_permissions(world: World, request: CheckedRequest) -> WriteResponse:
    """Set all permissions of a key."""
    account, key = requested_key(world, request)
    _check_flags(account, request)
    _set_flags(key, request)
    return WriteResponse({"subaccountId": account.id, "apikey": key.key} | _flags(key))


def set_universal_transfer(world: World, request: CheckedRequest) -> WriteResponse:
    """Set whether a key may make universal transfers; no read shows it."""
    account, key = requested_key(world, request)
    key.universal_transfer = request.is_true("canUniversalTransfer")
    return WriteResponse(
        {"subaccountId": account.id, "apikey": key.key, "canUniversalTransfer": key.universal_transfer}
    )


def set_ip_restriction(world: World, request: CheckedRequest) -> WriteResponse:
    """Lift the restriction of a key, or restrict it to these addresses and those already listed."""
    _, key = requested_key(world, request)
    status, sent = request.values["status"], _addresses(request)
    if status != RESTRICTED and sent:
        # Not documented: addresses for an unrestricted key make no sense.
        raise RefusalError(-1106, "Parameter 'ipAddress' sent when not required.")
    if status == RESTRICTED and not (sent or key.ip_list):
        raise mandatory("ipAddress")
    kept = key.ip_list if status == RESTRICTED else []
    known = {ip_address(each) for each in kept}
    new = {each: None for each in sent if ip_address(each) not in known}
    key.ip_list = [*kept, *new]
    key.update_time = request.now_ms
    payload: Row = {"status": status}
    if sent:
        payload["ipList"] = list(key.ip_list)
    return WriteResponse(payload | {"updateTime": key.update_time, "apiKey": key.key})


def remove_addresses(world: World, request: CheckedRequest) -> WriteResponse:
    """Remove these addresses from a key, or all if none is named.

    Without addresses a key is unrestricted. Removing an address that is not listed changes nothing.
    """
    account, key = requested_key(world, request)
    named = {ip_address(each) for each in _addresses(request)}
    key.ip_list = [each for each in key.ip_list if named and ip_address(each) not in named]
    key.update_time = request.now_ms
    return WriteResponse(
        {
            "subaccountId": account.id,
            "apikey": key.key,
            "ipList": list(key.ip_list),
            "updateTime": key.update_time,
        }
    )


def _addresses(request: CheckedRequest) -> list[str]:
    return request.values["ipAddress"].split(",") if "ipAddress" in request.values else []


def _check_flags(account: SubAccount, request: CheckedRequest) -> None:
    if request.is_true("marginTrade"):
        require_margin(account)
    if request.is_true("futuresTrade"):
        require_futures(account)


def _set_flags(key: ApiKey, request: CheckedRequest) -> None:
    key.can_trade = request.is_true("canTrade")
    key.margin_trade = request.is_true("marginTrade")
    key.futures_trade = request.is_true("futuresTrade")


def _flags(key: ApiKey) -> Row:
    return {"canTrade": key.can_trade, "marginTrade": key.margin_trade, "futuresTrade": key.futures_trade}
