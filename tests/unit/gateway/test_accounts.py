"""Whose rows these are: the id of the account behind an API key, looked up once and kept."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import toolkit
from tests.support.account_front import ACCOUNT, Front
from tests.support.recording import answer, recording_server
from tests.support.sandbox_env import PATIENT, SandboxEnv
from tests.support.writes import small_world
from toolkit.auth.credentials import Credentials, Keys
from toolkit.auth.signers import make_signer
from toolkit.errors import ContractError, CredentialsError, NoKeyError, NotFoundError
from toolkit.gateway.accounts import RETRY_AFTER_S
from toolkit.sandbox import Sandbox

EXAMPLE = b"X-Sandbox-Example: yes"


@pytest.fixture
def front(env: SandboxEnv, accounts_folder: Path) -> Iterator[Front]:
    with recording_server(env.sandbox.address) as server:
        yield Front(server)


@pytest.fixture
def link(env: SandboxEnv, front: Front) -> toolkit.Link:
    return env.new_link(hosts=front.hosts)


def test_frames_of_private_reads_say_whose_they_are(link: toolkit.Link, front: Front) -> None:
    frame = link.exchange.partner()
    assert frame.attrs["account"] == "sandbox-uid:354937868" == link.account_id()
    assert list(frame.attrs)[:4] == ["endpoint", "system", "source", "account"]
    assert (frame.attrs["requests"], frame.attrs["weight"]) == (
        1,
        link.estimate_weight("exchange.partner").weight,
    )
    assert link.exchange.partner().attrs["account"] == frame.attrs["account"]
    assert link.get("/sapi/v1/broker/info").attrs["account"] == frame.attrs["account"]
    assert front.lookups == 1


def test_nothing_is_looked_up_for_public_reads(link: toolkit.Link, front: Front) -> None:
    assert link.market.spot.klines("BTCUSDT", "1h", start="-1D").attrs["account"] is None
    assert link.market.spot.historical_trades("BTCUSDT", limit=5).attrs["account"] is None  # sends the key
    assert link.get("/api/v3/time", security="NONE").attrs["account"] is None
    assert front.lookups == 0


def test_a_new_key_of_the_account_has_the_same_id(env: SandboxEnv, front: Front) -> None:
    key = env.sandbox.world.keys["customer"]
    links = [env.new_link(hosts=front.hosts), env.new_link(key.key, key.secret, hosts=front.hosts)]
    assert links[0].account_id() == links[1].account_id()
    front.account = answer(200, b'{"uid": 7}')
    assert links[0].account_id() == links[1].account_id() == "sandbox-uid:354937868"
    assert front.lookups == 2


def test_an_account_without_an_id_has_its_futures_alias(link: toolkit.Link, front: Front) -> None:
    front.account = answer(200, b'{"balances": []}')
    front.futures = answer(200, b'[{"accountAlias": "SgsR", "asset": "BTC"}, {"accountAlias": "SgsR"}]')
    assert link.exchange.partner().attrs["account"] == "sandbox-futures-alias:SgsR"
    assert link.account_id() == "sandbox-futures-alias:SgsR"
    assert front.lookups == 2


REFUSED = answer(401, b'{"code": -2015, "msg": "Invalid API-key, IP, or permissions."}')
FAILURES: dict[str, tuple[bytes, type[Exception]]] = {
    "refused": (
        REFUSED,
        CredentialsError,
    ),
    "out of order": (answer(503, b'{"code": -1001, "msg": "Disconnected."}'), toolkit.errors.ServerError),
    "no JSON": (answer(200, b"<html>"), ContractError),
    "no object": (answer(200, b"[]"), ContractError),
    "no id": (answer(200, b"{}"), ContractError),
    "a flag": (answer(200, b'{"uid": true}'), ContractError),
    "zero": (answer(200, b'{"uid": 0}'), ContractError),
    "a fraction": (answer(200, b'{"uid": 1.5}'), ContractError),
    "a text that is no id": (answer(200, b'{"uid": "1\\n2"}'), ContractError),
    "a cache": (answer(200, b'{"uid": 7}', b"Age: 3"), ContractError),
    "a documented example": (answer(200, b'{"uid": 354937868}', EXAMPLE), ContractError),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_lookup_that_fails_does_not_harm_the_read(
    env: SandboxEnv, link: toolkit.Link, front: Front, failure: str
) -> None:
    good, (front.account, error) = front.account, FAILURES[failure]
    frame = link.exchange.partner()
    assert (len(frame), frame.attrs["complete"], frame.attrs["account"]) == (1, True, None)
    assert front.sent(ACCOUNT) == 1, "it is not sent again"
    assert link.exchange.partner().attrs["account"] is None
    assert front.sent(ACCOUNT) == 1, "it is not repeated at every call"
    with pytest.raises(error):
        link.account_id()
    front.account = good
    env.clock.advance(RETRY_AFTER_S)
    assert link.exchange.partner().attrs["account"] == "sandbox-uid:354937868"


def test_the_error_of_a_futures_alias_says_what_is_missing(link: toolkit.Link, front: Front) -> None:
    front.account = answer(200, b"{}")
    for front.futures in (
        REFUSED,
        answer(200, b"{}"),
        answer(200, b'[{"accountAlias": "A"}, {"accountAlias": "B"}]'),
        answer(200, b'[{"accountAlias": "a b"}]'),
        answer(200, b'[{"accountAlias": 7}, 8]'),
    ):
        with pytest.raises(ContractError, match=r"no `uid`, and GET /fapi/v3/balance no `accountAlias`"):
            link.account_id()


def test_a_full_budget_postpones_the_lookup(env: SandboxEnv, front: Front) -> None:
    link = env.new_link(hosts=front.hosts, limits={"api": 41})
    for _ in range(2):
        link.get("/api/v3/time", security="NONE")  # the limits were fetched as well, which weighs 20
    before = env.clock.monotonic()
    assert link.exchange.partner().attrs["account"] is None
    assert (front.lookups, env.clock.monotonic()) == (0, before), "a read does not wait for it"
    env.clock.advance(61)
    assert link.exchange.partner().attrs["account"] == "sandbox-uid:354937868"


def test_rows_are_kept_when_the_lookup_is_interrupted(link: toolkit.Link, front: Front) -> None:
    front.before = lambda: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as raised:
        link.exchange.partner()
    assert len(raised.value.partial) == 1  # type: ignore[attr-defined]
    front.before = lambda: None
    assert link.exchange.partner().attrs["account"] == "sandbox-uid:354937868", "it is looked up again"


def test_rows_before_an_error_have_the_account_as_far_as_it_is_known(
    link: toolkit.Link, front: Front
) -> None:
    front.refused = "page=2"

    def partial() -> Any:
        with pytest.raises(NotFoundError) as raised:
            link.exchange.sub_accounts()
        return raised.value.partial

    assert partial().attrs["account"] is None
    assert front.lookups == 0
    link.account_id()
    assert partial().attrs["account"] == "sandbox-uid:354937868"


def test_threads_look_it_up_once(link: toolkit.Link, front: Front) -> None:
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(link.exchange.partner().attrs["account"]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == ["sandbox-uid:354937868"] * 4
    assert front.lookups == 1


# -- keys ----------------------------------------------------------------------------------------------------


def _keys(env: SandboxEnv, *serves: Any) -> Keys:
    signer = make_signer("a test", env.sandbox.secret)
    return Keys([Credentials(env.sandbox.key, signer, [each]) for each in serves], "a test")


def test_it_is_looked_up_with_a_key_that_may_read(env: SandboxEnv, front: Front) -> None:
    reads, trades = env.sandbox.world.keys["partner"], env.sandbox.world.keys["customer"]
    keys = Keys(
        [
            Credentials(trades.key, make_signer("a test", trades.secret), ["TRADE"]),
            Credentials(reads.key, make_signer("a test", reads.secret), ["USER_DATA"]),
        ],
        "a test",
    )
    link = toolkit.Link(keys=keys, hosts=front.hosts, clock=env.clock, timeout=PATIENT)
    assert link.account_id() == "sandbox-uid:354937868"
    (sent,) = [each for each in front.server.sent if each.target.startswith(ACCOUNT)]
    assert sent.headers["x-mbx-apikey"] == reads.key


def test_without_a_key_that_may_read_the_account_is_not_known(env: SandboxEnv, front: Front) -> None:
    link = toolkit.Link(keys=_keys(env, "TRADE"), hosts=front.hosts, clock=env.clock, timeout=PATIENT)
    assert link.exchange.sub_accounts().attrs["account"] is None
    with pytest.raises(NoKeyError, match=r"USER_DATA.*Nothing was sent\. Add such a key"):
        link.account_id()
    with pytest.raises(NoKeyError, match="needs an API key"):
        toolkit.Link(keys=Keys([], "no key"), hosts=front.hosts).account_id()
    assert front.lookups == 0


def test_looking_up_can_be_turned_off(
    env: SandboxEnv, front: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOOLKIT_ACCOUNTS", "off")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    link = env.new_link(hosts=front.hosts)
    assert link.exchange.partner().attrs["account"] is None
    assert front.lookups == 0
    link.account_id()
    assert link.exchange.partner().attrs["account"] == "sandbox-uid:354937868", "known, as it was asked for"


# -- the file ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """A sandbox on this machine's clock: it has an id, so its accounts are kept."""
    with Sandbox(world=small_world()) as sandbox:
        yield sandbox


