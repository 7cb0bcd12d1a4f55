"""Everything that can go wrong, drawn by what a user would do about it.

    ToolkitError
    ├── UsageError               the arguments cannot be right; nothing was sent: mend the call
    │   ├── NoKeyError           no key, or none that can be used or may serve this; nothing was sent
    │   └── UnsettledError       a call about the same thing is not settled; nothing was sent: reconcile it
    ├── InexactError             exact amounts would have to be rounded, or become floats: say how
    ├── ApiError                 the exchange refused (4XX, or a code); nothing was executed: mend the call
    │   ├── CredentialsError     key unknown, not allowed from this address, or not allowed to do this
    │   ├── SignatureError       the signature does not fit the key: check the secret, or the private key
    │   ├── ClockError           the timestamp is outside of the window: check this machine's clock
    │   ├── ParameterError       a parameter is missing, unknown, malformed or out of range
    │   ├── NotFoundError        what was asked for does not exist
    │   ├── RefusedError         understood, but the account's state or balance does not allow it
    │   ├── RetiredError         the endpoint is no longer served
    │   ├── FirewallError        a firewall stopped the request (403, 451)
    │   └── RateLimitError       too much weight used (429): wait
    │       └── BannedError      this address is banned (418): send nothing until `until`
    ├── ServerError              the exchange's side failed (5XX): for a read, try again later
    │   └── NoAnswerError        time-out or broken connection: nothing came back
    ├── NotExecutedError         a write that never left, or that the exchange says it did not execute
    ├── OutcomeUnknownError      a write that may have been executed, or not: `outcome.reconcile()`
    ├── JournalError             the journal cannot be used, or is not the one it was: nothing is sent
    └── ContractError            the answer is not what the documents promise
        ├── RedirectError        a redirect, which is never followed
        ├── OrderError           the rows are not oldest first
        └── IncompleteError      rows may be missing that cannot be had, or nobody can tell

Every error of a fetch carries `partial`: what had arrived before, as a frame whose
`attrs["complete"]` is False (None where nothing had). No text and no attribute of an error holds a
key, a secret, a signature or the query of a URL.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from toolkit.printable import printable
from toolkit.suggestions import attributes_of_module

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ApiError",
    "BannedError",
    "ClockError",
    "ContractError",
    "CredentialsError",
    "FirewallError",
    "IncompleteError",
    "InexactError",
    "JournalError",
    "JournalWarning",
    "LedgerWarning",
    "NoAnswerError",
    "NoKeyError",
    "NotExecutedError",
    "NotFoundError",
    "OrderError",
    "OutcomeUnknownError",
    "ParameterError",
    "RateLimitError",
    "RedirectError",
    "RefusedError",
    "RetiredError",
    "ServerError",
    "SignatureError",
    "ToolkitError",
    "UndeclaredFieldWarning",
    "UnsettledError",
    "UsageError",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # or every name would seem to be there
    __getattr__ = attributes_of_module(__name__, __all__)


def _shown(error: BaseException) -> str:
    """Its text, which may quote what came from outside, fit to be shown."""
    return printable(BaseException.__str__(error))


class ToolkitError(Exception):
    """Base of every error of this package.

    Attributes:
        partial: What had arrived before it happened, None where nothing had.
    """

    partial: pd.DataFrame | None = None

    def __str__(self) -> str:
        text = _shown(self)
        if self.partial is not None:
            text += f" The {len(self.partial)} rows that had arrived are in `.partial`."
        return text

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call __init__ with the finished text; errors must cross processes whole.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ToolkitError], args: tuple[object, ...], state: dict[str, object]) -> ToolkitError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(ToolkitError, ValueError):
    """The arguments cannot be right. Nothing was sent."""


class NoKeyError(UsageError):
    """There is no key, or it cannot be used, or none may serve what was called. Nothing was sent."""


class UnsettledError(UsageError):
    """A call about the same thing is under way, or its outcome is not known. Nothing was sent.

    Attributes:
        number: Its number in the journal.
    """

    def __init__(self, message: str, number: int) -> None:
        self.number = number
        super().__init__(message)


class InexactError(ToolkitError, ArithmeticError):
    """Exact amounts would have to be rounded, or become floats. Nothing was changed.

    What is exact stays exact: the text names the way to say where to round, or that an estimate will do.
    """


class ApiError(ToolkitError):
    """The exchange refused the request: 4XX, or an error code in any other answer. Nothing was executed.

    Attributes:
        door: The door that was called, such as `spot.rebates`.
        status: HTTP status.
        code: The exchange's error code, None where the answer had none.
        message: The exchange's message.
        advice: What to do about it.
    """

    advice = "Look the code up in the exchange's list of errors."

    def __init__(
        self, door: str, status: int, code: int | None, message: str, *, advice: str | None = None
    ) -> None:
        self.advice = advice or type(self).advice
        self.door = door
        self.status = status
        self.code = code
        self.message = message
        label = f"HTTP {status}" + (f", code {code}" if code is not None else "")
        said = f": {message.rstrip('.')}" if message else ""
        super().__init__(f"{door} was refused ({label}){said}. Nothing was executed. {self.advice}")


class CredentialsError(ApiError):
    """The key is unknown, may not be used from this address, or may not do this."""

    advice = (
        "Check that the key is the right one, character by character (case counts), that it may be used "
        "from this machine's address, and that it has the permission this endpoint needs."
    )


class SignatureError(ApiError):
    """The signature does not fit the key."""

    advice = "The secret, or the private key, does not belong to this API key: check both."


class ClockError(ApiError):
    """The timestamp is outside of the window, even after the clock was measured again."""

    advice = (
        "The exchange's clock was measured anew and the request signed again, and it is still refused: "
        "a slow connection or proxy may hold requests back. Raise `recv_window` (at most 60000)."
    )


class ParameterError(ApiError):
    """A parameter is missing, unknown, malformed or out of range."""

    advice = "Mend the argument the message names."


class NotFoundError(ApiError):
    """What was asked for does not exist."""

    advice = "Check the id, symbol or address that was asked for."


class RefusedError(ApiError):
    """Understood, but the account's state, balance or rights do not allow it."""

    advice = "Look at the account's state at the exchange before asking again."


