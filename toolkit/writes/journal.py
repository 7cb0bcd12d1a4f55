"""What was sent and what became of it, on disk before and after: it outlives the kernel, and a power cut.

One SQLite file an exchange. Every step is a transaction of its own that is on the disk when it ends.
Nothing private is written: keys of sub-accounts shortened as the exchange shows them, e-mail
addresses not at all; that two calls are the same, or that a row is the one meant, is told by digests
under a salt of the file.

A file that is put back from a backup gives numbers again, and does not know what was sent since. So an entry
is known by a token of its own, which every step on it looks at, and the file by how far it had come when
this process saw it last (`journal_file`).

What an answer said and could not be written down (a disk that is full, a file that is locked, an interrupt)
is owed: this process keeps it in mind, and writes it down with whatever step of the journal comes next.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.errors import JournalError, PendingWriteError, UsageError
from toolkit.runtime import forks
from toolkit.storage import processes
from toolkit.storage.processes import runs
from toolkit.writes import deferred
from toolkit.writes.deferred import Result, record
from toolkit.writes.entry import (
    NAMES,
    ConflictKey,
    IdOrigin,
    JournalEntry,
    ResolvedBy,
    Status,
    change,
    dumped,
    loaded,
    now,
)
from toolkit.writes.journal_store import JournalFile

# SQLite counts no further.
_NO_NUMBER = 2**63
_UNRESOLVED = "status IN ('prepared', 'sending', 'unknown')"

# Calls that have not come back yet, in this process, by token, and the thread that waits for each.
_running_here: dict[str, int] = {}


forks.in_child(_running_here.clear)


class Journal:
    """The journal of one exchange. Threads and processes may share it.

    Args:
        path: Its file.

    Raises:
        JournalError: It cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = JournalFile(path)

    def digest(self, *parts: str) -> str:
        """What tells that two texts are the same, without telling them."""
        return hmac.new(
            self._file.salt, "\x1f".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256
        ).hexdigest()

    # -- the life of an entry -----------------------------------------------------------------------------

    def check(self, conflict_key: ConflictKey) -> JournalEntry | None:
        """The entry that a call under this name returns to, None where it is to be sent.

        Raises:
            UsageError: The name stands for another call.
            PendingWriteError: A call about the same thing is not settled.
        """
        with self._transaction() as file:
            return self._check(file, conflict_key)

    def begin(
        self,
        conflict_key: ConflictKey,
        *,
        endpoint: str,
        arguments: Mapping[str, Any],
        digests: Mapping[str, str],
        id_origin: IdOrigin = "",
        before: Sequence[Mapping[str, Any]] | None = None,
        newest: int | None = None,
    ) -> tuple[JournalEntry, bool]:
        """Write a call down before it is sent: its entry, and whether it is new.

        `newest` is the newest entry about the same thing when `before` was read, where it was.

        Raises:
            UsageError: The name stands for another call.
            PendingWriteError: A call about the same thing is not settled.
        """
        pid, thread = os.getpid(), threading.get_ident()
        for other, waiting in list(_running_here.items()):
            if waiting == thread:  # interrupted between two steps: a thread makes one call at a time
                _running_here.pop(other, None)
        token = secrets.token_hex(16)
        try:
            with self._transaction() as file:
                found = self._check(file, conflict_key)
                if found is not None:
                    return found, False
                if newest is not None:
                    self._check_newest(file, endpoint, conflict_key.subject, newest)
                row = {
                    "token": token,
                    "endpoint": endpoint,
                    "arguments": dumped(dict(arguments)),
                    "same": conflict_key.same,
                    "subject": conflict_key.subject,
                    "idempotency_key": conflict_key.idempotency_key,
                    "id_origin": id_origin,
                    "digests": dumped(dict(digests)),
                    "key": conflict_key.key,
                    "process": processes.own_name(),
                    "pid": pid,
                    "began": processes.started(pid),
                    "boot": processes.boot(),
                    "made_at": now(),
                    "status": "prepared",
                    "reason": "written down, not sent yet",
                    "before": None if before is None else dumped(before),
                }
                suffixed_argument = ", ".join("?" * len(row))
                file.execute(
                    f"INSERT INTO entries ({', '.join(row)}) VALUES ({suffixed_argument})",  # noqa: S608 - our own names
                    [*row.values()],
                )
                _running_here[token] = thread
                (entry,) = self._find(file, "token = ?", token)
        except BaseException:  # also where it is interrupted after it was written down: it never left
            _running_here.pop(token, None)
            raise
        return entry, True

    def sending(self, entry: JournalEntry, timestamps: Callable[[], tuple[int, int]]) -> JournalEntry:
        """It goes out now.

        Args:
            entry: The call.
            timestamps: Tells its timestamp and from when on it cannot be executed any more. It is asked once the
                journal is ours: that may have taken a while.

        Returns:
            The entry, with the timestamp.

        Raises:
            JournalError: It cannot be written down, or somebody took this process for dead and settled it.
        """
        with self._transaction(entry.executed) as file:
            known = self._current(file, entry)
            if known.status != "prepared":
                raise JournalError(
                    f"#{entry.number} was settled by another process, which took this one for dead. Nothing "
                    "was sent."
                )
            sent_at, until = timestamps()
            reason = "sent, no answer yet"
            change(file, known, {"status": "sending", "reason": reason, "sent_at": sent_at, "until": until})
            return self._current(file, entry)

    def resolve(
        self,
        entry: JournalEntry,
        status: Status,
        reason: str,
        by: ResolvedBy,
        *,
        answer: Mapping[str, Any] | None = None,
        not_sent: bool = False,
    ) -> JournalEntry:
        """Write down what became of it.

        A settled entry stays as it is: only the exchange's own answer to the call is stronger than what a
        read or a person said, and a read or another word is stronger than a person's.

        Args:
            entry: The call.
            status: What became of it.
            reason: In words.
            by: What says so.
            answer: The answer's row.
            not_sent: It never left this machine: its name is as good as new.

        Raises:
            JournalError: It cannot be written down.
        """
        if by == "answer":
            self.defer(entry, status, reason, answer=answer, not_sent=not_sent)
        with self._transaction(entry.executed) as file:
            known = self._current(file, entry)
            if by != "answer":
                record(file, known, Result(status, reason, by, answer, not_sent))
            return self._current(file, entry)

    def defer(
        self,
        entry: JournalEntry,
        status: Status,
        reason: str,
        *,
        answer: Mapping[str, Any] | None = None,
        not_sent: bool = False,
    ) -> None:
        """Keep in mind what an answer said; the next step writes it down. The arguments are `resolve`'s."""
        deferred.keep(self._file.salt, entry.token, Result(status, reason, "answer", answer, not_sent))

    def finished(self, entry: JournalEntry) -> None:
        """The call has come back, whatever became of it."""
        _running_here.pop(entry.token, None)

    def resolve_repeats(self, entry: JournalEntry, is_ours: Callable[[JournalEntry], bool]) -> None:
        """A call was confirmed: older ones that mean the same are settled by it.

        Args:
            entry: The call.
            is_ours: Whether an older one was made for the same account; another account's is another call.
        """
        reason = f"the same call was sent again as #{entry.number}, which was confirmed"
        with self._transaction(entry.executed) as file:
            self._current(file, entry)
            for older in self._find(file, f"subject = ? AND {_UNRESOLVED}", entry.subject):
                # One whose process died while it was under way has not been called unknown yet.
                is_older = older.number < entry.number and older.status != "prepared"
                if is_older and older.same == entry.same and is_ours(older):
                    changes = {"status": "confirmed", "reason": reason, "resolved_at": now()}
                    change(file, older, changes | {"resolved_by": "repetition"})

    def release_idempotency_key(self, idempotency_key: str) -> JournalEntry:
        """Take its name from an entry that was rejected.

        Raises:
            UsageError: There is no such name, or what it stands for was not rejected.
        """
        with self._transaction() as file:
            found = self._find(file, "idempotency_key = ?", idempotency_key)
            if not found:
                raise UsageError(f"Nothing was done under the name {idempotency_key!r}.")
            entry = found[0]
            if entry.status != "rejected":
                raise UsageError(
                    f"#{entry.number}, done under the name {idempotency_key!r}, is {entry.status}: only the name of a "
                    "call that was rejected can be used again."
                )
            change(
                file,
                entry,
                {
                    "idempotency_key": None,
                    "reason": f"{entry.reason} (its name {idempotency_key!r} was freed)",
                },
            )
            return self._current(file, entry)

    # -- reading -------------------------------------------------------------------------------------------

    def entry(self, number: int) -> JournalEntry:
        """The entry of a number.

        Raises:
            UsageError: There is none of this number.
        """
        with self._transaction() as file:
            found = self._find(file, "number = ?", number) if abs(number) < _NO_NUMBER else []
            if not found:
                raise UsageError(f"The journal has no entry #{number}; `ops.history()` lists them all.")
            return self._checked(file, found[0])

    def again(self, entry: JournalEntry) -> JournalEntry:
        """An entry as it is now.

        Raises:
            JournalError: It is not in the file any more.
        """
        with self._transaction(entry.executed) as file:
            return self._checked(file, self._current(file, entry))

    def entries(self, *, unresolved: bool = False) -> list[JournalEntry]:
        """All entries, oldest first; or those of which it is not known what became of them."""
        with self._transaction() as file:
            open_ = [entry for entry in self._find(file, _UNRESOLVED) if not self._not_sent(file, entry)]
            if unresolved:
                return [entry for entry in open_ if not self.is_under_way(entry)]
            return self._find(file, "1")

    def newest(self, subject: str) -> int:
        """Number of the newest entry about something, 0 where there is none."""
        with self._transaction() as file:
            query = "SELECT coalesce(max(number), 0) FROM entries WHERE subject = ?"
            return int(file.execute(query, (subject,)).fetchone()[0])

    def answers(self, endpoint: str) -> list[Mapping[str, Any]]:
        """The answers of all confirmed calls of a door."""
        with self._transaction() as file:
            found = self._find(file, "endpoint = ? AND status = 'confirmed' AND answer IS NOT NULL", endpoint)
            return [entry.answer for entry in found if entry.answer is not None]

    # -- within a transaction ------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, executed: str = "Nothing was sent.") -> Iterator[sqlite3.Connection]:
        """One transaction, in which what is owed is written down first."""
        results = deferred.to(self._file.salt)
        with self._file.transaction(executed) as file:
            for token, result in results.items():
                for entry in self._find(file, "token = ?", token):
                    record(file, entry, result)
            yield file
        deferred.written(self._file.salt, results)

    def _check(self, file: sqlite3.Connection, conflict_key: ConflictKey) -> JournalEntry | None:
        if conflict_key.idempotency_key is not None:
            named = self._find(file, "idempotency_key = ?", conflict_key.idempotency_key)
            if named and not self._not_sent(file, named[0]):
                return self._entry_of_key(named[0], conflict_key)
        for entry in self._find(file, f"subject = ? AND {_UNRESOLVED}", conflict_key.subject):
            if not conflict_key.conflicts(entry):
                continue
            if self.is_under_way(entry):
                raise PendingWriteError(
                    f"{entry.endpoint}: the same is being changed by #{entry.number} at this moment, in "
                    f"{entry.process}. Nothing was sent.",
                    entry.number,
                )
            again = (
                conflict_key.repeatable
                and entry.same == conflict_key.same
                and conflict_key.is_of_the_same_account(entry)
            )
            if not again and not self._not_sent(file, entry):
                raise PendingWriteError(
                    f"{entry.endpoint}: what became of #{entry.number}, about the same thing, is not known yet: "
                    f"{entry.reason.rstrip('.')}. Nothing was sent now. `ops.reconcile({entry.number})` asks "
                    "the exchange; call again once it is settled.",
                    entry.number,
                )
        if conflict_key.repeatable:
            self._check_late(file, conflict_key)
        return None

    def _check_late(self, file: sqlite3.Connection, conflict_key: ConflictKey) -> None:
        """Whether no setting whose answer was lost may still arrive, and undo this one."""
        condition = "subject = ? AND until > ? AND resolved_by IN ('read', 'repetition', 'person')"
        for entry in self._find(file, condition, conflict_key.subject, conflict_key.now):
            if entry.same != conflict_key.same:
                left = ((entry.until or 0) - conflict_key.now) / 1000
                raise PendingWriteError(
                    f"{entry.endpoint}: the answer of #{entry.number}, about the same thing, was lost, and it "
                    f"may still arrive at the exchange for {left:.0f} s and undo this one. Nothing was sent; "
                    "call again then.",
                    entry.number,
                )

    def _check_newest(self, file: sqlite3.Connection, endpoint: str, subject: str, newest: int) -> None:
        """Whether nothing about the same thing was called since then."""
        later = self._find(file, "subject = ? AND number > ?", subject, newest)
        if later:
            raise PendingWriteError(
                f"{endpoint}: #{later[0].number} changed the same while it was looked at how things are. Nothing "
                "was sent; call again.",
                later[0].number,
            )

    def _entry_of_key(self, entry: JournalEntry, conflict_key: ConflictKey) -> JournalEntry:
        """The entry of a name, where the call is the same and has come back."""
        if entry.same != conflict_key.same:
            freed = (
                f", or free it with `ops.release_idempotency_key({entry.idempotency_key!r})`"
                if entry.status == "rejected"
                else ""
            )
            raise UsageError(
                f"`idempotency_key`: the name {entry.idempotency_key!r} stands for another call, #{entry.number} "
                f"({entry.endpoint}, {entry.status}). Nothing was sent. Give this one a name of its own{freed}."
            )
        if not conflict_key.is_of_the_same_account(entry):
            raise UsageError(
                f"`idempotency_key`: under the name {entry.idempotency_key!r} #{entry.number} was sent with another API key. "
                "Nothing was sent. If both keys are of one account, open the operations with "
                "`same_account=True`; otherwise give this call a name of its own."
            )
        if self.is_under_way(entry):
            raise PendingWriteError(
                f"{entry.endpoint}: #{entry.number}, of the name {entry.idempotency_key!r}, is under way at this moment in "
                f"{entry.process}. Nothing was sent.",
                entry.number,
            )
        return entry

    def is_under_way(self, entry: JournalEntry) -> bool:
        """Whether the call may still come back: its process runs, and waits for it."""
        if entry.status not in ("prepared", "sending"):
            return False
        if entry.pid == os.getpid() and runs(entry.pid, entry.began, entry.boot):
            # A thread that asks does not wait: its own call was broken off.
            return _running_here.get(entry.token, threading.get_ident()) != threading.get_ident()
        return runs(entry.pid, entry.began, entry.boot)

    def _not_sent(self, file: sqlite3.Connection, entry: JournalEntry) -> bool:
        """Whether it was written down and broken off before it was sent; it is settled then."""
        if entry.status != "prepared" or self.is_under_way(entry):
            return False
        ended = "it was broken off" if entry.pid == os.getpid() else "its process ended"
        reason = f"{ended} before it was sent: nothing was executed"
        changes = {"status": "rejected", "reason": reason, "resolved_at": now(), "resolved_by": "journal"}
        change(file, entry, changes | {"idempotency_key": None})  # the name is as good as new
        return True

    def _find(self, file: sqlite3.Connection, condition: str, *values: object) -> list[JournalEntry]:
        names = ", ".join(NAMES)
        query = f"SELECT {names} FROM entries WHERE {condition} ORDER BY number"  # noqa: S608 - ours
        rows = file.execute(query, values)
        return [loaded(row) for row in rows]

    def _checked(self, file: sqlite3.Connection, entry: JournalEntry) -> JournalEntry:
        """An entry, once it was looked at whether it ever left."""
        return self._current(file, entry) if self._not_sent(file, entry) else entry

    def _current(self, file: sqlite3.Connection, entry: JournalEntry) -> JournalEntry:
        """What the file has of an entry that somebody holds.

        Raises:
            JournalError: It is not there, or its number is another entry's.
        """
        found = self._find(file, "number = ?", entry.number)
        if not found or found[0].token != entry.token:
            there = f"is {found[0].endpoint} in it, another call" if found else "is not in it"
            raise self._file.replaced(f"#{entry.number} {there}", entry.executed)
        return found[0]
