"""The file under the ledger: opened, shared, and done without where it cannot be had.

A budget must never be the reason why a result is lost. So whatever is wrong with the file, the work
goes on: a damaged one is set aside and begun anew; where none can be had (read-only folder, full disk,
a file system that cannot lock) the same tables are kept in memory, `problem` says why, and the file is
tried again after a while.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from toolkit.wire.clock import Clock
from toolkit.wire.ledger import place
from toolkit.wire.ledger.processes import is_alive, own_name, started

T = TypeVar("T")
Execute = Callable[..., sqlite3.Cursor]

# How long another process may hold the file before it is done without; writing takes some 20 microseconds.
LOCK_PATIENCE = 1.5
TRY_AGAIN_AFTER = 60.0
# Small pages: each write of a few numbers costs one.
_PAGE = 512
_MEMORY = ":memory:"
_TRIES = 4

_SCHEMA = """
CREATE TABLE process (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL CHECK (typeof(pid) = 'integer'),
    started REAL NOT NULL CHECK (typeof(started) = 'real'),
    name TEXT NOT NULL);
CREATE TABLE counter (
    id INTEGER PRIMARY KEY,
    pool TEXT NOT NULL,
    path TEXT NOT NULL,
    seconds INTEGER NOT NULL CHECK (typeof(seconds) = 'integer'),
    door TEXT NOT NULL,
    window INTEGER NOT NULL CHECK (typeof(window) = 'integer'),
    told INTEGER NOT NULL CHECK (typeof(told) = 'integer'),
    told_at REAL NOT NULL CHECK (typeof(told_at) = 'real'),
    pace REAL NOT NULL CHECK (typeof(pace) = 'real'),
    paced_at REAL NOT NULL CHECK (typeof(paced_at) = 'real'),
    paced_others INTEGER NOT NULL CHECK (typeof(paced_others) = 'integer'),
    doubtful INTEGER NOT NULL CHECK (typeof(doubtful) = 'integer'),
    doubtful_since REAL NOT NULL CHECK (typeof(doubtful_since) = 'real'),
    others INTEGER NOT NULL CHECK (typeof(others) = 'integer'),
    expected INTEGER NOT NULL CHECK (typeof(expected) = 'integer'),
    UNIQUE (pool, path, seconds));
CREATE TABLE part (
    counter INTEGER NOT NULL,
    process INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (typeof(used) = 'integer'),
    in_flight INTEGER NOT NULL CHECK (typeof(in_flight) = 'integer'),
    carried INTEGER NOT NULL CHECK (typeof(carried) = 'integer'),
    sent_at REAL NOT NULL CHECK (typeof(sent_at) = 'real'),
    PRIMARY KEY (counter, process)) WITHOUT ROWID;
CREATE TABLE history (
    counter INTEGER NOT NULL,
    window INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (typeof(used) = 'integer'),
    PRIMARY KEY (counter, window)) WITHOUT ROWID;
CREATE TABLE halt (
    host TEXT PRIMARY KEY,
    until REAL NOT NULL CHECK (typeof(until) = 'real'),
    wall_until REAL NOT NULL CHECK (typeof(wall_until) = 'real'),
    seconds REAL NOT NULL CHECK (typeof(seconds) = 'real'),
    boot TEXT NOT NULL);
CREATE TABLE rule (
    pool TEXT NOT NULL,
    kind TEXT NOT NULL,
    seconds INTEGER NOT NULL CHECK (typeof(seconds) = 'integer'),
    most INTEGER NOT NULL CHECK (typeof(most) = 'integer'),
    learnt REAL NOT NULL CHECK (typeof(learnt) = 'real'),
    PRIMARY KEY (pool, kind, seconds)) WITHOUT ROWID;
CREATE TABLE clock (
    host TEXT PRIMARY KEY,
    ahead REAL NOT NULL CHECK (typeof(ahead) = 'real'),
    error REAL NOT NULL CHECK (typeof(error) = 'real'),
    measured REAL NOT NULL CHECK (typeof(measured) = 'real'),
    boot TEXT NOT NULL);
CREATE TABLE other_count (
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    seconds INTEGER NOT NULL CHECK (typeof(seconds) = 'integer'),
    window INTEGER NOT NULL CHECK (typeof(window) = 'integer'),
    used INTEGER NOT NULL CHECK (typeof(used) = 'integer'),
    PRIMARY KEY (host, kind, seconds)) WITHOUT ROWID;
