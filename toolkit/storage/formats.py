"""The formats of our files: each has a number, which is checked here before anything in the file is believed.

A file of an earlier format is turned into one of today's where `earlier` knows it. One of a later format is
never touched: a newer version of the package wrote it, and knows things about it that this one does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

RATE_LIMITS = 2
"""Format of the state of the rate limits, which is part of the name of its file."""

JOURNAL = 3
PROFILES = 1
"""Format of a file of profiles, and of a profile in the system's keyring: that of a text which names none."""

Execute = Callable[..., sqlite3.Cursor]


class NewerFormatError(sqlite3.DatabaseError):
    """A newer version of the package wrote the file."""


class ForeignDatabaseError(sqlite3.DatabaseError):
    """The file is the database of something else."""


def defect(found: int, known: int) -> str:
    """Why a file of this format cannot be used; "" where it can.

    Args:
        found: The number that the file gives.
        known: The newest format that this version of the package knows.
    """
    if found > known:
        return (
            f"it has format {found}, and this version of the package knows none after {known}: a newer "
            "version wrote it, so use that one"
        )
    return "" if found > 0 else f"it has format {found}, which there never was"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one kind of database.

    Attributes:
        version: Number of their format.
        tables: The statements that make them, each ended by a semicolon at the end of its line.
        earlier: For each earlier format that is read, what selects the rows of each table of today from it.
    """

    version: int
    tables: str
    earlier: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def check(self, execute: Execute) -> int:
        """The format that a database has, 0 for an empty one. Nothing is written.

        Raises:
            NewerFormatError: A newer version of the package wrote it.
            ForeignDatabaseError: It is no database of this kind.
        """
        (found,) = execute("PRAGMA user_version").fetchone()
        if found > self.version:
            raise NewerFormatError(defect(found, self.version))
        if found == 0 and execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise ForeignDatabaseError("it is a database of something else")
        if found not in (0, self.version, *self.earlier):
            raise ForeignDatabaseError(f"it has format {found}, which no version of the package wrote")
        return int(found)

    def prepare(self, execute: Execute) -> int:
        """Have today's tables in a database, within the transaction of the caller: the format that it had.

        Raises:
            NewerFormatError: A newer version of the package wrote it.
            ForeignDatabaseError: It is no database of this kind.
            sqlite3.Error: What is in it does not fit.
        """
        found = self.check(execute)
        if found == self.version:
            return found
        kept = {table: execute(rows).fetchall() for table, rows in self.earlier.get(found, {}).items()}
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        for (table,) in execute(tables).fetchall():
            execute(f'DROP TABLE "{table}"')
        for statement in self.tables.split(";\n"):
            execute(statement)
        for table, rows in kept.items():
            for row in rows:
                execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - ours
        execute(f"PRAGMA user_version = {self.version}")
        return found
