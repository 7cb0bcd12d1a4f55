"""The frame of earnings: its rows, and what its attrs tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.analytics.income_frames import TEXT, TEXTS, Told, ms_of, uncovered
from toolkit.analytics.income_reads import DAY, SEARCHED_MS, Collected
from toolkit.analytics.income_rows import Group, groups_of, read_name, row_count
from toolkit.analytics.periods import Period
from toolkit.analytics.sources import SOURCES
from toolkit.errors import UsageError
from toolkit.planning.spans import Span, iso

COLUMNS = (
    "time",
    "traded_at",
    "account",
    "system",
    "kind",
    "granularity",
    "asset",
    "amount",
    "price",
    "price_time",
    "priced_by",
    "value",
    "customer_id",
    "sub_account_id",
    "symbol",
    "trade_id",
    "endpoint",
)
"""The columns of earnings, in their order."""

PRICED_AT = "priced_at"
"""A column that is there until the rows are valued: the time of the price."""

_TIMES = pa.timestamp("ms", tz="UTC")
_PANDAS_TYPES: Mapping[pa.DataType, Any] = {TEXT: pd.StringDtype(), EXACT_TYPE: ExactDtype()}
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


# -- rows ----------------------------------------------------------------------------------------------


def rows_of(groups: Sequence[Group], request: Request, number_type: pa.DataType) -> pd.DataFrame:
    """The rows of all groups, oldest first, without a value yet.

    Args:
        groups: The groups.
        request: What was asked for.
        number_type: Type of the amounts, if there are none.
    """
    columns = ("time", "traded_at", "amount", *TEXTS)
    tables = [each.table.select(columns) for each in groups]
    if tables:
        number_type = tables[0]["amount"].type
    codes = np.repeat(np.arange(len(tables), dtype=np.int16), [each.num_rows for each in tables])
    together = pa.concat_tables(
        [*tables, _no_rows(columns, number_type)][: max(len(tables), 1)]
    ).combine_chunks()
    times = together["time"].to_numpy()
    if (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        together, codes, times = together.take(pa.array(order)), codes[order], times[order]
    is_day = np.array([each.source.granularity == "day" for each in groups], bool)[codes]
    of_group = pa.array(codes)
    arrays = {
        "time": pa.array(times),
        "traded_at": pc.if_else(pa.array(is_day), pa.scalar(None, pa.int64()), together["traded_at"]),
        "account": _repeated([each.account for each in groups], of_group),
        "system": _repeated([each.source.declaration.system for each in groups], of_group),
        "kind": _repeated([each.kind for each in groups], of_group),
        "granularity": _repeated([each.source.granularity for each in groups], of_group),
        **{name: together[name] for name in ("asset", "amount", *TEXTS[1:])},
        "endpoint": _repeated([each.source.endpoint for each in groups], of_group),
        # A day is priced at its end, or now if it is not over.
        PRICED_AT: pa.array(np.where(is_day, np.minimum(times + DAY, max(request.now, 0)), times)),
    }
    for name in ("time", "traded_at", PRICED_AT):
        arrays[name] = arrays[name].cast(_TIMES)
    frame: pd.DataFrame = pa.table(arrays).to_pandas(types_mapper=_PANDAS_TYPES.get)
    return frame


def _no_rows(columns: Iterable[str], number_type: pa.DataType) -> pa.Table:
    types = {"time": pa.int64(), "traded_at": pa.int64(), "amount": number_type}
    return pa.table({name: pa.array([], types.get(name, TEXT)) for name in columns})


def _repeated(texts: Sequence[str | None], codes: pa.Array) -> pa.Array:
    """One text for each group, at each of its rows."""
    return pa.array(texts, TEXT).take(codes)


def without_value(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with the columns of a valuation that has not happened."""
    missing = frame["amount"].isna().array
    no_times = pd.array(np.full(len(missing), np.datetime64("NaT", "ms")))
    empty = pd.Series([None] * len(frame), dtype=frame["amount"].dtype)
    return frame.assign(
        price=empty,
        price_time=pd.Series(no_times).dt.tz_localize("UTC"),
        priced_by=pd.Series([None] * len(frame), dtype=pd.StringDtype()),
        value=empty,
    )


