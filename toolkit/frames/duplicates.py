"""Finds rows that an earlier response already contained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.frames.page import Values

Hashes = NDArray[np.int64]

_EMPTY: Hashes = np.empty(0, dtype=np.int64)
_LATEST = np.iinfo(np.int64).max


class DuplicateFilter:
    """Separates new rows from those of earlier responses.

    Equal rows have equal times, where a time is among the values that identify a row. So if responses ascend
    by time, only the last rows of earlier responses and the first rows of the next one can be equal, and only
    these are compared. Where there are no times, every row is.

    Each compared row is remembered by a hash of eight bytes, not by its values. The hash is Python's own,
    which for texts is not predictable from outside. In a window of a million rows, the chance that any two
    different rows have the same hash is about 1 in 30 million.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []  # sorted; each more than twice as long as the next one
        self._pending: list[_Pending] = []  # rows that are not hashed yet, oldest first
        self._last: int | None = None  # the time of the last row; `_LATEST` after rows without times
        self._latest: tuple[Hashes, _Pending | None] = (_EMPTY, None)

    def new_rows(self, columns: Sequence[Values], moments: NDArray[np.int64] | None = None) -> Sequence[int]:
        """Indexes of the rows that are not in an earlier response.

        Equal rows within one response are all kept: a row is only a duplicate as many times as an earlier
        response contained it.

        Args:
            columns: The values that identify the rows, column by column.
            moments: The time of each row, if one of the columns has them; None otherwise.

        Raises:
            TypeError: A value is an object, which cannot be hashed.
        """
        rows = len(columns[0]) if columns else 0
        if not rows:  # the empty response at the end of a window, which the next one cannot repeat
            return range(0)
        if moments is None or (moments[1:] < moments[:-1]).any():
            moments = None
            compared = rows
            self._hash_pending(None)
            last = _LATEST
        else:
            first, last = int(moments[0]), int(moments[-1])
            # Values in lists take much memory, so they are not kept until they are compared.
            compared = 0 if all(isinstance(values, pa.Array) for values in columns) else rows
            if self._last is not None and first <= self._last:
                compared = max(compared, int(np.searchsorted(moments, self._last, side="right")))
                self._hash_pending(first)
            last = max(last, -1 if self._last is None else self._last)
        self._last = last
        hashes = _hashes_of(columns, 0, compared)
        known = self._known(hashes)
        self._remember(hashes[~known])
        rest = _Pending(columns, moments, compared, rows) if moments is not None and compared < rows else None
        if rest is not None:
            self._pending.append(rest)
        self._latest = hashes, rest
        if not known.any():
            return range(rows)  # the usual case
        return [*np.flatnonzero(~known).tolist(), *range(compared, rows)]

    def begin_window(self) -> None:
        """Forget all but the last response, the only one whose rows can also be in the next window."""
        hashes, pending = self._latest
        self._runs = [np.sort(hashes)] if len(hashes) else []
        self._pending = [] if pending is None else [pending]

    def _hash_pending(self, since: int | None) -> None:
        """Hash the rows of earlier responses from a time on, or all of them."""
        while self._pending:
            pending = self._pending[-1]
            start = pending.begin if since is None else pending.index_of(since)
            if start < pending.end:
                # Rows of one time are hashed together, so that equal ones are numbered as in any other page.
                self._remember(_hashes_of(pending.columns, start, pending.end))
                pending.end = start
            if pending.begin < pending.end:
                return
            self._pending.pop()

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


class _Pending:
    """The rows of a response that are not hashed yet.

    Attributes:
        columns: The values of all its rows, column by column.
        begin, end: Which rows are not hashed.
    """

    __slots__ = ("_moments", "begin", "columns", "end")

    def __init__(self, columns: Sequence[Values], moments: NDArray[np.int64], begin: int, end: int) -> None:
        self.columns = columns
        self.begin, self.end = begin, end
        self._moments = moments

    def index_of(self, since: int) -> int:
        """Index of the first of these rows that is not before a time."""
        return self.begin + int(np.searchsorted(self._moments[self.begin : self.end], since, side="left"))


def _hashes_of(columns: Sequence[Values], start: int, stop: int) -> Hashes:
    """A hash of each row; the second of several equal rows has one of its own, and so on."""
    if start == stop:
        return _EMPTY
    rows = zip(*(_hashable(values[start:stop]) for values in columns), strict=True)
    return _number_repeats(np.fromiter(map(hash, rows), dtype=np.int64))


def _number_repeats(hashes: Hashes) -> Hashes:
    if len(np.unique(hashes)) == len(hashes):
        return hashes
    counts: defaultdict[int, int] = defaultdict(int)
    numbered = hashes.copy()
    for row_index, value in enumerate(hashes.tolist()):
        counts[value] += 1
        if counts[value] > 1:
            numbered[row_index] = hash((value, counts[value]))
    return numbered


def _hashable(values: Values) -> list[Any]:
    """The values of a column so that they have a hash, and equal values the same one on either path."""
    if isinstance(values, pa.Array):
        if pa.types.is_timestamp(values.type):
            values = values.view(pa.int64())
        values = values.to_pylist()
    types = set(map(type, values))
    if list in types:
        return [repr(value) if isinstance(value, list) else value for value in values]
    return [_as_text(value) for value in values] if types & {int, Decimal} else values


def _as_text(value: Any) -> Any:
    """A number as text.

    Ids come as numbers or as text, and a sender could choose many numbers with the same hash.
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
