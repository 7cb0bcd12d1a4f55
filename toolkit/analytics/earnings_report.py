"""The frame of earnings: its rows, and what its attrs tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.analytics.earnings_notes import Request, missing_of, notes_of
from toolkit.analytics.income_frames import TEXT, TEXTS, Told
from toolkit.analytics.income_reads import DAY, Collected
from toolkit.analytics.income_rows import Group, groups_of, read_name
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
_CHUNK = 65_536
_PANDAS_TYPES: Mapping[pa.DataType, Any] = {TEXT: pd.StringDtype(), EXACT_TYPE: ExactDtype()}


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


def _repeated(texts: Sequence[str | None], codes: pa.Array) -> pa.Array | pa.ChunkedArray:
    """One text for each group, at each of its rows. If all are equal, their rows share memory."""
    if len(set(texts)) != 1 or not len(codes):
        return pa.array(texts, TEXT).take(codes)
    chunk = pa.repeat(pa.scalar(texts[0], TEXT), min(len(codes), _CHUNK))
    count, rest = divmod(len(codes), len(chunk))
    return pa.chunked_array([*[chunk] * count, *([chunk[:rest]] if rest else [])], TEXT)


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
    missing = [each for group in groups for each in missing_of(group, request)]
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
        entry["complete"] = not missing_of(group, request)
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
        "notes": notes_of(groups, collected, request),
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
        raise UsageError(
            "Some rows are of the real exchange and others of a sandbox. Report them separately."
        )


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


def partial_of(collected: Collected, request: Request) -> pd.DataFrame:
    """What was fetched before a failure, not valued."""
    groups = groups_of(collected.counting, request.span, request.when)
    frame = without_value(rows_of(groups, request, EXACT_TYPE))
    return finished(frame, groups, collected, request, is_partial=True)
