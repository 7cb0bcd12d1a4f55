"""A window whose rows are few, as those of one account are, continued by id where they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from toolkit.fetch.bisected_window import TruncationDetector
from toolkit.fetch.id_paged_window import IdPagedWindow
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.planning import Plan, Span

_STRIDE = 16
"""How many times further below each request looks for an earlier row."""


class IdWindow(IdPagedWindow):
    """A window in one request, if its response is whole.

    A full response may lack rows, and one whose number of rows suggests truncation may, too: the window is
    then fetched as `IdPagedWindow` fetches a whole span. Its first row is looked for by time, and the rest
    follows by id, until past the end of the window. That shows whether the response was truncated.

    Where all rows of such a response are of one time, earlier ones are looked for by id: from ids further and
    further below, until a row is before the window, or none is below.

    Args:
        plan: What to fetch.
        span: The window.
        truncation: Shared by the windows of the fetch.
    """

    def __init__(self, plan: Plan, span: Span, truncation: TruncationDetector) -> None:
        super().__init__(replace(plan, span=span))
        self._truncation = truncation
        self._suspected = 0  # rows of a response that may be truncated
        self._rows = 0
        self._distance = 0  # by which the next request goes below the first id; 0 if it does not

    def _next_parameters(self) -> Mapping[str, object]:
        paging = self.endpoint.paging
        if not self._distance:
            return super()._next_parameters()
        return {paging.id_field: self._below, paging.size: paging.maximum}

    @property
    def _below(self) -> int:
        """The first id of the page in which an earlier row is looked for."""
        return max(0, self._next_id - self._distance)

    def _on_response(self, number: int, page: Page) -> None:
        if self._distance:
            self._look_below(page)
        else:
            super()._on_response(number, page)

    def _search(self, window: Span, page: Page) -> None:
        rows = page.rows
        if self._earliest is not None or not rows:
            super()._search(window, page)
        elif rows >= self._truncation.cap or self._truncation.is_suspect(rows):
            self._suspected = rows
            super()._search(window, page)
        else:
            self._truncation.accept(rows)
            self._finish(window, page)

    def _check_truncation(self, rows: int, times: Sequence[int | None]) -> None:
        if rows >= self._suspected and self._is_one_instant(times):
            self._distance = self.endpoint.paging.maximum

    def _look_below(self, page: Page) -> None:
        ids, below = self._ids(page), self._below
        defect = self._defect(ids, below)
        if not defect and (not ids or ids[0] > self._next_id):
            defect = f"the row with the id {self._next_id} is missing, although it exists"
        if defect:
            self._reject(page, defect)
            return
        self._next_id = ids[0]
        self._begins_before = self.span is not None and (page.first_time or 0) < self.span.start
        is_first = self._begins_before or not below
        self._distance = 0 if is_first else self._distance * _STRIDE

    def consume(self, builder: FrameBuilder) -> None:
        """Consume the next page."""
        before = builder.rows
        super().consume(builder)
        self._rows += builder.rows - before
        if not self.is_done or not self._suspected:
            return
        if self._rows > self._suspected:
            self._truncation.record_truncation(self._suspected)
        else:
            self._truncation.confirm(self._suspected)
