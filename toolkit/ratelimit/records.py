"""Records that are read from the rate-limit store and written to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.ratelimit.counting import Counter

ALL_HOSTS = ""
"""In place of a host: a back-off that applies to all of them (a ban)."""


class CounterKey(NamedTuple):
    """Key of a counter.

    Attributes:
        rate_limit: Name of the rate limit.
        path: Path of the endpoint that has the counter to itself, "" where all endpoints share it.
        seconds: Length of its window.
    """

    rate_limit: str
    path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Backoff:
    """A pause during which nothing is sent to a host.

    Attributes:
        host: The host; `ALL_HOSTS` for a ban.
        seconds_left: Seconds until it ends.
    """

    host: str
    seconds_left: float


def seconds_left(backoffs: Iterable[Backoff], host: str) -> float:
    """Return the seconds left of a host's back-off; 0 where there is none."""
    return max((backoff.seconds_left for backoff in backoffs if backoff.host == host), default=0.0)


@dataclass(frozen=True, slots=True)
class ReportedLimit:
    """A limit as the exchange reported it.

    Attributes:
        kind: What is counted: "weight" or "orders".
        seconds: Length of the window.
        limit: How much is allowed in one window.
    """

    kind: str
    seconds: int
    limit: int


@dataclass(frozen=True, slots=True)
class CounterState:
    """The stored state of one counter.

    Attributes:
        key: Key of the counter.
        endpoint: The endpoint that used it first.
        counter: Its state, as last written.
        history: Weight used in each recent window, by number of the window.
    """

    key: CounterKey
    endpoint: str
    counter: Counter
    history: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ObservedCount:
    """A count reported by the exchange that belongs to none of our rate limits, such as orders.

    Attributes:
        host: The host that counts.
        kind: What it counts.
        seconds: Length of the window.
        window: Number of the window.
        used: The count.
    """

    host: str
    kind: str
    seconds: int
    window: int
    used: int


class StoreContents(NamedTuple):
    """Everything in the store.

    Attributes:
        counters: All counters.
        other_counts: Counts that belong to none of our rate limits.
        processes: Pid and name of each process, by its number in the store.
        own_process: Number of this process in the store.
    """

    counters: list[CounterState]
    other_counts: list[ObservedCount]
    processes: dict[int, tuple[int, str]]
    own_process: int
