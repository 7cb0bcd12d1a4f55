"""The doctor: its results with a healthy sandbox, and with each thing that can go wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import toolkit
from tests.support import recording
from tests.support.certificates import certificate
from tests.support.keys import profiles
from tests.support.paths import ROOT
from tests.support.rows import put
from tests.support.sandbox_env import PATIENT, SandboxEnv
from toolkit import errors
from toolkit.__main__ import main
from toolkit.auth.credentials import SECURITIES, Credentials, Keys
from toolkit.auth.signers import make_signer
from toolkit.doctor import Check, Diagnosis, permissions
from toolkit.doctor.check import worst
from toolkit.doctor.html import html_of, text_of
from toolkit.doctor.machine import environment_check, files_check, proxy_check, versions_check
from toolkit.endpoints import BASE_URLS, KEY_PERMISSIONS, Host, Security
from toolkit.sandbox import Sandbox
from toolkit.storage.paths import rate_limit_file
from toolkit.transport.session import Session

PATH = KEY_PERMISSIONS.path
TIMES = ("/api/v3/time", "/fapi/v1/time", "/papi/v1/ping")
REQUESTED = (*TIMES, PATH, "/sapi/v1/broker/info")

Statuses = dict[str, str]

HOSTS = {f"{check} {host}": "ok" for host in BASE_URLS for check in ("host", "clock")}
EXCHANGE: Statuses = {"source": "ok", **HOSTS, "ban": "ok", "weight": "ok"}
# Of the partner's key: HMAC, and it can trade.
PERMISSIONS: Statuses = {
    "type": "note",
    "accepted": "ok",
    "reading": "ok",
    "permissions": "note",
    "withdrawals": "ok",
    "addresses": "ok",
    "reads": "ok",
}
# With a clock of its own, a Link does not share its rate limits; and there is no journal yet.
MACHINE: Statuses = {
    "rate limits": "note",
    "journal": "note",
    "files": "ok",
    "versions": "ok",
    "proxy": "ok",
    "environment": "ok",
}
SERVES_BOTH = ", for USER_DATA and TRADE"


def of_key(permissions: Statuses = PERMISSIONS, about: str = f"key{SERVES_BOTH}") -> Statuses:
    return {f"{check} {about}": status for check, status in permissions.items()}


GOOD: Statuses = {**EXCHANGE, "keys": "ok", **of_key(), **MACHINE}


def table(diagnosis: Diagnosis) -> Statuses:
    """The status of each check, by its name and what it is about.

    Without the check of examples: there is one as long as some declared read has no rule in the sandbox.
    """
    rows = diagnosis.frame.query("name != 'examples'").to_dict("records")
    statuses = {" ".join(filter(pd.notna, (row["name"], row["about"]))): row["status"] for row in rows}
    assert len(statuses) == len(rows)
    return statuses


def find(diagnosis: Diagnosis, name: str) -> Check:
    (found,) = [each for each in diagnosis.checks if f"{each.name} {each.about}".startswith(name)]
    return found


def link_of(env: SandboxEnv, name: str, **arguments: Any) -> toolkit.Link:
    key = env.sandbox.world.keys[name]
    return env.new_link(key.key, key.secret, **arguments)


def credentials(env: SandboxEnv, name: str, *serves: Security) -> Credentials:
    key = env.sandbox.world.keys[name]
    return Credentials(key.key, make_signer("secret", key.secret, None), serves or SECURITIES)


def link_with(env: SandboxEnv, keys: Keys, **hosts: str) -> toolkit.Link:
    addresses: dict[Host, str] = dict.fromkeys(BASE_URLS, env.sandbox.address)
    return toolkit.Link(keys=keys, hosts={**addresses, **hosts}, clock=env.clock, timeout=PATIENT)


def keys_checked(env: SandboxEnv) -> list[str]:
    """The keys whose permissions were requested."""
    return [entry.key for entry in env.exchange.log if entry.path == PATH]


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the journals."""
    folder = tmp_path / "journal"
    monkeypatch.setenv("TOOLKIT_JOURNAL", str(folder))
    return folder


# -- the most important results ----------------------------------------------------------------------------


def test_a_good_key(env: SandboxEnv) -> None:
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD
    assert [*table(diagnosis)] == [*GOOD], "in this order"
    assert diagnosis
    assert diagnosis.status == "note"
    assert [entry.path for entry in env.exchange.log] == [*REQUESTED]
    assert [entry.weight for entry in env.exchange.log] == [1] * len(REQUESTED)


def test_a_key_that_may_withdraw(env: SandboxEnv) -> None:
    diagnosis = link_of(env, "withdrawals").doctor()
    assert table(diagnosis) == GOOD | of_key({"withdrawals": "failure"})
    assert not diagnosis
    found = find(diagnosis, "withdrawals")
    assert found.found.isupper()
    assert "MONEY OUT" in found.found
    assert "delete this one" in found.next_step


