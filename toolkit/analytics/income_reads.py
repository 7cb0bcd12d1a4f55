"""Fetches what a partner earned: every read that counts, through a Link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

import pandas as pd
import pyarrow.compute as pc

from toolkit.analytics.income_frames import Told, time_array, told_by
from toolkit.analytics.sources import SOURCES, Market, Source
from toolkit.errors import CredentialsError, NoKeyError, ToolkitError
from toolkit.frames.builder import Numbers
from toolkit.planning.spans import Span

if TYPE_CHECKING:
    from toolkit.client import Link

System = Literal["exchange", "spot", "futures"]
Moment = Literal["received", "traded"]

DAY = 86_400_000
SEARCHED_MS = 3 * DAY
"""Rows paid in a period are searched at least this long before it."""

_MOST_SEARCHED_MS = 90 * DAY


@dataclass(frozen=True, slots=True)
class Refusal:
    """A read that the exchange refused.

    Attributes:
        source: The read.
        market: Its market.
        account: Whose key it was, None if that is not known.
        error: What the exchange said.
    """

    source: Source
    market: Market
    account: str | None
    error: ToolkitError


@dataclass(slots=True)
class Collected:
    """What has been fetched so far.

    Attributes:
        told: The frames.
        refused: The reads that were refused.
    """

    told: list[Told] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def counting(self) -> list[Told]:
        """The frames of reads that count."""
        return [each for each in self.told if each.source.counts]


def collect(
    link: Link,
    span: Span,
    into: Collected,
    *,
    systems: Sequence[System],
    when: Moment,
    numbers: Numbers,
    name: str | None = None,
) -> None:
    """Fetch everything that counts in a period.

    A read that the key may not call is recorded as refused, as long as another one is not.

    Args:
        link: The Link.
        span: The period.
        into: What is fetched is added to it, read by read.
        systems: The systems to fetch from.
        when: Whether income counts when it was received or when the trade happened.
        numbers: Amounts as "float" or "exact".
        name: The name that the user gave the account.

    Raises:
        ToolkitError: A read failed; what came before is in `into`.
    """
    fetched, refused = len(into.told), len(into.refused)
    for source in SOURCES:
        if not source.counts or source.declaration.system not in systems:
            continue
        for market in source.kinds:
            read = _IncomeRead(link, source, market, numbers, name, into)
            try:
                if source.endpoint == "spot.rebates" and when == "received":
                    _fetch_paid(read, span)
                elif source.granularity == "day":
                    # Days that begin in the period: a row is a whole day.
                    first = -(-span.start // DAY) * DAY
                    if first <= span.end:
                        read.fetch(first, span.end)
                else:
                    read.fetch(span.start, span.end)
            except (CredentialsError, NoKeyError) as error:
                into.refused.append(Refusal(source, market, name, error))
    if len(into.told) == fetched and len(into.refused) > refused:
        raise into.refused[refused].error


@dataclass(frozen=True, slots=True)
class _IncomeRead:
    link: Link
    source: Source
    market: Market
    numbers: Numbers
    name: str | None
    into: Collected

    def fetch(self, start: int, end: int) -> Told:
        """Fetch a span of milliseconds; an error leaves what came before it."""
        read = attrgetter(self.source.endpoint)(self.link)
        market = {"market": self.market} if self.market else {}
        try:
            frame = read(start=start, end=end, numbers=self.numbers, **market)
        except BaseException as error:
            partial = getattr(error, "partial", None)
            if isinstance(partial, pd.DataFrame):
                self._keep(partial, told_by(partial).covered)
            raise
        return self._keep(frame, (Span(start, end),))

    def _keep(self, frame: pd.DataFrame, covered: tuple[Span, ...] | None) -> Told:
        told = replace(told_by(frame, name=self.name), market=self.market, covered=covered)
        self.into.told.append(told)
        return told


def _fetch_paid(read: _IncomeRead, span: Span) -> None:
    """Fetch the rebates that were paid in a span: their trades happened in it, or some time before.

    How late a rebate can be paid is not documented. The trades are searched back for at least three days, and
    for as long as the longest delay that any of the rows shows.
    """
    first = span.start - SEARCHED_MS
    delay = largest_delay(read.fetch(first, span.end).frame)
    while span.start - delay < first and span.start - first < _MOST_SEARCHED_MS:
        earlier = max(span.start - delay, span.start - _MOST_SEARCHED_MS)
        delay = max(delay, largest_delay(read.fetch(earlier, first - 1).frame))
        first = earlier


def largest_delay(frame: pd.DataFrame) -> int:
    """The longest time from a trade to the payment of its rebate, in milliseconds; 0 if none is told."""
    if not {"time", "distribute_time"} <= set(frame.columns):
        return 0
    found = pc.max(pc.subtract(time_array(frame["distribute_time"]), time_array(frame["time"]))).as_py()
    return max(found or 0, 0)
