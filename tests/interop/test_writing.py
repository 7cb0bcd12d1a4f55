"""Clients that nobody here wrote change things at the sandbox; we find what they did, and they what we did.

Where one signs values before it encodes them, what is awkward is refused, as it is by the exchange since
2026: see `PeerClient.encodes`. Such a client writes plain values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.interop.clients import PEERS, PeerClient
from tests.interop.conftest import Coverage
from tests.interop.questions import Query
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
class Party:
    """A client and what it writes about: nobody else touches that.

    Attributes:
        tag, customer_id: As awkward as it can sign.
        email: Of the customer that it gives an id.
        account, idle: A sub-account with everything, and one that can be deleted.
        our_tag, our_id, our_email, our_account: What we wrote for it to read.
        said: What it said, by question.
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
    said: dict[str, Any]

    @property
    def transfer_id(self) -> str:
        return f"of.{self.peer.name}"

    def parameters(self, write: str) -> dict[str, str]:
        """What is sent for a write."""
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
    """Ids of sub-accounts, some of which can be deleted. Taken down before anything changes."""
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
def party(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    link: Link,
    journal: Path,
    accounts: dict[str, list[str]],
    coverage: dict[str, Coverage],
    tmp_path_factory: pytest.TempPathFactory,
) -> Party:
    peer: PeerClient = request.param
    if not peer.stamp.is_file():
        pytest.skip(f"{peer.name} is not installed, and its own test fails for it")
    place, world = PEERS.index(peer), sandbox.world
    world.customers[place].email = f"ana+{place}@exämple.com" if peer.encodes else f"ana.{place}@example.com"
    world.customers[-1 - place].email = f"we+{place}@exämple.com"
    ops = link.operations(journal=journal, parameters=("body", "query", "mixed")[place % 3])  # type: ignore[arg-type]
    our_tag, our_id = f"ours {place}{AWKWARD}"[:31], f"{place} is ours{AWKWARD}"
    made = ops.exchange.create_sub_account(tag=our_tag).require_confirmed()
    ops.spot.set_customer_id(our_id, world.customers[-1 - place].email).require_confirmed()
    party = Party(
        peer=peer,
        tag=(f"{place}{AWKWARD}" if peer.encodes else f"plain-{place}")[:31],
        customer_id=f"{place}{AWKWARD}" if peer.encodes else f"plain-{place}",
        email=world.customers[place].email,
        account=accounts["busy"][place],
        idle=accounts["idle"][place],
        our_tag=our_tag,
        our_id=our_id,
        our_email=world.customers[-1 - place].email,
        our_account=made["sub_account_id"][0],
        said={},
    )
    key = world.partner
    asked = [
        Query(
            write,
            WRITES_BY_NAME[endpoint_name].path,
            key.key,
            key.secret,
            party.parameters(write),
            method=WRITES_BY_NAME[endpoint_name].method,
        )
        for write, endpoint_name in WRITES.items()
    ]
    awkward = {"tag": f"never {place} é+&"}
    asked += [
        Query("awkward", ACCOUNTS, key.key, key.secret, awkward, method="POST"),
        Query("wrong secret", ACCOUNTS, key.key, key.secret[::-1], {"tag": "never"}, method="POST"),
        Query("our account", ACCOUNTS, key.key, key.secret, {"subAccountId": party.our_account}),
        Query("our customer", CUSTOMERS, key.key, key.secret, {"customerId": party.our_id}),
    ]
    said = peer.ask(sandbox.address, asked, tmp_path_factory.mktemp("writing"))
    party.said = said["answers"]
    coverage.setdefault(peer.name, Coverage(said["version"]))
    return party


def read_back(party: Party, link: Link, write: str) -> None:
    """What a write should have done is what we read."""
    answer = party.said[write]["answer"]
    if write == "create a sub-account":
        frame = link.exchange.sub_accounts(sub_account_id=answer["subaccountId"])
        assert frame["tag"].tolist() == [party.tag]
    elif write == "delete a sub-account":
        assert party.idle not in link.exchange.sub_accounts()["sub_account_id"].tolist()
    elif write == "create a key":
        assert len(answer["secretKey"]) == 64
        shown = link.exchange.api_keys(party.account)["api_key"].tolist()
        assert answer["apiKey"][:3] in {each[:3] for each in shown}
    elif write == "transfer":
        frame = link.exchange.transfers(
            to_id=party.account, client_tran_id=party.transfer_id, start="-1h", numbers="exact"
        )
        assert frame["client_tran_id"].tolist() == [party.transfer_id]
        assert frame["qty"].tolist() == [Decimal("0.00000001")]
        assert frame["to_id"].tolist() == [party.account]
    else:
        frame = link.spot.customers(email=party.email)
        assert frame["customer_id"].tolist() == [party.customer_id]


@pytest.mark.parametrize("write", WRITES)
def test_we_read_what_it_wrote(
    party: Party, link: Link, sandbox: Sandbox, coverage: dict[str, Coverage], write: str
) -> None:
    said = party.said[write]
    if "unknown" in said:
        pytest.skip(f"{party.peer.name} does not know how to {write}")
    assert "answer" in said, said
    read_back(party, link, write)
    assert len(sandbox.exchange.effects_of(WRITES[write], **party.parameters(write))) == 1
    coverage[party.peer.name].written.add(write)


def test_what_is_awkward_arrives_or_is_refused(party: Party, sandbox: Sandbox) -> None:
    said = party.said["awkward"]
    place = PEERS.index(party.peer)
    done = sandbox.exchange.effects_of("exchange.create_sub_account", tag=f"never {place} é+&")
    if party.peer.encodes:
        assert len(done) == 1, said
    else:
        assert said["code"] == -1022, said
        assert done == []


def test_a_wrong_secret_changes_nothing(party: Party, sandbox: Sandbox) -> None:
    assert party.said["wrong secret"]["code"] == -1022
    assert sandbox.exchange.effects_of("exchange.create_sub_account", tag="never") == []


def test_it_reads_what_we_wrote(party: Party) -> None:
    (row,) = party.said["our account"]["answer"]
    assert (str(row["subaccountId"]), row["tag"]) == (party.our_account, party.our_tag)
    said = party.said["our customer"]
    if "unknown" in said:
        pytest.skip(f"{party.peer.name} does not know {CUSTOMERS}")
    assert said["answer"] == [{"customerId": party.our_id, "email": party.our_email}]
