"""The reads that the accounts panel makes, what they cost, and how far they are: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.display.formatting import percent, plural, whole

if TYPE_CHECKING:
    from toolkit.client import Link


@dataclass(frozen=True, slots=True)
class Read:
    """One of the reads a refresh makes.

    Attributes:
        key: Where its frame is kept.
        endpoint: Its door.
        title: What it is called.
        market: Its market, "" where it has none.
    """

    key: str
    endpoint: str
    title: str
    market: str = ""

    @property
    def is_by_account(self) -> bool:
        """Whether it has a row for each sub-account."""
        return self.key != "partner"


READS = (
    Read("partner", "exchange.partner", "Partner"),
    Read("accounts", "exchange.sub_accounts", "Sub-accounts"),
    Read("spot", "exchange.spot_balances", "Spot balances"),
    Read("margin", "exchange.margin_balances", "Margin balances"),
    Read("um", "exchange.futures_balances", "USD-M futures", "um"),
    Read("cm", "exchange.futures_balances", "COIN-M futures", "cm"),
)


@dataclass(frozen=True, slots=True)
class CounterCost:
    """What a refresh takes of one counter: an endpoint of /sapi has one to itself."""

    endpoint: str
    rate_limit: str
    requests: int
    weight: int
    limit: int

    @property
    def used_fraction(self) -> float:
        """Its part of what a minute allows."""
        return self.weight / self.limit


@dataclass(frozen=True, slots=True)
class RefreshCost:
    """What some reads cost.

    Attributes:
        counters: What they take of each counter.
        counted: Whether the number of sub-accounts is known; otherwise this is the least they cost.
    """

    counters: tuple[CounterCost, ...]
    counted: bool

    @property
    def requests(self) -> int:
        """Requests they make."""
        return sum(counter.requests for counter in self.counters)

    def __str__(self) -> str:
        if not self.counted:
            return f"{plural(self.requests, 'request')} or more"
        fullest = max(self.counters, key=lambda counter: counter.used_fraction)
        weight = (
            f"{whole(fullest.weight)} of {whole(fullest.limit)} weight ({percent(fullest.used_fraction)})"
        )
        return f"{plural(self.requests, 'request')} · {weight}"


def estimate_weight(link: Link, accounts: int | None, reads: Iterable[Read] = READS) -> RefreshCost:
    """What these reads cost with so many sub-accounts."""
    counters: dict[str, CounterCost] = {}
    for read in reads:
        cost = link.estimate_weight(read.endpoint, rows=accounts if read.is_by_account and accounts else 1)
        # Both futures markets draw on one counter.
        before = counters.get(read.endpoint)
        counters[read.endpoint] = CounterCost(
            read.endpoint,
            cost.rate_limit,
            cost.requests + (before.requests if before else 0),
            cost.weight + (before.weight if before else 0),
            cost.limit,
        )
    return RefreshCost(tuple(counters.values()), counted=accounts is not None)


@dataclass(frozen=True, slots=True)
class FetchState:
    """A fetch under way, or one that has ended before its end.

    Attributes:
        left: The reads that are not done, in order; the first is under way.
        rows: Rows of that one that have arrived.
        accounts: How many sub-accounts there are, None where that is not known yet.
        requests: Requests of the reads that are done.
        of: Requests of all of them.
        is_fetching: Whether it is under way.
    """

    left: tuple[Read, ...]
    rows: int
    accounts: int | None
    requests: int
    of: RefreshCost
    is_fetching: bool

    def so_far(self, key: str) -> str:
        """How far a read has come that has nothing to show yet."""
        if not self.is_fetching:
            return "not fetched"
        if self.left and self.left[0].key == key:
            return self._rows_of()
        return "waiting"

    def _rows_of(self) -> str:
        if self.accounts is None:
            return plural(self.rows, "account")
        return f"{self.rows:,} of {plural(self.accounts, 'account')}"

    def said(self) -> str:
        """How far it is, in words."""
        if not self.left:
            return "Done"
        read = self.left[0]
        text = f"{read.title}: {self._rows_of()}" if read.is_by_account else read.title
        if not self.of.counted:
            return text
        return f"{text} · {min(self.requests, self.of.requests):,} of {plural(self.of.requests, 'request')}"
