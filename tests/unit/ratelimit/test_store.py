"""The rate-limit file: shared where possible, and no damage to it stops a request.

The tests use real files and real processes, and clocks that do not wait.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import toolkit
from tests.support.clocks import FakeClock
from tests.support.paths import ROOT
from tests.support.rate_limits import (
    HOSTS,
    is_shared,
    is_sound,
    known,
    let_others_in,
    record_response,
    reserve,
)
from toolkit import errors
from toolkit.endpoints import BASE_URLS, FAPI, Host
from toolkit.ratelimit import counter_database, tables
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.records import ALL_HOSTS, CounterKey
from toolkit.ratelimit.store import RateLimitStore
from toolkit.sandbox import Sandbox
from toolkit.storage import database, formats, paths
from toolkit.storage.formats import Execute
from toolkit.storage.paths import rate_limit_file
from toolkit.timing.clock import SYSTEM_CLOCK, Clock, HostClock

TIMEOUT_S = 60.0

posix = pytest.mark.skipif(os.name != "posix", reason="forks, signals and users of POSIX")
as_root = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can become another user"
)


# -- helpers ---------------------------------------------------------------------------------------------


def sql(path: Path, statement: str, *values: object) -> list[Any]:
    """Change the file as another program would."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        return file.execute(statement, values).fetchall()


def new_budget(clock: Clock, path: Path | None) -> Budget:
    return Budget(clock, {host: HostClock(clock) for host in HOSTS}, RateLimitStore(path, clock))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "rate-limits.sqlite"


@pytest.fixture
def stores(path: Path, clock: FakeClock) -> Iterator[Callable[[], RateLimitStore]]:
    """Make stores on one file, each like one of another process."""
    made: list[RateLimitStore] = []

    def make() -> RateLimitStore:
        made.append(RateLimitStore(path, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the rate-limit files of this test's Links."""
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path / "shared"))
    return tmp_path / "shared"


@pytest.fixture
def short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LOCK_TIMEOUT_S", 0.05)


