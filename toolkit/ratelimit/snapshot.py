"""What there is to see of a budget at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.endpoints import Host, RateLimit


class CallRecord(NamedTuple):
    """One request as the panels and logs may show it: no parameters, nothing secret.

    Attributes:
        at: When its answer came, seconds since 1970.
        endpoint: Door or purpose it was sent for.
        method: HTTP method.
        path: Path without query.
        status: HTTP status, None where no answer came.
        weight: Weight it was charged.
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
    """What one process of this machine used of a counter in the running window.

    Attributes:
        pid: Its number.
        name: What it runs: the notebook of a kernel, or the script.
        here: Whether it is this very process.
        used: Weight of its answered requests.
        in_flight: Weight of those that have not been answered yet.
    """

    pid: int
    name: str
    here: bool
    used: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class RateLimitUsage:
    """State of one counter, which every process of this machine shares.

    Attributes:
        rate_limit: The pool.
        path: The endpoint that has this counter to itself, "" where the pool is shared.
        endpoint: The door of this process that used it last, or else the one that used it first.
        used: Weight used in the running window by everybody on this address, by the server's count
            where it gave one.
        in_flight: Weight of this machine's requests that have not been answered yet.
        limit: Weight allowed in a window.
        resets_at: When the window turns, seconds since 1970.
        history: Start of each recent window (seconds since 1970) and the weight used in it, oldest
            first; the running one is last.
        seconds: Length of a window.
        external: Weight used by programs that do not share this budget, at least.
        own_history: As `history`, of this process alone.
        processes: The processes of this machine that used it in the running window.
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
        """Used share of the limit."""
        return (self.used + self.in_flight) / self.limit

    @property
    def own(self) -> int:
        """Weight of this process's answered requests in the running window."""
        return sum(process.used for process in self.processes if process.here)


@dataclass(frozen=True, slots=True)
class OtherCount:
    """A count the server gave that no pool of ours is charged with, such as orders.

    Attributes:
        host: The host that counts.
        kind: What it counts.
        seconds: Length of its window.
        used: How many, when it was last told.
        limit: How many are allowed, None where that was not told.
        resets_at: When its window turns, seconds since 1970.
    """

    host: Host
    kind: str
    seconds: int
    used: int
    limit: int | None
    resets_at: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a panel shows of a budget.

    Attributes:
        now: When it was taken, seconds since 1970, by the exchange's clock where that was measured: all
            other times are by the same.
        rate_limits: Counters in use.
        calls: Recent calls, oldest first.
        waiting_for: What a request waits for at this moment, "" where nothing waits.
        waiting_until: When it goes on, seconds since 1970.
        paused: Hosts that asked for a pause (429, 503), and when it ends.
        banned_until: When the ban of this address ends, None where there is none.
        other_counts: Counts the servers gave that no pool of ours is charged with, such as orders.
        local_only_reason: Why this process keeps its budget to itself although it should not, "" otherwise.
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
