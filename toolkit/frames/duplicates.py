"""Pure: which rows of an answer an earlier one had already."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.int64]

_NONE: Marks = np.empty(0, dtype=np.int64)


class Repeats:
    """Tells the rows that are new.

    A row is remembered by a mark of eight bytes, not by its values: a window of a million rows takes 8 MiB.
    Python's own hash of the values is used, which nobody outside can foresee for texts. Two different rows
    of a window of a million have the same mark once in some 30 million such windows.
    """

    def __init__(self) -> None:
        self._runs: list[Marks] = []  # sorted, each more than twice as long as the next
        self._latest = _NONE

    def new_rows(self, columns: Iterable[list[Any]]) -> Sequence[int]:
        """Positions of the rows that no earlier answer had.

        What stands twice within one answer stays two: a row is repeated only as far as it stands here as
        often as in an earlier answer.

        Args:
            columns: What names the rows, column by column.

        Raises:
            TypeError: A value cannot be told from others: it is an object.
        """
        marks = _numbered(_marks([_distinguish(values) for values in columns]))
        known = self._known(marks)
        new_rows: Sequence[int] = range(len(marks))  # as nearly always
        new = marks
        if known.any():
            new_rows = np.flatnonzero(~known).tolist()
            new = marks[~known]
        self._remember(new)
        if len(marks):  # the empty answer at the end of a window is not what the next one may repeat
            self._latest = marks
        return new_rows

    def begin_window(self) -> None:
        """Forget all but the last answer: a row can only be in two windows if that one had it."""
        self._runs = [np.sort(self._latest)] if len(self._latest) else []

    def _known(self, marks: Marks) -> NDArray[np.bool_]:
        known = np.zeros(len(marks), dtype=np.bool_)
        for run in self._runs:
            places = np.searchsorted(run, marks)
            places[places == len(run)] = 0
            known |= run[places] == marks
        return known

    def _remember(self, marks: Marks) -> None:
        """Merge like with like, so that each mark is moved only a few times however many there are."""
        if not len(marks):
            return
        run = np.sort(marks)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")
        self._runs.append(run)


def _marks(columns: list[list[Any]]) -> Marks:
    rows = zip(*columns, strict=True)
    return np.fromiter(map(hash, rows), dtype=np.int64)


def _numbered(marks: Marks) -> Marks:
    """The second of two rows that are alike has a mark of its own, and so on."""
    if len(np.unique(marks)) == len(marks):
        return marks
    seen: defaultdict[int, int] = defaultdict(int)
    numbered = marks.copy()
    for row_index, mark in enumerate(marks.tolist()):
        seen[mark] += 1
        if seen[mark] > 1:
            numbered[row_index] = hash((mark, seen[mark]))
    return numbered


def _distinguish(values: list[Any]) -> list[Any]:
    """Values of which no two that differ hash alike by their nature, and which can be hashed at all."""
    types = set(map(type, values))
    if list in types:
        return _distinguish([repr(value) if isinstance(value, list) else value for value in values])
    if not types & {int, Decimal} or (types == {int} and not any(map(_is_odd, (min(values), max(values))))):
        return values
    return [str(value) if _is_odd(value) else value for value in values]


def _is_odd(value: Any) -> bool:
    """Numbers of which Python can be sent many that hash alike: as text they do not."""
    return isinstance(value, Decimal) or (isinstance(value, int) and not 0 <= value < sys.hash_info.modulus)
