"""Counts weight: rate limits, refusals (429) and bans (418), by the exchange's clock."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from toolkit.endpoints import RATE_LIMITS, RateLimit
from toolkit.sandbox.messages import RefusalError

MAX_REFUSALS = 5  # requests after the first 429 of a window before the ban
FIRST_BAN_S = 120.0
MAX_BAN_S = 3 * 86_400.0
WINDOWS_KEPT = 10_000

_INTERVALS = ((86_400, "D", "DAY"), (3600, "H", "HOUR"), (60, "M", "MINUTE"), (1, "S", "SECOND"))


def interval(seconds: int) -> tuple[int, str, str]:
    """An interval as the exchange writes it: number, letter, word."""
    for length, letter, word in _INTERVALS:
        if seconds % length == 0:
            return seconds // length, letter, word
    raise ValueError(f"{seconds} is not a whole number of seconds")


def header_of(rate_limit: RateLimit) -> str:
    """The header that carries the used weight; its interval is that of the rate limit's window."""
    number, letter, _ = interval(rate_limit.seconds)
    return re.sub(r"-\d+[A-Z]$", f"-{number}{letter}", rate_limit.header)


def _headers(rate_limit: RateLimit, used: int) -> dict[str, str]:
    """The header with what was used, where there is one."""
    return {header_of(rate_limit): str(used)} if rate_limit.header else {}


def _exceeded(rate_limit: RateLimit, limit: int) -> str:
    number, _, word = interval(rate_limit.seconds)
    if rate_limit.counts == "requests":
        return f"Too many requests; current limit is {limit} requests per {number} {word}."
    return (
        f"Too much request weight used; current limit is {limit} request weight per {number} {word}. "
        "Please use the websocket for live updates to avoid polling the API."
    )


@dataclass(slots=True)
class IntervalCount:
    """What one counter counted in one interval.

    Attributes:
        rate_limit: Name of the rate limit.
        host: Host that counts.
        start_ms: Beginning of the interval.
        used: Weight of the accepted requests.
        limit: Maximum weight.
        refused: Number of requests answered with 429.
        counter: The path, for rate limits that count each endpoint separately.
        owner: Address or account that is counted.
        seconds: Length of the interval.
    """

    rate_limit: str
    host: str
    start_ms: int
    used: int
    limit: int
    refused: int
    counter: str
    owner: str
    seconds: int


@dataclass(slots=True)
class _Offender:
    banned_until: float = 0.0
    bans: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """What was charged for a request, and the headers that say so."""

    weight: int
    used: int
    headers: Mapping[str, str]


class Limits:
    """All counters of the exchange; see `Exchange` for the arguments."""

    def __init__(
        self,
        scale: float = 1.0,
        rate_limits: Mapping[str, RateLimit] | None = None,
        window_seconds: int | None = None,
    ) -> None:
        if scale <= 0:
            raise ValueError(f"limit_scale must be positive, not {scale}")
        if window_seconds is not None and (not isinstance(window_seconds, int) or window_seconds < 1):
            raise ValueError(f"window_seconds must be a whole number from 1, not {window_seconds}")
        self.rate_limits = {rate_limit.name: rate_limit for rate_limit in RATE_LIMITS} | dict(
            rate_limits or {}
        )
        if window_seconds is not None:
            self.rate_limits = {
                name: replace(rate_limit, seconds=window_seconds)
                for name, rate_limit in self.rate_limits.items()
            }
        self.limits = {
            name: max(1, int(rate_limit.limit * scale)) for name, rate_limit in self.rate_limits.items()
        }
        self.windows: deque[IntervalCount] = deque(maxlen=WINDOWS_KEPT)
        self._current: dict[tuple[str, str, str], IntervalCount] = {}
        self._offenders: dict[tuple[str, str], _Offender] = {}

    def shared(self, path: str) -> RateLimit | None:
        """The rate limit of the path's prefix, if all endpoints of it share one."""
        shared = (each for each in self.rate_limits.values() if each.shared)
        return next((each for each in shared if path.startswith(each.prefix)), None)

    def check_ban(self, host: str, ip: str, now: float) -> None:
        """Refuse requests from a banned address."""
        offender = self._offenders.get((host, ip))
        if offender is not None and offender.banned_until > now:
            raise self._banned(offender, now)

    def ban(self, host: str, ip: str, now: float, seconds: float | None = None) -> RefusalError:
        """Ban an address for two minutes, doubled with each further ban, up to three days."""
        offender = self._offenders.setdefault((host, ip), _Offender())
        length = min(FIRST_BAN_S * 2**offender.bans, MAX_BAN_S) if seconds is None else seconds
        offender.banned_until = now + length
        offender.bans += 1
        return self._banned(offender, now)

    def charge(self, rate_limit: RateLimit, path: str, owner: str, weight: int, now: float) -> Charge:
        """Charge a request to its rate limit, or refuse it."""
        rate_limit = self.rate_limits[rate_limit.name]
        if rate_limit.counts == "requests":
            weight = 1
        window = self._window(rate_limit, "" if rate_limit.shared else path, owner, now)
        if window.used + weight <= window.limit:
            window.used += weight
            return Charge(weight, window.used, _headers(rate_limit, window.used))
        window.refused += 1
        headers = _headers(rate_limit, window.used)
        if rate_limit.bans and window.refused > MAX_REFUSALS:
            refusal = self.ban(rate_limit.host, owner, now)
        else:
            window_end = window.start_ms / 1000 + rate_limit.seconds
            headers["Retry-After"] = str(max(1, math.ceil(window_end - now)))
            refusal = RefusalError(-1003, _exceeded(rate_limit, window.limit), 429)
        refusal.headers.update(headers)
        raise refusal

    def _window(self, rate_limit: RateLimit, counter: str, owner: str, now: float) -> IntervalCount:
        start_ms = int(now // rate_limit.seconds) * rate_limit.seconds * 1000
        name = (rate_limit.name, counter, owner)
        window = self._current.get(name)
        if window is None or window.start_ms != start_ms:
            limit = self.limits[rate_limit.name]
            window = IntervalCount(
                rate_limit.name, rate_limit.host, start_ms, 0, limit, 0, counter, owner, rate_limit.seconds
            )
            self._current[name] = window
            self.windows.append(window)
        return window

    @staticmethod
    def _banned(offender: _Offender, now: float) -> RefusalError:
        until = int(offender.banned_until * 1000)
        return RefusalError(
            -1003,
            f"Way too much request weight used; IP banned until {until}. "
            "Please use the websocket for live updates to avoid bans.",
            418,
            {"Retry-After": str(max(1, math.ceil(offender.banned_until - now)))},
        )
