"""The outcome of a write: confirmed, rejected or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn, Protocol

import pandas as pd

from toolkit.display import outcomes
from toolkit.endpoints import WRITES_BY_NAME
from toolkit.errors import OutcomeUnknownError, ToolkitError, UsageError
from toolkit.runtime.tracebacks import without_frames
from toolkit.text.suggestions import Suggests

State = Literal["confirmed", "rejected", "unknown"]
Proof = Literal["", "execution", "state"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key that was just created. Its repr hides it; read its two attributes.

    Attributes:
        key: The API key in full.
        secret: Its secret; "" for a key created with your own public key.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __repr__(self) -> str:
        return "NewKey(hidden: read .key and .secret)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a new key cannot be pickled or copied: that would store it in clear text")


class Handover:
    """Holds a newly created key until it is handed over. All outcomes of one call share it.

    Attributes:
        is_done: Whether the key was handed over.
    """

    __slots__ = ("_key", "is_done")

    def __init__(self) -> None:
        self._key: NewKey | None = None
        self.is_done = False

    def hold(self, key: NewKey) -> None:
        """Hold a key that was just created."""
        self._key = key

    @property
    def holds_key(self) -> bool:
        """Whether there is a key that has not been handed over yet."""
        return self._key is not None

    def take(self) -> NewKey | None:
        """Hand over the key and forget it; None where there is none."""
        key, self._key = self._key, None
        self.is_done = self.is_done or key is not None
        return key

    def __repr__(self) -> str:
        return "Handover(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a new key cannot be pickled or copied: that would store it in clear text")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeState:
    """A snapshot of what is known about a write. The attributes are those of `Outcome`."""

    number: int
    endpoint: str
    arguments: Mapping[str, object]
    status: State
    proof: Proof
    reason: str
    idempotency_key: str | None
    frame: pd.DataFrame | None
    error: ToolkitError | None


class Reconcile(Protocol):
    """Asks the exchange for the outcome of one write. The arguments are those of `Outcome.reconcile`."""

    def __call__(self, *, wait: bool, api_key: str | None, same_account: bool) -> OutcomeState:
        """Ask, and return what is known then."""


class Outcome(Suggests):
    """The outcome of a write. Truthy only when it is confirmed.

    Attributes:
        number: Number of the write in the journal.
        endpoint: The endpoint that was called.
        arguments: The arguments; private ones masked.
        status: "confirmed": the write was executed, or the requested state is in force. "rejected": nothing
            was executed, or the requested state is not in force. `proof` tells which. "unknown": the write
            may or may not have been executed. The toolkit does not send it again; `reconcile` asks the
            exchange.
        proof: "execution": it is known whether this call was executed. "state": it is only known whether the
            requested state is in force, whoever caused it. "": nothing is proven, or you resolved it.
        reason: Why the write has this status.
        idempotency_key: The idempotency key, None where the call has none.
        repeated: Whether this is the outcome of an earlier call with the same idempotency key. Nothing was
            sent this time.
        source: "live" or "sandbox".
        frame: The response, one row; if the response was lost, what a read showed of it. None unless the
            write is confirmed.
        error: The error that `require_confirmed` raises, None when the write is confirmed.
    """

    def __init__(
        self,
        state: OutcomeState,
        *,
        source: str,
        reconcile: Reconcile,
        handover: Handover,
        repeated: bool = False,
    ) -> None:
        self.source = source
        self.repeated = repeated
        self._reconcile = reconcile
        self._handover = handover
        self._update(state)

    def _update(self, state: OutcomeState) -> None:
        self.number = state.number
        self.endpoint = state.endpoint
        self.arguments = dict(state.arguments)
        self.status: State = state.status
        self.proof: Proof = state.proof
        self.idempotency_key = state.idempotency_key
        self.reason = state.reason
        self.frame = state.frame
        self.error = state.error

    def __bool__(self) -> bool:
        return self.status == "confirmed"

    @without_frames
    def require_confirmed(self) -> pd.DataFrame:
        """Return the frame of a confirmed write, or raise.

        Raises:
            ToolkitError: The write is not confirmed: an `ApiError` or `NotExecutedError` if it was rejected,
                an `OutcomeUnknownError` if its outcome is unknown.
        """
        if self.error is not None:
            raise self.error
        assert self.frame is not None  # noqa: S101 - for the type checker
        return self.frame

    @without_frames
    def reconcile(
        self, *, wait: bool = True, api_key: str | None = None, same_account: bool = False
    ) -> Outcome:
        """Ask the exchange what happened to a write whose outcome is unknown. Changes nothing there.

        - If the exchange shows something that carries an id or a tag generated for this call, the call was
          executed.
        - For settings and deletions, a read tells whether the requested state is in force, whoever caused it
          (`proof` is then "state").
        - Anything else may have been done by somebody else. The outcome stays unknown and says what to look
          at.
        - Absence proves nothing until the request has expired, some fifteen seconds after it was sent. The
          list that is read must be complete, and the exchange must have produced it after that.

        Args:
            wait: Wait until the request has expired where that matters. Otherwise the outcome stays unknown
                until you ask again.
            api_key: The sub-account's API key that the call was about. Needed in another kernel, because the
                journal does not store it.
            same_account: Whether the call was sent with another API key of the same account, where the
                exchange does not tell.

        Returns:
            This outcome, updated.

        Raises:
            UsageError: `api_key` is not the one the call was about.
            ToolkitError: The exchange cannot be asked. The outcome does not change.
        """
        try:
            state = self._reconcile(wait=wait, api_key=api_key, same_account=same_account)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"Interrupted. The outcome of #{self.number} is still {self.status}; "
                f"`ops.reconcile({self.number})` asks again."
            ) from None
        self._update(state)
        return self

    @without_frames
    def take_key(self) -> NewKey:
        """Hand over the API key that was created. Works once; afterwards the toolkit no longer has it.

        Raises:
            UsageError: There is no key to hand over. The message says why and what to do.
        """
        key = self._handover.take()
        if key is None:
            raise UsageError(self._why_no_key())
        return key

    def _why_no_key(self) -> str:
        if self._handover.is_done:
            return "The key was already handed over. The toolkit does not keep it."
        if self.status != "confirmed" or not WRITES_BY_NAME[self.endpoint].handover_field:
            return (
                f"There is no key to hand over: #{self.number} is a call of {self.endpoint}, {self.status}."
            )
        return (
            f"The key of #{self.number} is not available here. It is handed over once, in the kernel that "
            "made the call and received the response, and is stored nowhere. If you do not have it, delete "
            "the key and create another one."
        )

    @property
    def next_step(self) -> str:
        """What to do next, "" where there is nothing to do."""
        if self._handover.holds_key:
            return "`outcome.take_key()` hands over the key and its secret once. They are stored nowhere."
        if self.status == "unknown":
            how = WRITES_BY_NAME[self.endpoint].reconciliation
            if how.kind == "manual":
                return (
                    f"It was sent once and is not sent again. Look at {how.manual_check}; then record what "
                    f"you find with `ops.resolve({self.number}, executed=...)`."
                )
            return (
                "It was sent once and is not sent again. `reconcile()` of this outcome asks the exchange "
                f"what happened; so does `ops.reconcile({self.number})` in any kernel."
            )
        if self.status == "rejected" and self.idempotency_key and "client_tran_id" in self.arguments:
            read = WRITES_BY_NAME[self.endpoint].reconciliation.read
            return (
                f"A transfer with the idempotency key {self.idempotency_key!r} may have been made elsewhere: "
                f"look for its `client_tran_id` with `link.{read}`. If there is none, "
                f"`ops.release_idempotency_key({self.idempotency_key!r})` makes the idempotency key usable "
                "again."
            )
        if self.status == "rejected" and self.idempotency_key:
            key = self.idempotency_key
            return f"`ops.release_idempotency_key({key!r})` makes its idempotency key usable again."
        return ""

    def __repr__(self) -> str:
        return outcomes.outcome_text(self)

    def _repr_html_(self) -> str:
        return outcomes.outcome_html(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an outcome cannot be pickled or copied. Pickle its `frame`, or use `ops.outcome(number)`"
        )


def unknown(endpoint: str, reason: str, number: int) -> OutcomeUnknownError:
    """The error of an unknown outcome."""
    return OutcomeUnknownError(endpoint, reason, number=number)
