"""A window of a plan: its requests, and the order in which their responses are consumed.

Several windows, and several requests of one window, may be under way at once. Responses arrive in any order
and are buffered, so that they are consumed in the order in which requests one by one would return them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.endpoints import ENDPOINTS, Endpoint
from toolkit.errors import IncompleteError
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.planning import Span, covered_span

MAX_REQUESTS = 5_000
"""Maximum number of requests for one window, or for a list without a span.

With pages of 500 that is 2.5 million rows of at most a week: four trades a second, day and night. More come
only from a server whose pages never end.
"""

PAGE_SIZES = frozenset(size for each in ENDPOINTS for size in (each.paging.default or 0, each.paging.maximum))
"""Numbers of rows at which the exchange is documented to truncate responses."""

TRUNCATION_SIZES = frozenset(size for size in PAGE_SIZES if size >= 100)
"""Those that a complete list is unlikely to reach by chance."""

MIN_SUSPECT_ROWS = 10
"""Fewer rows than this are not suspected of being truncated: every documented maximum is larger."""

FEW_REQUESTS = 20
"""Requests are dear where the rate limit allows fewer of them in a window."""


def least_suspect_rows(endpoint: Endpoint) -> int:
    """Fewer rows than this are not suspected of being truncated.

    A check takes two requests. Where the rate limit allows only a few, only a number that a complete response
    is unlikely to have by chance justifies it.
    """
    is_dear = endpoint.weight_of({}) * FEW_REQUESTS > endpoint.rate_limit.limit
    return min(TRUNCATION_SIZES) if is_dear else MIN_SUSPECT_ROWS


@dataclass(frozen=True, slots=True)
class Gap:
    """Where rows may be missing that cannot be fetched, or cannot be known.

    Attributes:
        why: The reason, as the error states it.
        span: The time span, None if the endpoint has no times.
    """

    why: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a window.

    Attributes:
        window_fetch: The window.
        number: Its number among the window's requests, from 0.
        parameters: Its parameters, in addition to those of the plan.
    """

    window_fetch: WindowFetch
    number: int
    parameters: Mapping[str, object]


class WindowFetch(ABC):
    """The fetch of one window, or of a whole list that has no span.

    Args:
        endpoint: The endpoint.
        span: The window, None if the endpoint has none.

    Attributes:
        done_until: Everything before this time (milliseconds) has been consumed.
        is_done: Whether everything has been consumed.
        gaps: Where rows may be missing although everything was consumed.
        unended: Where steps of a series without a row had not ended when the exchange responded.
    """

    def __init__(self, endpoint: Endpoint, span: Span | None) -> None:
        self.endpoint = endpoint
        self.span = span
        self.done_until = span.start if span else 0
        self.is_done = False
        self.gaps: list[Gap] = []
        self.unended: list[Span] = []
        self._asked = 0
        self._asked_before = 0  # of them, for windows that are complete
        self._under_way: set[int] = set()
        self._failures: dict[int, Exception] = {}

    # -- requests ------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def is_certain(self) -> bool:
        """Whether the next request is known to be needed."""

    def may_speculate(self, speculative: int) -> bool:
        """Whether the next request is likely to be needed, with at most `speculative` others under way."""
        return False

    def next_request(self) -> PlannedRequest:
        """Return the next request, which is under way from now on.

        Raises:
            IncompleteError: There were more requests than any valid responses take.
        """
        self._check_bounds()
        request = PlannedRequest(self, self._asked, self._next_parameters())
        self._under_way.add(request.number)
        self._asked += 1
        return request

    def _check_bounds(self) -> None:
        if self._asked - self._asked_before >= MAX_REQUESTS:
            raise IncompleteError(
                self.endpoint.qualified_name,
                f"{MAX_REQUESTS:,} requests for one {'window' if self.span else 'list'} have not reached its "
                "end: there is none, or there are more rows than can be fetched at once. Use a shorter span "
                "if it takes one",
            )

    @abstractmethod
    def _next_parameters(self) -> Mapping[str, object]: ...

    # -- responses -----------------------------------------------------------------------------------

    def receive(self, number: int, page: Page) -> None:
        """Buffer a response."""
        self._under_way.discard(number)
        self._on_response(number, page)

    @abstractmethod
    def _on_response(self, number: int, page: Page) -> None: ...

    def receive_error(self, number: int, error: Exception) -> None:
        """Keep an error: it is raised if it is still relevant when all earlier responses have arrived."""
        self._under_way.discard(number)
        self._failures[number] = error

    @property
    def failure(self) -> tuple[int, Exception] | None:
        """The first error in order, with the number of its request."""
        if not self._failures:  # asked of every window before each request
            return None
        return min(self._failures.items(), key=lambda item: item[0])

    def is_under_way(self, before: int | None = None) -> bool:
        """Whether a request is under way, of those before a number if given."""
        return any(before is None or number < before for number in self._under_way)

    # -- consuming, in order -------------------------------------------------------------------------

    @property
    @abstractmethod
    def buffered(self) -> int:
        """Number of responses received and not yet consumed."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the next response in order has been received."""

    @abstractmethod
    def consume(self, builder: FrameBuilder) -> None:
        """Consume the next response in order.

        Raises:
            ContractError: The response is not as documented.
        """

    def salvage(self, builder: FrameBuilder) -> None:
        """Consume what has been received, although something before it may be missing.

        Raises:
            ContractError: A response is not as documented.
        """
        while self.is_ready:
            self.consume(builder)


def rows_within(endpoint: Endpoint, page: Page, span: Span) -> Page:
    """A page without the rows that are there only because the times in a request are whole seconds.

    All other rows outside of the span stay: the builder raises for them.
    """
    covered = covered_span(endpoint, span)
    if covered == span:
        return page
    if not (endpoint.window and endpoint.window.per_day):  # the time of a daily row is before its day's span
        page = page.without(covered.start, span.start - 1)
    return page.without(span.end + 1, covered.end)
