"""No free file descriptor, a full disk, missing system information: reads continue, writes are refused.

A process that has to count alone says so, and shares the file again later. Resource limits are set in child
processes, because they apply to a whole process.
"""

from __future__ import annotations

import errno
import importlib.metadata
import os
import resource
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.forked import in_child
from tests.support.rate_limits import HOSTS, known, record_response, reserve
from tests.support.sandbox_env import SandboxEnv
from tests.support.writes import WriteEnv, example
from toolkit.doctor.check import Check, run_check
from toolkit.errors import JournalError, RateLimitWarning
from toolkit.ratelimit import counter_database
from toolkit.ratelimit.records import ALL_HOSTS
from toolkit.ratelimit.store import RateLimitStore
from toolkit.storage import machine, paths, processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")

FAILURES = [
    RuntimeError("line 'btime' not found in /proc/stat"),
    OSError(errno.EMFILE, "Too many open files"),
    psutil.AccessDenied(1),
    NotImplementedError(),
]


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Let nothing more be opened; only in a child, because it applies to a whole process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let nothing more be written; only in a child."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def link_to(name: str) -> toolkit.Link:
    hosts = dict.fromkeys(HOSTS, f"https://{name}.invalid")
    return toolkit.Link(key="k" * 64, secret="s" * 64, hosts=hosts, progress=False)


def table(link: toolkit.Link) -> dict[str, Check]:
    return {f"{line.name} {line.about}".strip(): line for line in link.doctor().checks}


# -- the rate-limit file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shortage", [no_descriptors, full_disk])
@pytest.mark.parametrize("begun", [False, True])
def test_after_a_shortage_the_file_is_shared_again(
    tmp_path: Path, shortage: Callable[[], Any], begun: bool
) -> None:
    clock, at = FakeClock(), tmp_path / "state" / "rate-limits.sqlite"

    def work() -> list[object]:
        one = RateLimitStore(at, clock)
        if begun:
            reserve(one, clock, 100)
            one.back_off(ALL_HOSTS, 3600.0)
            one.close()
        with shortage():
            for _ in range(3):
                assert reserve(one, clock, 10) is not None
                one.backoffs()
                clock.advance(counter_database.RETRY_FILE_AFTER_S / 2)
            said = one.problem
        assert one.problem == said, "the file is not tried at each request"
        clock.advance(counter_database.RETRY_FILE_AFTER_S)
        banned = [backoff.host for backoff in one.backoffs()]
        other = RateLimitStore(at, clock)
        return [said, one.problem, banned, [backoff.host for backoff in other.backoffs()]]

    said, after, *banned = in_child(work)
    assert str(at.parent) in said
    assert after == ""
    assert banned == [[ALL_HOSTS]] * 2 if begun else [[], []]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
def test_counts_are_kept_where_the_disk_fills_up_at_the_commit(tmp_path: Path) -> None:
    """The file can be created and filled, but not committed."""
    disk, clock = tmp_path / "disk", FakeClock()
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        for room in range(32, 49, 4):
            store = RateLimitStore(disk / "rate-limits.sqlite", clock)
            reserve(store, clock, 100)
            record_response(store, clock, 100, 100)
            store.back_off(ALL_HOSTS, 3600.0)
            store.close()
            for each in disk.iterdir():
                each.unlink()
            (disk / "others").write_bytes(b"x" * (256 - room) * 1024)
            assert [backoff.host for backoff in store.backoffs()] == [ALL_HOSTS]
            assert known(store) == 100, room
            store.close()
            (disk / "others").unlink()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# -- a Link, its doctor and its writes ---------------------------------------------------------------------


def test_a_link_without_descriptors_counts_alone_and_its_doctor_reports_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path / "state"))
    monkeypatch.setenv("TOOLKIT_JOURNAL", str(tmp_path / "journals"))

    def work() -> list[object]:
        with no_descriptors(), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", RateLimitWarning)
            link = link_to("shortage")
            checks = table(link)
        after = link_to("shortage")
        return [
            [str(each.message) for each in said if each.category is RateLimitWarning],
            {name: [line.status, line.found] for name, line in checks.items()},
            len(after.doctor().checks) >= len(checks),
        ]

    said, checks, is_well = in_child(work)
    (words,) = said
    assert "counted by this process alone" in words
    assert checks["rate limits"][0] == "warning"
    assert {"source", "host api", "ban", "weight", "keys", "journal", "files", "versions"} <= checks.keys()
    assert {"proxy", "environment"} <= checks.keys()
    assert is_well


