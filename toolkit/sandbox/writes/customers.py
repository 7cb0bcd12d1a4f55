"""Ids of customers: given by the partner, or chosen by the customer with a key of his own."""

from __future__ import annotations

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.world import Customer, World
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.writes.shared import WriteEffect, used


def set_customer_id(world: World, asked: Asked) -> WriteEffect:
    """The customer with this address goes by another id from now on."""
    email = asked.values["email"].lower()
    customer = next((each for each in world.customers if each.email == email), None)
    if customer is None:
        # Codes are per host: the one for unknown users is documented on /sapi only.
        if asked.endpoint.path.startswith("/sapi/"):
            raise RefusalError(-4039, "The user does not exist.")
        raise invalid("email")
    _give(world, asked, customer)
    return WriteEffect({"customerId": customer.id, "email": customer.email})


def set_own_customer_id(world: World, asked: Asked) -> WriteEffect:
    """The customer who owns the key goes by another id from now on."""
    code = next(name for name in ("apiAgentCode", "brokerId") if name in asked.values)
    if asked.values[code] != world.agent_code:
        raise invalid(code)
    _give(world, asked, world.customer)
    answer: Row = {"customerId": world.customer.id}
    return WriteEffect(answer if code == "apiAgentCode" else {code: asked.values[code]} | answer)


def _give(world: World, asked: Asked, customer: Customer) -> None:
    text = asked.values["customerId"]
    if any(each.id == text and each is not customer for each in world.customers):
        raise used("customerId")
    world.give_id(customer, text)
