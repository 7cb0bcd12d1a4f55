"""The file of a journal: durable, opened for each transaction, and never confused with another file.

Every transaction that changes something adds a step to the file: a number and a random token. A process
remembers the newest step it saw of each journal. A file without that step was restored from a backup, or is
an earlier copy: it lacks what was sent since, so the process neither sends writes with it nor reads from it.
The same holds for another file, or another journal, at the path of the one that was used.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.errors import JournalError, PendingWriteError, UsageError
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.storage import database, earlier, files, formats, paths, users
from toolkit.storage.formats import Schema

LOCK_TIMEOUT_S = 10.0
"""Seconds to wait for other processes that are using the journal."""

_TABLES = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    arguments TEXT NOT NULL,
    same TEXT NOT NULL,
    subject TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    id_origin TEXT NOT NULL,
    digests TEXT NOT NULL,
    key TEXT NOT NULL,
    process TEXT NOT NULL, pid INTEGER NOT NULL, began REAL, boot TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    sent_at INTEGER,
    until INTEGER,
    status TEXT NOT NULL CHECK (status IN ('prepared', 'sending', 'confirmed', 'rejected', 'unknown')),
    reason TEXT NOT NULL,
    before TEXT,
    answer TEXT,
    resolved_at INTEGER,
    resolved_by TEXT,
    account TEXT
);
CREATE INDEX unresolved ON entries (subject) WHERE status IN ('prepared', 'sending', 'unknown');
CREATE TABLE steps (number INTEGER PRIMARY KEY, token BLOB NOT NULL);
CREATE TABLE salt (salt BLOB NOT NULL);
"""
SCHEMA = Schema(formats.JOURNAL, _TABLES + users.TABLE, earlier.JOURNALS)

# Allows one transaction at a time in this process, and no fork during one: SQLite would mistake the child for
# its parent, and the file would stay locked for as long as the child lives.
_lock: threading.RLock


def _make_lock() -> None:
    global _lock  # noqa: PLW0603 - in a child, a thread that does not exist there may hold the parent's
    _lock = threading.RLock()


forks.renew(_make_lock)


def _before_fork() -> None:
    _lock.acquire()


def _after_fork_in_parent() -> None:
    _lock.release()


forks.around(_before_fork, _after_fork_in_parent)


class Memory:
    """What this process remembers about the journals it has used.

    Attributes:
        steps: Number and token of the newest step it saw, by the journal's salt.
        files: Salt and identity of the file it used, by path.
    """

    def __init__(self) -> None:
        self.steps: dict[bytes, tuple[int, bytes]] = {}
        self.files: dict[str, tuple[bytes, tuple[int, int]]] = {}


_memory = Memory()