# -- attrs ---------------------------------------------------------------------------------------------


def finished(
    frame: pd.DataFrame,
    groups: Sequence[Group],
    collected: Collected,
    request: Request,
    *,
    is_partial: bool = False,
) -> pd.DataFrame:
    """The columns of earnings in their order, with attrs that tell what they are."""
    valuation = frame.attrs
    missing = [each for group in groups for each in _missing(group, request)]
    span = request.span
    several = len({each.account for each in groups}) > 1
    for each in collected.refused:
        name = read_name(each.source, each.market, each.account if several else None)
        missing.append([name, *_ends(span)])
    if is_partial and not missing:
        missing.append(["what was not fetched", *_ends(span)])
    sources = [
        *map(_source_entry, groups),
        *(
            {
                "endpoint": each.source.endpoint,
                **({"market": each.market} if each.market else {}),
                "account": each.account,
                "rows": 0,
                "counted": 0,
                "counts": True,
                "complete": False,
                "refused": str(each.error),
            }
            for each in collected.refused
        ),
        *map(_other_entry, _others(collected)),
    ]
    for entry, group in zip(sources, groups, strict=False):
        entry["complete"] = not _missing(group, request)
    told = [each for group in groups for each in group.told]
    accounts = sorted({each.account for each in groups if each.account is not None})
    frame = frame[list(COLUMNS)]
    frame.attrs = {
        "analytics": "earnings",
        "source": _kind_of_source(collected.told),
        "accounts": accounts,
        "period": _period_dict(request, frame),
        "currency": request.currency,
        "when": request.when,
        "at": request.at,
        "complete": not missing,
        "missing": missing,
        "unvalued": valuation.get("unvalued", {}),
        "valuation": valuation.get("valuation", {}),
        "fetched_at": max((_text_of(each, "fetched_at") for each in told), default="") or None,
        "requests": sum(_number_of(each, "requests") for each in told),
        "weight": sum(_number_of(each, "weight") for each in told),
        "sources": sources,
        "notes": _notes(frame, groups, collected, request),
    }
    return frame


def check_one_source(told: Iterable[Told], links: Iterable[str]) -> None:
    """Real income and that of a sandbox are not put together.

    Args:
        told: The frames.
        links: The sources of the Links, "live" or "sandbox".

    Raises:
        UsageError: There are both.
    """
    if {"live", "sandbox"} <= {*links, *(each.frame.attrs.get("source") for each in told)}:
        raise UsageError("Some rows are of the real exchange and others of a sandbox. Report them separately.")


def _kind_of_source(told: Iterable[Told]) -> str | None:
    found = {each.frame.attrs.get("source") for each in told if each.source.counts} & {"live", "sandbox"}
    return found.pop() if len(found) == 1 else None


def _others(collected: Collected) -> list[Told]:
    return [each for each in collected.told if not each.source.counts]


def _source_entry(group: Group) -> dict[str, Any]:
    narrowed = {name: value for each in group.told for name, value in each.narrowed.items()}
    return {
        "endpoint": group.source.endpoint,
        **({"market": group.market} if group.market else {}),
        "account": group.account,
        "rows": group.rows,
        "counted": group.table.num_rows,
        "counts": True,
        "complete": False,
        "fetched_at": max((_text_of(each, "fetched_at") for each in group.told), default="") or None,
        **({"repeated": group.repeated} if group.repeated else {}),
        **({"only": {name: str(value) for name, value in narrowed.items()}} if narrowed else {}),
        **({"longest_delay_s": group.delay / 1000} if group.source.endpoint == "spot.rebates" else {}),
        "left_out": {
            reason: {"rows": each.rows, "amounts": dict(each.amounts)}
            for reason, each in group.left_out.items()
        },
    }


def _other_entry(told: Told) -> dict[str, Any]:
    return {
        "endpoint": told.source.endpoint,
        "account": told.account,
        "rows": len(told.frame),
        "counted": 0,
        "counts": False,
        "complete": told.frame.attrs.get("complete") is True,
        "fetched_at": _text_of(told, "fetched_at") or None,
        "why": told.source.why,
        **({"same_as": list(told.source.same_as)} if told.source.same_as else {}),
    }


