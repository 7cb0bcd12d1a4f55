"""Asks the exchange, by the read that a write's declaration names, what became of it."""

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
from toolkit.gateway.sender import Sender
from toolkit.redaction import mask_partial, matches_mask, redacted_response
from toolkit.writes import findings
from toolkit.writes.entry import JournalEntry
from toolkit.writes.findings import Evidence, ReconcileResult, Row
from toolkit.writes.journal import Journal
from toolkit.writes.request import BoundCall

# Milliseconds a request may be at work at the exchange after it was let in: what takes longer is ended
# there with "execution status unknown" (-1007).
PROCESSING_MS = 10_000
# What says nothing of the write: the exchange cannot be asked now, or not with this key.
_UNAVAILABLE = (RateLimitError, FirewallError, ClockError, SignatureError, CredentialsError)
# Milliseconds by which a clock that was measured may be off at most.
_SLACK = 5_000
# How often a state is read until the answer is surely newer than the call, and the longest wait between two
# of them in milliseconds: an answer that is older still is no fresh one.
_MAX_READS, _AGE = 3, 10_000
# Reads of transfers begin so much before a call was sent, in milliseconds, and end so much after.
_BEFORE, _AFTER = 60_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Observation:
    """What a read has shown.

    Attributes:
        rows: The rows.
        is_complete: The list is known to have all of them.
        as_of: When the exchange made the oldest of the answers, in milliseconds and cut to a whole second, by
            its own clock; None where that is not known, or a cache had kept one.
    """

    rows: list[dict[str, Any]]
    is_complete: bool
    as_of: int | None

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Observation:
        """What a frame shows."""
        as_of = frame.attrs.get("as_of")
        return cls(
            rows=findings.rows_of(frame),
            is_complete=frame.attrs.get("complete") is True and not frame.attrs.get("missing"),
            as_of=None if as_of is None else round(datetime.fromisoformat(as_of).timestamp() * 1000),
        )