class JournalFile:
    """The file of one journal.

    Args:
        path: Path of the file, which is created if it does not exist.

    Attributes:
        path: As given.
        salt: The key of the digests in it.

    Raises:
        JournalError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.salt = b""
        self._real_path = os.path.realpath(path)
        with self.transaction(new=True) as file:
            salt = _salt(file)
            users.register(file)
        self.salt = salt

    @contextmanager
    def transaction(
        self, execution_note: str = "Nothing was sent.", *, new: bool = False
    ) -> Iterator[sqlite3.Connection]:
        """A transaction: on disk when it succeeds, rolled back when it fails.

        The file is opened for each transaction. Writes are rare, and this keeps forks and threads harmless.

        Args:
            execution_note: Whether the call that this is about may have been executed, for the error message.
            new: Open the journal, and create the file if it does not exist.

        Raises:
            JournalError: The file cannot be used, or is no longer the one that this process used.
        """
        outside = sys.exception()
        try:
            with _lock:
                if new and self._real_path not in _memory.files:
                    _create(self.path)
                identity = database.identity(self.path)
                with contextlib.closing(database.connect(self.path, timeout=LOCK_TIMEOUT_S)) as file:
                    file.execute("PRAGMA synchronous = EXTRA")
                    file.execute("PRAGMA fullfsync = ON")
                    file.execute("BEGIN IMMEDIATE")
                    changes = file.total_changes
                    _prepare(file)
                    self._check(file, identity, execution_note)
                    try:
                        yield file
                    except (PendingWriteError, UsageError):
                        self._commit(file, changes, identity)  # keep what was resolved on the way
                        raise
                    self._commit(file, changes, identity)
                if database.identity(self.path) != identity:
                    raise self.replaced("another file is at its path", execution_note)
        except (sqlite3.Error, OSError) as error:
            let_through(error, outside)
            if isinstance(error, FileNotFoundError) and self._real_path in _memory.files:
                raise self.replaced("the file no longer exists", execution_note) from error
            raise JournalError(
                f"The journal {self.path} cannot be used ({error}). {execution_note} No write is sent "
                "without a journal: nobody could tell later what was executed. Free disk space, fix the "
                f"permissions, or set {paths.JOURNAL} to another folder; a journal there does not know the "
                "writes in this one."
            ) from error

    def replaced(self, how: str, execution_note: str = "Nothing was sent.") -> JournalError:
        """The error for a file that is no longer the one this process used.

        Args:
            how: How this was noticed.
            execution_note: Whether the call that this is about may have been executed.
        """
        return JournalError(
            f"The journal {self.path} was replaced while this kernel was using it, for example by a backup: "
            f"{how}. {execution_note} No write is sent with the file that is there now, and nothing is read "
            "from it: it lacks the writes sent since, and would assign their numbers and idempotency keys "
            "again. Restore the newer file. If it is lost, look at the exchange for what was sent since the "
            "backup. Then restart the kernel, which uses the file that is there."
        )

    def _check(self, file: sqlite3.Connection, identity: tuple[int, int], execution_note: str) -> None:
        """Check that it is the file that this process used, in the same or a later state."""
        salt = _salt(file)
        known = _memory.files.get(self._real_path, (salt, identity))
        if salt != known[0] or salt != (self.salt or salt):
            raise self.replaced("another journal is at its path", execution_note)
        if identity != known[1]:
            raise self.replaced("another file is at its path", execution_note)
        number, token = _memory.steps.get(salt, (0, b""))
        found = file.execute("SELECT token FROM steps WHERE number = ?", (number,)).fetchone()
        if number and found != (token,):
            raise self.replaced("it is back in an earlier state", execution_note)

    def _commit(self, file: sqlite3.Connection, changes: int, identity: tuple[int, int]) -> None:
        """Add a step where something changed, commit, and remember the newest step."""
        if file.total_changes != changes:
            file.execute("INSERT INTO steps (token) VALUES (?)", (secrets.token_bytes(8),))
        salt = _salt(file)
        newest = file.execute("SELECT number, token FROM steps ORDER BY number DESC LIMIT 1").fetchone()
        if newest is None:
            raise sqlite3.DatabaseError("its steps are missing")
        file.execute("COMMIT")
        _memory.steps[salt] = newest
        _memory.files[self._real_path] = salt, identity


def _create(path: Path) -> None:
    """Create the file if it does not exist, readable by its owner only, in folders that survive a power cut.

    SQLite makes sure that the file's own directory entry is on disk.
    """
    for folder in files.make_folder(path.parent):
        _sync_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.close(files.make(path))


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, on systems that can."""
    with forgiving(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _salt(file: sqlite3.Connection) -> bytes:
    row = file.execute("SELECT salt FROM salt").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise sqlite3.DatabaseError("its salt is missing")
    return row[0]


def _prepare(file: sqlite3.Connection) -> None:
    """Create the tables in an empty file, or convert those of an earlier format.

    This happens in the transaction that then checks the newest step, so a file restored from a backup stays
    unchanged.
    """
    if SCHEMA.prepare(file.execute) == 0:
        file.execute("INSERT INTO salt VALUES (?)", (secrets.token_bytes(32),))
