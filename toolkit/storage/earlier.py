"""Names of files, columns and variables in earlier versions of the package.

Nothing here changes when current names do. Journals are read in full, because they are evidence about money.
Of the rate limits only bans and pauses are carried over; the rest is learnt from the first response.
"""

from __future__ import annotations

from collections.abc import Mapping

RATE_LIMITS_VARIABLE = "TOOLKIT_LEDGER"  # keep: the name before
RATE_LIMITS_FILE = "{}.v1.sqlite"  # keep: the name before
RATE_LIMITS_SANDBOX = "sandbox-"  # keep: the name before
BACKOFFS = "SELECT host, until, wall_until, seconds, boot FROM halt"  # keep: the name before

_ENTRY = (
    *("number", "token", "door", "arguments", "same", "subject", "once", "drawn"),  # keep: the name before
    *("digests", "key", "process", "pid", "began", "boot", "made_at", "sent_at"),  # keep: the name before
    *("until", "status", "told", "before", "answer", "settled_at", "settled_by"),  # keep: the name before
)
# Format 1 had no token, and did not record whether the id at the exchange was generated for the entry.
_ADDED = {"token": "lower(hex(randomblob(16)))", "drawn": "''"}  # keep: the name before
_FIRST = tuple(_ADDED.get(each, each) for each in _ENTRY)
# Format 3 did not record the account.
_THIRD = (
    *("number", "token", "endpoint", "arguments", "same", "subject", "idempotency_key", "id_origin"),
    *("digests", "key", "process", "pid", "began", "boot", "made_at", "sent_at"),
    *("until", "status", "reason", "before", "answer", "resolved_at", "resolved_by"),
)
_NO_ACCOUNT = "NULL"
_STEPS = "SELECT number, token FROM steps"  # keep: the name before
_OTHERS = {
    "salt": "SELECT salt FROM salt",  # keep: the name before
    "users": "SELECT pid, began, boot FROM users",  # keep: the name before
}


def _entries(columns: tuple[str, ...]) -> str:
    return f"SELECT {', '.join(columns)} FROM entries ORDER BY number"  # noqa: S608  # keep: the name before


JOURNALS: Mapping[int, Mapping[str, str]] = {
    1: {"entries": _entries((*_FIRST, _NO_ACCOUNT)), **_OTHERS},  # keep: the name before
    2: {"entries": _entries((*_ENTRY, _NO_ACCOUNT)), "steps": _STEPS, **_OTHERS},  # keep: the name before
    3: {"entries": _entries((*_THIRD, _NO_ACCOUNT)), "steps": _STEPS, **_OTHERS},  # keep: the name before
}
"""For each format, the statements that select the rows of each current table, in the current column order."""
