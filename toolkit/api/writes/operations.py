"""`link.operations()`: the writes, their previews, and the journal."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import SupportsIndex

import pandas as pd

from toolkit.api.resource import LinkBound
from toolkit.api.writes.exchange import ExchangeWrites
from toolkit.api.writes.futures import FuturesWrites
from toolkit.api.writes.portfolio import PortfolioWrites
from toolkit.api.writes.spot import SpotWrites
from toolkit.auth.credentials import Keys
from toolkit.auth.signing import to_text
from toolkit.endpoints import Write
from toolkit.errors import PendingWriteError, UsageError
from toolkit.fetch.fetcher import Fetcher
from toolkit.gateway.calls import Placement
from toolkit.gateway.connection import Connection
from toolkit.redaction import redacted_argument
from toolkit.storage.paths import journal_file
from toolkit.text.printable import printable
from toolkit.writes.entry import JournalEntry
from toolkit.writes.executor import WriteExecutor
from toolkit.writes.journal import Journal
from toolkit.writes.outcome import Outcome
from toolkit.writes.preview import PreflightCheck, Preview
from toolkit.writes.request import CLIENT_ID, BoundCall, CallOptions, checked_key, checked_placement
from toolkit.writes.tracker import OutcomeTracker

LIVE = "live"
_LIVE_UNCONFIRMED = (
    "This Link talks to the real exchange, where operations move money and some cannot be undone. Nothing "
    'was sent. To continue, confirm it in code: `link.operations(confirm="live")`.'
)
_NOT_A_SANDBOX = (
    "The server at this machine's address did not identify itself as a sandbox. It is busy, or stopped, or "
    "it is a tunnel to the real exchange. Nothing was sent. Try again; only if it is the real exchange, "
    'call `link.operations(confirm="live")`.'
)


class Operations(LinkBound):
    """Every call that changes something at the exchange.

    Each call is written to the journal before it is sent, is sent once, and returns an `Outcome`: confirmed,
    rejected or unknown. Threads can share this object, and processes can share the journal.

    Args:
        connection: The hosts, and the keys for reading.
        fetcher: Makes the reads that resolve unknown outcomes.
        confirm: "live", to allow changes to real accounts.
        keys: API keys for writing; defaults to those of the connection.
        same_account: Whether those keys, and the keys of earlier calls in the journal, belong to the account
            of the Link.
        parameters: Where parameters are sent: "body", "query" or "mixed".
        journal: Folder of the journal.

    Attributes:
        exchange: Exchange Link.
        spot: Link and Trade (Spot).
        futures: Link and Trade (Futures).
        portfolio: Link and Trade (Portfolio Margin).
        preview: The same methods; they send nothing and return a `Preview` of the request.

    Raises:
        UsageError: An argument is invalid.
        JournalError: The journal cannot be opened.
    """

    def __init__(
        self,
        connection: Connection,
        fetcher: Fetcher,
        *,
        confirm: str = "",
        keys: Keys | None = None,
        same_account: bool = False,
        parameters: Placement = "body",
        journal: str | Path | None = None,
    ) -> None:
        checked_placement(parameters)
        sender = connection.sender if keys is None else connection.sender_with(keys)
        sandbox = connection.sandbox_id()
        if sandbox is None and confirm != LIVE:
            raise UsageError(_NOT_A_SANDBOX if connection.source == "sandbox" else _LIVE_UNCONFIRMED)
        path = journal_file(connection.session.hosts, sandbox, journal)
        self._connection = connection
        self._journal = Journal(path)
        self._executor = WriteExecutor(
            sender=sender,
            reader=connection.sender,
            fetcher=fetcher,
            journal=self._journal,
            accounts=connection.accounts,
            source="live" if sandbox is None else "sandbox",
            numbers=fetcher.numbers,
            placement=parameters,
            same_account=same_account,
        )
        self.exchange: ExchangeWrites[Outcome] = ExchangeWrites(self._executor.run)
        self.spot: SpotWrites[Outcome] = SpotWrites(self._executor.run)
        self.futures: FuturesWrites[Outcome] = FuturesWrites(self._executor.run)
        self.portfolio: PortfolioWrites[Outcome] = PortfolioWrites(self._executor.run)
        self.preview = Previews(self._executor, connection)

    @property
    def journal(self) -> Path:
        """File of the journal."""
        return self._journal.path

    def unresolved(self) -> pd.DataFrame:
        """Calls whose outcome is unknown, oldest first, one row each; nothing is sent.

        Calls that a running process is still making are left out. Those of a kernel that died are included.

        Returns:
            A DataFrame with the columns of `history`.
        """
        return _frame(self._journal.entries(unresolved=True), self._executor.outcomes)

    def history(self) -> pd.DataFrame:
        """Every call in the journal, oldest first, one row each; nothing is sent.

        Returns:
            A DataFrame with the columns

            - number (integer): Number of the call, for `outcome` and `reconcile`.
            - time (time): When it was written to the journal, by this machine's clock.
            - endpoint (text): The endpoint, such as "exchange.transfer".
            - status (text): confirmed, rejected or unknown.
            - reason (text): Why.
            - idempotency_key (text): Its idempotency key; missing if it has none.
            - arguments (text): Its arguments, private ones masked.
            - sent_at (time): When it was sent, by the exchange's clock; missing if it was not sent.
            - resolved_at (time): When its outcome became known.
            - resolved_by (text): What resolved it: answer, read, person, repetition or journal.
            - process (text): Notebook or script that made it.
            - account (text): Id of the account it was sent for, as in `link.account_id()`; missing if it was
              not known.
        """
        return _frame(self._journal.entries(), self._executor.outcomes)

    def outcome(self, number: int) -> Outcome:
        """Current outcome of a call in the journal; nothing is sent.

        Args:
            number: Number of the call.

        Raises:
            UsageError: The journal has no such call.
        """
        return self._executor.outcomes.find(_number(number))

    def reconcile(
        self, number: int, *, wait: bool = True, api_key: str | None = None, same_account: bool = False
    ) -> Outcome:
        """Ask the exchange what became of a call in the journal; see `Outcome.reconcile`.

        Args:
            number: Number of the call.
            wait: As in `Outcome.reconcile`.
            api_key: As in `Outcome.reconcile`.
            same_account: As in `Outcome.reconcile`.

        Raises:
            UsageError: The journal has no such call, or `api_key` is not that of the call.
            ToolkitError: The exchange cannot be asked.
        """
        return self._executor.outcomes.find(_number(number)).reconcile(
            wait=wait, api_key=api_key, same_account=same_account
        )

    def resolve(self, number: int, *, executed: bool, note: str = "") -> Outcome:
        """Record what you found out about a call that no read can resolve.

        Nothing is sent, except a request for the exchange's time if it is needed and not yet known.

        Args:
            number: Number of the call.
            executed: Whether it was executed.
            note: How you know.

        Raises:
            UsageError: The call is resolved already, or the journal has no such call.
        """
        if not isinstance(executed, bool):
            raise UsageError(f"`executed` is True or False, not {executed!r}.")
        self._executor.resolve(_number(number), executed=executed, note=note)
        return self._executor.outcomes.find(_number(number))

    def release_idempotency_key(self, idempotency_key: str) -> Outcome:
        """Release the idempotency key of a rejected call, so that it can be used again; nothing is sent.

        Args:
            idempotency_key: The key.

        Returns:
            The outcome of the rejected call.

        Raises:
            UsageError: No call has this key, or its call was not rejected.
        """
        if not isinstance(idempotency_key, str):
            raise UsageError(f"`idempotency_key` is text, not {idempotency_key!r}.")
        key = checked_key("ops.release_idempotency_key", idempotency_key)
        return self._executor.outcomes.find(self._journal.release_idempotency_key(key).number)

    def __repr__(self) -> str:
        hosts = ", ".join(dict.fromkeys(self._connection.session.hosts.values()))
        return printable(f"Operations({self._executor.outcomes.source}: {hosts}; journal {self.journal})")


class Previews(LinkBound):
    """The methods of `Operations`, returning a `Preview` of the request instead of sending it.

    Attributes:
        exchange: Exchange Link.
        spot: Link and Trade (Spot).
        futures: Link and Trade (Futures).
        portfolio: Link and Trade (Portfolio Margin).
    """

    def __init__(self, executor: WriteExecutor, connection: Connection) -> None:
        self._executor = executor
        self._connection = connection
        self.exchange: ExchangeWrites[Preview] = ExchangeWrites(self._preview)
        self.spot: SpotWrites[Preview] = SpotWrites(self._preview)
        self.futures: FuturesWrites[Preview] = FuturesWrites(self._preview)
        self.portfolio: PortfolioWrites[Preview] = PortfolioWrites(self._preview)

    def _preview(self, write: Write, arguments: Mapping[str, object], options: CallOptions) -> Preview:
        bound = self._executor.bind(write, arguments, options)
        request = bound.request
        return Preview(
            endpoint=write.qualified_name,
            summary=write.summary,
            method=write.method,
            address=self._connection.session.hosts[write.rate_limit.host] + write.path,
            query=_shown(bound, request.in_query),
            body=_shown(bound, request.in_body),
            weight=request.weight,
            rate_limit=write.rate_limit.name,
            checks=tuple(self._checks(bound)),
            source=self._executor.outcomes.source,
        )

    def _checks(self, bound: BoundCall) -> list[PreflightCheck]:
        """Results of the checks; the arguments passed theirs, or `bind` would have raised."""
        write = bound.write
        checks = [PreflightCheck(True, "the arguments have the documented form")]
        if write.confirm:
            text = (
                f"`confirm` repeats `{write.confirm}`"
                if bound.confirmed
                else f"this cannot be undone: `confirm` has to repeat `{write.confirm}`"
            )
            checks.append(PreflightCheck(bound.confirmed, text))
        checks.append(self._check_conflicts(bound))
        until = self._connection.budget.banned_until
        if until is not None:
            checks.append(
                PreflightCheck(False, f"this address is banned until {until:%Y-%m-%d %H:%M:%S} UTC")
            )
        how = write.reconciliation
        resolved_by = (
            f"`link.{how.read}` shows whether it was executed"
            if how.read
            else f"no read shows whether it was executed: check {how.manual_check}"
        )
        checks.append(PreflightCheck(True, f"if the response is lost, {resolved_by}"))
        return checks

    def _check_conflicts(self, bound: BoundCall) -> PreflightCheck:
        try:
            _, found = self._executor.find_existing(bound)
        except PendingWriteError as error:
            return PreflightCheck(False, f"a call about the same thing is unresolved: #{error.number}")
        except UsageError as error:
            return PreflightCheck(False, str(error))
        if found is None:
            return PreflightCheck(True, "no call about the same thing is unresolved")
        return PreflightCheck(
            False,
            f"#{found.number}, {_status(found)}, has this idempotency key: its outcome would be returned",
        )

    def __repr__(self) -> str:
        return "Previews: exchange, spot, futures, portfolio (they send nothing)"


def _number(number: object) -> int:
    """Number of a call, which may come from a DataFrame as a NumPy integer."""
    if isinstance(number, SupportsIndex) and not pd.api.types.is_bool(number):
        with suppress(TypeError):  # an array of several numbers
            return operator.index(number)
    raise UsageError(f"The number of a call is an integer such as 17, not {number!r}.")


def _status(entry: JournalEntry) -> str:
    return entry.status if entry.is_resolved else "unknown"


def _shown(bound: BoundCall, parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as they would be sent, private ones masked."""
    params = {param.field: param for param in bound.write.params}
    shown = {}
    for field, value in parameters.items():
        if params[field].private:
            shown[field] = str(redacted_argument(params[field], value))
        elif params[field].name in (CLIENT_ID, bound.write.suffixed_argument) and bound.id_origin == "call":
            shown[field] = "(generated when it is sent)"
        else:
            shown[field] = to_text(field, value)
    return shown


