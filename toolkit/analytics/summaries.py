"""Sums of earnings by asset, customer, month and so on, and against the period before."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd

from toolkit.analytics.groups import (
    UNITS,
    RowGroups,
    group_rows,
    key_names,
    plain_frame,
    text_codes,
    text_column,
)
from toolkit.analytics.pricing import GIVEN
from toolkit.analytics.sums import Amounts, BoolArray, divide_totals, group_totals, numbers_of
from toolkit.analytics.zones import zone_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

KEYS = (
    "asset",
    "symbol",
    "customer_id",
    "sub_account_id",
    "system",
    "kind",
    "account",
    "endpoint",
    "granularity",
    "priced_by",
)
_USAGE = "It is for the frames of toolkit.analytics.earnings(), which also takes frames that you have."


@suggests_arguments
def summarize(
    earnings: pd.DataFrame, by: str | Sequence[str] | None = "asset", *, zone: str | None = None
) -> pd.DataFrame:
    """Add up earnings by one or several keys. Nothing is fetched.

    Amounts of different assets are never added up; their values in one currency are. Sums of exact amounts
    are exact, however large; floats are rounded once. No sum depends on the order of the rows.

    Args:
        earnings: A frame of `earnings()`: as it is, filtered, or read from a file.
        by: Keys: "asset", "symbol", "customer_id", "sub_account_id", "system", "kind", "account", "endpoint",
            "granularity", "priced_by", and "day", "week", "month", "quarter" or "year" of `time`; one or a
            list of them. None adds up all rows.
        zone: The time zone in which days begin; that of the period of the earnings by default, or UTC.

    Returns:
        A frame with a row for each combination of keys that there is, in their order. Rows without a key,
        such as those of no customer, are a row of their own, with NA, after the others.

        - one column for each key (text): days as "2026-10-05", weeks as "2026-W41", months as "2026-10",
          quarters as "2026-Q4"
        - rows: number of rows
        - asset: the asset of `amount`, if "asset" is not a key; NA where there are several
        - amount: sum of the amounts in `asset`; NA where there are several assets, or where one is missing
        - value: sum of the values that are known, in `attrs["currency"]`; NA where none is
        - valued, unvalued: number of rows with and without a value

        `amount` and `value` are exact, or decimals of up to 76 digits where a sum does not fit into 38; or
        float64 if those of the earnings are. `attrs` are those of the earnings, with `unvalued` and
        `valuation` counted anew.

    Raises:
        UsageError: A key is unknown, a column is missing, or a daily row would have to be cut at midnight in
            `zone`: the exchange tells sums of UTC days, and nothing of their parts.

    Example:
        >>> summarize(earnings(link, "last month"), ["month", "customer_id"])
    """
    by = key_names(by, (*KEYS, *UNITS))
    frame = _checked(earnings, "summarize", by)
    zone = zone_name(_period_zone(frame) if zone is None else zone)
    groups = group_rows(frame, by, zone)
    amounts, values = numbers_of(frame["amount"]), numbers_of(frame["value"])
    rows = np.bincount(groups.ids, minlength=groups.number)
    result = groups.keys.copy()
    result["rows"] = rows
    asset = _single_asset(frame["asset"], groups)
    if "asset" not in by:
        result["asset"] = asset
    result["amount"] = _amounts(amounts, groups, asset.notna().to_numpy())
    result["value"] = group_totals(values, groups.ids, groups.number).zero_where(rows == 0).column()
    result["valued"] = groups.count(values.known)
    result["unvalued"] = rows - result["valued"]
    result.attrs = {**_attrs(frame, values.known), "analytics": "summary", "by": by, "zone": zone}
    return result


@suggests_arguments
def compare(
    earnings: pd.DataFrame, before: pd.DataFrame, by: str | Sequence[str] | None = "asset"
) -> pd.DataFrame:
    """Compare the values of two periods, usually of one and the period before. Nothing is fetched.

    Args:
        earnings: A frame of `earnings()`.
        before: That of the period to compare with, in the same currency: `period(...).before()` says which.
        by: Keys as for `summarize()`, without days, weeks, months, quarters and years.

    Returns:
        A frame with a row for each combination of keys that either has, in their order.

        - one column for each key (text)
        - value, value_before: sums of the values that are known, in `attrs["currency"]`; 0 where there are no
          rows, NA where there are some and none has a value
        - change: value - value_before
        - change_percent: the change in percent of `value_before`, rounded half-even at the 18th place; NA
          where that is not above 0, or where not all rows of both have a value
        - rows, rows_before: numbers of rows
        - unvalued, unvalued_before: numbers of rows without a value

        `attrs` are those of `earnings`; `attrs["before"]` has the period of the other.

    Raises:
        UsageError: A key is unknown or a column is missing; or the frames are in two currencies, were valued
            at different times (`when`), or one is made up (sandbox) and the other is not.

    Example:
        >>> this = period("last month")
        >>> compare(earnings(link, this), earnings(link, this.before()), by="customer_id")
    """
    if set([by] if isinstance(by, str) else by or ()) & set(UNITS):
        raise UsageError(
            "compare() sets two periods against each other, so `by` cannot be a day, week, month, quarter or "
            "year. summarize() takes these."
        )
    by = key_names(by, KEYS)
    frames = [_checked(earnings, "compare", by), _checked(before, "compare", by)]
    for name in ("currency", "when", "source"):
        first, second = (frame.attrs.get(name) for frame in frames)
        if first != second and None not in (first, second):
            raise UsageError(
                f"These earnings cannot be compared: {name} is {first!r} in one and {second!r} in the other."
            )
    keys = {name: text_column(frame[name] for frame in frames) for name in by}
    rows = len(frames[0])
    groups = group_rows(pd.DataFrame(keys, index=range(rows + len(frames[1]))), by, "UTC")
    parts = [RowGroups(groups.ids[:rows], groups.keys), RowGroups(groups.ids[rows:], groups.keys)]
    values = [numbers_of(frame["value"]) for frame in frames]
    if any(each.floats is not None for each in values):
        values = [each.to_floats() for each in values]
    totals, counts, unvalued = [], [], []
    for part, numbers in zip(parts, values, strict=True):
        counts.append(np.bincount(part.ids, minlength=part.number))
        unvalued.append(counts[-1] - part.count(numbers.known))
        totals.append(group_totals(numbers, part.ids, part.number).zero_where(counts[-1] == 0))
    change = totals[0].minus(totals[1])
    is_base = totals[1].above_zero() & (unvalued[0] == 0) & (unvalued[1] == 0)
    result = groups.keys.copy()
    result["value"], result["value_before"] = totals[0].column(), totals[1].column()
    result["change"] = change.column()
    result["change_percent"] = divide_totals(change.where(is_base), totals[1], 100)
    result["rows"], result["rows_before"] = counts
    result["unvalued"], result["unvalued_before"] = unvalued
    first, second = (_attrs(frame, each.known) for frame, each in zip(frames, values, strict=True))
    result.attrs = {
        **first,
        "analytics": "comparison",
        "by": by,
        "before": second.get("period"),
        "complete": bool(first.get("complete")) and bool(second.get("complete")),
        "notes": [*first.get("notes", ()), *(f"Before: {each}" for each in second.get("notes", ()))],
    }
    return result


def _checked(earnings: object, call: str, by: Sequence[str]) -> pd.DataFrame:
    units = ["time"] if set(by) & set(UNITS) else []
    columns = [each for each in by if each not in UNITS]
    frame = plain_frame(
        earnings, call, list(dict.fromkeys([*units, *columns, "asset", "amount", "value"])), _USAGE
    )
    if frame.attrs.get("analytics", "earnings") != "earnings":
        raise UsageError(f"This frame is a {frame.attrs['analytics']} already. {_USAGE}")
    return frame


def _period_zone(frame: pd.DataFrame) -> object:
    period = frame.attrs.get("period")
    return period.get("zone", "UTC") if isinstance(period, Mapping) else "UTC"


def _single_asset(assets: pd.Series, groups: RowGroups) -> pd.Series:
    """The asset of each group, NA where it has several or a row without one."""
    codes, labels = text_codes(assets)
    lowest, highest = (np.full(groups.number, fill) for fill in (len(labels), -1))
    np.minimum.at(lowest, groups.ids, codes)
    np.maximum.at(highest, groups.ids, codes)
    is_single = (lowest == highest) & (lowest >= 0)
    return pd.Series(pd.array([*labels, None], dtype="string").take(np.where(is_single, lowest, len(labels))))


def _amounts(amounts: Amounts, groups: RowGroups, is_single: BoolArray) -> pd.Series:
    """The sum of each group that has a single asset, and no row without an amount."""
    is_whole = groups.count(~amounts.known) == 0
    return group_totals(amounts, groups.ids, groups.number).where(is_single & is_whole).column()


def _attrs(frame: pd.DataFrame, is_valued: BoolArray) -> dict[Hashable, Any]:
    """The attrs of the earnings, with what is counted of their rows counted anew: they may be filtered."""
    attrs = deepcopy(frame.attrs)
    attrs["unvalued"] = _counts(frame["asset"].astype("string")[~is_valued].fillna("NA"))
    if isinstance(attrs.get("valuation"), dict):
        attrs["valuation"] |= {"rows": len(frame), "valued": int(is_valued.sum())}
        if "priced_by" in frame:
            routes = _counts(frame["priced_by"].dropna())
            attrs["valuation"] |= {"given": routes.pop(GIVEN, 0), "routes": routes}
    return attrs


def _counts(column: pd.Series) -> dict[str, int]:
    """How often each text is in a column."""
    return {str(text): int(rows) for text, rows in column.value_counts().sort_index().items()}
