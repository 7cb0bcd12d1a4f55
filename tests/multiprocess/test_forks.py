"""Locks in a child that is forked while other threads of the parent hold them."""

from __future__ import annotations

import ast
import gc
import os
import re
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tqdm.std

from tests.support.forked import in_child
from tests.support.paths import PACKAGE
from tests.support.writes import WriteEnv, example
from toolkit import panels
from toolkit.fetch.bar import Bar
from toolkit.ratelimit.counter_database import CounterDatabase
from toolkit.runtime import forks
from toolkit.writes import journal_store

posix = pytest.mark.skipif(os.name != "posix", reason="forks of POSIX")

# Locks that are not renewed in a child, because each lasts no longer than the call that creates it.
SHORT_LIVED = {
    (
        "auth/keys/system_keyring.py",
        "__init__",
    ): "of one call to the keyring, between its thread and the caller",
    ("fetch/executor.py", "__init__"): "the queues of one fetch, between its own threads",
    ("timing/cancel.py", "__init__"): "of one fetch",
    ("lab/__init__.py", "_stop_signals"): "of the launcher, which starts other programs and does not fork",
    ("sandbox/server.py", "start"): "until the server has started",
    ("sandbox/server.py", "_serve"): "of the loop of one server, whose thread is not in the child",
    ("sandbox/server.py", "serve_forever"): "of a program of its own",
}
LOCKS = {"Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier"}
LOCKS |= {"Queue", "SimpleQueue", "LifoQueue", "PriorityQueue"}


def made_by(source: str) -> Iterator[str]:
    """Yield the function or class in which each lock is created, or "" for the module itself."""

    def look(node: ast.AST, inside: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and _name(child.func) in LOCKS:
                yield inside
            is_named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from look(child, child.name if is_named else inside)

    if any(f"{kind}(" in source for kind in LOCKS):
        yield from look(ast.parse(source), "")


def renewed_in(source: str) -> set[str]:
    """Return the functions that a module calls again in each child."""
    return set(re.findall(r"forks\.renew\((?:self\.)?(\w+)\)", source))


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def test_every_long_lived_lock_is_renewed_in_a_child() -> None:
    found = set()
    sources = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    inherited = renewed_in(sources[PACKAGE / "panels" / "base.py"])
    for path, source in sources.items():
        renewed = renewed_in(source) | (inherited if PACKAGE / "panels" in path.parents else set())
        found |= {(path.relative_to(PACKAGE).as_posix(), each) for each in {*made_by(source)} - renewed}
    assert found == SHORT_LIVED.keys(), "create it in a function that is passed to `forks.renew`"


@pytest.mark.parametrize(
    "source",
    [
        "import threading\n_lock = threading.Lock()",
        "from threading import RLock\nclass A:\n    lock = RLock()",
        "from dataclasses import field\nclass A:\n    lock: object = field(default_factory=lambda: Lock())",
        "class A:\n    def __init__(self):\n        self.x = {a: threading.Condition() for a in 'ab'}",
    ],
)
def test_locks_are_found_wherever_they_are_made(source: str) -> None:
    assert len(list(made_by(source))) == 1


# -- a fork while locks are held --------------------------------------------------------------------------


def parts_of(thing: object) -> Iterator[object]:
    if isinstance(thing, dict | weakref.WeakValueDictionary):
        yield from list(thing.values())
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from list(thing)
    elif type(thing).__module__.partition(".")[0] == "toolkit":
        yield from list(getattr(thing, "__dict__", {}).values())
        for slot in getattr(type(thing), "__slots__", ()):
            yield getattr(thing, slot, None)
    elif hasattr(thing, "__self__"):  # a method of one of our objects
        yield thing.__self__


def locks_within(*roots: object) -> list[Any]:
    """Return every lock that can be reached from these objects and from the modules of the package."""
    modules = [vars(module) for name, module in list(sys.modules.items()) if name.startswith("toolkit")]
    seen: dict[int, object] = {}
    ahead: list[object] = [*roots, *modules]
    locks = []
    while ahead:
        thing = ahead.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, threading.Event):
            thing = thing._cond  # type: ignore[attr-defined]
        if hasattr(thing, "acquire") and hasattr(thing, "release"):
            locks.append(thing)
        else:
            ahead += parts_of(thing)
    # A fork waits for these, so that it does not fall into a transaction.
    waited_for = [each._lock for each in seen.values() if isinstance(each, CounterDatabase)] + [
        journal_store._lock
    ]
    return [each for each in locks if all(each is not other for other in waited_for)]


