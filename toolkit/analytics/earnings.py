"""Everything that a partner earned, in one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias, get_args

import pandas as pd
import pyarrow as pa

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.analytics.choices import some_of
from toolkit.analytics.earnings_notes import Request
from toolkit.analytics.earnings_report import (
    PRICED_AT,
    check_one_source,
    finished,
    partial_of,
    rows_of,
)
from toolkit.analytics.income_frames import Told, ms_of, told_by
from toolkit.analytics.income_reads import Collected, Moment, System, collect
from toolkit.analytics.income_rows import groups_of, row_count
from toolkit.analytics.periods import Period
from toolkit.analytics.periods import period as period_of
from toolkit.analytics.prices import Interval
from toolkit.analytics.valuation import value
from toolkit.client import Link
from toolkit.errors import ToolkitError, UsageError
from toolkit.fetch.settings import checked_numbers
from toolkit.frames.builder import Numbers
from toolkit.planning import When
from toolkit.text.suggestions import did_you_mean, suggests_arguments

Given: TypeAlias = Link | str | pd.DataFrame


@suggests_arguments
def earnings(
    source: Given | Sequence[Given] | Mapping[str, Given | Sequence[pd.DataFrame]],
    period: str | Period | tuple[When, When] | None = "last month",
    currency: str = "USDT",
    *,
    zone: str = "UTC",
    when: Moment = "received",
    at: Interval = "1h",
    prices: pd.DataFrame | None = None,
    at_par: Sequence[str] | Mapping[str, str] = (),
    renamed: Mapping[str, str | tuple[str, Decimal | int]] | None = None,
    systems: Sequence[str] = ("exchange", "spot", "futures"),
    numbers: Numbers = "exact",
    link: Link | None = None,
) -> pd.DataFrame:
    """Everything that a partner earned in a period, valued in one currency; one row for each income.

    Rebates of Exchange Link (spot, USD-M, COIN-M) and of Link and Trade (spot) have a row for each trade;
    those of Link and Trade (futures) have one for each day and customer. Each income is told once: where two
    reads tell the same money, one of them counts. Customers' kickbacks, and bookings of the account whose key
    asks, are no earnings of a partner.

    A Link is asked for exchange.rebates, exchange.futures_rebates, spot.rebates, futures.rebates and
    futures.traders, of both markets, with as many requests as these take for the period; each of the four
    futures reads has a weight of 100 of the rate limit fapi. A read that the key may not call is named in the
    notes, and the rest is fetched. Prices come from `link.market`, as `value()` says.

    Args:
        source: A Link, or the name of a profile; a list of several, each of another account, or a dict of
            them by names that you give the accounts. Or frames of these reads: fetched, read from a file or
            made by hand. A frame that does not say which read it comes from is named:
            `earnings({"exchange.rebates": frame})`. A list may have both.
        period: As for `period()`, such as "last month", "2026-10", "MTD", "-30D" or two dates. With frames,
            None takes all rows.
        currency: What the amounts are valued in, such as "USDT", "EUR" or "BTC".
        zone: The time zone of the period. Days of Link and Trade (futures) are UTC days: those that begin in
            the period count as a whole, and a note says so where that matters.
        when: "received" counts a rebate when it was paid, where the exchange tells that (spot.rebates), as
            tax offices ask for; "traded" counts it when the trade happened. It is also the time of the price.
        at: Length of the candles that the prices are from, such as "1h" or "1d".
        prices: Your own prices, which go before those of the market; as for `value()`.
        at_par: Stable coins that count as one unit of their own currency; as for `value()`.
        renamed: Further assets with a new name; as for `value()`.
        systems: Which systems to ask a Link for: "exchange", "spot", "futures".
        numbers: Amounts that are fetched as "exact" or "float" columns. Frames keep theirs.
        link: The Link whose prices are used, if the source has none.

    Returns:
        A DataFrame with the columns

        - time (time): When it counts: when it was received or traded, by `when`; the day's start for days.
        - traded_at (time): Time of the trade; missing for days.
        - account (text): Whose it is: `attrs["account"]` of its frame, or the name that you gave.
        - system (text): "exchange", "spot" or "futures".
        - kind (text): "spot_rebate", "um_rebate" or "cm_rebate".
        - granularity (text): "trade" or "day".
        - asset (text): Asset of the amount; "USD" for days of COIN-M.
        - amount (amount): What was earned, in `asset`.
        - price (amount): Price of one unit, in `currency`; that at the end of the day for days.
        - price_time (time): When that price was made.
        - priced_by (text): The markets that it is from.
        - value (amount): The amount in `currency`; missing where there is no price.
        - customer_id (id): Missing for sub-accounts, and for what the exchange tells of no customer.
        - sub_account_id (id): Missing for customers.
        - symbol (text): Symbol of the trade; missing for days.
        - trade_id (id): Id of the trade; missing for days.
        - endpoint (text): The read that the row comes from, such as "spot.rebates".

        Oldest first. `attrs` say of which period, accounts and reads it is ("sources", with what was left out
        and why), whether all of it is there ("complete", "missing"), what has no value ("unvalued"), and what
        a reader has to know ("notes").

    Raises:
        UsageError: An argument is invalid, two Links are of one account, or a frame tells of something else.
            Nothing was sent.
        CredentialsError: The key may call none of the reads.
        ToolkitError: A read failed in another way; `partial` has the earnings fetched until then, not valued.

    Example:
        >>> toolkit.analytics.earnings(link, "last month", "EUR")
        >>> toolkit.analytics.earnings([rebates, traders], "2026-10", link=link)
    """
    if when not in get_args(Moment):
        question = did_you_mean(when, get_args(Moment))
        raise UsageError(f'`when` must be "received" or "traded", not {when!r}.{question}')
    number_type = EXACT_TYPE if checked_numbers(numbers) == "exact" else pa.float64()
    chosen = some_of(get_args(System), systems, "systems")
    given = _given(source)
    if period is None and given.links:
        raise UsageError('`period` is missing: say which one, such as "last month". Only frames need none.')
    asked = None if period is None else period_of(period, zone=zone)
    now = ms_of(pd.Timestamp.now("UTC"))
    request = Request(period=asked, currency=currency, when=when, at=at, now=now)
    collected = Collected(list(given.told))
    with ExitStack() as opened:
        links = [
            (opened.enter_context(Link(each)) if isinstance(each, str) else each, name)
            for each, name in given.links
        ]
        options: dict[str, Any] = {
            "link": link or (links[0][0] if links else None),
            "prices": prices,
            "at": at,
            "at_par": at_par,
            "renamed": renamed,
            "time": PRICED_AT,
        }
        value(
            rows_of([], request, number_type), currency, **options
        )  # refuses bad arguments: nothing is sent
        _check_accounts([each for each, _ in links])
        check_one_source(collected.told, [each.source for each, _ in links])
        try:
            if (span := request.span) is not None:
                for each, name in links:
                    collect(each, span, collected, systems=chosen, when=when, numbers=numbers, name=name)
            groups = groups_of(collected.counting, request.span, when)
            frame = value(rows_of(groups, request, number_type), currency, **options)
        except BaseException as error:
            if given.links and collected.told:
                _keep_partial(error, collected, request)
            raise
    return finished(frame, groups, collected, request)


@dataclass(slots=True)
class _Given:
    """The argument `source`, sorted out.

    Attributes:
        links: Links and names of profiles, each with the name that the user gave the account.
        told: The frames.
    """

    links: list[tuple[Link | str, str | None]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def add(self, each: object, *, name: str | None = None) -> None:
        if isinstance(each, Link | str):
            self.links.append((each, name))
        else:
            self.told.append(told_by(each))


def _given(source: object) -> _Given:
    given = _Given()
    if isinstance(source, Mapping):
        for name, each in source.items():
            if isinstance(each, Link | str):
                given.add(each, name=str(name))
                continue
            for frame in each if isinstance(each, list | tuple) else [each]:
                given.told.append(told_by(frame, str(name)))
    elif isinstance(source, list | tuple):
        for each in source:
            given.add(each)
    else:
        given.add(source)
    if not (given.links or given.told):
        raise UsageError("`source` is empty: give a Link, the name of a profile, or frames.")
    return given


def _check_accounts(links: Sequence[Link]) -> None:
    """Two Links of one account would tell its income twice.

    Raises:
        UsageError: There are two.
    """
    if len(links) < 2:
        return
    found: dict[object, int] = {}
    for number, each in enumerate(links):
        account: object = each
        with suppress(ToolkitError):  # it is not known then, and the Link counts as one of another account
            account = each.account_id()
        if account in found:
            raise UsageError(
                f"Links {found[account] + 1} and {number + 1} are of the same account, whose income would "
                "count twice. Give each account once."
            )
        found[account] = number


def _keep_partial(error: BaseException, collected: Collected, request: Request) -> None:
    """Give an error the earnings that were fetched before it; they are not valued."""
    with suppress(ToolkitError):
        partial = partial_of(collected, request)
        error.partial = partial  # type: ignore[attr-defined]
        if isinstance(error, KeyboardInterrupt):
            error.args = (
                f"Interrupted. {row_count(len(partial))} of earnings had been fetched, and are not valued: "
                "`sys.last_value.partial` has them.",
            )
