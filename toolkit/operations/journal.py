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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
CREATE TABLE users (pid INTEGER NOT NULL, began REAL, boot TEXT NOT NULL);
"""

_UNSETTLED = "status IN ('prepared', 'sending', 'unknown')"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A call that is to be sent, as far as it is compared with others.

    Attributes:
        same, subject: Digests as in an entry.
        once: The name under which it is to be done once.
        key: Digest of the API key.
        same_account: Other keys in the journal are of the same account.
        repeatable: Sent twice, it leaves what it leaves when sent once.
        now: The exchange's time in milliseconds.
        clashes: Whether an entry about the same thing may mean the same.
    """

    same: str
    subject: str
    once: str | None = None
    key: str = ""
    same_account: bool = False
    repeatable: bool = False
    now: int = 0
    clashes: Callable[[Entry], bool] = lambda entry: True


_JSON = ("arguments", "digests", "before", "answer")
_NAMES = tuple(each.name for each in fields(Entry))

# One transaction at a time in this process, and no fork while one is open: SQLite would take the child
# for its parent, and find the file locked for as long as it lives.
_turn = threading.RLock()

# Calls that have not come back yet, in this process: (file, number), and the thread that waits for it.
_here: dict[tuple[Path, int], int] = {}


def _before_fork() -> None:
    _turn.acquire()


def _after_fork_in_parent() -> None:
    _turn.release()


def _after_fork_in_child() -> None:
    global _turn  # noqa: PLW0603 - the parent's is held by a thread that is not here
    _turn = threading.RLock()
    _here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )


class Journal:
    """The journal of one exchange. Threads and processes may share it.

    Args:
        path: Its file.

    Raises:
        JournalError: It cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._salt = b""
        with self._open(new=True) as file:
            salt = _salt(file)
            _sign_in(file)
        self._salt = salt

    def digest(self, *parts: str) -> str:
        """What tells that two texts are the same, without telling them."""
        return hmac.new(
            self._salt, "\x1f".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256
        ).hexdigest()

    # -- the life of an entry -----------------------------------------------------------------------------

    def check(self, wish: Wish) -> Entry | None:
        """The entry that a call under this name returns to, None where it is to be sent.

        Raises:
            UsageError: The name stands for another call.
            UnsettledError: A call about the same thing is not settled.
        """
        with self._open() as file:
            return self._check(file, wish)

    def begin(
        self,
        wish: Wish,
        *,
        door: str,
        arguments: Mapping[str, Any],
        digests: Mapping[str, str],
        before: Sequence[Mapping[str, Any]] | None = None,
        newest: int | None = None,
    ) -> tuple[Entry, bool]:
        """Write a call down before it is sent: its entry, and whether it is new.

        `newest` is the newest entry about the same thing when `before` was read, where it was.

        Raises:
            UsageError: The name stands for another call.
            UnsettledError: A call about the same thing is not settled.
        """
        pid, thread = os.getpid(), threading.get_ident()
        for which, waiting in list(_here.items()):
            if waiting == thread:  # interrupted between two steps: a thread makes one call at a time
                _here.pop(which, None)
        number = 0
        try:
            with self._open() as file:
                found = self._check(file, wish)
                if found is not None:
                    return found, False
                if newest is not None:
                    self._check_newest(file, door, wish.subject, newest)
                row = {
                    "door": door,
                    "arguments": _dumped(dict(arguments)),
                    "same": wish.same,
                    "subject": wish.subject,
                    "once": wish.once,
                    "digests": _dumped(dict(digests)),
                    "key": wish.key,
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
                _here[self.path, number] = thread
                entry = self._entry(file, number)
        except BaseException:  # also where it is interrupted after it was written down: it never left
            self.came_back(number)
            raise
        return entry, True

    def sending(self, number: int, stamp: Callable[[], tuple[int, int]]) -> int:
        """It goes out now.

        Args:
            number: Its number.
            stamp: Tells its timestamp and from when on it cannot be executed any more. It is asked once the
                journal is ours: that may have taken a while.

        Returns:
            The timestamp.

        Raises:
            JournalError: It cannot be written down, or somebody took this process for dead and settled it.
        """
        with self._open() as file:
            sent_at, until = stamp()
            changed = file.execute(
                "UPDATE entries SET status = 'sending', told = 'sent, no answer yet', sent_at = ?, until = ? "
                "WHERE number = ? AND status = 'prepared'",
                (sent_at, until, number),
            ).rowcount
            if not changed:
                raise JournalError(
                    f"#{number} is not in the journal {self.path} as it was written down, or was settled by "
                    "another process. Nothing was sent."
                )
            return sent_at

    def settle(
        self,
        number: int,
        status: Status,
        told: str,
        by: SettledBy,
        *,
        answer: Mapping[str, Any] | None = None,
        never_left: bool = False,
    ) -> Entry:
        """Write down what became of it.

        A settled entry stays as it is: only the exchange's own answer to the call is stronger than what a
        read or a person said, and a read or another word is stronger than a person's.

        Args:
            number: Its number.
            status: What became of it.
            told: In words.
            by: What says so.
            answer: The answer's row.
            never_left: It never left this machine: its name is as good as new.
        """
        with self._open() as file:
            known = self._find(file, "number = ?", number)
            if not known:
                raise JournalError(f"#{number} is not in the journal {self.path} any more.")
            settled = status in ("confirmed", "rejected")
            weaker = {"answer": ("read", "person", "repetition"), "read": ("person",), "person": ("person",)}
            if not known[0].is_settled or (settled and known[0].settled_by in weaker.get(by, ())):
                changes: dict[str, object] = {"status": status, "told": _writable(told)}
                if settled:
                    changes |= {"settled_at": _now(), "settled_by": by}
                if never_left:
                    changes["once"] = None
                if answer is not None:
                    changes["answer"] = _dumped(answer)
                _set(file, number, changes)
            return self._entry(file, number)

    def came_back(self, number: int) -> None:
        """The call has come back, whatever became of it."""
        _here.pop((self.path, number), None)

    def repeated(self, entry: Entry) -> None:
        """A call was confirmed: older ones that mean the same are settled by it."""
        told = f"the same call was sent again as #{entry.number}, which was confirmed"
        with self._open() as file:
            for older in self._find(file, f"subject = ? AND {_UNSETTLED}", entry.subject):
                # One whose process died while it was under way has not been called unknown yet.
                if older.same == entry.same and older.number < entry.number and older.status != "prepared":
                    changes = {"status": "confirmed", "told": told, "settled_at": _now()}
                    _set(file, older.number, changes | {"settled_by": "repetition"})

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
            entry = self._entry(file, number)
            return self._entry(file, number) if self._never_left(file, entry) else entry

    def entries(self, *, unsettled: bool = False) -> list[Entry]:
        """All entries, oldest first; or those of which it is not known what became of them."""
        with self._open() as file:
            open_ = [entry for entry in self._find(file, _UNSETTLED) if not self._never_left(file, entry)]
            if unsettled:
                return [entry for entry in open_ if not self.is_under_way(entry)]
            return self._find(file, "1")

    def newest(self, subject: str) -> int:
        """Number of the newest entry about something, 0 where there is none."""
        with self._open() as file:
            query = "SELECT coalesce(max(number), 0) FROM entries WHERE subject = ?"
            return int(file.execute(query, (subject,)).fetchone()[0])

    def answers(self, door: str) -> list[Mapping[str, Any]]:
        """The answers of all confirmed calls of a door."""
        with self._open() as file:
            found = self._find(file, "door = ? AND status = 'confirmed' AND answer IS NOT NULL", door)
            return [entry.answer for entry in found if entry.answer is not None]

    # -- within a transaction ------------------------------------------------------------------------------

    def _check(self, file: sqlite3.Connection, wish: Wish) -> Entry | None:
        if wish.once is not None:
            named = self._find(file, "once = ?", wish.once)
            if named and not self._never_left(file, named[0]):
                return self._done_under(named[0], wish)
        for entry in self._find(file, f"subject = ? AND {_UNSETTLED}", wish.subject):
            if not wish.clashes(entry):
                continue
            if self.is_under_way(entry):
                raise UnsettledError(
                    f"{entry.door}: the same is being changed by #{entry.number} at this moment, in "
                    f"{entry.process}. Nothing was sent.",
                    entry.number,
                )
            if not self._never_left(file, entry) and not (wish.repeatable and entry.same == wish.same):
                raise UnsettledError(
                    f"{entry.door}: what became of #{entry.number}, about the same thing, is not known yet: "
                    f"{entry.told.rstrip('.')}. Nothing was sent now. `ops.reconcile({entry.number})` asks "
                    "the exchange; call again once it is settled.",
                    entry.number,
                )
        if wish.repeatable:
            self._check_late(file, wish)
        return None

    def _check_late(self, file: sqlite3.Connection, wish: Wish) -> None:
        """Whether no setting whose answer was lost may still arrive, and undo this one."""
        condition = "subject = ? AND until > ? AND settled_by IN ('read', 'repetition', 'person')"
        for entry in self._find(file, condition, wish.subject, wish.now):
            if entry.same != wish.same:
                left = ((entry.until or 0) - wish.now) / 1000
                raise UnsettledError(
                    f"{entry.door}: the answer of #{entry.number}, about the same thing, was lost, and it "
                    f"may still arrive at the exchange for {left:.0f} s and undo this one. Nothing was sent; "
                    "call again then.",
                    entry.number,
                )

    def _check_newest(self, file: sqlite3.Connection, door: str, subject: str, newest: int) -> None:
        """Whether nothing about the same thing was called since then."""
        later = self._find(file, "subject = ? AND number > ?", subject, newest)
        if later:
            raise UnsettledError(
                f"{door}: #{later[0].number} changed the same while it was looked at how things are. Nothing "
                "was sent; call again.",
                later[0].number,
            )

    def _done_under(self, entry: Entry, wish: Wish) -> Entry:
        """The entry of a name, where the call is the same and has come back."""
        if entry.same != wish.same:
            freed = f", or free it with `ops.free({entry.once!r})`" if entry.status == "rejected" else ""
            raise UsageError(
                f"`once`: the name {entry.once!r} stands for another call, #{entry.number} "
                f"({entry.door}, {entry.status}). Nothing was sent. Give this one a name of its own{freed}."
            )
        if wish.key != entry.key and not wish.same_account:
            raise UsageError(
                f"`once`: under the name {entry.once!r} #{entry.number} was sent with another API key. "
                "Nothing was sent. If both keys are of one account, open the operations with "
                "`same_account=True`; otherwise give this call a name of its own."
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
        if entry.pid == os.getpid() and _runs(entry.pid, entry.began, entry.boot):
            # A thread that asks does not wait: its own call was broken off.
            return _here.get((self.path, entry.number), threading.get_ident()) != threading.get_ident()
        return _runs(entry.pid, entry.began, entry.boot)

    def _never_left(self, file: sqlite3.Connection, entry: Entry) -> bool:
        """Whether it was written down and broken off before it was sent; it is settled then."""
        if entry.status != "prepared" or self.is_under_way(entry):
            return False
        ended = "it was broken off" if entry.pid == os.getpid() else "its process ended"
        told = f"{ended} before it was sent: nothing was executed"
        changes = {"status": "rejected", "told": told, "settled_at": _now(), "settled_by": "journal"}
        _set(file, entry.number, changes | {"once": None})  # the name is as good as new
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

    @contextmanager
    def _open(self, *, new: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk when it ends well, undone when it does not.

        The file is opened for each: writes are rare, and so neither forks nor threads can do harm. One that
        is not the one this journal began with is not written to: its digests are under another salt.
        """
        try:
            with _turn:
                if new:
                    _make(self.path)
                which = _which(self.path)
                address = f"{self.path.absolute().as_uri()}?mode=rw"
                with contextlib.closing(
                    sqlite3.connect(address, timeout=LOCK_PATIENCE, isolation_level=None, uri=True)
                ) as file:
                    file.execute("PRAGMA synchronous = EXTRA")
                    file.execute("PRAGMA fullfsync = ON")
                    file.execute("BEGIN IMMEDIATE")
                    _made(file)
                    if self._salt and _salt(file) != self._salt:
                        raise sqlite3.DatabaseError(f"{_ANOTHER}; {_ANEW}")
                    try:
                        yield file
                    except (UnsettledError, UsageError):
                        file.execute("COMMIT")  # what was found out on the way holds
                        raise
                    file.execute("COMMIT")
                if _which(self.path) != which:
                    raise sqlite3.DatabaseError(f"{_ANOTHER}; {_ANEW}")
        except (sqlite3.Error, OSError) as error:
            gone = isinstance(error, FileNotFoundError) and not new
            reason = f"it is not there any more; {_ANEW}" if gone else str(error)
            raise JournalError(
                f"The journal {self.path} cannot be used ({reason}). No write is sent without it, as nobody "
                "could tell later what was done. Give it room or rights, or name another folder in "
                "TOOLKIT_JOURNAL; what this one remembers is not known there."
            ) from error