def test_a_key_that_may_be_used_from_any_address(env: SandboxEnv) -> None:
    diagnosis = link_of(env, "open").doctor()
    assert table(diagnosis) == GOOD | of_key({"permissions": "warning", "addresses": "warning"})
    assert diagnosis
    assert diagnosis.status == "warning"
    assert "from any address" in find(diagnosis, "addresses").found


@pytest.mark.parametrize(("ahead", "expected"), [(90.0, "90.0 s behind"), (-90.0, "90.0 s ahead of")])
def test_a_clock_that_is_wrong(ahead: float, expected: str) -> None:
    env = SandboxEnv(ahead=ahead)
    diagnosis = env.link.doctor()
    wrong = {f"clock {host}": "warning" for host in BASE_URLS}
    assert table(diagnosis) == GOOD | wrong, "requests work: they carry the exchange's time"
    for host in ("api", "fapi"):
        assert expected in find(diagnosis, f"clock {host}").found
    env.close()


def test_a_clock_within_a_second_is_ok() -> None:
    env = SandboxEnv(ahead=0.9)
    assert table(env.link.doctor()) == GOOD
    env.close()


def test_during_a_ban_nothing_is_sent(env: SandboxEnv) -> None:
    env.exchange.faults.add("ban", path="/sapi/")
    with pytest.raises(errors.BannedError) as caught:
        env.link.exchange.partner()
    before = len(env.exchange.log)
    diagnosis = env.link.doctor()
    not_checked = {f"host {host}": "note" for host in BASE_URLS}
    assert table(diagnosis) == {
        "source": "ok",
        **not_checked,
        "ban": "failure",
        "weight": "ok",
        "keys": "ok",
        **of_key({"type": "note", "permissions": "note"}),
        **MACHINE,
    }
    assert len(env.exchange.log) == before, "nothing is sent during a ban"
    assert f"{caught.value.until:%Y-%m-%d %H:%M:%S} UTC" in find(diagnosis, "ban").found
    for name in ("host api", "permissions", "journal"):
        assert find(diagnosis, name).found.startswith("Not ")
    assert diagnosis.source == "sandbox"
    assert not diagnosis


def test_during_a_ban_the_sandbox_is_not_asked_for_its_id(env: SandboxEnv) -> None:
    with recording.recording_server(env.sandbox.address) as server:
        link = env.new_link(hosts=dict.fromkeys(BASE_URLS, server.address))
        env.exchange.faults.add("ban", path="/sapi/")
        with pytest.raises(errors.BannedError):
            link.exchange.partner()
        before = len(server.sent)
        assert not link.doctor()
        assert len(server.sent) == before


# -- the exchange --------------------------------------------------------------------------------------------


def test_a_ban_that_begins_during_the_checks(env: SandboxEnv) -> None:
    env.exchange.faults.add("ban", path="/fapi/")
    diagnosis = env.link.doctor()
    assert table(diagnosis) == {
        "source": "ok",
        "host api": "ok",
        "clock api": "ok",
        "host fapi": "failure",
        "host papi": "note",
        "ban": "failure",
        "weight": "ok",
        "keys": "ok",
        **of_key({"type": "note", "permissions": "note"}),
        **MACHINE,
    }
    assert "refuses requests from this address" in find(diagnosis, "host fapi").found
    assert [entry.path for entry in env.exchange.log] == ["/api/v3/time", "/fapi/v1/time"]


def test_nothing_is_sent_to_a_host_that_asked_to_wait(env: SandboxEnv) -> None:
    env.exchange.faults.add("rate-limit", path="/api/", seconds=40)
    diagnosis = env.link.doctor()
    rest = of_key({"type": "note", "permissions": "note"})
    first = {name: status for name, status in EXCHANGE.items() if name != "clock api"}
    expected = {**first, "host api": "failure", "ban": "warning", "keys": "ok", **rest, **MACHINE}
    assert table(diagnosis) == expected
    assert "api asked to wait until 2026-01-01 00:00:40 UTC" in find(diagnosis, "ban").found
    assert env.clock.slept == []
    again = env.link.doctor()
    assert table(again) == expected | {"host api": "note"}
    assert env.sent("/api/v3/time") == [429]


def test_a_key_check_that_meets_a_ban_or_a_back_off(env: SandboxEnv) -> None:
    for kind, status in (("rate-limit", "warning"), ("ban", "failure")):
        env.exchange.faults.add(kind, path=PATH)
        diagnosis = env.link.doctor()
        rest = of_key({"type": "note", "permissions": "note"})
        assert table(diagnosis) == {**EXCHANGE, "ban": status, "keys": "ok", **rest, **MACHINE}
        env.clock.advance(60)
    assert env.sent(PATH) == [429, 418]


def test_a_host_that_cannot_be_reached(env: SandboxEnv, nowhere: str) -> None:
    link = link_with(env, Keys([credentials(env, "partner")], "a test"), papi=nowhere)
    diagnosis = link.doctor()
    first = {name: status for name, status in EXCHANGE.items() if name != "clock papi"}
    assert table(diagnosis) == {**first, "host papi": "failure", "keys": "ok", **of_key(), **MACHINE}
    assert "the connection failed" in find(diagnosis, "host papi").found
    assert "network" in find(diagnosis, "host papi").next_step


