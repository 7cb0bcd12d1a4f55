"""Parameters of reads that a world can answer, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.sandbox.keys import PARTNER
from toolkit.sandbox.market.symbols import SPOT, UM
from toolkit.sandbox.world.people import SubAccount
from toolkit.sandbox.world.stream import DAY

if TYPE_CHECKING:
    from toolkit.sandbox.world import World

Parameters = dict[str, str]

_USD_M = {"futuresType": "1"}


def example_read(world: World, qualified_name: str) -> Parameters:
    """Values for the required parameters of a read, other than span and size, that exist in a world."""
    if qualified_name in _EXAMPLES:
        return _EXAMPLES[qualified_name](world)
    endpoint = ENDPOINTS_BY_NAME[qualified_name]
    declared = {
        param.field: str(param.choices.get(str(param.example), param.example))
        for param in endpoint.params
        if param.example is not None and (param.is_required or param.name in endpoint.at_least_one)
    }
    fixed = {param.field: str(param.fixed) for param in endpoint.params if param.required and param.fixed}
    return declared | fixed


def _account(world: World) -> SubAccount:
    return next(each for each in world.accounts if each.futures and each.keys)


def _id(world: World) -> Parameters:
    return {"subAccountId": _account(world).id}


def _email(world: World) -> Parameters:
    return {"email": _account(world).email}


def _on_margin(world: World) -> Parameters:
    account = next((each for each in world.accounts if each.margin_rates and each.keys), _account(world))
    return {"email": account.email}


def _ip_restriction(world: World) -> Parameters:
    return {**_id(world), "subAccountApiKey": _account(world).keys[0].key}


def _from_master(world: World) -> Parameters:
    return {"fromId": world.partner_uid}


def _agent_code(world: World) -> Parameters:
    return {"apiAgentCode": world.agent_code}


def _broker_id(world: World) -> Parameters:
    return {"brokerId": world.agent_code}


def _deposit(world: World) -> Parameters:
    deposits = world.table("exchange.deposits")
    newest = deposits.slice(None, None, {}, deposits.count(None, None, {}) - 1, 1)[0]
    return {"depositId": str(newest["depositId"]), "subAccountId": str(newest["subAccountId"])}


def _spot_order(world: World) -> Parameters:
    order = world.ledger(PARTNER).orders(world.now_ms)[-1:]
    return {"symbol": SPOT[int(order.market[0])].symbol, "orderId": str(order.id[0])}


def _futures_order(world: World) -> Parameters:
    """The order of the newest trade, for others may be deleted soon."""
    filled = world.futures_account(PARTNER).fills(world.now_ms - 30 * DAY, world.now_ms)[-1:]
    return {"symbol": UM[int(filled.market[0])].symbol, "orderId": str(filled.order[0])}


_EXAMPLES: Mapping[str, Callable[[World], Parameters]] = {
    "account.spot.order": _spot_order,
    "account.futures.order": _futures_order,
    "exchange.api_keys": _id,
    "exchange.ip_restriction": _ip_restriction,
    "exchange.bnb_burn": _id,
    "exchange.futures_balances": lambda world: dict(_USD_M),
    "exchange.transfers": _from_master,
    "exchange.futures_transfers": lambda world: _id(world) | _USD_M,
    "exchange.universal_transfers": _from_master,
    "exchange.um_commission": lambda world: _id(world) | {"symbol": "BTCUSDT"},
    "exchange.cm_commission": lambda world: _id(world) | {"pair": "BTCUSD"},
    "exchange.futures_rebates": lambda world: dict(_USD_M),
    "exchange.deposit": _deposit,
    "exchange.assets": _email,
    "exchange.futures_account": lambda world: _email(world) | _USD_M,
    "exchange.futures_summary": lambda world: dict(_USD_M),
    "exchange.positions": lambda world: _email(world) | _USD_M,
    "exchange.margin_account": _on_margin,
    "exchange.transaction_statistics": _email,
    "exchange.transaction_totals": _email,
    "exchange.key_audit": _email,
    **dict.fromkeys(("spot.new_user", "spot.customer_id"), _agent_code),
    **dict.fromkeys(
        ("futures.new_user", "futures.customer_id", "portfolio.new_user", "portfolio.customer_id"), _broker_id
    ),
}