@posix
def test_a_child_forked_while_all_locks_are_held_can_use_everything(tmp_path: Path) -> None:
    write_env = WriteEnv(tmp_path)
    link, ops = write_env.env.link, write_env.ops
    given = example(write_env.world, "exchange.transfer")
    assert ops.exchange.transfer(**given)
    link.spot.rebates(start="-2D")
    write_env.clock.advance(3600.0)  # so that the child has to fetch time and limits itself
    held, is_done, locks = threading.Event(), threading.Event(), []

    def hold() -> None:
        locks.extend(locks_within(link, ops, panel, write_env.exchange))
        for each in locks:
            each.acquire()
        held.set()
        is_done.wait()
        for each in reversed(locks):
            each.release()

    def work() -> list[object]:
        rows = len(link.spot.rebates(start="-2D"))
        link.usage()
        other = write_env.env.new_link(write_env.env.sandbox.key, write_env.env.sandbox.secret)
        rows += len(other.exchange.futures_balances("um"))
        status = ops.exchange.transfer(**given).status
        panel.close()
        panels.weight(link).close()
        return [rows > 0, status, bool(link.doctor()), len(write_env.exchange.effects) > 0]

    def release() -> None:
        is_done.set()
        holder.join()

    with panels.accounts(link, fetch=False) as panel:
        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(60.0)
        assert len(locks) >= 15, "of the session, the clocks, the budget, the panel ..."
        assert in_child(work, meanwhile=release) == [True, "confirmed", True, True]
    assert len(write_env.effects("exchange.transfer")) == 2
    write_env.env.close()


@posix
def test_a_thread_that_forks_while_holding_a_lock_can_release_it() -> None:
    """The child has a new lock; the held one is unchanged."""

    class Owner:
        def __init__(self) -> None:
            forks.renew(self.make)

        def make(self) -> None:
            self.lock = threading.Lock()

    owner = Owner()

    def work() -> list[bool]:
        held.release()
        return [owner.lock is held, owner.lock.acquire(blocking=False)]

    held = owner.lock
    with held:
        said = in_child(work)
    assert said == [False, True]


def test_renewing_locks_keeps_no_object_alive() -> None:
    class Owner:
        def __init__(self) -> None:
            forks.renew(self.make)

        def make(self) -> None:
            pass

    gc.collect()  # collect what other tests left behind now, not in between
    before = len(forks._methods)
    owners = [Owner() for _ in range(100)]
    assert len(forks._methods) == before + 100
    del owners
    gc.collect()
    assert len(forks._methods) <= before


@posix
def test_a_child_forked_while_a_bar_is_drawn_can_draw_bars() -> None:
    """The bars use tqdm's own locks. Its lock between processes is not replaced."""
    Bar("a fetch", 100).close()
    default = tqdm.std.TqdmDefaultWriteLock
    lock, held, is_done = tqdm.std.tqdm.get_lock(), threading.Event(), threading.Event()

    def hold() -> None:
        with default.th_lock:
            held.set()
            is_done.wait()

    def release() -> None:
        is_done.set()
        holder.join()

    def work() -> list[bool]:
        bar = Bar("a fetch", 100)
        bar.refresh()
        bar.close()
        return [tqdm.std.tqdm.get_lock().locks[0] is lock.locks[0], default.th_lock is not lock.locks[-1]]

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60.0)
    assert in_child(work, meanwhile=release) == [True, True]
    assert tqdm.std.tqdm.get_lock() is lock, "nothing changes in the parent"