def test_keys_are_not_checked_if_their_host_is_unreachable(env: SandboxEnv, nowhere: str) -> None:
    diagnosis = link_with(env, Keys([credentials(env, "partner")], "a test"), api=nowhere).doctor()
    first = {name: status for name, status in EXCHANGE.items() if name != "clock api"}
    rest = of_key({"type": "note", "permissions": "note"})
    # The sandbox would be asked for its id at the same address.
    expected = {**first, "source": "warning", "host api": "failure", "keys": "ok", **rest, **MACHINE}
    assert table(diagnosis) == expected
    assert "the host could not be reached" in find(diagnosis, "permissions").found
    assert diagnosis.source == "live", "no server has identified itself as a sandbox"
    assert "SANDBOX" not in repr(diagnosis)


def test_a_host_that_does_not_respond_costs_one_time_out(env: SandboxEnv) -> None:
    env.be_impatient()
    env.exchange.faults.add("timeout", path="/fapi/", times=None)
    env.exchange.faults.add("timeout", path=PATH, times=None)
    diagnosis = env.link.doctor()
    assert "timed out while waiting" in find(diagnosis, "host fapi").found
    assert "timed out while waiting" in find(diagnosis, "accepted").found
    assert env.sent("/fapi/") == [0]
    assert env.sent(PATH) == [0]


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("html", {"status": 200}, "not JSON"),
        ("html", {"status": 503}, "HTTP 503"),
        ("redirect", {"to": "https://sign-in.invalid/"}, "HTTP 302"),
        ("wrapped-error", {}, "does not give the time"),
        ("firewall", {}, "HTTP 403"),
    ],
)
def test_a_server_that_is_not_the_exchange(
    env: SandboxEnv, kind: str, options: dict[str, Any], said: str
) -> None:
    headers = {"name": "Date", "value": "soon"}  # the time could be read from it
    env.exchange.faults.add("extra-header", path="/fapi/", **headers)
    env.exchange.faults.add(kind, path="/fapi/", **options)
    diagnosis = env.link.doctor()
    first = {name: status for name, status in EXCHANGE.items() if name != "clock fapi"}
    assert table(diagnosis) == {**first, "host fapi": "failure", "keys": "ok", **of_key(), **MACHINE}
    assert said in find(diagnosis, "host fapi").found
    assert "in between" in find(diagnosis, "host fapi").next_step


