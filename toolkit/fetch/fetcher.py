"""Fetches the rows of an endpoint, every window and page, as one frame."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pandas as pd

from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint, Security
from toolkit.errors import (
    ContractError,
    RateLimitWarning,
    UndeclaredFieldWarning,
    UsageError,
)
from toolkit.fetch.bisected_window import TruncationDetector
from toolkit.fetch.estimates import WeightEstimate, estimate_weight
from toolkit.fetch.executor import Executor, InlineExecutor, ThreadExecutor
from toolkit.fetch.lane import Lane, check_gaps, missing_of
from toolkit.fetch.paginator import Job, Paginator
from toolkit.fetch.progress import Progress, count_down
from toolkit.fetch.provenance import Provenance
from toolkit.fetch.settings import checked_emails, checked_numbers, checked_workers
from toolkit.fetch.undeclared import check_shape, declared_read, shown_parameters, undeclared_request
from toolkit.fetch.windows import least_suspect_rows
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.infer import infer
from toolkit.frames.infer_rows import is_one_object
from toolkit.frames.names import Names
from toolkit.frames.validation import Query
from toolkit.gateway.calls import ReadRequest, RequestStats
from toolkit.gateway.connection import Connection
from toolkit.planning import Plan, When, gaps_in, make_plan
from toolkit.redaction import Emails, displayable_names
from toolkit.runtime import forks
from toolkit.runtime.user_warnings import warn
from toolkit.timing.cancel import CancelToken

# Seconds that a finished fetch leaves to requests under way: speculative ones, or those after an error.
SHUTDOWN_GRACE_S = 0.5


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One fetch under way.

    Attributes:
        plan: What to fetch.
        lanes: A lane for each of several values, or one.
        lane_of: Makes a lane.
        stats: Counts the requests.
        cancel: Ends it.
    """

    plan: Plan
    lanes: Sequence[Lane]
    lane_of: Callable[[Plan, TruncationDetector], Lane]
    stats: RequestStats
    cancel: CancelToken


