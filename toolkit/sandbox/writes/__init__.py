"""What each write does to the world: one function per write, from checked parameters to its response.

Each function makes every check before it changes anything, so a write is executed completely or not at all.
Where the documents name no code for a refusal, the function uses the code whose documented text fits best,
and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.world import World
from toolkit.sandbox.writes import accounts, customers, fees, keys, transfers
from toolkit.sandbox.writes.shared import WriteResponse

Writer = Callable[[World, CheckedRequest], WriteResponse]

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
    "exchange.transfer": transfers.transfer,
    "exchange.transfer_futures": transfers.transfer_futures,
    "exchange.universal_transfer": transfers.universal_transfer,
    "exchange.transfer_within": transfers.transfer_within,
    "exchange.set_commission": fees.set_commission,
    "exchange.set_um_commission": fees.set_um_commission,
    "exchange.set_cm_commission": fees.set_cm_commission,
    "spot.set_customer_id": customers.set_customer_id,
    "spot.set_own_customer_id": customers.set_own_customer_id,
    "futures.set_customer_id": customers.set_customer_id,
    "futures.set_own_customer_id": customers.set_own_customer_id,
    "portfolio.set_own_customer_id": customers.set_own_customer_id,
}


def execute(world: World, request: CheckedRequest) -> WriteResponse:
    """Execute the write, or raise a refusal and change nothing."""
    return WRITERS[request.endpoint.qualified_name](world, request)


__all__ = ["WRITERS", "WriteResponse", "Writer", "execute"]
