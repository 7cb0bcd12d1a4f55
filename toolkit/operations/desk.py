"""Sends writes, writes them down before and after, and settles what is not known."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pandas as pd

from toolkit.catalogue import BY_DOOR, WRITE_BY_DOOR, Write
from toolkit.errors import (
    ApiError,
    BannedError,
    ContractError,
    JournalError,
    JournalWarning,
    NotExecutedError,
    ToolkitError,
    UsageError,
)
from toolkit.fetch import Clock, Fetcher, Numbers, Source
from toolkit.frames import Gathering
from toolkit.operations import findings
from toolkit.operations.findings import Case, Finding
from toolkit.operations.journal import Entry, Journal, Status
from toolkit.operations.masks import masked_answer, masked_key, masks
from toolkit.operations.order import Meaning, Terms, understand
from toolkit.operations.outcome import NewKey, Outcome, unknown
from toolkit.wire.sender import Placement, Reply, Sender

T = TypeVar("T")

# Milliseconds a request may be at work at the exchange after it was let in: what takes longer is ended
# there with "execution status unknown" (-1007).
PROCESSING = 10_000
# Reads of transfers begin so much before a call was sent, in milliseconds, and end so much after.
_BEFORE, _AFTER = 60_000, 3_600_000


class Desk:
    """Where writes go through.

    Args:
        sender: Signs with the key for writing.
        fetcher: Reads with the key for reading.
        journal: Where all of it is written down.
        clock: This machine's clock.
        source: Where it goes, "live" or "sandbox".
        numbers: Amounts as "float" or "exact".
        placement: Where parameters go.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        fetcher: Fetcher,
        journal: Journal,
        clock: Clock,
        source: Source,
        numbers: Numbers,
        placement: Placement,
    ) -> None:
        self.journal = journal
        self.source = source
        self.placement = placement
        self._sender = sender
        self._fetcher = fetcher
        self._clock = clock
        self._numbers = numbers
        self._unwritten = threading.local()
        self._key, self._reading_key = (
            each.identify(lambda key: journal.digest("key", key)) for each in (sender, fetcher._sender)
        )

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
            return Outcome(self, found, private=meaning.private)
        before = None
        if write.reconciliation.before:
            rows = self._read(write, {**meaning.arguments, **meaning.private})
            before = [{name: value for name, value in row.items() if name != "email"} for row in rows]
        entry, is_new = self.journal.begin(
            door=write.door,
            arguments=meaning.arguments,
            same=self._digest(meaning.same),
            subject=self._digest(meaning.subject),
            once=terms.once,
            digests={name: self.journal.digest(name, text) for name, text in meaning.private.items()},
            key=self._key,
            before=before,
            repeatable=write.repeatable,
        )
        if not is_new:
            return Outcome(self, entry, private=meaning.private)
        self._unwritten.error = None
        try:
            outcome = self._send(meaning, entry)
        finally:
            self.journal.came_back(entry.number)
        self._warn(outcome)
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
            same=self._digest(meaning.same),
            subject=self._digest(meaning.subject),
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

    def _warn(self, outcome: Outcome) -> None:
        """Say that what became of a call could not be written down, once its outcome is made."""
        error, self._unwritten.error = self._unwritten.error, None
        if error is not None:
            said = JournalWarning(
                "What became of the last call could not be written down; the journal still calls it not "
                f"known. {error}"
            )
            said.outcome = outcome
            warnings.warn(said, stacklevel=3)

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
        if entry.is_settled:
            return entry
        if entry.sent_at is None or entry.until is None:  # another process is about to send it
            return entry
        write = WRITE_BY_DOOR[entry.door]
        private = {**private, **self._checked_key(entry, api_key)}
        finding = self._find(write, entry, private, wait=wait, same_account=same_account)
        if finding.kind == "executed":
            case = self._case(write, entry, private)
            answer = masked_answer(write, findings.payload_of(write, case, finding.row))
            return self.journal.settle(entry.number, "confirmed", finding.told, "read", answer=answer)
        if finding.kind == "absent":
            return self.journal.settle(entry.number, "rejected", finding.told, "read")
        told = finding.told
        if finding.kind == "open":
            told += (
                f". Look at {write.reconciliation.look_at}; `ops.resolve({entry.number}, happened=...)` "
                "writes down what you find"
            )
        return self.journal.settle(entry.number, "unknown", told, "read")

    def resolve(self, number: int, *, happened: bool, note: str) -> Entry:
        """Write down what a person found out."""
        entry = self.journal.entry(number)
        if entry.is_settled:
            raise UsageError(f"#{number} is settled: {entry.status}, {entry.told}.")
        if self.journal.is_under_way(entry):
            raise UsageError(
                f"#{number} is under way at this moment in {entry.process}: its answer may still come."
            )
        status: Status = "confirmed" if happened else "rejected"
        return self.journal.settle(number, status, f"said by you: {note or 'no note'}", "person", answer={})

    def _find(
        self, write: Write, entry: Entry, private: Mapping[str, str], *, wait: bool, same_account: bool
    ) -> Finding:
        """What a read shows; what is not there is only believed once it cannot come any more."""
        how = write.reconciliation
        if how.kind == "by_hand":
            return Finding("open", "no read of the API tells")
        if entry.key != (self._reading_key if how.own else self._key) and not same_account:
            return Finding(
                "open",
                "it was sent with another key, and reads with this one may show another account. With a key "
                "of the same account, say so: `reconcile(..., same_account=True)`",
            )
        case = self._case(write, entry, private)
        asked = {**case.arguments, **private}
        if "api_key" in how.ask and "api_key" not in private and how.read != "exchange.api_keys":
            return Finding(
                "open",
                "the read needs the sub-account's API key, which the journal does not keep. Give it: "
                f"`ops.reconcile({entry.number}, api_key=...)`",
            )
        while True:
            now = self._now(write)
            try:
                rows = self._read(write, asked, sent_at=case.sent_at, until=case.until)
            except UsageError as error:
                return Finding("open", f"the exchange does not show it any more ({error})")
            except ApiError as error:
                return Finding("open", f"the read was refused ({error})")
            if "api_key" in how.ask and "api_key" not in private:
                rows = [row for row in rows if masks(row["api_key"], str(case.arguments["api_key"]))]
                if len(rows) > 1:
                    return Finding(
                        "open", f"several keys look alike: `ops.reconcile({entry.number}, api_key=...)`"
                    )
            finding = findings.find(case, rows)
            left = case.until - now
            if finding.kind != "absent" or left < 0:
                return finding
            if not wait:
                return Finding(
                    "pending",
                    f"{finding.told}, and it may still be executed for {left / 1000:.0f} s: ask again then",
                )
            self._clock.sleep(left / 1000 + 0.001)

    def _case(self, write: Write, entry: Entry, private: Mapping[str, str]) -> Case:
        answers = self.journal.answers(entry.door)
        claimed = frozenset(str(answer.get(name)) for answer in answers for name in ("subaccountId", "txnId"))
        return Case(
            write=write,
            arguments=entry.arguments,
            private=private,
            is_private=lambda name, text: self.journal.digest(name, text) == entry.digests.get(name),
            sent_at=entry.sent_at or 0,
            until=entry.until or 0,
            before=entry.before,
            claimed=claimed,
        )

    def _checked_key(self, entry: Entry, api_key: str | None) -> dict[str, str]:
        if api_key is None:
            return {}
        if self.journal.digest("api_key", api_key) != entry.digests.get("api_key"):
            raise UsageError(f"`api_key` is not the one that #{entry.number} was about. Nothing was sent.")
        return {"api_key": api_key}

    def _now(self, write: Write) -> int:
        return int(self._sender.measured_time(write.pool.host, write.door) * 1000)

    def _read(
        self, write: Write, known: Mapping[str, Any], *, sent_at: int = 0, until: int = 0
    ) -> list[dict[str, Any]]:
        """Rows of the read that tells what became of a write."""
        how = write.reconciliation
        read = BY_DOOR[how.read]
        arguments: dict[str, object] = dict(how.fixed)
        for name, sources in how.ask.items():
            value = next((known[source] for source in sources if known.get(source) is not None), None)
            if value is not None and not (name == "api_key" and "*" in str(value)):
                arguments[name] = value
        start, end = (sent_at - _BEFORE, until + _AFTER) if read.window else (None, None)
        frame = self._fetcher.fetch(read, arguments, start=start, end=end, numbers="exact")
        rows = findings.rows_of(frame)
        for row in rows:
            if "*" not in row.get("api_key", "*"):
                row["api_key"] = masked_key(row["api_key"])
        return rows

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

    def _digest(self, text: str) -> str:
        return self.journal.digest("call", text)


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
