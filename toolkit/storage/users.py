"""Which processes use a database, so that none is deleted under a program that still needs it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from toolkit.storage import database, processes

TABLE = "CREATE TABLE users (pid INTEGER NOT NULL, began REAL, boot TEXT NOT NULL);"


def sign_in(file: sqlite3.Connection) -> None:
    """Note that this process uses a database, and forget those that have ended."""
    own = (os.getpid(), processes.started(os.getpid()), processes.boot())
    users = file.execute("SELECT rowid, pid, began, boot FROM users").fetchall()
    here = False
    for row, *user in users:
        if not processes.runs(*user):
            file.execute("DELETE FROM users WHERE rowid = ?", (row,))
        elif user[0] == own[0]:
            here = True
    if not here:
        file.execute("INSERT INTO users VALUES (?, ?, ?)", own)


def delete_unless_used(path: Path) -> None:
    """Delete a database, unless a process that uses it still runs.

    Raises:
        OSError: It cannot be deleted.
    """
    try:
        with contextlib.closing(database.connect(path, timeout=0)) as file:
            file.execute("BEGIN EXCLUSIVE")
            users = file.execute("SELECT pid, began, boot FROM users").fetchall()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN):
            return
        users = []  # whatever it is, nobody could use it
    if not any(processes.runs(*user) for user in users):
        path.unlink()
        Path(f"{path}-journal").unlink(missing_ok=True)