def test_a_certificate_that_is_not_trusted(env: SandboxEnv, tmp_path: Path) -> None:
    public, private = certificate(tmp_path, days=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with recording.recording_server(context=context) as server:
        keys = Keys([credentials(env, "partner")], "a test")
        diagnosis = link_with(env, keys, fapi=server.address).doctor()
        assert server.sent == []
    assert table(diagnosis)["host fapi"] == "failure"
    assert "certificate" in find(diagnosis, "host fapi").found
    assert "verify=" in find(diagnosis, "host fapi").next_step
    assert "intercepting" in find(diagnosis, "host fapi").next_step


@pytest.mark.parametrize(
    ("variable", "value", "said", "step"),
    [
        ("REQUESTS_CA_BUNDLE", "/nonexistent.pem", "does not exist", "Correct REQUESTS_CA_BUNDLE"),
        (
            "HTTPS_PROXY",
            "http://user:hush%C5%82@127.0.0.1:9",
            "password cannot be encoded",
            "Check the proxy",
        ),
        ("HTTPS_PROXY", "http://user:hush@127.0.0.1:9", "connection to the proxy failed", "Check the proxy"),
        ("NO_PROXY", "*", "the connection failed", "Check the network"),
    ],
)
def test_the_advice_depends_on_what_failed(
    variable: str, value: str, said: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    hosts = dict.fromkeys(BASE_URLS, "https://exchange.invalid")
    with toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts) as link:
        diagnosis = link.doctor()
    for host in BASE_URLS:
        found = find(diagnosis, f"host {host}")
        assert said in found.found
        assert step in found.next_step
        assert "in between" not in found.next_step
    assert "hush" not in everything(diagnosis)


def test_a_tls_key_log_is_a_warning(env: SandboxEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "key log" not in table(env.link.doctor())
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    found = find(env.link.doctor(), "key log")
    assert found.status == "warning"
    assert str(tmp_path / "keys.log") in found.found
    assert "API keys and signed requests" in found.found
    assert "Remove SSLKEYLOGFILE from the environment" in found.next_step


def test_a_slow_connection_is_a_warning() -> None:
    with Sandbox(seed=7) as sandbox:
        hosts = dict.fromkeys(BASE_URLS, sandbox.address)
        for window, status in ((1, "warning"), (60_000, "ok")):
            link = toolkit.Link(key=sandbox.key, secret=sandbox.secret, hosts=hosts, recv_window=window)
            diagnosis = link.doctor()
            assert table(diagnosis)["clock api"] == status
            if status == "warning":
                assert "recv_window" in find(diagnosis, "clock api").next_step
            link.close()


@pytest.mark.parametrize(("used", "status"), [(1919, "ok"), (1921, "warning")])
def test_a_counter_that_is_nearly_full(env: SandboxEnv, used: int, status: str) -> None:
    counted = {"name": "X-MBX-USED-WEIGHT-1M", "value": str(used)}
    env.exchange.faults.add("extra-header", path="/fapi/", **counted)
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"weight": status}
    assert f"fapi: {used:,} of 2,400, 80%" in find(diagnosis, "weight").found


# -- keys ----------------------------------------------------------------------------------------------------


def test_a_secret_that_belongs_to_another_key(env: SandboxEnv) -> None:
    diagnosis = env.new_link(secret="x" * 64).doctor()
    rest = of_key({"type": "note", "accepted": "failure"})
    assert table(diagnosis) == {**EXCHANGE, "keys": "ok", **rest, **MACHINE}
    assert "code -1022" in find(diagnosis, "accepted").found
    assert "does not belong" in find(diagnosis, "accepted").next_step


def test_a_key_that_the_exchange_does_not_know(env: SandboxEnv) -> None:
    diagnosis = env.new_link(key="x" * 64).doctor()
    assert table(diagnosis)[f"accepted key{SERVES_BOTH}"] == "failure"
    assert "code -2015" in find(diagnosis, "accepted").found
    assert "from this machine's IP address" in find(diagnosis, "accepted").next_step


def test_errors_of_the_exchange_are_failures_of_the_key_check(env: SandboxEnv) -> None:
    env.exchange.faults.add("server-error", path=PATH)
    diagnosis = env.link.doctor()
    assert "Service Unavailable" in find(diagnosis, "accepted").found
    env.exchange.faults.add("missing-field", path=PATH, field="enableWithdrawals")
    diagnosis = env.link.doctor()
    assert "enableWithdrawals" in find(diagnosis, "accepted").found
    assert table(diagnosis)[f"accepted key{SERVES_BOTH}"] == "failure", (
        "a missing flag does not count as False"
    )
    assert env.sent(PATH) == [503, 200], "each was sent once"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_keys_with_a_private_key(env: SandboxEnv, kind: str) -> None:
    private = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key = env.sandbox.world.add_key("mine", public_pem=public, like="read-only")
    diagnosis = env.new_link(key.key, pem).doctor()
    assert table(diagnosis) == GOOD | of_key({"type": "ok", "permissions": "ok", "reads": "note"})
    assert find(diagnosis, "type").found == {"rsa": "RSA of 2048 bits.", "ed25519": "Ed25519."}[kind]
    assert "It was created on 20" in find(diagnosis, "accepted").found


def test_each_of_several_keys_is_checked_with_its_own_request(env: SandboxEnv) -> None:
    keys = [
        credentials(env, "read-only", "USER_DATA"),
        credentials(env, "trade-only", "TRADE"),
        credentials(env, "withdrawals"),
    ]
    diagnosis = link_with(env, Keys(keys, "profile desk")).doctor()
    assert table(diagnosis) == {
        **EXCHANGE,
        "keys": "ok",
        **of_key(PERMISSIONS | {"permissions": "ok", "reads": "note"}, "key 1 of 3, for USER_DATA"),
        **of_key({"type": "note", "permissions": "warning", "reads": "note"}, "key 2 of 3, for TRADE"),
        **of_key(PERMISSIONS | {"withdrawals": "failure"}, f"key 3 of 3{SERVES_BOTH}"),
        **MACHINE,
    }
    assert keys_checked(env) == ["read-only", "withdrawals"]
    assert find(diagnosis, "keys").found == "3 keys, from profile desk."
    unchecked = find(diagnosis, "permissions key 2")
    assert unchecked.found.startswith("Not checked whether it can withdraw: a key that serves only TRADE")
    assert "USER_DATA" in unchecked.next_step
    assert "API page" in unchecked.next_step


def test_withdrawals_that_were_not_checked_are_a_warning(env: SandboxEnv) -> None:
    diagnosis = link_with(env, Keys([credentials(env, "trade-only", "TRADE")], "a test")).doctor()
    assert diagnosis.status == "warning"
    assert "All is well" not in repr(diagnosis)


@pytest.mark.parametrize("rows", [0, 2])
def test_a_response_without_exactly_one_row(env: SandboxEnv, rows: int) -> None:
    row = {"ipRestrict": True, "enableReading": True, "enableWithdrawals": False}
    put(env, KEY_PERMISSIONS, [row] * rows)
    diagnosis = env.link.doctor()
    rest = of_key({"type": "note", "accepted": "failure"})
    assert table(diagnosis) == {**EXCHANGE, "keys": "ok", **rest, **MACHINE}
    assert f"the response has {rows} rows" in find(diagnosis, "accepted").found


def test_each_flag_has_a_text_or_a_check_of_its_own() -> None:
    flags = {column.name for column in KEY_PERMISSIONS.columns if column.kind == "flag"}
    others = {"ip_restrict", "enable_reading", "enable_withdrawals", "enable_fix_read_only"}
    assert flags == {*permissions._ACTIONS, *others}


@pytest.mark.parametrize(
    ("field", "value", "expected", "said"),
    [
        ("enableReading", False, {"reading": "failure"}, "It cannot read"),
        ("enableVanillaOptions", True, {}, "trade European options"),
        ("enableFixApiTrade", True, {}, "trade over the FIX API."),
        ("enableMoonTravel", True, {}, "Unknown to this version of the toolkit: enableMoonTravel."),
        ("tradingAuthorityExpirationTime", 1_798_761_600_000, {"trading": "note"}, "ends on 2027-01-01"),
        ("tradingAuthorityExpirationTime", 1_767_830_400_000, {"trading": "warning"}, "ends on 2026-01-08"),
        ("tradingAuthorityExpirationTime", 1_767_139_200_000, {"trading": "warning"}, "ended on 2025-12-31"),
    ],
)
def test_permissions_that_the_exchange_may_report(
    env: SandboxEnv, field: str, value: object, expected: Statuses, said: str
) -> None:
    env.exchange.faults.add("unknown-field", path=PATH, field=field, value=value)
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | of_key(expected)
    assert any(said in each.found for each in diagnosis.checks)


def test_an_unknown_permission_of_a_read_only_key_is_a_note(env: SandboxEnv) -> None:
    env.exchange.faults.add("unknown-field", path=PATH, field="enableMoonTravel", value=True)
    diagnosis = link_of(env, "read-only").doctor()
    assert find(diagnosis, "permissions").status == "note"
    assert (
        find(diagnosis, "permissions").found
        == "It cannot change anything. Unknown to this version of the toolkit: enableMoonTravel."
    )


def test_reading_over_fix_is_not_a_permission_to_change(env: SandboxEnv) -> None:
    env.exchange.faults.add("unknown-field", path=PATH, field="enableFixReadOnly", value=True)
    assert find(link_of(env, "read-only").doctor(), "permissions").found == "It cannot change anything."


# -- this machine --------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7) as running:
        yield running


def link_at(sandbox: Sandbox) -> toolkit.Link:
    hosts = dict.fromkeys(BASE_URLS, sandbox.address)
    return toolkit.Link(key=sandbox.key, secret=sandbox.secret, hosts=hosts)


def test_a_store_that_is_shared(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path / "rate limits"))
    with link_at(sandbox) as link:
        diagnosis = link.doctor()
        assert table(diagnosis) == GOOD | {"rate limits": "ok"}
        assert str(tmp_path / "rate limits") in find(diagnosis, "rate limits").found
        assert all(link._connection.budget.shared_clock(host) for host in BASE_URLS), (
            "other processes need not measure it"
        )


