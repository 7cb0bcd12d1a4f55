"""SQLite databases of ours.

SQLite opens files by name, and others beside them. What it would open is looked at before and afterwards,
and never opened by us as well: closing a file ends all locks that this process has on it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from toolkit.storage import files
from toolkit.storage.formats import Execute

Which = tuple[int, int]
"""What tells a file from another one of the same name."""

_BESIDE = ("-wal", "-shm", "-journal")


def connect(path: Path, *, timeout: float, shared: bool = False) -> sqlite3.Connection:
    """Open a database that is there, without transactions of Python's own.

    Args:
        path: Where it is.
        timeout: Seconds to wait for others who have it locked.
        shared: As in `files.check`.

    Raises:
        UnsafeFileError: It, or a file that SQLite keeps beside it, is no file of ours.
        FileNotFoundError: It is not there.
        sqlite3.Error: It cannot be opened.
    """
    before = which(path, shared=shared)
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    try:
        _check_same(path, before, which(path, shared=shared))
        # Others may have written the schema: what it calls may do no harm.
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def patiently(execute: Execute, statement: str, patience: float) -> sqlite3.Cursor:
    """Run a statement that others may keep from being run for a while.

    Args:
        execute: Runs a statement.
        statement: The statement.
        patience: Seconds to wait for others. An interrupt is noticed meanwhile.

    Raises:
        sqlite3.Error: It cannot be run.
    """
    end = None
    while True:
        try:
            return execute(statement)
        except sqlite3.OperationalError as error:
            end = end or time.monotonic() + patience
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.005)


def _check_same(path: Path, before: Which, now: Which) -> None:
    if before != now:
        raise files.UnsafeFileError(path, "was replaced while it was opened")


def which(path: Path, *, shared: bool = False) -> Which:
    """Which file a database is.

    Raises:
        UnsafeFileError: It, or a file that SQLite keeps beside it, is no file of ours.
        OSError: It is not there, or cannot be looked at.
    """
    status = os.lstat(path)
    files.check(path, status, shared=shared)
    for tail in _BESIDE:
        beside = path.with_name(f"{path.name}{tail}")
        with suppress(FileNotFoundError):
            files.check(beside, os.lstat(beside), shared=shared)
    return status.st_dev, status.st_ino
