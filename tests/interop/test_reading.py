"""Clients by others read every Link endpoint they know from the sandbox, and invalid calls are refused.

The toolkit and its sandbox have the same authors, so their agreement proves little. These clients sign,
encode and parse on their own; what they read is compared with the sandbox's tables and with `toolkit.Link`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.interop import calls
from tests.interop.calls import LINK_READS, ClientCall
from tests.interop.clients import PEERS, PeerClient
from tests.interop.conftest import Coverage
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, CUSTOMER_ENDPOINTS, RATE_LIMITS
from toolkit.sandbox import RegisteredKey, Sandbox

pytestmark = pytest.mark.interop

ACCOUNTS = "/sapi/v1/broker/subAccount"
CUSTOMERS = "/sapi/v1/apiReferral/customization"
NAMES = [peer.name for peer in PEERS]
# All clients and we share the rate limits, which are not tested here.
PLENTY = 100
# Characters that clients encode or sign differently.
AWKWARD = {"customerId": "desk 7+8/é&=%20~*'", "email": "ana+desk@exämple.com"}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An API key as registered, and its private key in PEM."""

    key: RegisteredKey
    private_pem: str

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey | rsa.RSAPrivateKey) -> KeyPair:
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        key = RegisteredKey(name=name, key=name.ljust(64, "0"), uid="1", public_pem=public.decode())
        return cls(key, pem.decode())


@pytest.fixture(scope="session")
def pairs() -> dict[str, KeyPair]:
    """Key pairs by the name of the signature."""
    private: dict[str, Ed25519PrivateKey | rsa.RSAPrivateKey] = {
        "Ed25519": Ed25519PrivateKey.generate(),
        "RSA": rsa.generate_private_key(65537, 2048),
    }
    return {name: KeyPair.of(name, key) for name, key in private.items()}


@pytest.fixture(scope="session")
def sandbox(pairs: dict[str, KeyPair]) -> Iterator[Sandbox]:
    with Sandbox(seed=7, limit_scale=PLENTY) as running:
        customer = running.world.customers[0]
        running.world.customers.append(replace(customer, id=AWKWARD["customerId"], email=AWKWARD["email"]))
        running.world.keys.update({name: pair.key for name, pair in pairs.items()})
        yield running


def key_for(sandbox: Sandbox, endpoint_name: str) -> RegisteredKey:
    """The key for an endpoint: some are for customers."""
    return sandbox.world.keys["customer" if endpoint_name in CUSTOMER_ENDPOINTS else "partner"]


@pytest.fixture(scope="session")
def frames(sandbox: Sandbox) -> dict[str, pd.DataFrame]:
    """The frames that the toolkit reads, by endpoint."""
    hosts = dict.fromkeys(BASE_URLS, sandbox.address)
    limits = {rate_limit.name: rate_limit.limit * PLENTY for rate_limit in RATE_LIMITS}
    keys = {key_for(sandbox, endpoint.qualified_name) for endpoint in LINK_READS}
    links = {
        key.name: Link(key=key.key, secret=key.secret, hosts=hosts, limits=limits, emails="clear")
        for key in keys
    }
    try:
        return {
            endpoint.qualified_name: calls.read_with_toolkit(
                links[key_for(sandbox, endpoint.qualified_name).name], endpoint, sandbox.world
            )
            for endpoint in LINK_READS
        }
    finally:
        for link in links.values():
            link.close()


@dataclass(frozen=True, slots=True)
class ClientResults:
    """The results of one client, by name of the call."""

    peer: PeerClient
    responses: dict[str, Any]
    coverage: Coverage


def all_calls(sandbox: Sandbox, pairs: dict[str, KeyPair]) -> list[ClientCall]:
    partner = sandbox.world.partner
    made = calls.invalid_calls(partner)
    for endpoint in LINK_READS:
        key = key_for(sandbox, endpoint.qualified_name)
        params = calls.request_params(endpoint, sandbox.world)
        call = ClientCall(endpoint.qualified_name, endpoint.path, key.key, key.secret, params)
        made.append(replace(call, method=endpoint.method))
    for name, pair in pairs.items():
        made.append(ClientCall(f"{name} signature", ACCOUNTS, pair.key.key, pair.private_pem))
    for name, text in AWKWARD.items():
        made.append(ClientCall(f"awkward {name}", CUSTOMERS, partner.key, partner.secret, {name: text}))
    return made


@pytest.fixture(scope="session", params=PEERS, ids=NAMES)
def results(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    pairs: dict[str, KeyPair],
    coverage: dict[str, Coverage],
    tmp_path_factory: pytest.TempPathFactory,
) -> ClientResults:
    """Make all calls with one client, in a process and environment of its own."""
    peer: PeerClient = request.param
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    result = peer.send(sandbox.address, all_calls(sandbox, pairs), tmp_path_factory.mktemp("client"))
    covered = coverage.setdefault(peer.name, Coverage(result["version"]))
    return ClientResults(peer, result["responses"], covered)


@pytest.mark.parametrize("peer", PEERS, ids=NAMES)
def test_it_is_installed(peer: PeerClient) -> None:
    if not peer.stamp.is_file():
        why = peer.failure.read_text("utf-8") if peer.failure.is_file() else "`make interop` installs it"
        pytest.fail(f"{peer.name} is not installed: {why}", pytrace=False)


def test_it_reads_what_the_toolkit_reads(
    results: ClientResults, sandbox: Sandbox, frames: dict[str, pd.DataFrame]
) -> None:
    wrong: dict[str, object] = {}
    for endpoint in LINK_READS:
        result = results.responses[endpoint.qualified_name]
        if "unknown" in result:
            results.coverage.unknown.add(endpoint.qualified_name)
        elif "error" in result:
            wrong[endpoint.qualified_name] = result["error"]
        else:
            frame, table = frames[endpoint.qualified_name], calls.table_rows(endpoint, sandbox.world)
            found = calls.differences(endpoint, result["response"], frame, table)
            if found:
                wrong[endpoint.qualified_name] = found
            else:
                results.coverage.read.add(endpoint.qualified_name)
    assert wrong == {}
    assert len(results.coverage.read) >= results.peer.min_reads


@pytest.mark.parametrize("name", calls.REFUSALS)
def test_invalid_calls_are_refused(results: ClientResults, name: str) -> None:
    result = results.responses[name]
    assert result.get("code") in calls.REFUSALS[name], result
    results.coverage.refused.add(name)


@pytest.mark.parametrize("name", AWKWARD)
def test_special_characters_arrive(results: ClientResults, name: str) -> None:
    result = results.responses[f"awkward {name}"]
    if "unknown" in result:
        pytest.skip(f"{results.peer.name} does not know {CUSTOMERS}")
    assert result.get("response") == [AWKWARD], result


@pytest.mark.parametrize("name", ["Ed25519", "RSA"])
def test_it_signs_with_a_private_key(results: ClientResults, name: str) -> None:
    if name not in results.peer.signatures:
        pytest.skip(f"{results.peer.name} does not sign with {name}")
    result = results.responses[f"{name} signature"]
    assert isinstance(result.get("response"), list), result


def test_there_are_rows_to_compare(frames: dict[str, pd.DataFrame]) -> None:
    assert [endpoint_name for endpoint_name, frame in frames.items() if frame.empty] == []
