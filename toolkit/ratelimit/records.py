"""What is read from the record of the rate limits, and written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.ratelimit.counting import Counter

ALL_HOSTS = ""
"""Instead of a host: a halt of all of them."""


class CounterKey(NamedTuple):
    """What names a counter."""

    rate_limit: str
    path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Backoff:
    """Nothing is to be sent for a while.

    Attributes:
        host: Where to; EVERYWHERE for all hosts (a ban).
        left: Seconds it still lasts.
    """

    host: str
    left: float


@dataclass(frozen=True, slots=True)
class ReportedLimit:
    """A limit as the exchange told it.

    Attributes:
        kind: What is counted: "weight" or "orders".
        seconds: Length of the window.
        most: How much is allowed in one.
    """

    kind: str
    seconds: int
    most: int


@dataclass(frozen=True, slots=True)
class CounterState:
    """Everything known of one counter.

    Attributes:
        key: Which one.
        endpoint: The door that used it first.
        counter: Its state, as last written.
        history: Weight used by window.
    """

    key: CounterKey
    endpoint: str
    counter: Counter
    history: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ObservedCount:
    """A count that no pool is charged with, such as orders."""

    host: str
    kind: str
    seconds: int
    window: int
    used: int
