"""Walks a plan: every window, every page, into one frame."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pandas as pd

from toolkit.endpoints import ENDPOINTS_BY_ROUTE, Endpoint, rate_limit_for
from toolkit.errors import IncompleteError, RateLimitWarning, UndeclaredFieldWarning, UsageError
from toolkit.fetch.bisected_window import RowCounts
from toolkit.fetch.executor import Executor, InlineExecutor, ThreadExecutor
from toolkit.fetch.paginator import Paginator
from toolkit.fetch.progress import Progress, count_down
from toolkit.fetch.windows import Gap, PlannedRequest
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.infer import infer
from toolkit.frames.validation import Query
from toolkit.gateway.calls import ReadRequest, RequestStats
from toolkit.gateway.connection import Connection
from toolkit.planning import Plan, Span, When, make_plan
from toolkit.redaction import Emails, mask_within, names_shown
from toolkit.runtime import forks
from toolkit.runtime.user_warnings import warn
from toolkit.text.characters import unseen
from toolkit.text.printable import printable
from toolkit.text.suggestions import did_you_mean
from toolkit.timing.cancel import CancelToken

MOST_WORKERS = 32
MOST_WEIGHT = 10**9  # beyond any limit
# Seconds a fetch that has ended leaves to requests under way: asked for on a guess, or behind an error.
SHUTDOWN_GRACE_S = 0.5

_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")
_OWN = {"timestamp", "recvWindow", "signature"}
_PRIVATE = re.compile(r"(mail|key|secret|token|address)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch under way."""

    plan: Plan
    question: Query
    builder: FrameBuilder
    stats: RequestStats
    cancel: CancelToken

    @property
    def cache_key(self) -> int:
        """What names a fetch that asks for the same, without holding what it asks."""
        return hash((self.plan.endpoint.qualified_name, *sorted(self.plan.parameters.items())))


