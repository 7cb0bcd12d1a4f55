"""The rows of a frame sorted into groups by keys, days and months included. Missing keys are a group, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.analytics.income_frames import TEXT, text_array, time_array
from toolkit.analytics.zones import IntArray, Unit, unit_labels
from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean

UNITS: tuple[Unit, ...] = ("day", "week", "month", "quarter", "year")
_DAY_MS = 86_400_000
# As in `toolkit.planning`: a time outside is a mistake.
_FIRST_MS, _LAST_MS = 0, 4_102_444_800_000


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows in groups.

    Attributes:
        ids: The group of each row. Groups are in the order of their keys, missing ones last.
        keys: The keys of each group: a column of text for each.
    """

    ids: IntArray
    keys: pd.DataFrame

    @property
    def number(self) -> int:
        """Number of groups."""
        return len(self.keys)

    def count(self, rows: np.ndarray) -> IntArray:
        """How many rows of each group are among these."""
        return np.bincount(self.ids[rows], minlength=self.number)


def plain_frame(frame: object, call: str, needed: Sequence[str], usage: str) -> pd.DataFrame:
    """The frame with index levels as columns, checked for the columns that a call needs.

    Raises:
        UsageError: It is no frame, a column is missing, or two have one name.
    """
    if not isinstance(frame, pd.DataFrame):
        raise UsageError(f"{call}() takes a DataFrame, not {type(frame).__name__}. {usage}")
    attrs = frame.attrs
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    frame = frame.reset_index(drop=True)
    frame.attrs = attrs
    if missing := [name for name in needed if name not in frame]:
        has = ", ".join(map(str, list(frame.columns)[:20])) or "no columns"
        raise UsageError(f"This frame has {has}; {call}() needs {', '.join(missing)}, too. {usage}")
    if repeated := [name for name in needed if isinstance(frame[name], pd.DataFrame)]:
        raise UsageError(f"The frame has several columns named {', '.join(repeated)}. Keep one.")
    return frame


def key_names(by: object, allowed: Sequence[str]) -> list[str]:
    """The keys that an argument `by` names.

    Raises:
        UsageError: One is unknown, or is named twice.
    """
    names = [] if by is None else [by] if isinstance(by, str) else by
    if not isinstance(names, list | tuple):
        raise UsageError(f"`by` must be one of {', '.join(allowed)}, a list of them or None, not {by!r}.")
    for name in names:
        if name not in allowed:
            raise UsageError(
                f"`by` is {name!r}; it may be {', '.join(allowed)}.{did_you_mean(name, allowed)}"
            )
    if len(set(names)) < len(names):
        raise UsageError(f"`by` names a key twice: {', '.join(names)}.")
    return list(names)


def group_rows(frame: pd.DataFrame, by: Sequence[str], zone: str) -> Groups:
    """Sort the rows into groups.

    Args:
        frame: A frame with the columns of `by`, and `time` for days and longer units.
        by: Names of the keys.
        zone: The time zone in which days begin.

    Raises:
        UsageError: A daily row would have to be cut at a midnight of the zone, or a column holds neither text
            nor ids.
    """
    ids = np.zeros(len(frame), np.int64)
    levels: list[tuple[IntArray, pd.Series]] = []
    for name in by:
        codes, labels = _unit_codes(frame, name, zone) if name in UNITS else text_codes(frame[name])
        missing = codes < 0
        codes = np.where(missing, len(labels), codes)
        levels.append((codes, pd.Series([*labels, None], dtype="string", name=name)))
        # In the order of the keys. It is made dense at each step, so that it cannot overflow.
        ids = pd.factorize(ids * (len(labels) + 1) + codes, sort=True)[0].astype(np.int64)
    number = int(ids.max(initial=-1)) + 1 if by else 1
    first = np.zeros(number, np.int64)
    first[ids] = np.arange(len(ids))  # any row of the group, as all have its keys
    keys = {str(labels.name): labels.take(codes[first]).array for codes, labels in levels}
    return Groups(ids, pd.DataFrame(keys, index=pd.RangeIndex(number)))


def text_codes(column: pd.Series) -> tuple[IntArray, list[str]]:
    """The index of each value in the sorted labels, -1 for a missing one; and the labels."""
    coded = text_array(column).dictionary_encode()
    labels = coded.dictionary.to_pylist()
    order = np.array(sorted(range(len(labels)), key=labels.__getitem__), np.int64)
    ranks = np.append(np.argsort(order), -1)  # the last one is that of -1
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    return ranks[codes], [labels[index] for index in order]


def text_column(parts: Iterable[pd.Series]) -> pd.Series:
    """Several columns of text or ids as one, in their order."""
    whole = pa.chunked_array([text_array(each) for each in parts], TEXT)
    return pd.Series(whole.to_pandas(types_mapper={TEXT: pd.StringDtype("pyarrow")}.get))


def _unit_codes(frame: pd.DataFrame, unit: Unit, zone: str) -> tuple[IntArray, list[str]]:
    times = time_array(frame["time"])
    known = times.is_valid().to_numpy(zero_copy_only=False)
    milliseconds = times.drop_null().to_numpy()
    if ((milliseconds < _FIRST_MS) | (milliseconds >= _LAST_MS)).any():
        raise UsageError("Column 'time' has times that are not between 1970 and 2100.")
    codes = np.full(len(frame), -1, np.int64)
    codes[known], labels = unit_labels(milliseconds, unit, zone)
    if "granularity" in frame and zone != "UTC":
        is_daily = (frame["granularity"].astype("string") == "day").fillna(False).to_numpy(bool)[known]
        _check_days(milliseconds[is_daily], unit, zone)
    return codes, labels


def _check_days(starts: IntArray, unit: Unit, zone: str) -> None:
    """Raise if a UTC day that begins at one of these times is in two units."""
    halves = unit_labels(np.concatenate([starts, starts + _DAY_MS - 1]), unit, zone)[0].reshape(2, -1)
    if cut := int((halves[0] != halves[1]).sum()):
        raise UsageError(
            f"{cut:,} of {len(starts):,} daily rows are of UTC days that begin in one {unit} in {zone} and "
            "end in the next. The exchange tells only the sum of such a day, so it cannot be divided: pass "
            f'zone="UTC", leave {unit!r} out of `by`, or take the trades alone with '
            'frame[frame["granularity"] == "trade"].'
        )
