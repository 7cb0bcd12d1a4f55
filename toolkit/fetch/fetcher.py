"""Walks a plan: every window, every page, into one frame."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from toolkit.catalogue import BY_ROUTE, Endpoint, pool_of
from toolkit.catalogue.codes import is_span_too_long
from toolkit.catalogue.model import MILLISECOND
from toolkit.errors import ApiError, ContractError, IncompleteError, UndeclaredFieldWarning, UsageError
from toolkit.fetch.connection import Connection
from toolkit.fetch.progress import Progress
from toolkit.frames import Gathering, Numbers
from toolkit.inference import infer
from toolkit.plan import Plan, Span, When, make_plan
from toolkit.wire.sender import Call, Tally

_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")
_DAY = 86_400_000
_OWN = {"timestamp", "recvWindow", "signature"}
_PRIVATE = re.compile(r"(email|key|secret|token|address)$", re.IGNORECASE)


@dataclass(slots=True)
class _Fetch:
    """One fetch under way."""

    plan: Plan
    gathering: Gathering
    progress: Progress
    tally: Tally
    overflowing: list[int] = field(default_factory=list)


class Fetcher:
    """Fetches what endpoints offer as frames.

    Args:
        connection: The key and the hosts it is used at.
        numbers: Amounts as float64, or exact.
        progress: Whether a long fetch shows a bar.

    Raises:
        UsageError: `numbers` is neither.
    """

    def __init__(self, connection: Connection, numbers: Numbers, *, progress: bool) -> None:
        self._connection = connection
        self._sender = connection.sender
        self._clock = connection.clock
        self._source = connection.source
        self._numbers = _checked_numbers(numbers)
        self._progress = progress
        self._warned: set[tuple[str, str]] = set()
        self._warning = threading.Lock()

    def fetch(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, object],
        *,
        start: When = None,
        end: When = None,
        numbers: Numbers | None = None,
    ) -> pd.DataFrame:
        """Everything an endpoint has for these arguments.

        Raises:
            UsageError: An argument cannot be right; nothing was sent.
            ToolkitError: Something else; its `partial` is what had arrived.
        """
        kind = self._kind(numbers)
        host = endpoint.pool.host
        # Planned by the time as known, so that a bad argument is refused with nothing sent; and again
        # by the exchange's own where that had to be asked for.
        known = self._sender.time_known(host)
        now = int(self._sender.time(host) * 1000)
        plan = make_plan(endpoint, arguments, start, end, now, sure=known)
        if endpoint.window and not known:
            plan = make_plan(endpoint, arguments, start, end, int(self._sender.measured_time(host) * 1000))
        tally = Tally()
        progress = Progress(
            endpoint.door,
            plan.span,
            tally,
            budget=self._connection.budget,
            clock=self._clock,
            wanted=self._progress,
        )
        fetch = _Fetch(plan, Gathering(endpoint, kind), progress, tally)
        try:
            with progress:
                self._walk(fetch)
            _check_overflow(fetch)
        except BaseException as error:
            if fetch.gathering.rows:
                error.partial = self._frame(fetch, complete=False)  # type: ignore[attr-defined]
            raise
        frame = self._frame(fetch, complete=True)
        try:
            self._warn(endpoint, fetch.gathering.undeclared)
        except UndeclaredFieldWarning as warning:  # where warnings are errors
            warning.partial = frame
            raise
        return frame

    def get(
        self, path: str, parameters: Mapping[str, object], *, weight: int, uid: bool, numbers: Numbers | None
    ) -> pd.DataFrame:
        """One signed GET of a path, its columns inferred from the answer."""
        kind = self._kind(numbers)
        if not isinstance(path, str):
            raise UsageError("`path` is text. Nothing was sent.")
        declared = BY_ROUTE.get(("GET", path))
        pool = declared.pool if declared else pool_of(path, uid=uid)
        if pool is None or not _PATH.fullmatch(path):
            raise UsageError(
                "A path begins with /api/, /sapi/, /fapi/ or /papi/ and has no query; parameters are given "
                "as keywords. Nothing was sent."
            )
        if own := sorted(_OWN & parameters.keys()):
            raise UsageError(f"{', '.join(own)}: the toolkit sends this itself. Nothing was sent.")
        if isinstance(weight, bool) or not isinstance(weight, int) or weight < 1:
            raise UsageError(f"`weight` is a whole number from 1 on, not {weight!r}. Nothing was sent.")
        if declared:
            weight = declared.weight_of(parameters)
        tally = Tally()
        payload = self._sender.get(
            Call(door=path, path=path, parameters=parameters, pool=pool, weight=weight), tally
        )
        endpoint, rows = infer(path, pool, payload)
        gathering = Gathering(endpoint, kind)
        gathering.add(rows)
        shown = {
            name: "(hidden)" if _PRIVATE.search(name) else str(value) for name, value in parameters.items()
        }
        return gathering.frame(self._attrs(path, "unlisted", shown, tally, complete=True))

    # -- windows and pages -----------------------------------------------------------------------------

    def _walk(self, fetch: _Fetch) -> None:
        plan = fetch.plan
        if plan.span is None:
            self._pages(fetch, {})
        elif plan.endpoint.paging.kind == "limit":
            self._parts(fetch, plan.span)
        else:
            for window in plan.windows():
                self._pages(fetch, {"startTime": window.start, "endTime": window.end})
                fetch.progress.arrived(fetch.gathering.rows, window.end)

    def _parts(self, fetch: _Fetch, span: Span) -> None:
        """Fetch a span of an endpoint without pages in parts, each as long as its answer allows.

        A full answer may have left rows out, and which ones is not documented: it is not used, and
        half its part is asked for instead. What cannot be halved (a millisecond, or a day where rows
        are daily) is kept as it is, and said.
        """
        endpoint = fetch.plan.endpoint
        window, paging = endpoint.window, endpoint.paging
        daily = window is not None and window.per_day
        longest = span.length
        if window is not None and window.longest is not None:
            longest = window.longest // MILLISECOND + 1
        step, start = longest, span.start
        while start <= span.end:
            end = min(start + step - 1, span.end)
            smallest = start
            if daily:  # a part ends with a day
                smallest = min(start - start % _DAY + _DAY - 1, span.end)
                end = max(smallest, end if end == span.end else end - (end + 1) % _DAY)
            try:
                payload = self._ask(fetch, {"startTime": start, "endTime": end, paging.size: paging.maximum})
            except ApiError as error:
                if end == smallest or not is_span_too_long(endpoint.path, error.code):
                    raise
                longest = step = (end - start + 1) // 2
                continue
            full = isinstance(payload, list) and len(payload) >= paging.maximum
            if full and end > smallest:
                step = (end - start + 1) // 2
                continue
            if full:
                fetch.overflowing.append(start)
            fetch.gathering.begin_window()
            rows = fetch.gathering.add(payload)
            start = end + 1
            fetch.progress.arrived(fetch.gathering.rows, start)
            if rows < paging.maximum // 3:
                step = min(step * 2, longest)  # what follows may be sparser than what made it short

    def _pages(self, fetch: _Fetch, sent: Mapping[str, int]) -> None:
        """Every page of one window, or of an endpoint that has none."""
        gathering, paging = fetch.gathering, fetch.plan.endpoint.paging
        gathering.begin_window()
        if paging.kind == "none":
            gathering.add(self._ask(fetch, sent))
            return
        page, offset, stale = 1, 0, 0
        while True:
            place = {"page": page} if paging.kind == "page" else {"offset": offset}
            before = gathering.rows
            rows = gathering.add(self._ask(fetch, {**sent, **place, paging.size: paging.maximum}))
            fetch.progress.arrived(gathering.rows)
            if rows < paging.maximum:
                return
            # One full page without a new row may be chance; an exchange that does not turn the pages
            # would be asked for ever.
            stale = stale + 1 if gathering.rows == before else 0
            if stale == 2:
                raise ContractError(
                    fetch.plan.endpoint.door, f"page {page} and the one before repeat rows already had"
                )
            page += 1
            offset += paging.maximum

    def _ask(self, fetch: _Fetch, more: Mapping[str, object]) -> Any:
        endpoint = fetch.plan.endpoint
        parameters = {**fetch.plan.parameters, **more}
        call = Call(
            door=endpoint.door,
            path=endpoint.path,
            parameters=parameters,
            pool=endpoint.pool,
            weight=endpoint.weight_of(parameters),
        )
        return self._sender.get(call, fetch.tally)

    # -- what the frame says about itself ----------------------------------------------------------------

    def _frame(self, fetch: _Fetch, *, complete: bool) -> pd.DataFrame:
        endpoint = fetch.plan.endpoint
        return fetch.gathering.frame(
            self._attrs(endpoint.door, endpoint.system, fetch.plan.shown, fetch.tally, complete=complete)
        )

    def _attrs(
        self, door: str, system: str, shown: Mapping[str, object], tally: Tally, *, complete: bool
    ) -> dict[str, object]:
        fetched_at = datetime.fromtimestamp(self._clock.time(), UTC)
        return {
            "endpoint": door,
            "system": system,
            "source": self._source,
            "parameters": dict(shown),
            "fetched_at": fetched_at.isoformat(timespec="milliseconds"),
            "server_time": tally.server_time and tally.server_time.isoformat(timespec="milliseconds"),
            "requests": tally.requests,
            "weight": tally.weight,
            "complete": complete,
        }

    def _warn(self, endpoint: Endpoint, undeclared: set[str]) -> None:
        with self._warning:
            new = sorted(name for name in undeclared if (endpoint.door, name) not in self._warned)
            self._warned |= {(endpoint.door, name) for name in new}
        if new:
            warnings.warn(
                f"{endpoint.door}: the exchange sent fields that the catalogue does not know: "
                f"{', '.join(new)}. They were left out; a newer toolkit may have them.",
                UndeclaredFieldWarning,
                stacklevel=5,
            )

    def _kind(self, numbers: Numbers | None) -> Numbers:
        return self._numbers if numbers is None else _checked_numbers(numbers)


def _checked_numbers(numbers: Numbers) -> Numbers:
    if numbers not in ("float", "exact"):
        raise UsageError(f'`numbers` is "float" or "exact", not {numbers!r}. Nothing was sent.')
    return numbers


def _check_overflow(fetch: _Fetch) -> None:
    if not fetch.overflowing:
        return
    window = fetch.plan.endpoint.window
    unit = "days" if window and window.per_day else "milliseconds"
    first = datetime.fromtimestamp(fetch.overflowing[0] / 1000, UTC).isoformat(timespec="milliseconds")
    raise IncompleteError(
        fetch.plan.endpoint.door,
        f"{len(fetch.overflowing)} {unit} (the first is {first}) hold as many rows as one answer may "
        f"have, {fetch.plan.endpoint.paging.maximum}: there may be more in them that cannot be had. "
        "Everything else was fetched",
    )
