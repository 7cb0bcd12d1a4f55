"""Puts frames of one read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import UsageError
from toolkit.exports.columns import index_names, with_plain_index
from toolkit.exports.merged_attrs import merged_attrs
from toolkit.text.suggestions import suggests_arguments

_VALUATION = ("price", "price_time", "priced_by", "value")
"""Columns of earnings that do not tell one row from another."""


@suggests_arguments
def concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames of the same read together, for example those of several months. Nothing is sent.

    Rows stay in the order of the frames; where each frame is oldest first, so is the result. A row that two
    frames both have comes once, as it was fetched last; rows that one frame has several times stay. What
    identifies a row is declared for each read, otherwise it is all of its columns; days of earnings are told
    apart by everything but their amount.

    `attrs` are merged: the span from the first start to the last end, what it cost added up, and `complete`
    only if every part of that span is in a frame that has it completely. `missing` lists the others.

    Args:
        frames: Frames of one read and one account, fetched with the same arguments but for the span, or
            results of `toolkit.analytics.earnings` in one currency.

    Returns:
        A new frame; the given ones are as they were.

    Raises:
        UsageError: The frames do not belong together: they differ in the read, the account, the source, an
            argument, the columns or their types. Exact amounts and floats do not mix.

    Examples:
        >>> months = [toolkit.read(path) for path in sorted(folder.glob("rebates-*.parquet"))]
        >>> toolkit.concat(months)
    """
    if not isinstance(frames, Iterable) or isinstance(frames, pd.DataFrame | str | Mapping):
        raise UsageError(f"`frames` must be a list of DataFrames, not {type(frames).__name__}.")
    given = list(frames)
    for number, each in enumerate(given, start=1):
        if not isinstance(each, pd.DataFrame):
            raise UsageError(f"`frames` must be DataFrames, but number {number} is {type(each).__name__}.")
    if not given:
        raise UsageError("`frames` is empty: there is nothing to put together.")
    index = index_names(given[0])
    if any(index_names(each) != index for each in given):
        raise UsageError("The frames have different indexes. Use .reset_index() on each of them first.")
    parts = [with_plain_index(each) for each in given]
    parts = [_like_the_first(each, parts[0], number) for number, each in enumerate(parts, start=1)]
    attrs = [each.attrs for each in given]
    merged = merged_attrs(attrs)  # refuses frames that do not belong together

    together = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    owners = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
    firsts, latest = _kept_rows(together, owners, attrs)
    order = _by_time(together, owners[firsts], latest, attrs[0])
    result = together.take(latest[order]).reset_index(drop=True)
    result.attrs = {str(name): value for name, value in merged.items()}
    _count_valued(result)
    return result.set_index(index) if index else result


def _like_the_first(frame: pd.DataFrame, first: pd.DataFrame, number: int) -> pd.DataFrame:
    """The frame, checked to have the columns and types of the first one."""
    if list(frame.columns) != list(first.columns):
        different = sorted({str(name) for name in set(frame.columns) ^ set(first.columns)})
        what = f"{', '.join(different)} {'is' if len(different) == 1 else 'are'} in one of them only"
        raise UsageError(
            f"Frames 1 and {number} have different columns: "
            f"{what if different else 'the same ones in another order'}."
        )
    if not first.columns.is_unique:
        raise UsageError("Two columns of the frames have the same name. Rename them first.")
    changed = {}
    for name in first.columns:
        one, other = first[name].dtype, frame[name].dtype
        if str(one) != str(other):
            remedy = (
                'Fetch both with the same `numbers`, or give up exactness with .astype("float64")'
                if "exact" in (str(one), str(other))
                else "Convert one of them with .astype() first"
            )
            raise UsageError(f"Column `{name}` is {one} in frame 1 and {other} in frame {number}. {remedy}.")
        if one != other:  # texts that are held in memory in two ways
            changed[name] = one
    return frame.astype(changed) if changed else frame


