"""Records which processes use a database, so that it is not deleted while one still needs it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from toolkit.storage import database, processes

TABLE = "CREATE TABLE users (pid INTEGER NOT NULL, began REAL, boot TEXT NOT NULL);"


def register(file: sqlite3.Connection) -> None:
    """Record that this process uses a database, and remove processes that have ended."""
    own = (os.getpid(), processes.start_time(os.getpid()), processes.boot_id())
    users = file.execute("SELECT rowid, pid, began, boot FROM users").fetchall()
    is_registered = False
    for row, *user in users:
        if not processes.is_running(*user):
            file.execute("DELETE FROM users WHERE rowid = ?", (row,))
        elif user[0] == own[0]:
            is_registered = True
    if not is_registered:
        file.execute("INSERT INTO users VALUES (?, ?, ?)", own)


def delete_if_unused(path: Path) -> None:
    """Delete a database unless a process that uses it still runs.

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
        users = []  # not a usable database
    if not any(processes.is_running(*user) for user in users):
        path.unlink()
        Path(f"{path}-journal").unlink(missing_ok=True)
