"""Sums of earnings by asset, customer, month and so on, and against the period before."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd

from toolkit.analytics.groups import UNITS, Groups, group_rows, key_names, plain_frame
from toolkit.analytics.sums import Numbers, Totals, divide_totals, group_totals, numbers_of
from toolkit.analytics.zones import zone_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_KEYS = (
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
    by = key_names(by, (*_KEYS, *UNITS))
    frame, is_timed = _checked(earnings, "summarize", by), bool(set(by) & set(UNITS))
    zone = _zone(frame, zone) if is_timed or zone is not None else "UTC"
    groups = group_rows(frame, by, zone)
    amounts, values = numbers_of(frame["amount"]), numbers_of(frame["value"])
    result = groups.keys.copy()
    result["rows"] = np.bincount(groups.ids, minlength=groups.number)
    asset = _single_asset(frame["asset"], groups)
    if "asset" not in by:
        result["asset"] = asset
    result["amount"] = _amounts(amounts, groups, asset.notna().to_numpy())
    result["value"], result["valued"] = _values(values, groups), groups.count(values.known)
    result["unvalued"] = result["rows"] - result["valued"]
    result.attrs = _attrs(frame, values.known)
    result.attrs |= {"analytics": "summary", "by": by}
    if is_timed:
        result.attrs["zone"] = zone
    return result


@suggests_arguments
def compare(
    earnings: pd.DataFrame, before: pd.DataFrame, by: str | Sequence[str] | None = "asset"
) -> pd.DataFrame:
    """Compare the values of earnings with those of another period, usually the one before. Nothing is fetched.

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
            "compare() sets two periods against each other, so `by` has no day, week, month, quarter or year. "
            "summarize() of one period has them."
        )
    by = key_names(by, _KEYS)
    frames = [_checked(earnings, "compare", by), _checked(before, "compare", by)]
    for name in ("currency", "when", "source"):
        first, second = (frame.attrs.get(name) for frame in frames)
        if first != second and None not in (first, second):
            raise UsageError(
                f"The earnings cannot be compared: {name} is {first!r} in one frame and {second!r} in the other."
            )
    ends = [len(frames[0]), len(frames[0]) + len(frames[1])]
    both = pd.concat([frame[by].astype(object) for frame in frames], ignore_index=True)
    groups = group_rows(both, by, "UTC")
    parts = [Groups(groups.ids[: ends[0]], groups.keys), Groups(groups.ids[ends[0] :], groups.keys)]
    values = [numbers_of(frame["value"]) for frame in frames]
    if values[0].exact is None or values[1].exact is None:
        values = [Numbers(None, each.to_floats()) for each in values]
    totals, counts, unvalued = [], [], []
    for part, numbers in zip(parts, values, strict=True):
        counts.append(np.bincount(part.ids, minlength=part.number))
        unvalued.append(counts[-1] - part.count(numbers.known))
        totals.append(group_totals(numbers, part.ids, part.number).filled(counts[-1] == 0))
    change = totals[0].minus(totals[1])
    is_base = totals[1].above_zero() & (unvalued[0] == 0) & (unvalued[1] == 0)
    result = groups.keys.copy()
    result["value"], result["value_before"] = totals[0].column(), totals[1].column()
    result["change"] = change.column()
    result["change_percent"] = divide_totals(change.where(is_base), totals[1], 100)
    result["rows"], result["rows_before"] = counts
    result["unvalued"], result["unvalued_before"] = unvalued
    result.attrs = _attrs(frames[0], values[0].known)
    other = _attrs(frames[1], values[1].known)
    result.attrs |= {
        "analytics": "comparison",
        "by": by,
        "before": other.get("period"),
        "complete": bool(result.attrs.get("complete")) and bool(other.get("complete")),
        "notes": list(dict.fromkeys([*result.attrs["notes"], *(f"Before: {each}" for each in other["notes"])])),
    }
    return result
