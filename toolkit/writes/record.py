"""A call in the journal while it is under way, and the words for what came of it."""

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
    "The journal does not have it yet: once it can be used, any step in this kernel, as `ops.history()`, "
    "writes it down."
)


class Record:
    """A call in the journal, and what kept it from being written down.

    Attributes:
        entry: The call, as far as it is known.
        unwritten: Why it could not be written down.
        interruption: The interrupt, or another exception of the user's own, that came meanwhile.
    """

    def __init__(self, journal: Journal, entry: JournalEntry) -> None:
        self._journal = journal
        self.entry = entry
        self.unwritten: JournalError | None = None
        self.interruption: BaseException | None = None

    def resolve(
        self,
        status: Status,
        reason: str,
        *,
        answer: Mapping[str, Any] | None = None,
        not_sent: bool = False,
    ) -> None:
        """Write down what became of it; where that fails, it is known here all the same."""
        known = replace(self.entry, status=status, reason=reason, answer=answer)
        written = self.step(
            lambda: self._journal.resolve(
                self.entry, status, reason, "answer", answer=answer, not_sent=not_sent
            )
        )
        if written is None:  # it may have been interrupted before even that was kept in mind
            self._journal.defer(known, status, reason, answer=answer, not_sent=not_sent)
        self.entry = written or known
        level = logging.WARNING if status == "unknown" else logging.INFO
        with forgiving(Exception):  # a handler of the user's
            _LOG.log(level, "write #%d %s: %s", self.entry.number, self.entry.endpoint, status)

    @property
    def is_unwritten(self) -> bool:
        """Whether something that is known could not be written down."""
        return self.unwritten is not None or self.interruption is not None

    def step(self, step: Callable[[], T]) -> T | None:
        """A step of the journal that must not stand in the way any more."""
        try:
            return step()
        except JournalError as error:
            self.unwritten = error
        except BaseException as error:  # noqa: BLE001 - raised once what is known is at hand
            self.interruption = error
        return None


def rejection_reason(error: ToolkitError | None) -> str:
    """Why nothing was executed, without what the outcome says itself."""
    if isinstance(error, NotExecutedError):
        return error.reason
    if not isinstance(error, ApiError):
        return str(error)
    label = f"HTTP {error.status}" + ("" if error.code is None else f", code {error.code}")
    said = f": {error.message.rstrip('.')}" if error.message else ""
    return f"the exchange refused it ({label}){said}. {error.advice}"


def new_key(write: Write, payload: Mapping[str, Any]) -> NewKey | None:
    """The key that an answer hands over, None where there is none in it."""
    if not write.handover_field:
        return None
    column = next(column for column in write.columns if column.masked == "key")
    key = next((payload[field] for field in column.fields if payload.get(field)), "")
    return NewKey(str(key), str(payload.get(write.handover_field) or "")) if key else None


def has_not_left(error: ToolkitError | None) -> bool:
    """Whether an error says that the call never left this machine."""
    return isinstance(error, NotExecutedError) and error.status is None


def with_outcome(error: BaseException, outcome: Outcome, *, unwritten: bool = False) -> BaseException:
    """What broke a call off, with its outcome: a loop of calls ends, and nothing is lost.

    Args:
        error: What broke it off.
        outcome: Its outcome.
        unwritten: That could not be written down.
    """
    said = f"{outcome.endpoint} was interrupted; #{outcome.number} is {outcome.status}: {outcome.reason}."
    if unwritten:
        said += f" {DEFERRED}"
    if outcome.status == "unknown":
        said += f" `ops.reconcile({outcome.number})` asks the exchange."
    if type(error) is KeyboardInterrupt:
        error = KeyboardInterrupt(said)
    else:  # an exception of the user's own is left as it is
        error.add_note(said)
    error.outcome = outcome  # type: ignore[attr-defined]
    return error