def _kept_rows(
    together: pd.DataFrame, owners: NDArray[np.intp], attrs: Sequence[dict[Any, Any]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each different row, the index where it comes first and the index of what was fetched last.

    A row counts as often as the frame that has it most often.
    """
    codes = _codes(_identifying(together, attrs[0]))
    in_frame = owners * (int(codes.max(initial=0)) + 1) + codes
    occurrence = pd.Series(in_frame).groupby(in_frame).cumcount().to_numpy()
    rows, _ = pd.factorize(codes * (int(occurrence.max(initial=0)) + 1) + occurrence)
    count = int(rows.max(initial=-1)) + 1
    fetched = sorted(range(len(attrs)), key=lambda number: _fetched_at(attrs[number]))
    rank = np.empty(len(attrs), np.intp)
    rank[fetched] = np.arange(len(attrs))
    by_fetch = np.argsort(rank[owners], kind="stable")
    firsts, latest = np.empty(count, np.intp), np.empty(count, np.intp)
    latest[rows[by_fetch]] = by_fetch  # of several values for one place, the last one stays
    backwards = np.arange(len(rows))[::-1]
    firsts[rows[backwards]] = backwards
    return firsts, latest


def _fetched_at(attrs: dict[Any, Any]) -> str:
    """When the rows of a frame were fetched, "" where it does not say; of earnings, the latest of them."""
    sources = attrs.get("sources") or [attrs]
    return max(str(each.get("fetched_at") or "") for each in sources)


def _identifying(together: pd.DataFrame, attrs: dict[Any, Any]) -> list[pd.Series]:
    """The columns by which rows are told apart."""
    if attrs.get("analytics") == "earnings":
        columns = [column for name, column in together.items() if name not in _VALUATION]
        if "granularity" in together and "amount" in together:
            # The amount of a day that was not over changes.
            is_day = (together["granularity"] == "day").fillna(False).astype(bool)
            columns = [each.mask(is_day) if each.name == "amount" else each for each in columns]
        return columns
    endpoint = ENDPOINTS_BY_NAME.get(str(attrs.get("endpoint")))
    names = endpoint.identity if endpoint else ()
    if not names or not set(names) <= set(together.columns):
        return [column for _, column in together.items()]
    return [together[name] for name in names]


def _codes(columns: Sequence[pd.Series]) -> NDArray[np.int64]:
    """The same number for rows whose values are all the same, missing ones included."""
    codes = np.zeros(len(columns[0]) if columns else 0, np.int64)
    for column in columns:
        hashable = column.map(_without_list) if column.dtype == object else column
        values, different = pd.factorize(hashable)
        codes = codes * (len(different) + 1) + values + 1
        codes = pd.factorize(codes)[0].astype(np.int64)  # small again
    return codes


def _without_list(value: object) -> object:
    return repr(value) if isinstance(value, list) else value


def _by_time(
    together: pd.DataFrame, owners: NDArray[np.intp], rows: NDArray[np.intp], attrs: dict[Any, Any]
) -> NDArray[np.intp]:
    """The order of rows: by time if each frame is oldest first, otherwise as they are."""
    as_they_are = np.arange(len(rows))
    endpoint = ENDPOINTS_BY_NAME.get(str(attrs.get("endpoint")))
    name = "time" if attrs.get("analytics") == "earnings" else endpoint.order_by if endpoint else None
    if name not in together or not pd.api.types.is_datetime64_any_dtype(together[name].dtype):
        return as_they_are
    missing = np.iinfo(np.int64).min
    times = together[name].astype("int64").to_numpy()[rows]  # missing ones are the smallest number
    moments = np.empty(len(rows), np.int64)
    for owner in np.unique(owners):
        own = owners == owner
        known = times[own][times[own] != missing]
        if (known[1:] < known[:-1]).any():
            return as_they_are
        moments[own] = np.maximum.accumulate(times[own])  # a row without a time follows the one before
    return np.argsort(moments, kind="stable")


def _count_valued(frame: pd.DataFrame) -> None:
    """Count again how many rows have a value, now that rows of several frames are here."""
    attrs = frame.attrs
    if "value" not in frame or "valuation" not in attrs:
        return
    lacking = frame["value"].isna()
    attrs["valuation"] = {
        **attrs["valuation"],
        "rows": len(frame),
        "valued": int((~lacking).sum()),
        "given": int((frame["priced_by"] == "given").sum()) if "priced_by" in frame else 0,
    }
    counts = (
        frame.loc[lacking, "asset"].value_counts(sort=False) if "asset" in frame else pd.Series(dtype=int)
    )
    attrs["unvalued"] = {str(asset): int(count) for asset, count in counts.items()}
