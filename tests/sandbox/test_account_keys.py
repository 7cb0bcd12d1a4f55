"""Which key may send which read of accounts, and whose account it sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.sandbox_requests import NOW, error, exchange, minimal, signed, world
from toolkit.endpoints import ENDPOINTS, ENDPOINTS_BY_NAME, Endpoint
from toolkit.sandbox import Exchange, SandboxResponse

REFUSED = (401, -2015)
ELSEWHERE = {"X-Sandbox-IP": "192.0.2.77"}
KEYS = tuple(world().keys)
OWN = [
    each.qualified_name
    for each in ENDPOINTS
    if each.system.startswith("account.")
    or each.qualified_name in ("portfolio.um_income", "portfolio.cm_income")
]
OWN += ["futures.income", "spot.rebate_history"]
OF_SUB_ACCOUNTS = [each.qualified_name for each in ENDPOINTS if each.path.split("/")[3:4] == ["sub-account"]]
# Owners and security types of the sandbox's keys.
PARTNERS = {"partner", "open", "withdrawals", "read-only"}
TRADING = {"trade-only"}


def send(this: Exchange, name: str, key_name: str, **options: Any) -> SandboxResponse:
    endpoint: Endpoint = ENDPOINTS_BY_NAME[name]
    key = this.world.keys[key_name]
    now_ms = int(this.clock.time() * 1000)
    params = minimal(name, now_ms, this.world)
    return this.handle(
        signed(endpoint.path, params, key=key, now_ms=now_ms, method=endpoint.method, **options)
    )


def serve() -> Exchange:
    return exchange(FakeClock(NOW), limit_scale=1000)


@pytest.mark.parametrize("name", OWN)
def test_every_account_reads_its_own(name: str) -> None:
    this = serve()
    may = set(KEYS) - TRADING
    if ENDPOINTS_BY_NAME[name].permission:
        assert ENDPOINTS_BY_NAME[name].permission == "Universal Transfer"
        may -= {"read-only"}
    for key in KEYS:
        response = send(this, name, key)
        if key not in may:
            assert error(response) == REFUSED, key
        elif name.endswith(".order"):  # an order is known to its own account alone
            assert response.status == 200 or error(response) == (400, -2013), key
        else:
            assert response.status == 200, (key, response.body)


@pytest.mark.parametrize("name", OF_SUB_ACCOUNTS)
def test_only_the_partner_sees_sub_accounts(name: str) -> None:
    this = serve()
    for key in KEYS:
        response = send(this, name, key)
        if key in PARTNERS:
            assert response.status == 200, (key, response.body)
        else:
            assert error(response) == REFUSED, key


@pytest.mark.parametrize("name", [*OWN, *OF_SUB_ACCOUNTS])
def test_restricted_keys_work_from_their_addresses_only(name: str) -> None:
    this = serve()
    assert error(send(this, name, "partner", headers=ELSEWHERE)) == REFUSED
    assert send(this, name, "open", headers=ELSEWHERE).status == 200


def test_there_are_reads_of_both_kinds() -> None:
    assert len(OWN) > 35
    assert len(OF_SUB_ACCOUNTS) == 8
    assert {ENDPOINTS_BY_NAME[name].security for name in OWN + OF_SUB_ACCOUNTS} <= {"USER_DATA", "SIGNED"}


@pytest.mark.parametrize(
    "name", ["account.spot.balances", "account.wallet.wallets", "account.futures.balances"]
)
def test_accounts_differ_by_owner_and_not_by_key(name: str) -> None:
    this = serve()
    bodies = {key: send(this, name, key).body for key in KEYS if key not in TRADING | {"read-only"}}
    assert len(set(bodies.values())) == 3
    assert bodies["partner"] == bodies["open"] == bodies["withdrawals"]
