"""Sends writes, each recorded in the journal before and after."""

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
from toolkit.gateway.accounts import Accounts
from toolkit.gateway.calls import Placement
from toolkit.gateway.connection import Source
from toolkit.gateway.sender import Sender
from toolkit.gateway.write_results import not_sent
from toolkit.redaction import redacted_response
from toolkit.runtime.tracebacks import without_traceback
from toolkit.runtime.user_warnings import warn
from toolkit.transport.responses import WriteResult
from toolkit.writes.declaration import write_of
from toolkit.writes.entry import ConflictKey, JournalEntry, Status
from toolkit.writes.evidence import Row, check_response
from toolkit.writes.journal import Journal
from toolkit.writes.journaled_call import (
    DEFERRED,
    JournaledCall,
    new_key,
    rejection_reason,
    was_not_sent,
    with_outcome,
)
from toolkit.writes.outcome import Outcome, unknown
from toolkit.writes.pending import is_in_progress
from toolkit.writes.reconcile import PROCESSING_MS, Reconciler
from toolkit.writes.request import BoundCall, CallOptions, bind, may_conflict
from toolkit.writes.tracker import OutcomeTracker


class WriteExecutor:
    """Sends writes.

    Args:
        sender: Signs with the API keys for writing.
        reader: Signs with the API keys for reading.
        fetcher: Reads with those.
        journal: The journal of writes.
        accounts: The accounts of API keys.
        source: Where writes go, "live" or "sandbox".
        numbers: Amounts as "float" or "exact".
        placement: Where parameters go.
        same_account: Whether all API keys, in the journal and now, belong to one account.

    Attributes:
        journal, placement: As given.
        outcomes: The outcomes of writes.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        reader: Sender,
        fetcher: Fetcher,
        journal: Journal,
        accounts: Accounts,
        source: Source,
        numbers: Numbers,
        placement: Placement,
        same_account: bool,
    ) -> None:
        self.journal = journal
        self.placement = placement
        self._sender = sender
        self._reader = reader
        self._accounts = accounts
        self._fetcher = fetcher
        self._same_account = same_account
        self._same_account_keys = self._digests(sender.keys)
        self._reading_keys = self._digests(reader.keys)
        # Names are the user's own: they are neither evidence nor kept in the journal.
        reads = fetcher.without_names()
        self._reconciler = Reconciler(
            reads, reader, journal, accounts=accounts, reading_keys=self._reading_keys
        )
        self.outcomes = OutcomeTracker(
            journal,
            self._reconciler,
            source=source,
            numbers=numbers,
            names=fetcher.names,
            same_account=same_account,
        )

    # -- one call ------------------------------------------------------------------------------------------

    def run(self, write: Write, arguments: Mapping[str, object], options: CallOptions) -> Outcome:
        """Send a write once, or return the outcome of an earlier call with its idempotency key.

        Raises:
            UsageError: An argument is invalid; nothing was sent.
            JournalError: The call cannot be recorded; nothing was sent.
            NotExecutedError: The read that must precede the write failed; nothing was sent.
        """
        bound = self.bind(write, arguments, options)
        if not bound.confirmed:
            raise UsageError(
                f"{write.qualified_name}: this cannot be undone. Pass the value of `{write.confirm}` again "
                "as `confirm=` to go ahead. Nothing was sent."
            )
        self._sender.key_for(write)  # raises before anything is sent where there is none
        self._accounts.look_up(self._sender)
        if self._reader is not self._sender:
            self._accounts.look_up(self._reader)
        failure = None
        if write.repeatable:  # the exchange's clock tells whether an older request may still arrive
            failure = self._fetch_time(write)
        conflict_key, found = self.find_existing(bound)
        if found is not None:
            return self._repeated(found, bound)
        before = newest = None
        if write.reconciliation.needs_snapshot and failure is None:
            newest = self.journal.newest_number(conflict_key.subject)
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
        journaled = JournaledCall(self.journal, entry)
        try:
            if failure is None:
                outcome, interruption = self._send(bound, journaled)
            else:
                result = not_sent(write.qualified_name, failure.message, failure.advice)
                outcome, interruption = self._outcome(bound, journaled, result), None
        except BaseException:
            self.journal.mark_finished(entry)
            raise
        interruption = interruption or journaled.interruption
        try:
            self.journal.mark_finished(entry)
            if interruption is None:
                self._warn(write, outcome, journaled)
        except (UndeclaredFieldWarning, JournalWarning):  # warnings are errors: they carry the outcome
            raise
        except BaseException as error:  # noqa: BLE001 - raised below
            interruption = interruption or error
        if interruption is not None:
            raise with_outcome(interruption, outcome, deferred=journaled.is_incomplete)
        return outcome

    def _fetch_time(self, write: Write) -> NoResponseError | None:
        """Measure the exchange's clock: this machine's may be an hour off.

        Returns:
            Why the exchange does not respond at all, None where it does.
        """
        try:
            self._sender.measured_time(write.rate_limit.host, write.qualified_name)
        except NoResponseError as error:
            return without_traceback(error)
        except ToolkitError:
            pass
        return None

    def _repeated(self, entry: JournalEntry, bound: BoundCall) -> Outcome:
        """The outcome of an earlier call; a new API key that it holds can still be taken in this kernel."""
        return self.outcomes.outcome(entry, private=bound.private, repeated=True)

    def _before(self, bound: BoundCall) -> list[Row] | None:
        """Read the state before the write.

        Raises:
            NotExecutedError: The read failed, so the write is not sent.
        """
        try:
            return self._reconciler.read_before(bound)
        except ToolkitError as error:
            failure = error
        read = bound.write.reconciliation.read
        message = getattr(failure, "message", "") or type(failure).__name__
        raise NotExecutedError(
            bound.write.qualified_name,
            f"`link.{read}` must be read before this write, and that read failed: {message}",
        )

    def bind(self, write: Write, arguments: Mapping[str, object], options: CallOptions) -> BoundCall:
        """Validate the arguments of a call.

        Raises:
            UsageError: An argument is invalid.
        """
        return bind(write, arguments, options, self.placement)

    def find_existing(self, bound: BoundCall) -> tuple[ConflictKey, JournalEntry | None]:
        """Look for an entry in the journal that this call repeats.

        Returns:
            How the call is compared with others; and the entry, None where the call is to be sent.

        Raises:
            UsageError: Its idempotency key belongs to another call, or the read that precedes it uses an API
                key that may belong to another account.
            PendingWriteError: A call about the same thing is not resolved.
        """
        conflict_key = self._conflict_key(bound)
        if (
            bound.write.reconciliation.needs_snapshot
            and conflict_key.key not in self._reading_keys
            and not self._reads_account(conflict_key)
        ):
            raise UsageError(
                f"{bound.write.qualified_name}: `link.{bound.write.reconciliation.read}` is read before this "
                "write, but the Link reads with another API key. Nothing was sent. If both keys belong to "
                "one account, use `link.operations(..., same_account=True)`; otherwise read and write with "
                "one key."
            )
        return conflict_key, self.journal.check(conflict_key)

    def _reads_account(self, conflict_key: ConflictKey) -> bool:
        """Whether the Link's own API keys belong to the account that a call is sent for."""
        account = conflict_key.account
        return self._same_account or (account is not None and account == self._accounts.known(self._reader))

    def _is_of_one_account(self, older: JournalEntry, entry: JournalEntry) -> bool:
        """Whether an older call is known to be of the same account as one of this executor."""
        return (
            self._same_account
            or older.key in {entry.key, *self._same_account_keys}
            or (entry.account is not None and entry.account == older.account)
        )

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
            account=self._accounts.known(self._sender),
            same_account_keys=self._same_account_keys,
            same_account=self._same_account,
            repeatable=write.repeatable,
            now=self._now(write),
            conflicts=lambda entry: may_conflict(write, bound.arguments, entry.arguments),
        )

    def _now(self, write: Write) -> int:
        return int(self._time_at_least(write) * 1000)

    def _time_at_least(self, write: Write) -> float:
        """The earliest time the exchange's clock may show, so that nothing counts as expired too early."""
        time_at_least = self._sender.time_at_least(write.rate_limit.host)
        return self._sender.time(write.rate_limit.host) if time_at_least is None else time_at_least

    def _send(self, bound: BoundCall, journaled: JournaledCall) -> tuple[Outcome, BaseException | None]:
        """Send a recorded call and record its outcome. Also returns what interrupted it, or None."""
        endpoint = journaled.entry.endpoint
        window = self._sender.recv_window + PROCESSING_MS
        sent = False

        def before_send(now: Callable[[], int]) -> int:
            def timestamps() -> tuple[int, int]:
                timestamp = now()
                return timestamp, timestamp + window

            nonlocal sent
            journaled.entry = self.journal.mark_sending(journaled.entry, timestamps)
            sent = True
            return journaled.entry.sent_at or 0

        try:
            attempt = self._sender.send(bound.request, before_send)
        except RateLimitError as error:  # a ban, or too long a wait: raised before anything was sent
            journaled.resolve("rejected", rejection_reason(error), not_sent=True)
            return self.outcomes.outcome(journaled.entry, error=error, private=bound.private), None
        except BaseException as error:
            if sent:
                journaled.resolve("unknown", f"it was interrupted ({type(error).__name__})")
                outcome = self.outcomes.outcome(journaled.entry, private=bound.private)
                raise with_outcome(error, outcome) from None
            if not isinstance(error, JournalError):
                journaled.resolve("rejected", f"it was not sent ({type(error).__name__})", not_sent=True)
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(
                    f"{endpoint} was interrupted before it was sent. Nothing was sent."
                ) from None
            raise
        try:
            return self._outcome(bound, journaled, attempt.result), attempt.interruption
        except BaseException as error:  # noqa: BLE001 - raised once the outcome is recorded
            interrupted_by = error
        # The interrupt came once; the response is classified all the same.
        return self._outcome(bound, journaled, attempt.result), attempt.interruption or interrupted_by

    def _outcome(self, bound: BoundCall, journaled: JournaledCall, result: WriteResult) -> Outcome:
        """Record the outcome of a call, and return it."""
        write, number, endpoint = bound.write, journaled.entry.number, journaled.entry.endpoint
        error, frame = result.error, None
        if result.executed:
            payload: Mapping[str, Any] = result.payload
            # Whatever else is wrong with the response, a new API key is not lost.
            created = new_key(write, payload)
            if created is not None:
                self.outcomes.hold_key(journaled.entry, created)
            answer = redacted_response(write, payload)
            try:
                check_response(write, bound.arguments, payload)
                frame = self.outcomes.frame(write, journaled.entry, answer, "answer")
            except ContractError as breach:
                error = unknown(endpoint, f"the response is not as documented: {breach}", number)
            else:
                journaled.resolve("confirmed", "the exchange responded that it was executed", answer=answer)
                if write.repeatable:
                    journaled.attempt(
                        lambda: self.journal.resolve_repeats(
                            journaled.entry, lambda older: self._is_of_one_account(older, journaled.entry)
                        )
                    )
        elif result.executed is False:
            journaled.resolve("rejected", rejection_reason(error), not_sent=was_not_sent(error))
        if journaled.entry.status not in ("confirmed", "rejected"):
            journaled.resolve("unknown", getattr(error, "reason", str(error)))
            error = unknown(endpoint, journaled.entry.reason, number)
        return self.outcomes.outcome(journaled.entry, error=error, private=bound.private, frame=frame)

    def _warn(self, write: Write, outcome: Outcome, journaled: JournaledCall) -> None:
        """Warn about a call. The warnings carry its outcome, in case warnings are errors."""
        undeclared = set() if outcome.frame is None else set(outcome.frame.attrs["undeclared"])
        try:
            self._fetcher.warn_undeclared(write, undeclared)
        except UndeclaredFieldWarning as warning:  # where warnings are errors
            warning.outcome = outcome
            raise
        if journaled.journal_error is not None:
            unrecorded = JournalWarning(
                f"The outcome of #{outcome.number} {outcome.endpoint}, {outcome.status}, could not be "
                f"recorded in the journal. {DEFERRED} {journaled.journal_error}"
            )
            unrecorded.outcome = outcome
            warn(unrecorded)

    # -- resolving by hand -----------------------------------------------------------------------------------

    def resolve(self, number: int, *, executed: bool, note: str) -> JournalEntry:
        """Record what a person found out about a call."""
        entry = self.journal.entry(number)
        if entry.is_resolved and entry.resolved_by != "person":
            raise UsageError(f"#{number} is already resolved: it is {entry.status}.")
        if is_in_progress(entry):
            raise UsageError(f"#{number} is in progress in {entry.process}. Its response may still arrive.")
        write = write_of(entry)
        if not executed:
            self._fetch_time(write)
        left = (entry.until or 0) / 1000 - self._time_at_least(write)
        if left > 0 and not executed:
            raise UsageError(
                f"#{number} may still be executed for {left:.0f} s: absence proves nothing until the request "
                "has expired. Look again then."
            )
        status: Status = "confirmed" if executed else "rejected"
        return self.journal.resolve(
            entry, status, f"resolved by you: {note or 'no note'}", "person", answer={}
        )

    def _digest(self, bound: BoundCall, text: str) -> str:
        # A write to the account that owns the API key has another subject with another key.
        own = bound.write.reconciliation.needs_own_key
        owner = self._digest_of_key(self._sender.key_for(bound.write)) if own else ""
        return self.journal.digest("call", owner, text)
