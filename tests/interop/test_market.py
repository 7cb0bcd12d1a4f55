"""Clients by others read the sandbox's market data, and get the numbers that the toolkit gets.

First each endpoint by itself; then, with functions that these clients have of their own, markets with their
precisions and limits, candles over several pages, trades, order books, tickers, funding and open interest.
The sandbox's clock stands still, so that what changes all the time can be compared as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from tests.interop import calls, own_functions
from tests.interop.calls import MARKET_READS, ClientCall
from tests.interop.clients import PEERS, PeerClient
from tests.interop.conftest import Coverage
from tests.support.clocks import FakeClock
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, RATE_LIMITS
from toolkit.sandbox import Sandbox

pytestmark = pytest.mark.interop

# All clients and we share the rate limits, which are not tested here.
PLENTY = 100


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=9, limit_scale=PLENTY, clock=FakeClock(own_functions.NOW_MS / 1000)) as running:
        yield running


@pytest.fixture(scope="module")
def link(sandbox: Sandbox) -> Iterator[Link]:
    limits = {rate_limit.name: rate_limit.limit * PLENTY for rate_limit in RATE_LIMITS}
    hosts = dict.fromkeys(BASE_URLS, sandbox.address)
    with Link(key=sandbox.key, secret=sandbox.secret, hosts=hosts, limits=limits, numbers="exact") as made:
        yield made


@pytest.fixture(scope="module")
def frames(link: Link) -> dict[str, pd.DataFrame]:
    """The frames that the toolkit reads, by endpoint."""
    return {endpoint.qualified_name: calls.read_market(link, endpoint) for endpoint in MARKET_READS}


@dataclass(frozen=True, slots=True)
class ClientResults:
    """The results of one client, by name of the call."""

    peer: PeerClient
    responses: dict[str, Any]
    coverage: Coverage


@pytest.fixture(scope="module", params=PEERS, ids=lambda peer: peer.name)
def results(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    coverage: dict[str, Coverage],
    tmp_path_factory: pytest.TempPathFactory,
) -> ClientResults:
    """Read every endpoint with one client, in a process and environment of its own."""
    peer: PeerClient = request.param
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    made = [
        ClientCall(
            endpoint.qualified_name,
            endpoint.path,
            sandbox.key,
            sandbox.secret,
            calls.market_params(endpoint),
            signed=False,
        )
        for endpoint in MARKET_READS
    ]
    result = peer.send(sandbox.address, made, tmp_path_factory.mktemp("market"))
    covered = coverage.setdefault(peer.name, Coverage(result["version"]))
    return ClientResults(peer, result["responses"], covered)


def test_it_reads_what_the_toolkit_reads(results: ClientResults, frames: dict[str, pd.DataFrame]) -> None:
    wrong: dict[str, object] = {}
    for endpoint in MARKET_READS:
        name = endpoint.qualified_name
        result = results.responses[name]
        if "unknown" in result:
            results.coverage.unknown.add(name)
        elif "error" in result:
            wrong[name] = result["error"]
        elif found := calls.differences(endpoint, result["response"], frames[name], None):
            wrong[name] = found
        else:
            results.coverage.read.add(name)
    assert wrong == {}
    read = [endpoint for endpoint in MARKET_READS if endpoint.qualified_name in results.coverage.read]
    assert len(read) >= results.peer.min_market_reads


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.own_program], ids=lambda peer: peer.name)
def test_its_own_functions_give_our_numbers(
    peer: PeerClient, link: Link, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    job = {"address": sandbox.address, "key": sandbox.key, **own_functions.SPANS}
    theirs = peer.run(peer.own_program, job, tmp_path_factory.mktemp("own"))
    ours = own_functions.EXPECTED[peer.name](link)
    assert theirs.keys() == ours.keys()
    wrong = {name: found for name in ours if (found := own_functions.difference(theirs[name], ours[name]))}
    assert wrong == {}


def test_there_are_rows_to_compare(frames: dict[str, pd.DataFrame]) -> None:
    assert [name for name, frame in frames.items() if frame.empty] == []
