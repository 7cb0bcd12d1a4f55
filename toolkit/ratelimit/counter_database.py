"""The file of the rate-limit store: opened, shared, and replaced by memory where it cannot be used.

A problem with the file never loses a result. A damaged file is set aside and created again. Where no file can
be used (read-only folder, full disk, a file system without locks), the same tables are kept in memory,
`problem` says why, and the file is tried again after a while. An error is raised only where the file is sound
and the caller's own arguments are at fault.
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
    retry_while_busy,
)
from toolkit.runtime import forks
from toolkit.runtime.cpu_lock import cpu_lock
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.storage import database, paths
from toolkit.storage.formats import Execute
from toolkit.storage.processes import is_alive, process_name, start_time
from toolkit.timing.clock import Clock

T = TypeVar("T")
Seed = Callable[[Execute, bool], None]
"""Fills tables with what is known; the flag says whether that was kept in memory meanwhile."""
_Identity = tuple[tuple[int, int] | None, ...]

# Longest wait within SQLite, during which no interrupt is noticed.
_SQLITE_TIMEOUT_S = 0.2
RETRY_FILE_AFTER_S = 60.0
# Small pages, because every small write costs a whole page.
_PAGE_SIZE = 512
_MAX_ATTEMPTS = 4

_databases: weakref.WeakSet[CounterDatabase] = weakref.WeakSet()


class CounterDatabase:
    """The tables of one rate-limit store, in a file or in memory. The caller holds a lock.

    Args:
        path: Path of the file; None to keep the tables in memory.
        clock: This machine's clock.
        problem: Why no file can be used, where that is known already.

    Attributes:
        process: Number of this process in the tables.
        problem: Why the tables are in memory although a file was wanted, "" otherwise.
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
        self._lock = threading.RLock()  # held during a transaction, so that no fork falls into it

    def run(self, work: Callable[[Execute], T], *, seed: Seed) -> T:
        """Run `work` as one transaction. It may run several times.

        Args:
            work: Reads and writes with the function that it is given.
            seed: Fills tables that were just opened.

        Raises:
            Exception: What `work` raised while the tables are sound.
        """
        attempts = 0
        while True:  # ends in memory at the latest, where `work` returns or raises
            with self._lock:
                connection, execute = self._ensure_open(seed)
                if connection.in_transaction:  # left by an interrupt during the handling of another one
                    connection.rollback()
                try:
                    # Commits or rolls back, also after an interrupt, so that the file does not stay locked.
                    with connection:
                        retry_while_busy(execute, "BEGIN IMMEDIATE")
                        with cpu_lock():  # not while another process keeps this one waiting
                            return work(execute)
                except FAILURES as error:
                    found = None if self._in_memory else fault(connection, error)
                    if found is None:
                        raise
                    attempts += 1
                    self._recover(found, give_up=attempts >= _MAX_ATTEMPTS)

    def reopen_if_replaced(self) -> None:
        """Open the file again where it was replaced or deleted, so that all processes use the same one."""
        if self._file is not None and _identity(self._name) != self._file:
            self.close()

    def close(self) -> None:
        """Close the tables. Tables in memory are lost."""
        connection, self._connection = self._connection, None
        self._execute = self._file = None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def __del__(self) -> None:
        self.close()

    # -- opening -----------------------------------------------------------------------------------

    def _ensure_open(self, seed: Seed) -> tuple[sqlite3.Connection, Execute]:
        """Return the connection, opened first where necessary, and the function that runs a statement."""
        is_due = self._in_memory and self._clock.monotonic() >= self._try_again_at
        if self._connection is not None and self._execute is not None and not is_due:
            return self._connection, self._execute
        if self._path is not None and (is_due or not self._in_memory):
            self._open_file(self._path, seed)
        if self._connection is None:
            self._in_memory = True
            if self._path is None:
                self._try_again_at = math.inf
            self._connection = self._open_tables(None, seed)
        # One cursor for all statements: making one costs as much as a statement.
        self._execute = self._connection.cursor().execute
        return self._connection, self._execute

    def _open_file(self, path: Path, seed: Seed) -> None:
        """Open the file, or create it again where it is damaged; use memory where that fails."""
        found, outside = None, sys.exception()
        for _ in range(_MAX_ATTEMPTS):
            try:
                with paths.locked_for_opening(path):
                    found = _identity(self._name)
                    connection = self._open_tables(path, seed)
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
        self._use_memory(DamagedError("it is damaged again each time it is created"))

    def _open_tables(self, path: Path | None, seed: Seed) -> sqlite3.Connection:
        """Open or create the tables, register this process and store what it knows."""
        before = self.process
        if path is None:
            connection = sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
        else:
            connection = database.connect(path, timeout=_SQLITE_TIMEOUT_S, shared=True)
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
            # Checked before anything is written: it may be another program's database.
            check_tables(connection.execute)
            if path is not None:
                database.identity(path, shared=True)  # checks the log too, which is open by now
            retry_while_busy(connection.execute, "PRAGMA journal_mode = WAL")
            # A power cut loses the counts of a minute at most.
            connection.execute("PRAGMA synchronous = OFF")
            retry_while_busy(connection.execute, "BEGIN IMMEDIATE")
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
        """Return the number of this process. Processes that have ended are deleted."""
        own = os.getpid()
        own_start = float(start_time(own) or 0.0)
        for number, pid, start in execute("SELECT id, pid, start_time FROM process").fetchall():
            if pid == own and abs(start - own_start) < 1.0 and not self._in_memory:
                return int(number)  # this process had the file open before
            if not is_alive(pid, start):
                execute(
                    "DELETE FROM process WHERE id = ?1 AND NOT EXISTS "
                    "(SELECT 1 FROM process_count WHERE process = ?1)",
                    (number,),
                )
        row = execute(
            "INSERT INTO process (pid, start_time, name) VALUES (?, ?, ?) RETURNING id",
            (own, own_start, process_name()),
        ).fetchone()
        return int(row[0])

    # -- failures ----------------------------------------------------------------------------------

    def _recover(self, error: Exception, give_up: bool) -> None:
        """After a failure: create a damaged file again, or use memory where no file can be used."""
        damaged = self._file
        self.close()  # some systems cannot move an open file
        was_replaced = damaged is not None and _identity(self._name)[0] != damaged[0]
        is_away = was_replaced or (
            self._path is not None and is_damage(error) and self._set_aside(self._path, damaged)
        )
        if give_up or not is_away:
            self._use_memory(error)

    def _set_aside(self, path: Path, damaged: _Identity | None) -> bool:
        """Rename a damaged file, unless another process has done so already. Returns whether it is gone."""
        outside = sys.exception()
        try:
            with paths.locked_for_opening(path):
                if damaged is not None and _identity(self._name)[0] == damaged[0]:
                    for tail in ("-wal", "-shm", ""):  # a link is renamed, not followed
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
    """Return what identifies the file and the write-ahead log beside it."""
    return _device_and_inode(name), _device_and_inode(f"{name}-wal")


def _device_and_inode(name: str) -> tuple[int, int] | None:
    with forgiving(OSError):
        stat = os.lstat(name)  # called before each request, and a Path takes twice as long
        return stat.st_dev, stat.st_ino
    return None


# SQLite's locks belong to a process, and a child that inherits an open file breaks those of its parent. So
# the file is closed before a fork, and parent and child open it again.


def _before_fork() -> None:
    for store in list(_databases):
        store._lock.acquire()
        if store._file is not None:
            store.close()


def _after_fork_in_parent() -> None:
    for store in list(_databases):
        with contextlib.suppress(RuntimeError):  # created during the fork
            store._lock.release()


@atexit.register
def _close_all() -> None:
    for store in list(_databases):
        store.close()


forks.around(_before_fork, _after_fork_in_parent)
