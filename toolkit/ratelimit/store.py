"""The file under the ledger: opened, shared, and done without where it cannot be had.

A budget must never be the reason why a result is lost. So whatever is wrong with the file, the work
goes on: a damaged one is set aside and begun anew; where none can be had (read-only folder, full disk,
a file system that cannot lock) the same tables are kept in memory, `problem` says why, and the file is
tried again after a while. Only what is wrong with a sound file is the caller's own mistake, and raised.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from toolkit.ratelimit.tables import (
    FAILURES,
    MEMORY,
    DamagedError,
    check_tables,
    fault,
    is_damage,
    make_tables,
    patiently,
)
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.storage import database, paths
from toolkit.storage.formats import Execute
from toolkit.storage.processes import is_alive, own_name, started
from toolkit.timing.clock import Clock

T = TypeVar("T")
Seed = Callable[[Execute, bool], None]
"""Writes down what is known; whether the tables it comes from were kept in memory meanwhile."""
_Identity = tuple[tuple[int, int] | None, ...]

# SQLite waits so long by itself; an interrupt is noticed only in between.
_SQLITE_TIMEOUT_S = 0.2
RETRY_FILE_AFTER_S = 60.0
# Small pages: each write of a few numbers costs one.
_PAGE = 512
_TRIES = 4

_databases: weakref.WeakSet[CounterDatabase] = weakref.WeakSet()


class CounterDatabase:
    """The tables of one ledger. One thread at a time: its user has a lock.

    Args:
        path: The file; None to keep them in memory.
        clock: This machine's clock.
        problem: Why there is no file to be had, where that is known beforehand.

    Attributes:
        process: Number of this process in them.
        problem: Why they are in memory although a file was wanted; "" where they are not.
    """

    def __init__(self, path: Path | None, clock: Clock, problem: str = "") -> None:
        self._connection: sqlite3.Connection | None = None
        self._path = path
        self._name = str(path)
        self._clock = clock
        self._execute: Execute | None = None
        self._in_memory = False
        self._file: _Identity | None = None
        self._try_again_at = 0.0
        self.process = 0
        self.problem = problem
        forks.renew(self._make_lock)
        _databases.add(self)

    def _make_lock(self) -> None:
        self._lock = threading.RLock()  # against a fork in another thread

    def run(self, work: Callable[[Execute], T], *, seed: Seed) -> T:
        """Have `work` done as one transaction; it may be begun again from the start.

        Args:
            work: Reads and writes with the function it is given.
            seed: Writes what is known into tables that were just opened.

        Raises:
            Exception: What `work` raised, though nothing is wrong with the tables.
        """
        tries = 0
        while True:  # what cannot be done with the file is done in memory, and that returns or raises
            with self._lock:
                connection, execute = self._ready(seed)
                if connection.in_transaction:  # of an interrupt that came while another was dealt with
                    connection.rollback()
                try:
                    # Commits or rolls back at the end, also where an interrupt strikes: the file must not
                    # stay locked.
                    with connection:
                        patiently(execute, "BEGIN IMMEDIATE")
                        return work(execute)
                except FAILURES as error:
                    found = None if self._in_memory else fault(connection, error)
                    if found is None:
                        raise
                    tries += 1
                    self._recover(found, give_up=tries >= _TRIES)

    def reopen_if_replaced(self) -> None:
        """Open the file anew where it is another by now: who deletes it must not split the machine."""
        if self._file is not None and _identity(self._name) != self._file:
            self.close()

    def close(self) -> None:
        """Close the tables; what is in memory is lost."""
        connection, self._connection = self._connection, None
        self._execute = self._file = None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def __del__(self) -> None:
        self.close()

    # -- opening -----------------------------------------------------------------------------------

    def _ready(self, seed: Seed) -> tuple[sqlite3.Connection, Execute]:
        """The tables, which are opened first where they are not, and what runs a statement on them."""
        is_due = self._in_memory and self._clock.monotonic() >= self._try_again_at
        if self._connection is not None and self._execute is not None and not is_due:
            return self._connection, self._execute
        if self._path is not None and (is_due or not self._in_memory):
            self._open_file(self._path, seed)
        if self._connection is None:
            self._in_memory = True
            if self._path is None:
                self._try_again_at = math.inf
            self._connection = self._begin(None, seed)
        # One cursor for all: making one anew costs as much as a statement.
        self._execute = self._connection.cursor().execute
        return self._connection, self._execute

    def _open_file(self, path: Path, seed: Seed) -> None:
        """Open the file, begun anew where it is damaged; where that fails all stays as it is."""
        found, outside = None, sys.exception()
        for _ in range(_TRIES):
            try:
                with paths.opening(path):
                    found = _identity(self._name)
                    connection = self._begin(path, seed)
            except (*FAILURES, OSError) as error:
                let_through(error, outside)
                was_replaced = found is not None and _identity(self._name)[0] != found[0]
                if was_replaced or (is_damage(error) and self._set_aside(path, found)):
                    continue
                self._use_memory(error)
                return
            self.close()
            self._connection, self._file = connection, _identity(self._name)
            self._in_memory, self.problem = False, ""
            return
        self._use_memory(DamagedError("it is damaged time and again"))

    def _begin(self, path: Path | None, seed: Seed) -> sqlite3.Connection:
        """Open or make the tables, sign this process in and write down what it knows."""
        before = self.process
        if path is None:
            connection = sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
        else:
            connection = database.connect(path, timeout=_SQLITE_TIMEOUT_S, shared=True)
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            # Seen before anything is written: it may be the database of something else.
            check_tables(connection.execute)
            if path is not None:
                database.which(path, shared=True)  # its log is open by now, too
            patiently(connection.execute, "PRAGMA journal_mode = WAL")
            # What a power cut takes away is no more than the counts of a minute.
            connection.execute("PRAGMA synchronous = OFF")
            patiently(connection.execute, "BEGIN IMMEDIATE")
            make_tables(connection.execute)
            self.process = self._register_process(connection.execute)
            seed(connection.execute, self._in_memory)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            self.process = before
            raise
        return connection

    def _register_process(self, execute: Execute) -> int:
        """The number of this process. Processes that have ended are forgotten."""
        own = os.getpid()
        began = float(started(own) or 0.0)
        for number, pid, then in execute("SELECT id, pid, started FROM process").fetchall():
            if pid == own and abs(then - began) < 1.0 and not self._in_memory:
                return int(number)  # it had the file open before
            if not is_alive(pid, then):
                execute(
                    "DELETE FROM process WHERE id = ?1 AND NOT EXISTS "
                    "(SELECT 1 FROM process_count WHERE process = ?1)",
                    (number,),
                )
        row = execute(
            "INSERT INTO process (pid, started, name) VALUES (?, ?, ?) RETURNING id",
            (own, began, own_name()),
        ).fetchone()
        return int(row[0])

    # -- when it goes wrong ------------------------------------------------------------------------

    def _recover(self, error: Exception, give_up: bool) -> None:
        """The open file failed: begin anew where it is damaged, in memory where it cannot be had."""
        damaged = self._file
        self.close()  # where files that are open cannot be moved
        was_replaced = damaged is not None and _identity(self._name)[0] != damaged[0]
        is_away = was_replaced or (
            self._path is not None and is_damage(error) and self._set_aside(self._path, damaged)
        )
        if give_up or not is_away:
            self._use_memory(error)

    def _set_aside(self, path: Path, damaged: _Identity | None) -> bool:
        """Move a damaged file out of the way, unless another process has done so already."""
        outside = sys.exception()
        try:
            with paths.opening(path):
                if damaged is not None and _identity(self._name)[0] == damaged[0]:
                    for tail in ("-wal", "-shm", ""):  # renamed as they are: a link is not followed
                        with contextlib.suppress(FileNotFoundError):
                            Path(f"{path}{tail}").replace(f"{path}.damaged{tail}")
        except OSError as error:
            let_through(error, outside)
            return False
        return True

    def _use_memory(self, error: Exception) -> None:
        self._in_memory = True
        self._try_again_at = self._clock.monotonic() + RETRY_FILE_AFTER_S
        reason = error.strerror if isinstance(error, OSError) else str(error)
        where = self._path.parent if self._path else ""
        self.problem = f"the rate-limit file in {where} cannot be used ({reason or type(error).__name__})"


def _identity(name: str) -> _Identity:
    """Which file it is, and which log beside it holds what was written lately."""
    return _numbers(name), _numbers(f"{name}-wal")


def _numbers(name: str) -> tuple[int, int] | None:
    with forgiving(OSError):
        stat = os.lstat(name)  # asked before each request, and a Path takes twice as long
        return stat.st_dev, stat.st_ino
    return None


# SQLite keeps its locks by process: a child that inherits an open file breaks those of its parent. So it is
# closed before a fork, and each of the two opens it again.


def _before_fork() -> None:
    for store in list(_databases):
        store._lock.acquire()
        if store._file is not None:
            store.close()


def _after_fork_in_parent() -> None:
    for store in list(_databases):
        with contextlib.suppress(RuntimeError):  # made in between
            store._lock.release()


@atexit.register
def _close_all() -> None:
    for store in list(_databases):
        store.close()


forks.around(_before_fork, _after_fork_in_parent)