class Reconciler:
    """What the exchange shows of writes.

    Args:
        fetcher: Reads with the key for reading.
        reader: Knows the exchange's time.
        journal: What is known of the writes.
        reading_keys: Digests of the keys for reading.
    """

    def __init__(
        self, fetcher: Fetcher, reader: Sender, journal: Journal, *, reading_keys: frozenset[str]
    ) -> None:
        self._fetcher = fetcher
        self._reader = reader
        self._journal = journal
        self._reading_keys = reading_keys

    def before(self, bound: BoundCall) -> list[Row] | None:
        """What the read shows before the write, to compare with; nothing private.

        None where that proves nothing later: it is not whole, or may be of another moment.

        Raises:
            ToolkitError: It cannot be read.
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

    def ask(
        self,
        entry: JournalEntry,
        private: Mapping[str, str],
        *,
        wait: bool,
        same_account: bool,
        named: str = "",
    ) -> tuple[ReconcileResult, dict[str, Any]]:
        """What the read shows, and what it tells of the answer that was lost; nothing private.

        What is not there is only believed once it cannot come any more: that is waited for. And it is only
        believed of a list that is whole, and that the exchange made after that: a cache may have kept it.

        That something is so is only believed of an answer that the exchange made after the call had been
        sent. The timestamp that it carried may lie seconds before that, as it was set back by what the clock
        may have been off. So the answer has to be newer than this question, or than the time at which the
        exchange would not have let the call in any more.

        Args:
            entry: The call.
            private: Its private arguments, as far as they are at hand.
            wait: Wait where waiting tells more.
            same_account: The call's key, which is another than ours, is of the same account.
            named: The API key that its answer named, masked, where it was no good otherwise.
        """
        write = WRITES_BY_NAME[entry.endpoint]
        obstacle = self._obstacle(write, entry, private, same_account=same_account)
        if obstacle:
            return _manual(write, entry, obstacle), {}
        evidence = self._evidence(write, entry, private, named)
        over = _whole(evidence.until)
        sent, reads = evidence.until - PROCESSING_MS, 0
        while True:
            self._reader.measured_time(write.rate_limit.host, write.qualified_name)
            before = self._reader.time_at_least(write.rate_limit.host)
            asked = self._reader.time_at_most(write.rate_limit.host)
            if asked is not None:  # to the second, as dates are
                sent = min(sent, int(asked) * 1000)
            observed, result = self._find(evidence)
            reads += 1
            if result.kind == "so" and observed.as_of is not None and 0 < sent - observed.as_of < _AGE:
                if wait and reads < _MAX_READS:
                    what = f"{entry.endpoint} #{entry.number}: looks again by an answer that is surely newer"
                    self._fetcher.count_down(what, (_whole(sent) - observed.as_of) / 1000)
                    continue
                reason = f"{result.reason}, by an answer that may be older than the call: ask again"
                result = ReconcileResult("pending", reason)
            after = self._reader.time_at_least(
                write.rate_limit.host
            )  # the read may have had the clock measured anew
            if result.kind != "absent":
                break
            if before is None or after is None:
                reason = f"{result.reason}, and the exchange's clock could not be measured: ask again"
                result = ReconcileResult("pending", reason)
                break
            left = over - min(before, after) * 1000
            if left <= 0:
                break
            # More than a window: it was sent by a clock that was far ahead of the exchange's.
            if not wait or left > over - evidence.sent_at + _SLACK:
                last = max(0.0, left - (over - evidence.until)) / 1000
                reason = f"{result.reason}, and it may still be executed for {last:.0f} s: ask again then"
                result = ReconcileResult("pending", reason)
                break
            what = f"{entry.endpoint} #{entry.number}: not seen yet, asks again when it can come no more"
            self._fetcher.count_down(what, left / 1000 + 0.001)
        inconclusive = _why_inconclusive(evidence, observed, result, sent)
        if inconclusive:
            result = ReconcileResult(
                "open", f"{result.reason}; but {inconclusive}: that proves nothing. Ask again"
            )
        if result.kind == "open":
            result = _manual(write, entry, result.reason)
        return result, redacted_response(write, findings.payload_of(write, evidence, result.row))

    def _obstacle(
        self, write: Write, entry: JournalEntry, private: Mapping[str, str], *, same_account: bool
    ) -> str:
        """Why no read can tell, "" where one can."""
        how = write.reconciliation
        if how.kind == "manual":
            return "no read of the API tells"
        if entry.key not in self._reading_keys and not same_account:
            return (
                "it was sent with another key than the one that reads, which may show another account. Where "
                "both are of one account, say so: `reconcile(..., same_account=True)`"
            )
        if "api_key" in how.read_arguments and "api_key" not in private and how.read != "exchange.api_keys":
            return (
                "the read needs the sub-account's API key, which the journal does not keep. Give it: "
                f"`ops.reconcile({entry.number}, api_key=...)`"
            )
        return ""

    def _evidence(
        self, write: Write, entry: JournalEntry, private: Mapping[str, str], named: str
    ) -> Evidence:
        answers = self._journal.answers(entry.endpoint)
        fields = next((column.fields for column in write.columns if column.name == write.creates), ())
        claimed = frozenset(str(answer[field]) for answer in answers for field in fields if field in answer)
        return Evidence(
            write=write,
            arguments=entry.arguments,
            private=private,
            is_private=lambda name, text: self._journal.digest(name, text) == entry.digests.get(name),
            sent_at=entry.sent_at or 0,
            until=entry.until or 0,
            before=entry.before,
            id_origin=entry.id_origin,
            named=named,
            claimed=claimed,
        )

    def _find(self, evidence: Evidence) -> tuple[Observation, ReconcileResult]:
        """Ask once."""
        how = evidence.write.reconciliation
        nothing = Observation([], is_complete=False, as_of=None)
        try:
            observed = self._rows(evidence.write, {**evidence.arguments, **evidence.private}, evidence)
        except UsageError as error:
            said = str(error).removesuffix(" Nothing was sent.")
            return nothing, ReconcileResult("open", f"the exchange does not show it any more ({said})")
        except _UNAVAILABLE:
            raise
        except ApiError as error:
            said = error.message or f"HTTP {error.status}"
            return nothing, ReconcileResult("open", f"the read `link.{how.read}` was refused ({said})")
        if "api_key" in how.read_arguments and "api_key" not in evidence.private:
            rows = [
                row
                for row in observed.rows
                if matches_mask(row["api_key"], str(evidence.arguments["api_key"]))
            ]
            if len(rows) > 1:
                reason = "several keys look alike: `reconcile(api_key=...)` says which it is"
                return observed, ReconcileResult("open", reason)
            return observed, findings.find(evidence, rows)
        return observed, findings.find(evidence, observed.rows)

    def _rows(self, write: Write, known: Mapping[str, Any], evidence: Evidence | None = None) -> Observation:
        """Rows of the read; where one way of asking is refused and there is another, of that."""
        read = ENDPOINTS_BY_NAME[write.reconciliation.read]
        start, end = (
            (evidence.sent_at - _BEFORE, evidence.until + _AFTER)
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
        """What is compared has to be exact and clear; nobody sees it."""
        try:
            return self._fetcher.fetch(read, arguments, **span, numbers="exact", emails="clear")
        except IncompleteError as error:
            if error.partial is None:
                raise
            return error.partial  # what is there is there, and the frame says that it is not whole
        except BaseException as error:
            mask_partial(error)  # that is seen
            raise


def _argument_sets(write: Write, known: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Arguments of the read; more than one way where an argument may come from several of the write's.

    What is gone may not be asked for by name any more, and is missing in the whole list all the same.
    """
    how = write.reconciliation
    most = max((len(sources) for sources in how.read_arguments.values()), default=1)
    asked: list[dict[str, object]] = []
    for index in range(most):
        arguments: dict[str, object] = dict(how.fixed_arguments)
        for name, sources in how.read_arguments.items():
            values = [known[source] for source in sources if known.get(source) is not None]
            value = values[min(index, len(values) - 1)] if values else None
            if value is not None and not (name == "api_key" and "*" in str(value)):
                arguments[name] = value
        asked.append(arguments)
    if how.kind == "gone" and not any(param.required for param in ENDPOINTS_BY_NAME[how.read].params):
        asked.append(dict(how.fixed_arguments))
    for index, arguments in enumerate(asked):
        if arguments not in asked[:index]:
            yield arguments