@pytest.fixture
def kernel(running: Sandbox, accounts_folder: Path) -> Iterator[Callable[[], tuple[str | None, int]]]:
    """A function that is another kernel: the account of its first read, and the look-ups it sent."""
    with recording_server(running.address) as server:
        front = Front(server)

        def run() -> tuple[str | None, int]:
            before = front.lookups
            with toolkit.Link(
                key=running.key, secret=running.secret, hosts=front.hosts, timeout=PATIENT
            ) as link:
                account = link.exchange.partner().attrs["account"]
            del link
            gc.collect()  # with the Link goes what this process knows of a sandbox
            return account, front.lookups - before

        gc.freeze()  # to look through all objects of the other tests would take most of the time
        yield run
        gc.unfreeze()


Kernel = Callable[[], tuple[str | None, int]]


def test_another_kernel_sends_nothing(kernel: Kernel, running: Sandbox, accounts_folder: Path) -> None:
    assert kernel() == ("sandbox-uid:354937868", 1)
    assert kernel() == ("sandbox-uid:354937868", 0)
    (path,) = accounts_folder.glob("accounts-sandbox-*.json")
    assert path.stat().st_mode & 0o077 == 0
    text = path.read_text()
    assert "sandbox-uid:354937868" in text
    key = running.key
    assert not any(
        each in text for each in (key, key[:8], hashlib.sha256(key.encode()).hexdigest(), running.secret)
    )


