"""Reads times from response headers: when a response and its rows were made, and how long to wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from toolkit.runtime.interruptions import forgiving

# The shortest and longest documented bans: the default for a 418 without a duration, and the upper bound.
MIN_BAN_S = 120.0
MAX_BAN_S = 3 * 86_400.0

_CLOSE = 0.05  # seconds by which two good clocks may differ
_MAX_READ_S = 1.0  # from the exchange's reading of rows to the date of their response

_MAX_AGE_DIGITS = 15
_MAX_DATE_LENGTH = 64

# How caches mark their responses: the first word of a header of their own (such as "HIT", "TCP_MEM_HIT",
# "RefreshHit"), a parameter of the header of RFC 9211, or a warning that the response is stale.
_CACHE_HEADERS = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")
_CACHE_NAMES = frozenset({"age", "warning", "cache-status", *map(str.lower, _CACHE_HEADERS)})
_CACHE_HIT = re.compile(r"\s*(?:[\w-]*hit|[\w-]*stale|updating|revalidated)\b", re.IGNORECASE)
_HITS = {"hit", "hit=?1"}
_STALE = re.compile(r"(?:^|,)\s*11[0-3]\b")
_MAX_HEADER_LENGTH = 1000  # several caches in a row share one header


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait according to `Retry-After` (seconds or a date), None if it is missing or invalid.

    Args:
        headers: Headers of the response.
        now: The exchange's time, see `exchange_time`.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        wait = float(value) - (_age(headers) or 0.0)  # the response is that old
    except ValueError:
        date = _date(value)
        if date is None:
            return None
        wait = date - now
    return min(max(0.0, wait), MAX_BAN_S) if math.isfinite(wait) else None


def rounded_up(end: float) -> datetime:
    """The end of a ban, rounded up so that waiting until then by a good clock is long enough."""
    return datetime.fromtimestamp(math.ceil(end + _CLOSE), UTC)


def read_date(headers: Mapping[str, str]) -> float | None:
    """The `Date` header in seconds since 1970, without fractions; None if it is missing or invalid."""
    return _date(headers.get("Date", ""))


def exchange_time(headers: Mapping[str, str], default: float) -> float:
    """The exchange's time when a response arrived, to which its absolute times are compared.

    Args:
        headers: Headers of the response. Its `Date` is by the same clock as those times; `Age` is added.
        default: The measured time of the host, for a response without a usable date.
    """
    date, age = read_date(headers), _age(headers)
    if date is None or (age is None and is_cached(headers)):
        return default
    return date + (age or 0.0)


def made_at(headers: Mapping[str, str]) -> float | None:
    """The earliest time at which the exchange created a response: its `Date`, in seconds since 1970.

    None if the date is missing or invalid, or if the response may come from a cache.
    """
    return None if is_cached(headers) else read_date(headers)


def earliest_read(made: float | None, sent_at: float | None) -> float | None:
    """A time before which the exchange cannot have read the rows of a response; None without one.

    It reads them after the request was sent, and before it dates the response: at the end of a minute, a
    response may have the date of the next one although its rows are older.

    Args:
        made: The `Date` of the response, None where it is not known.
        sent_at: The exchange's time when the request was sent, at the earliest; None where it is not known.
    """
    if made is None:
        return sent_at
    earliest = made - _MAX_READ_S
    return min(made, earliest if sent_at is None else max(earliest, sent_at))


def is_cached(headers: Mapping[str, str]) -> bool:
    """Whether a response says that it came from a cache, so that it may be old.

    Cached responses have an `Age` (RFC 9111). Some caches use a header of their own instead, whose first
    word is the result: `X-Cache: Hit from cloudfront`. A miss (`Miss from cloudfront`, as in every response
    of the exchange) is as good as a direct response.
    """
    if _CACHE_NAMES.isdisjoint(map(str.lower, headers)):  # the usual case, asked several times a response
        return False
    if "Age" in headers:
        return True
    if _STALE.search(headers.get("Warning", "")[:_MAX_HEADER_LENGTH]):
        return True
    status = headers.get("Cache-Status", "")[:_MAX_HEADER_LENGTH]
    if any(parameter.strip().lower() in _HITS for parameter in re.split("[;,]", status)):
        return True
    return any(
        _CACHE_HIT.match(result)
        for name in _CACHE_HEADERS
        for result in headers.get(name, "")[:_MAX_HEADER_LENGTH].split(",")
    )


def _age(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response spent in a cache, None if there is no valid `Age`."""
    value = headers.get("Age", "").strip()
    return float(value) if value.isdecimal() and len(value) <= _MAX_AGE_DIGITS else None


def _date(value: str) -> float | None:
    return _parsed_date(value) if len(value) <= _MAX_DATE_LENGTH else None


@lru_cache(maxsize=64)  # many responses share a second
def _parsed_date(value: str) -> float | None:
    if value.count(",") > 1:  # two headers: one of them is not the exchange's
        return None
    with forgiving(TypeError, ValueError, OverflowError, IndexError, OSError):
        date = parsedate_to_datetime(value)
        # Without a zone it is still GMT, as all HTTP dates are, and not this machine's zone.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return None