class Fetcher:
    """Fetches what endpoints offer as frames.

    Args:
        connection: The key and the hosts it is used at.
        numbers: Amounts as float64, or exact.
        emails: E-mail addresses masked, or clear.
        progress: Whether a long fetch shows a bar.
        workers: Requests a long fetch has under way at once, at most.

    Attributes:
        numbers: As given.

    Raises:
        UsageError: `numbers` or `emails` is neither, or `workers` is no such number.
    """

    def __init__(
        self,
        connection: Connection,
        numbers: Numbers,
        *,
        emails: Emails,
        progress: bool,
        workers: int,
    ) -> None:
        self._connection = connection
        self._sender = connection.sender
        self._clock = connection.clock
        self._source = connection.source
        self.numbers = _checked_numbers(numbers)
        self._emails = _checked_emails(emails)
        self._progress = progress
        self._workers = _checked_workers(workers)
        # How many rows an endpoint without a span had the last time: so many pages are asked for at once.
        self._rows: dict[int, int] = {}
        self._warned: set[tuple[str, str]] = set()
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._warning = threading.Lock()

    def fetch(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, object],
        *,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
        emails: Emails | None = None,
    ) -> pd.DataFrame:
        """Everything an endpoint has for these arguments.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ToolkitError: Something else; its `partial` is what had arrived.
        """
        kind, shown = self._kind(numbers), self._shown(emails)
        self._sender.key_for(endpoint)  # where there is none for it, that is said before anything is sent
        host = endpoint.rate_limit.host
        # Planned by the time as known, so that a bad argument is refused with nothing sent; where the
        # exchange's own had to be asked for the span is laid by that.
        known = self._sender.is_time_known(host)
        now = int(self._sender.time(host) * 1000)
        plan = make_plan(endpoint, arguments, start, end, now, clock_synced=known)
        if endpoint.window and not known:
            now = int(self._sender.measured_time(host, endpoint.qualified_name) * 1000)
            plan = plan.at(now)
        question, counts = Query(endpoint, plan.parameters), RowCounts(endpoint.paging)
        builder = FrameBuilder(endpoint, kind, shown, question)
        fetch = _Fetch(plan, question, builder, RequestStats(), CancelToken(endpoint.qualified_name))
        self._paginate(fetch, counts)
        while counts.is_late:
            # An answer that was believed had been cut, as a later one showed: all is asked for once more.
            before, counts = fetch, counts.renewed()
            builder = FrameBuilder(endpoint, kind, shown, question)
            fetch = replace(before, builder=builder, cancel=CancelToken(endpoint.qualified_name))
            try:
                self._paginate(fetch, counts)
            except BaseException as error:
                if before.builder.rows > builder.rows and plan.span:
                    error.partial = self._frame(before, [plan.span])  # type: ignore[attr-defined]
                raise
        frame = self._frame(fetch)
        try:
            self.warn_undeclared(endpoint, fetch.builder.undeclared)
            self._connection.warn_if_local_only()
        except (UndeclaredFieldWarning, RateLimitWarning) as warning:  # where warnings are errors
            warning.partial = frame
            raise
        return frame

    def get(
        self,
        path: str,
        parameters: Mapping[str, object],
        *,
        weight: int,
        limit_by_uid: bool,
        numbers: Numbers | None,
        emails: Emails | None,
    ) -> pd.DataFrame:
        """One signed GET of a path, its columns inferred from the answer."""
        kind, shown = self._kind(numbers), self._shown(emails)
        if not isinstance(path, str):
            raise UsageError("`path` is text. Nothing was sent.")
        declared = ENDPOINTS_BY_ROUTE.get(("GET", path))
        rate_limit = declared.rate_limit if declared else rate_limit_for(path, uid=limit_by_uid)
        if rate_limit is None or not _PATH.fullmatch(path):
            raise UsageError(
                "A path begins with /api/, /sapi/, /fapi/ or /papi/ and has no query; parameters are given "
                "as keywords. Nothing was sent."
            )
        for name, value in parameters.items():
            texts = [name, *(value if isinstance(value, list | tuple) else [value])]
            if strange := next(filter(None, map(unseen, map(str, texts))), ""):
                raise UsageError(f"`{printable(name)}` has {strange} in it: leave it out. Nothing was sent.")
        if own := sorted(_OWN & parameters.keys()):
            raise UsageError(f"{', '.join(own)}: the toolkit sends this itself. Nothing was sent.")
        if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= MOST_WEIGHT:
            raise UsageError(f"`weight` is a whole number from 1 on, not {weight!r}. Nothing was sent.")
        if declared:
            weight = declared.weight_of(parameters)
        stats = RequestStats()
        payload = self._sender.get(
            ReadRequest(
                qualified_name=path,
                path=path,
                parameters=parameters,
                rate_limit=rate_limit,
                weight=weight,
                needs=declared.needs if declared else frozenset(),
                privileged=declared.privileged if declared else False,
            ),
            stats,
        )
        endpoint, rows = infer(path, rate_limit, payload, shown)
        builder = FrameBuilder(endpoint, kind, shown)
        builder.add(rows)
        asked = {
            name: "(hidden)" if _PRIVATE.search(name) else mask_within(str(value))
            for name, value in parameters.items()
        }
        attrs = self._attrs(path, "unlisted", asked, stats, complete=_is_one_object(payload))
        if not attrs["complete"]:
            attrs["missing"] = [[None, None]]
        # Whatever its columns are called: an address may be in any of them.
        frame = builder.frame({**attrs, "emails": shown})
        try:
            self._connection.warn_if_local_only()
        except RateLimitWarning as warning:  # where warnings are errors
            warning.partial = frame
            raise
        return frame

    # -- windows and pages -----------------------------------------------------------------------------

    def _paginate(self, fetch: _Fetch, counts: RowCounts) -> None:
        """Fetch everything; what goes wrong carries the rows that had arrived."""
        progress = Progress(
            fetch.plan.endpoint.qualified_name,
            fetch.plan.span,
            fetch.stats,
            cancel=fetch.cancel,
            clock=self._clock,
            wanted=self._progress,
        )
        rows = None if fetch.plan.span else self._rows.get(fetch.cache_key)
        executor, speculative = self._executor_for(fetch, known=rows is not None)
        if isinstance(executor, InlineExecutor):  # whoever fetches alone cannot look up while it waits
            fetch.cancel.show = progress.show_wait_here
        paginator = Paginator(
            fetch.plan,
            fetch.question,
            fetch.builder,
            progress,
            executor,
            speculative=speculative,
            rows=rows,
            counts=counts,
        )
        try:
            with progress:
                paginator.run()
            self._close(fetch, executor, SHUTDOWN_GRACE_S)
            if not counts.is_late:
                _check_gaps(fetch.plan.endpoint, paginator.gaps)
        except BaseException as error:
            self._close(fetch, executor, SHUTDOWN_GRACE_S if isinstance(error, Exception) else 0.0)
            paginator.salvage()
            if fetch.builder.rows:
                error.partial = self._frame(fetch, paginator.missing)  # type: ignore[attr-defined]
            raise
        if fetch.plan.span is None and fetch.plan.endpoint.paging.maximum:
            self._rows[fetch.cache_key] = fetch.builder.rows

    def _executor_for(self, fetch: _Fetch, *, known: bool) -> tuple[Executor[PlannedRequest], int]:
        """Who sends the requests of a fetch, and how many pages may be asked for beyond the sure one.

        Requests that weigh much go one after the other: many at once would take the allowance from
        everybody else on the machine. What is asked for on a guess, and perhaps in vain, may be a
        hundredth of the allowance; where the number of rows is known nothing is guessed.
        """

        def work(request: PlannedRequest) -> Any:
            return self._ask(fetch, request.parameters)

        endpoint = fetch.plan.endpoint
        windows = islice(fetch.plan.windows(), 2)
        if self._workers == 1 or (endpoint.paging.kind == "none" and len(list(windows)) < 2):
            return InlineExecutor(work), 0
        weight = endpoint.weight_of({**fetch.plan.parameters, endpoint.paging.size: endpoint.paging.maximum})
        limit = self._connection.budget.limit(endpoint.rate_limit)
        size = min(self._workers, max(1, limit // (20 * weight)))
        return ThreadExecutor(size, work), size if known else limit // (100 * weight)

    def _close(self, fetch: _Fetch, executor: Executor[PlannedRequest], seconds: float) -> None:
        """End a crew: what is under way may come in within so many seconds, the rest is broken off."""
        if not isinstance(executor, ThreadExecutor):
            return
        self._connection.budget.cancel(fetch.cancel)
        executor.close()
        if not executor.wait_closed(seconds):
            self._connection.session.abort(executor.threads)
            executor.wait_closed(SHUTDOWN_GRACE_S / 2)

    def _ask(self, fetch: _Fetch, more: Mapping[str, object]) -> Any:
        endpoint = fetch.plan.endpoint
        parameters = {**fetch.plan.parameters, **more}
        return self._sender.get(ReadRequest.from_endpoint(endpoint, parameters), fetch.stats, fetch.cancel)

    # -- what the frame says about itself ----------------------------------------------------------------

    def _frame(self, fetch: _Fetch, missing: list[Span] | None = None) -> pd.DataFrame:
        """The rows that are here: all of them, or with what is missing named."""
        endpoint, complete = fetch.plan.endpoint, missing is None
        attrs = self._attrs(
            endpoint.qualified_name,
            endpoint.system,
            fetch.plan.display_arguments,
            fetch.stats,
            complete=complete,
        )
        if missing is not None:
            spans = [[_iso(span.start), _iso(span.end)] for span in missing]
            attrs["missing"] = spans if fetch.plan.span else [[None, None]]  # no time tells
        return fetch.builder.frame(attrs)

    def _attrs(
        self,
        qualified_name: str,
        system: str,
        shown: Mapping[str, object],
        stats: RequestStats,
        *,
        complete: bool,
    ) -> dict[str, object]:
        """What a frame says of itself.

        `fetched_at` is by this machine's clock and `server_time` by the host's, at the end. `as_of` is the
        earliest `Date` of all answers that the frame was put together from: the exchange said none of it
        before then. It is None where one of them does not tell it, or came out of a cache.
        """
        fetched_at = datetime.fromtimestamp(self._clock.time(), UTC)
        return {
            "endpoint": qualified_name,
            "system": system,
            "source": self._source,
            "parameters": dict(shown),
            "fetched_at": fetched_at.isoformat(timespec="milliseconds"),
            "server_time": stats.server_time and stats.server_time.isoformat(timespec="milliseconds"),
            "as_of": stats.as_of and stats.as_of.isoformat(timespec="milliseconds"),
            "requests": stats.requests,
            "weight": stats.weight,
            "complete": complete,
        }

    def count_down(self, what: str, seconds: float) -> None:
        """Wait, and show for how long yet where a long fetch shows a bar."""
        ends = self._connection.budget.utc() + seconds
        count_down(what, seconds, ends, self._clock, wanted=self._progress)

    def warn_undeclared(self, endpoint: Endpoint, undeclared: set[str]) -> None:
        """Say once which fields of an answer nobody declared."""
        with self._warning:
            new = [
                name
                for name in names_shown(undeclared)
                if (endpoint.qualified_name, name) not in self._warned
            ]
            self._warned |= {(endpoint.qualified_name, name) for name in new}
        if new:
            said = (
                f"{endpoint.qualified_name}: the exchange sent fields that the catalogue does not know: "
                f"{', '.join(new)}. They were left out; a newer toolkit may have them."
            )
            warn(UndeclaredFieldWarning(said))

    def _kind(self, numbers: Numbers | None) -> Numbers:
        return self.numbers if numbers is None else _checked_numbers(numbers)

    def _shown(self, emails: Emails | None) -> Emails:
        return self._emails if emails is None else _checked_emails(emails)


def _checked_numbers(numbers: Numbers) -> Numbers:
    if numbers not in ("float", "exact"):
        question = did_you_mean(numbers, ("float", "exact"))
        raise UsageError(f'`numbers` is "float" or "exact", not {numbers!r}. Nothing was sent.{question}')
    return numbers


def _checked_emails(emails: Emails) -> Emails:
    if emails not in ("masked", "clear"):
        # What was given is not said again: it may be an address.
        question = did_you_mean(emails, ("masked", "clear"))
        raise UsageError(f'`emails` is "masked" or "clear". Nothing was sent.{question}')
    return emails


def _checked_workers(workers: int) -> int:
    whole = isinstance(workers, int) and not isinstance(workers, bool)
    if not whole or not 1 <= workers <= MOST_WORKERS:
        raise UsageError(
            f"`workers` is a whole number from 1 to {MOST_WORKERS}, not {workers!r}. Nothing was sent."
        )
    return workers


def _is_one_object(payload: Any) -> bool:
    """Whether an answer is no list, and holds none: of a list nobody knows whether it goes on.

    An empty one may be the page behind the last, or one of texts that are none.
    """
    return isinstance(payload, dict) and not any(
        isinstance(value, list) and (not value or any(isinstance(each, dict | list) for each in value))
        for value in payload.values()
    )


def _check_gaps(endpoint: Endpoint, gaps: list[Gap]) -> None:
    if not gaps:
        return
    first = gaps[0]
    at = f" at {_iso(first.span.start)}" if first.span else ""
    where = f"in {len(gaps)} places, the first" if len(gaps) > 1 else "in one place"
    raise IncompleteError(
        endpoint.qualified_name, f"rows may be missing {where}{at}: {first.why}. Everything else was fetched"
    )


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
