"""A keyring that waits for a password nobody can type is not waited for without end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

import toolkit
from tests.support.keys import KEY, PASSPHRASE, PRIVATE, SECRET, MemoryKeyring, pem, refused, write
from toolkit.auth.keys import add_profile, system
from toolkit.auth.keys.making import unused_name
from toolkit.errors import NoKeyError


@pytest.fixture
def hanging(memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A keyring that waits; what it was asked for."""
    asked: list[str] = []
    is_done = threading.Event()

    def wait(service: str, name: str, *_: str) -> None:
        asked.append(name)
        is_done.wait()

    memory.get_password = memory.set_password = wait  # type: ignore[method-assign, assignment]
    monkeypatch.setattr(system, "KEYRING_TIMEOUT_S", 0.0)
    yield asked
    is_done.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join()
    assert len(asked) == 1, "while it hangs it is not asked for more"


SAID = r"\(.*MemoryKeyring.*\) did not answer within 0 s: it may wait for a password.*PYTHON_KEYRING_BACKEND"


def test_a_profile_that_may_be_in_it_is_an_error_that_says_how_to_go_round(
    folder: Path, hanging: list[str]
) -> None:
    refused(f"There is no profile of this name.*the system's keyring {SAID}", profile="desk")
    refused(f"No key was found.*the system's keyring, which {SAID}")


def test_a_passphrase_that_may_be_in_it_can_be_given_otherwise(
    folder: Path, hanging: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "mine.pem", pem(PRIVATE, PASSPHRASE))
    write(folder / "profiles.toml", f'[desk]\nkey = "{KEY}"\nprivate_key = "{path}"\n')
    refused(f"is locked with a passphrase, and the system's keyring {SAID}", profile="desk")
    monkeypatch.setenv("TOOLKIT_PASSPHRASE", PASSPHRASE)
    toolkit.Link("desk").close()


def test_nothing_is_put_into_it(folder: Path, hanging: list[str]) -> None:
    assert unused_name("desk") == "desk", "which the file can have all the same"
    with pytest.raises(NoKeyError, match=f"^The system's keyring {SAID}.*Nothing was stored"):
        add_profile("desk", key=KEY, secret=SECRET, in_keyring=True)
    with pytest.raises(NoKeyError, match=SAID):
        system.store("desk", "text")


def test_when_it_answers_again_it_is_asked_again(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_done = threading.Event()
    memory.get_password = lambda *_: is_done.wait() and None  # type: ignore[method-assign, assignment, return-value]
    monkeypatch.setattr(system, "KEYRING_TIMEOUT_S", 0.0)
    assert "did not answer" in system.stored("desk")[1]
    is_done.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join()
    monkeypatch.setattr(system, "KEYRING_TIMEOUT_S", 30.0)
    memory.get_password = lambda *_: "text"  # type: ignore[method-assign, assignment, return-value]
    assert system.stored("desk") == ("text", "")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to a thread, of POSIX")
def test_an_interrupt_ends_the_wait(memory: MemoryKeyring) -> None:
    caller, is_done = threading.get_ident(), threading.Event()

    def interrupted(*_: str) -> None:
        signal.pthread_kill(caller, signal.SIGINT)
        is_done.wait()

    memory.get_password = interrupted  # type: ignore[method-assign, assignment]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            system.stored("desk")
    finally:
        is_done.set()
        signal.signal(signal.SIGINT, before)


def test_without_a_thread_it_is_asked_all_the_same(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    memory.held[system.SERVICE, "desk"] = "text"
    monkeypatch.setattr(threading.Thread, "start", none)
    assert system.stored("desk") == ("text", "")


def test_a_long_wait_is_said_once(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "_NOTICE", 0.0)
    monkeypatch.setattr(system, "_LOOK", 0.001)
    monkeypatch.setattr(system, "KEYRING_TIMEOUT_S", 0.01)
    is_done = threading.Event()
    memory.get_password = lambda *_: is_done.wait() and None  # type: ignore[method-assign, assignment, return-value]
    system.stored("desk")
    is_done.set()
    assert capsys.readouterr().err.count("is waited for") == 1
    assert keyring.get_keyring() is memory
