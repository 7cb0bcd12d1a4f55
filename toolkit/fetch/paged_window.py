"""One window, or one list, that comes in pages: up to the one that is empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from toolkit.endpoints import ENDPOINTS, Endpoint
from toolkit.errors import ContractError
from toolkit.fetch.windows import Gap, WindowFetch, moment_of, rows_of
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.validation import Query
from toolkit.planning import Span

# Numbers of rows at which the exchange cuts lists, by its documents, as far as they are no small ones.
_SIZES = {each.paging.default or 0 for each in ENDPOINTS} | {each.paging.maximum for each in ENDPOINTS}
ROUND = frozenset(size for size in _SIZES if size >= 100)


def pages_of(rows: int, size: int) -> int:
    """Requests that so many rows take: their pages, and the empty one that tells the end."""
    return ceil(rows / size) + 1 if rows else 1


def requests_for(endpoint: Endpoint, rows: int) -> int:
    """Requests that so many rows of an endpoint without a span take, asked for with what it requires."""
    required = {param.field: "" for param in endpoint.params if param.is_required}
    if endpoint.paging.kind not in ("page", "offset") or Query(endpoint, required).single_row:
        return 1
    return pages_of(rows, endpoint.paging.maximum)


@dataclass(slots=True)
class _Page:
    """A page that was asked for.

    Attributes:
        number: Of its request.
        start: Rows before it.
        size: Rows asked for.
        rows: Rows that came, None while it is under way.
        payload: The answer, until it is taken in.
    """

    number: int
    start: int
    size: int
    rows: int | None = None
    payload: Any = None


class PagedWindow(WindowFetch):
    """Every page of a window or list, until one is empty.

    A page that is not full is not the last for that: some servers hand out fewer rows than were asked
    for. What comes next is asked for where the rows that did come end: by their number where the exchange
    counts rows; where it counts pages, in pages as long as a first one that was not full. There a page
    further on that is not full, and another behind it, may have left rows out between them.

    How far a full page reaches into the window tells how many there will be if the rest is as crowded;
    so many may be asked for at once. Where there is no window nothing is guessed (its price is told
    beforehand, by the number of rows), unless the number of rows is known from the time before. What was
    asked for on a guess is void where the page before it turns out to end elsewhere.

    Args:
        endpoint: What is asked.
        question: What is asked for: where no more than one row can answer it, that one is all.
        span: The window, None where the endpoint has none.
        rows: How many rows there were the last time, None where that is not known.
    """

    def __init__(
        self, endpoint: Endpoint, question: Query, span: Span | None, rows: int | None = None
    ) -> None:
        super().__init__(endpoint, span)
        self._one_row = question.single_row
        self._span = {"startTime": span.start, "endTime": span.end} if span else {}
        self._size = endpoint.paging.maximum
        self._rows = rows
        has_pages = endpoint.paging.kind != "none" and not self._one_row
        self._expected = 1 if rows is None or not has_pages else pages_of(rows, self._size)
        self._pages: list[_Page] = []  # in order, without those that are void
        self._taken = 0
        self._furthest = self._longest = 0
        self._stale = 0

    # -- asking --------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """The first page, and any after one that had rows."""
        return not self._ended and not self._under_way

    def may_speculate(self, speculative: int) -> bool:
        """Whether the next page is one of those expected."""
        return not self._ended and len(self._under_way) <= speculative and len(self._pages) < self._expected

    def _next(self) -> Mapping[str, object]:
        start, size = self._after(self._pages[-1]) if self._pages else (0, self._size)
        self._pages.append(_Page(self._asked, start, size))
        paging = self.endpoint.paging
        if paging.kind == "none":
            return self._span
        index = {"page": start // size + 1} if paging.kind == "page" else {"offset": start}
        return {**self._span, **index, paging.size: size}

    def _after(self, page: _Page) -> tuple[int, int]:
        """Where the page after one begins, and how many rows to ask for."""
        rows = self._predicted_rows(page) if page.rows is None else min(page.rows, page.size)
        if self.endpoint.paging.kind == "offset":
            return page.start + rows, page.size
        if page.start == 0 and 0 < rows < page.size:
            return rows, rows
        return page.start + page.size, page.size

    def _predicted_rows(self, page: _Page) -> int:
        """Rows that a page under way will have, as far as is known."""
        if self._rows is not None and page.start < self._rows:
            return min(page.size, self._rows - page.start)
        if self.endpoint.paging.kind == "offset":
            return self._longest or page.size
        return page.size

    # -- what came -----------------------------------------------------------------------------------

    @property
    def _ended(self) -> bool:
        """Whether the last page is here."""
        return bool(self._pages) and self._pages[-1].rows is not None and self._is_last(self._pages[-1])

    def _hold(self, number: int, payload: Any) -> None:
        waiting = range(self._taken, len(self._pages))
        index = next((n for n in waiting if self._pages[n].number == number), None)
        if index is None:
            return  # void
        page = self._pages[index]
        page.rows, page.payload = len(rows_of(self.endpoint, payload)), payload
        self._longest = max(self._longest, page.rows)
        if self._is_last(page):
            self._discard_from(index + 1)
            return
        following = self._pages[index + 1] if index + 1 < len(self._pages) else None
        if following and (following.start, following.size) != self._after(page):
            self._discard_from(index + 1)
        self._expect(index, page)

    def _is_last(self, page: _Page) -> bool:
        return not page.rows or self.endpoint.paging.kind == "none" or (self._one_row and page.rows == 1)

    def _discard_from(self, index: int) -> None:
        """Forget the pages from a place on: neither answers nor errors of theirs count."""
        for page in self._pages[index:]:
            self._under_way.discard(page.number)
            self._failures.pop(page.number, None)
        del self._pages[index:]

    def _expect(self, index: int, page: _Page) -> None:
        """How many pages there will be, if the rest of the window is as crowded as up to this one."""
        rows = page.rows or 0
        full = rows >= page.size or (index > 0 and rows == self._longest)
        if self.span is None or not full or index < self._furthest:
            return
        self._furthest = index
        moment = moment_of(self.endpoint, rows_of(self.endpoint, page.payload)[-1])
        reached = 0 if moment is None else max(1, moment - self.span.start + 1)
        self._expected = ceil((index + 1) * self.span.length / reached) + 1 if reached else 0

    def failed(self, number: int, error: Exception) -> None:
        """Hold an error, unless the page is void."""
        if any(page.number == number for page in self._pages):
            super().failed(number, error)

    # -- taking in -----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Pages that have come and were not taken in."""
        return sum(page.rows is not None for page in self._pages[self._taken :])

    @property
    def is_ready(self) -> bool:
        """Whether the next page has come."""
        return self._taken < len(self._pages) and self._pages[self._taken].rows is not None

    def consume(self, builder: FrameBuilder) -> None:
        """Take in the next page."""
        page, index = self._pages[self._taken], self._taken
        self._check_gaps(index, page)
        before = builder.rows
        self._add(page, builder)
        self.is_done = self._ended and self._taken == len(self._pages)
        if self.span:
            self.done_until = (
                self.span.end + 1 if self.is_done else max(self.done_until, builder.last_time or 0)
            )
        # One page without a new row may be chance; an exchange that does not turn the pages would be
        # asked for ever.
        self._stale = self._stale + 1 if builder.rows == before and not self.is_done else 0
        if self._stale == 2:
            raise ContractError(
                self.endpoint.qualified_name, f"page {index + 1} and the one before repeat rows already had"
            )

    def _add(self, page: _Page, builder: FrameBuilder) -> None:
        if not self._taken:
            builder.begin_window()
        self._taken += 1
        payload, page.payload = page.payload, None
        span = (self.span.start, self.span.end) if self.span else None
        builder.add(payload, span, page.size or None)

    def _check_gaps(self, index: int, page: _Page) -> None:
        rows = page.rows or 0
        if self.endpoint.paging.kind == "none" and not self._one_row and rows in ROUND:
            why = (
                f"its one answer has {rows:,} rows, a number at which the exchange cuts lists, and there is "
                "no way to ask for more of them"
            )
            self.gaps.append(Gap(why, None))
        if self.endpoint.paging.kind != "page" or index < 2 or not rows:
            return
        earlier = self._pages[index - 1]
        if (earlier.rows or 0) < earlier.size:
            why = (
                f"page {index} has {earlier.rows:,} of the {earlier.size:,} rows asked for, and there are "
                "more behind it: rows in between may have been left out"
            )
            moment = moment_of(self.endpoint, rows_of(self.endpoint, page.payload)[0])
            known = self.span and moment is not None and self.done_until <= moment
            self.gaps.append(Gap(why, Span(self.done_until, moment) if known and moment else self.span))

    def salvage(self, builder: FrameBuilder) -> None:
        """Take in the pages that have come, also those behind a page that is missing."""
        super().salvage(builder)
        for page in self._pages[self._taken :]:
            if page.rows is not None:
                self._add(page, builder)
