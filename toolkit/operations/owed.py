"""What an answer said and the journal does not have yet: this process owes it to the file.

A disk that is full, a file that is locked, an interrupt: what became of a call is known here all the same,
and is written down with the next step of the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.operations.entry import Entry, SettledBy, Status, change, dumped, now, writable
from toolkit.storage import forks


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call, and what says so; as in `Journal.settle`."""

    status: Status
    told: str
    by: SettledBy
    answer: Mapping[str, Any] | None
    never_left: bool


# By the journal's salt and by token.
_owed: dict[bytes, dict[str, Result]] = {}

forks.in_child(_owed.clear)  # the parent writes it down


def keep(salt: bytes, token: str, result: Result) -> None:
    """Keep in mind what became of a call.

    Args:
        salt: The journal's.
        token: The call's.
        result: What became of it.
    """
    _owed.setdefault(salt, {})[token] = result


def to(salt: bytes) -> dict[str, Result]:
    """What is owed to a journal, by token."""
    return dict(_owed.get(salt, {}))


def paid(salt: bytes, results: Mapping[str, Result]) -> None:
    """Forget what was written down, unless something newer is known by now."""
    owed = _owed.get(salt, {})
    for token, result in results.items():
        if owed.get(token) is result:
            del owed[token]


def record(file: sqlite3.Connection, known: Entry, result: Result) -> None:
    """Write down what became of a call, unless something stronger has been."""
    settled = result.status in ("confirmed", "rejected")
    weaker = {"answer": ("read", "person", "repetition"), "read": ("person",), "person": ("person",)}
    if known.is_settled and not (settled and known.settled_by in weaker.get(result.by, ())):
        return
    changes: dict[str, object] = {"status": result.status, "told": writable(result.told)}
    if settled:
        changes |= {"settled_at": now(), "settled_by": result.by}
    if result.never_left:
        changes["once"] = None
    if result.answer is not None:
        changes["answer"] = dumped(result.answer)
    change(file, known, changes)
