"""Client order ids, which follow from the ids of the orders."""

from __future__ import annotations

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.keys import CUSTOMER
from toolkit.sandbox.world import World

NO_ORDER = -1
_LARGEST = 2**63 - 1


def client_order_id(world: World, request: CheckedRequest, order_id: int) -> str:
    """The id that the client gave an order; those of a customer carry the partner's Link id."""
    return f"{_prefix(world, request)}{order_id}"


def requested_order(world: World, request: CheckedRequest) -> int:
    """The id of the order that is asked for, by its own id or that of the client."""
    if "orderId" in request.values:
        return int(request.values["orderId"])
    prefix, text = _prefix(world, request), request.values["origClientOrderId"]
    number = text.removeprefix(prefix)
    if not text.startswith(prefix) or not number.isascii() or not number.isdecimal():
        return NO_ORDER
    return int(number) if int(number) <= _LARGEST else NO_ORDER


def _prefix(world: World, request: CheckedRequest) -> str:
    return f"x-{world.agent_code}-" if request.signer.owner == CUSTOMER else "web_"
