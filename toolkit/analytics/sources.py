"""Which read tells of which income, and which of them counts: one table, for code and documentation alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint

Market = Literal["", "um", "cm"]
Role = Literal["counts", "told twice", "not a partner's"]

EARNED = 1
"""Status of a rebate of Exchange Link that was paid: 0 is pending, 1 successful, 2 failed."""

PAYMENTS_TOLD_SINCE = 1_764_028_800_000
"""2025-11-25: since then the rebates of Link and Trade (Spot) say when they were paid (`distribute_time`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A read that tells of income.

    Attributes:
        endpoint: Name of the read.
        role: Whether its rows count in a total.
        kinds: Kind of the income by market; "" where the read has no markets.
        granularity: What a row is about.
        amount: Column of the amount.
        asset: Column of its asset.
        why: Why it counts, or why not.
        same_as: The reads that tell of the same money and count.
    """

    endpoint: str
    role: Role
    why: str
    kinds: Mapping[Market, str] = field(default_factory=dict)
    granularity: Literal["trade", "day"] = "trade"
    amount: str = "income"
    asset: str = "asset"
    same_as: tuple[str, ...] = ()

    @property
    def declaration(self) -> Endpoint:
        """The declaration of the read."""
        return ENDPOINTS_BY_NAME[self.endpoint]

    @property
    def counts(self) -> bool:
        """Whether its rows count in a total."""
        return self.role == "counts"


_FUTURES_KINDS: Mapping[Market, str] = MappingProxyType({"um": "um_rebate", "cm": "cm_rebate"})

SOURCES: tuple[Source, ...] = (
    Source(
        endpoint="exchange.rebates",
        role="counts",
        kinds=MappingProxyType({"": "spot_rebate"}),
        why="Exchange Link, spot: the partner's share of what its sub-accounts paid, a row a trade. Rows "
        "with status 1 (successful) count; pending (0) and failed (2) ones are named in the notes.",
    ),
    Source(
        endpoint="exchange.futures_rebates",
        role="counts",
        kinds=_FUTURES_KINDS,
        why="Exchange Link, futures: as `exchange.rebates`, for USD-M and COIN-M.",
    ),
    Source(
        endpoint="spot.rebates",
        role="counts",
        kinds=MappingProxyType({"": "spot_rebate"}),
        why="Link and Trade, spot: the partner's share of what its customers paid, a row a trade.",
    ),
    Source(
        endpoint="futures.rebates",
        role="counts",
        kinds=_FUTURES_KINDS,
        granularity="day",
        amount="rebate_vol",
        asset="unit",
        why="Link and Trade, futures: the total of each day and unit, USD-M and COIN-M.",
    ),
    Source(
        endpoint="futures.traders",
        role="counts",
        kinds=_FUTURES_KINDS,
        granularity="day",
        amount="rebate_vol",
        asset="unit",
        why="The same days by customer: it says whose the total of `futures.rebates` is. What differs stays "
        "visible, as a row without a customer.",
    ),
    Source(
        endpoint="spot.rebate_history",
        role="told twice",
        amount="amount",
        same_as=("spot.rebates",),
        why="The same money, as it was booked.",
    ),
    Source(
        endpoint="futures.income",
        role="told twice",
        same_as=("futures.rebates", "exchange.futures_rebates"),
        why="The same money as bookings (API_REBATE, COMMISSION_REBATE, REFERRAL_KICKBACK), beside all else "
        "that is booked on the account.",
    ),
    Source(
        endpoint="futures.overview",
        role="told twice",
        granularity="day",
        amount="total_rebate_vol",
        asset="unit",
        same_as=("futures.rebates",),
        why="Totals since the partner's start.",
    ),
    Source(
        endpoint="spot.kickbacks",
        role="not a partner's",
        why="The customer's own share: it belongs to the account whose key asks.",
    ),
    Source(
        endpoint="portfolio.um_income",
        role="not a partner's",
        why="Bookings of the account whose key asks.",
    ),
    Source(
        endpoint="portfolio.cm_income",
        role="not a partner's",
        why="Bookings of the account whose key asks.",
    ),
)

SOURCES_BY_ENDPOINT: Mapping[str, Source] = MappingProxyType({each.endpoint: each for each in SOURCES})
