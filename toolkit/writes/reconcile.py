"""Asks the exchange for the outcome of a write, with the read that its declaration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from toolkit.endpoints import ENDPOINTS_BY_NAME, WRITES_BY_NAME, Endpoint, Write
from toolkit.errors import (
    ApiError,
    ClockError,
    CredentialsError,
    FirewallError,
    IncompleteError,
    RateLimitError,
    SignatureError,
    ToolkitError,
    UsageError,
)
from toolkit.fetch.fetcher import Fetcher
from toolkit.gateway.accounts import Accounts
from toolkit.gateway.sender import Sender
from toolkit.redaction import mask_partial, matches_mask, redacted_response
from toolkit.writes.entry import JournalEntry
from toolkit.writes.evidence import Evidence, ReconcileResult, Row, evaluate, payload_of, rows_of
from toolkit.writes.journal import Journal
from toolkit.writes.request import BoundCall

# Milliseconds the exchange may take to process a request after accepting it. It ends what takes longer with
# "execution status unknown" (-1007).
PROCESSING_MS = 10_000
# Errors that say nothing about the write: the exchange cannot be asked now, or not with this API key.
_UNAVAILABLE = (RateLimitError, FirewallError, ClockError, SignatureError, CredentialsError)
# Milliseconds by which a measured clock may be wrong at most.
_CLOCK_ERROR_MS = 5_000
# How often a state is read until the response is certainly newer than the call, and the longest wait between
# two reads in milliseconds. A response that is older by more than this came from a cache.
_MAX_READS, _MAX_AGE_MS = 3, 10_000
# Milliseconds before and after a call that a read of transfers covers.
_MS_BEFORE, _MS_AFTER = 60_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of a read.

    Attributes:
        rows: The rows.
        is_complete: Whether the list is known to have all rows.
        as_of: When the exchange produced the oldest of the responses, by its own clock, in milliseconds,
            rounded down to a whole second. None where that is not known, or a response came from a cache.
    """

    rows: list[dict[str, Any]]
    is_complete: bool
    as_of: int | None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Observation:
        """The observation in a frame."""
        as_of = frame.attrs.get("as_of")
        return cls(
            rows=rows_of(frame),
            is_complete=frame.attrs.get("complete") is True and not frame.attrs.get("missing"),
            as_of=None if as_of is None else round(datetime.fromisoformat(as_of).timestamp() * 1000),
        )


