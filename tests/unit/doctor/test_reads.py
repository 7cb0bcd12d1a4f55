"""What the doctor says about a key's reads is what the exchange refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import toolkit
from tests.support.sandbox_env import SandboxEnv
from tests.support.sandbox_requests import minimal, signed, world
from toolkit.auth.credentials import SECURITIES, Credentials, Keys
from toolkit.auth.signers import make_signer
from toolkit.doctor import Check
from toolkit.doctor.reads import _SWITCHES, named, of_customers
from toolkit.endpoints import BASE_URLS, ENDPOINTS, Security
from toolkit.errors import NoKeyError
from toolkit.sandbox import Exchange

READS = {each.qualified_name: each for each in ENDPOINTS if each.is_signed}
TRADE_ONLY: tuple[Security, ...] = ("TRADE",)


@pytest.fixture(scope="module")
def env() -> Iterator[SandboxEnv]:
    made = SandboxEnv(exchange={"limit_scale": 1000})
    yield made
    made.close()


def link_of(env: SandboxEnv, name: str, serves: tuple[Security, ...]) -> toolkit.Link:
    key = env.sandbox.world.keys[name]
    keys = Keys([Credentials(key.key, make_signer("secret", key.secret, None), serves)], "a test")
    return toolkit.Link(keys=keys, hosts=dict.fromkeys(BASE_URLS, env.sandbox.address), clock=env.clock)


def reads_checks(env: SandboxEnv, name: str, serves: tuple[Security, ...] = SECURITIES) -> list[Check]:
    with link_of(env, name, serves) as link:
        return [each for each in link.doctor().checks if each.name.startswith("reads")]


def said(text: str) -> set[str]:
    """The reads that a text names."""
    whole = re.findall(r"all of ([a-z.]+[a-z])", text)
    names = set(re.findall(r"[a-z_]+(?:\.[a-z_]+)+", re.sub(r"all of [a-z.]+[a-z]", "", text)))
    return {name for name in READS if name in names or READS[name].system in whole}


def refused(this: Exchange, key_name: str) -> set[str]:
    """The reads that the exchange refuses a key."""
    key, now_ms = this.world.keys[key_name], int(this.clock.time() * 1000)
    found = set()
    for name, endpoint in READS.items():
        params = minimal(name, now_ms, this.world)
        request = signed(endpoint.path, params, key=key, now_ms=now_ms, method=endpoint.method)
        if b"-2015" in this.handle(request).body:
            found.add(name)
    return found


@pytest.mark.parametrize("name", [name for name in world().keys if name != "trade-only"])
def test_what_is_said_is_what_is_refused(env: SandboxEnv, name: str) -> None:
    checks = reads_checks(env, name)
    assert all(bool(check.next_step) == (check.status == "note") for check in checks)
    told = set().union(*(said(check.found) for check in checks))
    expected = refused(env.exchange, name)
    # Whether an account is a partner's customer is not asked.
    may_be_refused = {each.qualified_name for each in of_customers()}
    assert told - may_be_refused == expected - may_be_refused
    assert expected <= told


def test_a_key_for_trading_alone_serves_no_read_that_needs_more(env: SandboxEnv) -> None:
    (check,) = reads_checks(env, "trade-only", TRADE_ONLY)
    assert check.found.startswith(
        "It was not declared to serve USER_DATA, which reads need: exchange.partner,"
    )
    assert "add a key that serves USER_DATA" in check.next_step
    assert said(check.found) == refused(env.exchange, "trade-only")
    before = len(env.exchange.log)
    with link_of(env, "trade-only", TRADE_ONLY) as link:
        for read in (link.account.spot.balances, link.account.futures.positions, link.exchange.partner):
            with pytest.raises(NoKeyError, match=r"may serve USER_DATA.*Nothing was sent"):
                read()
    assert len(env.exchange.log) == before


def test_the_text_is_beside_the_longest_name(env: SandboxEnv) -> None:
    with link_of(env, "customer", SECURITIES) as link:
        lines = repr(link.doctor()).splitlines()
    at = next(line.index("It is no Link partner's key") for line in lines if "reads of partners " in line)
    assert all(line[at - 1] == " " for line in lines if line.startswith("  "))


def test_each_permission_of_a_read_has_a_switch() -> None:
    assert {each.permission for each in READS.values()} <= {"", *_SWITCHES}


def test_a_whole_namespace_is_named_once() -> None:
    wallet = [each for each in READS.values() if each.system == "account.wallet"]
    assert named(wallet) == "all of account.wallet"
    assert named([wallet[0], wallet[1]]) == f"{wallet[0].qualified_name} and {wallet[1].qualified_name}"
