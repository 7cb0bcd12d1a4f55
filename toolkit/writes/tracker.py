"""What became of writes: as the journal has it, and as the exchange shows it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

import pandas as pd

from toolkit.endpoints import Write
from toolkit.errors import NotExecutedError, ToolkitError, UsageError
from toolkit.frames.builder import Numbers
from toolkit.gateway.connection import Source
from toolkit.redaction import RedactedMapping, masked_key
from toolkit.text.characters import unseen
from toolkit.text.printable import printable
from toolkit.writes.declaration import answer_frame, lenient, write_of
from toolkit.writes.entry import JournalEntry, ResolvedBy
from toolkit.writes.findings import is_state
from toolkit.writes.journal import Journal
from toolkit.writes.outcome import Handover, NewKey, Outcome, OutcomeState, Proof, unknown
from toolkit.writes.reconcile import Reconciler


class OutcomeTracker:
    """Makes outcomes of entries in the journal, and asks the exchange about those that are not known.

    Args:
        journal: Where writes are written down.
        inquiry: Asks the exchange.
        source: Where writes go, "live" or "sandbox".
        numbers: Amounts as "float" or "exact".
        same_account: All keys that were used here and are used now are of one account.
    """

    def __init__(
        self, journal: Journal, inquiry: Reconciler, *, source: Source, numbers: Numbers, same_account: bool
    ) -> None:
        self.journal = journal
        self.source = source
        self._reconciler = inquiry
        self._numbers = numbers
        self._same_account = same_account
        # Keys that were made here, and how lists show them, by the token of the call.
        self._handovers: dict[str, Handover] = {}
        self._masked: dict[str, str] = {}

    def find(self, number: int) -> Outcome:
        """The outcome of an entry of the journal.

        Raises:
            UsageError: There is none of this number, or a newer version of the package made it.
        """
        return self.outcome(self.journal.entry(number))

    def outcome(
        self,
        entry: JournalEntry,
        *,
        error: ToolkitError | None = None,
        private: Mapping[str, str] | None = None,
        frame: pd.DataFrame | None = None,
        repeated: bool = False,
    ) -> Outcome:
        """The outcome of an entry.

        Args:
            entry: The entry.
            error: Its error, where that says more than the entry does.
            private: Its private arguments, as far as they are at hand.
            frame: Its frame, where that was made already.
            repeated: Nothing was sent now.

        Raises:
            UsageError: A newer version of the package made it.
        """
        write = write_of(entry)
        handover = self._handovers.setdefault(entry.token, Handover()) if write.handover_field else Handover()
        return Outcome(
            self.state(entry, error=error, frame=frame),
            source=self.source,
            ask=_Asking(self, entry, private or {}),
            handover=handover,
            repeated=repeated,
        )

    def made_key(self, entry: JournalEntry, key: NewKey) -> None:
        """A call made a key: it is held until it is handed over."""
        self._handovers.setdefault(entry.token, Handover()).hold(key)
        self._masked[entry.token] = masked_key(key.key)

    def reconcile(
        self,
        entry: JournalEntry,
        private: Mapping[str, str],
        *,
        wait: bool,
        api_key: str | None,
        same_account: bool,
    ) -> JournalEntry:
        """Ask the exchange what became of a call, and write down what it shows.

        Raises:
            UsageError: `api_key` is not that of the call.
            ToolkitError: The exchange cannot be asked.
        """
        entry = self.journal.again(entry)
        said_by_a_person = entry.resolved_by == "person"
        if (entry.is_resolved and not said_by_a_person) or entry.sent_at is None:
            return entry
        if self.journal.is_under_way(entry):  # its answer says more than any read
            return entry
        if api_key is not None:
            api_key = str(api_key)
            if strange := unseen(api_key):
                raise UsageError(f"`api_key` has {strange} in it: leave it out. Nothing was sent.")
            if self.journal.digest("api_key", api_key) != entry.digests.get("api_key"):
                raise UsageError(
                    f"`api_key` is not the one that #{entry.number} was about. Nothing was sent."
                )
            private = {**private, "api_key": api_key}
        result, answer = self._reconciler.ask(
            entry,
            private,
            wait=wait,
            same_account=same_account or self._same_account,
            named=self._masked.get(entry.token, ""),
        )
        if result.kind in ("executed", "so"):
            return self.journal.resolve(entry, "confirmed", result.reason, "read", answer=answer)
        if result.kind in ("absent", "failed"):
            return self.journal.resolve(entry, "rejected", result.reason, "read")
        return self.journal.resolve(entry, "unknown", result.reason, "read")

    def state(
        self, entry: JournalEntry, *, error: ToolkitError | None = None, frame: pd.DataFrame | None = None
    ) -> OutcomeState:
        """What is known of a call. Its error and its frame are made here where they are not given."""
        is_confirmed = entry.status == "confirmed"
        if not is_confirmed:
            frame, error = None, error or self._error(entry)
        elif frame is None:  # where its answer was lost, not all of it is known
            write, by = lenient(write_of(entry)), entry.resolved_by or "answer"
            frame = self.frame(write, entry, entry.answer or {}, by)
        return OutcomeState(
            number=entry.number,
            endpoint=entry.endpoint,
            arguments=entry.arguments,
            status=entry.status if entry.status in ("confirmed", "rejected") else "unknown",
            proof=self._proof(entry),
            reason=printable(entry.reason if entry.is_resolved else self.reason(entry)),
            idempotency_key=entry.idempotency_key,
            frame=frame,
            error=None if is_confirmed else error,
        )

    def frame(
        self, write: Write, entry: JournalEntry, answer: Mapping[str, Any], by: ResolvedBy
    ) -> pd.DataFrame:
        """What the exchange answered, or what a read showed of it.

        Args:
            write: The declaration that the answer has to keep.
            entry: The call.
            answer: The answer, private values masked.
            by: What the answer is known by.

        Raises:
            ContractError: It is not as declared.
        """
        attrs = {
            "endpoint": entry.endpoint,
            "system": write.system,
            "source": self.source,
            "parameters": dict(entry.arguments),
            "number": entry.number,
            "resolved_by": by,
            "complete": by == "answer",
        }
        return answer_frame(write, answer, self._numbers, attrs)

    def reason(self, entry: JournalEntry) -> str:
        """Why it is not known what became of a call."""
        if entry.status not in ("prepared", "sending"):
            return entry.reason
        if self.journal.is_under_way(entry):
            return f"it is under way at this moment in {entry.process}"
        if entry.pid == os.getpid():
            return "it was broken off before the answer was written down"
        return "its process ended before the answer came"

    def _proof(self, entry: JournalEntry) -> Proof:
        """What is known of a call that is settled."""
        if entry.resolved_by == "repetition":
            return "state"
        if not entry.is_resolved or entry.resolved_by == "person":
            return ""
        by_read = entry.resolved_by == "read" and is_state(write_of(entry), entry.status)
        return "state" if by_read else "execution"

    def _error(self, entry: JournalEntry) -> ToolkitError:
        """The error of a call that is not confirmed."""
        if entry.status == "rejected":
            return NotExecutedError(entry.endpoint, entry.reason, proven=self._proof(entry) != "state")
        return unknown(entry.endpoint, self.reason(entry), entry.number)


class _Asking:
    """Asks the exchange about one call, for its outcome; the private arguments stay in here."""

    __slots__ = ("_entry", "_private", "_tracker")

    def __init__(self, tracker: OutcomeTracker, entry: JournalEntry, private: Mapping[str, str]) -> None:
        self._tracker = tracker
        self._entry = entry
        self._private = RedactedMapping(private)

    def __call__(self, *, wait: bool, api_key: str | None, same_account: bool) -> OutcomeState:
        self._entry = self._tracker.reconcile(
            self._entry, self._private, wait=wait, api_key=api_key, same_account=same_account
        )
        return self._tracker.state(self._entry)

    def __reduce__(self) -> NoReturn:
        raise TypeError("private arguments are not pickled or copied: they would be written down in clear")
