"""What a chart draws, out of whatever frame it is given: pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan, nan
from operator import index
from typing import Any, SupportsIndex

import pandas as pd

from toolkit.errors import UsageError

NONE = "(none)"
"""What stands for a value that is missing in a column that bars are stacked by."""


def as_frame(data: object, chart: str, value: str) -> pd.DataFrame:
    """A frame with plain rows: what is in its index becomes columns; of a Series, too.

    Args:
        data: What the chart was given.
        chart: Its name.
        value: What the values of a Series without a name are.
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


def need(frame: pd.DataFrame, columns: Iterable[str], wrong: str) -> None:
    """Refuse a frame that lacks a column, or has it more than once.

    Args:
        frame: The frame.
        columns: What it has to have.
        wrong: What to say of a frame that does not.
    """
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UsageError(
            f"{wrong}. This frame has {some(frame.columns)}; it has no {some(missing)}."
            f"{_where_it_belongs(frame)}"
        )
    twice = [name for name in columns if isinstance(frame[name], pd.DataFrame)]
    if twice:
        raise UsageError(f"The frame has several columns {some(twice)}: choose one.")


def _where_it_belongs(frame: pd.DataFrame) -> str:
    """Which chart draws it, where one does."""
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
"""The columns that are a wallet's total: what it is called, and its unit."""


def times(column: pd.Series) -> pd.Series:
    """Times in UTC; naive ones mean UTC. Missing ones stay missing.

    Raises:
        UsageError: They are no times.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.start_time
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    if not pd.api.types.is_numeric_dtype(column) or column.empty:
        text = not pd.api.types.is_datetime64_any_dtype(column)
        try:
            # As CSV has them: with thousandths in some rows and without in others.
            return pd.Series(pd.to_datetime(column, utc=True, format="ISO8601" if text else None))
        except (TypeError, ValueError):
            pass
    raise UsageError(f"Column {column.name!r} holds no times: `pd.to_datetime(..., utc=True)` makes some.")


def amounts(column: pd.Series) -> pd.Series:
    """Amounts as numbers to draw, whatever type holds them. Missing ones stay missing.

    Raises:
        UsageError: They are no numbers.
    """
    try:
        plain = column.astype(object).map(lambda value: nan if is_missing(value) else float(value))
        return plain.astype("float64")
    except (TypeError, ValueError):
        raise UsageError(f"Column {column.name!r} holds no amounts.") from None


def whole(number: object, name: str) -> int:
    """A whole number from 1 on, of whatever type.

    Raises:
        UsageError: It is none.
    """
    if isinstance(number, SupportsIndex) and not pd.api.types.is_bool(number) and index(number) >= 1:
        return index(number)
    raise UsageError(f"`{name}` is a whole number from 1 on, not {number!r}.")


def labels(column: pd.Series) -> pd.Series:
    """Values as text."""
    return column.astype(object).map(lambda value: NONE if is_missing(value) else str(value))


def is_missing(value: Any) -> bool:
    """Whether a value of a frame is none."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and isnan(value))


def some(names: Iterable[object], most: int = 6) -> str:
    """Names in a sentence, the first of them."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