def run(
    *script: str, arguments: tuple[object, ...] = (), env: dict[str, str] | None = None, prelude: str = ""
) -> str:
    """Run a script in a process of its own and return its output. It can use `tests.support.rate_limits`."""
    whole = (prelude or _PRELUDE) + "".join(textwrap.dedent(part) for part in script)
    inner = dict(os.environ) | {"PYTHONPATH": str(ROOT)} | (env or {})
    done = subprocess.run(
        [sys.executable, "-c", whole, *map(str, arguments)],
        cwd=ROOT,
        env=inner,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# The package without its `__init__`, which imports pandas and takes ten times as long as all the rest.
_PRELUDE = f"""
import sys, types
sys.modules["toolkit"] = types.ModuleType("toolkit")
sys.modules["toolkit"].__path__ = [{str(ROOT / "toolkit")!r}]
import json, os, resource, signal, subprocess, threading, time
from pathlib import Path
import platformdirs, psutil
from tests.support.clocks import FakeClock
from tests.support.rate_limits import *
from toolkit.endpoints import FAPI
from toolkit.ratelimit.budget import Budget
from toolkit.timing.clock import SYSTEM_CLOCK, HostClock
from toolkit.ratelimit.counter_database import RETRY_FILE_AFTER_S
"""
_WHOLE = """
import os, sys, warnings
import platformdirs, psutil
from tests.unit.ratelimit.test_store import link_to
"""


# -- a file that is not a rate-limit store -----------------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(random.Random(3).randbytes(20_000))


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _header_alone(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def _another_database(path: Path) -> None:
    sql(path, "CREATE TABLE counter (words TEXT)")


def _another_format(path: Path) -> None:
    sql(path, f"PRAGMA user_version = {formats.RATE_LIMITS - 1}")


def _format_number_alone(path: Path) -> None:
    sql(path, f"PRAGMA user_version = {formats.RATE_LIMITS}")


def _cut(path: Path) -> None:
    _written(path)
    os.truncate(path, path.stat().st_size // 2)


def _holes(path: Path) -> None:
    _written(path)
    with path.open("r+b") as file:
        for offset in range(1000, path.stat().st_size, 700):
            file.seek(offset)
            file.write(b"\xff" * 90)


def _other_types(path: Path) -> None:
    """Tables of the right names without checks, and values of other types in them."""
    _written(path)
    kept = sql(path, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql NOT NULL")
    path.unlink()
    for name, statement in kept:
        if not name.startswith("sqlite_"):
            sql(path, _without_checks(statement))
    sql(path, f"PRAGMA user_version = {formats.RATE_LIMITS}")
    for name in ("counter", "backoff", "reported_limit", "clock"):
        columns = sql(path, f"PRAGMA table_info({name})")
        values = ["fapi" if column[1] in ("rate_limit", "host") else f"no {column[1]}" for column in columns]
        if columns[0][1] == "id":
            values[0] = 1  # type: ignore[call-overload]
        sql(path, f"INSERT INTO {name} VALUES ({', '.join('?' * len(values))})", *values)
    sql(path, "UPDATE counter SET path = '', seconds = 60")


def _without_checks(statement: str) -> str:
    while " CHECK (" in statement:
        head, _, tail = statement.partition(" CHECK (")
        depth, end = 1, 0
        while depth:
            depth += {"(": 1, ")": -1}.get(tail[end], 0)
            end += 1
        statement = head + tail[end:]
    return statement


def _other_columns(path: Path) -> None:
    _written(path)
    sql(path, "ALTER TABLE counter DROP COLUMN unconfirmed")


def _missing_table(path: Path) -> None:
    _written(path)
    sql(path, "DROP TABLE process_count")


def _written(path: Path) -> None:
    clock = FakeClock()
    store = RateLimitStore(path, clock)
    for number in range(40):
        reserve(store, clock, 1, CounterKey("sapi-ip", f"/sapi/v1/{number}", 60))
    store.back_off("papi", 30.0)
    store.close()


DAMAGES = [
    _garbage,
    _nothing,
    _header_alone,
    _another_database,
    _another_format,
    _format_number_alone,
    _cut,
    _holes,
    _other_types,
    _other_columns,
    _missing_table,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unusable_file_is_set_aside_and_created_again(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], damage: Callable[[Path], None]
) -> None:
    path.parent.mkdir()
    damage(path)
    one, other = stores(), stores()
    assert isinstance(reserve(one, clock, 5), int)
    one.back_off("fapi", 3.0)
    assert [backoff.host for backoff in one.backoffs() if backoff.host == "fapi"] == ["fapi"]
    clock.advance(4.0)
    assert one.limits() is not None
    assert one.clock("fapi") is None
    record_response(one, clock, 5, 5)
    assert (one.problem, other.problem) == ("", "")
    assert is_shared(one, other, clock)
    one.close()
    other.close()
    assert is_sound(path)


@pytest.mark.parametrize("damage", [_garbage, _header_alone, _holes])
def test_a_file_set_aside_keeps_its_contents(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], damage: Callable[[Path], None]
) -> None:
    path.parent.mkdir()
    damage(path)
    before = path.read_bytes()
    reserve(stores(), clock)
    kept = [each for each in path.parent.iterdir() if each.name.endswith(".damaged")]
    assert [each.read_bytes() for each in kept] == [before]


def test_a_folder_in_place_of_the_file_stops_no_request(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    path.mkdir(parents=True)
    store = stores()
    assert isinstance(reserve(store, clock), int)
    assert "cannot be used" in store.problem or is_shared(store, stores(), clock)


@pytest.mark.parametrize("value", [0, -60])
def test_an_impossible_stored_limit_is_ignored(path: Path, clock: FakeClock, value: int) -> None:
    new_budget(clock, path)
    sql(path, "INSERT INTO reported_limit VALUES ('fapi', 'weight', ?, ?, ?)", value, value, clock.time())
    budget = new_budget(clock, path)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200)
    assert budget.limit(FAPI) > 0


# -- damaged while it is open ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_damage_to_an_open_file_stops_no_request(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], seed: int
) -> None:
    rng = random.Random(seed)
    one, other = stores(), stores()
    for each in (one, other):
        reserve(each, clock, 10)
        record_response(each, clock, 10, 20)
    one.back_off("papi", 400.0)
    if seed % 2:
        stores().close()
        sql(path, "PRAGMA wal_checkpoint(FULL)")
    for part in (path, Path(f"{path}-wal")):
        with part.open("r+b") as file:
            for _ in range(rng.randint(1, 40)):
                file.seek(rng.randrange(max(1, part.stat().st_size)))
                file.write(rng.choice([rng.randbytes(rng.randint(1, 200)), b"\0" * 100, b"7" * 9]))
    third = stores()
    for _ in range(6):
        for each in (one, other, third):
            assert reserve(each, clock) is not None
            record_response(each, clock)
            each.backoffs()
            each.limits()
            each.clock("fapi")
        clock.advance(25.0)
    assert {one.problem, other.problem, third.problem} == {""}
    assert is_shared(one, other, clock)
    assert is_shared(other, third, clock)


def test_a_file_created_again_gets_the_known_state(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    store = stores()
    reserve(store, clock, 300)
    record_response(store, clock, 300, 300)
    reserve(store, clock, 50)
    store.back_off(ALL_HOSTS, 600.0)
    store.close()
    _garbage(path)
    assert known(store) == 350
    assert [(backoff.host, backoff.seconds_left) for backoff in stores().backoffs()] == [
        (ALL_HOSTS, pytest.approx(600.0))
    ]


@pytest.mark.parametrize("gone", ["folder", "file", "all but the file", "moved"])
def test_after_a_deletion_all_processes_share_one_file_again(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], gone: str
) -> None:
    one = stores()
    reserve(one, clock, 1000)
    record_response(one, clock, 1000, 1000)
    if gone == "moved":
        path.parent.rename(path.parent.with_name("elsewhere"))
    else:
        for part in list(path.parent.iterdir()):
            if gone == "folder" or (part == path) == (gone == "file"):
                part.unlink()
        if gone == "folder":
            path.parent.rmdir()
    other = stores()
    assert isinstance(reserve(one, clock), int)
    assert isinstance(reserve(other, clock), int)
    assert is_shared(one, other, clock), "at once: until the next window the limit would be used twice"
    assert is_shared(other, one, clock)
    assert known(other) >= 1000
    assert (one.problem, other.problem) == ("", "")
    clock.advance(60.0)
    reserve(one, clock)  # begins the next window
    assert is_shared(one, other, clock)


# -- no usable file --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    ["/proc/state/rate-limits.sqlite", "{file}/rate-limits.sqlite", "{file}/deeper/rate-limits.sqlite"],
)
def test_without_a_usable_file_the_budget_is_kept_in_memory(
    tmp_path: Path, clock: FakeClock, where: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    at = Path(where.format(file=tmp_path / "file"))
    budget = new_budget(clock, at)
    for _ in range(24):
        budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 100, "x"), 200)
    assert clock.slept == []
    budget.admit(FAPI, "/fapi/v1/x", 100, "x")
    assert len(clock.slept) == 1, "and the limits are kept"
    assert str(at.parent) in budget.local_only_reason


@as_root
@pytest.mark.parametrize("made", [True, False])
def test_a_read_only_folder(tmp_path: Path, made: bool) -> None:
    at = tmp_path / "state" / "rate-limits.sqlite"
    at.parent.mkdir()
    if made:
        _written(at)
    at.parent.chmod(0o555)
    let_others_in(tmp_path)
    said = run(
        """
        os.setgid(64321), os.setuid(64321)
        store = RateLimitStore(Path(sys.argv[1]), SYSTEM_CLOCK)
        print(isinstance(reserve(store, SYSTEM_CLOCK), int), store.problem)
        """,
        arguments=(at,),
    )
    assert said.startswith("True the rate-limit file in ")


