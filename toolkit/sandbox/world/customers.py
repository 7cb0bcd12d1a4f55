"""The partner's customers: some sleep for months, some have left, some are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.sandbox.hashing import BoolArray, Int64Array
from toolkit.sandbox.world.people import SeededColumns, join_times
from toolkit.sandbox.world.stream import DAY

_UNNAMED, _SLEEPERS, _LEAVERS = 0.06, 0.3, 0.25
_FOREVER = 2**62
_NAMES = (
    "amara bela carlos dagny emre freya goran hana ilkay jonas kenji lucia "
    "milan nadia omar petra quinn rosa sven tomas uma viktor wanda yusuf"
)


@dataclass(slots=True)
class Customer:
    """A customer who trades through the partner's product.

    Times are in milliseconds. Customers fall asleep, wake up and leave at midnight (UTC), so that trades and
    daily reports agree.

    Attributes:
        id: The customer's id, "" if none was set.
        email: E-mail address.
        joined: When the customer joined; for the newest, this may be later in the present month.
        futures: Whether the customer trades futures.
        asleep: Since when, and until when, the customer does not trade.
        left: When the customer unbound the API key.
    """

    id: str
    email: str
    joined: int
    futures: bool
    asleep: tuple[int, int] | None = None
    left: int | None = None

    @property
    def spot_mask(self) -> str:
        """The e-mail address as spot rebates show it."""
        return f"{self.email[:2]}***@***.{self.email.rpartition('.')[2]}"

    @property
    def futures_id(self) -> str:
        """The customer in futures reports: the id, or a masked address if there is none."""
        return self.id or f"{self.email[:2]}****@{self.email.partition('@')[2]}"


class Attendance:
    """When each of the customers trades."""

    def __init__(self, customers: Sequence[Customer]) -> None:
        never = (_FOREVER, _FOREVER)
        self.joined = np.array([each.joined for each in customers], dtype=np.int64)
        self._asleep = np.array([each.asleep or never for each in customers], dtype=np.int64).reshape(-1, 2)
        self._left = np.array([each.left or _FOREVER for each in customers], dtype=np.int64)

    def trades(self, who: Int64Array, times: Int64Array) -> BoolArray:
        """Whether these customers, by index, trade at these times (ms)."""
        asleep = (self._asleep[who, 0] <= times) & (times < self._asleep[who, 1])
        trades: BoolArray = (self.joined[who] <= times) & ~asleep & (times < self._left[who])
        return trades


def make_customers(seed: int, number: int, start_ms: int, end_ms: int) -> list[Customer]:
    """The partner's customers, in the order they joined, the last near the end.

    One in sixteen has no id. Some sleep for two to six months, some leave for good. Two do neither: the
    first, so that there is always someone who trades, and the first with an id who trades futures, who owns
    a key.
    """
    roll = SeededColumns(seed, "customer", number)
    times = join_times(seed, "customer", number, start_ms, end_ms)
    names = _NAMES.split()
    made: list[Customer] = []
    has_key = False
    labels = ("named", "futures", "sleeps", "since", "for", "leaves", "stays")
    for index, (time, row) in enumerate(zip(times, zip(*map(roll, labels), strict=True), strict=True)):
        named, futures, sleeps, since, length, leaves, stays = row
        name = names[index * 7 % len(names)]
        customer = Customer(
            id="" if named < _UNNAMED else f"{name[:3]}{index + 101:04d}",
            email=f"{name}.{index + 1}@{'post' if named < 0.6 else 'mail'}.example",
            joined=time,
            futures=futures < 0.55,
        )
        made.append(customer)
        if not has_key and customer.id and customer.futures:
            has_key = True
            continue
        if index and sleeps < _SLEEPERS:
            night = _midnight(time, 30 + 540 * since)
            customer.asleep = (night, _midnight(night, 60 + 120 * length))
        if index and leaves < _LEAVERS:
            customer.left = _midnight(time, 45 + 600 * stays)
    return made


def _midnight(time: int, days: float) -> int:
    """The midnight after so many days."""
    return int(time // DAY + 1 + days) * DAY
