"""Clients by others write to the sandbox; we read what they wrote, and they read what we wrote.

From a client that signs values before encoding them, values with special characters are refused, as the
exchange does since 2026: see `PeerClient.encodes`. Such a client writes plain values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.interop.calls import ClientCall
from tests.interop.clients import PEERS, PeerClient
from tests.interop.conftest import Coverage
from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, WRITES_BY_NAME
from toolkit.sandbox import Sandbox

pytestmark = pytest.mark.interop

ACCOUNTS = "/sapi/v1/broker/subAccount"
CUSTOMERS = "/sapi/v1/apiReferral/customization"
AWKWARD = " 7+8/é&=%20~*'#?;名😀"
WRITES = {
    "create a sub-account": "exchange.create_sub_account",
    "delete a sub-account": "exchange.delete_sub_account",
    "create a key": "exchange.create_api_key",
    "transfer": "exchange.transfer",
    "set a customer's id": "spot.set_customer_id",
}


@dataclass
class WritingClient:
    """A client and what it writes, which no other client touches.

    Attributes:
        tag, customer_id: With special characters if it can sign them.
        email: Of the customer whose id it sets.
        account, idle: A sub-account with everything, and one that can be deleted.
        our_tag, our_id, our_email, our_account: What we wrote for it to read.
        results: Its results, by name of the call.
    """

    peer: PeerClient
    tag: str
    customer_id: str
    email: str
    account: str
    idle: str
    our_tag: str
    our_id: str
    our_email: str
    our_account: str
    results: dict[str, Any]

    @property
    def transfer_id(self) -> str:
        return f"of.{self.peer.name}"

    def parameters(self, write: str) -> dict[str, str]:
        """The parameters of a write."""
        return {
            "create a sub-account": {"tag": self.tag},
            "delete a sub-account": {"subAccountId": self.idle},
            "create a key": {"subAccountId": self.account, "canTrade": "true", "marginTrade": "false"},
            "transfer": {
                "toId": self.account,
                "asset": "BNB",
                "amount": "0.00000001",
                "clientTranId": self.transfer_id,
            },
            "set a customer's id": {"customerId": self.customer_id, "email": self.email},
        }[write]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=8, limit_scale=100) as running:
        yield running


@pytest.fixture(scope="module")
def accounts(sandbox: Sandbox) -> dict[str, list[str]]:
    """Ids of sub-accounts, some of which can be deleted. Listed before anything changes."""
    busy = [each.id for each in sandbox.world.accounts]
    now_ms = int(sandbox.exchange.clock.time() * 1000)
    return {"busy": busy, "idle": [sandbox.world.add_account("idle", now_ms).id for _ in PEERS]}


@pytest.fixture(scope="module")
def link(sandbox: Sandbox) -> Iterator[Link]:
    with Link(
        key=sandbox.key, secret=sandbox.secret, hosts=dict.fromkeys(BASE_URLS, sandbox.address)
    ) as made:
        yield made


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@pytest.fixture(scope="module", params=PEERS, ids=lambda peer: peer.name)
def client(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    link: Link,
    journal: Path,
    accounts: dict[str, list[str]],
    coverage: dict[str, Coverage],
    tmp_path_factory: pytest.TempPathFactory,
) -> WritingClient:
    peer: PeerClient = request.param
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    index, world = PEERS.index(peer), sandbox.world
    world.customers[index].email = f"ana+{index}@exämple.com" if peer.encodes else f"ana.{index}@example.com"
    world.customers[-1 - index].email = f"we+{index}@exämple.com"
    ops = link.operations(journal=journal, parameters=("body", "query", "mixed")[index % 3])  # type: ignore[arg-type]
    our_tag, our_id = f"ours {index}{AWKWARD}"[:31], f"{index} is ours{AWKWARD}"
    made = ops.exchange.create_sub_account(tag=our_tag).require_confirmed()
    ops.spot.set_customer_id(our_id, world.customers[-1 - index].email).require_confirmed()
    client = WritingClient(
        peer=peer,
        tag=(f"{index}{AWKWARD}" if peer.encodes else f"plain-{index}")[:31],
        customer_id=f"{index}{AWKWARD}" if peer.encodes else f"plain-{index}",
        email=world.customers[index].email,
        account=accounts["busy"][index],
        idle=accounts["idle"][index],
        our_tag=our_tag,
        our_id=our_id,
        our_email=world.customers[-1 - index].email,
        our_account=made["sub_account_id"][0],
        results={},
    )
    key = world.partner
    calls = [
        ClientCall(
            write,
            WRITES_BY_NAME[endpoint_name].path,
            key.key,
            key.secret,
            client.parameters(write),
            method=WRITES_BY_NAME[endpoint_name].method,
        )
        for write, endpoint_name in WRITES.items()
    ]
    awkward = {"tag": f"never {index} é+&"}
    calls += [
        ClientCall("awkward", ACCOUNTS, key.key, key.secret, awkward, method="POST"),
        ClientCall("wrong secret", ACCOUNTS, key.key, key.secret[::-1], {"tag": "never"}, method="POST"),
        ClientCall("our account", ACCOUNTS, key.key, key.secret, {"subAccountId": client.our_account}),
        ClientCall("our customer", CUSTOMERS, key.key, key.secret, {"customerId": client.our_id}),
    ]
    result = peer.send(sandbox.address, calls, tmp_path_factory.mktemp("writing"))
    client.results = result["responses"]
    coverage.setdefault(peer.name, Coverage(result["version"]))
    return client


def read_back(client: WritingClient, link: Link, write: str) -> None:
    """Check by reading that a write was executed."""
    response = client.results[write]["response"]
    if write == "create a sub-account":
        frame = link.exchange.sub_accounts(sub_account_id=response["subaccountId"])
        assert frame["tag"].tolist() == [client.tag]
    elif write == "delete a sub-account":
        assert client.idle not in link.exchange.sub_accounts()["sub_account_id"].tolist()
    elif write == "create a key":
        assert len(response["secretKey"]) == 64
        shown = link.exchange.api_keys(client.account)["api_key"].tolist()
        assert response["apiKey"][:3] in {each[:3] for each in shown}
    elif write == "transfer":
        frame = link.exchange.transfers(
            to_id=client.account, client_tran_id=client.transfer_id, start="-1h", numbers="exact"
        )
        assert frame["client_tran_id"].tolist() == [client.transfer_id]
        assert frame["qty"].tolist() == [Decimal("0.00000001")]
        assert frame["to_id"].tolist() == [client.account]
    else:
        frame = link.spot.customers(email=client.email)
        assert frame["customer_id"].tolist() == [client.customer_id]


@pytest.mark.parametrize("write", WRITES)
def test_we_read_what_it_wrote(
    client: WritingClient, link: Link, sandbox: Sandbox, coverage: dict[str, Coverage], write: str
) -> None:
    result = client.results[write]
    if "unknown" in result:
        pytest.skip(f"{client.peer.name} does not know how to {write}")
    assert "response" in result, result
    read_back(client, link, write)
    assert len(sandbox.exchange.effects_of(WRITES[write], **client.parameters(write))) == 1
    coverage[client.peer.name].written.add(write)


def test_special_characters_arrive_or_are_refused(client: WritingClient, sandbox: Sandbox) -> None:
    result = client.results["awkward"]
    index = PEERS.index(client.peer)
    done = sandbox.exchange.effects_of("exchange.create_sub_account", tag=f"never {index} é+&")
    if client.peer.encodes:
        assert len(done) == 1, result
    else:
        assert result["code"] == -1022, result
        assert done == []


def test_a_wrong_secret_changes_nothing(client: WritingClient, sandbox: Sandbox) -> None:
    assert client.results["wrong secret"]["code"] == -1022
    assert sandbox.exchange.effects_of("exchange.create_sub_account", tag="never") == []


def test_it_reads_what_we_wrote(client: WritingClient) -> None:
    (row,) = client.results["our account"]["response"]
    assert (str(row["subaccountId"]), row["tag"]) == (client.our_account, client.our_tag)
    result = client.results["our customer"]
    if "unknown" in result:
        pytest.skip(f"{client.peer.name} does not know {CUSTOMERS}")
    assert result["response"] == [{"customerId": client.our_id, "email": client.our_email}]
