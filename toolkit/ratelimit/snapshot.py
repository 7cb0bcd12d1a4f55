"""The state of a budget at one moment, as users and panels see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.endpoints import Host, RateLimit


class CallRecord(NamedTuple):
    """One request that has ended. It holds no parameters and nothing secret.

    Attributes:
        at: Time of the response, seconds since 1970.
        endpoint: The endpoint or purpose it was sent for.
        method: HTTP method.
        path: Path without query.
        status: HTTP status, None where no response came.
        weight: Its weight.
        seconds: How long it took.
    """

    at: float
    endpoint: str
    method: str
    path: str
    status: int | None
    weight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """Weight that one process of this machine has used in the current window.

    Attributes:
        pid: Process id.
        name: The notebook or script that it runs.
        here: Whether it is this process.
        used: Weight of its completed requests.
        in_flight: Weight of its requests that have no response yet.
    """

    pid: int
    name: str
    here: bool
    used: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class RateLimitUsage:
    """Use of one rate-limit counter, which all processes of this machine share.

    Attributes:
        rate_limit: The rate limit.
        path: Path of the endpoint that has this counter to itself, "" where all endpoints share it.
        endpoint: The endpoint that this process called last, or else the one that used the counter first.
        used: Weight used in the current window by every program on this IP address, as the exchange
            counts it where it has reported a count.
        in_flight: Weight of this machine's requests that have no response yet.
        limit: Weight allowed in a window.
        resets_at: End of the current window, seconds since 1970.
        history: Start of each recent window (seconds since 1970) and the weight used in it, oldest
            first; the last one is current.
        seconds: Length of a window.
        external: Weight used by programs that do not share this budget; a lower bound.
        own_history: Like `history`, for this process alone.
        processes: The processes of this machine that used the counter in the current window.
    """

    rate_limit: RateLimit
    path: str
    endpoint: str
    used: int
    in_flight: int
    limit: int
    resets_at: float
    history: tuple[tuple[float, int], ...]
    seconds: int = 60
    external: int = 0
    own_history: tuple[tuple[float, int], ...] = ()
    processes: tuple[ProcessUsage, ...] = ()

    @property
    def used_fraction(self) -> float:
        """Fraction of the limit that is used or in flight."""
        return (self.used + self.in_flight) / self.limit

    @property
    def own(self) -> int:
        """Weight of this process's completed requests in the current window."""
        return sum(process.used for process in self.processes if process.here)


@dataclass(frozen=True, slots=True)
class OtherCount:
    """A count reported by the exchange that belongs to none of our rate limits, such as orders.

    Attributes:
        host: The host that counts.
        kind: What it counts.
        seconds: Length of its window.
        used: The count, as last reported.
        limit: How many are allowed in a window, None where the exchange has not reported it.
        resets_at: End of its window, seconds since 1970.
    """

    host: Host
    kind: str
    seconds: int
    used: int
    limit: int | None
    resets_at: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of the budget at one moment.

    Attributes:
        now: When it was taken, in seconds since 1970 by the exchange's clock, or by this machine's before
            that was measured. All other times are by the same clock.
        rate_limits: Counters in use.
        calls: Recent requests, oldest first.
        waiting_for: What a request waits for, "" where none waits.
        waiting_until: When that wait ends, seconds since 1970.
        paused: Hosts that asked for a pause (429, 503), with the end of the pause in seconds since 1970.
        banned_until: End of the ban of this IP address in seconds since 1970, None where there is none.
        other_counts: Counts that belong to none of our rate limits, such as orders.
        local_only_reason: Why this process cannot share its budget with the other processes, "" where it can.
    """

    now: float
    rate_limits: tuple[RateLimitUsage, ...]
    calls: tuple[CallRecord, ...]
    waiting_for: str
    waiting_until: float
    paused: Mapping[Host, float]
    banned_until: float | None
    other_counts: tuple[OtherCount, ...]
    local_only_reason: str = ""