def test_a_store_that_is_damaged(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path))
    sandbox_id = requests.get(f"{sandbox.address}/sandbox/id", timeout=60).json()["id"]
    path = rate_limit_file(dict.fromkeys(BASE_URLS, sandbox.address), sandbox_id)
    assert path is not None
    path.write_bytes(b"nonsense " * 1000)
    with link_at(sandbox) as link:
        diagnosis = link.doctor()
    assert table(diagnosis) == GOOD
    assert "damaged and set aside" in find(diagnosis, "rate limits").found
    assert f"{path}.damaged" in find(diagnosis, "rate limits").next_step


def test_a_store_that_cannot_be_shared(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", str(tmp_path / "file"))
    with pytest.warns(errors.RateLimitWarning):
        link = link_at(sandbox)
    diagnosis = link.doctor()
    assert table(diagnosis) == GOOD | {"rate limits": "warning"}
    assert str(tmp_path) in find(diagnosis, "rate limits").found
    assert "TOOLKIT_RATE_LIMITS" in find(diagnosis, "rate limits").next_step
    link.close()


def test_the_doctor_creates_no_journal(env: SandboxEnv, journal: Path) -> None:
    diagnosis = env.link.doctor()
    assert "none yet" in find(diagnosis, "journal").found
    assert not journal.exists()


def test_a_journal_without_unresolved_writes(env: SandboxEnv) -> None:
    ops = env.link.operations()
    ops.exchange.create_sub_account(tag="a").require_confirmed()
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "ok"}
    assert ops.journal.name in find(diagnosis, "journal").found


@pytest.mark.parametrize(("failure", "said"), [(1, "One write has"), (2, "2 writes have")])
def test_a_journal_with_unresolved_writes(env: SandboxEnv, failure: int, said: str) -> None:
    ops = env.link.operations()
    env.exchange.faults.add("reset", method="POST", times=failure)
    for each in range(failure):
        assert ops.exchange.create_sub_account(tag=f"desk {each}").status == "unknown"
    before = env.sent()
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "warning"}
    assert find(diagnosis, "journal").found.startswith(said)
    assert "`ops = link.operations()`" in find(diagnosis, "journal").next_step
    assert env.sent()[len(before) :] == [200] * len(REQUESTED), "the doctor reconciles nothing"


def test_a_journal_of_a_newer_version(env: SandboxEnv) -> None:
    path = env.link.operations().journal
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 99")
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "failure"}
    assert "format 99" in find(diagnosis, "journal").found
    assert "Do not delete it" in find(diagnosis, "journal").next_step


