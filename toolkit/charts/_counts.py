"""Charts of customers per day and of the largest sub-accounts."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts._data import (
    BALANCES,
    NONE,
    amounts,
    as_frame,
    labels,
    name_list,
    positive_integer,
    require_columns,
    times,
)
from toolkit.charts._names import in_words, names_by_id
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
    """Draw the customers who traded each day: old and new ones, or all if that is not known.

    A frame without rows draws an empty chart.

    Args:
        frame: The result of `link.futures.trader_counts()`, or of `link.futures.traders()`, where each
            customer counts once a day. Rebates by customer also work.
        ax: Axes to draw on; a new figure if not given.

    Raises:
        UsageError: A column is missing.
    """
    rows = as_frame(frame, "traders", "new_trader")
    has_counts = "customer_id" not in rows or "old_trader" in rows
    columns = ("old_trader", "new_trader", "time") if has_counts else ("customer_id", "time")
    if not len(rows.columns):
        rows = pd.DataFrame({name: [] for name in columns})
    require_columns(rows, columns, _TRADERS)
    traded = has_counts or "trade_vol" in rows
    title = "Customers who traded futures" if traded else "Customers with rebates"
    when = times(rows["time"])
    days = draw.period_starts(when[when.notna()], "D")
    if has_counts:
        names, colours = ["Old", "New"], [draw.COLOURS[3], draw.COLOURS[0]]
        counts = pd.concat({name: amounts(rows[name]) for name in columns[:2]}, axis=1)
        sums = counts.loc[days.index].groupby(days).sum()
    else:
        names, colours = ["Customers"], [draw.COLOURS[3]]
        customers = labels(rows["customer_id"]).loc[days.index]
        sums = customers.groupby(days).nunique().to_frame()
    target = ax or draw.figure(1, draw.EMPTY_HEIGHT if sums.empty else 3.2)[0]
    if sums.empty:
        draw.empty(target, title, "per day", "Nobody traded", frame.attrs)
        draw.describe(target, f"{title}: nobody.")
        return target
    draw.bars(target, draw.fill_gaps(sums, "D"), draw.partial_periods(frame.attrs, "D"), names, colours)
    draw.set_title(target, title, "per day")
    draw.legend(target, draw.patches(names, colours) if has_counts else [])
    most = draw.short(float(sums.sum(axis=1).max()))
    draw.describe(target, f"{title} per day, {draw.span_of_periods(sums.index)}: {most} at most.")
    return target


@suggests_arguments
def balances(
    frame: pd.DataFrame | pd.Series, *, column: str | None = None, top: int = 15, ax: Axes | None = None
) -> Axes:
    """Draw the sub-accounts with the largest balances.

    They are called by your own names where the frame has them, and by their ids where not.

    A frame without rows, or without balances, draws an empty chart.

    Args:
        frame: Spot, margin or futures balances as a method of the toolkit returns them; or one column of
            them, indexed by sub-account.
        column: Column to compare; the total of the wallet if not given.
        top: Number of sub-accounts.
        ax: Axes to draw on; a new figure if not given.

    Raises:
        UsageError: The column is missing, a sub-account has several rows, or the amounts are in different
            assets.
    """
    top = positive_integer(top, "top")
    if isinstance(frame, pd.Series) and list(frame.index.names) == [None]:
        frame = frame.rename_axis("sub_account_id")
    rows = as_frame(frame, "balances", column or "amount")
    if not len(rows.columns):
        rows = pd.DataFrame({name: [] for name in ("sub_account_id", column or next(iter(BALANCES)))})
    if column is None:
        column = _total_column(frame, rows)
    require_columns(rows, ("sub_account_id", column) if column else ("sub_account_id", *BALANCES), _BALANCES)
    assert column is not None  # noqa: S101 - for the type checker
    values = amounts(rows[column])
    values = values[values.notna() & (values != 0)]
    accounts = labels(rows["sub_account_id"]).loc[values.index]
    title, unit = BALANCES.get(column, (column, ""))
    if "asset" in rows and "_of_" not in column:  # a column such as total_balance_of_btc names its asset
        unit = _single_unit(labels(rows["asset"]).loc[values.index], unit)
    if accounts.duplicated().any():
        repeated = accounts[accounts.duplicated()].iloc[0]
        raise UsageError(
            f"Sub-account {repeated} has several rows. They are not added up, as they may be from different "
            "times. Keep one row per account, for example with "
            "`frame.drop_duplicates('sub_account_id', keep='last')`."
        )
    largest = values.set_axis(accounts).sort_values(ascending=False).head(top)[::-1]
    height = draw.EMPTY_HEIGHT if largest.empty else 0.9 + 0.26 * len(largest)
    target = ax or draw.figure(1, height)[0]
    heading = ", ".join(short_name(part) for part in (title, unit) if part)
    if largest.empty:
        draw.empty(target, heading, "largest sub-accounts", "No sub-account holds anything", {})
        draw.describe(target, f"{heading}: no sub-account holds anything.")
        return target
    bars = target.barh(range(len(largest)), largest, color=draw.COLOURS[0], height=0.66)
    numbers = [draw.short(value) for value in largest]
    target.bar_label(bars, numbers, padding=4, color=draw.TEXT, fontsize=8.5)
    names = names_by_id(rows, "sub_account_id")
    draw.name_bars(target, [names.get(id_, short_name(id_)) for id_ in largest.index])
    draw.style(target, "x")
    target.margins(x=0.1, y=0.02)
    is_additive = values.min() > 0
    share = f"{largest.sum() / values.sum():.0%} of the total" if is_additive else ""
    title = f"{heading}: the {len(largest)} largest sub-accounts"
    draw.set_title(target, title, share)
    whose = in_words(names, largest.index[::-1])
    draw.describe(target, f"{title}, from {numbers[-1]} to {numbers[0]}.{whose}")
    return target


def _total_column(frame: pd.DataFrame | pd.Series, rows: pd.DataFrame) -> str | None:
    """The column with the total of the wallet, None if there is none."""
    if isinstance(frame, pd.Series):
        return str(frame.name or "amount")
    present = [name for name in BALANCES if name in rows]
    market = (frame.attrs.get("parameters") or {}).get("market")
    if market == "cm":  # its frames have the columns of both markets
        present = present[::-1]
    return next((name for name in present if rows[name].notna().any()), next(iter(present), None))


def _single_unit(assets: pd.Series, unit: str) -> str:
    """The unit of the amounts: that of the wallet, or the asset that all of them are in.

    Raises:
        UsageError: They are in several assets.
    """
    different = [name for name in assets.unique() if name != NONE]
    if len(different) > 1:
        raise UsageError(
            f"The amounts are in {len(different)} assets ({name_list(different)}), which cannot be compared. "
            "Choose one, for example with `frame[frame['asset'] == 'USDT']`."
        )
    return unit or (str(different[0]) if different else "")