@as_root
def test_users_who_share_a_folder_share_the_store(tmp_path: Path) -> None:
    """TOOLKIT_RATE_LIMITS names a folder that all may write to; the first user keeps the file open."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    let_others_in(tmp_path)
    said = run(
        """
        at = Path(os.environ["TOOLKIT_RATE_LIMITS"]) / "rate-limits.sqlite"
        def become(user):
            os.setgid(user), os.setuid(user)
            store = RateLimitStore(at, SYSTEM_CLOCK)
            reserve(store, SYSTEM_CLOCK, 5)
            return store
        opened, over = os.pipe(), os.pipe()
        first = os.fork()
        if not first:
            store = become(64321)
            os.write(opened[1], b"x")
            os.read(over[0], 1)
            os._exit(0)
        os.read(opened[0], 1)
        second = os.fork()
        if not second:
            store = become(64322)
            os.write(1, f"{known(store)} {store.problem}".encode())
            os._exit(0)
        os.waitpid(second, 0)
        os.write(over[1], b"x")
        os.waitpid(first, 0)
        """,
        env={paths.RATE_LIMITS: str(shared)},
    )
    assert said == "10 "


@as_root
def test_a_writable_file_of_another_user_is_used(tmp_path: Path) -> None:
    """Its mode may differ from the one that new files get."""
    shared = tmp_path / "shared"
    shared.mkdir()
    at = shared / "rate-limits.sqlite"
    _written(at)
    at.chmod(0o666)
    shared.chmod(0o1733)  # sticky: only its owner can replace a file
    let_others_in(tmp_path)
    said = run(
        """
        os.setgid(64321), os.setuid(64321)
        store = RateLimitStore(Path(os.environ["TOOLKIT_RATE_LIMITS"]) / "rate-limits.sqlite", SYSTEM_CLOCK)
        print(reserve(store, SYSTEM_CLOCK, 5) and store.problem)
        """,
        env={paths.RATE_LIMITS: str(shared)},
    )
    assert said == "\n"


@posix
def test_a_private_store_is_readable_by_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    at = rate_limit_file(BASE_URLS, None)
    assert at is not None
    store = RateLimitStore(at, FakeClock())
    store.limits()
    assert at.parent.stat().st_mode & 0o077 == 0
    store.close()


@posix
def test_a_full_disk_stops_no_request(tmp_path: Path) -> None:
    said = run(
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        clock = FakeClock()
        store = RateLimitStore(Path(sys.argv[1]), clock)
        reserve(store, clock, 100)
        size = Path(sys.argv[1]).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        for number in range(300):
            assert isinstance(reserve(store, clock, 1, CounterKey("sapi-ip", f"/sapi/{number}", 60)), int)
        print(store.problem, known(store), sep="|")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        clock.advance(RETRY_FILE_AFTER_S)
        reserve(store, clock)
        print(store.problem, RateLimitStore(Path(sys.argv[1]), clock).problem, sep="|")
        """,
        arguments=(tmp_path / "rate-limits.sqlite",),
    )
    first, last = said.splitlines()
    assert first.startswith("the rate-limit file in ")
    assert int(first.partition("|")[2]) in (400, 401), "earlier counts are kept"
    assert last == "|"


@as_root
@pytest.mark.parametrize("size", ["16k", "64k"])
def test_a_disk_too_small_for_the_store(tmp_path: Path, clock: FakeClock, size: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        store = RateLimitStore(disk / "rate-limits.sqlite", clock)
        for number in range(300):
            key = CounterKey("sapi-ip", f"/sapi/{number}", 60)
            assert isinstance(reserve(store, clock, 1, key), int)
        assert str(disk) in store.problem
        assert known(store) in (300, 301)
        store.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_locked_file_is_replaced_by_memory_until_it_is_free(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], short_lock_timeout: None
) -> None:
    one, other = stores(), stores()
    reserve(one, clock, 1000)
    record_response(one, clock, 1000, 1000)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    for each in (one, other):
        assert isinstance(reserve(each, clock, 10), int)  # while the file is still locked
        assert "locked" in each.problem
    assert known(one) >= 1010, "memory holds what was known"
    holder.execute("ROLLBACK")
    clock.advance(counter_database.RETRY_FILE_AFTER_S / 2)
    assert isinstance(reserve(one, clock), int)
    assert one.problem != "", "the file is not tried at each request"
    clock.advance(counter_database.RETRY_FILE_AFTER_S / 2)
    assert isinstance(reserve(one, clock), int)
    assert isinstance(reserve(other, clock), int)
    assert (one.problem, other.problem) == ("", "")
    assert is_shared(one, other, clock)
    holder.close()


def test_requests_counted_in_memory_are_stored_later(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], short_lock_timeout: None
) -> None:
    clock.advance(5 - clock.monotonic() % 60 + 60)
    one, other = stores(), stores()
    reserve(one, clock)
    reserve(other, clock)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    reserve(one, clock)
    clock.advance(counter_database.RETRY_FILE_AFTER_S - 10.0)  # another window by now
    for _ in range(20):
        reserve(one, clock, 100)
        record_response(one, clock, 100)
    one.back_off(ALL_HOSTS, 300.0)
    holder.close()
    clock.advance(10.0)
    assert one.backoffs()
    assert one.problem == ""
    assert [backoff.host for backoff in other.backoffs()] == [ALL_HOSTS]
    assert known(other) >= 2000


def test_a_longer_ban_in_memory_replaces_the_stored_one(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], short_lock_timeout: None
) -> None:
    one, other = stores(), stores()
    other.limits()
    one.limits()
    other.back_off(ALL_HOSTS, 20.0)  # not read again before it ends
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    one.back_off(ALL_HOSTS, 300.0)
    assert one.problem
    holder.close()
    clock.advance(counter_database.RETRY_FILE_AFTER_S)
    assert [backoff.seconds_left for backoff in one.backoffs()] == [pytest.approx(240.0)]
    assert [backoff.seconds_left for backoff in other.backoffs()] == [pytest.approx(240.0)]