_ANOTHER = "it is not the file any more that it was"
_ANEW = "`link.operations()` begins one anew, which does not know what was done"


def forget(path: Path) -> None:
    """Delete a journal, unless a process that uses it still runs.

    Raises:
        OSError: It cannot be deleted.
    """
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=0, isolation_level=None, uri=True)
        ) as file:
            file.execute("BEGIN EXCLUSIVE")
            users = file.execute("SELECT pid, began, boot FROM users").fetchall()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN):
            return
        users = []  # whatever it is, it is no journal that could be used
    if not any(_runs(*user) for user in users):
        path.unlink()
        Path(f"{path}-journal").unlink(missing_ok=True)


def _make(path: Path) -> None:
    """Make the file where there is none, for its owner alone, in a folder that a power cut leaves there.

    SQLite sees to it that the file's own name is on the disk.
    """
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True, mode=0o700)
        _sync(folder.parent)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that with folders."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _which(path: Path) -> tuple[int, int]:
    """What tells a file from another one of the same name."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _salt(file: sqlite3.Connection) -> bytes:
    row = file.execute("SELECT salt FROM salt").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise sqlite3.DatabaseError("its salt is missing")
    return row[0]


def _sign_in(file: sqlite3.Connection) -> None:
    """Note that this process uses the journal, and forget those that have ended."""
    own = (os.getpid(), processes.started(os.getpid()), processes.boot())
    users = file.execute("SELECT rowid, pid, began, boot FROM users").fetchall()
    here = False
    for row, *user in users:
        if not _runs(*user):
            file.execute("DELETE FROM users WHERE rowid = ?", (row,))
        elif user[0] == own[0]:
            here = True
    if not here:
        file.execute("INSERT INTO users VALUES (?, ?, ?)", own)


def _runs(pid: int, began: float | None, boot: str) -> bool:
    """Whether that process still runs."""
    return boot == processes.boot() and began is not None and processes.is_alive(pid, began)


def _made(file: sqlite3.Connection) -> None:
    """Make the tables of a new file; refuse one of another version."""
    version = file.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA:
        return
    if version != 0:
        raise sqlite3.DatabaseError(f"it has format {version}, this version of the package writes {SCHEMA}")
    if file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise sqlite3.DatabaseError("it is a database of something else")
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
    try:
        for name in _JSON:
            values[name] = None if values[name] is None else json.loads(values[name])
    except (ValueError, TypeError):
        raise sqlite3.DatabaseError(f"#{values['number']} is damaged") from None
    return Entry(**values)


def _dumped(value: object) -> str:
    # In ASCII: an answer may hold half a character, which no file takes. Decimals stay exact.
    return json.dumps(value, separators=(",", ":"), default=str)


def _now() -> int:
    return int(time.time() * 1000)


def _writable(text: str) -> str:
    """Text without halves of characters."""
    return text.encode("utf-8", "replace").decode()
