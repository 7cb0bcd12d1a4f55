"""Sends writes, and writes them down before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.auth.credentials import Credentials, Keys
from toolkit.endpoints import Write
from toolkit.errors import (
    ContractError,
    JournalError,
    JournalWarning,
    NoResponseError,
    NotExecutedError,
    RateLimitError,
    ToolkitError,
    UndeclaredFieldWarning,
    UsageError,
)
from toolkit.fetch.fetcher import Fetcher
from toolkit.frames.builder import Numbers
from toolkit.gateway.calls import Placement
from toolkit.gateway.connection import Source
from toolkit.gateway.sender import Sender
from toolkit.gateway.write_results import not_sent
from toolkit.redaction import redacted_response
from toolkit.runtime.tracebacks import bare
from toolkit.runtime.user_warnings import warn
from toolkit.transport.responses import WriteResult
from toolkit.writes.declaration import write_of
from toolkit.writes.entry import ConflictKey, JournalEntry, Status
from toolkit.writes.findings import Row, check_answer
from toolkit.writes.journal import Journal
from toolkit.writes.outcome import Outcome, unknown
from toolkit.writes.reconcile import PROCESSING_MS, Reconciler
from toolkit.writes.record import DEFERRED, Record, has_not_left, new_key, rejection_reason, with_outcome
from toolkit.writes.request import BoundCall, CallOptions, bind, may_conflict
from toolkit.writes.tracker import OutcomeTracker


class WriteExecutor:
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
        self._same_account_keys = self._digests(sender.keys)
        self._readers = self._digests(reader.keys)
        self._reconciler = Reconciler(fetcher, reader, journal, reading_keys=self._readers)
        self.outcomes = OutcomeTracker(
            journal, self._reconciler, source=source, numbers=numbers, same_account=same_account
        )

    # -- one call ------------------------------------------------------------------------------------------

    def run(self, write: Write, arguments: Mapping[str, object], options: CallOptions) -> Outcome:
        """Send a write once, unless its name says that this was done.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            JournalError: It cannot be written down; nothing was sent.
            NotExecutedError: How things are before it could not be read; nothing was sent.
        """
        bound = self.bind(write, arguments, options)
        if not bound.confirmed:
            raise UsageError(
                f"{write.qualified_name}: this cannot be undone. Say `{write.confirm}` a second time, as "
                f"`confirm={write.confirm}`, to have it done. Nothing was sent."
            )
        self._sender.key_for(write)  # where there is none for it, that is said before anything is sent
        failure = None
        if write.repeatable:  # whether a late one may still arrive is told by the exchange's clock
            failure = self._fetch_time(write)
        conflict_key, found = self.find_existing(bound)
        if found is not None:
            return self._repeated(found, bound)
        before = newest = None
        if write.reconciliation.needs_snapshot and failure is None:
            newest = self.journal.newest(conflict_key.subject)
            before = self._before(bound)
        entry, is_new = self.journal.begin(
            replace(conflict_key, now=self._now(write)),
            endpoint=write.qualified_name,
            arguments=bound.arguments,
            digests={name: self.journal.digest(name, text) for name, text in bound.private.items()},
            id_origin=bound.id_origin,
            before=before,
            newest=newest,
        )
        if not is_new:
            return self._repeated(entry, bound)
        record = Record(self.journal, entry)
        try:
            if failure is None:
                outcome, interruption = self._send(bound, record)
            else:
                result = not_sent(write.qualified_name, failure.message, failure.advice)
                outcome, interruption = self._outcome(bound, record, result), None
        except BaseException:
            self.journal.finished(entry)
            raise
        interruption = interruption or record.interruption
        try:
            self.journal.finished(entry)
            if interruption is None:
                self._warn(write, outcome, record)
        except (UndeclaredFieldWarning, JournalWarning):  # where warnings are errors: it hangs on them
            raise
        except BaseException as error:  # noqa: BLE001 - it goes on below
            interruption = interruption or error
        if interruption is not None:
            raise with_outcome(interruption, outcome, unwritten=record.is_unwritten)
        return outcome

    def _fetch_time(self, write: Write) -> NoResponseError | None:
        """Have the exchange's clock known, where it tells it: this machine's may be an hour off.

        What comes back says why nothing that is sent there now will get an answer.
        """
        try:
            self._sender.measured_time(write.rate_limit.host, write.qualified_name)
        except NoResponseError as error:
            return bare(error)
        except ToolkitError:
            pass
        return None

    def _repeated(self, entry: JournalEntry, bound: BoundCall) -> Outcome:
        """The outcome of the first call of a name; a key it made is still handed over in this kernel."""
        return self.outcomes.outcome(entry, private=bound.private, repeated=True)

    def _before(self, bound: BoundCall) -> list[Row] | None:
        """How things are before the write.

        Raises:
            NotExecutedError: That cannot be read, so the write is not sent.
        """
        try:
            return self._reconciler.before(bound)
        except ToolkitError as error:
            why = error
        read = bound.write.reconciliation.read
        said = getattr(why, "message", "") or type(why).__name__
        raise NotExecutedError(
            bound.write.qualified_name, f"`link.{read}` has to be read before it, and that failed: {said}"
        )

    def bind(self, write: Write, arguments: Mapping[str, object], options: CallOptions) -> BoundCall:
        """What a call means.

        Raises:
            UsageError: An argument cannot be right.
        """
        return bind(write, arguments, options, self.placement)

    def find_existing(self, bound: BoundCall) -> tuple[ConflictKey, JournalEntry | None]:
        """A call as it is compared with others; and the entry it returns to, None where it is to be sent.

        Raises:
            UsageError: Its name stands for another call, or how things are before it would be read with the
                key of what may be another account.
            PendingWriteError: A call about the same thing is not settled.
        """
        conflict_key = self._conflict_key(bound)
        if (
            bound.write.reconciliation.needs_snapshot
            and conflict_key.key not in self._readers
            and not self._same_account
        ):
            raise UsageError(
                f"{bound.write.qualified_name}: `link.{bound.write.reconciliation.read}` is read before it, and "
                "the Link's key is another than the one for writing. Where both are of one account, say so: "
                "`link.operations(..., same_account=True)`; otherwise read and write with one key. Nothing "
                "was sent."
            )
        return conflict_key, self.journal.check(conflict_key)

    def _digest_of_key(self, credentials: Credentials) -> str:
        return self.journal.digest("key", credentials.key)

    def _digests(self, keys: Keys) -> frozenset[str]:
        return frozenset(map(self._digest_of_key, keys))

    def _conflict_key(self, bound: BoundCall) -> ConflictKey:
        write = bound.write
        return ConflictKey(
            same=self._digest(bound, bound.same),
            subject=self._digest(bound, bound.subject),
            idempotency_key=bound.idempotency_key,
            key=self._digest_of_key(self._sender.key_for(write)),
            same_account_keys=self._same_account_keys,
            same_account=self._same_account,
            repeatable=write.repeatable,
            now=self._now(write),
            conflicts=lambda entry: may_conflict(write, bound.arguments, entry.arguments),
        )

    def _now(self, write: Write) -> int:
        return int(self._time_at_least(write) * 1000)

    def _time_at_least(self, write: Write) -> float:
        """What the exchange's clock shows at the least: by it nothing is called over too early."""
        time_at_least = self._sender.time_at_least(write.rate_limit.host)
        return self._sender.time(write.rate_limit.host) if time_at_least is None else time_at_least

    def _send(self, bound: BoundCall, record: Record) -> tuple[Outcome, BaseException | None]:
        """Send what is written down, and write down what came of it; and what broke it off."""
        endpoint = record.entry.endpoint
        window = self._sender.recv_window + PROCESSING_MS
        left = False

        def before_send(now: Callable[[], int]) -> int:
            def timestamps() -> tuple[int, int]:
                timestamp = now()
                return timestamp, timestamp + window

            nonlocal left
            record.entry = self.journal.sending(record.entry, timestamps)
            left = True
            return record.entry.sent_at or 0

        try:
            reply = self._sender.send(bound.request, before_send)
        except RateLimitError as error:  # a ban, or a wait that is too long: said before anything was sent
            record.resolve("rejected", rejection_reason(error), not_sent=True)
            return self.outcomes.outcome(record.entry, error=error, private=bound.private), None
        except BaseException as error:
            if left:
                record.resolve("unknown", f"it was broken off ({type(error).__name__})")
                outcome = self.outcomes.outcome(record.entry, private=bound.private)
                raise with_outcome(error, outcome) from None
            if not isinstance(error, JournalError):
                record.resolve("rejected", f"it never left ({type(error).__name__})", not_sent=True)
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(
                    f"{endpoint} was interrupted before it left: nothing was sent."
                ) from None
            raise
        try:
            return self._outcome(bound, record, reply.result), reply.interruption
        except BaseException as error:  # noqa: BLE001 - raised when what became of the write is written down
            interrupted_by = error
        # It struck once: what came is judged all the same.
        return self._outcome(bound, record, reply.result), reply.interruption or interrupted_by

    def _outcome(self, bound: BoundCall, record: Record, result: WriteResult) -> Outcome:
        """What came of a call, written down."""
        write, number, endpoint = bound.write, record.entry.number, record.entry.endpoint
        error, frame = result.error, None
        if result.executed:
            payload: Mapping[str, Any] = result.payload
            # Whatever else is wrong with the answer, a key that was made is not lost.
            made = new_key(write, payload)
            if made is not None:
                self.outcomes.made_key(record.entry, made)
            answer = redacted_response(write, payload)
            try:
                check_answer(write, bound.arguments, payload)
                frame = self.outcomes.frame(write, record.entry, answer, "answer")
            except ContractError as breach:
                error = unknown(endpoint, f"the answer is not as documented: {breach}", number)
            else:
                record.resolve("confirmed", "the exchange answered that it was done", answer=answer)
                if write.repeatable:
                    ours = {record.entry.key, *self._same_account_keys}
                    record.step(
                        lambda: self.journal.resolve_repeats(
                            record.entry, lambda older: self._same_account or older.key in ours
                        )
                    )
        elif result.executed is False:
            record.resolve("rejected", rejection_reason(error), not_sent=has_not_left(error))
        if record.entry.status not in ("confirmed", "rejected"):
            record.resolve("unknown", getattr(error, "reason", str(error)))
            error = unknown(endpoint, record.entry.reason, number)
        return self.outcomes.outcome(record.entry, error=error, private=bound.private, frame=frame)

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
                f"What became of the last call could not be written down. {DEFERRED} {record.unwritten}"
            )
            said.outcome = outcome
            warn(said)

    # -- settling ------------------------------------------------------------------------------------------

    def resolve(self, number: int, *, executed: bool, note: str) -> JournalEntry:
        """Write down what a person found out."""
        entry = self.journal.entry(number)
        if entry.is_resolved and entry.resolved_by != "person":
            raise UsageError(f"#{number} is settled already: it is {entry.status}.")
        if self.journal.is_under_way(entry):
            raise UsageError(
                f"#{number} is under way at this moment in {entry.process}: its answer may still come."
            )
        write = write_of(entry)
        if not executed:
            self._fetch_time(write)
        left = (entry.until or 0) / 1000 - self._time_at_least(write)
        if left > 0 and not executed:
            raise UsageError(
                f"#{number} may still be executed for {left:.0f} s: what is not there now may come. Look "
                "again then."
            )
        status: Status = "confirmed" if executed else "rejected"
        return self.journal.resolve(entry, status, f"said by you: {note or 'no note'}", "person", answer={})

    def _digest(self, bound: BoundCall, text: str) -> str:
        # What is about the account that owns the key is another thing with another key.
        own = bound.write.reconciliation.needs_own_key
        whose = self._digest_of_key(self._sender.key_for(bound.write)) if own else ""
        return self.journal.digest("call", whose, text)
