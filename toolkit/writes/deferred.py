"""What an answer said and the journal does not have yet: this process owes it to the file.

A disk that is full, a file that is locked, an interrupt: what became of a call is known here all the same,
and is written down with the next step of the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.runtime import forks
from toolkit.writes.entry import JournalEntry, ResolvedBy, Status, change, dumped, now, writable


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call, and what says so; as in `Journal.resolve`."""

    status: Status
    reason: str
    by: ResolvedBy
    answer: Mapping[str, Any] | None
    not_sent: bool


# By the journal's salt and by token.
_deferred: dict[bytes, dict[str, Result]] = {}

forks.in_child(_deferred.clear)  # the parent writes it down


def keep(salt: bytes, token: str, result: Result) -> None:
    """Keep in mind what became of a call.

    Args:
        salt: The journal's.
        token: The call's.
        result: What became of it.
    """
    _deferred.setdefault(salt, {})[token] = result


def to(salt: bytes) -> dict[str, Result]:
    """What is owed to a journal, by token."""
    return dict(_deferred.get(salt, {}))


def written(salt: bytes, results: Mapping[str, Result]) -> None:
    """Forget what was written down, unless something newer is known by now."""
    deferred = _deferred.get(salt, {})
    for token, result in results.items():
        if deferred.get(token) is result:
            del deferred[token]


def record(file: sqlite3.Connection, known: JournalEntry, result: Result) -> None:
    """Write down what became of a call, unless something stronger has been."""
    resolved = result.status in ("confirmed", "rejected")
    weaker = {"answer": ("read", "person", "repetition"), "read": ("person",), "person": ("person",)}
    if known.is_resolved and not (resolved and known.resolved_by in weaker.get(result.by, ())):
        return
    changes: dict[str, object] = {"status": result.status, "reason": writable(result.reason)}
    if resolved:
        changes |= {"resolved_at": now(), "resolved_by": result.by}
    if result.not_sent:
        changes["idempotency_key"] = None
    if result.answer is not None:
        changes["answer"] = dumped(result.answer)
    change(file, known, changes)
