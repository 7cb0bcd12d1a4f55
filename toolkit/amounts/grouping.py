"""Sums of groups, and running sums, of exact amounts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.amounts.integers import EXACT
from toolkit.amounts.values import ROOM, narrowed

STEPS: Mapping[str, Callable[[int, int], int]] = {"cumsum": operator.add, "cummin": min, "cummax": max}
_TOTAL = pa.decimal256(76, 18)


def sums(amounts: pa.Array, ids: np.ndarray, groups: int, at_least: int, *, skipna: bool) -> pa.Array:
    """The sum of each group.

    Args:
        amounts: Exact amounts.
        ids: The group of each, -1 for none.
        groups: How many groups there are.
        at_least: A group with fewer amounts than this has no sum.
        skipna: Whether what is missing is passed over; otherwise its group has no sum.
    """
    missing = amounts.is_null().to_numpy(zero_copy_only=False)
    counted = (ids >= 0) & ~missing
    table = pa.table({"id": ids[counted], "amount": amounts.filter(pa.array(counted)).cast(_TOTAL)})
    found = table.group_by("id", use_threads=False).aggregate([("amount", "sum")])
    totals = narrowed(
        found.column("amount_sum").cast(_TOTAL).combine_chunks(),
        f"The sum of a group does not fit an exact amount, which has {ROOM}.",
    )
    if isinstance(totals, pa.ChunkedArray):
        totals = pa.concat_arrays([*totals.chunks, pa.array([], EXACT)])
    totals = pa.concat_arrays([totals, pa.array([0], EXACT)])
    positions = np.full(groups, len(totals) - 1)
    positions[found.column("id").to_numpy()] = np.arange(len(totals) - 1)
    without = np.bincount(ids[counted], minlength=groups) < at_least
    if not skipna:
        without[ids[(ids >= 0) & missing]] = True
    return totals.take(pa.array(positions, mask=without))


def running(
    numbers: list[int | None], ids: np.ndarray, step: Callable[[int, int], int], *, skipna: bool
) -> list[int | None]:
    """What came about by each place within its group: the sum, or the largest, or the smallest so far."""
    so_far: dict[int, int | None] = {}
    result: list[int | None] = []
    for number, group in zip(numbers, ids.tolist(), strict=True):
        before = so_far.get(group, 0)
        if group < 0 or number is None or (before is None and not skipna):
            if not skipna:
                so_far[group] = None
            result.append(None)
            continue
        now = number if group not in so_far or before is None else step(before, number)
        so_far[group] = now
        result.append(now)
    return result


def places_of(ordered: Any, picked: Any) -> np.ndarray:
    """Where in a column stands each of those that were picked from its order, -1 where none was.

    Args:
        ordered: Whole numbers that are ordered as the column is, equal where it is.
        picked: Some of them.
    """
    known = ordered.to_numpy(dtype=np.int64, na_value=-1)
    where = np.full(known.max(initial=-1) + 2, -1)
    where[known] = np.arange(len(known))
    where[-1] = -1
    return np.asarray(where[picked.to_numpy(dtype=np.int64, na_value=-1)])