class Fetcher:
    """Fetches frames from endpoints.

    Args:
        connection: The connection, with its key.
        numbers: Amounts as "float" or "exact".
        emails: E-mail addresses "masked" or "clear".
        progress: Whether a long fetch shows a bar.
        workers: Maximum number of simultaneous requests of a fetch.
        names: The user's own names, which frames have beside ids; None for none.

    Attributes:
        numbers, names: As given.

    Raises:
        UsageError: `numbers`, `emails` or `workers` is invalid.
    """

    def __init__(
        self,
        connection: Connection,
        numbers: Numbers,
        *,
        emails: Emails,
        progress: bool,
        workers: int,
        names: Names | None = None,
    ) -> None:
        self._connection = connection
        self._sender = connection.sender
        self._clock = connection.clock
        self._provenance = Provenance(connection)
        self.numbers = checked_numbers(numbers)
        self._emails = checked_emails(emails)
        self.names = names
        self._progress = progress
        self._workers = checked_workers(workers)
        # Rows of the last fetch of an endpoint without a span, to request as many pages at once.
        self._rows: dict[int, int] = {}
        self._warned: set[tuple[str, str]] = set()
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._warning = threading.Lock()

    def without_names(self) -> Fetcher:
        """Return a fetcher like this one whose frames have declared columns alone."""
        if self.names is None:
            return self
        return Fetcher(
            self._connection,
            self.numbers,
            emails=self._emails,
            progress=self._progress,
            workers=self._workers,
        )

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
        """Fetch everything that an endpoint has for these arguments.

        Raises:
            UsageError: An argument is invalid; nothing was sent.
            ToolkitError: Anything else; `partial` has the rows received so far.
        """
        numbers, emails = self._numbers_or_default(numbers), self._emails_or_default(emails)
        if endpoint.needs_key:
            self._sender.key_for(endpoint)  # raises before anything is sent if there is no key for it
        host = endpoint.rate_limit.host
        # Planned with the time as known, so that an invalid argument is refused before anything is sent. If
        # the exchange's time has to be requested, the span is based on that.
        known = self._sender.is_time_known(host)
        plan = self.plan(endpoint, arguments, start=start, end=end)
        if plan.span and not known:
            now = int(self._sender.measured_time(host, endpoint.qualified_name) * 1000)
            plan = plan.at(now)

        def lane_of(part: Plan, truncation: TruncationDetector) -> Lane:
            query = Query(endpoint, part.parameters)
            builder = FrameBuilder(endpoint, numbers, emails, query)
            return Lane(part, query, builder, truncation, None if part.span else self._known_rows(part))

        least = least_suspect_rows(endpoint)
        lanes = [lane_of(part, TruncationDetector(endpoint.paging, least)) for part in plan.by_value]
        fetch = _Fetch(plan, lanes, lane_of, RequestStats(), CancelToken(endpoint.qualified_name))
        self._paginate(fetch, fetch.lanes)
        while before := [lane for lane in fetch.lanes if lane.truncation.must_restart]:
            fetch = self._fetch_again(fetch, before)
        frame = self._frame(fetch)
        self._provenance.add_account(frame, is_private=endpoint.is_signed)
        try:
            self.warn_undeclared(endpoint, set().union(*(lane.builder.undeclared for lane in fetch.lanes)))
            self._connection.warn_if_local_only()
        except (UndeclaredFieldWarning, RateLimitWarning) as warning:  # if warnings are errors
            warning.partial = frame
            raise
        return frame

    def plan(
        self, endpoint: Endpoint, arguments: Mapping[str, object], *, start: When = None, end: When = None
    ) -> Plan:
        """Plan a fetch with the time as it is known; nothing is sent.

        Raises:
            UsageError: An argument is invalid.
        """
        host = endpoint.rate_limit.host
        now, known = int(self._sender.time(host) * 1000), self._sender.is_time_known(host)
        return make_plan(endpoint, arguments, start, end, now, clock_synced=known)

    def estimate(
        self,
        qualified_name: str,
        rows: int | None,
        arguments: Mapping[str, object],
        *,
        start: When = None,
        end: When = None,
    ) -> WeightEstimate:
        """Estimate the weight of a fetch; nothing is sent. See `estimate_weight`.

        Raises:
            UsageError: There is no such endpoint, or an argument is invalid.
        """

        def plan(endpoint: Endpoint) -> Plan:
            return self.plan(endpoint, arguments, start=start, end=end)

        return estimate_weight(qualified_name, rows, arguments, plan, self._connection.budget.limit)

    def now_ms(self, qualified_name: str) -> int:
        """The time of an endpoint's host as it is known, in milliseconds."""
        return int(self._sender.time(ENDPOINTS_BY_NAME[qualified_name].rate_limit.host) * 1000)

    def get(
        self,
        path: str,
        parameters: Mapping[str, object],
        *,
        rows: str | int | None,
        columns: Sequence[str] | None,
        security: Security,
        weight: int,
        limit_by_uid: bool,
        numbers: Numbers | None,
        emails: Emails | None,
    ) -> pd.DataFrame:
        """Fetch a path with one GET, and infer the columns from the response."""
        numbers, emails = self._numbers_or_default(numbers), self._emails_or_default(emails)
        check_shape(rows, columns)
        chosen = rows if isinstance(rows, str) else None
        if isinstance(rows, int):  # some endpoints have a parameter of this name
            parameters = {**parameters, "rows": rows}
        request = undeclared_request(
            path, parameters, security=security, weight=weight, limit_by_uid=limit_by_uid
        )
        known = declared_read(path, parameters)
        stats = RequestStats()
        payload = self._sender.get(request, stats)
        exact = numbers == "exact"

        def frame_of(declared: Endpoint, found: list[dict[str, Any]], *, complete: bool) -> pd.DataFrame:
            builder = FrameBuilder(declared, numbers, emails)
            builder.add(found)
            attrs = self._provenance.attrs(
                path,
                "unlisted",
                shown_parameters(parameters),
                stats,
                is_private=request.is_signed,
                complete=complete,
            )
            if not complete:
                attrs["missing"] = [[None, None]]
            if known is not None:
                attrs["declared_as"] = known.qualified_name
            # Regardless of the names of its columns: any of them may contain an address.
            return builder.frame({**attrs, "emails": emails})

        try:
            endpoint, found = infer(
                path, request.rate_limit, payload, emails, rows=chosen, columns=columns, exact=exact
            )
        except UsageError as error:  # about the shape, which only the response tells
            with suppress(ContractError):
                as_it_is = infer(path, request.rate_limit, payload, emails, exact=exact, as_it_is=True)
                error.partial = frame_of(*as_it_is, complete=False)
            raise
        frame = frame_of(endpoint, found, complete=chosen is None and is_one_object(payload))
        self._provenance.add_account(frame, is_private=request.is_signed)
        try:
            self._connection.warn_if_local_only()
        except RateLimitWarning as warning:  # if warnings are errors
            warning.partial = frame
            raise
        return frame

    # -- windows and pages -----------------------------------------------------------------------------

    def _fetch_again(self, fetch: _Fetch, before: Sequence[Lane]) -> _Fetch:
        """Fetch some lanes again: a later response showed that one accepted before was truncated."""
        endpoint = fetch.plan.endpoint
        again = {id(lane): fetch.lane_of(lane.plan, lane.truncation.restarted()) for lane in before}
        lanes = [again.get(id(lane), lane) for lane in fetch.lanes]
        repeated = replace(fetch, lanes=lanes, cancel=CancelToken(endpoint.qualified_name))
        try:
            self._paginate(repeated, list(again.values()))
        except BaseException as error:
            fuller = [lane for lane in before if lane.builder.rows > again[id(lane)].builder.rows]
            if fuller and fetch.plan.span:
                lanes = [lane if lane in fuller else again.get(id(lane), lane) for lane in fetch.lanes]
                partial = self._frame(replace(fetch, lanes=lanes), is_partial=True, untrusted=fuller)
                error.partial = partial  # type: ignore[attr-defined]
            raise
        return repeated

    def _paginate(self, fetch: _Fetch, lanes: Sequence[Lane]) -> None:
        """Fetch some lanes; an error carries the rows of all lanes received before it."""
        progress = Progress(
            fetch.plan.endpoint.qualified_name,
            fetch.plan.span,
            fetch.stats,
            cancel=fetch.cancel,
            clock=self._clock,
            wanted=self._progress,
            values=len(lanes),
        )
        known = not fetch.plan.span and all(self._known_rows(lane.plan) is not None for lane in lanes)
        executor, speculative = self._executor_for(fetch, lanes, known=known)
        if isinstance(executor, InlineExecutor):  # the bar cannot be updated while the calling thread waits
            fetch.cancel.show = progress.show_wait_here
        paginator = Paginator(lanes, progress, executor, speculative=speculative)
        try:
            with progress:
                paginator.run()
            self._close(fetch, executor, SHUTDOWN_GRACE_S)
            if not any(lane.truncation.must_restart for lane in lanes):
                check_gaps(fetch.plan.endpoint, fetch.lanes)
        except BaseException as error:
            self._close(fetch, executor, SHUTDOWN_GRACE_S if isinstance(error, Exception) else 0.0)
            paginator.salvage()
            if any(lane.builder.rows for lane in fetch.lanes):
                error.partial = self._frame(fetch, is_partial=True)  # type: ignore[attr-defined]
            raise
        if fetch.plan.span is None and fetch.plan.endpoint.paging.maximum:
            self._rows.update({_cache_key(lane.plan): lane.builder.rows for lane in lanes})

    def _known_rows(self, plan: Plan) -> int | None:
        """Number of rows of the last fetch with these parameters, None if there was none."""
        return self._rows.get(_cache_key(plan))

    def _executor_for(
        self, fetch: _Fetch, lanes: Sequence[Lane], *, known: bool
    ) -> tuple[Executor[Job], int]:
        """The executor of a fetch, and how many pages may be requested before they are known to be needed.

        Heavy requests go one after the other: many at once would use up the rate limit for everybody else on
        this machine. Speculative requests may use a hundredth of the limit; none are made if the number of
        rows is known.
        """

        def work(job: Job) -> Any:
            return self._send(fetch, job)

        endpoint, plan = fetch.plan.endpoint, lanes[0].plan
        windows = islice(plan.windows(), 2)
        is_one_request = endpoint.paging.kind == "none" and len(lanes) == 1 and len(list(windows)) < 2
        if self._workers == 1 or is_one_request:
            return InlineExecutor(work), 0
        weight = endpoint.weight_of({**plan.parameters, endpoint.paging.size: plan.rows_per_request})
        limit = self._connection.budget.limit(endpoint.rate_limit)
        size = min(self._workers, max(1, limit // (20 * weight)))
        return ThreadExecutor(size, work), size if known else limit // (100 * weight)

    def _close(self, fetch: _Fetch, executor: Executor[Job], seconds: float) -> None:
        """Close the executor: requests under way may finish within so many seconds, the rest is aborted."""
        if not isinstance(executor, ThreadExecutor):
            return
        self._connection.budget.cancel(fetch.cancel)
        executor.close()
        if not executor.wait_closed(seconds):
            self._connection.session.abort(executor.threads)
            executor.wait_closed(SHUTDOWN_GRACE_S / 2)

    def _send(self, fetch: _Fetch, job: Job) -> Any:
        endpoint = fetch.plan.endpoint
        if fetch.plan.grid is not None:  # what has ended is told by the clock, which a long fetch outlasts
            self._sender.measured_time(endpoint.rate_limit.host, endpoint.qualified_name)
        parameters = {**job.lane.plan.parameters, **job.request.parameters}
        request = ReadRequest.from_endpoint(endpoint, parameters, exact=job.lane.builder.exact)
        return self._sender.get(request, fetch.stats, fetch.cancel)

    # -- the frame and its attrs --------------------------------------------------------------------------

    def _frame(
        self, fetch: _Fetch, *, is_partial: bool = False, untrusted: Sequence[Lane] = ()
    ) -> pd.DataFrame:
        """The rows received: all of them, or some, with "missing" naming the spans that may lack rows.

        Args:
            fetch: The fetch.
            is_partial: Whether it failed.
            untrusted: Lanes whose whole span may lack rows.
        """
        endpoint = fetch.plan.endpoint
        attrs = self._provenance.attrs(
            endpoint.qualified_name,
            endpoint.system,
            fetch.plan.display_arguments,
            fetch.stats,
            is_private=endpoint.is_signed,
            complete=not is_partial,
        )
        if is_partial:
            attrs["missing"] = [
                missing for lane in fetch.lanes for missing in missing_of(lane, trusted=lane not in untrusted)
            ]
        first, *others = fetch.lanes
        frame = first.builder.frame(attrs, [lane.builder for lane in others])
        if self.names is not None:
            self.names.add_to(frame, endpoint.columns)
        if (grid := fetch.plan.grid) is not None and fetch.plan.span:
            times = frame[endpoint.order_by].dt.as_unit("ms").astype("int64").to_numpy()
            unknown = [*(first.missing if is_partial else []), *first.unended]
            frame.attrs["gaps"] = gaps_in(grid, fetch.plan.span, unknown, times)
        return frame

    def count_down(self, what: str, seconds: float) -> None:
        """Wait, and show the time left if long fetches show a bar."""
        ends = self._connection.budget.utc() + seconds
        count_down(what, seconds, ends, self._clock, wanted=self._progress)

    def warn_undeclared(self, endpoint: Endpoint, undeclared: set[str]) -> None:
        """Warn once of each undeclared field in a response."""
        with self._warning:
            new = [
                name
                for name in displayable_names(undeclared)
                if (endpoint.qualified_name, name) not in self._warned
            ]
            self._warned |= {(endpoint.qualified_name, name) for name in new}
        if new:
            message = (
                f"{endpoint.qualified_name}: the exchange sent fields that this version does not know: "
                f"{', '.join(new)}. They were left out; a newer version of the toolkit may have them."
            )
            warn(UndeclaredFieldWarning(message))

    def _numbers_or_default(self, numbers: Numbers | None) -> Numbers:
        return self.numbers if numbers is None else checked_numbers(numbers)

    def _emails_or_default(self, emails: Emails | None) -> Emails:
        return self._emails if emails is None else checked_emails(emails)


def _cache_key(plan: Plan) -> int:
    """Identifies plans with equal parameters, without holding the parameters."""
    return hash((plan.endpoint.qualified_name, *sorted(plan.parameters.items())))