def test_a_second_shortage_warns_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path))
    monkeypatch.setattr(counter_database, "RETRY_FILE_AFTER_S", 0.0)

    def work() -> list[int]:
        link, said = link_to("twice"), []
        for _ in range(2):
            link._connection.budget._store.close()
            with no_descriptors(), warnings.catch_warnings(record=True) as shown:
                warnings.simplefilter("always", RateLimitWarning)
                for _ in range(3):
                    link.budget.snapshot()
                    link._connection.warn_if_local_only()
            link.budget.snapshot()
            link._connection.warn_if_local_only()
            said.append(len(shown))
        return said

    assert in_child(work) == [1, 1]


def test_no_write_is_sent_that_cannot_be_recorded(tmp_path: Path) -> None:
    write_env = WriteEnv(tmp_path)
    given = example(write_env.world, "exchange.transfer")
    assert write_env.ops.exchange.transfer(**given)

    def work() -> list[object]:
        said = []
        for shortage in (no_descriptors, full_disk):
            with shortage():
                for call in (lambda: write_env.ops.exchange.transfer(**given), write_env.ops.history):
                    try:
                        call()
                    except JournalError as error:
                        said.append("No write is sent" in str(error))
        return [said, write_env.ops.exchange.transfer(**given).status]

    said, after = in_child(work)
    assert said[0] is True
    assert said[-2:] == [True, True] or said == [True, True, True], "a full disk can still be read"
    assert after == "confirmed"
    assert write_env.sent("exchange.transfer") == 2
    write_env.env.close()


# -- missing system information -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
def test_a_system_without_process_information_stops_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise failure

    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path))
    for name in ("boot_time", "pid_exists", "Process"):
        monkeypatch.setattr(psutil, name, fail)
    for kind in (sys.platform, "darwin"):
        for module in (processes, machine):
            instead = SimpleNamespace(platform=kind, argv=sys.argv, exception=sys.exception)
            monkeypatch.setattr(module, "sys", instead)
        monkeypatch.setattr(processes, "_known_boot_id", [])
        link = link_to(f"silent-{kind}-{type(failure).__name__.lower()}")
        assert link.budget.local_only_reason == ""
        link.budget.snapshot()
        assert table(link)["rate limits"].status == "ok"
        link.close()
    assert processes.start_time(os.getpid()) is None
    assert processes.is_alive(os.getpid(), 1.0)
    assert not processes.is_alive(2**22 + 7, 1.0)


# -- the doctor --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
def test_a_failing_check_of_the_doctor_affects_no_other_check(
    env: SandboxEnv, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    before = table(env.link)

    def fail(_: str) -> Any:
        raise failure

    monkeypatch.setattr(importlib.metadata, "version", fail)
    after = table(env.link)
    assert after.keys() == before.keys()
    assert after["versions"].status == "warning"
    assert after["versions"].found.startswith("The check could not be run: ")
    assert after["versions"].next_step
    assert {name for name in before if before[name].status != after[name].status} == {"versions"}


def test_results_before_a_failing_check_are_kept_and_nothing_secret_is_shown() -> None:
    def look() -> Iterator[Check]:
        yield Check("This machine", "x", found="The first.")
        raise RuntimeError("GET https://api.example/x?signature=abcdef")

    first, last = run_check("This machine", "x", look, about="y")
    assert first.found == "The first."
    assert (last.status, last.about) == ("warning", "y")
    assert "RuntimeError" in last.found
    assert "signature" not in repr(last)
    with pytest.raises(KeyboardInterrupt):
        run_check("This machine", "x", lambda: (_ for _ in ()).throw(KeyboardInterrupt()))
