"""The tables of the rate-limit store, and checks of their contents."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from typing import Any

from toolkit.storage import database, formats
from toolkit.storage.formats import Execute, ForeignDatabaseError, Schema

# How long other processes may lock the file before memory is used instead. A write takes some 20
# microseconds, but a process whose threads compute may be suspended during one.
LOCK_TIMEOUT_S = 5.0
MEMORY = ":memory:"

_TABLES = """
CREATE TABLE process (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL CHECK (typeof(pid) = 'integer'),
    start_time REAL NOT NULL CHECK (typeof(start_time) = 'real'),
    name TEXT NOT NULL);
CREATE TABLE counter (
    id INTEGER PRIMARY KEY,
    rate_limit TEXT NOT NULL,
    path TEXT NOT NULL,
    seconds INTEGER NOT NULL CHECK (typeof(seconds) = 'integer'),
    endpoint TEXT NOT NULL,
    window INTEGER NOT NULL CHECK (typeof(window) = 'integer'),
    reported INTEGER NOT NULL CHECK (typeof(reported) = 'integer'),
    reported_at REAL NOT NULL CHECK (typeof(reported_at) = 'real'),
    rate REAL NOT NULL CHECK (typeof(rate) = 'real'),
    rate_at REAL NOT NULL CHECK (typeof(rate_at) = 'real'),
    rate_external INTEGER NOT NULL CHECK (typeof(rate_external) = 'integer'),
    unconfirmed INTEGER NOT NULL CHECK (typeof(unconfirmed) = 'integer'),
    unconfirmed_since REAL NOT NULL CHECK (typeof(unconfirmed_since) = 'real'),
    external INTEGER NOT NULL CHECK (typeof(external) = 'integer'),
    expected INTEGER NOT NULL CHECK (typeof(expected) = 'integer'),
    UNIQUE (rate_limit, path, seconds));
CREATE TABLE process_count (
    counter INTEGER NOT NULL,
    process INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (typeof(used) = 'integer'),
    in_flight INTEGER NOT NULL CHECK (typeof(in_flight) = 'integer'),
    carried_over INTEGER NOT NULL CHECK (typeof(carried_over) = 'integer'),
    sent_at REAL NOT NULL CHECK (typeof(sent_at) = 'real'),
    PRIMARY KEY (counter, process)) WITHOUT ROWID;
CREATE TABLE history (
    counter INTEGER NOT NULL,
    window INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (typeof(used) = 'integer'),
    PRIMARY KEY (counter, window)) WITHOUT ROWID;
CREATE TABLE backoff (
    host TEXT PRIMARY KEY,
    until REAL NOT NULL CHECK (typeof(until) = 'real'),
    wall_until REAL NOT NULL CHECK (typeof(wall_until) = 'real'),
    seconds REAL NOT NULL CHECK (typeof(seconds) = 'real'),
    boot TEXT NOT NULL);
CREATE TABLE reported_limit (
    rate_limit TEXT NOT NULL,
    kind TEXT NOT NULL,
    seconds INTEGER NOT NULL CHECK (typeof(seconds) = 'integer'),
    max_count INTEGER NOT NULL CHECK (typeof(max_count) = 'integer'),
    reported_at REAL NOT NULL CHECK (typeof(reported_at) = 'real'),
    PRIMARY KEY (rate_limit, kind, seconds)) WITHOUT ROWID;
CREATE TABLE clock (
    host TEXT PRIMARY KEY,
    ahead REAL NOT NULL CHECK (typeof(ahead) = 'real'),
    error REAL NOT NULL CHECK (typeof(error) = 'real'),
    measured_at REAL NOT NULL CHECK (typeof(measured_at) = 'real'),
    boot TEXT NOT NULL);
CREATE TABLE other_count (
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    seconds INTEGER NOT NULL CHECK (typeof(seconds) = 'integer'),
    window INTEGER NOT NULL CHECK (typeof(window) = 'integer'),
    used INTEGER NOT NULL CHECK (typeof(used) = 'integer'),
    PRIMARY KEY (host, kind, seconds)) WITHOUT ROWID;
"""

_TABLE_NAMES = frozenset(re.findall(r"CREATE TABLE (\w+)", _TABLES))
SCHEMA = Schema(formats.RATE_LIMITS, _TABLES)
_LIST_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


class DamagedError(Exception):
    """The file does not hold a rate-limit store."""


# Errors that nonsense in a file causes when it is read, besides those of SQLite.
_MALFORMED = (TypeError, ValueError, ArithmeticError, LookupError, DamagedError)
FAILURES = (sqlite3.Error, *_MALFORMED)


def retry_while_busy(execute: Execute, statement: str) -> sqlite3.Cursor:
    """Run a statement, waiting while other processes have the file locked."""
    return database.retry_while_busy(execute, statement, LOCK_TIMEOUT_S)


def check_tables(execute: Execute) -> None:
    """Raise where a file is neither empty nor has tables of the current format. Nothing is written."""
    found = SCHEMA.check(lambda statement: retry_while_busy(execute, statement))
    tables = retry_while_busy(execute, "SELECT name FROM sqlite_schema").fetchall()
    if found and _TABLE_NAMES.difference(*tables):
        raise DamagedError


def make_tables(execute: Execute) -> None:
    """Create the tables where there are none, and check them where there are."""
    if SCHEMA.prepare(execute) and execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise DamagedError


def fault(connection: sqlite3.Connection, error: Exception) -> Exception | None:
    """Return what is wrong with the file after an error; None where the file is sound."""
    code: Any = getattr(error, "sqlite_errorcode", None)
    if code is not None and (code & 0xFF) not in _OF_ARGUMENTS:
        return error
    try:
        _check(connection)
    except (sqlite3.ProgrammingError, *_MALFORMED) as found:  # ProgrammingError: it is closed
        return found
    except sqlite3.Error as found:
        is_known = getattr(found, "sqlite_errorcode", None) is not None
        return found if is_known else DamagedError(str(found))  # text that is not UTF-8
    return None


def _check(connection: sqlite3.Connection) -> None:
    """Raise where the file holds what this package cannot have written: each row must fit our tables."""
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise DamagedError
    with contextlib.closing(sqlite3.connect(MEMORY, isolation_level=None)) as reference:
        make_tables(reference.execute)
        for (table,) in reference.execute(_LIST_TABLES).fetchall():
            columns = [column[1] for column in reference.execute(f"PRAGMA table_info({table})")]
            wanted = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - our own names
            rows = connection.execute(wanted).fetchall()
            if not all(isinstance(value, str) or abs(value) < _TOO_LARGE for row in rows for value in row):
                raise DamagedError
            into = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names
            reference.executemany(into, rows)


_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT}
# Errors that may be due to the arguments as well as to the file.
_OF_ARGUMENTS = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_RANGE,
    sqlite3.SQLITE_TOOBIG,
}
# Far above anything that is counted or measured, and the sum of several still fits into a column.
_TOO_LARGE = 2**60


def is_damage(error: Exception) -> bool:
    """Whether the file is at fault, rather than the disk or its folder."""
    if isinstance(error, ForeignDatabaseError):
        return True
    if isinstance(error, sqlite3.Error):
        code: Any = getattr(error, "sqlite_errorcode", None)
        return code is not None and (code & 0xFF) in _DAMAGE
    return isinstance(error, _MALFORMED)
