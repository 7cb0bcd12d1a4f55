"""Sub-accounts come and go, and switch things on."""

from __future__ import annotations

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.world import World
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import WriteEffect, account_of, flag, need_margin

DELETIONS_A_DAY = 20


def create_sub_account(world: World, asked: Asked) -> WriteEffect:
    """A new sub-account without futures and margin, if the partner may have one more."""
    if len(world.accounts) >= world.max_sub_accounts:
        raise RefusalError(-9000, "This type of sub-account exceeds the maximum number limit")
    account = world.add_account(asked.values.get("tag", ""), asked.now_ms)
    answer: Row = {"subaccountId": account.id, "email": account.email}
    if account.tag:
        answer["tag"] = account.tag
    return WriteEffect(answer, account.id)


def delete_sub_account(world: World, asked: Asked) -> WriteEffect:
    """A sub-account is gone, if it had neither keys nor money.

    The documents name no codes: -4001 says that the operation is invalid as things are, and -9000 is the
    one for numbers of sub-accounts.
    """
    account = account_of(world, asked)
    if account.keys:
        raise RefusalError(-4001, "Invalid operation. Delete the API keys of the sub-account first.")
    if not account.balances.empty:
        raise RefusalError(-4001, "Invalid operation. Transfer all funds of the sub-account out first.")
    day = asked.now_ms // DAY
    if world.deletions[day] >= DELETIONS_A_DAY:
        raise RefusalError(-9000, f"No more than {DELETIONS_A_DAY} sub-accounts can be deleted in a day.")
    world.deletions[day] += 1
    world.accounts.remove(account)
    return WriteEffect({})


def enable_futures(world: World, asked: Asked) -> WriteEffect:
    """Futures are on, whatever they were."""
    account = account_of(world, asked)
    account.futures = True
    return WriteEffect({"subaccountId": account.id, "enableFutures": True, "updateTime": asked.now_ms})


def set_spot_bnb_burn(world: World, asked: Asked) -> WriteEffect:
    """Fees of spot and margin are paid in BNB, or not."""
    account = account_of(world, asked)
    account.spot_burn = flag(asked, "spotBNBBurn")
    # Documented as a JSON number here, though it exceeds 2**53.
    return WriteEffect({"subAccountId": int(account.id), "spotBNBBurn": account.spot_burn})


def set_interest_bnb_burn(world: World, asked: Asked) -> WriteEffect:
    """Interest on margin is paid in BNB, or not."""
    account = account_of(world, asked)
    need_margin(account)
    account.interest_burn = flag(asked, "interestBNBBurn")
    return WriteEffect({"subAccountId": int(account.id), "interestBNBBurn": account.interest_burn})