def test_a_journal_that_cannot_be_created(env: SandboxEnv, journal: Path) -> None:
    journal.touch()
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "failure"}
    assert f"in {journal} cannot be used" in find(diagnosis, "journal").found


def test_a_journal_in_an_unknown_home_folder(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_JOURNAL", "~nobody-of-this-name/journal")
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "warning"}
    assert "no home folder" in find(diagnosis, "journal").found


def test_a_journal_whose_name_is_too_long(env: SandboxEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_JOURNAL", "/" + "x" * 300)
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "failure"}
    assert "cannot be used" in find(diagnosis, "journal").found


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_store_in_an_unknown_home_folder(
    sandbox: Sandbox, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_RATE_LIMITS", "~nobody-of-this-name/rate-limits")
    journal.mkdir()
    journal.chmod(0o777)
    with pytest.warns(errors.RateLimitWarning):
        link = link_at(sandbox)
    diagnosis = link.doctor()
    assert table(diagnosis) == GOOD | {"rate limits": "warning", "files": "warning"}
    link.close()


def test_file_permissions_are_not_checked_on_windows(tmp_path: Path) -> None:
    found = files_check([tmp_path], windows=True)
    assert found.status == "note"
    assert "not checked on Windows" in found.found


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_command_in_the_text_can_be_copied(tmp_path: Path) -> None:
    folder = tmp_path / "two  words; and 'more'"
    folder.mkdir()
    folder.chmod(0o777)
    found = files_check([folder / "rate limits"])
    shown = text_of([found], "live", datetime.fromtimestamp(0, UTC))
    (command,) = re.findall("`(.*)`", shown)
    assert shlex.split(command) == ["chmod", "go-w", str(folder)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_files_that_other_users_can_change(
    env: SandboxEnv, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = env.link.operations().journal
    journal.chmod(0o777)
    diagnosis = env.link.doctor()
    assert table(diagnosis) == GOOD | {"journal": "ok", "files": "warning"}
    assert f"chmod go-w {journal}`" in find(diagnosis, "files").next_step
    journal.chmod(0o1777)  # others can only add files
    path.chmod(0o660)
    assert f"can change {path}." in find(env.link.doctor(), "files").found
    monkeypatch.setenv(
        "TOOLKIT_RATE_LIMITS", str(tmp_path)
    )  # a folder named by the user is shared on purpose
    assert files_check([path]).status == "note"
    path.chmod(0o600)
    assert files_check([path, tmp_path / "nothing"]).status == "ok"


def test_versions_are_listed_and_outdated_ones_noted() -> None:
    enough = versions_check(["pandas>=2.2,<4", "requests", "nothing-of-this-name>=3", "Pandas<1"])
    assert enough.status == "ok"
    for name in ("toolkit", "Python", "pandas", "pyarrow", "requests", "urllib3", "cryptography", "OpenSSL"):
        assert f"{name} " in enough.found
    old = versions_check(["pandas>=99.1,<100", 'keyring>=999; extra == "keyring"', "pyarrow >=17"])
    assert old.status == "note"
    assert old.found.endswith(f"pandas {pd.__version__} is older than 99.1.")
    assert "pip install" in old.next_step
    assert versions_check([f"pandas>={pd.__version__}", f"pandas>={pd.__version__}.0"]).status == "ok"


def test_proxies_and_authorities_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trusted = tmp_path / "authorities.pem"
    trusted.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    proxies = {"https": "http://somebody:pass://w@rd@proxy.invalid:3128"}
    hosts = dict.fromkeys(BASE_URLS, "https://exchange.invalid")
    link = toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, proxies=proxies)
    diagnosis = link.doctor()
    found = find(diagnosis, "proxy")
    assert (found.status, found.found) == (
        "note",
        f"Requests go through proxy.invalid. The authorities in {trusted} are trusted.",
    )
    for secret in ("somebody", "pass", "w@rd"):
        assert secret not in everything(diagnosis)
    assert find(diagnosis, "source").found == "The real exchange."
    assert [find(diagnosis, f"host {host}").status for host in BASE_URLS] == ["failure"] * 3
    link.close()


def test_a_custom_authority_is_named(tmp_path: Path) -> None:
    trusted = tmp_path / "authorities.pem"
    trusted.touch()
    hosts = dict.fromkeys(BASE_URLS, "https://exchange.invalid")
    with toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, verify=trusted) as link:
        found = proxy_check(link._connection)
    assert (found.status, found.found) == ("note", f"None. The authorities in {trusted} are trusted.")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://proxy.invalid:3128", "proxy.invalid"),
        ("proxy.invalid:3128", "proxy.invalid"),
        ("http://user:p/a:ss@proxy.invalid", "proxy.invalid"),
        ("socks5://user@[::1]:9", "::1"),
        ("http://[::1", "(unreadable)"),
    ],
)
def test_a_proxy_is_named_without_its_user(address: str, name: str) -> None:
    session = Session(
        {"api": "https://exchange.invalid"}, timeout=(1.0, 1.0), proxies={"all": address}, trust_env=False
    )
    assert session.network_route("api") == (name, "")


