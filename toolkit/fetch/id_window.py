"""A window whose rows are few, as those of one account are, continued by id where they are not."""

from __future__ import annotations

from dataclasses import replace

from toolkit.fetch.bisected_window import TruncationDetector
from toolkit.fetch.id_paged_window import IdPagedWindow
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.planning import Plan, Span


class IdWindow(IdPagedWindow):
    """A window in one request, if its response is whole.

    A full response may lack rows, and one whose number of rows suggests truncation may, too: the window is
    then fetched as `IdPagedWindow` fetches a whole span. Its first row is looked for by time, and the rest
    follows by id, until past the end of the window. That shows whether the response was truncated.

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
