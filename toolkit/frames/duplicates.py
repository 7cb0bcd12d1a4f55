"""Finds rows that an earlier response already contained."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.int64]

_EMPTY: Hashes = np.empty(0, dtype=np.int64)


class DuplicateFilter:
    """Separates new rows from those of earlier responses.

    Each row is remembered by a hash of eight bytes, not by its values, so a window of a million rows takes
    8 MiB. The hash is Python's own, which for texts is not predictable from outside. In a window of a million
    rows, the chance that any two different rows have the same hash is about 1 in 30 million.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []  # sorted; each more than twice as long as the next one
        self._latest = _EMPTY

    def new_rows(self, columns: Iterable[list[Any]]) -> Sequence[int]:
        """Indexes of the rows that are not in an earlier response.

        Equal rows within one response are all kept: a row is only a duplicate as many times as an earlier
        response contained it.

        Args:
            columns: The values that identify the rows, column by column.

        Raises:
            TypeError: A value is an object, which cannot be hashed.
        """
        hashes = _number_repeats(_hash_rows([_make_distinct(values) for values in columns]))
        known = self._known(hashes)
        new_rows: Sequence[int] = range(len(hashes))  # the usual case
        new = hashes
        if known.any():
            new_rows = np.flatnonzero(~known).tolist()
            new = hashes[~known]
        self._remember(new)
        if len(hashes):  # not the empty response at the end of a window, which the next one cannot repeat
            self._latest = hashes
        return new_rows

    def begin_window(self) -> None:
        """Forget all but the last response, the only one whose rows can also be in the next window."""
        self._runs = [np.sort(self._latest)] if len(self._latest) else []

    def _known(self, hashes: Hashes) -> NDArray[np.bool_]:
        known = np.zeros(len(hashes), dtype=np.bool_)
        for run in self._runs:
            indexes = np.searchsorted(run, hashes)
            indexes[indexes == len(run)] = 0
            known |= run[indexes] == hashes
        return known

    def _remember(self, hashes: Hashes) -> None:
        """Merge runs of similar length, so that each hash is moved only a few times."""
        if not len(hashes):
            return
        run = np.sort(hashes)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")
        self._runs.append(run)


def _hash_rows(columns: list[list[Any]]) -> Hashes:
    rows = zip(*columns, strict=True)
    return np.fromiter(map(hash, rows), dtype=np.int64)


def _number_repeats(hashes: Hashes) -> Hashes:
    """Give the second of several equal rows a hash of its own, and so on."""
    if len(np.unique(hashes)) == len(hashes):
        return hashes
    counts: defaultdict[int, int] = defaultdict(int)
    numbered = hashes.copy()
    for row_index, value in enumerate(hashes.tolist()):
        counts[value] += 1
        if counts[value] > 1:
            numbered[row_index] = hash((value, counts[value]))
    return numbered


def _make_distinct(values: list[Any]) -> list[Any]:
    """Replace values that are not hashable, or that have the same hash as others by design."""
    types = set(map(type, values))
    if list in types:
        return _make_distinct([repr(value) if isinstance(value, list) else value for value in values])
    if not types & {int, Decimal} or (
        types == {int} and not any(map(_has_weak_hash, (min(values), max(values))))
    ):
        return values
    return [str(value) if _has_weak_hash(value) else value for value in values]


def _has_weak_hash(value: Any) -> bool:
    """Whether a sender could choose many such numbers with the same hash; as text they differ."""
    return isinstance(value, Decimal) or (isinstance(value, int) and not 0 <= value < sys.hash_info.modulus)