def _text_of(told: Told, name: str) -> str:
    return str(told.frame.attrs.get(name) or "")


def _number_of(told: Told, name: str) -> int:
    number = told.frame.attrs.get(name)
    return number if isinstance(number, int) else 0


def _period_dict(request: Request, frame: pd.DataFrame) -> dict[str, Any]:
    if request.period is not None:
        return request.period.to_dict()
    ends = [frame["time"].min(), frame["time"].max()] if len(frame) else [None, None]
    start, end = (None if each is None else each.isoformat(timespec="milliseconds") for each in ends)
    return {"name": "all rows", "start": start, "end": end, "zone": "UTC", "is_over": True}


def _ends(span: Span | None) -> list[str | None]:
    return [None, None] if span is None else [iso(span.start), iso(span.end)]


def _missing(group: Group, request: Request) -> list[list[str | None]]:
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


def _notes(
    frame: pd.DataFrame, groups: Sequence[Group], collected: Collected, request: Request
) -> list[str]:
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
            f"{name} was refused, so none of its income is in the total. If the account does not take part in "
            f"this programme, leave it out with systems=. {refusal.error}"
        )
    for other in _others(collected):
        same = f" It tells the same money as {' and '.join(other.source.same_as)}." if other.source.same_as else ""
        notes.append(f"{other.source.endpoint} does not count: {_first_lower(other.source.why)}{same}")
    given = {each.source.endpoint for each in groups} | {each.source.endpoint for each in collected.refused}
    absent = [each.endpoint for each in SOURCES if each.counts and each.endpoint not in given]
    if absent:
        notes.append(f"Not in the total, because not asked for or not given: {', '.join(absent)}.")
    return notes


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]


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
    text = "Income of futures.rebates and futures.traders is told by UTC day, and valued at the end of the day"
    notes = [f"{text} (COIN-M in USD)."]
    if request.period is not None and not request.period.is_whole_days:
        span = request.span
        assert span is not None
        first, last = first_day(span.start), span.end // DAY * DAY
        days = f"from {iso(first)[:10]} to {iso(last)[:10]}" if first <= last else "none"
        notes.append(
            f'The period is not one of whole UTC days ("{request.period.name}", {request.period.zone}), and '
            f"daily rows cannot be cut: the days that begin in it count as a whole, {days}. For whole days say "
            'zone="UTC" and a month or dates.'
        )
    return notes


def _left_out(group: Group) -> list[str]:
    texts = {
        "paid after the period": "were traded in the period and paid after it: they count later",
        "not yet paid": "have no time of payment: they count once they are paid",
        "pending": "are pending (status 0) and do not count; once they are successful they count at the time of "
        "their trade: repeat this report then",
        "failed": "failed (status 2) and do not count",
        "of another status": "have a status that is not documented and do not count",
    }
    return [
        f"{row_count(each.rows)} {texts[reason]} ({amounts_text(each.amounts)})."
        for reason, each in group.left_out.items()
    ]


def amounts_text(amounts: Mapping[str, str]) -> str:
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
    elif _missing(group, request):
        notes.append("rows are missing or may be; the attribute `missing` has the spans.")
    if span is not None and group.table.num_rows and not narrowed:
        first = pc.min(group.table["time"]).as_py()
        if first - span.start >= _QUIET_MS:
            notes.append(
                f"there is no row before {iso(first)[:10]}. How long the exchange keeps rows is not documented, "
                "so this does not prove that nothing was earned."
            )
    if group.source.endpoint == "exchange.futures_rebates" and group.table.num_rows and not narrowed:
        notes.append(
            "rebates that are not from the partner's own sub-accounts are in it, if there are any: the exchange "
            "leaves them out with filter_result=True."
        )
    return notes


def partial_of(collected: Collected, request: Request) -> pd.DataFrame:
    """What was fetched before a failure, not valued."""
    groups = groups_of(collected.counting, request.span, request.when)
    frame = without_value(rows_of(groups, request, EXACT_TYPE))
    return finished(frame, groups, collected, request, is_partial=True)
