"""What an answer's headers say about time: when it was made, and how long to wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from toolkit.runtime.interruptions import forgiving

# The documented bans: where a 418 does not say how long it lasts the shortest is assumed, and nothing
# is believed to last longer than the longest.
MIN_BAN_S = 120.0
MAX_BAN_S = 3 * 86_400.0

_CLOSE = 0.05  # seconds: so well at least two good clocks agree

_DIGITS = 15  # no age has more
_LONGEST = 64  # no date is longer; what is kept for later is short

# How caches say that they answered themselves: in headers of their own, by the first word (as "HIT",
# "TCP_MEM_HIT", "RefreshHit"); by a parameter of RFC 9211's header; by a warning that it is stale.
_VERDICTS = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")
_KEPT = re.compile(r"\s*(?:[\w-]*hit|[\w-]*stale|updating|revalidated)\b", re.IGNORECASE)
_HITS = {"hit", "hit=?1"}
_STALE = re.compile(r"(?:^|,)\s*11[0-3]\b")
_LONGEST_LIST = 1000  # several caches in a row say it in one header


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the `Retry-After` header: a number of seconds, or a date.

    Args:
        headers: Of the answer.
        now: The exchange's time, as `now_by` tells it.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        wait = float(value) - (_age(headers) or 0.0)  # it was said that long ago
    except ValueError:
        date = _date(value)
        if date is None:
            return None
        wait = date - now
    return min(max(0.0, wait), MAX_BAN_S) if math.isfinite(wait) else None


def rounded_up(end: float) -> datetime:
    """The end of a ban as it is told: whoever waits until then by a good clock does not come too early."""
    return datetime.fromtimestamp(math.ceil(end + _CLOSE), UTC)


def read_date(headers: Mapping[str, str]) -> float | None:
    """The `Date` header in seconds since 1970; it is cut to whole seconds."""
    return _date(headers.get("Date", ""))


def now_by(headers: Mapping[str, str], otherwise: float) -> float:
    """The exchange's time when an answer came, by which its absolute times are read.

    Args:
        headers: Of the answer. Its own `Date` is whose clock those times are by; `Age` is added to it.
        otherwise: The host's time as measured, for an answer that does not tell.
    """
    date, age = read_date(headers), _age(headers)
    if date is None or (age is None and is_cached(headers)):
        return otherwise
    return date + (age or 0.0)


def made_at(headers: Mapping[str, str]) -> float | None:
    """When the exchange made an answer, at the earliest: its own `Date`, in seconds since 1970.

    None where it has none that can be read, or was not made for this very request.
    """
    return None if is_cached(headers) else read_date(headers)


def is_cached(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that a cache on the way gave it, so that it may be old.

    `Age` stands in every answer that a cache kept (RFC 9111). Some leave it out and say so in a header of
    their own, whose first word is the verdict: `X-Cache: Hit from cloudfront`. What they passed on (`Miss
    from cloudfront`, which every answer of the exchange carries) is as good as one that came straight.
    """
    if "Age" in headers:
        return True
    if _STALE.search(headers.get("Warning", "")[:_LONGEST_LIST]):
        return True
    said = headers.get("Cache-Status", "")[:_LONGEST_LIST]
    if any(parameter.strip().lower() in _HITS for parameter in re.split("[;,]", said)):
        return True
    return any(
        _KEPT.match(result)
        for name in _VERDICTS
        for result in headers.get(name, "")[:_LONGEST_LIST].split(",")
    )


def _age(headers: Mapping[str, str]) -> float | None:
    """Seconds that a cache kept an answer, None where none says so."""
    value = headers.get("Age", "").strip()
    return float(value) if value.isdecimal() and len(value) <= _DIGITS else None


def _date(value: str) -> float | None:
    return _parsed_date(value) if len(value) <= _LONGEST else None


@lru_cache(maxsize=64)  # many answers of one second carry the same
def _parsed_date(value: str) -> float | None:
    if value.count(",") > 1:  # the header came twice: one of the two is not the exchange's
        return None
    with forgiving(TypeError, ValueError, OverflowError, IndexError, OSError):
        date = parsedate_to_datetime(value)
        # Without a zone it is still Greenwich's, as all dates of HTTP are, and never this machine's.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return None
