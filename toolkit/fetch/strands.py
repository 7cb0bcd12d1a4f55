"""One window of a plan: which requests it takes, and in which order its answers count.

Requests of several strands, and several of one, may be under way at once. Answers come in any order
and are held until their turn, which is the order that asking for one after the other would have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from toolkit.catalogue import Endpoint
from toolkit.catalogue.codes import is_span_too_long
from toolkit.catalogue.model import MILLISECOND
from toolkit.errors import ApiError, ContractError
from toolkit.frames import Gathering
from toolkit.plan import Span

_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a strand.

    Attributes:
        strand: Whose it is.
        number: Its place among the strand's requests, from 0.
        parameters: What it asks for besides the plan's parameters.
    """

    strand: Strand
    number: int
    parameters: Mapping[str, object]


class Strand(ABC):
    """One window, or all of an endpoint that has none.

    Args:
        endpoint: What is asked.
        span: The window, None where the endpoint has none.

    Attributes:
        since: Everything before this moment (milliseconds) has been taken in.
        over: Whether everything has been taken in.
        overflowing: What holds more rows than one answer may have and cannot be had in parts.
    """

    def __init__(self, endpoint: Endpoint, span: Span | None) -> None:
        self.endpoint = endpoint
        self.span = span
        self.since = span.start if span else 0
        self.over = False
        self.overflowing: list[Span] = []
        self._asked = 0
        self._under_way: set[int] = set()
        self._failures: dict[int, Exception] = {}

    # -- asking --------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def is_sure(self) -> bool:
        """Whether the next request is known to be needed."""

    def may_guess(self, ahead: int) -> bool:
        """Whether the next request is likely to be needed, with `ahead` others under way at most."""
        return False

    def ask(self) -> Request:
        """The next request, which is under way from now on."""
        request = Request(self, self._asked, self._next())
        self._under_way.add(request.number)
        self._asked += 1
        return request

    @abstractmethod
    def _next(self) -> Mapping[str, object]: ...

    # -- what came -----------------------------------------------------------------------------------

    def came(self, number: int, payload: Any) -> None:
        """Hold an answer."""
        self._under_way.discard(number)
        self._hold(number, payload)

    @abstractmethod
    def _hold(self, number: int, payload: Any) -> None: ...

    def failed(self, number: int, error: Exception) -> None:
        """Hold an error: it counts when every answer before it has come, and it is still needed."""
        self._under_way.discard(number)
        self._failures[number] = error

    @property
    def failure(self) -> tuple[int, Exception] | None:
        """The first error by place, and that place."""
        return min(self._failures.items(), default=None, key=lambda item: item[0])

    def is_under_way(self, before: int | None = None) -> bool:
        """Whether a request is under way, of those before a place."""
        return any(before is None or number < before for number in self._under_way)

    # -- taking in, in order -------------------------------------------------------------------------

    @property
    @abstractmethod
    def held(self) -> int:
        """Answers that have come and were not taken in."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the answer whose turn it is has come."""

    @abstractmethod
    def take(self, gathering: Gathering) -> None:
        """Take in the answer whose turn it is.

        Raises:
            ContractError: It is not what the documents promise.
        """

    def rescue(self, gathering: Gathering) -> None:
        """Take in what has come, although something before it may be missing.

        Raises:
            ContractError: An answer is not what the documents promise.
        """
        while self.is_ready:
            self.take(gathering)


class Pages(Strand):
    """Every page of a window. How many there are is not told: the first short one is the last.

    How far a full page reaches into the window tells how many there will be if the rest is as crowded;
    so many may be asked for at once. Where there is no window nothing is guessed (its price is told
    beforehand, by the number of rows), unless the number of rows is known from the time before.

    Args:
        endpoint: What is asked.
        span: The window, None where the endpoint has none.
        rows: How many rows there were the last time, None where that is not known.
    """

    def __init__(self, endpoint: Endpoint, span: Span | None, rows: int | None = None) -> None:
        super().__init__(endpoint, span)
        self._span = {"startTime": span.start, "endTime": span.end} if span else {}
        self._pages: dict[int, Any] = {}
        self._taken = 0
        self._furthest = 0
        self._expected = 1 if rows is None else rows // endpoint.paging.maximum + 1
        self._short: int | None = None
        self._stale = 0

    @property
    def is_sure(self) -> bool:
        """The first page, or the one after as many full ones as were asked for."""
        return self._short is None and not self._under_way

    def may_guess(self, ahead: int) -> bool:
        """Whether the next page is one of those expected."""
        return self._short is None and len(self._under_way) <= ahead and self._asked < self._expected

    def _next(self) -> Mapping[str, object]:
        paging, number = self.endpoint.paging, self._asked
        if paging.kind == "none":
            return self._span
        place = {"page": number + 1} if paging.kind == "page" else {"offset": number * paging.maximum}
        return {**self._span, **place, paging.size: paging.maximum}

    def _hold(self, number: int, payload: Any) -> None:
        if self._short is not None and number > self._short:
            return
        self._pages[number] = payload
        if is_full(self.endpoint, payload):
            if self.span and number >= self._furthest:
                self._furthest = number
                self._expected = self._foreseen(number, payload, self.span)
            return
        self._short = number
        # What was asked for beyond the last page is not needed, and neither are its errors.
        for beyond in [each for each in self._pages if each > number]:
            del self._pages[beyond]
        self._drop_failures()

    def _foreseen(self, number: int, payload: Any, span: Span) -> int:
        """Pages in the window if all of it is as crowded as up to this page's last row; 0 if unknown."""
        moment = _last_moment(self.endpoint, payload)
        if moment is None:
            return 0
        reached = max(1, moment - span.start + 1)
        return ceil((number + 1) * span.length / reached)

    def failed(self, number: int, error: Exception) -> None:
        """Hold an error, unless it is beyond the last page."""
        super().failed(number, error)
        self._drop_failures()

    def _drop_failures(self) -> None:
        if self._short is not None:
            self._failures = {each: error for each, error in self._failures.items() if each < self._short}

    @property
    def held(self) -> int:
        """Pages that have come and were not taken in."""
        return len(self._pages)

    @property
    def is_ready(self) -> bool:
        """Whether the next page has come."""
        return self._taken in self._pages

    def take(self, gathering: Gathering) -> None:
        """Take in the next page."""
        number = self._taken
        self._begin(gathering)
        self._taken += 1
        before = gathering.rows
        gathering.add(self._pages.pop(number))
        self.over = number == self._short
        if self.span:
            self.since = self.span.end + 1 if self.over else max(self.since, gathering.last_time or 0)
        # One full page without a new row may be chance; an exchange that does not turn the pages
        # would be asked for ever.
        self._stale = self._stale + 1 if gathering.rows == before and not self.over else 0
        if self._stale == 2:
            raise ContractError(
                self.endpoint.door, f"page {number + 1} and the one before repeat rows already had"
            )

    def rescue(self, gathering: Gathering) -> None:
        """Take in the pages that have come, also those behind a page that is missing."""
        super().rescue(gathering)
        for number in sorted(self._pages):
            self._begin(gathering)
            self._taken = number + 1
            gathering.add(self._pages.pop(number))

    def _begin(self, gathering: Gathering) -> None:
        if not self._taken:
            gathering.begin_window()