class Reconciler:
    """Asks the exchange for the outcomes of writes.

    Args:
        fetcher: Reads with the API keys for reading.
        reader: Knows the exchange's time.
        journal: The journal of writes.
        accounts: The accounts of API keys.
        reading_keys: Digests of the API keys for reading.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        reader: Sender,
        journal: Journal,
        *,
        accounts: Accounts,
        reading_keys: frozenset[str],
    ) -> None:
        self._fetcher = fetcher
        self._reader = reader
        self._journal = journal
        self._accounts = accounts
        self._reading_keys = reading_keys

    def read_before(self, bound: BoundCall) -> list[Row] | None:
        """Read the state before the write, to compare with later.

        Returns:
            The rows, without private columns. None where they would prove nothing: the list is incomplete, or
            may be out of date.

        Raises:
            ToolkitError: The read failed.
        """
        host = bound.write.rate_limit.host
        with suppress(ToolkitError):
            self._reader.measured_time(host, bound.write.qualified_name)
        began = self._reader.time_at_least(host)
        observed = self._rows(bound.write, {**bound.arguments, **bound.private})
        if (
            began is None
            or observed.as_of is None
            or observed.as_of < int(began) * 1000
            or not observed.is_complete
        ):
            return None
        return [{name: value for name, value in row.items() if name != "email"} for row in observed.rows]

    def reconcile(
        self,
        entry: JournalEntry,
        private: Mapping[str, str],
        *,
        wait: bool,
        same_account: bool,
        new_key: str = "",
    ) -> tuple[ReconcileResult, dict[str, Any]]:
        """Read what the exchange shows of a write.

        Absence proves nothing until the request has expired, so this waits for that. The list must be
        complete, and the exchange must have produced it after that: a cache may serve an older one.

        A state proves something only in a response that the exchange produced after the call was sent. The
        call's timestamp may be seconds earlier than that, because it allows for the error of the measured
        clock. So the response must be newer than the start of this reconciliation, or than the end of the
        call's time window, after which the exchange accepts it no more.

        Args:
            entry: The call.
            private: The private arguments, as far as this process has them.
            wait: Wait where a later read can tell more.
            same_account: Whether the call was sent with another API key of the same account.
            new_key: The API key named in a malformed response, masked.

        Returns:
            What the read shows; and what is known of the lost response, nothing private.
        """
        write = WRITES_BY_NAME[entry.endpoint]
        obstacle = self._obstacle(write, entry, private, same_account=same_account)
        if obstacle:
            return _manual(write, entry, obstacle), {}
        evidence = self._evidence(write, entry, private, new_key)
        expires = _ceil_second(evidence.until)
        sent_by, reads = evidence.until - PROCESSING_MS, 0
        while True:
            self._reader.measured_time(write.rate_limit.host, write.qualified_name)
            before = self._reader.time_at_least(write.rate_limit.host)
            started = self._reader.time_at_most(write.rate_limit.host)
            if started is not None:  # in whole seconds, like `Date` headers
                sent_by = min(sent_by, int(started) * 1000)
            observed, result = self._read_and_evaluate(evidence)
            reads += 1
            if (
                result.kind == "in_force"
                and observed.as_of is not None
                and 0 < sent_by - observed.as_of < _MAX_AGE_MS
            ):
                if wait and reads < _MAX_READS:
                    what = (
                        f"{entry.endpoint} #{entry.number}: reading again, for a response newer than the call"
                    )
                    self._fetcher.count_down(what, (_ceil_second(sent_by) - observed.as_of) / 1000)
                    continue
                reason = f"{result.reason}, but the response may be older than the call. Ask again"
                result = ReconcileResult("pending", reason)
            # Read again: the fetch may have measured the clock anew.
            after = self._reader.time_at_least(write.rate_limit.host)
            if result.kind != "absent":
                break
            if before is None or after is None:
                reason = f"{result.reason}, but the exchange's clock could not be measured. Ask again"
                result = ReconcileResult("pending", reason)
                break
            left = expires - min(before, after) * 1000
            if left <= 0:
                break
            # Longer than any window: the timestamp came from a clock far ahead of the exchange's.
            if not wait or left > expires - evidence.sent_at + _CLOCK_ERROR_MS:
                last = max(0.0, left - (expires - evidence.until)) / 1000
                reason = (
                    f"{result.reason}, but the call may still be executed for {last:.0f} s. Ask again then"
                )
                result = ReconcileResult("pending", reason)
                break
            what = (
                f"{entry.endpoint} #{entry.number}: not found yet, reading again once the request has expired"
            )
            self._fetcher.count_down(what, left / 1000 + 0.001)
        inconclusive = _why_inconclusive(evidence, observed, result, sent_by)
        if inconclusive:
            result = ReconcileResult(
                "unclear", f"{result.reason}, but that proves nothing: {inconclusive}. Ask again"
            )
        if result.kind == "unclear":
            result = _manual(write, entry, result.reason)
        return result, redacted_response(write, payload_of(write, evidence, result.row))

    def _obstacle(
        self, write: Write, entry: JournalEntry, private: Mapping[str, str], *, same_account: bool
    ) -> str:
        """Why no read can show the outcome, "" where one can."""
        how = write.reconciliation
        if how.kind == "manual":
            return "no read of the API shows the outcome"
        if entry.key not in self._reading_keys and not same_account and not self._reads_account(entry):
            return (
                "it was sent with another API key than the one for reading, which may belong to another "
                "account. If both keys belong to one account, use `reconcile(..., same_account=True)`"
            )
        if "api_key" in how.read_arguments and "api_key" not in private and how.read != "exchange.api_keys":
            return (
                "the read needs the sub-account's API key, which the journal does not store. Use "
                f"`ops.reconcile({entry.number}, api_key=...)`"
            )
        return ""

    def _reads_account(self, entry: JournalEntry) -> bool:
        """Whether the API keys for reading are known to belong to the account that a call was sent for."""
        return entry.account is not None and entry.account == self._accounts.look_up(self._reader)

    def _evidence(
        self, write: Write, entry: JournalEntry, private: Mapping[str, str], new_key: str
    ) -> Evidence:
        answers = self._journal.answers(entry.endpoint)
        fields = next((column.fields for column in write.columns if column.name == write.creates), ())
        claimed = frozenset(str(answer[field]) for answer in answers for field in fields if field in answer)
        return Evidence(
            write=write,
            arguments=entry.arguments,
            private=private,
            matches_digest=lambda name, text: self._journal.digest(name, text) == entry.digests.get(name),
            sent_at=entry.sent_at or 0,
            until=entry.until or 0,
            before=entry.before,
            id_origin=entry.id_origin,
            new_key=new_key,
            claimed=claimed,
        )

    def _read_and_evaluate(self, evidence: Evidence) -> tuple[Observation, ReconcileResult]:
        """Read once, and compare."""
        how = evidence.write.reconciliation
        nothing = Observation([], is_complete=False, as_of=None)
        try:
            observed = self._rows(evidence.write, {**evidence.arguments, **evidence.private}, evidence)
        except UsageError as error:
            message = str(error).removesuffix(" Nothing was sent.")
            return nothing, ReconcileResult("unclear", f"the exchange no longer shows it ({message})")
        except _UNAVAILABLE:
            raise
        except ApiError as error:
            message = error.message or f"HTTP {error.status}"
            return nothing, ReconcileResult(
                "unclear", f"the exchange refused the read `link.{how.read}` ({message})"
            )
        if "api_key" in how.read_arguments and "api_key" not in evidence.private:
            rows = [
                row
                for row in observed.rows
                if matches_mask(row["api_key"], str(evidence.arguments["api_key"]))
            ]
            if len(rows) > 1:
                reason = "several keys look alike. Use `reconcile(api_key=...)` with the key of the call"
                return observed, ReconcileResult("unclear", reason)
            return observed, evaluate(evidence, rows)
        return observed, evaluate(evidence, observed.rows)

    def _rows(self, write: Write, known: Mapping[str, Any], evidence: Evidence | None = None) -> Observation:
        """The rows of the read. Tries each set of arguments until the exchange accepts one."""
        read = ENDPOINTS_BY_NAME[write.reconciliation.read]
        start, end = (
            (evidence.sent_at - _MS_BEFORE, evidence.until + _MS_AFTER)
            if evidence and read.window
            else (None, None)
        )
        argument_sets = list(_argument_sets(write, known))
        while True:
            arguments = argument_sets.pop(0)
            try:
                frame = self._read(read, arguments, start=start, end=end)
            except _UNAVAILABLE:
                raise
            except ApiError:
                if not argument_sets:
                    raise
            else:
                break
        return Observation.of(frame)

    def _read(self, read: Endpoint, arguments: Mapping[str, object], **span: int | None) -> pd.DataFrame:
        """Read with exact numbers and clear e-mail addresses, for comparison only; nobody sees the frame."""
        try:
            return self._fetcher.fetch(read, arguments, **span, numbers="exact", emails="clear")
        except IncompleteError as error:
            if error.partial is None:
                raise
            return error.partial  # its attrs say that it is incomplete
        except BaseException as error:
            mask_partial(error)  # the user sees this one
            raise


def _argument_sets(write: Write, known: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Sets of arguments for the read; several where an argument may come from several of the write's.

    The exchange may refuse to look up something that is gone. The last set then reads the whole list.
    """
    how = write.reconciliation
    most = max((len(sources) for sources in how.read_arguments.values()), default=1)
    argument_sets: list[dict[str, object]] = []
    for index in range(most):
        arguments: dict[str, object] = dict(how.fixed_arguments)
        for name, sources in how.read_arguments.items():
            values = [known[source] for source in sources if known.get(source) is not None]
            value = values[min(index, len(values) - 1)] if values else None
            if value is not None and not (name == "api_key" and "*" in str(value)):
                arguments[name] = value
        argument_sets.append(arguments)
    if how.kind == "gone" and not any(param.required for param in ENDPOINTS_BY_NAME[how.read].params):
        argument_sets.append(dict(how.fixed_arguments))
    for index, arguments in enumerate(argument_sets):
        if arguments not in argument_sets[:index]:
            yield arguments


