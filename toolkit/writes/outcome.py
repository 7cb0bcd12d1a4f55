"""What became of a write: confirmed, rejected, or unknown."""

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
    """An API key that was just made. Nothing shows it; its two attributes hand it over.

    Attributes:
        key: The API key, the whole of it.
        secret: Its secret; "" for a key with a public key of your own.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __repr__(self) -> str:
        return "NewKey(hidden: .key and .secret hand it over)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a new key is not pickled or copied: it would be written down in clear")


class Handover:
    """A key that a call made, until it is handed over. All outcomes of the call have the same one.

    Attributes:
        is_done: The key was handed over.
    """

    __slots__ = ("_key", "is_done")

    def __init__(self) -> None:
        self._key: NewKey | None = None
        self.is_done = False

    def hold(self, key: NewKey) -> None:
        """Hold a key that was just made."""
        self._key = key

    @property
    def holds_key(self) -> bool:
        """Whether there is a key that was not handed over yet."""
        return self._key is not None

    def take(self) -> NewKey | None:
        """Let go of the key; None where there is none."""
        key, self._key = self._key, None
        self.is_done = self.is_done or key is not None
        return key

    def __repr__(self) -> str:
        return "Handover(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a new key is not pickled or copied: it would be written down in clear")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeState:
    """What is known of a write at one moment; the attributes are those of `Outcome`."""

    number: int
    endpoint: str
    arguments: Mapping[str, object]
    status: State
    proof: Proof
    reason: str
    idempotency_key: str | None
    frame: pd.DataFrame | None
    error: ToolkitError | None


class Ask(Protocol):
    """Asks the exchange what became of one write; the arguments are those of `Outcome.reconcile`."""

    def __call__(self, *, wait: bool, api_key: str | None, same_account: bool) -> OutcomeState:
        """What is known then."""


class Outcome(Suggests):
    """What became of a write. It is true only when it is confirmed.

    Attributes:
        number: Its number in the journal.
        endpoint: The door that was called.
        arguments: Its arguments; private ones masked.
        status: "confirmed": it was executed, or things are as it asked for. "rejected": nothing was executed,
            or things are not so; `proof` says which. "unknown": it may have been executed, or not; the
            toolkit does not send it again, and `reconcile` asks.
        proof: What is known. "execution": that this very call was executed, or was not. "state": only that
            things are as it asked for, or are not, whoever saw to it. "": nothing, or what you said.
        reason: Why, in words.
        idempotency_key: The name it was done under, None where it has none.
        repeated: Nothing was sent now: this is the outcome of the first call of that name.
        source: "live" or "sandbox".
        frame: What the exchange answered, one row; where the answer was lost, what a read showed of it.
            None unless it is confirmed.
        error: What stands in the way of `require_confirmed`, None when it is confirmed.
    """

    def __init__(
        self, state: OutcomeState, *, source: str, ask: Ask, handover: Handover, repeated: bool = False
    ) -> None:
        self.source = source
        self.repeated = repeated
        self._ask = ask
        self._handover = handover
        self._take(state)

    def _take(self, state: OutcomeState) -> None:
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
        """The frame of a confirmed write.

        Raises:
            ToolkitError: It is not confirmed: an `ApiError` or `NotExecutedError` where nothing was
                executed, `OutcomeUnknownError` where that is not known.
        """
        if self.error is not None:
            raise self.error
        assert self.frame is not None  # noqa: S101 - for the type checker
        return self.frame

    @without_frames
    def reconcile(
        self, *, wait: bool = True, api_key: str | None = None, same_account: bool = False
    ) -> Outcome:
        """Ask the exchange what happened, where that is not known. Nothing is changed by it.

        What carries a value that this call drew was done by it. Of settings and deletions it is told whether
        they are in force, whoever saw to it (`proof` is "state" then). Any other trace somebody else may have
        left: the outcome stays unknown and says what to look at. What is not there was not done only once
        the request cannot be executed any more: its time window has to be over, some fifteen seconds after
        it was sent, and the list that was read has to be whole and made after that.

        Args:
            wait: Wait for that where it matters; otherwise the outcome stays unknown until asked again.
            api_key: The sub-account's API key of the call, where another kernel made it: the journal does
                not keep it.
            same_account: The call was made with another key of the same account.

        Returns:
            This outcome, with what is known now.

        Raises:
            UsageError: `api_key` is not that of the call.
            ToolkitError: The exchange cannot be asked; the outcome stays as it is.
        """
        try:
            state = self._ask(wait=wait, api_key=api_key, same_account=same_account)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"Interrupted. #{self.number} is as it was, {self.status}: `ops.reconcile({self.number})` "
                "asks again."
            ) from None
        self._take(state)
        return self

    @without_frames
    def take_key(self) -> NewKey:
        """Hand over the API key that was created, once: afterwards it is nowhere in the toolkit.

        Raises:
            UsageError: There is none to hand over, and what to do about it.
        """
        key = self._handover.take()
        if key is None:
            raise UsageError(self._why_no_key())
        return key

    def _why_no_key(self) -> str:
        if self._handover.is_done:
            return "The key was handed over already. The toolkit does not keep it."
        if self.status != "confirmed" or not WRITES_BY_NAME[self.endpoint].handover_field:
            return f"There is no key to hand over: #{self.number} is {self.endpoint}, {self.status}."
        return (
            f"The key of #{self.number} is not here: where the answer came it is handed over once, in the "
            "kernel of the call, and kept nowhere. Where you do not have it, delete the key and create "
            "another."
        )

    @property
    def next_step(self) -> str:
        """What to do next, "" where nothing is to be done."""
        if self._handover.holds_key:
            return (
                "`outcome.take_key()` hands over the key and its secret, once; nothing shows or keeps them."
            )
        if self.status == "unknown":
            how = WRITES_BY_NAME[self.endpoint].reconciliation
            if how.kind == "manual":
                return (
                    f"It was sent once and is not sent again. Look at {how.manual_check}; then "
                    f"`ops.resolve({self.number}, executed=...)` writes down what you find."
                )
            return (
                f"It was sent once and is not sent again. `ops.reconcile({self.number})`, in any kernel, "
                "asks the exchange what happened; so does `.reconcile()` of this outcome."
            )
        if self.status == "rejected" and self.idempotency_key and "client_tran_id" in self.arguments:
            read = WRITES_BY_NAME[self.endpoint].reconciliation.read
            return (
                f"A transfer of the name {self.idempotency_key!r} may have been made from elsewhere: `link.{read}` with "
                f"its `client_tran_id` shows it. Where it was not, `ops.release_idempotency_key({self.idempotency_key!r})` frees the name."
            )
        if self.status == "rejected" and self.idempotency_key:
            return f"To use the name {self.idempotency_key!r} again: `ops.release_idempotency_key({self.idempotency_key!r})`."
        return ""

    def __repr__(self) -> str:
        return outcomes.outcome_text(self)

    def _repr_html_(self) -> str:
        return outcomes.outcome_html(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an outcome is not pickled or copied; its `frame` is, and `ops.outcome(number)` has it"
        )


def unknown(endpoint: str, reason: str, number: int) -> OutcomeUnknownError:
    """The error of an outcome that is not known."""
    return OutcomeUnknownError(endpoint, reason, number=number)
