"""Turn the frames that users have into the rows that charts draw. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan, nan
from operator import index
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from toolkit.errors import UsageError

NONE = "(none)"
"""Label of a missing or empty value in a column that bars are stacked by."""


def as_frame(data: object, chart: str, value: str) -> pd.DataFrame:
    """Convert a frame or Series to a frame with plain rows; index levels become columns.

    Args:
        data: The argument of the chart.
        chart: Name of the chart.
        value: Column name for the values of a Series without a name.

    Raises:
        UsageError: It is neither a frame nor a Series.
    """
    if isinstance(data, pd.Series):
        data = data.to_frame(value if data.name is None else data.name)
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"charts.{chart}() draws a DataFrame, not {type(data).__name__}.")
    attrs = dict(data.attrs)
    names = [name for name in data.index.names if name is not None and name not in data.columns]
    if names:
        data = data.reset_index(level=names)
    elif isinstance(data.index, pd.DatetimeIndex | pd.PeriodIndex) and "time" not in data:
        data = data.rename_axis("time").reset_index()
    frame = data.reset_index(drop=True)
    frame.attrs = attrs
    return frame


def require_columns(frame: pd.DataFrame, columns: Iterable[str], usage: str) -> None:
    """Check that a frame has some columns, each once.

    Args:
        frame: The frame.
        columns: Names of the columns.
        usage: What the chart draws, for the error text.

    Raises:
        UsageError: A column is missing or repeated.
    """
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UsageError(
            f"{usage}. This frame has {name_list(frame.columns)}; it has no {name_list(missing)}."
            f"{_other_chart(frame)}"
        )
    repeated = [name for name in columns if isinstance(frame[name], pd.DataFrame)]
    if repeated:
        raise UsageError(f"The frame has several columns named {name_list(repeated)}. Keep one.")


def _other_chart(frame: pd.DataFrame) -> str:
    """The chart that draws the frame, if there is one."""
    if {"open_time", "open", "close"} <= set(frame.columns):
        return " charts.candles() draws it."
    if {"side", "price", "quantity"} <= set(frame.columns):
        return " charts.depth() draws it."
    if "funding_rate" in frame:
        return " charts.funding() draws it."
    if "old_trader" in frame:
        return " charts.traders() draws it."
    if any(name in frame for name in BALANCES):
        return " charts.balances() draws it."
    if any(name in frame for name in ("income", "rebate_vol")) and "time" in frame:
        return " charts.rebates() draws it."
    return ""


BALANCES = {
    "total_balance_of_btc": ("Spot", "BTC"),
    "total_net_asset_of_btc": ("Margin, net", "BTC"),
    "total_margin_balance": ("Futures USD-M", "USD"),
    "total_margin_balance_of_usdt": ("Futures COIN-M", "USDT"),
}
"""Columns with the total of a wallet: its title and unit."""


def times(column: pd.Series) -> pd.Series:
    """The times of a column in UTC. Naive times are taken as UTC; missing ones stay missing.

    Raises:
        UsageError: The column holds something else.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.start_time
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    if not pd.api.types.is_numeric_dtype(column) or column.empty:
        text = not pd.api.types.is_datetime64_any_dtype(column)
        try:
            # In a CSV file, some rows have milliseconds and others do not.
            return pd.Series(pd.to_datetime(column, utc=True, format="ISO8601" if text else None))
        except (TypeError, ValueError):
            pass
    raise UsageError(
        f"Column {column.name!r} does not hold times. Convert it with `pd.to_datetime(..., utc=True)`."
    )


def milliseconds(when: pd.Series) -> npt.NDArray[np.int64]:
    """Times in UTC, none of them missing, as milliseconds since 1970."""
    return np.asarray(when.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64))


def amounts(column: pd.Series) -> pd.Series:
    """The amounts of a column as floats, for drawing. Missing ones stay missing.

    Raises:
        UsageError: The column holds something else.
    """
    try:
        if pd.api.types.is_numeric_dtype(column):
            if pd.api.types.is_extension_array_dtype(column):  # exact ones too: ten times as fast as pandas
                floats = pa.array(column.array).cast(pa.float64(), safe=False)
                return pd.Series(floats.to_numpy(zero_copy_only=False), column.index, name=column.name)
            return column.astype("float64")
        plain = column.astype(object).map(lambda value: nan if is_missing(value) else float(value))
        return plain.astype("float64")
    except (TypeError, ValueError):
        raise UsageError(f"Column {column.name!r} does not hold amounts.") from None


def positive_integer(number: object, name: str) -> int:
    """Convert an argument to an int.

    Raises:
        UsageError: It is not a whole number of at least 1.
    """
    if isinstance(number, SupportsIndex) and not pd.api.types.is_bool(number) and index(number) >= 1:
        return index(number)
    raise UsageError(f"`{name}` must be a whole number of at least 1, not {number!r}.")


def labels(column: pd.Series) -> pd.Series:
    """The values of a column as text; an empty one, such as the id of a customer without one, is none."""
    return column.astype(object).map(lambda value: NONE if is_missing(value) else str(value) or NONE)


def is_missing(value: Any) -> bool:
    """Whether a value is missing: None, NA, NaT or NaN."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and isnan(value))


def name_list(names: Iterable[object], most: int = 6) -> str:
    """The first names of a list, and how many more there are."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