def _whole(moment: int) -> int:
    """The next whole second: the dates of answers are cut to such."""
    return -(-moment // 1000) * 1000


def _why_inconclusive(evidence: Evidence, observed: Observation, result: ReconcileResult, sent: int) -> str:
    """Why what a read shows proves nothing, "" where it does.

    `sent` is when the call had surely been sent.
    """
    if result.kind not in ("so", "absent"):
        return ""  # what shows this very call does so in an old answer, too
    if result.by_absence and not observed.is_complete:
        return "the list is not known to be whole"
    if observed.as_of is None:
        return "a cache had kept the answer, or it does not tell when the exchange made it"
    since = evidence.until if result.kind == "absent" else sent
    if observed.as_of < since:
        made = datetime.fromtimestamp(observed.as_of / 1000, UTC)
        when = "the call could still be executed" if result.kind == "absent" else "the call was sent later"
        return f"the exchange made the answer at {made:%Y-%m-%d %H:%M:%S} UTC, when {when}"
    return ""


def _manual(write: Write, entry: JournalEntry, reason: str) -> ReconcileResult:
    manual_check = write.reconciliation.manual_check
    return ReconcileResult(
        "open",
        f"{reason}. Look at {manual_check}; `ops.resolve({entry.number}, happened=...)` writes down what you find",
    )
