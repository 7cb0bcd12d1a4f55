"""What became of a write, and the journal of them."""

from __future__ import annotations

from toolkit.errors.base import ToolkitError, UsageError, shown


class PendingWriteError(UsageError):
    """A call about the same thing is under way, or its outcome is not known. Nothing was sent.

    Attributes:
        number: Its number in the journal.
    """

    def __init__(self, message: str, number: int) -> None:
        self.number = number
        super().__init__(message)


class NotExecutedError(ToolkitError):
    """A write that was not executed: it never left, or the exchange or a read of it says so.

    Attributes:
        endpoint: The door that was called.
        reason: What stood in the way.
        status: HTTP status, None where no answer came.
        proven: Whether it is known that nothing was executed. Otherwise it is known how things are: not as
            the write was to leave them.
    """

    def __init__(self, endpoint: str, reason: str, status: int | None = None, *, proven: bool = True) -> None:
        self.endpoint = endpoint
        self.reason = reason
        self.status = status
        self.proven = proven
        again = "Nothing was executed; it may be sent again." if proven else "It may be sent again."
        super().__init__(f"{endpoint}: {reason.rstrip('.')}. {again}")


class OutcomeUnknownError(ToolkitError):
    """A write that may have been executed, or not. The toolkit does not send it again.

    Attributes:
        endpoint: The door that was called.
        reason: What came instead of a clear answer.
        status: HTTP status, None where no answer came.
        number: Its number in the journal.
    """

    def __init__(
        self, endpoint: str, reason: str, status: int | None = None, number: int | None = None
    ) -> None:
        self.endpoint = endpoint
        self.reason = reason
        self.status = status
        self.number = number
        super().__init__(
            f"{endpoint}: {reason.rstrip('.')}. Whether it was executed is not known. It was sent once and is "
            "not sent again; `reconcile()` asks the exchange what happened."
        )


class JournalError(ToolkitError):
    """The journal of writes cannot be written or read, or is not as this process left it (a backup?).

    Without it nothing is sent, and nothing is said of what was sent before.
    """


class JournalWarning(UserWarning):
    """A write was answered, and the journal could not take the answer down.

    Attributes:
        outcome: Its outcome, which is lost otherwise where warnings are errors.
    """

    outcome: object = None
    __str__ = shown