def test_variables_are_named_without_their_values() -> None:
    assert environment_check({"HOME": "/", "TOOLKIT_RATE_LIMITS": ""}).found.startswith("None")
    plain = environment_check({"TOOLKIT_RATE_LIMITS": "off", "TOOLKIT_CONFIG": "/x"})
    assert (plain.status, plain.found) == ("ok", "Set: TOOLKIT_CONFIG, TOOLKIT_RATE_LIMITS.")
    for name in ("TOOLKIT_KEY", "TOOLKIT_SECRET", "TOOLKIT_PASSPHRASE"):
        secret = environment_check({name: "hush"})
        assert secret.status == "note"
        assert "profile" in secret.next_step
        assert "hush" not in f"{secret}"


# -- what it looks like --------------------------------------------------------------------------------------


def everything(diagnosis: Diagnosis) -> str:
    """Everything that a diagnosis shows."""
    frame = diagnosis.frame
    shown = [
        repr(diagnosis),
        diagnosis._repr_html_(),
        frame.to_csv(),
        repr(frame.attrs),
        repr(vars(diagnosis)),
    ]
    return "\n".join(shown)


def test_a_diagnosis_contains_no_secret(env: SandboxEnv) -> None:
    world = env.sandbox.world
    keys = [credentials(env, name) for name in ("partner", "withdrawals", "no-link")]
    texts = [everything(link_with(env, Keys(keys, "a test")).doctor())]
    texts.append(everything(env.new_link(secret="x" * 64).doctor()))
    env.exchange.faults.add("error", path=PATH, message=f"{world.partner.key} of {world.customers[0].email}")
    texts.append(everything(env.link.doctor()))
    for text in texts:
        for key in world.keys.values():
            for secret in (key.key, key.secret):
                parts = [secret[at : at + 8] for at in range(0, 57, 8)]
                assert [part for part in parts if part in text] == []
        assert "@" not in text
        assert "signature=" not in text


def test_the_frame_keeps_its_contract(env: SandboxEnv) -> None:
    frame = env.link.doctor().frame
    assert [*frame.columns] == ["name", "about", "status", "found", "next_step"]
    assert all(isinstance(kind, pd.StringDtype) for kind in frame.dtypes)
    assert frame.attrs == {
        "endpoint": "doctor",
        "source": "sandbox",
        "fetched_at": "2026-01-01T00:00:00.000+00:00",
    }
    assert frame.loc[frame["name"] == "ban", ["about", "next_step"]].isna().to_numpy().all()
    assert frame["found"].str.endswith(".").all()


def test_every_warning_and_failure_says_what_to_do(env: SandboxEnv, nowhere: str) -> None:
    keys = Keys([credentials(env, name) for name in ("withdrawals", "open")], "a test")
    env.exchange.faults.add("html", path="/fapi/")
    diagnosis = link_with(env, keys, papi=nowhere).doctor()
    bad = [each for each in diagnosis.checks if each.status in ("warning", "failure")]
    assert len(bad) == 5
    assert all(each.next_step for each in bad)


def test_the_text_fits_a_terminal(env: SandboxEnv) -> None:
    diagnosis = link_of(env, "withdrawals").doctor()
    checks = repr(diagnosis).splitlines()
    assert checks[0].startswith("doctor (SANDBOX), 2026-01-01 00:00:00 UTC: Something is broken or unsafe")
    notes = sum(each.status == "note" for each in diagnosis.checks)
    assert checks[1] == f"1 failure, {notes} notes, {len(diagnosis.checks)} checks."
    assert "  FAILURE  withdrawals     THIS KEY CAN TAKE MONEY OUT OF THE ACCOUNT." in checks
    assert "Key, for USER_DATA and TRADE" in checks
    paths = ("journal", "/")
    assert [text for text in checks if len(text) > 100 and not any(part in text for part in paths)] == []


def test_the_html_is_static_and_escaped(env: SandboxEnv) -> None:
    origin = "<script>alert(1)</script> & `more`"
    html = link_with(env, Keys([credentials(env, "withdrawals")], origin)).doctor()._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; <code>more</code>" in html
    assert ">SANDBOX</span>" in html
    assert "<strong>THIS KEY CAN TAKE MONEY OUT OF THE ACCOUNT.</strong>" in html
    assert ">failure</span>" in html
    assert "http://" not in html.replace(env.sandbox.address, ""), "it loads nothing"


def test_every_part_of_a_check_is_escaped() -> None:
    odd = Check("<a>", "<b>", "<c>", "warning", "<d>", "<e>")
    html = html_of([odd], "live", datetime.fromtimestamp(0, UTC))
    for each in "abcde":
        assert f"&lt;{each}&gt;" in html
        assert f"<{each}>" not in html
    assert "SANDBOX" not in html


def test_the_worst_status_counts() -> None:
    checks = [Check("", "a", status="note"), Check("", "b", status="warning"), Check("", "c")]
    assert worst(checks) == "warning"
    assert worst([]) == "ok"


