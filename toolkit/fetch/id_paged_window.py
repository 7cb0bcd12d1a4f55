"""A whole span, or a list, fetched by ascending ids."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from toolkit.endpoints.model import MILLISECOND
from toolkit.errors import ContractError
from toolkit.fetch.windows import MIN_SUSPECT_ROWS, TRUNCATION_SIZES, Gap, WindowFetch, rows_within
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.page import Page
from toolkit.planning import Plan, Span, covered_span, iso, resolution, span_parameters

_WHOLE_NUMBER = re.compile(r"[0-9]{1,40}")
_EVER = 2**62


@dataclass(frozen=True, slots=True)
class _Received:
    """A response to be consumed.

    Attributes:
        page: Its rows.
        through: Everything before this time (milliseconds) is complete with it; its last row's time if None.
        defect: Why it does not answer the request, "" if it does.
    """

    page: Page
    through: int | None = None
    defect: str = ""


class IdPagedWindow(WindowFetch):
    """All rows of a span, or all rows from an id on, page by page.

    The exchange takes either a span or the first id of a page. So the first row of a span is looked for in
    one window after the other; from its id on, every page begins with the last row of the page before, which
    proves that nothing was left out between them. A page that is not full proves nothing, and one that is
    empty little: the end is a row after the span, or a page with that row alone and an empty one after it.

    If a response is truncated, its earliest rows may be missing. So unless the first one has few rows, the
    window is requested again up to its earliest row, until no earlier one comes. The first page has to begin
    with that row, which proves that the exchange does not ignore the id.

    Args:
        plan: What to fetch.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.endpoint, plan.span)
        self._windows = plan.windows()
        self._window = next(self._windows, None)  # the one being searched; None from the first page on
        self._earliest: tuple[int, int] | None = None  # id and time of the earliest row found in it
        self._next_id = plan.first_id or 0
        self._must_begin = False  # with the next id
        self._repeats = False  # the last row of the page before
        self._begins_before = False  # before the span
        self._has_ended = False
        self._ready: deque[_Received] = deque()
        window = plan.endpoint.window
        self._resolution = resolution(plan.endpoint)
        self._max_span = None if window is None or window.max_span is None else window.max_span // MILLISECOND
        self._reached = 0  # number of the window that the pages have reached

    # -- requests ------------------------------------------------------------------------------------

    @property
    def is_certain(self) -> bool:
        """Whether a page is left; each depends on the one before."""
        return not self._has_ended and not self._under_way and not self._failures

    def _next_parameters(self) -> Mapping[str, object]:
        paging = self.endpoint.paging
        if self._window is not None:
            return {
                **span_parameters(self.endpoint, self._searched(self._window)),
                paging.size: paging.maximum,
            }
        return {paging.id_field: self._next_id, paging.size: paging.maximum}

    def _searched(self, window: Span) -> Span:
        """The part of a window that may have earlier rows."""
        if self._earliest is None:
            return window
        time = self._earliest[1]
        return Span(min(window.start, time), time)

    # -- responses -----------------------------------------------------------------------------------

    def _on_response(self, number: int, page: Page) -> None:
        if self._window is not None:
            self._search(self._window, page)
        else:
            self._sweep(page)

    def _search(self, window: Span, page: Page) -> None:
        if not page.rows and self._earliest is None:
            self._ready.append(_Received(page, window.end + 1))
            self._asked_before = self._asked
            self._window = next(self._windows, None)
            self._has_ended = self._window is None
            return
        ids, times = self._ids(page), page.times
        if self._earliest is not None and (not ids or ids[0] > self._earliest[0]):
            defect = f"the row with the id {self._earliest[0]} is missing, which a longer span had"
        else:
            defect = self._defect_within(self._searched(window), ids, times)
        if defect:
            self._reject(page, defect)
            return
        is_confirmed = self._earliest is not None and ids[0] == self._earliest[0]
        self._earliest = ids[0], times[0] or 0
        if is_confirmed or page.rows < min(MIN_SUSPECT_ROWS, self.endpoint.paging.maximum):
            self._check_truncation(page.rows, times)
            self._window, self._next_id, self._must_begin = None, ids[0], True

    def _finish(self, window: Span, page: Page) -> None:
        """Keep a response that has all rows of the last window."""
        defect = self._defect_within(window, self._ids(page), page.times)
        if defect:
            self._reject(page, defect)
            return
        self._window, self._has_ended = None, True
        self._ready.append(_Received(page, window.end + 1))

    def _defect_within(self, span: Span, ids: Sequence[int], times: Sequence[int | None]) -> str:
        """What is wrong with a response to a request for a span, "" if nothing is."""
        return self._defect(ids, 0) or _outside(times, covered_span(self.endpoint, span))

    def _check_truncation(self, rows: int, times: Sequence[int | None]) -> None:
        """Note a gap if the request could not be for less, and its response may still be truncated."""
        is_suspect = rows in TRUNCATION_SIZES or rows >= self.endpoint.paging.maximum
        if is_suspect and self._is_one_instant(times):
            why = (
                f"the first {rows:,} rows have one time, and the exchange may not return more at once: there "
                "may be earlier ones"
            )
            first = times[0] or 0
            self.gaps.append(Gap(why, Span(first, first + self._resolution - 1)))

    def _is_one_instant(self, times: Sequence[int | None]) -> bool:
        """Whether no request for a span can tell these times apart."""
        return len({time and time // self._resolution for time in times}) == 1

    def _sweep(self, page: Page) -> None:
        ids = self._ids(page)
        is_after = [self.span is not None and (time or 0) > self.span.end for time in page.times]
        defect = self._defect(ids, self._next_id)
        if not defect and self._must_begin and (not ids or ids[0] != self._next_id):
            defect = (
                f"it does not begin with the id {self._next_id}, which was requested and exists: the "
                f"exchange ignores `{self.endpoint.paging.id_field}`, or does not keep the row any more"
            )
        if not defect and is_after != sorted(is_after):
            defect = "a row within the span follows one after it"
        if defect:
            self._reject(page, defect)
            return
        is_new = len(ids) > self._repeats
        self._has_ended = any(is_after) or not (is_new or self._repeats)
        self._ready.append(_Received(page))
        # Without new rows, the next page has to be empty: this one may have been cut off to one row.
        self._must_begin = self._repeats = is_new
        if ids:
            self._next_id = ids[-1] + (not is_new)
            self._count_windows(page.last_time)

    def _count_windows(self, time: int | None) -> None:
        """Let the limit of requests begin anew with each window."""
        if self.span is None or self._max_span is None or time is None:
            return
        reached = (time - self.span.start) // (self._max_span + 1)
        if reached > self._reached:
            self._reached, self._asked_before = reached, self._asked

    def _reject(self, page: Page, defect: str) -> None:
        self._has_ended = True
        self._ready.append(_Received(page, defect=defect))

    # -- ids and times -------------------------------------------------------------------------------

    def _ids(self, page: Page) -> list[int]:
        """The ids of a page; -1 for one that is not a whole number."""
        columns = self.endpoint.received_columns
        index = next(n for n, column in enumerate(columns) if column.name == self.endpoint.paging.id_column)
        values = page.columns[index]
        return [
            _whole_number(value) for value in (values if isinstance(values, list) else values.to_pylist())
        ]

    def _defect(self, ids: Sequence[int], first: int) -> str:
        """What is wrong with the ids of a page, "" if they ascend from the first one that was requested."""
        name = self.endpoint.paging.id_column
        if -1 in ids:
            return f"row {ids.index(-1)} has a `{name}` that is not a whole number"
        if ids and ids[0] < first:
            return f"row 0 has the `{name}` {ids[0]}, but {first} and above was requested"
        for row_index, (before, after) in enumerate(pairwise(ids)):
            if after <= before:
                both = f"rows {row_index} and {row_index + 1}"
                return f"{both} have the `{name}` {before} and {after}, which do not ascend"
        return ""

    # -- consuming -----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Number of pages received and not yet consumed."""
        return len(self._ready)

    @property
    def is_ready(self) -> bool:
        """Whether a page has been received; pages come in order."""
        return bool(self._ready)

    def consume(self, builder: FrameBuilder) -> None:
        """Consume the next page."""
        received = self._ready.popleft()
        if received.defect:
            raise ContractError(
                self.endpoint.qualified_name,
                f"{received.defect}: the response does not match the request, and none of its rows was kept",
            )
        builder.begin_window()
        if self.span is None:
            builder.add_page(received.page, None, self.endpoint.paging.maximum)
        else:
            kept = rows_within(self.endpoint, received.page, self.span).without(self.span.end + 1, _EVER)
            if self._begins_before:
                kept = kept.without(0, self.span.start - 1)
            builder.add_page(kept, (self.span.start, self.span.end), self.endpoint.paging.maximum)
            self.done_until = received.through or max(self.done_until, builder.last_time or 0)
        self.is_done = self._has_ended and not self._ready
        if self.is_done and self.span is not None:
            self.done_until = self.span.end + 1


def _whole_number(value: Any) -> int:
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    return value if type(value) is int and value >= 0 else -1


def _outside(times: Sequence[int | None], span: Span) -> str:
    """Which row has a time outside of the span that was requested, "" if none has."""
    for row_index, time in enumerate(times):
        if time is None or not span.start <= time <= span.end:
            shown = "no time" if time is None else f"the time {iso(time)}"
            return f"row {row_index} has {shown}, but {iso(span.start)} to {iso(span.end)} was requested"
    return ""