def test_a_ban_ends_on_time_however_long_the_file_was_locked(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stores()
    one.limits()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    called, monotonic_of_clock = threading.Event(), clock.monotonic

    def monotonic() -> float:
        called.set()
        return monotonic_of_clock()

    monkeypatch.setattr(clock, "monotonic", monotonic)
    thread = threading.Thread(target=one.back_off, args=(ALL_HOSTS, 10.0))
    thread.start()
    assert called.wait(60)
    clock.advance(2.0)
    holder.execute("ROLLBACK")
    thread.join()
    holder.close()
    assert [backoff.seconds_left for backoff in one.backoffs()] == [pytest.approx(8.0)]


def test_a_count_too_large_for_the_database_loses_no_response(path: Path, clock: FakeClock) -> None:
    budget = new_budget(clock, path)
    for header in ("X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S", "X-SAPI-USED-IP-WEIGHT-1M"):
        budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200, {header: "9" * 30})
        clock.advance(60.0)
    assert budget.local_only_reason == ""
    assert not list(path.parent.glob("*.damaged"))


@pytest.mark.parametrize("weight", [2**70, 1.5, None, "7", Decimal(1)])
def test_an_invalid_argument_does_not_count_as_damage(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], weight: Any
) -> None:
    one, other = stores(), stores()
    assert isinstance(reserve(other, clock, 5), int)
    with pytest.raises((ArithmeticError, TypeError, sqlite3.IntegrityError, sqlite3.ProgrammingError)):
        reserve(one, clock, weight, CounterKey("sapi-ip", "/sapi/v1/x", 60))
    with pytest.raises((ArithmeticError, TypeError, sqlite3.IntegrityError, sqlite3.ProgrammingError)):
        record_response(one, clock, weight)
    assert not list(path.parent.glob("*.damaged*"))
    assert (one.problem, other.problem) == ("", "")
    assert is_shared(one, other, clock)
    assert is_shared(other, one, clock)
    path.unlink()
    assert isinstance(reserve(one, clock), int), "and a new file does not get it"
    assert not list(path.parent.glob("*.damaged*"))
    assert one.problem == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counter SET reported = 9e18",
        "UPDATE process_count SET in_flight = 9223372036854775807",
        "UPDATE counter SET rate = 9e999, external = 5",
        "UPDATE process SET pid = 5000000000",
        "UPDATE counter SET endpoint = CAST(x'ff' AS TEXT)",
    ],
)
def test_impossible_stored_values_stop_no_request(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], statement: str
) -> None:
    store = stores()
    reserve(store, clock, 5)
    reserve(store, clock, 5, CounterKey("sapi-ip", "/sapi/v1/x", 60))
    sql(path, statement)
    for _ in range(3):
        for each in (store, stores()):
            assert reserve(each, clock) is not None
            record_response(each, clock)
            each.read()
        clock.advance(25.0)
    assert store.problem == ""
    clock.advance(120.0)
    reserve(store, clock)  # begins the next window
    assert is_shared(store, stores(), clock)


def test_a_repeatedly_damaged_file_is_replaced_by_memory(
    path: Path, stores: Callable[[], RateLimitStore]
) -> None:
    store = stores()

    def work(execute: Execute) -> str:
        if execute("PRAGMA database_list").fetchone()[2]:
            error = sqlite3.DatabaseError("malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        return "done"

    assert store._store.run(work, seed=lambda *_: None) == "done"
    assert "malformed" in store.problem


# -- clocks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_changes_nothing_for_a_restarted_kernel(
    path: Path, clock: FakeClock, step: float
) -> None:
    first = new_budget(clock, path)
    first.record_response(first.admit(FAPI, "/fapi/v1/x", 1, "x"), 418, {"Retry-After": "600"})
    clock.wall_ahead = step
    clock.advance(100.0)
    second = new_budget(clock, path)
    with pytest.raises(errors.BannedError) as caught:
        second.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert caught.value.until.timestamp() == pytest.approx(clock.time() + 500.0)
    clock.advance(501.0)
    second.admit(FAPI, "/fapi/v1/x", 1, "x")
    assert first.banned_until is None


@pytest.mark.parametrize("step", [3600.0, -3600.0, -30.0, 86_400.0 * 365, -86_400.0 * 365])
def test_windows_continue_after_a_step_of_the_wall_clock(path: Path, clock: FakeClock, step: float) -> None:
    """Without a measured clock the windows follow the wall clock, and a step costs a window at most."""
    budget, other = new_budget(clock, path), new_budget(clock, path)
    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 2400, "x"), 200)
    clock.wall_ahead = step
    began = clock.monotonic()
    for each in (budget, other):
        each.record_response(each.admit(FAPI, "/fapi/v1/x", 1200, "x"), 200)
    assert clock.monotonic() - began <= 60.1
    clock.advance(60.0)
    before = list(clock.slept)
    for each in (budget, other):
        each.record_response(each.admit(FAPI, "/fapi/v1/x", 1200, "x"), 200)
    assert clock.slept == before


@pytest.mark.parametrize(("step", "lasts"), [(0.0, 20.0), (-3600.0, 30.0), (3600.0, 0.0)])
def test_a_pause_from_before_a_reboot_never_exceeds_its_length(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore], step: float, lasts: float
) -> None:
    """Only the wall clock spans a reboot, and it may have been changed."""
    stores().back_off("fapi", 30.0)
    sql(path, "UPDATE backoff SET boot = 'another', until = until + 1e6")
    clock.advance(10.0)
    clock.wall_ahead = step
    assert sum(backoff.seconds_left for backoff in stores().backoffs()) <= lasts + 0.01
    clock.advance(lasts + 0.1)
    assert stores().backoffs() == []


