"""Sets customer ids: by the partner, or by a customer with a key of their own."""

from __future__ import annotations

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.world import Customer, World
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import WriteResponse, already_used


def set_customer_id(world: World, request: CheckedRequest) -> WriteResponse:
    """Set the id of the customer with this e-mail address."""
    email = request.values["email"].lower()
    customer = next((each for each in world.customers if each.email == email), None)
    if customer is None:
        # Codes are per host: the one for unknown users is documented on /sapi only.
        if request.endpoint.path.startswith("/sapi/"):
            raise RefusalError(-4039, "The user does not exist.")
        raise invalid("email")
    _give(world, request, customer)
    return WriteResponse({"customerId": customer.id, "email": customer.email})


def set_own_customer_id(world: World, request: CheckedRequest) -> WriteResponse:
    """Set the id of the customer who owns the key."""
    code = next(name for name in ("apiAgentCode", "brokerId") if name in request.values)
    if request.values[code] != world.agent_code:
        raise invalid(code)
    _give(world, request, world.customer)
    payload: Row = {"customerId": world.customer.id}
    return WriteResponse(payload if code == "apiAgentCode" else {code: request.values[code]} | payload)


def _give(world: World, request: CheckedRequest, customer: Customer) -> None:
    text = request.values["customerId"]
    if any(each.id == text and each is not customer for each in world.customers):
        raise already_used("customerId")
    world.set_customer_id(customer, text)
