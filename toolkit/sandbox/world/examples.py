"""Writes that would succeed, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from toolkit.runtime.decimals import in_own_context
from toolkit.sandbox.keys import RegisteredKey
from toolkit.sandbox.world.people import ApiKey, SubAccount

if TYPE_CHECKING:
    from toolkit.sandbox.world import World

LastCall = Callable[[SubAccount], int]

_ENOUGH = Decimal(20)


class WriteExample(NamedTuple):
    """A write that would succeed.

    Attributes:
        parameters: Its own parameters, by field.
        key: A key that may send it.
    """

    parameters: dict[str, str]
    key: RegisteredKey


@in_own_context
def example_write(world: World, qualified_name: str) -> WriteExample:
    """A write that would succeed now; LookupError if there is nothing left that it could change."""
    owner = "customer" if qualified_name.endswith(".set_own_customer_id") else "partner"
    return WriteExample(_EXAMPLES[qualified_name](world), world.keys[owner])


def _first(world: World, fits: Callable[[SubAccount], bool], last: LastCall | None = None) -> SubAccount:
    # A write that is allowed once a second takes the account whose last one is the longest ago.
    accounts = world.accounts if last is None else sorted(world.accounts, key=last)
    found = next((account for account in accounts if fits(account)), None)
    if found is None:
        raise LookupError("no sub-account is left for this write")
    return found


def _has_margin_and_futures(account: SubAccount) -> bool:
    return account.futures and account.margin_rates is not None


def _account(world: World, last: LastCall | None = None) -> dict[str, str]:
    return {"subAccountId": _first(world, _has_margin_and_futures, last).id}


def _any(key: ApiKey) -> bool:
    return True


def _find_key(
    world: World, fits: Callable[[ApiKey], bool], last: LastCall | None
) -> tuple[SubAccount, ApiKey]:
    account = _first(world, lambda each: _has_margin_and_futures(each) and any(map(fits, each.keys)), last)
    return account, next(filter(fits, account.keys))


def _key(world: World, fits: Callable[[ApiKey], bool] = _any, last: LastCall | None = None) -> dict[str, str]:
    account, key = _find_key(world, fits, last)
    return {"subAccountId": account.id, "subAccountApiKey": key.key}


def _key_with_address(world: World) -> dict[str, str]:
    account, key = _find_key(world, lambda each: bool(each.ip_list), None)
    return {"subAccountId": account.id, "subAccountApiKey": key.key, "ipAddress": key.ip_list[0]}


def _empty_account(world: World) -> dict[str, str]:
    return {"subAccountId": _first(world, lambda each: each.balances.empty and not each.keys).id}


def _without_futures(world: World) -> dict[str, str]:
    off = next((each for each in world.accounts if not each.futures), world.accounts[0])
    return {"subAccountId": off.id, "futures": "true"}


def _transfer_in(world: World) -> dict[str, str]:
    return {"asset": "USDT", "amount": "12.5", "toId": _account(world)["subAccountId"]}


def _transfer_within(world: World) -> dict[str, str]:
    rich = _first(
        world, lambda each: each.futures and each.balances.wallets["spot"].get("USDT", 0) >= _ENOUGH
    )
    return {"subAccountId": rich.id, "asset": "USDT", "amount": "12.5", "type": "1"}


def _customer(world: World) -> dict[str, str]:
    return {"customerId": _new_id(world), "email": world.customers[0].email}


def _own_id(code: str) -> Callable[[World], dict[str, str]]:
    return lambda world: {"customerId": _new_id(world), code: world.agent_code}


def _new_id(world: World) -> str:
    taken = {customer.id for customer in world.customers}
    return next(text for text in map("new-{}".format, count(1)) if text not in taken)


def _opposite_flag(world: World, field: str, now: Callable[[SubAccount], bool]) -> dict[str, str]:
    account = _first(world, lambda each: each.margin_rates is not None)
    return {"subAccountId": account.id, field: "false" if now(account) else "true"}


def _permissions(world: World) -> dict[str, str]:
    may = _find_key(world, _any, None)[1].can_trade
    return _key(world) | _FLAGS | {"canTrade": "false" if may else "true"}


_FLAGS = {"canTrade": "true", "marginTrade": "true", "futuresTrade": "false"}
_PLUS = {"makerAdjustment": "20", "takerAdjustment": "40"}

_EXAMPLES: dict[str, Callable[[World], dict[str, str]]] = {
    "exchange.create_sub_account": lambda world: {"tag": "example"},
    "exchange.delete_sub_account": _empty_account,
    "exchange.enable_futures": _without_futures,
    "exchange.create_api_key": lambda world: _account(world, lambda each: each.key_made_ms) | _FLAGS,
    "exchange.delete_api_key": lambda world: _key(world, last=lambda each: each.key_deleted_ms),
    "exchange.set_permissions": _permissions,
    "exchange.set_universal_transfer": lambda world: _key(world) | {"canUniversalTransfer": "true"},
    "exchange.set_ip_restriction": lambda world: _key(world) | {"status": "2", "ipAddress": "192.0.2.7"},
    "exchange.remove_addresses": _key_with_address,
    "exchange.set_spot_bnb_burn": lambda world: _opposite_flag(
        world, "spotBNBBurn", lambda each: each.spot_burn
    ),
    "exchange.set_interest_bnb_burn": lambda world: _opposite_flag(
        world, "interestBNBBurn", lambda each: each.interest_burn
    ),
    "exchange.transfer": _transfer_in,
    "exchange.transfer_futures": lambda world: _transfer_in(world) | {"futuresType": "1"},
    "exchange.universal_transfer": lambda world: (
        _transfer_in(world) | {"fromAccountType": "SPOT", "toAccountType": "USDT_FUTURE"}
    ),
    "exchange.transfer_within": _transfer_within,
    "exchange.set_commission": lambda world: (
        _account(world) | {"makerCommission": "0.0008", "takerCommission": "0.0012"}
    ),
    "exchange.set_um_commission": lambda world: _account(world) | {"symbol": "BTCUSDT"} | _PLUS,
    "exchange.set_cm_commission": lambda world: _account(world) | {"pair": "BTCUSD"} | _PLUS,
    "spot.set_customer_id": _customer,
    "spot.set_own_customer_id": _own_id("apiAgentCode"),
    "futures.set_customer_id": _customer,
    "futures.set_own_customer_id": _own_id("brokerId"),
    "portfolio.set_own_customer_id": _own_id("brokerId"),
}
