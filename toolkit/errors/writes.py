"""Errors about the outcome of a write, and about the journal."""

from __future__ import annotations

from toolkit.errors.base import ToolkitError, UsageError, shown


class PendingWriteError(UsageError):
    """A write to the same target is in progress, or its outcome is unknown. Nothing was sent.

    Attributes:
        number: Number of that write in the journal.
    """

    def __init__(self, message: str, number: int) -> None:
        self.number = number
        super().__init__(message)


class NotExecutedError(ToolkitError):
    """A write was not executed: it was never sent, or the exchange did not execute it.

    Attributes:
        endpoint: The endpoint that was called.
        reason: Why it was not executed.
        status: HTTP status, None if no response arrived.
        proven: Whether it is known that nothing was executed. False if the current state merely differs
            from what the write would have left.
    """

    def __init__(self, endpoint: str, reason: str, status: int | None = None, *, proven: bool = True) -> None:
        self.endpoint = endpoint
        self.reason = reason
        self.status = status
        self.proven = proven
        again = "Nothing was executed; it may be sent again." if proven else "It may be sent again."
        super().__init__(f"{endpoint}: {reason.rstrip('.')}. {again}")


class OutcomeUnknownError(ToolkitError):
    """A write may have been executed, or not. The toolkit never sends it again by itself.

    Attributes:
        endpoint: The endpoint that was called.
        reason: What happened instead of a clear response.
        status: HTTP status, None if no response arrived.
        number: Number of the write in the journal.
    """

    def __init__(
        self, endpoint: str, reason: str, status: int | None = None, number: int | None = None
    ) -> None:
        self.endpoint = endpoint
        self.reason = reason
        self.status = status
        self.number = number
        super().__init__(
            f"{endpoint}: {reason.rstrip('.')}. It may have been executed. It was sent once and is not sent "
            "again; `reconcile()` asks the exchange what happened."
        )


class JournalError(ToolkitError):
    """The journal of writes cannot be read or written, or was replaced (by a backup, for example).

    Nothing is sent without it, and nothing is claimed about earlier writes.
    """


class JournalWarning(UserWarning):
    """A write got a response that could not be recorded in the journal.

    Attributes:
        outcome: The outcome of the write, which is lost otherwise if warnings are errors.
    """

    outcome: object = None
    __str__ = shown
