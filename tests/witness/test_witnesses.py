"""Clients that nobody here wrote read every Link endpoint they know from the sandbox, and are refused by it.

Client and sandbox come out of one head here, so what they agree on proves little. These sign, encode and
parse on their own; what they read is held to the sandbox's own tables and to what `toolkit.Link` reads.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pytest

from tests.witness import questions
from tests.witness.clients import HERE, WITNESSES, Witness
from tests.witness.conftest import Coverage
from tests.witness.questions import Question
from toolkit.catalogue import BASE_URLS, ENDPOINTS, POOLS
from toolkit.link import Link
from toolkit.sandbox import Key, Sandbox
from toolkit.sandbox.authentication import CUSTOMER_DOORS

pytestmark = pytest.mark.witness

# All witnesses and we share the minute; limits are not what they witness.
PLENTY = 100
# Every character that a client may encode, or sign, in another way than the next.
AWKWARD = {"customerId": "desk 7+8/é&=%20~*'", "email": "ana+desk@exämple.com"}


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, limit_scale=PLENTY) as running:
        someone = running.world.customers[0]
        running.world.customers.append(replace(someone, id=AWKWARD["customerId"], email=AWKWARD["email"]))
        yield running


def asks(sandbox: Sandbox, door: str) -> Key:
    """Whose key asks: some doors are a customer's."""
    return sandbox.world.keys["customer" if door in CUSTOMER_DOORS else "partner"]


@pytest.fixture(scope="session")
def frames(sandbox: Sandbox) -> dict[str, pd.DataFrame]:
    """What we read ourselves, by door."""
    hosts = dict.fromkeys(BASE_URLS, sandbox.address)
    limits = {pool.name: pool.limit * PLENTY for pool in POOLS}
    keys = {asks(sandbox, endpoint.door) for endpoint in ENDPOINTS}
    links = {key.name: Link(key.key, key.secret, hosts=hosts, limits=limits) for key in keys}
    try:
        return {
            endpoint.door: questions.read_ourselves(
                links[asks(sandbox, endpoint.door).name], endpoint, sandbox.world
            )
            for endpoint in ENDPOINTS
        }
    finally:
        for link in links.values():
            link.close()


@dataclass(frozen=True, slots=True)
class Statement:
    """What one witness said: its answers, by question."""

    witness: Witness
    answers: dict[str, Any]
    coverage: Coverage


def all_questions(sandbox: Sandbox) -> list[Question]:
    partner = sandbox.world.partner
    asked = questions.bad_questions(partner)
    for endpoint in ENDPOINTS:
        key = asks(sandbox, endpoint.door)
        params = questions.wire_params(endpoint, sandbox.world)
        asked.append(Question(endpoint.door, endpoint.path, key.key, key.secret, params))
    customers = "/sapi/v1/apiReferral/customization"
    for name, text in AWKWARD.items():
        asked.append(Question(f"awkward {name}", customers, partner.key, partner.secret, {name: text}))
    return asked


@pytest.fixture(scope="session", params=WITNESSES, ids=lambda witness: witness.name)
def statement(
    request: pytest.FixtureRequest, sandbox: Sandbox, coverage: dict[str, Coverage], tmp_path_factory: Any
) -> Statement:
    """Asks one witness everything, in a process and an environment of its own."""
    witness: Witness = request.param
    if not witness.stamp.is_file():
        why = witness.failure.read_text("utf-8") if witness.failure.is_file() else "run `make witness`"
        pytest.fail(f"{witness.name} is not here: {why}", pytrace=False)
    asked = {"address": sandbox.address, "calls": [question.as_json() for question in all_questions(sandbox)]}
    done = subprocess.run(
        [witness.python, "-E", "-s", HERE / "programs" / witness.program, witness.name],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=tmp_path_factory.mktemp("witness"),
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{witness.name} broke down:\n{done.stderr}", pytrace=False)
    said = json.loads(done.stdout)
    covered = coverage[witness.name] = Coverage(said["version"])
    return Statement(witness, said["answers"], covered)


def test_it_reads_what_we_read(
    statement: Statement, sandbox: Sandbox, frames: dict[str, pd.DataFrame]
) -> None:
    wrong: dict[str, object] = {}
    for endpoint in ENDPOINTS:
        said = statement.answers[endpoint.door]
        if "unknown" in said:
            statement.coverage.unknown.add(endpoint.door)
        elif "error" in said:
            wrong[endpoint.door] = said["error"]
        else:
            frame, table = frames[endpoint.door], questions.held(endpoint, sandbox.world)
            found = questions.differences(endpoint, said["answer"], frame, table)
            if found:
                wrong[endpoint.door] = found
            else:
                statement.coverage.read.add(endpoint.door)
    assert wrong == {}
    assert len(statement.coverage.read) >= statement.witness.least


@pytest.mark.parametrize("name", questions.REFUSALS)
def test_it_is_refused(statement: Statement, name: str) -> None:
    said = statement.answers[name]
    assert said.get("code") in questions.REFUSALS[name], said
    statement.coverage.refused.add(name)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_characters_arrive(statement: Statement, name: str) -> None:
    said = statement.answers[f"awkward {name}"]
    if "unknown" in said:
        assert not statement.witness.signs_anything
        return
    assert said.get("answer") == [AWKWARD], said


def test_we_read_rows_to_be_compared(frames: dict[str, pd.DataFrame]) -> None:
    assert [door for door, frame in frames.items() if frame.empty] == []
