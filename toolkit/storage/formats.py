"""Formats of the package's files: each has a number, which is checked before the contents are used.

A file of an earlier format is converted to the current one where `earlier` describes it. A file of a later
format is left unchanged, because a newer version of the package wrote it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

RATE_LIMITS = 2
"""Format of the rate-limit file. It is part of the file's name."""

JOURNAL = 4
"""Format of the journal of writes."""

PROFILES = 1
"""Format of the profiles file and of profiles in the system keyring; text without a number has it too."""

ACCOUNTS = 1
"""Format of the file with the accounts of API keys."""

PRICES = 1
"""Format of the files with closing prices."""

Execute = Callable[..., sqlite3.Cursor]


class NewerFormatError(sqlite3.DatabaseError):
    """A newer version of the package wrote the file."""


class ForeignDatabaseError(sqlite3.DatabaseError):
    """The file is another program's database."""


def defect(found: int, known: int) -> str:
    """Return why a file of this format cannot be used; "" where it can.

    Args:
        found: The format of the file.
        known: The newest format that this version of the package knows.
    """
    if found > known:
        return (
            f"it has format {found}, and this version of the package reads formats up to {known}: a newer "
            "version wrote it, so use that version"
        )
    return "" if found > 0 else f"it has format {found}, which does not exist"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one kind of database.

    Attributes:
        version: Number of the format.
        tables: The statements that create the tables, each ended by a semicolon at the end of its line.
        earlier: For each earlier format that is read, the statement that selects the rows of each current
            table.
    """

    version: int
    tables: str
    earlier: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def check(self, execute: Execute) -> int:
        """Return the format of a database, 0 for an empty one. Nothing is written.

        Raises:
            NewerFormatError: A newer version of the package wrote it.
            ForeignDatabaseError: It is not a database of this kind.
        """
        (found,) = execute("PRAGMA user_version").fetchone()
        if found > self.version:
            raise NewerFormatError(defect(found, self.version))
        if found == 0 and execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise ForeignDatabaseError("it is another program's database")
        if found not in (0, self.version, *self.earlier):
            raise ForeignDatabaseError(f"it has format {found}, which no version of the package wrote")
        return int(found)

    def prepare(self, execute: Execute) -> int:
        """Create the tables, or convert those of an earlier format, within the caller's transaction.

        Returns:
            The format that the database had.

        Raises:
            NewerFormatError: A newer version of the package wrote it.
            ForeignDatabaseError: It is not a database of this kind.
            sqlite3.Error: Its rows do not fit the current tables.
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
                execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - our own names
        execute(f"PRAGMA user_version = {self.version}")
        return found
