"""Which writes are in progress, and which of them prevent another one from being sent."""

from __future__ import annotations

import os
import sqlite3
import threading

from toolkit.errors import PendingWriteError, UsageError
from toolkit.runtime import forks
from toolkit.storage.processes import is_running
from toolkit.writes.entry import ConflictKey, JournalEntry, find, now_ms, update

UNRESOLVED = "status IN ('prepared', 'sending', 'unknown')"
"""Condition of entries whose outcome is not known."""

running: dict[str, int] = {}
"""The calls in progress in this process, by token, and the thread that made each."""

forks.in_child(running.clear)


def check(file: sqlite3.Connection, conflict_key: ConflictKey) -> JournalEntry | None:
    """The earlier entry with the idempotency key of a call, None where the call is to be sent.

    Raises:
        UsageError: The idempotency key belongs to another call.
        PendingWriteError: A call about the same thing is not resolved.
    """
    if conflict_key.idempotency_key is not None:
        found = find(file, "idempotency_key = ?", conflict_key.idempotency_key)
        if found and not resolve_unsent(file, found[0]):
            return _checked_repetition(found[0], conflict_key)
    for entry in find(file, f"subject = ? AND {UNRESOLVED}", conflict_key.subject):
        if not conflict_key.conflicts(entry):
            continue
        if is_in_progress(entry):
            raise PendingWriteError(
                f"{entry.endpoint}: #{entry.number}, about the same thing, is in progress in "
                f"{entry.process}. Nothing was sent. Call again once it has finished.",
                entry.number,
            )
        may_repeat = (
            conflict_key.repeatable
            and entry.same == conflict_key.same
            and conflict_key.has_same_account(entry)
        )
        if not may_repeat and not resolve_unsent(file, entry):
            raise PendingWriteError(
                f"{entry.endpoint}: the outcome of #{entry.number}, about the same thing, is unknown: "
                f"{entry.reason.rstrip('.')}. Nothing was sent this time. "
                f"`ops.reconcile({entry.number})` asks the exchange; call again once it is resolved.",
                entry.number,
            )
    if conflict_key.repeatable:
        _check_late_arrivals(file, conflict_key)
    return None


def _check_late_arrivals(file: sqlite3.Connection, conflict_key: ConflictKey) -> None:
    """Check that no setting whose response was lost may still arrive and undo this one."""
    condition = "subject = ? AND until > ? AND resolved_by IN ('read', 'repetition', 'person')"
    for entry in find(file, condition, conflict_key.subject, conflict_key.now):
        if entry.same != conflict_key.same:
            left = ((entry.until or 0) - conflict_key.now) / 1000
            raise PendingWriteError(
                f"{entry.endpoint}: the response to #{entry.number}, about the same thing, was lost. The "
                f"request may still arrive at the exchange for {left:.0f} s and undo this call. Nothing was "
                "sent. Call again then.",
                entry.number,
            )


def check_newest(file: sqlite3.Connection, endpoint: str, subject: str, newest: int) -> None:
    """Check that nothing about the same thing was called since the state was read.

    Args:
        file: The journal.
        endpoint: The endpoint that is called.
        subject: Digest of what it changes.
        newest: Number of the newest entry about it when the state was read.

    Raises:
        PendingWriteError: There is a newer entry.
    """
    later = find(file, "subject = ? AND number > ?", subject, newest)
    if later:
        raise PendingWriteError(
            f"{endpoint}: #{later[0].number} changed the same thing while the state before the call was "
            "read. Nothing was sent. Call again.",
            later[0].number,
        )


def _checked_repetition(entry: JournalEntry, conflict_key: ConflictKey) -> JournalEntry:
    """The entry with the idempotency key of a call, if the call is the same and no longer in progress."""
    if entry.same != conflict_key.same:
        or_free = (
            f", or free this one with `ops.release_idempotency_key({entry.idempotency_key!r})`"
            if entry.status == "rejected"
            else ""
        )
        raise UsageError(
            f"`idempotency_key`: {entry.idempotency_key!r} belongs to another call, #{entry.number} "
            f"({entry.endpoint}, {entry.status}). Nothing was sent. Use another idempotency key{or_free}."
        )
    if not conflict_key.has_same_account(entry):
        raise UsageError(
            f"`idempotency_key`: {entry.idempotency_key!r} belongs to #{entry.number}, which was sent "
            "with another API key. Nothing was sent. If both API keys belong to one account, use "
            "`link.operations(..., same_account=True)`; otherwise use another idempotency key."
        )
    if is_in_progress(entry):
        raise PendingWriteError(
            f"{entry.endpoint}: #{entry.number}, with the idempotency key {entry.idempotency_key!r}, is "
            f"in progress in {entry.process}. Nothing was sent this time.",
            entry.number,
        )
    return entry


def is_in_progress(entry: JournalEntry) -> bool:
    """Whether a call is in progress: its process runs and waits for the response."""
    if entry.status not in ("prepared", "sending"):
        return False
    if entry.pid == os.getpid() and is_running(entry.pid, entry.began, entry.boot):
        # A thread that asks is not waiting: its own call was interrupted.
        return running.get(entry.token, threading.get_ident()) != threading.get_ident()
    return is_running(entry.pid, entry.began, entry.boot)


def resolve_unsent(file: sqlite3.Connection, entry: JournalEntry) -> bool:
    """Resolve an entry as rejected if its call ended before it was sent; whether that was so."""
    if entry.status != "prepared" or is_in_progress(entry):
        return False
    ended = "it was interrupted" if entry.pid == os.getpid() else "its process ended"
    reason = f"{ended} before it was sent"
    changes = {"status": "rejected", "reason": reason, "resolved_at": now_ms(), "resolved_by": "journal"}
    update(file, entry, changes | {"idempotency_key": None})  # it can be used again
    return True
