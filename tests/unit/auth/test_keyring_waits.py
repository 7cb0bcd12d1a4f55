"""Calls to a keyring that waits for a password have a time-out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

import toolkit
from tests.support.keys import KEY, PASSPHRASE, PRIVATE, SECRET, MemoryKeyring, pem, refused, write
from toolkit.auth.keys import add_profile, system_keyring
from toolkit.auth.keys.creation import unused_name
from toolkit.errors import NoKeyError


@pytest.fixture
def hanging(memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A keyring that hangs; the names it was called with."""
    calls: list[str] = []
    is_done = threading.Event()

    def wait(service: str, name: str, *_: str) -> None:
        calls.append(name)
        is_done.wait()

    memory.get_password = memory.set_password = wait  # type: ignore[method-assign, assignment]
    monkeypatch.setattr(system_keyring, "KEYRING_TIMEOUT_S", 0.0)
    yield calls
    is_done.set()
    assert len(calls) == 1, "no other call is made while one hangs"


TIMED_OUT = (
    r"\(.*MemoryKeyring.*\) did not respond within 0 s: it may be waiting for a password.*"
    "PYTHON_KEYRING_BACKEND"
)


def test_a_profile_that_may_be_in_the_keyring_is_an_error_with_a_workaround(
    folder: Path, hanging: list[str]
) -> None:
    refused(f"There is no profile of this name.*the system's keyring {TIMED_OUT}", profile="desk")
    refused(f"No API key was found.*the system's keyring, which {TIMED_OUT}")


def test_a_passphrase_that_may_be_in_the_keyring_can_be_passed(
    folder: Path, hanging: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "mine.pem", pem(PRIVATE, PASSPHRASE))
    write(folder / "profiles.toml", f'[desk]\nkey = "{KEY}"\nprivate_key = "{path}"\n')
    refused(f"is encrypted with a passphrase, and the system's keyring {TIMED_OUT}", profile="desk")
    monkeypatch.setenv("TOOLKIT_PASSPHRASE", PASSPHRASE)
    toolkit.Link("desk").close()


def test_nothing_is_stored_in_a_hanging_keyring(folder: Path, hanging: list[str]) -> None:
    assert unused_name("desk") == "desk", "the name is free in the file"
    with pytest.raises(NoKeyError, match=f"^The system's keyring {TIMED_OUT}.*Nothing was stored"):
        add_profile("desk", key=KEY, secret=SECRET, in_keyring=True)
    with pytest.raises(NoKeyError, match=TIMED_OUT):
        system_keyring.store("desk", "text")


def test_a_keyring_that_responds_again_is_used_again(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_done = threading.Event()
    memory.get_password = lambda *_: is_done.wait() and None  # type: ignore[method-assign, assignment, return-value]
    monkeypatch.setattr(system_keyring, "KEYRING_TIMEOUT_S", 0.0)
    assert "did not respond" in system_keyring.load("desk")[1]
    is_done.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join()
    monkeypatch.setattr(system_keyring, "KEYRING_TIMEOUT_S", 30.0)
    memory.get_password = lambda *_: "text"  # type: ignore[method-assign, assignment, return-value]
    assert system_keyring.load("desk") == ("text", "")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to a thread, of POSIX")
def test_an_interrupt_ends_the_wait(memory: MemoryKeyring) -> None:
    caller, is_done = threading.get_ident(), threading.Event()

    def interrupted(*_: str) -> None:
        signal.pthread_kill(caller, signal.SIGINT)
        is_done.wait()

    memory.get_password = interrupted  # type: ignore[method-assign, assignment]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background processes ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            system_keyring.load("desk")
    finally:
        is_done.set()
        signal.signal(signal.SIGINT, before)


def test_the_keyring_is_called_without_a_thread_if_none_can_start(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    memory.held[system_keyring.SERVICE, "desk"] = "text"
    monkeypatch.setattr(threading.Thread, "start", none)
    assert system_keyring.load("desk") == ("text", "")


def test_a_long_wait_is_announced_once(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system_keyring, "_NOTICE_AFTER_S", 0.0)
    monkeypatch.setattr(system_keyring, "_POLL_S", 0.001)
    monkeypatch.setattr(system_keyring, "KEYRING_TIMEOUT_S", 0.01)
    is_done = threading.Event()
    memory.get_password = lambda *_: is_done.wait() and None  # type: ignore[method-assign, assignment, return-value]
    system_keyring.load("desk")
    is_done.set()
    assert capsys.readouterr().err.count("Waiting up to") == 1
    assert keyring.get_keyring() is memory
