"""What customers paid in fees, what the partner got of it, and the rate that this implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.analytics.groups import UNITS, group_rows, key_names, plain_frame
from toolkit.analytics.income_frames import text_array
from toolkit.analytics.sums import (
    Numbers,
    divide_totals,
    group_totals,
    group_totals_of_products,
    numbers_of,
)
from toolkit.analytics.zones import zone_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_KEYS = ("symbol", "asset", "commission_asset", "customer_id")
_NEEDED = ("asset", "income", "commission_asset", "commission", "convert_price")
_USAGE = "It is for the frames of link.spot.rebates(), whose rows have the fee beside the income."
# Why frames of other reads do not do, by what the name of the read begins with.
_WHY_NOT: Mapping[str, str] = {
    "exchange.": (
        "Rows of Exchange Link have no fee, and how the partner's share comes from it is not documented. The "
        "rates that are set for sub-accounts are told by link.exchange.sub_accounts() (spot, margin) and by "
        "link.exchange.um_commission() and cm_commission() (futures)."
    ),
    "futures.": "Rebates of futures are told as sums of days, without the fees.",
    "portfolio.": "These are bookings of an account, not what a partner earned.",
    "spot.": "This read does not tell the fees.",
}


@suggests_arguments
def commission(
    rebates: pd.DataFrame, by: str | Sequence[str] | None = "symbol", *, zone: str = "UTC"
) -> pd.DataFrame:
    """Compare the fees that customers paid with the rebates on them. Nothing is fetched.

    Only Link and Trade, spot, tells both: the rows of `link.spot.rebates()` have the fee (`commission`, in
    `commission_asset`) and the price at which the exchange converted it into the asset of the rebate
    (`convert_price`). It has told them since 2025-11-25; older rows have no fee.

    Args:
        rebates: A frame of `link.spot.rebates()`: as it is, filtered, or read from a file.
        by: Keys: "symbol", "asset", "commission_asset", "customer_id", and "day", "week", "month", "quarter"
            or "year" of the trade; one or a list of them. None adds up all rows.
        zone: The time zone in which days begin.

    Returns:
        A frame with a row for each combination of keys and asset that there is, in their order. Rows without
        a key, such as those of customers without an id, are a row of their own, with NA, after the others.

        - one column for each key (text)
        - asset: the asset of `income` and `commission`; amounts of different assets are never added up
        - rows: number of rows
        - without_fee: number of rows of which the fee is not known
        - income: sum of the rebates, in `asset`
        - commission: sum of the fees that are known, converted into `asset`, rounded half-even at the 18th
          place; NA where none is known
        - rate: the rebates on these fees, divided by them (0.41 is 41 %), rounded once, half-even, at the
          18th place; NA where the fees are 0 or not known

        The exchange rounds each rebate, so the rate is close to the agreed one, and not equal to it. Columns
        are exact, or float64 if those of the rebates are.

    Raises:
        UsageError: A key is unknown, a column is missing, or the frame is of a read that tells no fees.

    Example:
        >>> commission(link.spot.rebates(start="-30D", numbers="exact"), by="symbol")
    """
    by = key_names(by, (*_KEYS, *UNITS))
    _check_read(rebates)
    columns = [each for each in by if each not in UNITS]
    times = ["time"] if len(columns) < len(by) else []
    frame = plain_frame(rebates, "commission", list(dict.fromkeys([*times, *columns, *_NEEDED])), _USAGE)
    zone = zone_name(zone)
    groups = group_rows(frame, by if "asset" in by else [*by, "asset"], zone)
    income, fees, prices = (numbers_of(frame[name]) for name in ("income", "commission", "convert_price"))
    if any(each.floats is not None for each in (income, fees, prices)):
        income, fees, prices = (each.to_floats() for each in (income, fees, prices))
    prices = _prices(frame, prices)
    is_known = income.known & fees.known & prices.known
    ids, number = groups.ids, groups.number
    paid = group_totals_of_products(fees.where(is_known), prices, ids, number)
    result = groups.keys.copy()
    result["rows"] = np.bincount(ids, minlength=number)
    result["without_fee"] = groups.count(~is_known)
    result["income"] = group_totals(income, ids, number).column()
    result["commission"] = paid.column()
    result["rate"] = divide_totals(group_totals(income.where(is_known), ids, number), paid)
    result.attrs = {**deepcopy(frame.attrs), "analytics": "commission", "by": by, "zone": zone}
    return result


def _check_read(rebates: object) -> None:
    """Say of frames of other reads why they do not do."""
    attrs = rebates.attrs if isinstance(rebates, pd.DataFrame) else {}
    if attrs.get("analytics"):
        raise UsageError(f"This frame is a result of analytics, and has no fees any more. {_USAGE}")
    endpoint = str(attrs.get("endpoint", ""))
    if not endpoint and isinstance(rebates, pd.DataFrame) and "sub_account_id" in rebates:
        endpoint = "exchange.rebates"  # made by hand, or read from a file that does not keep attrs
    if endpoint and endpoint != "spot.rebates":
        why = next((text for start, text in _WHY_NOT.items() if endpoint.startswith(start)), "")
        raise UsageError(f"commission() cannot use frames of {endpoint}. {why} {_USAGE}")


def _prices(frame: pd.DataFrame, prices: Numbers) -> Numbers:
    """The price of each fee in the asset of the rebate: 1 where both are in the same asset."""
    same = pc.fill_null(pc.equal(text_array(frame["asset"]), text_array(frame["commission_asset"])), False)
    prices = prices.where(prices.above_zero())
    if prices.floats is not None:
        return Numbers(None, np.where(same.to_numpy(zero_copy_only=False), 1.0, prices.floats))
    return Numbers(pc.if_else(same, pa.scalar(Decimal(1), prices.exact.type), prices.exact))
