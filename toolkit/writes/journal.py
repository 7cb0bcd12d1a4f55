"""The journal of writes: each is on disk before it is sent, and its outcome afterwards.

One SQLite file for each exchange, which survives kernel restarts and power cuts. Every operation is a
transaction of its own, on disk when it returns. Nothing private is stored: API keys of sub-accounts are
shortened as the exchange shows them, and e-mail addresses are left out. Salted digests tell whether two calls
are the same, or which row is meant.

A file restored from a backup lacks what was sent since, and assigns the same numbers again. So every entry
has a random token that each operation checks, and the file records its own history (`journal_store`).

An outcome that cannot be recorded (the disk is full, the file is locked, an interrupt) is deferred: this
process remembers it, and the next operation on the journal records it (`deferred`).
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

from toolkit.errors import JournalError, UsageError
from toolkit.storage import processes
from toolkit.writes import deferred, pending
from toolkit.writes.deferred import Resolution
from toolkit.writes.entry import (
    ConflictKey,
    IdOrigin,
    JournalEntry,
    ResolvedBy,
    Status,
    find,
    now_ms,
    to_json,
    update,
)
from toolkit.writes.journal_store import JournalFile

# Larger than any integer of SQLite.
_NUMBER_LIMIT = 2**63


class Journal:
    """The journal of one exchange. Threads and processes can share it.

    Args:
        path: Its file.

    Attributes:
        path: As given.

    Raises:
        JournalError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = JournalFile(path)

    def digest(self, *parts: str) -> str:
        """A salted digest of texts, to compare them without storing them."""
        return hmac.new(
            self._file.salt, "\x1f".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256
        ).hexdigest()

    # -- the life of an entry -----------------------------------------------------------------------------

    def check(self, conflict_key: ConflictKey) -> JournalEntry | None:
        """The earlier entry with the idempotency key of this call, None where the call is to be sent.

        Raises:
            UsageError: The idempotency key belongs to another call.
            PendingWriteError: A call about the same thing is not resolved.
        """
        with self._transaction() as file:
            return pending.check(file, conflict_key)

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
        """Record a call before it is sent.

        Args:
            conflict_key: How the call is compared with others.
            endpoint: The endpoint that is called.
            arguments: The arguments, as they may be shown.
            digests: Digests of the private arguments, by name.
            id_origin: As in `JournalEntry`.
            before: Rows of the read made before it, None where there was none.
            newest: Number of the newest entry about the same thing when `before` was read.

        Returns:
            Its entry, and whether it is new. An entry that is not new has the same idempotency key.

        Raises:
            UsageError: The idempotency key belongs to another call.
            PendingWriteError: A call about the same thing is not resolved.
            JournalError: The call cannot be recorded. Nothing was sent.
        """
        pid, thread = os.getpid(), threading.get_ident()
        for other, caller in list(pending.running.items()):
            if caller == thread:  # left by an interrupt: a thread makes one call at a time
                pending.running.pop(other, None)
        token = secrets.token_hex(16)
        try:
            with self._transaction() as file:
                found = pending.check(file, conflict_key)
                if found is not None:
                    return found, False
                if newest is not None:
                    pending.check_newest(file, endpoint, conflict_key.subject, newest)
                row = {
                    "token": token,
                    "endpoint": endpoint,
                    "arguments": to_json(dict(arguments)),
                    "same": conflict_key.same,
                    "subject": conflict_key.subject,
                    "idempotency_key": conflict_key.idempotency_key,
                    "id_origin": id_origin,
                    "digests": to_json(dict(digests)),
                    "key": conflict_key.key,
                    "process": processes.process_name(),
                    "pid": pid,
                    "began": processes.start_time(pid),
                    "boot": processes.boot_id(),
                    "made_at": now_ms(),
                    "status": "prepared",
                    "reason": "recorded, not sent yet",
                    "before": None if before is None else to_json(before),
                    "account": conflict_key.account,
                }
                placeholders = ", ".join("?" * len(row))
                file.execute(
                    f"INSERT INTO entries ({', '.join(row)}) VALUES ({placeholders})",  # noqa: S608 - our own names
                    [*row.values()],
                )
                pending.running[token] = thread
                (entry,) = find(file, "token = ?", token)
        except BaseException:  # also an interrupt after the commit: the call was not sent
            pending.running.pop(token, None)
            raise
        return entry, True

    def mark_sending(self, entry: JournalEntry, timestamps: Callable[[], tuple[int, int]]) -> JournalEntry:
        """Record that a call is being sent now.

        Args:
            entry: The call.
            timestamps: Returns the call's timestamp and when it expires. Called once the file is locked, as
                waiting for the lock may take a while.

        Returns:
            The entry, with the timestamp.

        Raises:
            JournalError: This cannot be recorded, or another process presumed this one dead and resolved the
                call. Nothing was sent.
        """
        with self._transaction(entry.execution_note) as file:
            known = self._current(file, entry)
            if known.status != "prepared":
                raise JournalError(
                    f"Another process presumed this one dead and resolved #{entry.number}. Nothing was sent. "
                    "Call again."
                )
            sent_at, until = timestamps()
            reason = "sent, no response yet"
            update(file, known, {"status": "sending", "reason": reason, "sent_at": sent_at, "until": until})
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
        """Record the outcome of a call.

        A resolved entry changes only for stronger proof: the response to the call outweighs a read, a
        repetition or a person, and a read outweighs a person. A person may change what a person said.

        Args:
            entry: The call.
            status: The outcome.
            reason: Why, in words.
            by: How it is known.
            answer: The row of the response.
            not_sent: Whether the call was not sent. Its idempotency key can then be used again.

        Raises:
            JournalError: The outcome cannot be recorded.
        """
        if by == "answer":
            self.defer(entry, status, reason, answer=answer, not_sent=not_sent)
        with self._transaction(entry.execution_note) as file:
            known = self._current(file, entry)
            if by != "answer":
                deferred.apply(file, known, Resolution(status, reason, by, answer, not_sent))
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
        """Remember an outcome until the next transaction records it. The arguments are those of `resolve`."""
        deferred.add(self._file.salt, entry.token, Resolution(status, reason, "answer", answer, not_sent))

    def mark_finished(self, entry: JournalEntry) -> None:
        """Note that a call is no longer in progress, whatever its outcome."""
        pending.running.pop(entry.token, None)

    def resolve_repeats(self, entry: JournalEntry, is_ours: Callable[[JournalEntry], bool]) -> None:
        """Resolve older calls by a confirmed repetition of them.

        Args:
            entry: The confirmed call.
            is_ours: Tells whether an older entry belongs to the same account. For another account it is
                another call.
        """
        reason = f"the same call was sent again as #{entry.number}, which was confirmed"
        with self._transaction(entry.execution_note) as file:
            self._current(file, entry)
            for older in find(file, f"subject = ? AND {pending.UNRESOLVED}", entry.subject):
                # Includes "sending", where the process died before the response.
                is_older = older.number < entry.number and older.status != "prepared"
                if is_older and older.same == entry.same and is_ours(older):
                    changes = {"status": "confirmed", "reason": reason, "resolved_at": now_ms()}
                    update(file, older, changes | {"resolved_by": "repetition"})

    def release_idempotency_key(self, idempotency_key: str) -> JournalEntry:
        """Remove the idempotency key from a rejected entry, so that it can be used again.

        Raises:
            UsageError: No entry has this idempotency key, or its entry is not rejected.
        """
        with self._transaction() as file:
            found = find(file, "idempotency_key = ?", idempotency_key)
            if not found:
                raise UsageError(f"No write in the journal has the idempotency key {idempotency_key!r}.")
            entry = found[0]
            if entry.status != "rejected":
                raise UsageError(
                    f"#{entry.number}, with the idempotency key {idempotency_key!r}, is {entry.status}. Only "
                    "the idempotency key of a rejected call can be used again."
                )
            update(
                file,
                entry,
                {
                    "idempotency_key": None,
                    "reason": f"{entry.reason} (its idempotency key {idempotency_key!r} was freed)",
                },
            )
            return self._current(file, entry)

    # -- reading -------------------------------------------------------------------------------------------

    def entry(self, number: int) -> JournalEntry:
        """The entry with this number.

        Raises:
            UsageError: There is no such entry.
        """
        with self._transaction() as file:
            found = find(file, "number = ?", number) if abs(number) < _NUMBER_LIMIT else []
            if not found:
                raise UsageError(f"The journal has no entry #{number}; `ops.history()` lists them all.")
            return self._checked(file, found[0])

    def reload(self, entry: JournalEntry) -> JournalEntry:
        """An entry as the file has it now.

        Raises:
            JournalError: It is no longer in the file.
        """
        with self._transaction(entry.execution_note) as file:
            return self._checked(file, self._current(file, entry))

    def entries(self, *, unresolved: bool = False) -> list[JournalEntry]:
        """All entries, oldest first, or only those whose outcome is unknown."""
        with self._transaction() as file:
            found = find(file, pending.UNRESOLVED)
            open_entries = [entry for entry in found if not pending.resolve_unsent(file, entry)]
            if unresolved:
                return [entry for entry in open_entries if not pending.is_in_progress(entry)]
            return find(file, "1")

    def newest_number(self, subject: str) -> int:
        """Number of the newest entry with this subject, 0 where there is none."""
        with self._transaction() as file:
            query = "SELECT coalesce(max(number), 0) FROM entries WHERE subject = ?"
            return int(file.execute(query, (subject,)).fetchone()[0])

    def answers(self, endpoint: str) -> list[Mapping[str, Any]]:
        """The responses to all confirmed calls of an endpoint."""
        with self._transaction() as file:
            found = find(file, "endpoint = ? AND status = 'confirmed' AND answer IS NOT NULL", endpoint)
            return [entry.answer for entry in found if entry.answer is not None]

    # -- within a transaction ------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, execution_note: str = "Nothing was sent.") -> Iterator[sqlite3.Connection]:
        """A transaction, which records the deferred outcomes first."""
        resolutions = deferred.pending(self._file.salt)
        with self._file.transaction(execution_note) as file:
            for token, resolution in resolutions.items():
                for entry in find(file, "token = ?", token):
                    deferred.apply(file, entry, resolution)
            yield file
        deferred.discard(self._file.salt, resolutions)

    def _checked(self, file: sqlite3.Connection, entry: JournalEntry) -> JournalEntry:
        """An entry, resolved first if its call ended before it was sent."""
        return self._current(file, entry) if pending.resolve_unsent(file, entry) else entry

    def _current(self, file: sqlite3.Connection, entry: JournalEntry) -> JournalEntry:
        """The entry as the file has it.

        Raises:
            JournalError: The file does not have it, or has another entry with its number.
        """
        found = find(file, "number = ?", entry.number)
        if not found or found[0].token != entry.token:
            problem = f"is another call in it, of {found[0].endpoint}" if found else "is not in it"
            raise self._file.replaced(f"#{entry.number} {problem}", entry.execution_note)
        return found[0]
