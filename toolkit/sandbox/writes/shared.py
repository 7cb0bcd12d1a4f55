"""Helpers shared by the writes."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.world import ApiKey, SubAccount, World
from toolkit.sandbox.world.tables import Row

SECOND = 1000


@dataclass(frozen=True, slots=True)
class WriteResponse:
    """The response of a write.

    Attributes:
        payload: The documented payload.
        id: What it created: id of a transfer or a sub-account, or a masked key.
    """

    payload: Row
    id: str = ""


def requested_account(world: World, request: CheckedRequest) -> SubAccount:
    """The sub-account that the request names."""
    return find_account(world, request.values["subAccountId"])


def find_account(world: World, sub_account_id: str) -> SubAccount:
    """Return the sub-account with this id, or raise a refusal."""
    account = world.account(sub_account_id)
    if account is None:
        raise RefusalError(-5021, "This parent sub have no relation")
    return account


def requested_key(world: World, request: CheckedRequest) -> tuple[SubAccount, ApiKey]:
    """The key that the request names, and its sub-account."""
    account = requested_account(world, request)
    key = account.key(request.values["subAccountApiKey"])
    if key is None:
        raise invalid("subAccountApiKey")
    return account, key


def require_margin(account: SubAccount) -> None:
    """Raise a refusal if margin is off."""
    if account.margin_rates is None:
        raise RefusalError(-3003, "Margin account does not exist.")


def require_futures(account: SubAccount) -> None:
    """Raise a refusal if futures are off."""
    if not account.futures:
        raise RefusalError(-5011, "future account not exists.")


def already_used(name: str) -> RefusalError:
    """The refusal of an id that is in use. The documents name no code for "must be unique"."""
    return RefusalError(-1130, f"Data sent for parameter '{name}' is not valid. It is used already.")


def check_interval(last_ms: int, now_ms: int) -> None:
    """Refuse a second call within a second. No code is documented: -4005 is that of too many requests."""
    if now_ms - last_ms < SECOND:
        raise RefusalError(-4005, "Too many new requests.")
