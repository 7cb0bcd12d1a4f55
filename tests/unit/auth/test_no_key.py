"""A Link where no key is configured: enough for public endpoints, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from keyring.errors import KeyringLocked

import toolkit
from tests.support.clocks import FakeClock
from tests.support.keys import KEY, MemoryKeyring, profiles, refused
from tests.support.recording import RecordingServer, answer, recording_server
from toolkit.endpoints import BASE_URLS, PAPI, Column, Endpoint
from toolkit.errors import NoKeyError

PUBLIC = Endpoint(
    name="ping",
    system="portfolio",
    path="/papi/v1/ping",
    rate_limit=PAPI,
    security="NONE",
    columns=(Column(name="symbol", field="symbol", kind="text", doc="Symbol."),),
    summary="One row.",
    source="https://example.com",
)


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as made:
        made.respond = lambda _: answer(200, b'{"symbol":"BTCUSDT"}')
        yield made


def link_to(server: RecordingServer, **arguments: Any) -> toolkit.Link:
    return toolkit.Link(hosts=dict.fromkeys(BASE_URLS, server.address), clock=FakeClock(), **arguments)


def test_public_endpoint_needs_no_key(folder: Path, server: RecordingServer) -> None:
    with link_to(server) as link:
        assert len(link._fetcher.fetch(PUBLIC, {})) == 1
    (sent,) = server.sent
    assert "x-mbx-apikey" not in sent.headers


@pytest.mark.parametrize("security", ["MARKET_DATA", "SIGNED", "USER_DATA", "TRADE"])
def test_any_other_endpoint_needs_one(folder: Path, server: RecordingServer, security: Any) -> None:
    with link_to(server) as link, pytest.raises(NoKeyError, match=r"^portfolio\.ping needs an API key;"):
        link._fetcher.fetch(replace(PUBLIC, security=security), {})
    assert server.sent == []


def test_undeclared_path_needs_one(folder: Path, server: RecordingServer) -> None:
    needed = r'^/sapi/v1/x needs an API key; pass `security="NONE"` if it is public\.'
    with link_to(server) as link, pytest.raises(NoKeyError, match=needed):
        link.get("/sapi/v1/x")
    assert server.sent == []


def test_repr_says_that_there_is_no_key(folder: Path, server: RecordingServer) -> None:
    with link_to(server) as link:
        assert repr(link) == f"Link(sandbox, no key: {server.address})"


def test_writes_are_refused_and_previewed_without_a_key(folder: Path, server: RecordingServer) -> None:
    with link_to(server) as link:
        ops = link.operations(confirm="live", journal=folder)
        assert ops.history().empty
        with pytest.raises(NoKeyError, match="needs an API key"):
            ops.exchange.create_sub_account(tag="x")
        checks = ops.preview.exchange.create_sub_account(tag="x").checks
        assert any(not check.passed and "needs an API key" in check.text for check in checks)
        assert ops.history().empty
    assert [sent.target for sent in server.sent if "sandbox" not in sent.target] == []


def test_operations_with_a_key_of_their_own(folder: Path, server: RecordingServer) -> None:
    with link_to(server) as link:
        ops = link.operations(confirm="live", journal=folder, key=KEY, secret="s" * 64)
        ops.exchange.create_sub_account(tag="x")
        assert [sent.headers["x-mbx-apikey"] for sent in server.writes] == [KEY]
        with pytest.raises(NoKeyError, match="needs an API key"):
            link.exchange.partner()


def test_doctor_has_a_line_about_it(folder: Path, server: RecordingServer) -> None:
    with link_to(server) as link:
        (found,) = [check for check in link.doctor().checks if check.name == "keys"]
    assert (found.status, found.found.partition(". ")[0]) == ("warning", "No key: only public endpoints")
    assert "key add" in found.next_step


# -- a key that is configured, and cannot be used ------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"TOOLKIT_KEY": KEY}, "TOOLKIT_KEY needs either"),
        ({"TOOLKIT_SECRET": "s" * 64}, "TOOLKIT_KEY is missing"),
        ({"TOOLKIT_PROFILE": "reporting"}, "There is no profile of this name"),
        ({"TOOLKIT_KEY": KEY, "TOOLKIT_PRIVATE_KEY": "/nowhere.pem"}, "does not exist"),
    ],
)
def test_half_a_key_in_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    refused(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[default\n", "not valid TOML"),
        (f'[default]\nkey = "{KEY}"\n', "`key` needs either"),
        ("[default]\n", "`key` is missing"),
        ("[default]\nkeys = []\n", "one key or several"),
    ],
)
def test_broken_profile(folder: Path, text: str, problem: str) -> None:
    profiles(folder, text)
    refused(problem)


def test_profiles_that_others_can_read(folder: Path) -> None:
    profiles(folder, "", mode=0o644)
    refused("chmod 600|can be read|may read|others")


def test_profile_that_does_not_exist(folder: Path) -> None:
    refused("There is no profile of this name", profile="reporting")


def test_keyring_that_cannot_be_read_may_hold_a_key(folder: Path, memory: MemoryKeyring) -> None:
    def locked(*_: object) -> str:
        raise KeyringLocked

    memory.get_password = locked  # type: ignore[method-assign]
    refused(r"No API key was found.*keyring, which cannot be read \(KeyringLocked\): unlock it")


def test_broken_profile_in_the_keyring(folder: Path, memory: MemoryKeyring) -> None:
    memory.held["binance-link-toolkit", "default"] = "[default]\n"
    refused("`key` is missing")


def test_passphrase_without_a_key(folder: Path) -> None:
    refused("No API key was found", passphrase="x")
