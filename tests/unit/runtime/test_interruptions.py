"""A deadline set by the user ends the toolkit's calls, whatever class the exception has."""

from __future__ import annotations

import ast
import contextlib
import ctypes
import functools
import os
import signal
import sqlite3
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.paths import PACKAGE
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, memory_folder
from toolkit.errors import JournalError
from toolkit.ratelimit.store import RateLimitStore
from toolkit.runtime.interruptions import forgiving, interruption
from toolkit.transport.origin import user_exception

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")


def deadline(*_: object) -> None:
    raise TimeoutError("deadline")


def file_not_found(*_: object) -> None:
    raise FileNotFoundError(2, "deadline", "a file of the handler's")


class Handler:
    def __call__(self, number: int, frame: object) -> None:
        raise ValueError("deadline")


HANDLERS: list[Callable[..., Any]] = [
    deadline,
    file_not_found,
    Handler(),
    functools.partial(deadline, "more"),
]


@contextlib.contextmanager
def on_signal(handler: Callable[..., Any] = deadline) -> Iterator[Callable[[], None]]:
    """A function that sends a signal, with this handler installed."""
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield lambda: signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextlib.contextmanager
def interrupting(module: Any, name: str, handler: Callable[..., Any] = deadline) -> Iterator[None]:
    """Send the signal whenever this function is called."""
    function = getattr(module, name)
    with on_signal(handler) as send_signal, pytest.MonkeyPatch.context() as patch:

        def interrupted(*given: Any, **named: Any) -> Any:
            send_signal()
            return function(*given, **named)

        patch.setattr(module, name, interrupted)
        yield


# -- recognising interruptions
# -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", HANDLERS, ids=["function", "another", "object", "partial"])
def test_exceptions_of_a_signal_handler_are_not_suppressed(handler: Callable[..., Any]) -> None:
    with on_signal(handler) as send_signal:
        with pytest.raises((OSError, ValueError), match="deadline"), forgiving(OSError, ValueError):
            send_signal()
        with forgiving(OSError):
            raise TimeoutError("deadline")


@pytest.mark.parametrize("keep", [False, True], ids=["own traceback", "traceback of the cause"])
def test_a_wrapped_interruption_is_found(keep: bool) -> None:
    class OddError(OSError):
        """As in some libraries."""

    def wrap(send_signal: Callable[[], None]) -> None:
        try:
            send_signal()
        except OSError as error:
            raise OddError("wrapped").with_traceback(error.__traceback__ if keep else None) from error

    with on_signal() as send_signal:
        with pytest.raises(TimeoutError, match="deadline") as caught, forgiving(OSError):
            wrap(send_signal)
        assert type(caught.value) is TimeoutError


def test_an_exception_being_handled_is_not_a_cause() -> None:
    """Work within the user's `except` block, after the deadline."""
    with on_signal() as send_signal:
        try:
            send_signal()
        except TimeoutError:
            with forgiving(OSError):
                os.close(-1)


def test_a_network_error_within_a_signal_handler_is_the_users() -> None:
    """It reports the deadline with a request of its own, which fails."""
    code = "def call(*_):\n    raise ConnectionResetError(104, 'in the handler')"
    urllib3: dict[str, Any] = {"__name__": "urllib3.connection"}
    exec(code, urllib3)

    def report(*_: object) -> None:
        urllib3["call"]()

    with on_signal(report) as send_signal:
        with pytest.raises(ConnectionResetError) as caught:
            send_signal()
        assert user_exception(caught.value) is caught.value


def test_an_injected_exception_differs_from_a_raised_one() -> None:
    def injected() -> None:
        me = ctypes.c_ulong(threading.get_ident())
        ctypes.pythonapi.PyThreadState_SetAsyncExc(me, ctypes.py_object(TimeoutError))
        for _ in range(10):
            os.getpid()

    with pytest.raises(TimeoutError), forgiving(OSError):
        injected()
    with forgiving(OSError):
        raise TimeoutError


# -- where they occur --------------------------------------------------------------------------------------

