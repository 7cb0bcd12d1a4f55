"""The file that a journal is: it outlives a power cut, is opened for each step, and never mistaken.

Every transaction that changes something leaves a step in it: a number and a random token. A process keeps
the newest step it saw of each journal. A file in which that step is not any more was put back from a backup,
or is a copy that was made before: what was sent since is not in it, so nothing is sent by it and nothing is
read in it. So it is with another file, or another journal, in the place of the one that was used.
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
"""Seconds to wait for other processes that use the journal at this moment."""

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
    resolved_by TEXT
);
CREATE INDEX unresolved ON entries (subject) WHERE status IN ('prepared', 'sending', 'unknown');
CREATE TABLE steps (number INTEGER PRIMARY KEY, token BLOB NOT NULL);
CREATE TABLE salt (salt BLOB NOT NULL);
"""
SCHEMA = Schema(formats.JOURNAL, _TABLES + users.TABLE, earlier.JOURNALS)

# One transaction at a time in this process, and no fork while one is open: SQLite would take the child
# for its parent, and find the file locked for as long as it lives.
_roll_over: threading.RLock


def _make_turn() -> None:
    global _roll_over  # noqa: PLW0603 - in a child, the parent's may be held by a thread that is not there
    _roll_over = threading.RLock()


forks.renew(_make_turn)


def _before_fork() -> None:
    _roll_over.acquire()


def _after_fork_in_parent() -> None:
    _roll_over.release()


forks.around(_before_fork, _after_fork_in_parent)


class Memory:
    """What this process knows of the journals it has used.

    Attributes:
        steps: Number and token of the newest step it saw, by the journal's salt.
        places: Salt and file of what it used in a place, by its path.
    """

    def __init__(self) -> None:
        self.steps: dict[bytes, tuple[int, bytes]] = {}
        self.places: dict[str, tuple[bytes, tuple[int, int]]] = {}


_memory = Memory()


class JournalFile:
    """The file of one journal.

    Args:
        path: Where it is; it is made where there is none.

    Attributes:
        path: As given.
        salt: What digests in it are made with.

    Raises:
        JournalError: It cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.salt = b""
        self._paths = os.path.realpath(path)
        with self.transaction(new=True) as file:
            salt = _salt(file)
            users.sign_in(file)
        self.salt = salt

    @contextmanager
    def transaction(
        self, executed: str = "Nothing was sent.", *, new: bool = False
    ) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk when it ends well, undone when it does not.

        The file is opened for each: writes are rare, and so neither forks nor threads can do harm.

        Args:
            executed: What is known of the call that it is about, for the error.
            new: The journal is opened, and made where there is none.

        Raises:
            JournalError: The file cannot be used, or is not the one any more that this process used.
        """
        outside = sys.exception()
        try:
            with _roll_over:
                if new and self._paths not in _memory.places:
                    _make(self.path)
                which = database.which(self.path)
                with contextlib.closing(database.connect(self.path, timeout=LOCK_TIMEOUT_S)) as file:
                    file.execute("PRAGMA synchronous = EXTRA")
                    file.execute("PRAGMA fullfsync = ON")
                    file.execute("BEGIN IMMEDIATE")
                    changes = file.total_changes
                    _made(file)
                    self._check(file, which, executed)
                    try:
                        yield file
                    except (PendingWriteError, UsageError):
                        self._commit(file, changes, which)  # what was found out on the way holds
                        raise
                    self._commit(file, changes, which)
                if database.which(self.path) != which:
                    raise self.replaced("another file is in its place", executed)
        except (sqlite3.Error, OSError) as error:
            let_through(error, outside)
            if isinstance(error, FileNotFoundError) and self._paths in _memory.places:
                raise self.replaced("it is not there any more", executed) from error
            raise JournalError(
                f"The journal {self.path} cannot be used ({error}). {executed} No write is sent without it, "
                "as nobody could tell later what was done. Give it room or rights, or name another folder in "
                f"{paths.JOURNAL}; what this one remembers is not known there."
            ) from error

    def replaced(self, how: str, executed: str = "Nothing was sent.") -> JournalError:
        """The error of a file that is not the one any more that was used.

        Args:
            how: How that is seen.
            executed: What is known of the call that it is about.
        """
        return JournalError(
            f"The journal {self.path} was replaced while this kernel used it, perhaps by a copy from a "
            f"backup: {how}. {executed} No write is sent by what is there now and nothing is told from it: "
            "it does not know what was sent since, and gives numbers and names again. Put the newer file "
            "back; where that is lost, look at the exchange for what was sent since the backup. Then restart "
            "the kernel, which goes on with the file that is there."
        )

    def _check(self, file: sqlite3.Connection, which: tuple[int, int], executed: str) -> None:
        """Whether it is the file that this process used, and has not gone back."""
        salt = _salt(file)
        known = _memory.places.get(self._paths, (salt, which))
        if salt != known[0] or salt != (self.salt or salt):
            raise self.replaced("another journal is in its place", executed)
        if which != known[1]:
            raise self.replaced("another file is in its place", executed)
        number, token = _memory.steps.get(salt, (0, b""))
        there = file.execute("SELECT token FROM steps WHERE number = ?", (number,)).fetchone()
        if number and there != (token,):
            raise self.replaced("it has gone back to how it was before", executed)

    def _commit(self, file: sqlite3.Connection, changes: int, which: tuple[int, int]) -> None:
        """Leave a step where something was changed, and keep in mind how far the file has come."""
        if file.total_changes != changes:
            file.execute("INSERT INTO steps (token) VALUES (?)", (secrets.token_bytes(8),))
        salt = _salt(file)
        newest = file.execute("SELECT number, token FROM steps ORDER BY number DESC LIMIT 1").fetchone()
        if newest is None:
            raise sqlite3.DatabaseError("its steps are missing")
        file.execute("COMMIT")
        _memory.steps[salt] = newest
        _memory.places[self._paths] = salt, which


def _make(path: Path) -> None:
    """Make the file where there is none, for its owner alone, in a folder that a power cut leaves there.

    SQLite sees to it that the file's own name is on the disk.
    """
    for folder in files.make_folder(path.parent):
        _sync(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.close(files.make(path))


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that with folders."""
    with forgiving(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _salt(file: sqlite3.Connection) -> bytes:
    row = file.execute("SELECT salt FROM salt").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise sqlite3.DatabaseError("its salt is missing")
    return row[0]


def _made(file: sqlite3.Connection) -> None:
    """Have tables of today's format in the file: made in an empty one, and those of an earlier one rebuilt.

    All of it happens in the transaction that then looks whether the file has gone back: one that was put back
    from a backup stays as it was.
    """
    if SCHEMA.prepare(file.execute) == 0:
        file.execute("INSERT INTO salt VALUES (?)", (secrets.token_bytes(32),))
