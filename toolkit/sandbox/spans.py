"""The time span that a request covers, as documented for each endpoint when start or end is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from toolkit.endpoints import Endpoint
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.times import to_ms

# The documents say that the exchange silently shortens a longer span here; elsewhere it refuses it.
SHORTENED = frozenset({"exchange.transfers", "exchange.universal_transfers"})
_TRANSFERS = SHORTENED | {"exchange.futures_transfers"}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A span that includes both ends; `forward` is True if the request counts from its start."""

    start: int | None
    end: int
    forward: bool

    @property
    def is_empty(self) -> bool:
        """Whether no row can be in it: it begins in the future, or ends before what is kept."""
        return self.start is not None and self.start > self.end


def milliseconds(span: timedelta) -> int:
    """A timedelta in whole milliseconds."""
    return span // timedelta(milliseconds=1)


def span_of(endpoint: Endpoint, values: Mapping[str, str], now_ms: int) -> TimeRange:
    """Return the span of the request, or raise a refusal if it is not allowed."""
    window = endpoint.window
    if window is None:
        return TimeRange(None, now_ms, forward=False)
    start, end = (
        to_ms(values[field], window.unit) if field in values else None
        for field in (window.start_field, window.end_field)
    )
    if window.both and (start is None) != (end is None):
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
    forward = start is not None
    start, end = _completed(endpoint, start, end, now_ms)
    # Market data may begin at any time where no end is sent, even in the future.
    if start is not None and (endpoint.is_signed or window.end_field in values):
        if start > end:
            raise RefusalError(-1023, "Start time is greater than end time.")
        end = _current(endpoint, start, end)
    # Rows outside the retention, and rows of the future, are left out silently.
    if window.retention is not None:
        start = max(start or 0, now_ms - milliseconds(window.retention))
    return TimeRange(start, min(end, now_ms), forward)


def _completed(endpoint: Endpoint, start: int | None, end: int | None, now_ms: int) -> tuple[int | None, int]:
    window = endpoint.window
    assert window is not None  # noqa: S101 - for the type checker; span_of has checked it
    name, default = endpoint.qualified_name, milliseconds(window.default)
    if name == "exchange.transfers" and start is not None and end is None:
        return start, start + default
    has_end, end = end is not None, now_ms if end is None else end
    if start is not None:
        return start, end
    newest_rows = endpoint.paging.kind == "id" or not endpoint.is_signed or window.per_day
    if newest_rows or (name == "futures.income" and has_end):  # up to the limit
        return None, end
    # "startTime: 7 days before now; endTime: now", each on its own; for transfers it is days before the end.
    return (end if name in _TRANSFERS else now_ms) - default, end


def _current(endpoint: Endpoint, start: int, end: int) -> int:
    longest = endpoint.window.max_span if endpoint.window else None
    if longest is None or end - start <= milliseconds(longest):
        return end
    if endpoint.qualified_name in SHORTENED:
        return start + milliseconds(longest)
    hours = math.ceil(longest / timedelta(hours=1))
    raise RefusalError(-1127, f"More than {hours} hours between startTime and endTime.")
