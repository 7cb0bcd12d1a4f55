"""Tables of what writes may change: sub-accounts with their keys and balances, and customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.sandbox.world import people
from toolkit.sandbox.world.customers import Customer
from toolkit.sandbox.world.people import ApiKey, SubAccount
from toolkit.sandbox.world.tables import LiveTable, Table

if TYPE_CHECKING:
    from toolkit.sandbox.world import World


def live_tables(world: World) -> dict[str, Table]:
    """Their tables, by endpoint."""
    now_ms, worth = world.now_ms, world.worth

    def accounts(filters: Mapping[str, str]) -> list[SubAccount]:
        wanted = filters.get("subAccountId")
        return [each for each in world.accounts if wanted in (None, each.id)]

    def keys(filters: Mapping[str, str]) -> list[tuple[SubAccount, ApiKey]]:
        wanted = filters.get("subAccountApiKey")
        return [
            (account, key)
            for account in accounts(filters)
            for key in account.keys
            if wanted in (None, key.key)
        ]

    def customers(filters: Mapping[str, str]) -> list[Customer]:
        number, email = filters.get("customerId"), filters.get("email")
        return [
            each
            for each in world.customers
            if each.id and number in (None, each.id) and (email is None or email.lower() == each.email)
        ]

    listed = LiveTable(customers, lambda each, *_: {"customerId": each.id, "email": each.email}, now_ms)
    return {
        "exchange.sub_accounts": LiveTable(accounts, lambda each, *_: people.account_row(each), now_ms),
        "exchange.api_keys": LiveTable(keys, lambda pair, *_: people.key_row(*pair), now_ms),
        "exchange.spot_balances": LiveTable(
            accounts, lambda each, _, now: people.spot_row(each, worth(now)), now_ms
        ),
        "exchange.margin_balances": LiveTable(
            accounts, lambda each, _, now: people.margin_row(each, worth(now)), now_ms
        ),
        "exchange.futures_balances": LiveTable(
            accounts,
            lambda each, filters, now: people.futures_row(each, filters["futuresType"], worth(now)),
            now_ms,
        ),
        "spot.customers": listed,
        "futures.customers": listed,
    }
