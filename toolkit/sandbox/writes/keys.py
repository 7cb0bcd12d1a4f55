"""API keys of sub-accounts: made, deleted, and what they may do from where."""

from __future__ import annotations

from ipaddress import ip_address

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.messages import RefusalError, mandatory
from toolkit.sandbox.world import ApiKey, SubAccount, World
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import (
    WriteEffect,
    account_of,
    flag,
    key_of,
    need_futures,
    need_margin,
    too_soon,
)

RESTRICTED = "2"


def create_api_key(world: World, asked: Asked) -> WriteEffect:
    """A key more, with a secret unless a public key was sent; one a second for each sub-account."""
    account = account_of(world, asked)
    _check_flags(account, asked)
    too_soon(account.key_made_ms, asked.now_ms)
    text, secret = world.new_key()
    key = ApiKey(
        key=text,
        can_trade=False,
        margin_trade=False,
        futures_trade=False,
        ip_list=[],
        update_time=asked.now_ms,
    )
    _set_flags(key, asked)
    account.keys.append(key)
    account.key_made_ms = asked.now_ms
    answer: Row = {"subaccountId": account.id, "apiKey": text}
    if "publicKey" not in asked.values:
        answer["secretKey"] = secret
    return WriteEffect(answer | _flags(key), key.masked)


def delete_api_key(world: World, asked: Asked) -> WriteEffect:
    """A key less; one a second for each sub-account."""
    account, key = key_of(world, asked)
    too_soon(account.key_deleted_ms, asked.now_ms)
    account.keys.remove(key)
    account.key_deleted_ms = asked.now_ms
    return WriteEffect({})


def set_permissions(world: World, asked: Asked) -> WriteEffect:
    """The key may do this and nothing else."""
    account, key = key_of(world, asked)
    _check_flags(account, asked)
    _set_flags(key, asked)
    return WriteEffect({"subaccountId": account.id, "apikey": key.key} | _flags(key))


def set_universal_transfer(world: World, asked: Asked) -> WriteEffect:
    """The key may make universal transfers, or not. No read shows it."""
    account, key = key_of(world, asked)
    key.universal_transfer = flag(asked, "canUniversalTransfer")
    return WriteEffect(
        {"subaccountId": account.id, "apikey": key.key, "canUniversalTransfer": key.universal_transfer}
    )


def set_ip_restriction(world: World, asked: Asked) -> WriteEffect:
    """The key may be used from anywhere, or from these addresses as well as those listed already."""
    _, key = key_of(world, asked)
    status, sent = asked.values["status"], _addresses(asked)
    if status != RESTRICTED and sent:
        # The documents do not say: addresses for a key that may be used from anywhere make no sense.
        raise RefusalError(-1106, "Parameter 'ipAddress' sent when not required.")
    if status == RESTRICTED and not (sent or key.ip_list):
        raise mandatory("ipAddress")
    kept = key.ip_list if status == RESTRICTED else []
    known = {ip_address(each) for each in kept}
    new = {each: None for each in sent if ip_address(each) not in known}
    key.ip_list = [*kept, *new]
    key.update_time = asked.now_ms
    answer: Row = {"status": status}
    if sent:
        answer["ipList"] = list(key.ip_list)
    return WriteEffect(answer | {"updateTime": key.update_time, "apiKey": key.key})


def remove_addresses(world: World, asked: Asked) -> WriteEffect:
    """The key may not be used from these addresses any more; all of them where none is named.

    Without any address there is no restriction. An address that is not listed changes nothing.
    """
    account, key = key_of(world, asked)
    named = {ip_address(each) for each in _addresses(asked)}
    key.ip_list = [each for each in key.ip_list if named and ip_address(each) not in named]
    key.update_time = asked.now_ms
    return WriteEffect(
        {
            "subaccountId": account.id,
            "apikey": key.key,
            "ipList": list(key.ip_list),
            "updateTime": key.update_time,
        }
    )


def _addresses(asked: Asked) -> list[str]:
    return asked.values["ipAddress"].split(",") if "ipAddress" in asked.values else []


def _check_flags(account: SubAccount, asked: Asked) -> None:
    if flag(asked, "marginTrade"):
        need_margin(account)
    if flag(asked, "futuresTrade"):
        need_futures(account)


def _set_flags(key: ApiKey, asked: Asked) -> None:
    key.can_trade = flag(asked, "canTrade")
    key.margin_trade = flag(asked, "marginTrade")
    key.futures_trade = flag(asked, "futuresTrade")


def _flags(key: ApiKey) -> Row:
    return {"canTrade": key.can_trade, "marginTrade": key.margin_trade, "futuresTrade": key.futures_trade}
