"""What became of a write: confirmed, rejected, or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

import pandas as pd

from toolkit.catalogue import WRITE_BY_DOOR
from toolkit.errors import OutcomeUnknownError, ToolkitError, UsageError
from toolkit.operations import cards
from toolkit.operations.masks import Hidden
from toolkit.printable import printable
from toolkit.suggestions import Suggests
from toolkit.tracebacks import without_frames

if TYPE_CHECKING:
    from toolkit.operations.desk import Desk
    from toolkit.operations.entry import Entry

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


class Outcome(Suggests):
    """What became of a write. It is true only when it is confirmed.

    Attributes:
        number: Its number in the journal.
        door: The door that was called.
        arguments: Its arguments; private ones masked.
        status: "confirmed": it was executed, or things are as it asked for. "rejected": nothing was executed,
            or things are not so; `proof` says which. "unknown": it may have been executed, or not; the
            toolkit does not send it again, and `reconcile` asks.
        proof: What is known. "execution": that this very call was executed, or was not. "state": only that
            things are as it asked for, or are not, whoever saw to it. "": nothing, or what you said.
        reason: Why, in words.
        once: The name it was done under, None where it has none.
        repeated: Nothing was sent now: this is the outcome of the first call of that name.
        source: "live" or "sandbox".
        frame: What the exchange answered, one row; where the answer was lost, what a read showed of it.
            None unless it is confirmed.
        error: What stands in the way of `require`, None when it is confirmed.
    """

    def __init__(
        self,
        desk: Desk,
        entry: Entry,
        *,
        error: ToolkitError | None = None,
        private: Mapping[str, str] | None = None,
        repeated: bool = False,
    ) -> None:
        self._desk = desk
        self.source = desk.source
        self.repeated = repeated
        self._private = Hidden(private or {})
        self._take(entry, error)

    def _take(self, entry: Entry, error: ToolkitError | None = None) -> None:
        self._entry = entry
        self.number = entry.number
        self.door = entry.door
        self.arguments = dict(entry.arguments)
        self.status: State = entry.status if entry.status in ("confirmed", "rejected") else "unknown"
        self.proof: Proof = self._desk.proof_of(entry)
        self.once = entry.once
        self.reason = printable(entry.told if entry.is_settled else self._desk.told_of(entry))
        self.frame: pd.DataFrame | None = self._desk.frame_of(entry)
        self.error: ToolkitError | None = None
        if self.status != "confirmed":
            self.error = error or self._desk.error_of(entry)

    def __bool__(self) -> bool:
        return self.status == "confirmed"

    @without_frames
    def require(self) -> pd.DataFrame:
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
            entry = self._desk.reconcile(
                self._entry, self._private, wait=wait, api_key=api_key, same_account=same_account
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"Interrupted. #{self.number} is as it was, {self.status}: `ops.reconcile({self.number})` "
                "asks again."
            ) from None
        self._take(entry)
        return self

    @without_frames
    def take_key(self) -> NewKey:
        """Hand over the API key that was created, once: afterwards it is nowhere in the toolkit.

        Raises:
            UsageError: There is none to hand over, and what to do about it.
        """
        key = self._desk.take_key(self._entry)
        if key is None:
            raise UsageError(self._why_no_key())
        return key

    def _why_no_key(self) -> str:
        if self._desk.has_handed_over(self._entry):
            return "The key was handed over already. The toolkit does not keep it."
        if self.status != "confirmed" or not WRITE_BY_DOOR[self.door].hands_over:
            return f"There is no key to hand over: #{self.number} is {self.door}, {self.status}."
        return (
            f"The key of #{self.number} is not here: where the answer came it is handed over once, in the "
            "kernel of the call, and kept nowhere. Where you do not have it, delete the key and create "
            "another."
        )

    @property
    def next_step(self) -> str:
        """What to do next, "" where nothing is to be done."""
        if self._desk.holds_key(self._entry):
            return (
                "`outcome.take_key()` hands over the key and its secret, once; nothing shows or keeps them."
            )
        if self.status == "unknown":
            how = WRITE_BY_DOOR[self.door].reconciliation
            if how.kind == "by_hand":
                return (
                    f"It was sent once and is not sent again. Look at {how.look_at}; then "
                    f"`ops.resolve({self.number}, happened=...)` writes down what you find."
                )
            return (
                f"It was sent once and is not sent again. `ops.reconcile({self.number})`, in any kernel, "
                "asks the exchange what happened; so does `.reconcile()` of this outcome."
            )
        if self.status == "rejected" and self.once and "client_tran_id" in self.arguments:
            read = WRITE_BY_DOOR[self.door].reconciliation.read
            return (
                f"A transfer of the name {self.once!r} may have been made from elsewhere: `link.{read}` with "
                f"its `client_tran_id` shows it. Where it was not, `ops.free({self.once!r})` frees the name."
            )
        if self.status == "rejected" and self.once:
            return f"To use the name {self.once!r} again: `ops.free({self.once!r})`."
        return ""

    def __repr__(self) -> str:
        return cards.text_of_outcome(self)

    def _repr_html_(self) -> str:
        return cards.html_of_outcome(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an outcome is not pickled or copied; its `frame` is, and `ops.outcome(number)` has it"
        )


def unknown(door: str, told: str, number: int) -> OutcomeUnknownError:
    """The error of an outcome that is not known."""
    return OutcomeUnknownError(door, told, number=number)
