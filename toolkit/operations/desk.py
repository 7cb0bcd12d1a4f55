"""Sends writes, and writes them down before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.catalogue import Write
from toolkit.errors import (
    ContractError,
    JournalError,
    JournalWarning,
    NoAnswerError,
    NotExecutedError,
    RateLimitError,
    ToolkitError,
    UndeclaredFieldWarning,
    UsageError,
)
from toolkit.fetch.connection import Source
from toolkit.fetch.fetcher import Fetcher
from toolkit.frames import Numbers
from toolkit.operations.declared import write_of
from toolkit.operations.entry import Entry, Status, Wish
from toolkit.operations.findings import Row, check_answer
from toolkit.operations.inquiry import PROCESSING, Inquiry
from toolkit.operations.journal import Journal
from toolkit.operations.order import Meaning, Terms, may_be_the_same, understand
from toolkit.operations.outcome import Outcome, unknown
from toolkit.operations.record import OWED, Record, has_not_left, new_key, refusal, with_outcome
from toolkit.operations.tracker import OutcomeTracker
from toolkit.privacy import masked_answer
from toolkit.runtime.user_warnings import warn
from toolkit.tracebacks import bare
from toolkit.wire.answers import Verdict
from toolkit.wire.calls import Placement
from toolkit.wire.credentials import Credentials, Keys
from toolkit.wire.sender import Sender
from toolkit.wire.verdicts import never_left


class Desk:
    """Sends writes.

    Args:
        sender: Signs with the key for writing.
        reader: Signs with the key for reading.
        fetcher: Reads with that.
        journal: Where all of it is written down.
        source: Where it goes, "live" or "sandbox".
        numbers: Amounts as "float" or "exact".
        placement: Where parameters go.
        same_account: All keys that were used here and are used now are of one account.

    Attributes:
        journal, placement: As given.
        outcomes: What became of writes.
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
        same_account: bool,
    ) -> None:
        self.journal = journal
        self.placement = placement
        self._sender = sender
        self._fetcher = fetcher
        self._same_account = same_account
        self._siblings = self._digests(sender.keys)
        self._readers = self._digests(reader.keys)
        self._inquiry = Inquiry(fetcher, reader, journal, reading_keys=self._readers)
        self.outcomes = OutcomeTracker(
            journal, self._inquiry, source=source, numbers=numbers, same_account=same_account
        )

    # -- one call ------------------------------------------------------------------------------------------

    def run(self, write: Write, arguments: Mapping[str, object], terms: Terms) -> Outcome:
        """Send a write once, unless its name says that this was done.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            JournalError: It cannot be written down; nothing was sent.
            NotExecutedError: How things are before it could not be read; nothing was sent.
        """
        meaning = self.understand(write, arguments, terms)
        if not meaning.confirmed:
            raise UsageError(
                f"{write.door}: this cannot be undone. Say `{write.confirm}` a second time, as "
                f"`confirm={write.confirm}`, to have it done. Nothing was sent."
            )
        self._sender.key_for(write)  # where there is none for it, that is said before anything is sent
        lost = None
        if write.repeatable:  # whether a late one may still arrive is told by the exchange's clock
            lost = self._ask_the_time(write)
        wish, found = self.look_up(meaning)
        if found is not None:
            return self._repeated(found, meaning)
        before = newest = None
        if write.reconciliation.before and lost is None:
            newest = self.journal.newest(wish.subject)
            before = self._before(meaning)
        entry, is_new = self.journal.begin(
            replace(wish, now=self._now(write)),
            door=write.door,
            arguments=meaning.arguments,
            digests={name: self.journal.digest(name, text) for name, text in meaning.private.items()},
            drawn=meaning.drawn,
            before=before,
            newest=newest,
        )
        if not is_new:
            return self._repeated(entry, meaning)
        record = Record(self.journal, entry)
        try:
            if lost is None:
                outcome, broken_off = self._send(meaning, record)
            else:
                verdict = never_left(write.door, lost.message, lost.advice)
                outcome, broken_off = self._outcome(meaning, record, verdict), None
        except BaseException:
            self.journal.came_back(entry)
            raise
        broken_off = broken_off or record.broken_off
        try:
            self.journal.came_back(entry)
            if broken_off is None:
                self._warn(write, outcome, record)
        except (UndeclaredFieldWarning, JournalWarning):  # where warnings are errors: it hangs on them
            raise
        except BaseException as error:  # noqa: BLE001 - it goes on below
            broken_off = broken_off or error
        if broken_off is not None:
            raise with_outcome(broken_off, outcome, unwritten=record.is_unwritten)
        return outcome

    def _ask_the_time(self, write: Write) -> NoAnswerError | None:
        """Have the exchange's clock known, where it tells it: this machine's may be an hour off.

        What comes back says why nothing that is sent there now will get an answer.
        """
        try:
            self._sender.measured_time(write.pool.host, write.door)
        except NoAnswerError as error:
            return bare(error)
        except ToolkitError:
            pass
        return None

    def _repeated(self, entry: Entry, meaning: Meaning) -> Outcome:
        """The outcome of the first call of a name; a key it made is still handed over in this kernel."""
        return self.outcomes.outcome(entry, private=meaning.private, repeated=True)

    def _before(self, meaning: Meaning) -> list[Row] | None:
        """How things are before the write.

        Raises:
            NotExecutedError: That cannot be read, so the write is not sent.
        """
        try:
            return self._inquiry.before(meaning)
        except ToolkitError as error:
            why = error
        read = meaning.write.reconciliation.read
        said = getattr(why, "message", "") or type(why).__name__
        raise NotExecutedError(
            meaning.write.door, f"`link.{read}` has to be read before it, and that failed: {said}"
        )

    def understand(self, write: Write, arguments: Mapping[str, object], terms: Terms) -> Meaning:
        """What a call means.

        Raises:
            UsageError: An argument cannot be right.
        """
        return understand(write, arguments, terms, self.placement)

    def look_up(self, meaning: Meaning) -> tuple[Wish, Entry | None]:
        """A call as it is compared with others; and the entry it returns to, None where it is to be sent.

        Raises:
            UsageError: Its name stands for another call, or how things are before it would be read with the
                key of what may be another account.
            UnsettledError: A call about the same thing is not settled.
        """
        wish = self._wish(meaning)
        if meaning.write.reconciliation.before and wish.key not in self._readers and not self._same_account:
            raise UsageError(
                f"{meaning.write.door}: `link.{meaning.write.reconciliation.read}` is read before it, and "
                "the Link's key is another than the one for writing. Where both are of one account, say so: "
                "`link.operations(..., same_account=True)`; otherwise read and write with one key. Nothing "
                "was sent."
            )
        return wish, self.journal.check(wish)

    def _digest_of_key(self, credentials: Credentials) -> str:
        return self.journal.digest("key", credentials.key)

    def _digests(self, keys: Keys) -> frozenset[str]:
        return frozenset(map(self._digest_of_key, keys))

    def _wish(self, meaning: Meaning) -> Wish:
        write = meaning.write
        return Wish(
            same=self._digest(meaning, meaning.same),
            subject=self._digest(meaning, meaning.subject),
            once=meaning.once,
            key=self._digest_of_key(self._sender.key_for(write)),
            siblings=self._siblings,
            same_account=self._same_account,
            repeatable=write.repeatable,
            now=self._now(write),
            clashes=lambda entry: may_be_the_same(write, meaning.arguments, entry.arguments),
        )

    def _now(self, write: Write) -> int:
        return int(self._time_at_least(write) * 1000)

    def _time_at_least(self, write: Write) -> float:
        """What the exchange's clock shows at the least: by it nothing is called over too early."""
        surely = self._sender.surely(write.pool.host)
        return self._sender.time(write.pool.host) if surely is None else surely

    def _send(self, meaning: Meaning, record: Record) -> tuple[Outcome, BaseException | None]:
        """Send what is written down, and write down what came of it; and what broke it off."""
        door = record.entry.door
        window = self._sender.recv_window + PROCESSING
        left = False

        def about_to_send(now: Callable[[], int]) -> int:
            def stamp() -> tuple[int, int]:
                timestamp = now()
                return timestamp, timestamp + window

            nonlocal left
            record.entry = self.journal.sending(record.entry, stamp)
            left = True
            return record.entry.sent_at or 0

        try:
            reply = self._sender.send(meaning.order, about_to_send)
        except RateLimitError as error:  # a ban, or a wait that is too long: said before anything was sent
            record.settle("rejected", refusal(error), never_left=True)
            return self.outcomes.outcome(record.entry, error=error, private=meaning.private), None
        except BaseException as error:
            if left:
                record.settle("unknown", f"it was broken off ({type(error).__name__})")
                outcome = self.outcomes.outcome(record.entry, private=meaning.private)
                raise with_outcome(error, outcome) from None
            if not isinstance(error, JournalError):
                record.settle("rejected", f"it never left ({type(error).__name__})", never_left=True)
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(f"{door} was interrupted before it left: nothing was sent.") from None
            raise
        try:
            return self._outcome(meaning, record, reply.verdict), reply.broken_off
        except BaseException as error:  # noqa: BLE001 - raised when what became of the write is written down
            struck = error
        # It struck once: what came is judged all the same.
        return self._outcome(meaning, record, reply.verdict), reply.broken_off or struck

    def _outcome(self, meaning: Meaning, record: Record, verdict: Verdict) -> Outcome:
        """What came of a call, written down."""
        write, number, door = meaning.write, record.entry.number, record.entry.door
        error, frame = verdict.error, None
        if verdict.executed:
            payload: Mapping[str, Any] = verdict.payload
            # Whatever else is wrong with the answer, a key that was made is not lost.
            made = new_key(write, payload)
            if made is not None:
                self.outcomes.made_key(record.entry, made)
            answer = masked_answer(write, payload)
            try:
                check_answer(write, meaning.arguments, payload)
                frame = self.outcomes.frame(write, record.entry, answer, "answer")
            except ContractError as breach:
                error = unknown(door, f"the answer is not as documented: {breach}", number)
            else:
                record.settle("confirmed", "the exchange answered that it was done", answer=answer)
                if write.repeatable:
                    ours = {record.entry.key, *self._siblings}
                    record.step(
                        lambda: self.journal.repeated(
                            record.entry, lambda older: self._same_account or older.key in ours
                        )
                    )
        elif verdict.executed is False:
            record.settle("rejected", refusal(error), never_left=has_not_left(error))
        if record.entry.status not in ("confirmed", "rejected"):
            record.settle("unknown", getattr(error, "reason", str(error)))
            error = unknown(door, record.entry.told, number)
        return self.outcomes.outcome(record.entry, error=error, private=meaning.private, frame=frame)

    def _warn(self, write: Write, outcome: Outcome, record: Record) -> None:
        """Say what is strange about a call, once its outcome is made: it hangs on the warning, too."""
        undeclared = set() if outcome.frame is None else set(outcome.frame.attrs["undeclared"])
        try:
            self._fetcher.warn_undeclared(write, undeclared)
        except UndeclaredFieldWarning as warning:  # where warnings are errors
            warning.outcome = outcome
            raise
        if record.unwritten is not None:
            said = JournalWarning(
                f"What became of the last call could not be written down. {OWED} {record.unwritten}"
            )
            said.outcome = outcome
            warn(said)

    # -- settling ------------------------------------------------------------------------------------------

    def resolve(self, number: int, *, happened: bool, note: str) -> Entry:
        """Write down what a person found out."""
        entry = self.journal.entry(number)
        if entry.is_settled and entry.settled_by != "person":
            raise UsageError(f"#{number} is settled already: it is {entry.status}.")
        if self.journal.is_under_way(entry):
            raise UsageError(
                f"#{number} is under way at this moment in {entry.process}: its answer may still come."
            )
        write = write_of(entry)
        if not happened:
            self._ask_the_time(write)
        left = (entry.until or 0) / 1000 - self._time_at_least(write)
        if left > 0 and not happened:
            raise UsageError(
                f"#{number} may still be executed for {left:.0f} s: what is not there now may come. Look "
                "again then."
            )
        status: Status = "confirmed" if happened else "rejected"
        return self.journal.settle(entry, status, f"said by you: {note or 'no note'}", "person", answer={})

    def _digest(self, meaning: Meaning, text: str) -> str:
        # What is about the account that owns the key is another thing with another key.
        own = meaning.write.reconciliation.own
        whose = self._digest_of_key(self._sender.key_for(meaning.write)) if own else ""
        return self.journal.digest("call", whose, text)