_TEXT, _TIME = pd.StringDtype(), None
# Columns of `history` and their types.
_HISTORY = {
    "number": pd.Int64Dtype(),
    "time": _TIME,
    "endpoint": _TEXT,
    "status": _TEXT,
    "reason": _TEXT,
    "idempotency_key": _TEXT,
    "arguments": _TEXT,
    "sent_at": _TIME,
    "resolved_at": _TIME,
    "resolved_by": _TEXT,
    "process": _TEXT,
    "account": _TEXT,
}


def _frame(entries: list[JournalEntry], outcomes: OutcomeTracker) -> pd.DataFrame:
    rows = [
        (
            entry.number,
            entry.made_at,
            entry.endpoint,
            _status(entry),
            printable(entry.reason if entry.is_resolved else outcomes.reason(entry)),
            entry.idempotency_key,
            printable(", ".join(f"{name}={value}" for name, value in entry.arguments.items())),
            entry.sent_at,
            entry.resolved_at,
            entry.resolved_by,
            printable(entry.process),
            entry.account,
        )
        for entry in entries
    ]
    frame = pd.DataFrame(rows, columns=[*_HISTORY])
    for name, kind in _HISTORY.items():
        if kind is _TIME:
            moments = pd.to_datetime(frame[name].astype("Int64"), unit="ms", utc=True)
            frame[name] = moments.dt.as_unit("ms")
        else:
            frame[name] = frame[name].astype(kind)
    frame.attrs = {"source": outcomes.source, "journal": str(outcomes.journal.path)}
    return frame
