"""Group sums and cumulative results of exact amounts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.amounts.values import CAPACITY, cast_to_exact

STEPS: Mapping[str, Callable[[int, int], int]] = {"cumsum": operator.add, "cummin": min, "cummax": max}
_TOTAL = pa.decimal256(76, 18)


def group_sums(amounts: pa.Array, ids: np.ndarray, groups: int, min_count: int, *, skipna: bool) -> pa.Array:
    """The sum of each group.

    Args:
        amounts: Exact amounts.
        ids: The group of each amount, -1 for none.
        groups: Number of groups.
        min_count: The sum of a group with fewer amounts is missing.
        skipna: Whether to skip missing amounts; otherwise the sum of their group is missing.
    """
    missing = amounts.is_null().to_numpy(zero_copy_only=False)
    counted = (ids >= 0) & ~missing
    table = pa.table({"id": ids[counted], "amount": amounts.filter(pa.array(counted)).cast(_TOTAL)})
    found = table.group_by("id", use_threads=False).aggregate([("amount", "sum")])
    totals = cast_to_exact(
        found.column("amount_sum").cast(_TOTAL).combine_chunks(),
        f"The sum of a group does not fit an exact amount, which has {CAPACITY}.",
    )
    if isinstance(totals, pa.ChunkedArray):
        totals = pa.concat_arrays([*totals.chunks, pa.array([], EXACT_TYPE)])
    totals = pa.concat_arrays([totals, pa.array([0], EXACT_TYPE)])
    positions = np.full(groups, len(totals) - 1)
    positions[found.column("id").to_numpy()] = np.arange(len(totals) - 1)
    no_sum = np.bincount(ids[counted], minlength=groups) < min_count
    if not skipna:
        no_sum[ids[(ids >= 0) & missing]] = True
    return totals.take(pa.array(positions, mask=no_sum))


def accumulate(
    numbers: list[int | None], ids: np.ndarray, step: Callable[[int, int], int], *, skipna: bool
) -> list[int | None]:
    """The cumulative sum, maximum or minimum at each row within its group, in units."""
    current: dict[int, int | None] = {}
    result: list[int | None] = []
    for number, group in zip(numbers, ids.tolist(), strict=True):
        before = current.get(group, 0)
        if group < 0 or number is None or (before is None and not skipna):
            if not skipna:
                current[group] = None
            result.append(None)
            continue
        now = number if group not in current or before is None else step(before, number)
        current[group] = now
        result.append(now)
    return result


def indexes_of(ordered: Any, picked: Any) -> np.ndarray:
    """For each picked code, the index of a row with that code, -1 where it is missing.

    Args:
        ordered: The sort code of each row; see `sort_codes`.
        picked: Some of these codes.
    """
    known = ordered.to_numpy(dtype=np.int64, na_value=-1)
    rows = np.full(known.max(initial=-1) + 2, -1)
    rows[known] = np.arange(len(known))
    rows[-1] = -1
    return np.asarray(rows[picked.to_numpy(dtype=np.int64, na_value=-1)])
