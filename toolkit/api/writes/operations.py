"""`ops = link.operations()`: every write, its preview, and the journal."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import SupportsIndex

import pandas as pd

from toolkit.api.resource import LinkBound
from toolkit.api.writes.accounts import AccountWrites
from toolkit.api.writes.customers import FuturesWrites, PortfolioWrites, SpotWrites
from toolkit.api.writes.keys import KeyWrites
from toolkit.api.writes.resource import T
from toolkit.api.writes.transfers import MoneyWrites
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
_REAL = (
    "This Link talks to the real exchange: what operations do there moves money, and not all of it can be "
    'undone. Say so in code: `link.operations(confirm="live")`. Nothing was sent.'
)
_NO_SANDBOX = (
    "What answers at this machine's address does not say that it is a sandbox: it is busy, or stopped, or a "
    "tunnel to the real exchange. Nothing was sent. Try again; only where it is the real exchange say "
    '`link.operations(confirm="live")`.'
)


class ExchangeWrites(AccountWrites[T], KeyWrites[T], MoneyWrites[T]):
    """Exchange Link: sub-accounts, their keys, transfers and commissions."""


class Operations(LinkBound):
    """Every call that changes something at the exchange.

    Each call is written to the journal before it is sent, goes out once, and gives an `Outcome`: confirmed,
    rejected or unknown. Threads may share it; so may processes share the journal.

    Args:
        connection: The hosts, and the key for reading.
        fetcher: Reads what settles an unknown outcome.
        confirm: "live", where real accounts are changed.
        keys: Other API keys for writing; the connection's where none are given.
        same_account: Those keys, and those that wrote in the journal, are of the Link's own account.
        parameters: Where parameters go: "body", "query" or "mixed".
        journal: Folder of the journal.

    Attributes:
        exchange: Exchange Link.
        spot: Link and Trade (Spot).
        futures: Link and Trade (Futures).
        portfolio: Link and Trade (Portfolio Margin).
        preview: The same doors; they send nothing and show what would be sent.

    Raises:
        UsageError: An argument cannot be right.
        JournalError: There can be no journal.
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
            raise UsageError(_NO_SANDBOX if connection.source == "sandbox" else _REAL)
        path = journal_file(connection.session.hosts, sandbox, journal)
        self._connection = connection
        self._journal = Journal(path)
        self._executor = WriteExecutor(
            sender=sender,
            reader=connection.sender,
            fetcher=fetcher,
            journal=self._journal,
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
        """The file of the journal."""
        return self._journal.path

    def unresolved(self) -> pd.DataFrame:
        """Calls of which it is not known what became of them, oldest first, one row each; nothing is sent.

        Calls that are under way in a living process are not among them; those of a kernel that died are.

        Returns:
            A frame with the columns of `history`.
        """
        return _frame(self._journal.entries(unresolved=True), self._executor.outcomes)

    def history(self) -> pd.DataFrame:
        """Every call in the journal, oldest first, one row each; nothing is sent.

        Returns:
            A frame with the columns

            - number (integer): Number of the call, for `outcome` and `reconcile`.
            - time (time): When it was written down, by this machine's clock.
            - endpoint (text): The door that was called.
            - status (text): confirmed, rejected or unknown.
            - reason (text): Why.
            - idempotency_key (text): The name it was done under; missing where it has none.
            - arguments (text): Its arguments, private ones masked.
            - sent_at (time): When it was sent, by the exchange's clock; missing where it never left.
            - resolved_at (time): When it was known what became of it.
            - resolved_by (text): By what: answer, read, person, repetition or journal.
            - process (text): Notebook or script that sent it.
        """
        return _frame(self._journal.entries(), self._executor.outcomes)

    def outcome(self, number: int) -> Outcome:
        """The outcome of a call in the journal, as it is known now; nothing is sent.

        Raises:
            UsageError: The journal has no such call.
        """
        return self._executor.outcomes.find(_number(number))

    def reconcile(
        self, number: int, *, wait: bool = True, api_key: str | None = None, same_account: bool = False
    ) -> Outcome:
        """Ask the exchange what became of a call in the journal; see `Outcome.reconcile`.

        Raises:
            UsageError: The journal has no such call, or `api_key` is not that of the call.
            ToolkitError: The exchange cannot be asked.
        """
        return self._executor.outcomes.find(_number(number)).reconcile(
            wait=wait, api_key=api_key, same_account=same_account
        )

    def resolve(self, number: int, *, executed: bool, note: str = "") -> Outcome:
        """Write down what you found out about a call where no read tells.

        Nothing is sent, but a question for the exchange's time where it is not known and that matters.

        Args:
            number: Its number.
            executed: Whether it was executed.
            note: How you know.

        Raises:
            UsageError: It is settled, or there is no such call.
        """
        if not isinstance(executed, bool):
            raise UsageError(f"`executed` is True or False, not {executed!r}.")
        self._executor.resolve(_number(number), executed=executed, note=note)
        return self._executor.outcomes.find(_number(number))

    def release_idempotency_key(self, idempotency_key: str) -> Outcome:
        """Free the name of a call that was rejected, so that it can be used again; nothing is sent.

        Raises:
            UsageError: There is no such name, or its call was not rejected.
        """
        if not isinstance(idempotency_key, str):
            raise UsageError(f"`idempotency_key` is a name, which is text, not {idempotency_key!r}.")
        return self._executor.outcomes.find(
            self._journal.release_idempotency_key(
                checked_key("ops.release_idempotency_key", idempotency_key)
            ).number
        )

    def __repr__(self) -> str:
        hosts = ", ".join(dict.fromkeys(self._connection.session.hosts.values()))
        return printable(f"Operations({self._executor.outcomes.source}: {hosts}; journal {self.journal})")


class Previews(LinkBound):
    """The doors for writing, which send nothing here and show what would be sent.

    Attributes:
        exchange, spot, futures, portfolio: As in `Operations`.
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
        """What was looked at: the arguments were good, or this would not be reached."""
        write = bound.write
        checks = [PreflightCheck(True, "the arguments have the form that the documents ask for")]
        if write.confirm:
            said = (
                f"`{write.confirm}` was said twice"
                if bound.confirmed
                else (f"this cannot be undone: `confirm` has to say `{write.confirm}` a second time")
            )
            checks.append(PreflightCheck(bound.confirmed, said))
        try:
            _, found = self._executor.find_existing(bound)
        except PendingWriteError as error:
            checks.append(
                PreflightCheck(False, f"a call about the same thing is not settled: #{error.number}")
            )
        except UsageError as error:
            checks.append(PreflightCheck(False, str(error)))
        else:
            if found is not None:
                checks.append(
                    PreflightCheck(
                        False,
                        f"the name stands for #{found.number}, {_status(found)}: its outcome would come back",
                    )
                )
            else:
                checks.append(PreflightCheck(True, "no call about the same thing is open"))
        until = self._connection.budget.banned_until
        if until is not None:
            checks.append(
                PreflightCheck(False, f"this address is banned until {until:%Y-%m-%d %H:%M:%S} UTC")
            )
        how = write.reconciliation
        if how.read:
            checks.append(
                PreflightCheck(True, f"if its answer is lost, `link.{how.read}` tells what happened")
            )
        else:
            checks.append(
                PreflightCheck(
                    True, f"if its answer is lost no read tells what happened: look at {how.manual_check}"
                )
            )
        return checks

    def __repr__(self) -> str:
        return "Previews: exchange, spot, futures, portfolio (nothing is sent)"


def _number(number: object) -> int:
    """A number of the journal, also where it comes out of a frame."""
    if isinstance(number, SupportsIndex) and not pd.api.types.is_bool(number):
        with suppress(TypeError):  # as an array of several says of itself
            return operator.index(number)
    raise UsageError(f"A call's number is a whole number such as 17, not {number!r}.")


def _status(entry: JournalEntry) -> str:
    return entry.status if entry.is_resolved else "unknown"


def _shown(bound: BoundCall, parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as they would go out, private ones masked."""
    params = {param.field: param for param in bound.write.params}
    shown = {}
    for field, value in parameters.items():
        if params[field].private:
            shown[field] = str(redacted_argument(params[field], value))
        elif params[field].name in (CLIENT_ID, bound.write.suffixed_argument) and bound.id_origin == "call":
            shown[field] = "(made when it is sent)"
        else:
            shown[field] = to_text(field, value)
    return shown


_TEXT, _TIME = pd.StringDtype(), None
# Columns of `history`, and their types.
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
