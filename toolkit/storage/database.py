"""Opens the SQLite databases of the package.

SQLite opens files by name, and companion files beside them. They are checked before and after opening, but
never opened by us as well: closing a file releases all locks that this process has on it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from toolkit.storage import files
from toolkit.storage.formats import Execute

FileIdentity = tuple[int, int]
"""Device and inode: they tell a file from another one of the same name."""

_COMPANIONS = ("-wal", "-shm", "-journal")


def connect(path: Path, *, timeout: float, shared: bool = False) -> sqlite3.Connection:
    """Open an existing database, without Python's implicit transactions.

    Args:
        path: Path of the database.
        timeout: Seconds to wait while other processes have it locked.
        shared: As in `files.check`.

    Raises:
        UnsafeFileError: The database or one of its companion files is not safe to use.
        FileNotFoundError: It does not exist.
        sqlite3.Error: It cannot be opened.
    """
    before = identity(path, shared=shared)
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    try:
        _check_same(path, before, identity(path, shared=shared))
        # Others may have written the schema, so it must not call functions.
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def retry_while_busy(execute: Execute, statement: str, timeout: float) -> sqlite3.Cursor:
    """Run a statement, and retry it while other processes have the database locked.

    Args:
        execute: Runs a statement.
        statement: The statement.
        timeout: Seconds to retry. An interrupt ends the wait.

    Raises:
        sqlite3.Error: It cannot be run.
    """
    end = None
    while True:
        try:
            return execute(statement)
        except sqlite3.OperationalError as error:
            end = end or time.monotonic() + timeout
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.005)


def _check_same(path: Path, before: FileIdentity, now: FileIdentity) -> None:
    if before != now:
        raise files.UnsafeFileError(path, "was replaced while it was opened")


def identity(path: Path, *, shared: bool = False) -> FileIdentity:
    """Return what identifies the file of a database, after checking it and its companion files.

    Args:
        path: Path of the database.
        shared: As in `files.check`.

    Raises:
        UnsafeFileError: The database or one of its companion files is not safe to use.
        OSError: It does not exist, or cannot be inspected.
    """
    status = os.lstat(path)
    files.check(path, status, shared=shared)
    for tail in _COMPANIONS:
        companion = path.with_name(f"{path.name}{tail}")
        with suppress(FileNotFoundError):
            files.check(companion, os.lstat(companion), shared=shared)
    return status.st_dev, status.st_ino