def test_an_interrupt_is_raised(env: SandboxEnv) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    end = env.link.budget.watch(interrupt)
    with pytest.raises(KeyboardInterrupt):
        env.link.doctor()
    end()
    assert table(env.link.doctor()) == GOOD


# -- the command ---------------------------------------------------------------------------------------------


def run(*arguments: str, **environment: str) -> Result:
    """Run the command in this process, with additional variables."""
    # click before 8.2 separates stderr only if `mix_stderr` is False; later versions always do.
    options: Any = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
    return CliRunner(**options).invoke(main, ["doctor", *arguments], env=environment, catch_exceptions=False)


def run_alone(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a program, with additional variables."""
    return subprocess.run(
        [sys.executable, "-m", "toolkit", "doctor", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def running(sandbox: Sandbox, name: str = "partner", **more: object) -> Mapping[str, str]:
    """The variable that names a running sandbox and one of its keys."""
    key = sandbox.world.keys[name]
    said = {"address": sandbox.address, "key": key.key, "secret": key.secret, **more}
    return {"TOOLKIT_SANDBOX": json.dumps(said)}


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("partner", [], 0),
        ("partner", ["--strict"], 0),
        ("open", [], 0),
        ("open", ["--strict"], 1),
        ("withdrawals", [], 1),
    ],
)
def test_the_exit_status_of_the_command(
    sandbox: Sandbox, name: str, arguments: list[str], status: int
) -> None:
    done = run("--demo", *arguments, **running(sandbox, name))
    assert (done.exit_code, done.stderr) == (status, "")
    assert done.stdout.startswith("doctor (SANDBOX)")
    assert "Set: TOOLKIT_ACCOUNTS, TOOLKIT_JOURNAL, TOOLKIT_SANDBOX." in done.stdout
    assert sandbox.world.keys[name].key not in done.stdout


def test_the_command_runs_as_a_program(sandbox: Sandbox) -> None:
    done = run_alone("--demo", **running(sandbox, "withdrawals"))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("doctor (SANDBOX)")
    done = run_alone("--nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_prints_json(sandbox: Sandbox) -> None:
    done = run("--demo", "--json", **running(sandbox, "withdrawals"))
    assert done.exit_code == 1
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["withdrawals"]["status"] == "failure"
    assert rows["ban"] == {
        "name": "ban",
        "about": None,
        "status": "ok",
        "found": "This address is not banned, and was not asked to wait.",
        "next_step": None,
    }


def test_a_store_that_cannot_be_shared_is_a_check_and_no_python_warning(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = run("--demo", "--strict", TOOLKIT_RATE_LIMITS=str(tmp_path / "file"), **running(sandbox))
    assert (done.exit_code, done.stderr) == (1, "")
    assert "WARNING  rate limits" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--demo", "desk"], {}, "give one of the two"),
        (["--demo"], {"TOOLKIT_SANDBOX": "not what it printed"}, "TOOLKIT_SANDBOX"),
        (["--nonsense"], {}, "No such option"),
    ],
)
def test_wrong_usage_of_the_command(arguments: list[str], variables: dict[str, str], said: str) -> None:
    done = run(*arguments, **variables)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_without_a_key_runs_the_other_checks() -> None:
    # Through a proxy that does not exist, so that nothing leaves this machine.
    done = run(HTTPS_PROXY="http://user:hush@127.0.0.1:9")
    assert (done.exit_code, done.stderr) == (1, "")
    assert "WARNING  keys            No key: only public endpoints. No API key was found" in done.stdout
    assert " ".join(done.stdout.split()).count("the connection to the proxy failed") == 3
    assert "Requests go through 127.0.0.1." in done.stdout
    assert "hush" not in done.stdout
    assert "The real exchange." in done.stdout


def test_without_a_key_the_other_checks_run(env: SandboxEnv) -> None:
    said = "No API key was found. `python -m toolkit key add` makes a profile. Nothing was sent."
    diagnosis = link_with(env, Keys([], said)).doctor()
    assert table(diagnosis) == {**EXCHANGE, "keys": "warning", **MACHINE}
    found = find(diagnosis, "keys")
    assert found.found == "No key: only public endpoints. No API key was found."
    assert found.next_step == "`python -m toolkit key add` makes a profile."


def test_with_a_key_that_cannot_be_used_the_other_checks_run(env: SandboxEnv) -> None:
    said = "The file is not valid TOML: see line 1. Nothing was sent."
    diagnosis = link_with(env, Keys([], said, unusable=True)).doctor()
    assert table(diagnosis) == {**EXCHANGE, "keys": "failure", **MACHINE}
    assert find(diagnosis, "keys").found == "The file is not valid TOML: see line 1."


def test_a_broken_profile_is_a_failure_of_the_command(tmp_path: Path) -> None:
    profiles(tmp_path, "[default\n")
    done = run(TOOLKIT_CONFIG=str(tmp_path), HTTPS_PROXY="http://127.0.0.1:9")
    assert "FAILURE  keys" in done.stdout
    assert "is not valid TOML" in done.stdout
