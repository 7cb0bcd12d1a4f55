"""Outcomes that this process knows but could not record in the journal yet.

The disk may be full, the file locked, or the process interrupted. The outcome is still known here, and the
next operation on the journal records it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.runtime import forks
from toolkit.writes.entry import JournalEntry, ResolvedBy, Status, now_ms, to_json, update, without_surrogates


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome of a write and how it is known. The fields are the arguments of `Journal.resolve`."""

    status: Status
    reason: str
    by: ResolvedBy
    answer: Mapping[str, Any] | None
    not_sent: bool


# By the journal's salt, then by the entry's token.
_deferred: dict[bytes, dict[str, Resolution]] = {}

forks.in_child(_deferred.clear)  # the parent records them


def add(salt: bytes, token: str, resolution: Resolution) -> None:
    """Remember the outcome of a write until it can be recorded.

    Args:
        salt: The journal's salt.
        token: The entry's token.
        resolution: The outcome.
    """
    _deferred.setdefault(salt, {})[token] = resolution


def pending(salt: bytes) -> dict[str, Resolution]:
    """The outcomes that are still to be recorded in a journal, by token."""
    return dict(_deferred.get(salt, {}))


def discard(salt: bytes, recorded: Mapping[str, Resolution]) -> None:
    """Forget outcomes that have been recorded, except those replaced by a newer one meanwhile."""
    deferred = _deferred.get(salt, {})
    for token, resolution in recorded.items():
        if deferred.get(token) is resolution:
            del deferred[token]


def apply(file: sqlite3.Connection, known: JournalEntry, resolution: Resolution) -> None:
    """Record an outcome, unless the entry already has stronger proof."""
    resolved = resolution.status in ("confirmed", "rejected")
    weaker = {"answer": ("read", "person", "repetition"), "read": ("person",), "person": ("person",)}
    if known.is_resolved and not (resolved and known.resolved_by in weaker.get(resolution.by, ())):
        return
    changes: dict[str, object] = {
        "status": resolution.status,
        "reason": without_surrogates(resolution.reason),
    }
    if resolved:
        changes |= {"resolved_at": now_ms(), "resolved_by": resolution.by}
    if resolution.not_sent:
        changes["idempotency_key"] = None
    if resolution.answer is not None:
        changes["answer"] = to_json(resolution.answer)
    update(file, known, changes)
