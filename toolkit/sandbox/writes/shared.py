"""What the writes have in common."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.world import ApiKey, SubAccount, World
from toolkit.sandbox.world.tables import Row

SECOND = 1000


@dataclass(frozen=True, slots=True)
class WriteEffect:
    """What a write answers.

    Attributes:
        payload: The answer as documented.
        id: What it made or moved, to find it by: number of a transfer, id of a sub-account, masked key.
    """

    payload: Row
    id: str = ""


def account_of(world: World, asked: Asked) -> SubAccount:
    """The sub-account that is asked about."""
    return find_account(world, asked.values["subAccountId"])


def find_account(world: World, sub_account_id: str) -> SubAccount:
    """The sub-account with this id, or a refusal."""
    account = world.account(sub_account_id)
    if account is None:
        raise RefusalError(-5021, "This parent sub have no relation")
    return account


def key_of(world: World, asked: Asked) -> tuple[SubAccount, ApiKey]:
    """The key that is asked about, and whose it is."""
    account = account_of(world, asked)
    key = account.key(asked.values["subAccountApiKey"])
    if key is None:
        raise invalid("subAccountApiKey")
    return account, key


def flag(asked: Asked, name: str) -> bool:
    """A flag; one that was not sent says no."""
    return asked.values.get(name, "false").lower() == "true"


def need_margin(account: SubAccount) -> None:
    """Refuse where margin is off."""
    if account.margin_rates is None:
        raise RefusalError(-3003, "Margin account does not exist.")


def need_futures(account: SubAccount) -> None:
    """Refuse where futures are off."""
    if not account.futures:
        raise RefusalError(-5011, "future account not exists.")


def used(name: str) -> RefusalError:
    """Somebody has this id already. The documents name no code for "must be unique"."""
    return RefusalError(-1130, f"Data sent for parameter '{name}' is not valid. It is used already.")


def too_soon(last_ms: int, now_ms: int) -> None:
    """Refuse what is allowed once a second. The documents name no code: -4005 speaks of too many requests."""
    if now_ms - last_ms < SECOND:
        raise RefusalError(-4005, "Too many new requests.")