def test_an_impossible_pause_ends_after_its_length(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    """It is from this boot and has more time left than its length."""
    stores().back_off("fapi", 30.0)
    sql(path, "UPDATE backoff SET until = until + 1e9")
    stores().backoffs()
    clock.advance(30.1)
    assert stores().backoffs() == []


def test_a_clock_measured_before_a_reboot_is_not_used(path: Path, clock: FakeClock) -> None:
    budget = new_budget(clock, path)
    measured = HostClock(clock).measure(lambda: (clock.time() + 5.0, 0.0))
    budget.publish_clock("fapi", measured)
    assert new_budget(clock, path).shared_clock("fapi") == measured
    sql(path, "UPDATE clock SET boot = 'another'")
    assert new_budget(clock, path).shared_clock("fapi") is None


def test_a_shorter_pause_does_not_end_a_longer_one(
    clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    one, other = stores(), stores()
    one.back_off("fapi", 100.0)
    other.back_off("fapi", 5.0)
    assert [backoff.seconds_left for backoff in one.backoffs()] == [pytest.approx(100.0)]
    other.back_off("fapi", 200.0)
    assert [backoff.seconds_left for backoff in one.backoffs()] == [pytest.approx(200.0)]
    clock.advance(200.1)
    assert one.backoffs() == other.backoffs() == []


# -- two versions ----------------------------------------------------------------------------------------


def test_two_versions_use_separate_files(folder: Path, clock: FakeClock) -> None:
    new = rate_limit_file(BASE_URLS, None)
    assert new is not None
    old = next(each for each in paths.earlier_rate_limit_files(BASE_URLS) if each.parent == new.parent)
    assert old != new
    old.parent.mkdir()
    old.write_bytes(b"whatever that version writes")
    store = RateLimitStore(new, clock)
    reserve(store, clock, 1000)
    assert (store.problem, known(store)) == ("", 1000)
    store.close()
    assert old.read_bytes() == b"whatever that version writes"
    assert not list(old.parent.glob("*.damaged*"))


# -- forks and interrupts --------------------------------------------------------------------------------


FORKED = """
at = Path(sys.argv[1])
STEADY = WindowBounds(1000, 0.0, 10**6)  # a window that does not end
def more(store, weight):
    return store.reserve(KEY, "x", host="fapi", window_bounds=STEADY, weight=weight, limit_fraction=1.0)
"""
ANOTHER = """
store = RateLimitStore(at, SYSTEM_CLOCK)
more(store, 100)
print(known(store), flush=True)
sys.stdin.readline()
print(known(store), store.problem)
store.close()
"""


@posix
@pytest.mark.parametrize("ends", ["closes it", "ends", "is killed"])
def test_a_forked_child_is_counted_whatever_its_parent_does(tmp_path: Path, ends: str) -> None:
    """Another process starts when the parent has ended. It and the child must see each other's requests."""
    said = run(
        FORKED,
        f"""
        ANOTHER = {_PRELUDE + FORKED + ANOTHER!r}
        report, opened = os.pipe(), os.pipe()
        parent = os.fork()
        if not parent:
            store = RateLimitStore(at, SYSTEM_CLOCK)
            more(store, 1)
            if os.fork():
                os.read(opened[0], 1)
                if sys.argv[2] == "closes it":
                    store.close()
                if sys.argv[2] == "is killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                os._exit(0)
            parent = os.getppid()
            more(store, 10)
            os.write(opened[1], b"x")
            while os.getppid() == parent:
                time.sleep(0.001)
            words = [sys.executable, "-c", ANOTHER, str(at)]
            other = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            first = other.stdout.readline()
            for _ in range(2000):
                more(store, 1)
            here = known(store)
            there, _ = other.communicate("\\n")
            store.close()
            os.write(report[1], json.dumps([first, here, there, store.problem, is_sound(at)]).encode())
            os._exit(0)
        os.close(report[1])
        os.waitpid(parent, 0)
        print(os.read(report[0], 1000).decode() or "the child died")
        """,
        arguments=(tmp_path / "rate-limits.sqlite", ends),
    )
    assert json.loads(said) == ["111\n", 2111, "2111 \n", "", True]


@posix
def test_a_child_forked_during_a_transaction_can_use_the_file(tmp_path: Path) -> None:
    said = run(
        FORKED,
        """
        hosts = ("api", "fapi", "papi")
        clocks = {host: HostClock(SYSTEM_CLOCK) for host in hosts}
        budget = Budget(SYSTEM_CLOCK, clocks, RateLimitStore(at, SYSTEM_CLOCK))
        os.register_at_fork(after_in_child=budget.after_fork)  # as toolkit.gateway.shared_state does
        over = threading.Event()
        def work():
            while not over.is_set():
                budget.release(budget.admit(FAPI, "/fapi/v1/x", 1, "x"))
                over.wait(0.0005)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for each in threads: each.start()
        alone = []
        for _ in range(25):
            mine, yours = os.pipe()
            child = os.fork()
            if not child:
                try:
                    budget.release(budget.admit(FAPI, "/fapi/v1/x", 1, "x"))
                    os.write(yours, (budget.local_only_reason or "shared").encode())
                except BaseException as error:
                    os.write(yours, repr(error).encode())
                os._exit(0)
            os.close(yours)
            os.waitpid(child, 0)
            alone.append(os.read(mine, 1000).decode())
            os.close(mine)
        over.set()
        for each in threads: each.join()
        print(json.dumps([sorted(set(alone)), budget.local_only_reason, is_sound(at)]))
        """,
        arguments=(tmp_path / "rate-limits.sqlite",),
    )
    assert json.loads(said) == [["shared"], "", True]


@posix
def test_interrupts_never_leave_the_file_locked(tmp_path: Path) -> None:
    """Ctrl-C, and again during the handling of the first: nothing stays locked or is created again."""
    said = run(
        FORKED,
        """
        import random
        rng = random.Random(5)
        store = RateLimitStore(at, SYSTEM_CLOCK)
        other = RateLimitStore(at, SYSTEM_CLOCK)
        more(store, 1)
        more(other, 1)
        def again(*_):
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 4e-4))
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, again)
        interrupts = 0
        end = time.monotonic() + 0.7
        def storm():
            global interrupts
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 4e-4))
                while True:
                    more(store, 1)
            except KeyboardInterrupt:
                interrupts += 1
            while True:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    break
                except KeyboardInterrupt:
                    pass
            assert isinstance(more(other, 0), int)
        while time.monotonic() < end:
            try:
                storm()
            except KeyboardInterrupt:  # between two steps of the script itself
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, again)
        aside = [each.name for each in at.parent.glob("*.damaged*")]
        said = [interrupts > 100, store.problem, other.problem, aside, is_sound(at)]
        print(json.dumps(said))
        """,
        arguments=(tmp_path / "rate-limits.sqlite",),
    )
    assert json.loads(said) == [True, "", "", [], True]


@posix
def test_interrupts_never_leave_the_budget_locked(tmp_path: Path) -> None:
    """After a Ctrl-C at any moment, the lock that all threads share is free."""
    said = run(
        FORKED,
        """
        import random
        rng = random.Random(5)
        hosts = {host: HostClock(SYSTEM_CLOCK) for host in HOSTS}
        budget = Budget(SYSTEM_CLOCK, hosts, RateLimitStore(at, SYSTEM_CLOCK))
        budget.set_limits({"fapi": 10**9})
        def interrupt(*_):
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        stuck = others = 0
        end = time.monotonic() + 1.5
        while time.monotonic() < end and not stuck:
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 6e-4))
                while True:
                    budget.record_response(budget.admit(FAPI, "/fapi/v1/x", 1, "x"), 200)
            except KeyboardInterrupt:
                pass
            except RuntimeError:
                others += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            other = threading.Thread(target=budget.snapshot, daemon=True)
            other.start()
            other.join(30.0)
            stuck += other.is_alive()
        print(json.dumps([stuck, others]), flush=True)
        os._exit(0)
        """,
        arguments=(tmp_path / "rate-limits.sqlite",),
    )
    assert json.loads(said) == [0, 0]


class CountedWaits:
    """A clock on which only waiting takes time, a second for each wait; `then` is called at the third."""

    def __init__(self, then: Callable[[], object]) -> None:
        self.waits = 0
        self._then = then

    def monotonic(self) -> float:
        return float(self.waits)

    def sleep(self, seconds: float) -> None:
        del seconds
        self.waits += 1
        if self.waits == 3:
            self._then()
        threading.Event().wait(0.001)


@posix
def test_a_computing_thread_does_not_lock_out_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long call into C (sorting, parsing) blocks every other thread of a kernel, also one that is in a
    transaction. Other kernels must wait for it and not count alone."""
    monkeypatch.setattr(counter_database, "_SQLITE_TIMEOUT_S", 0.01)
    at = tmp_path / "rate-limits.sqlite"
    mine = RateLimitStore(at, SYSTEM_CLOCK)
    mine.limits()
    script = (
        _PRELUDE
        + FORKED
        + """
import ctypes
call_into_c = ctypes.PyDLL(None).read  # holds the interpreter lock until there is something to read
sys.setswitchinterval(60)  # so that no other thread runs before that call
within = threading.Event()
store = RateLimitStore(at, SYSTEM_CLOCK)
store.limits()
def hold(execute):
    print("held", flush=True)
    within.set()
    time.sleep(0.001)
holding = threading.Thread(target=store._store.run, args=(hold,), kwargs={"seed": lambda *_: None})
holding.start()
within.wait()
call_into_c(0, ctypes.create_string_buffer(1), 1)
holding.join()
"""
    )
    kernel = subprocess.Popen(
        [sys.executable, "-c", script, str(at)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kernel.stdin is not None
    assert kernel.stdout is not None
    is_done = kernel.stdin.fileno()
    waiting = CountedWaits(then=lambda: os.write(is_done, b"."))
    monkeypatch.setattr(database, "time", waiting)
    try:
        assert kernel.stdout.readline() == "held\n"
        assert isinstance(reserve(mine, SYSTEM_CLOCK), int)
        assert waiting.waits >= 3, "it had to wait"
        assert mine.problem == ""  # the file was never given up
    finally:
        kernel.kill()
        kernel.communicate()
        mine.close()


@posix
def test_a_stopped_process_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGSTOP (Ctrl-Z) while it has the file locked: the others continue in memory, and say so."""
    monkeypatch.setattr(tables, "LOCK_TIMEOUT_S", 0.5)
    at = tmp_path / "rate-limits.sqlite"
    mine = RateLimitStore(at, SYSTEM_CLOCK)
    mine.limits()
    script = (
        _PRELUDE
        + FORKED
        + (
            "def hold(execute):\n    print('held', flush=True)\n    os.kill(os.getpid(), signal.SIGSTOP)\n"
            "store = RateLimitStore(at, SYSTEM_CLOCK)\nstore.limits()\n"
            "store._store.run(hold, seed=lambda *_: None)\n"
        )
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(at)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert isinstance(reserve(mine, SYSTEM_CLOCK), int)  # while the other process is stopped
        assert "locked" in mine.problem
    finally:
        holder.kill()
        holder.communicate()
    mine.close()
    again = RateLimitStore(at, SYSTEM_CLOCK)
    assert isinstance(reserve(again, SYSTEM_CLOCK), int)
    assert again.problem == ""
    again.close()
    assert is_sound(at)


@posix
def test_twenty_processes_that_start_at_once_share_one_file(tmp_path: Path) -> None:
    at = tmp_path / "new" / "folder" / "rate-limits.sqlite"
    said = run(
        FORKED,
        """
        gate, report = os.pipe(), os.pipe()
        children = []
        for number in range(20):
            children.append(os.fork())
            if not children[-1]:
                os.close(gate[1])
                os.read(gate[0], 1)  # until the parent closes it
                try:
                    store = RateLimitStore(at, SYSTEM_CLOCK)
                    for _ in range(20):
                        more(store, 1)
                    os.write(report[1], (json.dumps(store.problem) + "\\n").encode())
                except BaseException as error:
                    os.write(report[1], (json.dumps(repr(error)) + "\\n").encode())
                os._exit(0)
        os.close(gate[1])
        for child in children:
            os.waitpid(child, 0)
        os.close(report[1])
        said = [json.loads(line) for line in os.fdopen(report[0])]
        weight = known(RateLimitStore(at, SYSTEM_CLOCK))
        print(json.dumps([sorted(set(said)), len(said), weight, is_sound(at)]))
        """,
        arguments=(at,),
    )
    assert json.loads(said) == [[""], 20, 400, True]


@posix
@pytest.mark.parametrize("damage", ["garbage", "deleted"])
def test_processes_that_find_damage_together_create_one_new_file(tmp_path: Path, damage: str) -> None:
    at = tmp_path / "state" / "rate-limits.sqlite"
    said = run(
        FORKED,
        """
        report, go = os.pipe(), time.time() + 0.4
        children = []
        for number in range(8):
            children.append(os.fork())
            if not children[-1]:
                alone = set()
                try:
                    store = RateLimitStore(at, SYSTEM_CLOCK)
                    while time.time() < go + 0.6:
                        more(store, 0)
                        if int(time.time() * 1000) % 7 == 0:
                            store._store.reopen_if_replaced()
                        alone.add(store.problem)
                    more(store, 1)
                except BaseException as error:
                    alone.add(repr(error))
                os.write(report[1], (json.dumps(sorted(alone)) + "\\n").encode())
                os._exit(0)
        while time.time() < go:
            time.sleep(0.01)
        if sys.argv[2] == "garbage":
            with at.open("r+b") as file:
                file.write(os.urandom(4000))
        else:
            at.unlink()
        for child in children:
            os.waitpid(child, 0)
        os.close(report[1])
        said = sorted({line for each in os.fdopen(report[0]) for line in json.loads(each)})
        last = RateLimitStore(at, SYSTEM_CLOCK)
        more(last, 1)
        said += [last.problem] if last.problem else []
        last.close()
        print(json.dumps([said, is_sound(at)]))
        """,
        arguments=(at, damage),
    )
    assert json.loads(said) == [[""], True]


# -- warnings and settings -------------------------------------------------------------------------------


def link_to(name: str, **arguments: Any) -> toolkit.Link:
    hosts = dict.fromkeys(HOSTS, f"https://{name}.invalid")
    return toolkit.Link(key="k" * 64, secret="s" * 64, **{"hosts": hosts, "progress": False} | arguments)


def test_a_process_that_counts_alone_warns_once_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(paths.RATE_LIMITS, str(tmp_path / "file"))
    with pytest.warns(errors.RateLimitWarning) as said:
        link_to("alone-a")
    link_to("alone-b").close()
    link_to("alone-a").close()
    (text,) = [str(each.message) for each in said]
    assert str(tmp_path / "file") in text
    assert "one at a time" in text
    assert "limit_fraction=" in text
    assert paths.RATE_LIMITS in text
    assert said[0].filename == __file__


@pytest.mark.parametrize("word", ["off", "OFF", " off "])
def test_sharing_that_is_turned_off_gives_no_warning_and_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, word: str
) -> None:
    monkeypatch.setenv(paths.RATE_LIMITS, word)
    monkeypatch.chdir(tmp_path)
    link = link_to(f"peace-{len(word)}{word.strip()}")
    link._connection.budget.release(link._connection.budget.admit(FAPI, "/fapi/v1/x", 1, "x"))
    assert link.budget.local_only_reason == ""
    assert not list(tmp_path.iterdir())


def test_a_relative_folder_stays_the_same_after_chdir(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`os.chdir` in a notebook does not change the folder."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(paths.RATE_LIMITS, "state")
    link = link_to("relative")
    monkeypatch.chdir(tmp_path / "elsewhere")
    for _ in range(3):
        link._connection.budget.release(link._connection.budget.admit(FAPI, "/fapi/v1/x", 1, "x"))
    link._connection.budget._store.close()
    link._connection.budget.release(link._connection.budget.admit(FAPI, "/fapi/v1/x", 1, "x"))
    assert len(list((tmp_path / "state").glob("*.sqlite"))) == 1
    assert not list((tmp_path / "elsewhere").iterdir())


@posix
def test_without_a_home_no_folder_named_tilde_is_created(tmp_path: Path) -> None:
    """As in a container that runs under a user id without an account."""
    said = run(
        """
        os.chdir(sys.argv[1])
        if os.geteuid() == 0: os.chmod(".", 0o777)
        for name in ("HOME", "XDG_STATE_HOME"): os.environ.pop(name, None)
        import pwd
        if os.geteuid() == 0: os.setgid(64399), os.setuid(64399)
        warnings.simplefilter("ignore")
        try:
            pwd.getpwuid(os.getuid())
            print("somebody")
        except KeyError:
            link_to("nobody")
            print(sorted(os.listdir(".")))
        """,
        arguments=(tmp_path,),
        prelude=_WHOLE,
    )
    assert said in ("[]\n", "somebody\n")


@pytest.fixture
def sandbox(folder: Path) -> Iterator[Sandbox]:
    with Sandbox(seed=7) as running:
        yield running


def link_at(sandbox: Sandbox, **arguments: Any) -> toolkit.Link:
    hosts: dict[Host, str] = dict.fromkeys(BASE_URLS, sandbox.address)
    settings: dict[str, Any] = {"hosts": hosts, "progress": False} | arguments
    return toolkit.Link(key=sandbox.key, secret=sandbox.secret, **settings)


def lock(folder: Path) -> sqlite3.Connection:
    (at,) = folder.glob("*.sqlite")
    holder = sqlite3.connect(at, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    return holder


def test_losing_the_file_between_two_reads_warns_and_loses_no_rows(
    sandbox: Sandbox, folder: Path, short_lock_timeout: None
) -> None:
    with link_at(sandbox) as link:
        whole = link.spot.rebates(start="-2D")
        with (
            contextlib.closing(lock(folder)),
            pytest.warns(errors.RateLimitWarning, match="this process alone"),
        ):
            again = link.spot.rebates(start="-2D")
        assert len(again) == len(whole)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is not repeated
            link.spot.rebates(start="-2D")


@pytest.mark.parametrize("workers", [1, 8])
def test_with_warnings_as_errors_losing_the_file_loses_no_rows(
    sandbox: Sandbox, folder: Path, short_lock_timeout: None, workers: int
) -> None:
    with link_at(sandbox, workers=workers) as link:
        whole = link.exchange.futures_rebates("um", start="-30D")
        with contextlib.closing(lock(folder)), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                again = link.exchange.futures_rebates("um", start="-30D")
            except errors.RateLimitWarning as said:
                again = said.partial  # type: ignore[attr-defined]
        assert len(again) == len(whole) > 0


def test_the_file_holds_nothing_private(sandbox: Sandbox, folder: Path) -> None:
    with link_at(sandbox) as link:
        link.spot.customers(email="someone@example.com")
        link.spot.rebates(start="-2D")
        link.futures.overview()
        link.exchange.futures_rebates("um", start="-3D")
        link.get("/sapi/v1/apiReferral/customization", email="someone@example.com")
        link.budget.snapshot()
        written = b"".join(each.read_bytes() for each in folder.iterdir())
    assert b"apiReferral" in written
    written += b"".join(each.read_bytes() for each in folder.iterdir())
    for private in (sandbox.key, sandbox.secret, "someone", "example.com", "signature", sandbox.key[:12]):
        assert private.encode() not in written


# -- which exchange a file is for -------------------------------------------------------------------------


def test_the_next_sandbox_on_a_port_inherits_nothing(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Sandbox(seed=7, limit_scale=0.05, port=port) as first, link_at(first) as link:
        link.futures.overview()
        link._connection.budget.ban(300.0)
        assert link.budget.limit(FAPI) == 120
        assert link.budget.banned_until is not None
    with Sandbox(seed=7, port=port) as second, link_at(second) as link:
        assert second.address == first.address
        link.futures.overview()
        assert link.budget.limit(FAPI) == 2400
        (use,) = [each for each in link.budget.snapshot().rate_limits if each.rate_limit == FAPI]
        assert use.used < 120
    assert len(list(folder.glob("rate-limits-sandbox-*.sqlite"))) == 2


def test_a_sandbox_shares_nothing_with_the_real_exchange(folder: Path) -> None:
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:8099")
    files = {
        rate_limit_file(BASE_URLS, None),
        rate_limit_file(hosts, None),
        rate_limit_file(hosts, ""),
        rate_limit_file(hosts, "one"),
        rate_limit_file(hosts, "two"),
        rate_limit_file(BASE_URLS, "one"),
        rate_limit_file(dict(BASE_URLS) | {"fapi": "https://elsewhere.invalid"}, None),
    }
    assert len(files) >= 6
    assert rate_limit_file(BASE_URLS, None) not in {
        rate_limit_file(hosts, ""),
        rate_limit_file(BASE_URLS, "one"),
    }


@pytest.mark.parametrize("other", sorted(toolkit.endpoints.ALTERNATES))
def test_alternative_addresses_of_an_exchange_share_its_store(folder: Path, other: str) -> None:
    same = {
        name: other if address == toolkit.endpoints.ALTERNATES[other] else address
        for name, address in BASE_URLS.items()
    }
    assert same != dict(BASE_URLS)
    assert rate_limit_file(same, None) == rate_limit_file(BASE_URLS, None)


def test_limits_set_in_one_process_do_not_apply_to_others(path: Path, clock: FakeClock) -> None:
    one, other = new_budget(clock, path), new_budget(clock, path)
    one.set_limits({"fapi": 100})
    assert (one.limit(FAPI), other.limit(FAPI), new_budget(clock, path).limit(FAPI)) == (100, 2400, 2400)
    other.record_response(other.admit(FAPI, "/fapi/v1/x", 90, "x"), 200)
    one.admit(FAPI, "/fapi/v1/x", 20, "x")
    assert len(clock.slept) == 1, "use by the other process counts against them all the same"


def test_files_of_sandboxes_unused_for_a_day_are_deleted(folder: Path, clock: FakeClock) -> None:
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:8099")
    names = {each: rate_limit_file(hosts, each) for each in ("old", "young")}
    real = rate_limit_file(BASE_URLS, None)
    for at in (*names.values(), real):
        assert at is not None
        store = RateLimitStore(at, clock)
        reserve(store, clock)
        store.close()
    for at, hours in ((names["old"], 25), (names["young"], 23), (real, 999)):
        assert at is not None
        when = time.time() - hours * 3600
        for part in folder.glob(f"{at.name}*"):
            os.utime(part, (when, when))
    another = RateLimitStore(rate_limit_file(hosts, "new"), clock)
    another.limits()
    another.close()
    kept = set(folder.glob("*.sqlite"))
    assert names["old"] not in kept
    assert {names["young"], real} <= kept


def test_the_file_of_a_sandbox_in_use_is_shared_after_a_day(folder: Path, clock: FakeClock) -> None:
    """A kernel left alone overnight keeps its Link, though its last write is long ago."""
    hosts = dict.fromkeys(BASE_URLS, "http://127.0.0.1:8099")
    at = rate_limit_file(hosts, "quiet")
    assert at is not None
    one = RateLimitStore(at, clock)
    reserve(one, clock, 5)
    long_ago = time.time() - 25 * 3600
    for part in folder.iterdir():
        os.utime(part, (long_ago, long_ago))
    RateLimitStore(rate_limit_file(hosts, "new"), clock).limits()
    other = RateLimitStore(at, clock)
    assert isinstance(reserve(other, clock, 5), int)
    assert isinstance(reserve(one, clock, 5), int)
    assert is_shared(one, other, clock)
    one.close()
    other.close()


# -- long use --------------------------------------------------------------------------------------------


def test_the_file_stays_small_after_days(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    one, other = stores(), stores()
    for number in range(1500):
        for each in (one, other):
            reserve(each, clock, 1)
            record_response(each, clock, 1)
        if number % 10 == 0:
            stores().limits()
            stores().close()
        clock.advance(59.0)
    assert path.stat().st_size < 200_000
    assert Path(f"{path}-wal").stat().st_size < 2_000_000
    assert max(len(state.history) for state in one.read().counters) <= 62


def test_a_process_that_reopens_the_file_keeps_its_number(
    path: Path, clock: FakeClock, stores: Callable[[], RateLimitStore]
) -> None:
    store = stores()
    for _ in range(5):
        assert isinstance(reserve(store, clock, 100), int)
        store.close()
        record_response(store, clock, 100, None)
    contents = store.read()
    assert [state.counter.in_flight for state in contents.counters] == [0]
    assert len(contents.processes) == 1
