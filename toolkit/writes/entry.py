"""One write in the journal, and a call as far as it is compared with those in there."""

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
"""Who drew the value by which the exchange's lists show a call: the call itself, its name, or nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One write in the journal.

    Attributes:
        number: Its number. A journal that is put back from a backup gives numbers again.
        token: What it is known by: drawn when it was begun, and no other entry's.
        endpoint: The door that was called.
        arguments: Its arguments as they may be shown.
        same: Digest of door and arguments: two calls with the same one mean the same.
        subject: Digest of what is changed.
        idempotency_key: The name under which it is done once, None where it has none.
        id_origin: Who drew the value that shows it in the exchange's lists: "call", where this very call did and
            no other can have it; "name", where it follows from `idempotency_key`; "" where anyone may have it.
        digests: Digests of its private arguments, by name.
        key: Digest of the API key it was sent with.
        process, pid, began, boot: The process that sent it.
        made_at: When it was written down, in milliseconds of this machine.
        sent_at: Timestamp it carried, in milliseconds of the exchange; None when it never left.
        until: From when on it cannot be executed any more, in milliseconds of the exchange.
        status: What became of it.
        reason: In words.
        before: Rows of the read made before it.
        answer: The answer's row, or the row of the read that showed it; nothing private.
        resolved_at: When that was known.
        resolved_by: By what: the answer, a read, a person, a repetition that was confirmed, or the journal
            itself (it never left).
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

    @property
    def is_resolved(self) -> bool:
        """Whether it is known what became of it."""
        return self.status in ("confirmed", "rejected")

    @property
    def executed(self) -> str:
        """Whether it may have been executed, as far as whoever holds it knows."""
        what = f"#{self.number} {self.endpoint}"
        if self.status == "prepared":
            return f"{what} was not sent."
        if self.is_resolved:
            return f"{what} was {self.status} when this kernel saw it last."
        return f"{what} was sent and may have been executed; what became of it is not known."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictKey:
    """A call that is to be sent, as far as it is compared with others.

    Attributes:
        same, subject: Digests as in an entry.
        idempotency_key: The name under which it is to be done once.
        key: Digest of the API key.
        same_account_keys: Digests of the keys of the same account, as far as they are known.
        same_account: All keys in the journal are of the same account.
        repeatable: Sent twice, it leaves what it leaves when sent once.
        now: The exchange's time in milliseconds.
        conflicts: Whether an entry about the same thing may mean the same.
    """

    same: str
    subject: str
    idempotency_key: str | None = None
    key: str = ""
    same_account_keys: frozenset[str] = frozenset()
    same_account: bool = False
    repeatable: bool = False
    now: int = 0
    conflicts: Callable[[JournalEntry], bool] = lambda entry: True

    def is_of_the_same_account(self, entry: JournalEntry) -> bool:
        """Whether a call in the journal was made for the account that this one is for."""
        return self.same_account or entry.key == self.key or entry.key in self.same_account_keys


_JSON = ("arguments", "digests", "before", "answer")
NAMES = tuple(each.name for each in fields(JournalEntry))


def change(file: sqlite3.Connection, entry: JournalEntry, changes: Mapping[str, object]) -> None:
    """Change an entry."""
    names = ", ".join(f"{name} = ?" for name in changes)
    file.execute(
        f"UPDATE entries SET {names} WHERE token = ?",  # noqa: S608 - our own names
        [*changes.values(), entry.token],
    )


def loaded(row: tuple[Any, ...]) -> JournalEntry:
    """An entry from its row.

    Raises:
        sqlite3.DatabaseError: It is damaged.
    """
    values = dict(zip(NAMES, row, strict=True))
    try:
        for name in _JSON:
            values[name] = None if values[name] is None else json.loads(values[name])
    except (ValueError, TypeError):
        raise sqlite3.DatabaseError(f"#{values['number']} is damaged") from None
    return JournalEntry(**values)


@in_own_context
def dumped(value: object) -> str:
    """A value as text that the file takes."""
    # In ASCII: an answer may hold half a character, which no file takes. Decimals stay exact.
    return json.dumps(value, separators=(",", ":"), default=str)


def now() -> int:
    """This machine's time in milliseconds."""
    return int(time.time() * 1000)


def writable(text: str) -> str:
    """Text without halves of characters."""
    return text.encode("utf-8", "replace").decode()
