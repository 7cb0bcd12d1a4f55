"""The journal record of a call in progress, and the texts for its outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from toolkit.endpoints import Write
from toolkit.errors import ApiError, JournalError, NotExecutedError, ToolkitError
from toolkit.runtime.interruptions import forgiving
from toolkit.writes.entry import JournalEntry, Status
from toolkit.writes.journal import Journal
from toolkit.writes.outcome import NewKey, Outcome

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

DEFERRED = (
    "This kernel remembers it: the next call that uses the journal, such as `ops.history()`, records it once "
    "the journal is usable again."
)


class WriteRecord:
    """A call in progress: its journal entry, and what prevented an update of it.

    Attributes:
        entry: The entry with what is known about the call, recorded or not.
        journal_error: Why the outcome could not be recorded, None where it was.
        interruption: An interrupt, or another exception raised by the user's code meanwhile.
    """

    def __init__(self, journal: Journal, entry: JournalEntry) -> None:
        self._journal = journal
        self.entry = entry
        self.journal_error: JournalError | None = None
        self.interruption: BaseException | None = None

    def resolve(
        self,
        status: Status,
        reason: str,
        *,
        answer: Mapping[str, Any] | None = None,
        not_sent: bool = False,
    ) -> None:
        """Record the outcome. Where that fails, this process remembers it."""
        known = replace(self.entry, status=status, reason=reason, answer=answer)
        recorded = self.attempt(
            lambda: self._journal.resolve(
                self.entry, status, reason, "answer", answer=answer, not_sent=not_sent
            )
        )
        if recorded is None:  # an interrupt may have come before the journal deferred it
            self._journal.defer(known, status, reason, answer=answer, not_sent=not_sent)
        self.entry = recorded or known
        level = logging.WARNING if status == "unknown" else logging.INFO
        with forgiving(Exception):  # the user's log handlers
            _LOG.log(level, "write #%d %s: %s", self.entry.number, self.entry.endpoint, status)

    @property
    def is_incomplete(self) -> bool:
        """Whether something that is known could not be recorded."""
        return self.journal_error is not None or self.interruption is not None

    def attempt(self, operation: Callable[[], T]) -> T | None:
        """Run an operation on the journal whose failure must not hide the outcome; None where it fails."""
        try:
            return operation()
        except JournalError as error:
            self.journal_error = error
        except BaseException as error:  # noqa: BLE001 - raised later, with the outcome attached
            self.interruption = error
        return None


def rejection_reason(error: ToolkitError | None) -> str:
    """Why nothing was executed, without the sentences that the outcome adds itself."""
    if isinstance(error, NotExecutedError):
        return error.reason
    if not isinstance(error, ApiError):
        return str(error)
    label = f"HTTP {error.status}" + ("" if error.code is None else f", code {error.code}")
    message = f": {error.message.rstrip('.')}" if error.message else ""
    return f"the exchange refused it ({label}){message}. {error.advice}"


def new_key(write: Write, payload: Mapping[str, Any]) -> NewKey | None:
    """The new API key in a response, None where it has none."""
    if not write.handover_field:
        return None
    column = next(column for column in write.columns if column.masked == "key")
    key = next((payload[field] for field in column.fields if payload.get(field)), "")
    return NewKey(str(key), str(payload.get(write.handover_field) or "")) if key else None


def was_not_sent(error: ToolkitError | None) -> bool:
    """Whether an error means that the call was not sent."""
    return isinstance(error, NotExecutedError) and error.status is None


def with_outcome(error: BaseException, outcome: Outcome, *, deferred: bool = False) -> BaseException:
    """An exception that ended a call, with the outcome attached, so that the outcome is not lost.

    Args:
        error: The exception.
        outcome: The outcome of the call.
        deferred: Whether the outcome could not be recorded in the journal yet.
    """
    note = f"{outcome.endpoint} was interrupted; #{outcome.number} is {outcome.status}: {outcome.reason}."
    if deferred:
        note += f" The journal does not have this yet. {DEFERRED}"
    if outcome.status == "unknown":
        note += f" `ops.reconcile({outcome.number})` asks the exchange."
    if type(error) is KeyboardInterrupt:
        error = KeyboardInterrupt(note)
    else:  # an exception raised by the user's code keeps its message
        error.add_note(note)
    error.outcome = outcome  # type: ignore[attr-defined]
    return error