OPENING = [(os, "open"), (os, "utime"), (os, "lstat"), (sqlite3, "connect")]


@pytest.mark.parametrize(("module", "name"), OPENING, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("handler", [deadline, file_not_found], ids=["TimeoutError", "FileNotFoundError"])
def test_a_deadline_while_the_store_opens_is_raised(
    module: Any, name: str, handler: Callable[..., Any], tmp_path: Path
) -> None:
    store = RateLimitStore(tmp_path / "ledger.sqlite", FakeClock())
    with interrupting(module, name, handler), pytest.raises(OSError, match="deadline"):
        store.backoffs()
    assert store.problem == ""
    store.backoffs()
    assert store.problem == "", "nothing is wrong with the file"
    store.close()


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


@pytest.mark.parametrize(("module", "name"), [(os, "lstat"), (sqlite3, "connect")])
def test_a_deadline_while_the_journal_opens_is_raised(write_env: WriteEnv, module: Any, name: str) -> None:
    with interrupting(module, name), pytest.raises(TimeoutError, match="deadline"):
        write_env.ops.history()
    write_env.ops.history()


def test_a_journal_that_cannot_be_opened_is_still_a_journal_error(
    write_env: WriteEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise TimeoutError(110, "of a drive on the network")

    with on_signal(), monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", fail)
        with pytest.raises(JournalError, match="of a drive on the network"):
            write_env.ops.history()


@pytest.mark.parametrize("kind", [TimeoutError, KeyboardInterrupt])
def test_a_deadline_during_a_warning_carries_the_outcome(
    write_env: WriteEnv, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def raised(*_: object) -> None:
        raise kind("deadline")

    write_env.fail(
        "exchange.create_sub_account", "unknown-field", field=kind.__name__
    )  # each is warned about once
    with on_signal(raised) as send_signal, warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", lambda *_: send_signal())
        with pytest.raises(kind) as caught:
            write_env.ops.exchange.create_sub_account(tag=f"warned of {kind.__name__[0]}")
    error: Any = caught.value
    assert error.outcome.status == "confirmed"


def test_a_deadline_ends_the_doctor(env: SandboxEnv) -> None:
    import importlib.metadata

    with interrupting(importlib.metadata, "version"), pytest.raises(TimeoutError, match="deadline"):
        env.link.doctor()


# -- the rule ----------------------------------------------------------------------------------------------

# They run in other processes, or in threads of their own, where no signals are handled.
EXEMPT_PACKAGES = {"sandbox", "lab", "__main__.py"}
# They raise what they catch later, or their callers check it.
EXEMPT_MODULES = {"fetch/executor.py", "runtime/interruptions.py"}
# `BaseException` is not listed: code that catches it considers interrupts.
BROAD = {"Exception", "OSError"}


def unsafe_handlers(source: str) -> list[int]:
    """Line numbers of handlers that may swallow a deadline of the user."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            if BROAD & {ast.unparse(each) for each in node.args}:
                found.append(node.lineno)
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            inside = "\n".join(map(ast.unparse, node.body))
            asks = any(word in inside for word in ("let_through(", "user_exception(", "raise"))
            if BROAD & {ast.unparse(each).split(".")[-1].lstrip("*") for each in kinds} and not asks:
                found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "with suppress(OSError):\n    pass",
        "with contextlib.suppress(ValueError, Exception):\n    pass",
        "try:\n    pass\nexcept (KeyError, OSError):\n    pass",
        "try:\n    pass\nexcept Exception as error:\n    found = error",
    ],
)
def test_an_unsafe_handler_is_found(source: str) -> None:
    assert len(unsafe_handlers(source)) == 1


def test_no_code_swallows_a_deadline() -> None:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.split("/")[0] not in EXEMPT_PACKAGES and name not in EXEMPT_MODULES:
            found[name] = unsafe_handlers(path.read_text(encoding="utf-8"))
    assert {name: lines for name, lines in found.items() if lines} == {}, "use `forgiving` or `let_through`"


def test_an_error_that_was_never_raised_is_no_interruption() -> None:
    assert interruption(OSError("never raised"), sys.exception()) is None
