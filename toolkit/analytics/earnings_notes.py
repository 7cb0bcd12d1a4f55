"""What a reader of earnings has to know, in plain sentences; and what may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyarrow.compute as pc

from toolkit.analytics.income_frames import ms_of, uncovered
from toolkit.analytics.income_reads import DAY, SEARCHED_MS, Collected
from toolkit.analytics.income_rows import Group, read_name, row_count
from toolkit.analytics.periods import Period
from toolkit.analytics.sources import SOURCES
from toolkit.planning.spans import Span, iso

# An account that has been quiet for so long may be one whose older rows are no longer kept.
_QUIET_MS = 7 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes:
        period: The period, None for all rows of the frames.
        currency: What the rows are valued in.
        when: "received" or "traded".
        at: Length of the candles of the prices.
        now: This machine's time in milliseconds.
    """

    period: Period | None
    currency: str
    when: str
    at: str
    now: int

    @property
    def span(self) -> Span | None:
        """The period in milliseconds."""
        return None if self.period is None else Span(ms_of(self.period.start), ms_of(self.period.end))


def missing_of(group: Group, request: Request) -> list[list[str | None]]:
    """The spans of which rows of a group may be missing, each with its name and ends."""
    span = request.span
    if span is None:
        known = [each.covered for each in group.told if not each.narrowed]
        are_complete = len(known) == len(group.told) and all(
            each.frame.attrs.get("complete") is True for each in group.told
        )
        return [] if are_complete else [[group.name, None, None]]
    start, end = span.start, min(span.end, request.now)
    if group.source.granularity == "day":
        start = first_day(start)
    elif request.when == "received":
        start -= group.delay
    if start > end:
        return []
    covered = [part for each in group.told if not each.narrowed for part in each.covered or ()]
    return [[group.name, iso(each.start), iso(each.end)] for each in uncovered(covered, Span(start, end))]


def first_day(start: int) -> int:
    """The first UTC midnight that is not before a time."""
    return -(-start // DAY) * DAY


# -- notes ---------------------------------------------------------------------------------------------


def notes_of(groups: Sequence[Group], collected: Collected, request: Request) -> list[str]:
    """What a reader of the sheet has to know, in plain sentences."""
    notes = [_basis(groups, request)]
    notes += _about_days(groups, request)
    if request.period is not None and not request.period.is_over:
        notes.append("The period is not over: what is earned later is not in it.")
    for group in groups:
        notes += group.notes
        notes += [f"{group.name}: {text}" for text in _left_out(group)]
        notes += [f"{group.name}: {text}" for text in _about_frames(group, request)]
    for refusal in collected.refused:
        name = read_name(refusal.source, refusal.market, refusal.account)
        notes.append(
            f"{name} was refused, so none of its income is in the total. If the account does not take part "
            f"in this programme, leave it out with systems=. {refusal.error}"
        )
    for source in (each.source for each in collected.told if not each.source.counts):
        same = ""
        if source.same_as:
            same = f" It tells the same money as {' and '.join(source.same_as)}."
        notes.append(f"{source.endpoint} does not count: {source.why[:1].lower()}{source.why[1:]}{same}")
    given = {each.source.endpoint for each in groups} | {each.source.endpoint for each in collected.refused}
    absent = [each.endpoint for each in SOURCES if each.counts and each.endpoint not in given]
    if absent:
        notes.append(f"Not in the total, because not asked for or not given: {', '.join(absent)}.")
    return notes


def _basis(groups: Sequence[Group], request: Request) -> str:
    if request.when == "traded":
        return "Income counts, and is valued, when the trade happened."
    others = sorted({each.source.endpoint for each in groups} - {"spot.rebates"})
    text = "Income counts, and is valued, when it was received."
    if others:
        trades = [each for each in others if not each.startswith("futures.")]
        if trades:
            text += f" {' and '.join(trades)} do not tell when that was: there it is the time of the trade."
    return text


def _about_days(groups: Sequence[Group], request: Request) -> list[str]:
    if not any(each.source.granularity == "day" for each in groups):
        return []
    notes = [
        "Income of futures.rebates and futures.traders is told by UTC day (COIN-M in USD), and valued at the "
        "end of the day."
    ]
    span = request.span
    if request.period is not None and span is not None and not request.period.is_whole_days:
        first, last = first_day(span.start), span.end // DAY * DAY
        days = f"from {iso(first)[:10]} to {iso(last)[:10]}" if first <= last else "none"
        notes.append(
            f'The period is not one of whole UTC days ("{request.period.name}", {request.period.zone}), and '
            f"daily rows cannot be cut: the days that begin in it count as a whole ({days}). For whole days "
            'say zone="UTC" and a month or dates.'
        )
    return notes


def _left_out(group: Group) -> list[str]:
    texts = {
        "paid after the period": "traded in the period and paid after it, which counts later",
        "not yet paid": "without a time of payment, which counts once it is paid",
        "pending": "pending (status 0); once successful, a row counts at the time of its trade, so repeat "
        "this report",
        "failed": "failed (status 2)",
        "of another status": "of a status that is not documented",
    }
    return [
        f"{row_count(each.rows)} not counted: {texts[reason]} ({_amounts_text(each.amounts)})."
        for reason, each in group.left_out.items()
    ]


def _amounts_text(amounts: Mapping[str, str]) -> str:
    """Sums of several assets in one line."""
    return ", ".join(f"{amount} {asset}" for asset, amount in sorted(amounts.items()))


def _about_frames(group: Group, request: Request) -> list[str]:
    notes = []
    span = request.span
    if group.source.endpoint == "spot.rebates" and group.delay:
        delay = timedelta(seconds=group.delay // 1000)
        text = f"the longest time from a trade to its payment is {delay} in these rows"
        if request.when == "received" and span is not None:
            searched = iso(span.start - max(SEARCHED_MS, group.delay))[:16].replace("T", " ")
            is_searched = all(each.covered for each in group.told)
            text += f"; trades since {searched} UTC were searched" if is_searched else ""
        notes.append(f"{text}. How late a payment can come is not documented.")
    if group.repeated:
        notes.append(f"{row_count(group.repeated)} that two frames have in common count once.")
    narrowed = sorted({f"{name}={value}" for each in group.told for name, value in each.narrowed.items()})
    if narrowed:
        notes.append(f"only rows with {', '.join(narrowed)} were fetched.")
    elif any(each.covered is None for each in group.told):
        notes.append("whether all rows are there is not known: a frame does not say what it was fetched for.")
    elif missing_of(group, request):
        notes.append("rows are missing or may be; the attribute `missing` has the spans.")
    if span is not None and group.table.num_rows and not narrowed:
        first = pc.min(group.table["time"]).as_py()
        if first - span.start >= _QUIET_MS:
            notes.append(
                f"there is no row before {iso(first)[:10]}. How long the exchange keeps rows is not "
                "documented, so this does not prove that nothing was earned."
            )
    if group.source.endpoint == "exchange.futures_rebates" and group.table.num_rows and not narrowed:
        notes.append(
            "rebates that are not from the partner's own sub-accounts are in it, if there are any: the "
            "exchange leaves them out with filter_result=True."
        )
    return notes