def _ceil_second(moment: int) -> int:
    """Milliseconds rounded up to a whole second, as `Date` headers are rounded down."""
    return -(-moment // 1000) * 1000


def _why_inconclusive(
    evidence: Evidence, observed: Observation, result: ReconcileResult, sent_by: int
) -> str:
    """Why the result of a read proves nothing, "" where it proves something.

    `sent_by` is a time by which the call had certainly been sent.
    """
    if result.kind not in ("in_force", "absent"):
        return ""  # a trace of this very call proves it in an old response, too
    if result.by_absence and not observed.is_complete:
        return "the list may be incomplete"
    if observed.as_of is None:
        return "the response came from a cache, or does not say when the exchange produced it"
    since = evidence.until if result.kind == "absent" else sent_by
    if observed.as_of < since:
        made = datetime.fromtimestamp(observed.as_of / 1000, UTC)
        when = (
            "when the call could still be executed" if result.kind == "absent" else "before the call was sent"
        )
        return f"the exchange produced the response at {made:%Y-%m-%d %H:%M:%S} UTC, {when}"
    return ""


def _manual(write: Write, entry: JournalEntry, reason: str) -> ReconcileResult:
    manual_check = write.reconciliation.manual_check
    return ReconcileResult(
        "unclear",
        f"{reason}. Look at {manual_check}; then record what you find with "
        f"`ops.resolve({entry.number}, executed=...)`",
    )
