"""Clients that nobody here wrote read every Link endpoint they know from the sandbox, and are refused by it.

Client and sandbox come out of one head here, so what they agree on proves little. These sign, encode and
parse on their own; what they read is held to the sandbox's own tables and to what `toolkit.Link` reads.
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

from tests.interop import questions
from tests.interop.clients import PEERS, PeerClient
from tests.interop.conftest import Coverage
from tests.interop.questions import Query
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, ENDPOINTS, RATE_LIMITS
from toolkit.sandbox import RegisteredKey, Sandbox
from toolkit.sandbox.authentication import CUSTOMER_ENDPOINTS

pytestmark = pytest.mark.interop

ACCOUNTS = "/sapi/v1/broker/subAccount"
CUSTOMERS = "/sapi/v1/apiReferral/customization"
NAMES = [peer.name for peer in PEERS]
# All of them and we share the minute; limits are not what they are asked about.
PLENTY = 100
# Every character that a client may encode, or sign, in another way than the next.
AWKWARD = {"customerId": "desk 7+8/é&=%20~*'", "email": "ana+desk@exämple.com"}


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An API key as the exchange knows it, and the private key of its owner in PEM."""

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
    """Keys that sign with a private key, by the name of the signature."""
    private: dict[str, Ed25519PrivateKey | rsa.RSAPrivateKey] = {
        "Ed25519": Ed25519PrivateKey.generate(),
        "RSA": rsa.generate_private_key(65537, 2048),
    }
    return {name: KeyPair.of(name, key) for name, key in private.items()}


@pytest.fixture(scope="session")
def sandbox(pairs: dict[str, KeyPair]) -> Iterator[Sandbox]:
    with Sandbox(seed=7, limit_scale=PLENTY) as running:
        someone = running.world.customers[0]
        running.world.customers.append(replace(someone, id=AWKWARD["customerId"], email=AWKWARD["email"]))
        running.world.keys.update({name: pair.key for name, pair in pairs.items()})
        yield running


def asks(sandbox: Sandbox, endpoint_name: str) -> RegisteredKey:
    """Whose key asks: some doors are a customer's."""
    return sandbox.world.keys["customer" if endpoint_name in CUSTOMER_ENDPOINTS else "partner"]


@pytest.fixture(scope="session")
def frames(sandbox: Sandbox) -> dict[str, pd.DataFrame]:
    """What we read ourselves, by door."""
    hosts = dict.fromkeys(BASE_URLS, sandbox.address)
    limits = {rate_limit.name: rate_limit.limit * PLENTY for rate_limit in RATE_LIMITS}
    keys = {asks(sandbox, endpoint.qualified_name) for endpoint in ENDPOINTS}
    links = {
        key.name: Link(key=key.key, secret=key.secret, hosts=hosts, limits=limits, emails="clear")
        for key in keys
    }
    try:
        return {
            endpoint.qualified_name: questions.read_ourselves(
                links[asks(sandbox, endpoint.qualified_name).name], endpoint, sandbox.world
            )
            for endpoint in ENDPOINTS
        }
    finally:
        for link in links.values():
            link.close()


@dataclass(frozen=True, slots=True)
class Statement:
    """What one client said: its answers, by question."""

    peer: PeerClient
    answers: dict[str, Any]
    coverage: Coverage


def all_questions(sandbox: Sandbox, pairs: dict[str, KeyPair]) -> list[Query]:
    partner = sandbox.world.partner
    asked = questions.bad_questions(partner)
    for endpoint in ENDPOINTS:
        key = asks(sandbox, endpoint.qualified_name)
        params = questions.request_params(endpoint, sandbox.world)
        asked.append(Query(endpoint.qualified_name, endpoint.path, key.key, key.secret, params))
    for name, pair in pairs.items():
        asked.append(Query(f"{name} signature", ACCOUNTS, pair.key.key, pair.private_pem))
    for name, text in AWKWARD.items():
        asked.append(Query(f"awkward {name}", CUSTOMERS, partner.key, partner.secret, {name: text}))
    return asked


@pytest.fixture(scope="session", params=PEERS, ids=NAMES)
def statement(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    pairs: dict[str, KeyPair],
    coverage: dict[str, Coverage],
    tmp_path_factory: pytest.TempPathFactory,
) -> Statement:
    """Asks one client everything, in a process and an environment of its own."""
    peer: PeerClient = request.param
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    said = peer.ask(sandbox.address, all_questions(sandbox, pairs), tmp_path_factory.mktemp("client"))
    covered = coverage.setdefault(peer.name, Coverage(said["version"]))
    return Statement(peer, said["answers"], covered)


@pytest.mark.parametrize("peer", PEERS, ids=NAMES)
def test_it_is_installed(peer: PeerClient) -> None:
    if not peer.stamp.is_file():
        why = peer.failure.read_text("utf-8") if peer.failure.is_file() else "`make interop` does it"
        pytest.fail(f"{peer.name} is not installed: {why}", pytrace=False)


def test_it_reads_what_we_read(
    statement: Statement, sandbox: Sandbox, frames: dict[str, pd.DataFrame]
) -> None:
    wrong: dict[str, object] = {}
    for endpoint in ENDPOINTS:
        said = statement.answers[endpoint.qualified_name]
        if "unknown" in said:
            statement.coverage.unknown.add(endpoint.qualified_name)
        elif "error" in said:
            wrong[endpoint.qualified_name] = said["error"]
        else:
            frame, table = frames[endpoint.qualified_name], questions.held(endpoint, sandbox.world)
            found = questions.differences(endpoint, said["answer"], frame, table)
            if found:
                wrong[endpoint.qualified_name] = found
            else:
                statement.coverage.read.add(endpoint.qualified_name)
    assert wrong == {}
    assert len(statement.coverage.read) >= statement.peer.least


@pytest.mark.parametrize("name", questions.REFUSALS)
def test_it_is_refused(statement: Statement, name: str) -> None:
    said = statement.answers[name]
    assert said.get("code") in questions.REFUSALS[name], said
    statement.coverage.refused.add(name)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_characters_arrive(statement: Statement, name: str) -> None:
    said = statement.answers[f"awkward {name}"]
    if "unknown" in said:
        pytest.skip(f"{statement.peer.name} does not know {CUSTOMERS}")
    assert said.get("answer") == [AWKWARD], said


@pytest.mark.parametrize("name", ["Ed25519", "RSA"])
def test_its_private_key_signs(statement: Statement, name: str) -> None:
    if name not in statement.peer.signatures:
        pytest.skip(f"{statement.peer.name} does not sign with {name}")
    said = statement.answers[f"{name} signature"]
    assert isinstance(said.get("answer"), list), said


def test_we_read_rows_to_be_compared(frames: dict[str, pd.DataFrame]) -> None:
    assert [endpoint_name for endpoint_name, frame in frames.items() if frame.empty] == []
