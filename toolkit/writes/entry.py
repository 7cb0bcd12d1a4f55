"""A journal entry, and the data by which a new write is compared with the entries."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from toolkit.runtime.decimals import in_own_context

Status = Literal["prepared", "sending", "confirmed", "rejected", "unknown"]
ResolvedBy = Literal["answer", "read", "person", "repetition", "journal"]
IdOrigin = Literal["", "call", "name"]
"""Where the id that identifies a write in the exchange's lists comes from.

"call": generated for this call. "name": derived from the idempotency key. "": chosen by the user, or none.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One write in the journal. The fields are the columns of the table.

    Attributes:
        number: Number of the entry. A journal restored from a backup assigns numbers again.
        token: Random text, unique to the entry.
        endpoint: The endpoint that was called.
        arguments: The arguments; private ones masked.
        same: Digest of endpoint and arguments: equal for two identical calls.
        subject: Digest of what the call changes.
        idempotency_key: Its idempotency key, None where it has none.
        id_origin: Where the id that identifies it in the exchange's lists comes from: "call", generated for
            this call and unique to it; "name", derived from `idempotency_key`; "", anyone may have it.
        digests: Digests of the private arguments, by name.
        key: Digest of the API key it was sent with.
        process, pid, began, boot: The process that sent it.
        made_at: When it was recorded, in milliseconds of this machine's clock.
        sent_at: The timestamp it carried, in milliseconds of the exchange's clock; None when it was not sent.
        until: When the request expires, in milliseconds of the exchange's clock. It cannot be executed later.
        status: Its status.
        reason: Why it has this status.
        before: Rows of the read made before it.
        answer: The row of the response, or of the read that showed it; nothing private.
        resolved_at: When the outcome became known, in milliseconds of this machine's clock.
        resolved_by: How: from the response ("answer"), a read, a person, a confirmed repetition, or the
            journal itself (it was not sent).
        account: Id of the account it was sent for, None where it was not known.
    """

    number: int
    token: str = field(repr=False)
    endpoint: str
    arguments: Mapping[str, Any]
    same: str
    subject: str
    idempotency_key: str | None
    id_origin: IdOrigin
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
    reason: str
    before: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)
    resolved_at: int | None
    resolved_by: ResolvedBy | None
    account: str | None

    @property
    def is_resolved(self) -> bool:
        """Whether the outcome is known."""
        return self.status in ("confirmed", "rejected")

    @property
    def execution_note(self) -> str:
        """A sentence for error messages: whether the write may have been executed."""
        label = f"#{self.number} {self.endpoint}"
        if self.status == "prepared":
            return f"{label} was not sent."
        if self.is_resolved:
            return f"{label} was {self.status} when this kernel last read it."
        return f"{label} was sent. It may have been executed; its outcome is unknown."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictKey:
    """A write that is about to be sent, as far as it is compared with the journal's entries.

    Attributes:
        same, subject: Digests, as in `JournalEntry`.
        idempotency_key: Its idempotency key, None where it has none.
        key: Digest of the API key.
        account: Id of the account, None where it is not known.
        same_account_keys: Digests of API keys known to belong to the same account.
        same_account: Whether all API keys in the journal belong to one account.
        repeatable: Whether sending it twice has the same effect as sending it once.
        now: The exchange's time in milliseconds.
        conflicts: Tells whether an entry with the same subject may be the same call.
    """

    same: str
    subject: str
    idempotency_key: str | None = None
    key: str = ""
    account: str | None = None
    same_account_keys: frozenset[str] = frozenset()
    same_account: bool = False
    repeatable: bool = False
    now: int = 0
    conflicts: Callable[[JournalEntry], bool] = lambda entry: True

    def has_same_account(self, entry: JournalEntry) -> bool:
        """Whether an entry is known to belong to the account of this write."""
        return (
            self.same_account
            or entry.key == self.key
            or entry.key in self.same_account_keys
            or (entry.account is not None and entry.account == self.account)
        )


_JSON_FIELDS = ("arguments", "digests", "before", "answer")
FIELDS = tuple(each.name for each in fields(JournalEntry))


def find(file: sqlite3.Connection, condition: str, *values: object) -> list[JournalEntry]:
    """The entries that meet an SQL condition, oldest first."""
    columns = ", ".join(FIELDS)
    query = f"SELECT {columns} FROM entries WHERE {condition} ORDER BY number"  # noqa: S608 - ours
    rows = file.execute(query, values)
    return [from_row(row) for row in rows]


def update(file: sqlite3.Connection, entry: JournalEntry, changes: Mapping[str, object]) -> None:
    """Change columns of an entry."""
    assignments = ", ".join(f"{name} = ?" for name in changes)
    file.execute(
        f"UPDATE entries SET {assignments} WHERE token = ?",  # noqa: S608 - our own names
        [*changes.values(), entry.token],
    )


def from_row(row: tuple[Any, ...]) -> JournalEntry:
    """The entry in a row of the table.

    Raises:
        sqlite3.DatabaseError: The row is damaged.
    """
    values = dict(zip(FIELDS, row, strict=True))
    try:
        for name in _JSON_FIELDS:
            values[name] = None if values[name] is None else json.loads(values[name])
    except (ValueError, TypeError):
        raise sqlite3.DatabaseError(f"#{values['number']} is damaged") from None
    return JournalEntry(**values)


@in_own_context
def to_json(value: object) -> str:
    """A value as JSON that SQLite can store."""
    # ASCII only: a response may contain an unpaired surrogate, which SQLite rejects. Decimals stay exact.
    return json.dumps(value, separators=(",", ":"), default=str)


def now_ms() -> int:
    """This machine's time in milliseconds."""
    return int(time.time() * 1000)


def without_surrogates(text: str) -> str:
    """The text with unpaired surrogates replaced by "?"."""
    return text.encode("utf-8", "replace").decode()
