"""One window of a plan: which requests it takes, and in which order its answers count.

Requests of several strands, and several of one, may be under way at once. Answers come in any order
and are held until their turn, which is the order that asking for one after the other would have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.endpoints import Endpoint
from toolkit.errors import IncompleteError
from toolkit.frames.builder import FrameBuilder
from toolkit.planning import Span

MOST_REQUESTS = 5_000
"""Requests for one window, or for all of an endpoint without a span.

Pages of 500 hold 2.5 million rows by then, of a week at most: four trades a second, day and night. What
goes on beyond that never ends, as from a server whose pages are always full.
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """Where rows may be missing that cannot be had, or nobody can tell.

    Attributes:
        why: In words, as the error says it.
        span: When they are of, None where the endpoint tells no time.
    """

    why: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a strand.

    Attributes:
        window_fetch: Whose it is.
        number: Its place among the strand's requests, from 0.
        parameters: What it asks for besides the plan's parameters.
    """

    window_fetch: WindowFetch
    number: int
    parameters: Mapping[str, object]


class WindowFetch(ABC):
    """One window, or all of an endpoint that has none.

    Args:
        endpoint: What is asked.
        span: The window, None where the endpoint has none.

    Attributes:
        done_until: Everything before this moment (milliseconds) has been taken in.
        is_done: Whether everything has been taken in.
        gaps: Where rows may be missing, although everything has been taken in.
    """

    def __init__(self, endpoint: Endpoint, span: Span | None) -> None:
        self.endpoint = endpoint
        self.span = span
        self.done_until = span.start if span else 0
        self.is_done = False
        self.gaps: list[Gap] = []
        self._asked = 0
        self._under_way: set[int] = set()
        self._failures: dict[int, Exception] = {}

    # -- asking --------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def is_certain(self) -> bool:
        """Whether the next request is known to be needed."""

    def may_speculate(self, speculative: int) -> bool:
        """Whether the next request is likely to be needed, with `speculative` others under way at most."""
        return False

    def ask(self) -> PlannedRequest:
        """The next request, which is under way from now on.

        Raises:
            IncompleteError: It would be more than any honest answers take.
        """
        self._check_bounds()
        request = PlannedRequest(self, self._asked, self._next())
        self._under_way.add(request.number)
        self._asked += 1
        return request

    def _check_bounds(self) -> None:
        if self._asked >= MOST_REQUESTS:
            raise IncompleteError(
                self.endpoint.qualified_name,
                f"{MOST_REQUESTS:,} requests for one {'window' if self.span else 'list'}, and no end of it: "
                "there is none, or there are more rows than are fetched at once. Ask for a shorter span "
                "where it has one",
            )

    @abstractmethod
    def _next(self) -> Mapping[str, object]: ...

    # -- what came -----------------------------------------------------------------------------------

    def receive(self, number: int, payload: Any) -> None:
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
    def buffered(self) -> int:
        """Answers that have come and were not taken in."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the answer whose turn it is has come."""

    @abstractmethod
    def consume(self, builder: FrameBuilder) -> None:
        """Take in the answer whose turn it is.

        Raises:
            ContractError: It is not what the documents promise.
        """

    def salvage(self, builder: FrameBuilder) -> None:
        """Take in what has come, although something before it may be missing.

        Raises:
            ContractError: An answer is not what the documents promise.
        """
        while self.is_ready:
            self.consume(builder)


def rows_of(endpoint: Endpoint, payload: Any) -> list[Any]:
    """The rows of an answer as they came; none where it is not of the declared shape."""
    if endpoint.rows_field:
        payload = payload.get(endpoint.rows_field) if isinstance(payload, dict) else None
    elif isinstance(payload, dict):
        return [payload]  # an object is one row
    return payload if isinstance(payload, list) else []


def moment_of(endpoint: Endpoint, row: Any) -> int | None:
    """The time of a row, None where it tells none."""
    for column in endpoint.columns:
        if column.name == endpoint.order_by and isinstance(row, dict):
            moment = next((row[field] for field in column.fields if field in row), None)
            return moment if type(moment) is int else None
    return None
