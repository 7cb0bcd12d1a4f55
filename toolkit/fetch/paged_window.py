"""A window, or a whole list, fetched page by page until a page is empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from toolkit.endpoints import Endpoint
from toolkit.errors import ContractError
from toolkit.fetch.windows import TRUNCATION_SIZES, Gap, WindowFetch, rows_within
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.frames.validation import Query
from toolkit.planning import Span, span_parameters


def pages_of(rows: int, size: int) -> int:
    """Number of requests for so many rows: their pages, and the empty one at the end."""
    return ceil(rows / size) + 1 if rows else 1


def requests_for(endpoint: Endpoint, rows: int, parameters: Mapping[str, object] | None = None) -> int:
    """Number of requests for so many rows of an endpoint without a span.

    Args:
        endpoint: The endpoint.
        rows: Number of rows.
        parameters: The request parameters; those that are required if not given.
    """
    if parameters is None:
        parameters = {param.field: "" for param in endpoint.params if param.is_required}
    if endpoint.paging.kind not in ("page", "offset", "id") or Query(endpoint, parameters).single_row:
        return 1
    maximum = endpoint.paging.maximum
    if endpoint.paging.kind == "id":  # each page repeats a row, and two without new rows prove the end
        return 3 + -(-max(0, rows - maximum) // (maximum - 1)) if rows else 1
    return pages_of(rows, maximum)


@dataclass(slots=True)
class _RequestedPage:
    """A requested page.

    Attributes:
        number: Number of its request.
        start: Number of rows before it.
        size: Number of rows requested.
        rows: Number of rows received, None while the request is under way.
        received: The rows, until they are consumed.
    """

    number: int
    start: int
    size: int
    rows: int | None = None
    received: Page | None = None


class PagedWindow(WindowFetch):
    """Every page of a window or list, until one is empty.

    A page that is not full need not be the last: some servers return fewer rows than requested. The next
    page starts where the received rows end: by their number if the exchange counts rows; if it counts pages,
    all pages get the size of the first if that was not full. In that case, a later page that is not full and
    is followed by another may have left out rows between them.

    How far a full page reaches into the window predicts the number of pages if the rest is as dense; so many
    may be requested at once. Without a window nothing is speculative (its weight is estimated from the number
    of rows), unless the number of rows is known from the last fetch. A speculative page is void if the page
    before it ends elsewhere.

    Args:
        endpoint: The endpoint.
        query: The parameters that the rows have to match; if only one row can, it is complete.
        span: The window, None if the endpoint has none.
        rows: Number of rows of the last fetch, None if not known.
    """

    def __init__(self, endpoint: Endpoint, query: Query, span: Span | None, rows: int | None = None) -> None:
        super().__init__(endpoint, span)
        self._one_row = query.single_row
        self._max_rows = query.max_rows
        self._span = span_parameters(endpoint, span) if span else {}
        self._size = endpoint.paging.maximum
        self._rows = rows
        has_pages = endpoint.paging.kind != "none" and not self._one_row
        self._expected = 1 if rows is None or not has_pages else pages_of(rows, self._size)
        self._pages: list[_RequestedPage] = []  # in order, without void ones
        self._consumed = 0
        self._furthest = self._longest = 0
        self._stale = 0

    # -- requests ------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """Whether the next page is the first, or follows one that had rows."""
        return not self._ended and not self._under_way

    def may_speculate(self, speculative: int) -> bool:
        """Whether the next page is one of those predicted."""
        return not self._ended and len(self._under_way) <= speculative and len(self._pages) < self._expected

    def _next_parameters(self) -> Mapping[str, object]:
        start, size = self._after(self._pages[-1]) if self._pages else (0, self._size)
        self._pages.append(_RequestedPage(self._asked, start, size))
        paging = self.endpoint.paging
        if paging.kind == "none":
            return self._span
        index = {paging.page_field: start // size + 1} if paging.kind == "page" else {"offset": start}
        size_sent = {paging.size: size} if paging.size else {}
        return {**self._span, **index, **size_sent}

    def _after(self, page: _RequestedPage) -> tuple[int, int]:
        """Start of the page after this one, and the number of rows to request."""
        rows = self._predicted_rows(page) if page.rows is None else min(page.rows, page.size)
        if self.endpoint.paging.kind == "offset":
            return page.start + rows, page.size
        if page.start == 0 and 0 < rows < page.size:
            return rows, rows
        return page.start + page.size, page.size

    def _predicted_rows(self, page: _RequestedPage) -> int:
        """Predicted number of rows of a page that is under way."""
        if self._rows is not None and page.start < self._rows:
            return min(page.size, self._rows - page.start)
        if self.endpoint.paging.kind == "offset":
            return self._longest or page.size
        return page.size

    # -- responses -----------------------------------------------------------------------------------

    @property
    def _ended(self) -> bool:
        """Whether the last page has been received."""
        return bool(self._pages) and self._pages[-1].rows is not None and self._is_last(self._pages[-1])

    def _on_response(self, number: int, page: Page) -> None:
        waiting = range(self._consumed, len(self._pages))
        index = next((n for n in waiting if self._pages[n].number == number), None)
        if index is None:
            return  # void
        requested = self._pages[index]
        requested.rows, requested.received = page.rows, page
        self._longest = max(self._longest, page.rows)
        if self._is_last(requested):
            self._discard_from(index + 1)
            return
        following = self._pages[index + 1] if index + 1 < len(self._pages) else None
        if following and (following.start, following.size) != self._after(requested):
            self._discard_from(index + 1)
        self._expect(index, requested.size, page)

    def _is_last(self, page: _RequestedPage) -> bool:
        return not page.rows or self.endpoint.paging.kind == "none" or (self._one_row and page.rows == 1)

    def _discard_from(self, index: int) -> None:
        """Discard the pages from an index on, with their responses and errors."""
        for page in self._pages[index:]:
            self._under_way.discard(page.number)
            self._failures.pop(page.number, None)
        del self._pages[index:]

    def _expect(self, index: int, size: int, page: Page) -> None:
        """Predict the number of pages, if the rest of the window is as dense as up to this page."""
        full = page.rows >= size or (index > 0 and page.rows == self._longest)
        if self.span is None or not full or index < self._furthest:
            return
        self._furthest = index
        moment = page.last_time
        reached = 0 if moment is None else max(1, moment - self.span.start + 1)
        self._expected = ceil((index + 1) * self.span.length / reached) + 1 if reached else 0

    def receive_error(self, number: int, error: Exception) -> None:
        """Keep an error, unless the page is void."""
        if any(page.number == number for page in self._pages):
            super().receive_error(number, error)

    # -- consuming -----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Number of pages received and not yet consumed."""
        return sum(page.rows is not None for page in self._pages[self._consumed :])

    @property
    def is_ready(self) -> bool:
        """Whether the next page has been received."""
        return self._consumed < len(self._pages) and self._pages[self._consumed].rows is not None

    def consume(self, builder: FrameBuilder) -> None:
        """Consume the next page."""
        page, index = self._pages[self._consumed], self._consumed
        self._check_gaps(index, page)
        before = builder.rows
        left_out = self._add(page, builder)
        self.is_done = self._ended and self._consumed == len(self._pages)
        if self.span:
            self.done_until = (
                self.span.end + 1 if self.is_done else max(self.done_until, builder.last_time or 0)
            )
        # One page without a new row may be chance; an exchange that ignores the page number would be
        # requested forever.
        self._stale = self._stale + 1 if builder.rows == before and not left_out and not self.is_done else 0
        if self._stale == 2:
            raise ContractError(
                self.endpoint.qualified_name, f"page {index + 1} and the one before repeat earlier rows"
            )

    def _add(self, page: _RequestedPage, builder: FrameBuilder) -> int:
        """Add a page to the frame, and return how many of its rows were left out."""
        if not self._consumed:
            builder.begin_window()
        self._consumed += 1
        received, page.received = page.received, None
        if received is None:
            return 0
        if self.span is None:
            builder.add_page(received, None, page.size or self._max_rows)
            return 0
        kept = rows_within(self.endpoint, received, self.span)
        builder.add_page(kept, (self.span.start, self.span.end), page.size or None)
        return received.rows - kept.rows

    def _check_gaps(self, index: int, page: _RequestedPage) -> None:
        rows = page.rows or 0
        # Of a list of names, fewer rows than names are as suspicious as ever.
        is_documented = self.endpoint.whole and self._max_rows is None
        is_counted = self.endpoint.row_limit is not None or rows == self._max_rows or self._one_row
        is_whole = is_documented or is_counted
        if self.endpoint.paging.kind == "none" and rows in TRUNCATION_SIZES and not is_whole:
            why = (
                f"its only response has {rows:,} rows, a number at which the exchange truncates lists, and "
                "there is no way to request more of them"
            )
            self.gaps.append(Gap(why, None))
        if self.endpoint.paging.kind != "page" or index < 2 or not rows:
            return
        earlier = self._pages[index - 1]
        if (earlier.rows or 0) < earlier.size:
            why = (
                f"page {index} has {earlier.rows:,} of the {earlier.size:,} rows requested, and more pages "
                "follow: rows in between may have been left out"
            )
            moment = page.received.first_time if page.received else None
            known = self.span and moment is not None and self.done_until <= moment
            self.gaps.append(Gap(why, Span(self.done_until, moment) if known and moment else self.span))

    def salvage(self, builder: FrameBuilder) -> None:
        """Consume the pages received, also those after a missing page."""
        super().salvage(builder)
        for page in self._pages[self._consumed :]:
            if page.rows is not None:
                self._add(page, builder)
