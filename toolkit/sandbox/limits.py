"""Counting weight: pools, refusals (429) and bans (418), all on the exchange's clock."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from toolkit.catalogue import POOLS, Pool
from toolkit.sandbox.messages import RefusedError

STRIKES = 5  # requests after the first 429 of a window before the ban
FIRST_BAN = 120.0
LONGEST_BAN = 3 * 86_400.0
WINDOWS_KEPT = 10_000

_INTERVALS = ((86_400, "D", "DAY"), (3600, "H", "HOUR"), (60, "M", "MINUTE"), (1, "S", "SECOND"))


def interval(seconds: int) -> tuple[int, str, str]:
    """An interval in the exchange's words: how many, the letter, the word."""
    for length, letter, word in _INTERVALS:
        if seconds % length == 0:
            return seconds // length, letter, word
    raise ValueError(f"{seconds} is not a whole number of seconds")


def header_of(pool: Pool) -> str:
    """Header that carries the used weight; its interval follows the pool's."""
    number, letter, _ = interval(pool.seconds)
    return re.sub(r"-\d+[A-Z]$", f"-{number}{letter}", pool.header)


@dataclass(slots=True)
class Window:
    """What one counter counted in one interval.

    Attributes:
        pool: Name of the pool.
        host: Host that counts.
        start_ms: When the interval began.
        used: Weight of the requests that were let in.
        limit: Weight allowed.
        refused: Requests answered 429.
        counter: The path, where each endpoint has a counter of its own.
        owner: Address or account that is counted.
        seconds: Length of the interval.
    """

    pool: str
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
    """What a request was charged, and where."""

    weight: int
    used: int
    headers: Mapping[str, str]


class Limits:
    """All counters of the exchange; `Exchange` says what the arguments mean."""

    def __init__(
        self,
        scale: float = 1.0,
        pools: Mapping[str, Pool] | None = None,
        window_seconds: int | None = None,
    ) -> None:
        if scale <= 0:
            raise ValueError(f"limit_scale must be positive, not {scale}")
        if window_seconds is not None and (not isinstance(window_seconds, int) or window_seconds < 1):
            raise ValueError(f"window_seconds must be a whole number from 1, not {window_seconds}")
        self.pools: dict[str, Pool] = {pool.name: pool for pool in POOLS} | dict(pools or {})
        if window_seconds is not None:
            self.pools = {name: replace(pool, seconds=window_seconds) for name, pool in self.pools.items()}
        self.limits = {name: max(1, int(pool.limit * scale)) for name, pool in self.pools.items()}
        self.windows: deque[Window] = deque(maxlen=WINDOWS_KEPT)
        self._current: dict[tuple[str, str, str], Window] = {}
        self._offenders: dict[tuple[str, str], _Offender] = {}

    def check_ban(self, host: str, ip: str, now: float) -> None:
        """Refuse whatever comes from a banned address."""
        offender = self._offenders.get((host, ip))
        if offender is not None and offender.banned_until > now:
            raise self._banned(offender, now)

    def ban(self, host: str, ip: str, now: float, seconds: float | None = None) -> RefusedError:
        """Ban an address: two minutes, twice as long at each further ban, three days at most."""
        offender = self._offenders.setdefault((host, ip), _Offender())
        length = min(FIRST_BAN * 2**offender.bans, LONGEST_BAN) if seconds is None else seconds
        offender.banned_until = now + length
        offender.bans += 1
        return self._banned(offender, now)

    def charge(self, pool: Pool, path: str, owner: str, weight: int, now: float) -> Charge:
        """Charge a request to its pool, or refuse it."""
        pool = self.pools[pool.name]
        window = self._window(pool, "" if pool.shared else path, owner, now)
        if window.used + weight <= window.limit:
            window.used += weight
            return Charge(weight, window.used, {header_of(pool): str(window.used)})
        window.refused += 1
        headers = {header_of(pool): str(window.used)}
        if pool.bans and window.refused > STRIKES:
            refusal = self.ban(pool.host, owner, now)
        else:
            number, _, word = interval(pool.seconds)
            turn = window.start_ms / 1000 + pool.seconds
            headers["Retry-After"] = str(max(1, math.ceil(turn - now)))
            refusal = RefusedError(
                -1003,
                f"Too much request weight used; current limit is {window.limit} request weight "
                f"per {number} {word}. Please use the websocket for live updates to avoid polling the API.",
                429,
            )
        refusal.headers.update(headers)
        raise refusal

    def _window(self, pool: Pool, counter: str, owner: str, now: float) -> Window:
        start_ms = int(now // pool.seconds) * pool.seconds * 1000
        name = (pool.name, counter, owner)
        window = self._current.get(name)
        if window is None or window.start_ms != start_ms:
            limit = self.limits[pool.name]
            window = Window(pool.name, pool.host, start_ms, 0, limit, 0, counter, owner, pool.seconds)
            self._current[name] = window
            self.windows.append(window)
        return window

    @staticmethod
    def _banned(offender: _Offender, now: float) -> RefusedError:
        until = int(offender.banned_until * 1000)
        return RefusedError(
            -1003,
            f"Way too much request weight used; IP banned until {until}. "
            "Please use the websocket for live updates to avoid bans.",
            418,
            {"Retry-After": str(max(1, math.ceil(offender.banned_until - now)))},
        )
