"""Clients by others read accounts with functions of their own, and get the numbers that the toolkit gets.

The partner's master account, a customer's and a stranger's: balances of each wallet, trades, orders,
deposits, withdrawals, transfers, dividends, positions and income. `test_reading.py` has each endpoint by
itself, as all clients read it. The sandbox's clock stands still, so that what changes with prices can be
compared as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.interop import own_accounts
from tests.interop.clients import PEERS, PeerClient
from tests.interop.own_functions import NOW_MS, difference
from tests.support.clocks import FakeClock
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, RATE_LIMITS
from toolkit.sandbox import Sandbox

pytestmark = pytest.mark.interop

ACCOUNTS = ("partner", "customer", "no-link")
# All clients and we share the rate limits, which are not tested here.
PLENTY = 100


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock(NOW_MS / 1000)


@pytest.fixture(scope="module")
def sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    with Sandbox(seed=9, limit_scale=PLENTY, clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def links(sandbox: Sandbox, clock: FakeClock) -> Iterator[dict[str, Link]]:
    """A Link with the key of each account."""
    limits = {rate_limit.name: rate_limit.limit * PLENTY for rate_limit in RATE_LIMITS}
    hosts = dict.fromkeys(BASE_URLS, sandbox.address)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Link(key=key.key, secret=key.secret, hosts=hosts, limits=limits, clock=clock, numbers="exact")
            )
            for name in ACCOUNTS
            if (key := sandbox.world.keys[name])
        }


@pytest.fixture(
    scope="module",
    params=[peer for peer in PEERS if peer.account_program],
    ids=lambda peer: peer.name,
)
def theirs(
    request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PeerClient, dict[str, Any]]:
    """What a client reads of each account, in a process and environment of its own."""
    peer: PeerClient = request.param
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    keys = {name: sandbox.world.keys[name] for name in ACCOUNTS}
    job = {
        "address": sandbox.address,
        "keys": {name: [key.key, key.secret] for name, key in keys.items()},
        **own_accounts.SPANS,
    }
    return peer, peer.run(peer.account_program, job, tmp_path_factory.mktemp("accounts"))


@pytest.mark.parametrize("account", ACCOUNTS)
def test_its_own_functions_give_our_numbers(
    theirs: tuple[PeerClient, dict[str, Any]], links: dict[str, Link], account: str
) -> None:
    peer, read = theirs
    ours = own_accounts.EXPECTED[peer.name](links[account])
    assert read[account].keys() == ours.keys()
    wrong = {name: found for name, rows in ours.items() if (found := difference(read[account][name], rows))}
    assert wrong == {}
    if account == "partner":  # the others do less business, so that some spans have no rows
        assert [name for name, rows in ours.items() if rows in ([], {}) and name != "open orders"] == []
