"""A deadline of the user's that strikes within work of ours leaves it, whatever class it is of."""

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


def file_gone(*_: object) -> None:
    raise FileNotFoundError(2, "deadline", "a file of the handler's")


class Handler:
    def __call__(self, number: int, frame: object) -> None:
        raise ValueError("deadline")


HANDLERS: list[Callable[..., Any]] = [deadline, file_gone, Handler(), functools.partial(deadline, "more")]


@contextlib.contextmanager
def on_signal(handler: Callable[..., Any] = deadline) -> Iterator[Callable[[], None]]:
    """What makes a signal strike, which is handled by this."""
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield lambda: signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextlib.contextmanager
def striking_in(module: Any, name: str, handler: Callable[..., Any] = deadline) -> Iterator[None]:
    """The signal strikes whenever this function is called."""
    function = getattr(module, name)
    with on_signal(handler) as strike, pytest.MonkeyPatch.context() as patch:

        def struck(*given: Any, **named: Any) -> Any:
            strike()
            return function(*given, **named)

        patch.setattr(module, name, struck)
        yield


# -- whose it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", HANDLERS, ids=["function", "another", "object", "partial"])
def test_what_a_handler_raises_is_not_forgiven(handler: Callable[..., Any]) -> None:
    with on_signal(handler) as strike:
        with pytest.raises((OSError, ValueError), match="deadline"), forgiving(OSError, ValueError):
            strike()
        with forgiving(OSError):
            raise TimeoutError("deadline")


@pytest.mark.parametrize("keep", [False, True], ids=["a trace of its own", "the trace of what it wraps"])
def test_what_a_handler_raised_is_found_in_what_wraps_it(keep: bool) -> None:
    class OddError(OSError):
        """As libraries have them."""

    def wrap(strike: Callable[[], None]) -> None:
        try:
            strike()
        except OSError as error:
            raise OddError("wrapped").with_traceback(error.__traceback__ if keep else None) from error

    with on_signal() as strike:
        with pytest.raises(TimeoutError, match="deadline") as caught, forgiving(OSError):
            wrap(strike)
        assert type(caught.value) is TimeoutError


def test_what_was_being_handled_before_says_nothing() -> None:
    """Work within an `except` of the user's, after the deadline."""
    with on_signal() as strike:
        try:
            strike()
        except TimeoutError:
            with forgiving(OSError):
                os.close(-1)


def test_a_handler_that_fails_in_a_call_of_the_network_s_is_the_user_s() -> None:
    """It reports the deadline by a request of its own, which fails."""
    code = "def call(*_):\n    raise ConnectionResetError(104, 'in the handler')"
    urllib3: dict[str, Any] = {"__name__": "urllib3.connection"}
    exec(code, urllib3)

    def report(*_: object) -> None:
        urllib3["call"]()

    with on_signal(report) as strike:
        with pytest.raises(ConnectionResetError) as caught:
            strike()
        assert user_exception(caught.value) is caught.value


def test_what_is_thrown_into_a_thread_is_told_from_what_is_raised() -> None:
    def thrown() -> None:
        me = ctypes.c_ulong(threading.get_ident())
        ctypes.pythonapi.PyThreadState_SetAsyncExc(me, ctypes.py_object(TimeoutError))
        for _ in range(10):
            os.getpid()

    with pytest.raises(TimeoutError), forgiving(OSError):
        thrown()
    with forgiving(OSError):
        raise TimeoutError


# -- where it strikes --------------------------------------------------------------------------------------

OPENING = [(os, "open"), (os, "utime"), (os, "lstat"), (sqlite3, "connect")]


@pytest.mark.parametrize(("module", "name"), OPENING, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("handler", [deadline, file_gone], ids=["TimeoutError", "FileNotFoundError"])
def test_a_deadline_while_the_store_opens_leaves_it(
    module: Any, name: str, handler: Callable[..., Any], tmp_path: Path
) -> None:
    store = RateLimitStore(tmp_path / "ledger.sqlite", FakeClock())
    with striking_in(module, name, handler), pytest.raises(OSError, match="deadline"):
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
def test_a_deadline_while_the_journal_opens_leaves_it(write_env: WriteEnv, module: Any, name: str) -> None:
    with striking_in(module, name), pytest.raises(TimeoutError, match="deadline"):
        write_env.ops.history()
    write_env.ops.history()


def test_a_journal_that_cannot_be_opened_says_so_as_before(
    write_env: WriteEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise TimeoutError(110, "of a drive on the network")

    with on_signal(), monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", fail)
        with pytest.raises(JournalError, match="of a drive on the network"):
            write_env.ops.history()


@pytest.mark.parametrize("kind", [TimeoutError, KeyboardInterrupt])
def test_a_deadline_while_a_write_is_warned_of_carries_its_outcome(
    write_env: WriteEnv, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def raised(*_: object) -> None:
        raise kind("deadline")

    write_env.fail("exchange.create_sub_account", "unknown-field", field=kind.__name__)  # each is said once
    with on_signal(raised) as strike, warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", lambda *_: strike())
        with pytest.raises(kind) as caught:
            write_env.ops.exchange.create_sub_account(tag=f"warned of {kind.__name__[0]}")
    said: Any = caught.value
    assert said.outcome.status == "confirmed"


def test_a_deadline_ends_the_doctor(env: SandboxEnv) -> None:
    import importlib.metadata

    with striking_in(importlib.metadata, "version"), pytest.raises(TimeoutError, match="deadline"):
        env.link.doctor()


# -- the rule ----------------------------------------------------------------------------------------------

# They run no code in a user's process, or in threads of their own, where no signal strikes.
ELSEWHERE = {"sandbox", "lab", "__main__.py"}
# What is caught there is raised again in its turn, or is asked of by who calls.
HANDED_ON = {"fetch/executor.py", "runtime/interruptions.py"}
# What catches interrupts, too, is written by who thinks of them.
BROAD = {"Exception", "OSError"}


def careless(source: str) -> list[int]:
    """Lines that catch what a deadline of the user's may be, and do not ask whose it is."""
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
def test_a_careless_place_is_found(source: str) -> None:
    assert len(careless(source)) == 1


def test_nothing_catches_a_deadline_without_asking_whose_it_is() -> None:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.split("/")[0] not in ELSEWHERE and name not in HANDED_ON:
            found[name] = careless(path.read_text(encoding="utf-8"))
    assert {name: lines for name, lines in found.items() if lines} == {}, (
        "use `forgiving`, or `let_through` what is the user's"
    )


def test_an_error_without_a_trace_is_nobody_s() -> None:
    assert interruption(OSError("never raised"), sys.exception()) is None
