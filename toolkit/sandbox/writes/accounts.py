"""Creates and deletes sub-accounts, and changes their settings."""

from __future__ import annotations

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.world import World
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import WriteResponse, requested_account, require_margin

DELETIONS_A_DAY = 20


def create_sub_account(world: World, request: CheckedRequest) -> WriteResponse:
    """Create a sub-account without futures and margin, unless the partner has the maximum number."""
    if len(world.accounts) >= world.max_sub_accounts:
        raise RefusalError(-9000, "This type of sub-account exceeds the maximum number limit")
    account = world.add_account(request.values.get("tag", ""), request.now_ms)
    payload: Row = {"subaccountId": account.id, "email": account.email}
    if account.tag:
        payload["tag"] = account.tag
    return WriteResponse(payload, account.id)


def delete_sub_account(world: World, request: CheckedRequest) -> WriteResponse:
    """Delete a sub-account that has neither keys nor funds.

    The documents name no codes: -4001 is that of an invalid operation, -9000 that of numbers of sub-accounts.
    """
    account = requested_account(world, request)
    if account.keys:
        raise RefusalError(-4001, "Invalid operation. Delete the API keys of the sub-account first.")
    if not account.balances.empty:
        raise RefusalError(-4001, "Invalid operation. Transfer all funds of the sub-account out first.")
    day = request.now_ms // DAY
    if world.deletions[day] >= DELETIONS_A_DAY:
        raise RefusalError(-9000, f"No more than {DELETIONS_A_DAY} sub-accounts can be deleted in a day.")
    world.deletions[day] += 1
    world.accounts.remove(account)
    return WriteResponse({})


def enable_futures(world: World, request: CheckedRequest) -> WriteResponse:
    """Turn futures on; on an account that has them nothing changes."""
    account = requested_account(world, request)
    account.futures = True
    return WriteResponse({"subaccountId": account.id, "enableFutures": True, "updateTime": request.now_ms})


def set_spot_bnb_burn(world: World, request: CheckedRequest) -> WriteResponse:
    """Set whether spot and margin fees are paid in BNB."""
    account = requested_account(world, request)
    account.spot_burn = request.is_true("spotBNBBurn")
    # Documented as a JSON number here, though it exceeds 2**53.
    return WriteResponse({"subAccountId": int(account.id), "spotBNBBurn": account.spot_burn})


def set_interest_bnb_burn(world: World, request: CheckedRequest) -> WriteResponse:
    """Set whether margin interest is paid in BNB."""
    account = requested_account(world, request)
    require_margin(account)
    account.interest_burn = request.is_true("interestBNBBurn")
    return WriteResponse({"subAccountId": int(account.id), "interestBNBBurn": account.interest_burn})