"""


class _DamagedError(Exception):
    """The file is no ledger."""


# Connections of the process that this one was forked from: closing them here would harm theirs.
_inherited: list[sqlite3.Connection] = []


class Store:
    """The tables of one ledger. One thread at a time: its user has a lock.

    Args:
        path: The file; None to keep them in memory.
        clock: This machine's clock.

    Attributes:
        process: Number of this process in them.
        problem: Why they are in memory although a file was wanted; "" where they are not.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._execute: Execute | None = None
        self._in_memory = False
        self._file: tuple[int, int] | None = None
        self._pid = os.getpid()
        self._try_again_at = 0.0
        self.process = 0
        self.problem = ""

    def run(self, work: Callable[[Execute], T], *, seed: Callable[[Execute], None]) -> T:
        """Have `work` done as one transaction; it may be begun again from the start.

        Args:
            work: Reads and writes with the function it is given.
            seed: Writes what is known into tables that are new.
        """
        for _ in range(_TRIES):
            execute = self._ready(seed)
            try:
                execute("BEGIN IMMEDIATE")
                result = work(execute)
                execute("COMMIT")
            except BaseException as error:  # an interrupt, too, must not leave the file locked
                self._roll_back()
                if not isinstance(error, sqlite3.Error) or self._in_memory:
                    raise
                self._go_on_without(error)
            else:
                return result
        raise AssertionError("the last try is in memory, and returns or raises")

    def check_place(self) -> None:
        """Whether the file is still where it was: who deletes or moves it must not split the machine."""
        if self._path is not None and self._file is not None and _identity(self._path) != self._file:
            self._close()

    def close(self) -> None:
        """Close the file."""
        self._close()

    # -- opening -----------------------------------------------------------------------------------

    def _ready(self, seed: Callable[[Execute], None]) -> Execute:
        """What runs a statement on the tables, which are opened first where they are not."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            if self._connection is not None and not self._in_memory:
                _inherited.append(self._connection)
                self._connection = self._file = None
                self._execute = None
        again = bool(self.problem) and self._clock.monotonic() >= self._try_again_at
        if self._execute is not None and not again:
            return self._execute
        if self._path is not None and (again or not self._in_memory):
            self._open_file(self._path, seed)
        if self._connection is None:
            self._in_memory = True
            self._connection = self._begin(_MEMORY, seed)
        # One cursor for all: making one anew costs as much as a statement.
        self._execute = self._connection.cursor().execute
        return self._execute

    def _open_file(self, path: Path, seed: Callable[[Execute], None]) -> None:
        """Open the file, begun anew where it is damaged; where that fails all stays as it is."""
        for _ in range(2):
            found = _identity(path)
            try:
                place.make_room(path)
                connection = self._begin(str(path), seed)
                place.open_to_group(path)
            except (sqlite3.Error, _DamagedError, OSError) as error:
                if _is_damage(error) and self._set_aside(path, found):
                    continue
                self._lack(error)
            else:
                self._close()
                self._connection, self._file = connection, _identity(path)
                self._in_memory, self.problem = False, ""
            return

    def _begin(self, name: str, seed: Callable[[Execute], None]) -> sqlite3.Connection:
        """Open or make the tables, sign this process in and write down what it knows."""
        connection = sqlite3.connect(
            name, timeout=LOCK_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            _patiently(connection, "PRAGMA journal_mode = WAL")
            # What a power cut takes away is no more than the counts of a minute.
            connection.execute("PRAGMA synchronous = OFF")
            _patiently(connection, "BEGIN IMMEDIATE")
            _make_tables(connection.execute)
            self.process = self._sign_in(connection.execute)
            seed(connection.execute)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _sign_in(self, execute: Execute) -> int:
        """The number of this process. Processes that have ended are forgotten."""
        for number, pid, began in execute("SELECT id, pid, started FROM process").fetchall():
            if not is_alive(pid, began):
                execute(
                    "DELETE FROM process WHERE id = ?1 AND NOT EXISTS "
                    "(SELECT 1 FROM part WHERE process = ?1)",
                    (number,),
                )
        row = execute(
            "INSERT INTO process (pid, started, name) VALUES (?, ?, ?) RETURNING id",
            (self._pid, float(started(self._pid) or time.time()), own_name()),
        ).fetchone()
        return int(row[0])

    # -- when it goes wrong ------------------------------------------------------------------------

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _go_on_without(self, error: sqlite3.Error) -> None:
        """The open file failed: begin anew where it is damaged, in memory where it cannot be had."""
        if self._path is None or not _is_damage(error) or not self._set_aside(self._path, self._file):
            self._lack(error)
        self._close()

    def _set_aside(self, path: Path, damaged: tuple[int, int] | None) -> bool:
        """Move a damaged file out of the way, unless another process has done so already."""
        if _identity(path) != damaged:
            return True
        try:
            for tail in ("", "-wal", "-shm"):
                part = Path(f"{path}{tail}")
                if part.exists():
                    part.replace(f"{path}.damaged{tail}")
        except OSError as error:
            self._lack(error)
            return False
        return True

    def _lack(self, error: Exception) -> None:
        self._in_memory = True
        self._try_again_at = self._clock.monotonic() + TRY_AGAIN_AFTER
        reason = error.strerror if isinstance(error, OSError) else str(error)
        where = self._path.parent if self._path else ""
        self.problem = f"the ledger in {where} cannot be used ({reason or type(error).__name__})"

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._execute = self._file = None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _make_tables(execute: Execute) -> None:
    """Make the tables where there are none, and check them where there are."""
    (version,) = execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in _SCHEMA.split(";\n"):
            execute(statement)
        execute(f"PRAGMA user_version = {place.SCHEMA}")
    elif version != place.SCHEMA or execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _DamagedError


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement for which SQLite does not wait by itself while others begin the same file."""
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            connection.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT}


def _is_damage(error: Exception) -> bool:
    """Whether the file is at fault, rather than the disk or the folder it lies in."""
    if isinstance(error, sqlite3.Error):
        code: Any = getattr(error, "sqlite_errorcode", None)
        return code is not None and (code & 0xFF) in _DAMAGE
    return isinstance(error, _DamagedError)
