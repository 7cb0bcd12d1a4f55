"""Customers a day, and the largest sub-accounts."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts._data import BALANCES, NONE, amounts, as_frame, labels, need, some, times, whole
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_TRADERS = "charts.traders() draws link.futures.trader_counts(), or link.futures.traders()"
_BALANCES = (
    "charts.balances() draws link.exchange.spot_balances(), link.exchange.margin_balances() or "
    "link.exchange.futures_balances()"
)


@suggests_arguments
def traders(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Customers who traded a day: old ones and new ones, or all where that is not known.

    A frame without rows draws an empty chart.

    Args:
        frame: What `link.futures.trader_counts()` returned, or `link.futures.traders()`, of which each
            customer is counted once a day. Rebates of customers do, too.
        ax: Axes to draw on; a figure is made otherwise.

    Raises:
        UsageError: The frame has no such columns.
    """
    rows = as_frame(frame, "traders", "new_trader")
    is_counted = "customer_id" not in rows or "old_trader" in rows
    columns = ("old_trader", "new_trader", "time") if is_counted else ("customer_id", "time")
    if not len(rows.columns):
        rows = pd.DataFrame({name: [] for name in columns})
    need(rows, columns, _TRADERS)
    traded = is_counted or "trade_vol" in rows
    title = "Customers who traded futures" if traded else "Customers with rebates"
    moments = times(rows["time"])
    days = draw.starts(moments[moments.notna()], "D")
    if is_counted:
        names, colours = ["Old", "New"], [draw.COLOURS[3], draw.COLOURS[0]]
        counts = pd.concat({name: amounts(rows[name]) for name in columns[:2]}, axis=1)
        sums = counts.loc[days.index].groupby(days).sum()
    else:
        names, colours = ["Customers"], [draw.COLOURS[3]]
        customers = labels(rows["customer_id"]).loc[days.index]
        sums = customers.groupby(days).nunique().to_frame()
    target = ax or draw.figure(1, draw.EMPTY_HEIGHT if sums.empty else 3.2)[0]
    if sums.empty:
        draw.empty(target, title, "a day", "Nobody traded", frame.attrs)
        return target
    draw.bars(target, draw.every(sums, "D"), draw.cut(frame.attrs, "D"), names, colours)
    draw.titles(target, title, "a day")
    draw.legend(target, draw.patches(names, colours) if is_counted else [])
    return target


@suggests_arguments
def balances(
    frame: pd.DataFrame | pd.Series, *, column: str | None = None, top: int = 15, ax: Axes | None = None
) -> Axes:
    """The largest sub-accounts by what they hold.

    A frame without rows, or in which nobody holds anything, draws an empty chart.

    Args:
        frame: What a method for balances returned: spot, margin or futures; or one column of it, by
            sub-account.
        column: Column to compare; the wallet's total where it is not given.
        top: How many sub-accounts.
        ax: Axes to draw on; a figure is made otherwise.

    Raises:
        UsageError: The frame has no such column, several rows for a sub-account, or amounts of different
            assets.
    """
    top = whole(top, "top")
    if isinstance(frame, pd.Series) and frame.index.name is None:
        frame = frame.rename_axis("sub_account_id")
    rows = as_frame(frame, "balances", column or "amount")
    if not len(rows.columns):
        rows = pd.DataFrame({name: [] for name in ("sub_account_id", column or next(iter(BALANCES)))})
    if column is None:
        column = _total_of(frame, rows)
    need(rows, ("sub_account_id", column) if column else ("sub_account_id", *BALANCES), _BALANCES)
    assert column is not None  # noqa: S101 - for the type checker
    values = amounts(rows[column])
    values = values[values.notna() & (values != 0)]
    accounts = labels(rows["sub_account_id"]).loc[values.index]
    title, unit = BALANCES.get(column, (column, ""))
    if "asset" in rows and "_of_" not in column:  # what is valued in an asset is in that one
        unit = _one_asset(labels(rows["asset"]).loc[values.index], unit)
    if accounts.duplicated().any():
        twice = accounts[accounts.duplicated()].iloc[0]
        raise UsageError(
            f"Sub-account {twice} has several rows, which are not added up: they may be of several times. "
            "Leave one row for each, such as with `frame.drop_duplicates('sub_account_id', keep='last')`."
        )
    largest = values.set_axis(accounts).sort_values(ascending=False).head(top)[::-1]
    height = draw.EMPTY_HEIGHT if largest.empty else 0.9 + 0.26 * len(largest)
    target = ax or draw.figure(1, height)[0]
    what = ", ".join(short_name(part) for part in (title, unit) if part)
    if largest.empty:
        draw.empty(target, what, "the largest sub-accounts", "No sub-account holds anything", {})
        return target
    bars = target.barh(range(len(largest)), largest, color=draw.COLOURS[0], height=0.66)
    numbers = [draw.short(value) for value in largest]
    target.bar_label(bars, numbers, padding=4, color=draw.TEXT, fontsize=8.5)
    draw.name_bars(target, [short_name(name) for name in largest.index])
    draw.frame(target, "x")
    target.margins(x=0.1, y=0.02)
    is_fraction = values.min() > 0
    share = f"{largest.sum() / values.sum():.0%} of all" if is_fraction else ""
    draw.titles(target, f"{what}: the {len(largest)} largest sub-accounts", share)
    return target


def _total_of(frame: pd.DataFrame | pd.Series, rows: pd.DataFrame) -> str | None:
    """The column that is the wallet's total, None where there is none."""
    if isinstance(frame, pd.Series):
        return str(frame.name or "amount")
    there = [name for name in BALANCES if name in rows]
    market = (frame.attrs.get("parameters") or {}).get("market")
    if market == "cm":  # its answers have the columns of both markets
        there = there[::-1]
    return next((name for name in there if rows[name].notna().any()), next(iter(there), None))


def _one_asset(assets: pd.Series, unit: str) -> str:
    """The unit of the amounts: the wallet's, or else the asset that all of them are in.

    Raises:
        UsageError: There are several, which cannot be compared.
    """
    different = [name for name in assets.unique() if name != NONE]
    if len(different) > 1:
        raise UsageError(
            f"The amounts are in {len(different)} assets ({some(different)}), which cannot be compared: "
            "leave one, such as with `frame[frame['asset'] == 'USDT']`."
        )
    return unit or (str(different[0]) if different else "")
