"""What was sent and what became of it, on disk before and after: it outlives the kernel, and a power cut.

One SQLite file an exchange. Every step is a transaction of its own that is on the disk when it ends.
Nothing private is written: keys of sub-accounts shortened as the exchange shows them, e-mail
addresses not at all; that two calls are the same, or that a row is the one meant, is told by digests
under a salt of the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import JournalError, UnsettledError, UsageError
from toolkit.wire.ledger import processes

Status = Literal["prepared", "sending", "confirmed", "rejected", "unknown"]
SettledBy = Literal["answer", "read", "person", "repetition", "journal"]

SCHEMA = 1
LOCK_PATIENCE = 10.0
"""Seconds to wait for other processes that use the journal at this moment."""

_TABLES = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    door TEXT NOT NULL,
    arguments TEXT NOT NULL,
    same TEXT NOT NULL,
    subject TEXT NOT NULL,
    once TEXT UNIQUE,
    digests TEXT NOT NULL,
    key TEXT NOT NULL,
    process TEXT NOT NULL, pid INTEGER NOT NULL, began REAL, boot TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    sent_at INTEGER,
    until INTEGER,
    status TEXT NOT NULL CHECK (status IN ('prepared', 'sending', 'confirmed', 'rejected', 'unknown')),
    told TEXT NOT NULL,
    before TEXT,
    answer TEXT,
    settled_at INTEGER,
    settled_by TEXT
);
CREATE INDEX unsettled ON entries (subject) WHERE status IN ('prepared', 'sending', 'unknown');
CREATE TABLE salt (salt BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One write in the journal.

    Attributes:
        number: Its number.
        door: The door that was called.
        arguments: Its arguments as they may be shown.
        same: Digest of door and arguments: two calls with the same one mean the same.
        subject: Digest of what is changed.
        once: The name under which it is done once, None where it has none.
        digests: Digests of its private arguments, by name.
        key: Digest of the API key it was sent with.
        process, pid, began, boot: The process that sent it.
        made_at: When it was written down, in milliseconds of this machine.
        sent_at: Timestamp it carried, in milliseconds of the exchange; None when it never left.
        until: From when on it cannot be executed any more, in milliseconds of the exchange.
        status: What became of it.
        told: In words.
        before: Rows of the read made before it.
        answer: The answer's row, or the row of the read that showed it; nothing private.
        settled_at: When that was known.
        settled_by: By what: the answer, a read, a person, a repetition that was confirmed, or the journal
            itself (it never left).
    """

    number: int
    door: str
    arguments: Mapping[str, Any]
    same: str
    subject: str
    once: str | None
    digests: Mapping[str, str]
    key: str
    process: str
    pid: int
    began: float | None
    boot: str
    made_at: int
    sent_at: int | None
    until: int | None
    status: Status
    told: str
    before: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)
    settled_at: int | None
    settled_by: SettledBy | None

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of it."""
        return self.status in ("confirmed", "rejected")


_JSON = ("arguments", "digests", "before", "answer")
_NAMES = tuple(each.name for each in fields(Entry))

# Entries whose call has not come back yet, in this process: (file, number).
_here: set[tuple[Path, int]] = set()
_here_lock = threading.Lock()


class Journal:
    """The journal of one exchange. Threads and processes may share it.

    Args:
        path: Its file.

    Raises:
        JournalError: It cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as file:
            self._salt: bytes = file.execute("SELECT salt FROM salt").fetchone()[0]

    def digest(self, *parts: str) -> str:
        """What tells that two texts are the same, without telling them."""
        return hmac.new(self._salt, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()

    # -- the life of an entry -----------------------------------------------------------------------------

    def check(self, *, same: str, subject: str, once: str | None, repeatable: bool) -> Entry | None:
        """The entry that a call under this name returns to, None where it is to be sent.

        Raises:
            UsageError: The name stands for another call.
            UnsettledError: A call about the same thing is not settled.
        """
        with self._open() as file:
            return self._check(file, same=same, subject=subject, once=once, repeatable=repeatable)

    def begin(
        self,
        *,
        door: str,
        arguments: Mapping[str, Any],
        same: str,
        subject: str,
        once: str | None,
        digests: Mapping[str, str],
        key: str,
        before: Sequence[Mapping[str, Any]] | None,
        repeatable: bool,
    ) -> tuple[Entry, bool]:
        """Write a call down before it is sent: its entry, and whether it is new.

        Raises:
            UsageError: The name stands for another call.
            UnsettledError: A call about the same thing is not settled.
        """
        pid = os.getpid()
        with self._open() as file:
            found = self._check(file, same=same, subject=subject, once=once, repeatable=repeatable)
            if found is not None:
                return found, False
            row = {
                "door": door,
                "arguments": _dumped(dict(arguments)),
                "same": same,
                "subject": subject,
                "once": once,
                "digests": _dumped(dict(digests)),
                "key": key,
                "process": processes.own_name(),
                "pid": pid,
                "began": processes.started(pid),
                "boot": processes.boot(),
                "made_at": _now(),
                "status": "prepared",
                "told": "written down, not sent yet",
                "before": None if before is None else _dumped(before),
            }
            marks = ", ".join("?" * len(row))
            cursor = file.execute(
                f"INSERT INTO entries ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - our own names
                [*row.values()],
            )
            number = int(cursor.lastrowid or 0)
            with _here_lock:
                _here.add((self.path, number))
            return self._entry(file, number), True

    def sending(self, number: int, sent_at: int, until: int) -> None:
        """It goes out now."""
        self._update(number, status="sending", told="sent, no answer yet", sent_at=sent_at, until=until)

    def settle(
        self,
        number: int,
        status: Status,
        told: str,
        by: SettledBy,
        *,
        answer: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Write down what became of it; a settled entry stays as it is."""
        with self._open() as file:
            if not self._entry(file, number).is_settled:
                settled = status in ("confirmed", "rejected")
                changes: dict[str, object] = {"status": status, "told": told}
                if settled:
                    changes |= {"settled_at": _now(), "settled_by": by}
                if answer is not None:
                    changes["answer"] = _dumped(answer)
                _set(file, number, changes)
            return self._entry(file, number)

    def came_back(self, number: int) -> None:
        """The call has come back, whatever became of it."""
        with _here_lock:
            _here.discard((self.path, number))

    def repeated(self, entry: Entry) -> None:
        """A call was confirmed: older ones that mean the same are settled by it."""
        told = f"the same call was sent again as #{entry.number}, which was confirmed"
        with self._open() as file:
            file.execute(
                "UPDATE entries SET status = 'confirmed', told = ?, settled_at = ?, "
                "settled_by = 'repetition' WHERE same = ? AND number < ? AND status = 'unknown'",
                (told, _now(), entry.same, entry.number),
            )

    def free(self, once: str) -> Entry:
        """Take its name from an entry that was rejected.

        Raises:
            UsageError: There is no such name, or what it stands for was not rejected.
        """
        with self._open() as file:
            found = self._find(file, "once = ?", once)
            if not found:
                raise UsageError(f"Nothing was done under the name {once!r}.")
            entry = found[0]
            if entry.status != "rejected":
                raise UsageError(
                    f"#{entry.number}, done under the name {once!r}, is {entry.status}: only the name of a "
                    "call that was rejected can be used again."
                )
            _set(file, entry.number, {"once": None, "told": f"{entry.told} (its name {once!r} was freed)"})
            return self._entry(file, entry.number)

    # -- reading -------------------------------------------------------------------------------------------

    def entry(self, number: int) -> Entry:
        """One entry.

        Raises:
            UsageError: There is none of this number.
        """
        with self._open() as file:
            return self._entry(file, number)

    def entries(self, *, unsettled: bool = False) -> list[Entry]:
        """All entries, oldest first; or those of which it is not known what became of them."""
        with self._open() as file:
            if not unsettled:
                return self._find(file, "1")
            return [
                entry
                for entry in self._find(file, "status IN ('prepared', 'sending', 'unknown')")
                if not self.is_under_way(entry) and not self._never_left(file, entry)
            ]

    def answers(self, door: str) -> list[Mapping[str, Any]]:
        """The answers of all confirmed calls of a door."""
        with self._open() as file:
            found = self._find(file, "door = ? AND status = 'confirmed' AND answer IS NOT NULL", door)
            return [entry.answer for entry in found if entry.answer is not None]

    # -- within a transaction ------------------------------------------------------------------------------

    def _check(
        self, file: sqlite3.Connection, *, same: str, subject: str, once: str | None, repeatable: bool
    ) -> Entry | None:
        if once is not None:
            named = self._find(file, "once = ?", once)
            if named and named[0].status == "prepared" and not self.is_under_way(named[0]):
                _set(file, named[0].number, {"once": None})  # it never left: the name is as good as new
            elif named:
                return self._done_under(named[0], same)
        for entry in self._find(
            file, "subject = ? AND status IN ('prepared', 'sending', 'unknown')", subject
        ):
            if self.is_under_way(entry):
                raise UnsettledError(
                    f"{entry.door}: the same is being changed by #{entry.number} at this moment, in "
                    f"{entry.process}. Nothing was sent.",
                    entry.number,
                )
            if not self._never_left(file, entry) and not (repeatable and entry.same == same):
                raise UnsettledError(
                    f"{entry.door}: what became of #{entry.number}, about the same thing, is not known yet: "
                    f"{entry.told}. Nothing was sent now. `ops.reconcile({entry.number})` asks the exchange; "
                    "call again once it is settled.",
                    entry.number,
                )
        return None

    def _done_under(self, entry: Entry, same: str) -> Entry:
        """The entry of a name, where the call is the same and has come back."""
        if entry.same != same:
            raise UsageError(
                f"`once`: the name {entry.once!r} stands for another call, #{entry.number} "
                f"({entry.door}, {entry.status}). Nothing was sent. Give this one a name of its own."
            )
        if self.is_under_way(entry):
            raise UnsettledError(
                f"{entry.door}: #{entry.number}, of the name {entry.once!r}, is under way at this moment in "
                f"{entry.process}. Nothing was sent.",
                entry.number,
            )
        return entry

    def is_under_way(self, entry: Entry) -> bool:
        """Whether the call may still come back: its process runs, and waits for it."""
        if entry.status not in ("prepared", "sending"):
            return False
        if entry.pid == os.getpid() and entry.boot == processes.boot():
            with _here_lock:
                return (self.path, entry.number) in _here
        same_run = entry.boot == processes.boot() and entry.began is not None
        return same_run and processes.is_alive(entry.pid, entry.began or 0.0)

    def _never_left(self, file: sqlite3.Connection, entry: Entry) -> bool:
        """Whether it was written down and its process ended before it was sent; it is settled then."""
        if entry.status != "prepared":
            return False
        told = "its process ended before it was sent: nothing was executed"
        _set(
            file,
            entry.number,
            {"status": "rejected", "told": told, "settled_at": _now(), "settled_by": "journal"},
        )
        return True

    def _find(self, file: sqlite3.Connection, condition: str, *values: object) -> list[Entry]:
        names = ", ".join(_NAMES)
        query = f"SELECT {names} FROM entries WHERE {condition} ORDER BY number"  # noqa: S608 - ours
        rows = file.execute(query, values)
        return [_loaded(row) for row in rows]

    def _entry(self, file: sqlite3.Connection, number: int) -> Entry:
        found = self._find(file, "number = ?", number)
        if not found:
            raise UsageError(f"The journal has no entry #{number}; `ops.history()` lists them all.")
        return found[0]

    def _update(self, number: int, **changes: object) -> None:
        with self._open() as file:
            _set(file, number, changes)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk when it ends well, undone when it does not.

        The file is opened for each: writes are rare, and so neither forks nor threads nor a file that was
        moved away can do harm.
        """
        try:
            new = not self.path.exists()
            if new:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with contextlib.closing(
                sqlite3.connect(self.path, timeout=LOCK_PATIENCE, isolation_level=None)
            ) as file:
                file.execute("PRAGMA synchronous = EXTRA")
                file.execute("PRAGMA fullfsync = ON")
                file.execute("BEGIN IMMEDIATE")
                _made(file)
                try:
                    yield file
                except (UnsettledError, UsageError):
                    file.execute("COMMIT")  # what was found out on the way holds
                    raise
                file.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"The journal {self.path} cannot be used ({error}). Without it nobody could tell later what "
                "was done, so no write is sent. Give it room or rights, or name another folder in "
                "TOOLKIT_JOURNAL; what this one remembers is not known there."
            ) from error


def _made(file: sqlite3.Connection) -> None:
    """Make the tables of a new file; refuse one of another version."""
    version = file.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA:
        return
    if version != 0:
        raise sqlite3.DatabaseError(f"it has format {version}, this version of the package writes {SCHEMA}")
    for statement in _TABLES.split(";"):
        if statement.strip():
            file.execute(statement)
    file.execute("INSERT INTO salt VALUES (?)", (secrets.token_bytes(32),))
    file.execute(f"PRAGMA user_version = {SCHEMA}")


def _set(file: sqlite3.Connection, number: int, changes: Mapping[str, object]) -> None:
    names = ", ".join(f"{name} = ?" for name in changes)
    file.execute(
        f"UPDATE entries SET {names} WHERE number = ?",  # noqa: S608 - our own names
        [*changes.values(), number],
    )


def _loaded(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(_NAMES, row, strict=True))
    for name in _JSON:
        values[name] = None if values[name] is None else json.loads(values[name])
    return Entry(**values)


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)  # decimals, exactly


def _now() -> int:
    return int(time.time() * 1000)
