"""The reads of the accounts panel, their cost and their progress. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.display.formatting import percent, plural, whole

if TYPE_CHECKING:
    from toolkit.client import Link


@dataclass(frozen=True, slots=True)
class Read:
    """One of the reads of a refresh.

    Attributes:
        key: Key of its frame.
        endpoint: Name of its endpoint.
        title: Name shown to the user.
        market: Its market, "" if it has none.
    """

    key: str
    endpoint: str
    title: str
    market: str = ""

    @property
    def is_by_account(self) -> bool:
        """Whether it returns one row for each sub-account."""
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
    """What a refresh costs on one counter; each /sapi endpoint has its own."""

    endpoint: str
    rate_limit: str
    requests: int
    weight: int
    limit: int

    @property
    def used_fraction(self) -> float:
        """The cost as a fraction of the limit per minute."""
        return self.weight / self.limit


@dataclass(frozen=True, slots=True)
class RefreshCost:
    """What some reads cost.

    Attributes:
        counters: The cost on each counter.
        is_exact: Whether the number of sub-accounts is known; otherwise the cost is a minimum.
    """

    counters: tuple[CounterCost, ...]
    is_exact: bool

    @property
    def requests(self) -> int:
        """Number of requests."""
        return sum(counter.requests for counter in self.counters)

    def __str__(self) -> str:
        if not self.is_exact:
            return f"{plural(self.requests, 'request')} or more"
        fullest = max(self.counters, key=lambda counter: counter.used_fraction)
        weight = (
            f"{whole(fullest.weight)} of {whole(fullest.limit)} weight ({percent(fullest.used_fraction)})"
        )
        return f"{plural(self.requests, 'request')} · {weight}"


def refresh_cost(link: Link, accounts: int | None, reads: Iterable[Read] = READS) -> RefreshCost:
    """Estimate what reads cost.

    Args:
        link: The Link.
        accounts: Number of sub-accounts, None if unknown.
        reads: The reads.
    """
    counters: dict[str, CounterCost] = {}
    for read in reads:
        cost = link.estimate_weight(read.endpoint, rows=accounts if read.is_by_account and accounts else 1)
        # Both futures markets use the same counter.
        previous = counters.get(read.endpoint)
        counters[read.endpoint] = CounterCost(
            read.endpoint,
            cost.rate_limit,
            cost.requests + (previous.requests if previous else 0),
            cost.weight + (previous.weight if previous else 0),
            cost.limit,
        )
    return RefreshCost(tuple(counters.values()), is_exact=accounts is not None)


@dataclass(frozen=True, slots=True)
class FetchState:
    """Progress of a fetch that is running, or that stopped before its end.

    Attributes:
        remaining: The reads that are not done, in order; the first is in progress.
        rows: Rows of that read so far.
        accounts: Number of sub-accounts, None if not known yet.
        requests: Requests made so far.
        cost: Cost of all the reads.
        is_fetching: Whether it is running.
    """

    remaining: tuple[Read, ...]
    rows: int
    accounts: int | None
    requests: int
    cost: RefreshCost
    is_fetching: bool

    def read_status(self, key: str) -> str:
        """Status of a read that has no frame yet."""
        if not self.is_fetching:
            return "not fetched"
        if self.remaining and self.remaining[0].key == key:
            return self._row_count()
        return "waiting"

    def _row_count(self) -> str:
        if self.accounts is None:
            return plural(self.rows, "account")
        return f"{self.rows:,} of {plural(self.accounts, 'account')}"

    def __str__(self) -> str:
        if not self.remaining:
            return "Done"
        read = self.remaining[0]
        text = f"{read.title}: {self._row_count()}" if read.is_by_account else read.title
        if not self.cost.is_exact:
            return text
        done = min(self.requests, self.cost.requests)
        return f"{text} · {done:,} of {plural(self.cost.requests, 'request')}"
