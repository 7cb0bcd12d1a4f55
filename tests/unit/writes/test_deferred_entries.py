"""An outcome that could not be recorded is recorded by the next operation on the journal."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.support.writes import WriteEnv, another_process, do, example
from toolkit.errors import JournalError, JournalWarning
from toolkit.sandbox import SandboxRequest, SandboxResponse
from toolkit.transport.session import Session
from toolkit.writes import journal_store as files
from toolkit.writes.journal import Journal

CREATE, TRANSFER = "exchange.create_api_key", "exchange.transfer"


class Deadline(Exception):
    """An exception that a signal handler of the user raises."""


class Blocked:
    """A journal that cannot be used from the moment a response is sent.

    Args:
        write_env: The owner of the journal.
        how: "locked" by another program, or an exception that is raised when it is used.
        monkeypatch: Undoes the changes.
    """

    def __init__(self, write_env: WriteEnv, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.write_env, self.how = write_env, how
        self._patch = monkeypatch
        self._holder: sqlite3.Connection | None = None
        write_env.ops  # noqa: B018 - opened before
        handle = write_env.exchange.handle

        def handled(request: SandboxRequest) -> SandboxResponse:
            answer = handle(request)
            if request.method == "POST":
                write_env.exchange.handle = handle  # type: ignore[method-assign]
                self.begin()
            return answer

        write_env.exchange.handle = handled  # type: ignore[method-assign]

    def begin(self) -> None:
        if self.how == "locked":
            self._patch.setattr(files, "LOCK_TIMEOUT_S", 0.05)
            self._holder = sqlite3.connect(
                self.write_env.ops.journal, isolation_level=None, check_same_thread=False
            )
            self._holder.execute("BEGIN EXCLUSIVE")
            return
        error: type[BaseException] = KeyboardInterrupt if self.how == "interrupt" else Deadline
        real = files.database.connect

        def connect(*_: Any, **__: Any) -> Any:
            self._patch.setattr(files.database, "connect", real)
            raise error

        self._patch.setattr(files.database, "connect", connect)

    def end(self) -> None:
        if self._holder is not None:
            self._holder.close()


@pytest.fixture(params=["locked", "interrupt", "deadline"])
def blocked(write_env: WriteEnv, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Blocked:
    return Blocked(write_env, request.param, monkeypatch)


def outcome_of(act: Callable[[], Any], how: str) -> Any:
    """The outcome of a call, whether it returns, warns or raises."""
    if how == "locked":
        with pytest.warns(JournalWarning):
            return act()
    error = KeyboardInterrupt if how == "interrupt" else Deadline
    with pytest.raises(error) as raised:
        act()
    return raised.value.outcome  # type: ignore[attr-defined]


def test_a_deferred_confirmation_is_recorded_by_the_next_operation(
    write_env: WriteEnv, blocked: Blocked
) -> None:
    outcome = outcome_of(lambda: do(write_env, CREATE), blocked.how)
    assert outcome.status == "confirmed"
    blocked.end()
    assert len(write_env.ops.unresolved()) == 0
    (row,) = write_env.ops.history().to_dict("records")
    assert (row["status"], row["resolved_by"]) == ("confirmed", "answer")
    with another_process():
        assert Journal(write_env.ops.journal).entry(1).answer
    assert len(outcome.take_key().secret) == 64
    assert len(write_env.effects(CREATE)) == 1


def test_an_idempotency_key_returns_a_deferred_outcome(write_env: WriteEnv, blocked: Blocked) -> None:
    given = example(write_env.world, TRANSFER)
    first = outcome_of(lambda: write_env.ops.exchange.transfer(**given, idempotency_key="a"), blocked.how)
    blocked.end()
    again = write_env.ops.exchange.transfer(**given, idempotency_key="a")
    assert (first.status, again.status, again.number, again.repeated) == ("confirmed", "confirmed", 1, True)
    assert again.frame is not None
    assert list(again.frame.columns) == list(first.frame.columns)
    assert len(write_env.effects(TRANSFER)) == 1


def test_a_deferred_rejection_is_recorded_by_the_next_operation(
    write_env: WriteEnv, blocked: Blocked
) -> None:
    write_env.fail(TRANSFER, "error", code=-5002, message="Poor.")
    given = example(write_env.world, TRANSFER)
    first = outcome_of(lambda: write_env.ops.exchange.transfer(**given), blocked.how)
    blocked.end()
    assert first.status == "rejected"
    assert write_env.ops.exchange.transfer(**given), "nothing blocks it"
    assert list(write_env.ops.history()["status"]) == ["rejected", "confirmed"]


def test_a_deferred_outcome_is_not_recorded_in_another_journal(write_env: WriteEnv, tmp_path: Path) -> None:
    path = write_env.ops.journal
    older = path.read_bytes()
    handle = write_env.exchange.handle

    def handled(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        if request.method == "POST":
            path.write_bytes(older)
        return answer

    write_env.exchange.handle = handled  # type: ignore[method-assign]
    with pytest.warns(JournalWarning):
        outcome = do(write_env, TRANSFER)
    assert outcome.status == "confirmed"
    with pytest.raises(JournalError):
        write_env.ops.history()
    assert path.read_bytes() == older


# -- an interrupt at any moment after the response --------------------------------------------------------


class Interruption:
    """Raises an exception where a signal handler may raise one: when a function is called.

    Args:
        at: Number of the function call, counted from the arrival of the response to a write.

    Attributes:
        count: Function calls so far.
        came: Whether the response has arrived.
    """

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0
        self.came = False

    def __enter__(self) -> Interruption:
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    @property
    def has_raised(self) -> bool:
        return self.count >= self.at

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is Interruption.__exit__.__code__:  # the call is over
            return None
        if self.came:
            self.count += 1
            if self.count == self.at:
                raise Deadline
            return None
        # `Session.read` calls it as well, for instance to measure the clock before the write.
        is_write = frame.f_back is not None and frame.f_back.f_code is Session.send.__code__
        return self._returned if is_write and frame.f_code is Session._complete_response.__code__ else None

    def _returned(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.came = self.came or (event == "return" and arg is not None)
        return self._returned


@pytest.mark.parametrize("first", [1, 20])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # raised in a finalizer
def test_an_interrupt_at_any_moment_after_the_response_loses_no_outcome(
    write_env: WriteEnv, first: int
) -> None:
    # Tracing is slow, the more so on a busy machine: a response that comes too late is a lost one.
    link = write_env.env.new_link(bare=True, timeout=(30.0, 30.0))
    ops = link.operations(journal=write_env.folder)
    given = example(write_env.world, TRANSFER)
    assert ops.exchange.transfer(**given)
    at = first
    while True:
        outcome: Any = None
        with Interruption(at) as interruption:
            try:
                outcome = ops.exchange.transfer(**given)
            except Deadline as error:
                outcome = getattr(error, "outcome", None)
        assert interruption.came, (at, outcome)
        assert outcome is not None, at
        assert outcome.status == "confirmed", (at, outcome.reason)
        if not interruption.has_raised:
            break
        at += 41
        write_env.clock.advance(1000)  # the clock is measured again before each write
    assert at > 500
    assert set(ops.history()["status"]) == {"confirmed"}
    assert len(write_env.effects(TRANSFER)) == len(ops.history())
    link.close()