def test_a_damaged_file_is_replaced(kernel: Kernel, accounts_folder: Path) -> None:
    kernel()
    (path,) = accounts_folder.glob("*.json")
    damaged = '{"format": 1, "salt": "x", "accounts": {}}'
    nested, unknown = "[" * 100_000, json.loads(path.read_text())
    unknown["accounts"] = dict.fromkeys(unknown["accounts"])
    others = damaged.replace("{}", "7"), nested, json.dumps(unknown)
    for text in ("", "[]", '{"format": 1}', '{"format": 0}', damaged, *others):
        path.write_text(text)
        assert kernel() == ("sandbox-uid:354937868", 1)
    assert kernel() == ("sandbox-uid:354937868", 0)


def test_a_file_of_a_newer_version_is_left_alone(kernel: Kernel, accounts_folder: Path) -> None:
    kernel()
    (path,) = accounts_folder.glob("*.json")
    text = json.dumps(json.loads(path.read_text()) | {"format": 2})
    path.write_text(text)
    assert kernel() == ("sandbox-uid:354937868", 1)
    assert path.read_text() == text


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_another_file_is_not_followed(
    kernel: Kernel, accounts_folder: Path, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    kernel()
    (path,) = accounts_folder.glob("*.json")
    path.rename(tmp_path / "elsewhere")
    link(tmp_path / "elsewhere", path)
    assert kernel() == ("sandbox-uid:354937868", 1)


def test_a_folder_that_cannot_be_used_does_not_matter(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for folder in (str(tmp_path / "file" / "under"), "~nobody-of-this-name/accounts"):
        monkeypatch.setenv("TOOLKIT_ACCOUNTS", folder)
        assert kernel() == ("sandbox-uid:354937868", 1)


def test_files_of_old_sandboxes_are_deleted(kernel: Kernel, accounts_folder: Path) -> None:
    accounts_folder.mkdir()
    old, live = accounts_folder / "accounts-sandbox-old.json", accounts_folder / "accounts-live.json"
    for path in (old, live):
        path.touch()
        os.utime(path, (0, 0))
    kernel()
    assert (old.exists(), live.exists()) == (False, True)