class Parts(Strand):
    """A window of an endpoint without pages, in parts, each as long as its answer allows.

    A full answer may have left rows out, and which ones is not documented: it is not used, and half
    its part is asked for instead. What cannot be halved (a millisecond, or a day where rows are
    daily) is kept as it is, and said.
    """

    span: Span

    def __init__(self, endpoint: Endpoint, span: Span) -> None:
        super().__init__(endpoint, span)
        window = endpoint.window
        self._daily = window is not None and window.per_day
        self._longest = span.length
        if window is not None and window.longest is not None:
            self._longest = window.longest // MILLISECOND + 1
        self._step = self._longest
        self._start = span.start  # of what was not asked for yet, or is to be asked for again
        self._part = self._smallest = span
        self._ready: deque[tuple[Any, int]] = deque()

    @property
    def is_sure(self) -> bool:
        """Whether there is a part left; each depends on the one before."""
        return not self._under_way and not self._failures and self._start <= self.span.end

    def _next(self) -> Mapping[str, object]:
        start = smallest = self._start
        end = min(start + self._step - 1, self.span.end)
        if self._daily:  # a part ends with a day
            smallest = min(start - start % _DAY + _DAY - 1, self.span.end)
            end = max(smallest, end if end == self.span.end else end - (end + 1) % _DAY)
        self._part, self._smallest = Span(start, end), Span(start, smallest)
        paging = self.endpoint.paging
        return {"startTime": start, "endTime": end, paging.size: paging.maximum}

    def _hold(self, number: int, payload: Any) -> None:
        part, paging = self._part, self.endpoint.paging
        full = is_full(self.endpoint, payload)
        if full and part != self._smallest:
            self._step = part.length // 2
            return
        if full:
            self.overflowing.append(part)
        elif rows_in(self.endpoint, payload) < paging.maximum // 3:
            # What follows may be sparser than what made it short.
            self._step = min(self._step * 2, self._longest)
        self._ready.append((payload, part.end))
        self._start = part.end + 1

    def failed(self, number: int, error: Exception) -> None:
        """Hold an error; a part that is too long is asked for in halves."""
        too_long = isinstance(error, ApiError) and is_span_too_long(self.endpoint.path, error.code)
        if not too_long or self._part == self._smallest:
            super().failed(number, error)
            return
        self._under_way.discard(number)
        self._longest = self._step = self._part.length // 2

    @property
    def held(self) -> int:
        """Parts that have come and were not taken in."""
        return len(self._ready)

    @property
    def is_ready(self) -> bool:
        """Whether a part has come; they come in order."""
        return bool(self._ready)

    def take(self, gathering: Gathering) -> None:
        """Take in the next part."""
        payload, end = self._ready.popleft()
        gathering.begin_window()
        gathering.add(payload)
        self.since = end + 1
        self.over = end == self.span.end


def rows_in(endpoint: Endpoint, payload: Any) -> int:
    """How many rows an answer has; 0 where it is not of the declared shape."""
    if endpoint.rows and isinstance(payload, dict):
        payload = payload.get(endpoint.rows)
    return len(payload) if isinstance(payload, list) else 0


def is_full(endpoint: Endpoint, payload: Any) -> bool:
    """Whether an answer has as many rows as were asked for: there may be more."""
    return endpoint.paging.kind != "none" and rows_in(endpoint, payload) >= endpoint.paging.maximum


def _last_moment(endpoint: Endpoint, payload: Any) -> int | None:
    """The time of an answer's last row, None where it tells none."""
    rows = payload.get(endpoint.rows) if endpoint.rows and isinstance(payload, dict) else payload
    row = rows[-1] if isinstance(rows, list) and rows else None
    for column in endpoint.columns:
        if column.name == endpoint.order_by and isinstance(row, dict):
            moment = next((row[wire] for wire in column.wires if wire in row), None)
            return moment if isinstance(moment, int) else None
    return None
