"""What each write does to the world: one function a write, from checked parameters to its answer.

Each looks at everything that could refuse it before it changes anything: an effect is all or nothing.
Where the documents name no code for a refusal, the one whose documented text fits best is used, and the
function says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.world import World
from toolkit.sandbox.writes import accounts, customers, fees, keys, money
from toolkit.sandbox.writes.shared import WriteEffect

Writer = Callable[[World, Asked], WriteEffect]

WRITERS: Mapping[str, Writer] = {
    "exchange.create_sub_account": accounts.create_sub_account,
    "exchange.delete_sub_account": accounts.delete_sub_account,
    "exchange.enable_futures": accounts.enable_futures,
    "exchange.set_spot_bnb_burn": accounts.set_spot_bnb_burn,
    "exchange.set_interest_bnb_burn": accounts.set_interest_bnb_burn,
    "exchange.create_api_key": keys.create_api_key,
    "exchange.delete_api_key": keys.delete_api_key,
    "exchange.set_permissions": keys.set_permissions,
    "exchange.set_universal_transfer": keys.set_universal_transfer,
    "exchange.set_ip_restriction": keys.set_ip_restriction,
    "exchange.remove_addresses": keys.remove_addresses,
    "exchange.transfer": money.transfer,
    "exchange.transfer_futures": money.transfer_futures,
    "exchange.universal_transfer": money.universal_transfer,
    "exchange.transfer_within": money.transfer_within,
    "exchange.set_commission": fees.set_commission,
    "exchange.set_um_commission": fees.set_um_commission,
    "exchange.set_cm_commission": fees.set_cm_commission,
    "spot.set_customer_id": customers.set_customer_id,
    "spot.set_own_customer_id": customers.set_own_customer_id,
    "futures.set_customer_id": customers.set_customer_id,
    "futures.set_own_customer_id": customers.set_own_customer_id,
    "portfolio.set_own_customer_id": customers.set_own_customer_id,
}


def execute(world: World, asked: Asked) -> WriteEffect:
    """Do what was asked for, or refuse it and change nothing."""
    return WRITERS[asked.endpoint.qualified_name](world, asked)


__all__ = ["WRITERS", "WriteEffect", "Writer", "execute"]
