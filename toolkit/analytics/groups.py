"""The rows of a frame sorted into groups by keys, days and months included. Missing keys are a group, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.analytics.zones import IntArray, Unit, unit_labels
from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean

UNITS: tuple[Unit, ...] = ("day", "week", "month", "quarter", "year")
_DAY_MS = 86_400_000
# As in `toolkit.planning`: a time outside is a mistake.
_FIRST_MS, _LAST_MS = 0, 4_102_444_800_000
_IDS = ("customer_id", "sub_account_id", "trade_id")


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
            raise UsageError(f"`by` is {name!r}; it may be {', '.join(allowed)}.{did_you_mean(name, allowed)}")
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
        UsageError: A daily row would have to be cut at a midnight of the zone, or a column holds something else
            than text.
    """
    ids = np.zeros(len(frame), np.int64)
    levels: list[tuple[IntArray, pd.Series]] = []
    for name in by:
        codes, labels = _unit_codes(frame, name, zone) if name in UNITS else _text_codes(frame[name])
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


def _text_codes(column: pd.Series) -> tuple[IntArray, list[str]]:
    """The index of each value in the sorted labels, -1 for a missing one; and the labels."""
    name = column.name
    if pd.api.types.is_float_dtype(column.dtype) and column.notna().any():
        raise UsageError(
            f"Column {name!r} holds floats, which do not hold every id. Read the file with toolkit.read, or with "
            f'dtype={{{name!r}: "string"}}.'
        )
    codes, labels = pd.factorize(column.astype("string"), sort=True)
    texts = [str(each) for each in labels]
    if name in _IDS and texts and not texts[0]:  # "" is how reads say that a row has none
        return codes.astype(np.int64) - 1 + (codes < 0), texts[1:]
    return codes.astype(np.int64), texts


def _unit_codes(frame: pd.DataFrame, unit: Unit, zone: str) -> tuple[IntArray, list[str]]:
    times = times_of(frame["time"])
    known = times.notna().to_numpy()
    milliseconds = times[known].to_numpy("datetime64[ms]").astype(np.int64)
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
            f"{cut} of {len(starts)} daily rows are of UTC days that begin in one {unit} in {zone} and end in the "
            f'next. The exchange tells only the sum of such a day, so it cannot be divided: pass zone="UTC", leave '
            f'{unit!r} out of `by`, or take the trades alone with frame[frame["granularity"] == "trade"].'
        )


def times_of(column: pd.Series) -> pd.Series:
    """The times of a column in UTC. Naive ones are taken as UTC; missing ones stay missing.

    Raises:
        UsageError: The column holds something else.
    """
    is_text = not pd.api.types.is_datetime64_any_dtype(column.dtype)
    if isinstance(column.dtype, pd.ArrowDtype):
        column, is_text = column.astype(object), True
    if not pd.api.types.is_numeric_dtype(column) or column.isna().all():
        try:
            # In a CSV file, some rows have milliseconds and others do not.
            found = pd.to_datetime(column, utc=True, format="ISO8601" if is_text else None)
            return pd.Series(found).dt.as_unit("ms")
        except (TypeError, ValueError):
            pass
    raise UsageError(f"Column {column.name!r} does not hold times. Use `pd.to_datetime(..., utc=True)`.")
