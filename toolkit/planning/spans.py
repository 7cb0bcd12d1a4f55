"""Times and spans: what users write, and the milliseconds the exchange counts in."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from toolkit.endpoints import Endpoint, Window
from toolkit.endpoints.model import MILLISECOND, TimeUnit
from toolkit.errors import UsageError
from toolkit.planning.messages import check_visible, quoted, usage_error
from toolkit.planning.relative_times import parse_relative_time

When = str | date | datetime | np.datetime64 | int | None
"""A time: ISO text, "now", a time before now such as "-30D" or "-12h", a date, datetime, or milliseconds."""

# Milliseconds of 2010-01-01 and 2100-01-01: whole numbers outside are seconds, or not times at all.
_MIN_TIME = 1_262_304_000_000
_MAX_TIME = 4_102_444_800_000
_SECOND = 1_000
_DAY = 86_400_000
# Until the exchange's time is known, the clock of this machine may be wrong by this much. Times within that
# tolerance are checked again once it is known.
MAX_CLOCK_ERROR_MS = 20 * 3_600_000

# A row that is fetched by its id has been found by its time before: the exchange must still keep it.
_DROPPED_MS = 60_000

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")


@dataclass(frozen=True, slots=True)
class Span:
    """A time span in milliseconds since 1970; both ends are included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of milliseconds in the span."""
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class TimeArgument:
    """A parsed `start` or `end` argument.

    Attributes:
        name: Name of the argument.
        milliseconds: Milliseconds since 1970, or since now.
        from_now: Whether it is relative to now.
    """

    name: str
    milliseconds: int
    from_now: bool = False

    def at(self, endpoint: Endpoint, now: int) -> int:
        """The time in milliseconds since 1970.

        Raises:
            UsageError: It is not between 2010 and 2100.
        """
        time = now + self.milliseconds if self.from_now else self.milliseconds
        if not _MIN_TIME <= time < _MAX_TIME:
            raise usage_error(
                endpoint,
                f"`{self.name}` must be between 2010 and 2100; whole numbers are milliseconds since 1970",
            )
        return time


def span_parameters(endpoint: Endpoint, span: Span) -> dict[str, object]:
    """The request parameters for a span, with the names and the unit of the endpoint's window.

    Where times are whole seconds, be it those of requests or of rows, the request covers the span and up to
    `covered_span`.
    """
    window = endpoint.window
    if window is None:
        return {}
    step = resolution(endpoint)
    start = span.start - span.start % step
    end = span.end + -span.end % step if _is_coarse(window.unit) else _last_of_step(span.end, step)
    first: int | str
    last: int | str
    match window.unit:
        case "ms":
            first, last = start, end
        case "s":
            first, last = start // _SECOND, end // _SECOND
        case "us":
            first, last = start * 1000, end * 1000 + 999
        case "text":
            first, last = _text(start), _text(end)
    return {window.start_field: first, window.end_field: last}


def covered_span(endpoint: Endpoint, span: Span) -> Span:
    """The times that rows may have in the response to a request for a span.

    Where the unit of a request is a second, the exchange may count the whole second that it names as its end.
    """
    step = resolution(endpoint)
    is_coarse = endpoint.window is not None and _is_coarse(endpoint.window.unit)
    end = span.end + -span.end % step if is_coarse else span.end
    return Span(span.start - span.start % step, _last_of_step(end, step))


def resolution(endpoint: Endpoint) -> int:
    """Milliseconds that the times of requests, or of rows, cannot tell apart; 1 if they can tell all."""
    units = {column.unit for column in endpoint.columns if column.name == endpoint.order_by}
    if endpoint.window is not None:
        units.add(endpoint.window.unit)
    return _SECOND if any(map(_is_coarse, units)) else 1


def _is_coarse(unit: TimeUnit) -> bool:
    """Whether a unit of time is a second."""
    return unit in ("s", "text")


def _last_of_step(time: int, step: int) -> int:
    return time - time % step + step - 1


def resolve_span(
    endpoint: Endpoint,
    window: Window,
    start: TimeArgument | None,
    end: TimeArgument | None,
    now: int,
    *,
    clock_error_ms: int,
) -> Span:
    """Resolve a span with its defaults, within what the exchange keeps.

    Args:
        endpoint: The endpoint.
        window: Its window.
        start: Start of the span, None for the default.
        end: End of the span, None for now.
        now: The exchange's time in milliseconds.
        clock_error_ms: Milliseconds by which `now` may be wrong.

    Raises:
        UsageError: The span is invalid.
    """
    last = now if end is None else min(end.at(endpoint, now), now)
    earliest = None if window.retention is None else now - milliseconds(window.retention)
    if earliest is not None and endpoint.paging.kind == "id":
        earliest += _DROPPED_MS
    if start is None:
        first = last - milliseconds(window.default)
        if earliest is not None:
            _check_retention(endpoint, window, "end", last, earliest - clock_error_ms)
            first = min(max(first, earliest), last)
        return Span(first, last)
    first = start.at(endpoint, now)
    if first > now + clock_error_ms:
        raise usage_error(endpoint, f"`start` ({iso(first)}) is in the future; now is {iso(now)}")
    if earliest is not None:
        _check_retention(endpoint, window, "start", first, earliest - clock_error_ms)
    if first > last + clock_error_ms:
        raise usage_error(endpoint, f"`start` ({iso(first)}) is after `end` ({iso(last)})")
    return Span(min(first, last), last)


def _check_retention(endpoint: Endpoint, window: Window, name: str, time: int, earliest: int) -> None:
    if time < earliest:
        since = f"since {iso(earliest)}"
        if endpoint.paging.kind == "id":
            since = f"and drops the oldest rows while they are fetched: begin at {iso(earliest)} or later"
        raise usage_error(
            endpoint,
            f"`{name}` ({iso(time)}) is too early: the exchange keeps the last "
            f"{_days(window.retention)}, {since}",
        )


def parse_time(endpoint: Endpoint, name: str, value: When, now: int) -> TimeArgument | None:
    """Parse a `start` or `end` argument, None if it is not given.

    A date without a time of day means its first millisecond as `start`, its last one as `end`.

    Args:
        endpoint: The endpoint.
        name: Name of the argument.
        value: Its value.
        now: The exchange's time in milliseconds, as far as it is known.

    Raises:
        UsageError: The value is not a time.
    """
    if value is None:
        return None
    from_now = False
    whole_day = isinstance(value, date) and not isinstance(value, datetime)
    if isinstance(value, np.datetime64):
        whole_day = np.datetime_data(value.dtype)[0] == "D"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        time = int(value)
    elif isinstance(value, str):
        check_visible(endpoint, name, value)
        text = value.strip()
        whole_day = _DATE.fullmatch(text) is not None
        if text.lower() == "now":
            time, from_now = 0, True
        elif text.startswith(("-", "+")):
            try:
                time, from_now = parse_relative_time(text, now) - now, True
            except ValueError as error:
                raise usage_error(endpoint, f"`{name}` {error}") from None
        elif whole_day or _DATETIME.fullmatch(text):
            time = _absolute_time(endpoint, name, text)
        else:
            raise _not_a_time(endpoint, name, _suggest_minus(text, now))
    elif isinstance(value, date | datetime | np.datetime64):
        time = _absolute_time(endpoint, name, value)
    else:
        raise usage_error(
            endpoint,
            f'`{name}` must be a time such as "2026-01-31" or "-30D", a datetime or milliseconds, not '
            f"{quoted(value)}",
        )
    return TimeArgument(name, time + _DAY - 1 if name == "end" and whole_day else time, from_now)


def _absolute_time(endpoint: Endpoint, name: str, value: Any) -> int:
    try:
        timestamp = pd.Timestamp(value)
    except (ValueError, TypeError, OverflowError):
        timestamp = None
    if timestamp is None or pd.isna(timestamp):
        raise _not_a_time(endpoint, name)
    timestamp = timestamp.tz_localize("UTC") if timestamp.tzinfo is None else timestamp.tz_convert("UTC")
    return milliseconds(timestamp.to_pydatetime(warn=False) - _EPOCH)


def _not_a_time(endpoint: Endpoint, name: str, suggestion: str = "") -> UsageError:
    return usage_error(
        endpoint,
        f'`{name}` is not a time; write it like "2026-01-31", "2026-01-31 08:30" (UTC) or "-30D"',
        suggestion,
    )


def _suggest_minus(text: str, now: int) -> str:
    """A suggestion if the text is a relative time without its minus sign, "" otherwise."""
    with suppress(ValueError):
        parse_relative_time(f"-{text}", now)
        return f' Did you mean "-{text}"?'
    return ""


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def milliseconds(length: timedelta) -> int:
    """A timedelta in whole milliseconds."""
    return length // MILLISECOND


def iso(time: int) -> str:
    """A time in milliseconds as ISO text."""
    return (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec="milliseconds")


def _text(time: int) -> str:
    return (_EPOCH + timedelta(milliseconds=time)).strftime("%Y-%m-%d %H:%M:%S")


def _days(length: timedelta | None) -> str:
    return f"{length.days} days" if length else ""