class RetiredError(ApiError):
    """The endpoint is no longer served."""

    advice = "Look for its successor in the exchange's change log; a newer toolkit may have it."


class FirewallError(ApiError):
    """The exchange's web application firewall stopped the request (403), or what is before it (451)."""

    advice = (
        "Send nothing for some minutes. If it comes again, look for values that read like SQL or "
        "markup, whether this address sends too much, and whether it is let in at all: those of clouds and "
        "VPNs may not be, and a proxy of your company's may forbid the exchange."
    )


class RateLimitError(ApiError):
    """Too much weight was used, and waiting did not help (429).

    Attributes:
        retry_after: Seconds the exchange asked to wait, None where it did not say.
    """

    advice = "Wait a moment, a minute at most; another program may be using the allowance of this address."

    def __init__(
        self,
        door: str,
        status: int,
        code: int | None,
        message: str,
        retry_after: float | None = None,
        *,
        advice: str | None = None,
    ) -> None:
        self.retry_after = retry_after
        if advice is None and retry_after is not None and retry_after > 60:
            advice = f"The exchange asked to wait {retry_after:,.0f} s: call again then."
        super().__init__(door, status, code, message, advice=advice)


class BannedError(RateLimitError):
    """This address is banned (418). Nothing is sent until the ban ends.

    Attributes:
        until: When it ends, in UTC.
    """

    advice = "Nothing is sent before then; requests during a ban make it longer."

    def __init__(
        self,
        door: str,
        message: str,
        until: datetime,
        *,
        status: int = 418,
        code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.until = until
        end = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        said = f"{message.rstrip('.')}. The ban ends at {end}."
        super().__init__(door, status, code, said, retry_after, advice=type(self).advice)


class ServerError(ToolkitError):
    """The exchange's side failed (5XX), also when asked again.

    Attributes:
        door: The door that was called.
        status: HTTP status, None where no answer came.
        code: The exchange's error code, None where the answer had none.
        message: The exchange's message.
        attempts: How often it was sent.
        retry_after: Seconds the exchange asked to wait, None where it did not say.
        advice: What to do about it.
    """

    advice = "try again later."

    def __init__(
        self,
        door: str,
        status: int | None,
        code: int | None,
        message: str,
        attempts: int = 1,
        *,
        retry_after: float | None = None,
        advice: str = "",
    ) -> None:
        self.retry_after = retry_after
        self.advice = advice or type(self).advice
        self.door = door
        self.status = status
        self.code = code
        self.message = message
        self.attempts = attempts
        label = f"HTTP {status}" if code is None else f"HTTP {status}, code {code}"
        what = "got no answer" if status is None else f"failed on the exchange's side ({label})"
        often = "once" if attempts == 1 else f"{attempts} times"
        asked = f" It asked to wait {retry_after:,.0f} s." if retry_after else ""
        super().__init__(
            f"{door} {what}: {message.rstrip('.')}.{asked} Sent {often}. It only reads, so nothing has "
            f"changed; {self.advice}"
        )


class NoAnswerError(ServerError):
    """Time-out or broken connection: nothing came back, also when asked again."""

    advice = "check the network, the proxy and the host's address, or try again later."


class NotExecutedError(ToolkitError):
    """A write that was not executed: it never left, or the exchange or a read of it says so.

    Attributes:
        door: The door that was called.
        reason: What stood in the way.
        status: HTTP status, None where no answer came.
        proven: Whether it is known that nothing was executed. Otherwise it is known how things are: not as
            the write was to leave them.
    """

    def __init__(self, door: str, reason: str, status: int | None = None, *, proven: bool = True) -> None:
        self.door = door
        self.reason = reason
        self.status = status
        self.proven = proven
        again = "Nothing was executed; it may be sent again." if proven else "It may be sent again."
        super().__init__(f"{door}: {reason.rstrip('.')}. {again}")


class OutcomeUnknownError(ToolkitError):
    """A write that may have been executed, or not. The toolkit does not send it again.

    Attributes:
        door: The door that was called.
        reason: What came instead of a clear answer.
        status: HTTP status, None where no answer came.
        number: Its number in the journal.
    """

    def __init__(self, door: str, reason: str, status: int | None = None, number: int | None = None) -> None:
        self.door = door
        self.reason = reason
        self.status = status
        self.number = number
        super().__init__(
            f"{door}: {reason.rstrip('.')}. Whether it was executed is not known. It was sent once and is "
            "not sent again; `reconcile()` asks the exchange what happened."
        )


class JournalError(ToolkitError):
    """The journal of writes cannot be written or read, or is not as this process left it (a backup?).

    Without it nothing is sent, and nothing is said of what was sent before.
    """


class ContractError(ToolkitError):
    """The answer is not what the documents promise: not JSON, cut off, or of another shape.

    Attributes:
        door: The door that was called.
        excerpt: The first characters of the answer, for the report of the problem.
    """

    def __init__(self, door: str, problem: str, excerpt: str = "") -> None:
        self.door = door
        self.excerpt = excerpt
        began = f" The answer began: {excerpt!r}." if excerpt else ""
        super().__init__(f"{door}: {problem.rstrip('.')}.{began}")


class RedirectError(ContractError):
    """A redirect. It was not followed, and the key was not sent on.

    Attributes:
        target: Host the answer pointed to, without path or query.
    """

    def __init__(self, door: str, status: int, target: str) -> None:
        self.target = target
        super().__init__(
            door,
            f"the answer (HTTP {status}) redirects to {target or 'nowhere'}; it was not followed and "
            "nothing was executed. Check the host's address and any proxy in between",
        )


class OrderError(ContractError):
    """The rows are not oldest first.

    Attributes:
        rows: Positions of the first two rows that stand the wrong way round.
    """

    def __init__(self, door: str, problem: str, rows: tuple[int, int]) -> None:
        self.rows = rows
        super().__init__(door, problem)


class IncompleteError(ContractError):
    """Rows may be missing that cannot be had, or of which nobody can tell whether there are any.

    One millisecond holds as many rows as the exchange hands out in one answer; pages leave rows out between
    them; a list without pages is as long as a list that was cut; or there is no end of it. Everything else
    is in `partial`, and its `attrs["missing"]` tells the times that are not known to be whole.
    """


class UndeclaredFieldWarning(UserWarning):
    """The exchange sent a field the catalogue does not know; it was left out.

    Attributes:
        partial: The whole frame, where the warning is made an error.
        outcome: The outcome, where it is made an error and came with a write.
    """

    partial: pd.DataFrame | None = None
    outcome: object = None
    __str__ = _shown


class LedgerWarning(UserWarning):
    """The rate limits cannot be shared with the other processes of this machine.

    Attributes:
        partial: The whole frame, where the warning is made an error and came with a fetch.
    """

    partial: pd.DataFrame | None = None
    __str__ = _shown


class JournalWarning(UserWarning):
    """A write was answered, and the journal could not take the answer down.

    Attributes:
        outcome: Its outcome, which is lost otherwise where warnings are errors.
    """

    outcome: object = None
    __str__ = _shown
