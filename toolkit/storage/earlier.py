"""What earlier versions of the package called their files, columns and variables.

Facts of the past: nothing here changes when the names of today do. Journals are read in full, since they hold
evidence about money. Of the state of the rate limits only the pauses and bans are taken over; the rest is
learnt anew with the first answer.
"""

from __future__ import annotations

from collections.abc import Mapping

RATE_LIMITS_VARIABLE = "TOOLKIT_LEDGER"  # keep: the name before
RATE_LIMITS_FILE = "{}.v1.sqlite"  # keep: the name before
RATE_LIMITS_SANDBOX = "sandbox-"  # keep: the name before
WAITS = "SELECT host, until, wall_until, seconds, boot FROM halt"  # keep: the name before

_ENTRY = (
    *("number", "token", "door", "arguments", "same", "subject", "once", "drawn"),  # keep: the name before
    *("digests", "key", "process", "pid", "began", "boot", "made_at", "sent_at"),  # keep: the name before
    *("until", "status", "told", "before", "answer", "settled_at", "settled_by"),  # keep: the name before
)
# Format 1 knew an entry by its number alone, and not whether its id at the exchange was drawn for it.
_ADDED = {"token": "lower(hex(randomblob(16)))", "drawn": "''"}  # keep: the name before
_FIRST = tuple(_ADDED.get(each, each) for each in _ENTRY)
_STEPS = "SELECT number, token FROM steps"  # keep: the name before
_OTHERS = {
    "salt": "SELECT salt FROM salt",  # keep: the name before
    "users": "SELECT pid, began, boot FROM users",  # keep: the name before
}


def _entries(columns: tuple[str, ...]) -> str:
    return f"SELECT {', '.join(columns)} FROM entries ORDER BY number"  # noqa: S608  # keep: the name before


JOURNALS: Mapping[int, Mapping[str, str]] = {
    1: {"entries": _entries(_FIRST), **_OTHERS},  # keep: the name before
    2: {"entries": _entries(_ENTRY), "steps": _STEPS, **_OTHERS},  # keep: the name before
}
"""By format, what selects the rows of each table of today from a journal: columns in the order of today's."""
