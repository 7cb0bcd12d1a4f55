"""Sends writes, writes them down before and after, and settles what is not known."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pandas as pd

from toolkit.catalogue import WRITE_BY_DOOR, Write
from toolkit.errors import (
    ApiError,
    BannedError,
    ContractError,
    JournalError,
    JournalWarning,
    NotExecutedError,
    ToolkitError,
    UndeclaredFieldWarning,
    UsageError,
)
from toolkit.fetch import Fetcher, Numbers, Source, outside
from toolkit.frames import Gathering
from toolkit.operations.inquiry import Inquiry
from toolkit.operations.journal import Entry, Journal, Status
from toolkit.operations.masks import masked_answer
from toolkit.operations.order import Meaning, Terms, understand
from toolkit.operations.outcome import NewKey, Outcome, unknown
from toolkit.wire.sender import Placement, Reply, Sender

T = TypeVar("T")

# Milliseconds a request may be at work at the exchange after it was let in: what takes longer is ended
# there with "execution status unknown" (-1007).
PROCESSING = 10_000


class Desk:
    """Where writes go through.

    Args:
        sender: Signs with the key for writing.
        reader: Signs with the key for reading.
        fetcher: Reads with that.
        journal: Where all of it is written down.
        source: Where it goes, "live" or "sandbox".
        numbers: Amounts as "float" or "exact".
        placement: Where parameters go.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        reader: Sender,
        fetcher: Fetcher,
        journal: Journal,
        source: Source,
        numbers: Numbers,
        placement: Placement,
    ) -> None:
        self.journal = journal
        self.source = source
        self.placement = placement
        self._sender = sender
        self._fetcher = fetcher
        self._numbers = numbers
        self._unwritten = threading.local()
        self._key, reading_key = (
            each.identify(lambda key: journal.digest("key", key)) for each in (sender, reader)
        )
        self._inquiry = Inquiry(fetcher, reader, journal, keys=(self._key, reading_key))

    # -- one call ------------------------------------------------------------------------------------------

    def run(self, write: Write, arguments: Mapping[str, object], terms: Terms) -> Outcome:
        """Send a write once, unless its name says that this was done.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            JournalError: It cannot be written down; nothing was sent.
            ToolkitError: What has to be read before it could not be; nothing was sent.
        """
        meaning = self.understand(write, arguments, terms)
        if not meaning.confirmed:
            raise UsageError(
                f"{write.door}: this cannot be undone. Say `{write.confirm}` a second time, as "
                f"`confirm={write.confirm}`, to have it done. Nothing was sent."
            )
        found = self.look_up(meaning, terms)
        if found is not None:
            return Outcome(self, found, private=meaning.private, repeated=True)
        before = newest = None
        if write.reconciliation.before:
            newest = self.journal.newest(self._digest(meaning, meaning.subject))
            before = self._inquiry.before(meaning)
        entry, is_new = self.journal.begin(
            door=write.door,
            arguments=meaning.arguments,
            same=self._digest(meaning, meaning.same),
            subject=self._digest(meaning, meaning.subject),
            once=terms.once,
            digests={name: self.journal.digest(name, text) for name, text in meaning.private.items()},
            key=self._key,
            before=before,
            repeatable=write.repeatable,
            newest=newest,
        )
        if not is_new:
            return Outcome(self, entry, private=meaning.private, repeated=True)
        self._unwritten.error = None
        try:
            outcome = self._send(meaning, entry)
        finally:
            self.journal.came_back(entry.number)
        self._warn(write, outcome)
        return outcome

    def understand(self, write: Write, arguments: Mapping[str, object], terms: Terms) -> Meaning:
        """What a call means.

        Raises:
            UsageError: An argument cannot be right.
        """
        return understand(write, arguments, terms, self.placement)

    def look_up(self, meaning: Meaning, terms: Terms) -> Entry | None:
        """The entry that a call returns to, None where it is to be sent.

        Raises:
            UsageError: Its name stands for another call.
            UnsettledError: A call about the same thing is not settled.
        """
        return self.journal.check(
            same=self._digest(meaning, meaning.same),
            subject=self._digest(meaning, meaning.subject),
            once=terms.once,
            repeatable=meaning.write.repeatable,
        )

    def outcome(self, number: int) -> Outcome:
        """The outcome of an entry of the journal."""
        return Outcome(self, self.journal.entry(number))

    def _send(self, meaning: Meaning, entry: Entry) -> Outcome:
        """Send what is written down, and write down what came of it."""
        number, door = entry.number, entry.door
        window = self._sender.recv_window + PROCESSING
        left = False

        def about_to_send(timestamp: int) -> None:
            nonlocal left
            self.journal.sending(number, timestamp, timestamp + window)
            left = True

        try:
            reply = self._sender.send(meaning.order, about_to_send)
        except BannedError as error:  # said before anything was sent
            entry = self._settle(entry, "rejected", _refusal(error))
            return Outcome(self, entry, error=error, private=meaning.private)
        except BaseException as error:
            if left:
                self._settle(entry, "unknown", f"it was broken off ({type(error).__name__})")
            elif not isinstance(error, JournalError):
                self._settle(entry, "rejected", f"it never left ({type(error).__name__})")
            raise
        if reply.interrupted:
            self._settle(entry, "unknown", "it was interrupted while it was under way")
            raise KeyboardInterrupt(
                f"{door} was interrupted while it was under way, and may have been executed: "
                f"`ops.reconcile({number})` asks the exchange."
            )
        return self._outcome(meaning, entry, reply)

    def _outcome(self, meaning: Meaning, entry: Entry, reply: Reply) -> Outcome:
        write, verdict = meaning.write, reply.verdict
        error, new_key = verdict.error, None
        if verdict.executed:
            payload: Mapping[str, Any] = verdict.payload
            # Whatever else is wrong with the answer, a key that was made is not lost.
            new_key = _new_key(write, payload)
            answer = masked_answer(write, payload)
            try:
                _check(write, payload)
                _frame(write, answer, self._numbers, {})
            except ContractError as breach:
                error = unknown(entry.door, f"the answer is not as documented: {breach}", entry.number)
            else:
                told = "the exchange answered that it was done"
                settled = self._settle(entry, "confirmed", told, answer=answer)
                if write.repeatable:
                    self._write_down(lambda: self.journal.repeated(settled))
                return Outcome(self, settled, private=meaning.private, new_key=new_key)
        if verdict.executed is False:
            entry = self._settle(entry, "rejected", _refusal(error))
        else:
            entry = self._settle(entry, "unknown", getattr(error, "reason", str(error)))
            error = unknown(entry.door, entry.told, entry.number)
        return Outcome(self, entry, error=error, private=meaning.private, new_key=new_key)

    def _settle(
        self, entry: Entry, status: Status, told: str, *, answer: Mapping[str, Any] | None = None
    ) -> Entry:
        """Write down what became of a call; the user gets it in any case."""
        known = replace(entry, status=status, told=told, answer=answer)
        written = self._write_down(
            lambda: self.journal.settle(entry.number, status, told, "answer", answer=answer)
        )
        return known if written is None else written

    def _write_down(self, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except JournalError as error:
            self._unwritten.error = error
            return None

    def _warn(self, write: Write, outcome: Outcome) -> None:
        """Say what is strange about a call, once its outcome is made: it hangs on the warning, too."""
        undeclared = set() if outcome.frame is None else set(outcome.frame.attrs["undeclared"])
        try:
            self._fetcher.warn_undeclared(write, undeclared)
        except UndeclaredFieldWarning as warning:  # where warnings are errors
            warning.outcome = outcome
            raise
        error, self._unwritten.error = self._unwritten.error, None
        if error is not None:
            said = JournalWarning(
                "What became of the last call could not be written down; the journal still calls it not "
                f"known. {error}"
            )
            said.outcome = outcome
            warnings.warn(said, stacklevel=outside())

    # -- settling ------------------------------------------------------------------------------------------

    def reconcile(
        self,
        entry: Entry,
        private: Mapping[str, str],
        *,
        wait: bool = True,
        api_key: str | None = None,
        same_account: bool = False,
    ) -> Entry:
        """Ask the exchange what became of a call, and write down what it shows.

        Raises:
            UsageError: `api_key` is not that of the call.
            ToolkitError: The exchange cannot be asked.
        """
        entry = self.journal.entry(entry.number)
        if entry.is_settled or entry.sent_at is None:  # or another process is about to send it
            return entry
        if api_key is not None:
            if self.journal.digest("api_key", api_key) != entry.digests.get("api_key"):
                raise UsageError(
                    f"`api_key` is not the one that #{entry.number} was about. Nothing was sent."
                )
            private = {**private, "api_key": api_key}
        finding, answer = self._inquiry.ask(entry, private, wait=wait, same_account=same_account)
        if finding.kind == "executed":
            return self.journal.settle(entry.number, "confirmed", finding.told, "read", answer=answer)
        if finding.kind in ("absent", "failed"):
            return self.journal.settle(entry.number, "rejected", finding.told, "read")
        return self.journal.settle(entry.number, "unknown", finding.told, "read")

    def resolve(self, number: int, *, happened: bool, note: str) -> Entry:
        """Write down what a person found out."""
        entry = self.journal.entry(number)
        if entry.is_settled:
            raise UsageError(f"#{number} is settled already: it is {entry.status}.")
        if self.journal.is_under_way(entry):
            raise UsageError(
                f"#{number} is under way at this moment in {entry.process}: its answer may still come."
            )
        status: Status = "confirmed" if happened else "rejected"
        return self.journal.settle(number, status, f"said by you: {note or 'no note'}", "person", answer={})

    # -- showing -------------------------------------------------------------------------------------------

    def frame_of(self, entry: Entry) -> pd.DataFrame | None:
        """What the exchange answered, or what a read showed; None where the call is not confirmed."""
        if entry.status != "confirmed":
            return None
        write = WRITE_BY_DOOR[entry.door]
        attrs = {
            "endpoint": entry.door,
            "system": write.system,
            "source": self.source,
            "parameters": dict(entry.arguments),
            "number": entry.number,
            "settled_by": entry.settled_by or "answer",
            "complete": entry.settled_by in (None, "answer"),
        }
        return _frame(_lenient(write), entry.answer or {}, self._numbers, attrs)

    def error_of(self, entry: Entry) -> ToolkitError:
        """The error of an entry that is not confirmed."""
        if entry.status == "rejected":
            return NotExecutedError(entry.door, entry.told)
        return unknown(entry.door, self.told_of(entry), entry.number)

    def told_of(self, entry: Entry) -> str:
        """Why it is not known what became of an entry."""
        if entry.status not in ("prepared", "sending"):
            return entry.told
        if self.journal.is_under_way(entry):
            return f"it is under way at this moment in {entry.process}"
        return "its process ended before the answer came"

    def _digest(self, meaning: Meaning, text: str) -> str:
        # What is about the account that owns the key is another thing with another key.
        whose = self._key if meaning.write.reconciliation.own else ""
        return self.journal.digest("call", whose, text)


def _refusal(error: ToolkitError | None) -> str:
    """Why nothing was executed, without what the outcome says itself."""
    if isinstance(error, NotExecutedError):
        return error.reason
    if not isinstance(error, ApiError):
        return str(error)
    label = f"HTTP {error.status}" + ("" if error.code is None else f", code {error.code}")
    said = f": {error.message.rstrip('.')}" if error.message else ""
    return f"the exchange refused it ({label}){said}. {error.advice}"


def _new_key(write: Write, payload: Mapping[str, Any]) -> NewKey | None:
    if not write.hands_over:
        return None
    column = next(column for column in write.columns if column.masked == "key")
    key = next((payload[wire] for wire in column.wires if payload.get(wire)), "")
    return NewKey(str(key), str(payload.get(write.hands_over) or "")) if key else None


def _check(write: Write, payload: Mapping[str, Any]) -> None:
    """An answer that is documented as empty, and says something, may say that nothing was done."""
    said = sorted({"code", "msg"} & payload.keys())
    if said and not write.columns:
        raise ContractError(write.door, f"it should be empty, and holds {' and '.join(said)}")


def _lenient(write: Write) -> Write:
    """The write with columns that may be missing: where its answer was lost, not all of it is known."""
    return replace(write, columns=tuple(replace(column, optional=True) for column in write.columns))


def _frame(
    write: Write, answer: Mapping[str, Any], numbers: Numbers, attrs: Mapping[str, object]
) -> pd.DataFrame:
    gathering = Gathering(write, numbers)
    if write.columns:
        gathering.add(answer)
    return gathering.frame(attrs)
