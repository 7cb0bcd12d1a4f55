"""What is read from the record of the rate limits, and written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.wire.ledger.counting import Counter

EVERYWHERE = ""
"""Instead of a host: a halt of all of them."""


class Key(NamedTuple):
    """What names a counter."""

    pool: str
    path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing is to be sent for a while.

    Attributes:
        host: Where to; EVERYWHERE for all hosts (a ban).
        left: Seconds it still lasts.
    """

    host: str
    left: float


@dataclass(frozen=True, slots=True)
class Rule:
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
class Page:
    """Everything known of one counter.

    Attributes:
        key: Which one.
        door: The door that used it first.
        counter: Its state, as last written.
        history: Weight used by window.
    """

    key: Key
    door: str
    counter: Counter
    history: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Other:
    """A count that no pool is charged with, such as orders."""

    host: str
    kind: str
    seconds: int
    window: int
    used: int
