"""Columns whose values follow from a response instead of being in it; see `Column.derived`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts.integers import EXACT_TYPE, UNIT, array_of_units, units_of_array
from toolkit.endpoints import Column
from toolkit.frames.decode import DecodeError
from toolkit.frames.page import Page


def derived_array(
    column: Column,
    page: Page,
    arrays: Mapping[str, pa.Array],
    rows: int,
    *,
    order_by: str | None = None,
    exact: bool,
) -> pa.Array:
    """The values of a column that is derived from the response.

    Args:
        column: The column.
        page: The response.
        arrays: The columns that are in the response, by name.
        rows: Number of rows.
        order_by: The column with the times of the rows, None where they have none.
        exact: Whether amounts are exact.

    Raises:
        DecodeError: The rows are not in the order that the column stands for.
    """
    if column.derived == "closed":
        closed = _passed(arrays[column.of], page.read_at)
        # Whatever it says about its end, a row has not ended before it began.
        return closed if order_by is None else pc.and_(closed, _passed(arrays[order_by], page.read_at))
    if column.derived == "level":
        if column.of:
            _check_best_first(_units(arrays[column.of]), page.lists)
        return pa.array([level for length in page.lists for level in range(1, length + 1)], pa.int64())
    if column.derived == "running_total":
        return _running_total(_units(arrays[column.of]), page.lists, exact=exact)
    return pa.array(np.ones(rows, np.bool_))


def _passed(times: pa.Array, read_at: int | None) -> pa.Array:
    """Whether a time is proven to have passed when the rows were read; false where it is unknown."""
    if read_at is None:
        return pa.array(np.zeros(len(times), np.bool_))
    numbers = times.view(pa.int64())
    if not times.null_count:
        return pa.array(numbers.to_numpy() < read_at)  # much faster for a page than Arrow
    return pc.fill_null(pc.less(numbers, read_at), False)


def _units(amounts: pa.Array) -> list[int]:
    """Exact amounts as whole numbers of units; the fast path leaves them as texts until the frame is made."""
    try:
        exact = amounts if amounts.type == EXACT_TYPE else amounts.cast(EXACT_TYPE)
    except pa.ArrowInvalid:  # of a float: the others were checked when they were decoded
        raise DecodeError(
            "an amount that it is derived from has more digits than an exact amount can hold"
        ) from None
    units = [number for number in units_of_array(exact) if number is not None]
    if len(units) < len(amounts):
        raise DecodeError("an amount that it is derived from is missing")
    return units


def _running_total(units: Sequence[int], lists: Sequence[int], *, exact: bool) -> pa.Array:
    """The sums up to each row within its list. Floats are converted from exact sums, so none drifts."""
    totals: list[int] = []
    for length in lists:
        totals += accumulate(units[len(totals) : len(totals) + length])
    if not exact:
        return pa.array([total / UNIT for total in totals], pa.float64())
    try:
        return array_of_units(totals)
    except OverflowError:
        raise DecodeError("a total has more digits than an exact amount can hold") from None


def _check_best_first(prices: Sequence[int], lists: Sequence[int]) -> None:
    """Check that the prices of bids fall, and those of asks rise above them."""
    bids, asks = prices[: lists[0]], prices[lists[0] :]
    for name, ascending in (("bids", bids[::-1]), ("asks", asks)):
        if any(after <= before for before, after in pairwise(ascending)):
            raise DecodeError(f"the {name} are not in order, best first")
    if bids and asks and asks[0] <= bids[0]:
        raise DecodeError("the best bid is not below the best ask")
