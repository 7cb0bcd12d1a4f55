"""Outcomes of writes, made from journal entries and from what the exchange shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

import pandas as pd

from toolkit.endpoints import Write
from toolkit.errors import NotExecutedError, ToolkitError, UsageError
from toolkit.frames.builder import Numbers
from toolkit.frames.names import Names
from toolkit.gateway.connection import Source
from toolkit.redaction import RedactedMapping, masked_key
from toolkit.text.characters import find_invisible
from toolkit.text.printable import printable
from toolkit.writes.declaration import lenient, response_frame, write_of
from toolkit.writes.entry import JournalEntry, ResolvedBy
from toolkit.writes.evidence import proves_state
from toolkit.writes.journal import Journal
from toolkit.writes.outcome import Handover, NewKey, Outcome, OutcomeState, Proof, unknown
from toolkit.writes.pending import is_in_progress
from toolkit.writes.reconcile import Reconciler


class OutcomeTracker:
    """Makes outcomes from journal entries, and reconciles those that are unknown.

    Args:
        journal: The journal of writes.
        reconciler: Asks the exchange.
        source: Where writes go, "live" or "sandbox".
        numbers: Amounts as "float" or "exact".
        names: The user's own names, which frames have beside ids; None for none.
        same_account: Whether all API keys, in the journal and now, belong to one account.

    Attributes:
        journal, source: As given.
    """

    def __init__(
        self,
        journal: Journal,
        reconciler: Reconciler,
        *,
        source: Source,
        numbers: Numbers,
        names: Names | None,
        same_account: bool,
    ) -> None:
        self.journal = journal
        self.source = source
        self._reconciler = reconciler
        self._numbers = numbers
        self._names = names
        self._same_account = same_account
        # New API keys of this process, and their masked form, by the token of the entry.
        self._handovers: dict[str, Handover] = {}
        self._masked_keys: dict[str, str] = {}

    def find(self, number: int) -> Outcome:
        """The outcome of the journal entry with this number.

        Raises:
            UsageError: There is no such entry, or a newer version of the package made it.
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
            error: The error of the call, where it says more than the entry.
            private: The private arguments, as far as this process has them.
            frame: The frame of the response, where it exists already.
            repeated: Whether nothing was sent this time.

        Raises:
            UsageError: A newer version of the package made it.
        """
        write = write_of(entry)
        handover = self._handovers.setdefault(entry.token, Handover()) if write.handover_field else Handover()
        return Outcome(
            self.state(entry, error=error, frame=frame),
            source=self.source,
            reconcile=_EntryReconciler(self, entry, private or {}),
            handover=handover,
            repeated=repeated,
        )

    def hold_key(self, entry: JournalEntry, key: NewKey) -> None:
        """Hold the API key that a call created, until it is handed over."""
        self._handovers.setdefault(entry.token, Handover()).hold(key)
        self._masked_keys[entry.token] = masked_key(key.key)

    def reconcile(
        self,
        entry: JournalEntry,
        private: Mapping[str, str],
        *,
        wait: bool,
        api_key: str | None,
        same_account: bool,
    ) -> JournalEntry:
        """Ask the exchange for the outcome of a call, and record the result.

        Raises:
            UsageError: `api_key` is not the one the call was about.
            ToolkitError: The exchange cannot be asked.
        """
        entry = self.journal.reload(entry)
        resolved_by_person = entry.resolved_by == "person"
        if (entry.is_resolved and not resolved_by_person) or entry.sent_at is None:
            return entry
        if is_in_progress(entry):  # its response will say more than any read
            return entry
        if api_key is not None:
            api_key = str(api_key)
            if hidden := find_invisible(api_key):
                raise UsageError(f"`api_key` has {hidden} in it. Remove it. Nothing was sent.")
            if self.journal.digest("api_key", api_key) != entry.digests.get("api_key"):
                raise UsageError(f"`api_key` is not the key that #{entry.number} is about. Nothing was sent.")
            private = {**private, "api_key": api_key}
        result, answer = self._reconciler.reconcile(
            entry,
            private,
            wait=wait,
            same_account=same_account or self._same_account,
            new_key=self._masked_keys.get(entry.token, ""),
        )
        if result.kind in ("executed", "in_force"):
            return self.journal.resolve(entry, "confirmed", result.reason, "read", answer=answer)
        if result.kind in ("absent", "failed"):
            return self.journal.resolve(entry, "rejected", result.reason, "read")
        return self.journal.resolve(entry, "unknown", result.reason, "read")

    def state(
        self, entry: JournalEntry, *, error: ToolkitError | None = None, frame: pd.DataFrame | None = None
    ) -> OutcomeState:
        """What is known about a call. Makes its error and its frame where they are not given."""
        is_confirmed = entry.status == "confirmed"
        if not is_confirmed:
            frame, error = None, error or self._error(entry)
        elif frame is None:  # the response was lost: a read may not show all of it
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
        self, write: Write, entry: JournalEntry, response: Mapping[str, Any], by: ResolvedBy
    ) -> pd.DataFrame:
        """The response to a call as a frame, or what a read showed of it.

        Args:
            write: The declaration that the response must match.
            entry: The call.
            response: The response; private values masked.
            by: How the response is known.

        Raises:
            ContractError: The response is not as declared.
        """
        attrs = {
            "endpoint": entry.endpoint,
            "system": write.system,
            "source": self.source,
            "account": entry.account,
            "parameters": dict(entry.arguments),
            "number": entry.number,
            "resolved_by": by,
            "complete": by == "answer",
        }
        frame = response_frame(write, response, self._numbers, attrs)
        if self._names is not None:
            self._names.add_to(frame, write.columns)
        return frame

    def reason(self, entry: JournalEntry) -> str:
        """Why the outcome of a call is unknown."""
        if entry.status not in ("prepared", "sending"):
            return entry.reason
        if is_in_progress(entry):
            return f"it is in progress in {entry.process}"
        if entry.pid == os.getpid():
            return "it was interrupted before its outcome was recorded"
        return "its process ended before the response arrived"

    def _proof(self, entry: JournalEntry) -> Proof:
        """What is proven about a call."""
        if entry.resolved_by == "repetition":
            return "state"
        if not entry.is_resolved or entry.resolved_by == "person":
            return ""
        by_read = entry.resolved_by == "read" and proves_state(write_of(entry), entry.status)
        return "state" if by_read else "execution"

    def _error(self, entry: JournalEntry) -> ToolkitError:
        """The error of a call that is not confirmed."""
        if entry.status == "rejected":
            return NotExecutedError(entry.endpoint, entry.reason, proven=self._proof(entry) != "state")
        return unknown(entry.endpoint, self.reason(entry), entry.number)


class _EntryReconciler:
    """Reconciles one call for its `Outcome`. Only this object holds the private arguments."""

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
        raise TypeError("private arguments cannot be pickled or copied: that would store them in clear text")
