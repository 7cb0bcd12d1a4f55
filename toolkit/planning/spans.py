"""Moments and spans, as a user says them and as the exchange counts them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from toolkit.endpoints import Endpoint, Window
from toolkit.errors import UsageError
from toolkit.planning.relative_times import relative_moment
from toolkit.planning.words import check_visible, quoted, usage_error

When = str | date | datetime | np.datetime64 | int | None
"""A moment: ISO text, "now", time before now as in "-30D" or "-12h", a date, a datetime, or milliseconds."""

# Milliseconds of 2010-01-01 and 2100-01-01: whole numbers outside are seconds, or no times at all.
_FIRST_MOMENT = 1_262_304_000_000
_LAST_MOMENT = 4_102_444_800_000
_DAY = 86_400_000
# Before the exchange has told the time, this machine's may be off: what looks wrong by less than this is
# looked at again once it has.
CLOCK_ERROR_MS = 20 * 3_600_000

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in milliseconds since 1970; both ends are included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many milliseconds lie in it."""
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment as it was said.

    Attributes:
        name: The argument that says it.
        milliseconds: How many since 1970; or since now, where it was said so.
        from_now: Whether it was said so.
    """

    name: str
    milliseconds: int
    from_now: bool = False

    def at(self, endpoint: Endpoint, now: int) -> int:
        """The moment in milliseconds since 1970.

        Raises:
            UsageError: It lies too far away.
        """
        moment = now + self.milliseconds if self.from_now else self.milliseconds
        if not _FIRST_MOMENT <= moment < _LAST_MOMENT:
            raise usage_error(
                endpoint,
                f"`{self.name}` has to lie between 2010 and 2100; whole numbers are milliseconds since 1970",
            )
        return moment


def span_of(
    endpoint: Endpoint,
    window: Window,
    start: Moment | None,
    end: Moment | None,
    now: int,
    *,
    clock_error_ms: int,
) -> Span:
    """The span that is meant, within what the exchange keeps.

    Args:
        endpoint: What is asked.
        window: What it allows.
        start: First moment.
        end: Last moment.
        now: The exchange's time in milliseconds.
        clock_error_ms: Milliseconds by which that may be off.

    Raises:
        UsageError: There can be no such span.
    """
    last = now if end is None else min(end.at(endpoint, now), now)
    earliest = None if window.retention is None else now - milliseconds(window.retention)
    if start is None:
        first = last - milliseconds(window.default)
        if earliest is not None:
            _check_retention(endpoint, window, "end", last, earliest - clock_error_ms)
            first = min(max(first, earliest), last)
        return Span(first, last)
    first = start.at(endpoint, now)
    if first > now + clock_error_ms:
        raise usage_error(endpoint, f"`start` ({iso(first)}) lies in the future; now is {iso(now)}")
    if earliest is not None:
        _check_retention(endpoint, window, "start", first, earliest - clock_error_ms)
    if first > last + clock_error_ms:
        raise usage_error(endpoint, f"`start` ({iso(first)}) is after `end` ({iso(last)})")
    return Span(min(first, last), last)


def _check_retention(endpoint: Endpoint, window: Window, name: str, moment: int, earliest: int) -> None:
    if moment < earliest:
        raise usage_error(
            endpoint,
            f"`{name}` ({iso(moment)}) is too early: the exchange keeps the last "
            f"{_days(window.retention)}, since {iso(earliest)}",
        )


def read_moment(endpoint: Endpoint, name: str, value: When, now: int) -> Moment | None:
    """The moment that an argument says, None where it is not given.

    A date without a time means, as an end, its last millisecond.

    Args:
        endpoint: What is asked.
        name: The argument.
        value: Its value.
        now: The exchange's time in milliseconds, as far as it is known.

    Raises:
        UsageError: It is no time.
    """
    if value is None:
        return None
    from_now = False
    whole_day = isinstance(value, date) and not isinstance(value, datetime)
    if isinstance(value, np.datetime64):
        whole_day = np.datetime_data(value.dtype)[0] == "D"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        moment = int(value)
    elif isinstance(value, str):
        check_visible(endpoint, name, value)
        text = value.strip()
        whole_day = _DATE.fullmatch(text) is not None
        if text.lower() == "now":
            moment, from_now = 0, True
        elif text.startswith(("-", "+")):
            try:
                moment, from_now = relative_moment(text, now) - now, True
            except ValueError as error:
                raise usage_error(endpoint, f"`{name}` {error}") from None
        elif whole_day or _MOMENT.fullmatch(text):
            moment = _absolute(endpoint, name, text)
        else:
            raise _no_time(endpoint, name, _with_minus(text, now))
    elif isinstance(value, date | datetime | np.datetime64):
        moment = _absolute(endpoint, name, value)
    else:
        raise usage_error(
            endpoint,
            f'`{name}` is a time such as "2026-01-31", "-30D", a datetime or milliseconds, not '
            f"{quoted(value)}",
        )
    return Moment(name, moment + _DAY - 1 if name == "end" and whole_day else moment, from_now)


def _absolute(endpoint: Endpoint, name: str, value: Any) -> int:
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError, OverflowError):
        moment = None
    if moment is None or pd.isna(moment):
        raise _no_time(endpoint, name)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return milliseconds(moment.to_pydatetime(warn=False) - _EPOCH)


def _no_time(endpoint: Endpoint, name: str, question: str = "") -> UsageError:
    """The error of a call that cannot be right; `question` says what may have been meant."""
    return usage_error(
        endpoint,
        f'`{name}` is no time; write it like "2026-01-31", "2026-01-31 08:30" (UTC) or "-30D"',
        question,
    )


def _with_minus(text: str, now: int) -> str:
    """A question where only the minus is missing from a time before now."""
    with suppress(ValueError):
        relative_moment(f"-{text}", now)
        return f' Did you mean "-{text}"?'
    return ""


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def milliseconds(length: timedelta) -> int:
    """A length of time in whole milliseconds."""
    return length // timedelta(milliseconds=1)


def iso(moment: int) -> str:
    """A moment in words."""
    return (_EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")


def _days(length: timedelta | None) -> str:
    return f"{length.days} days" if length else ""
