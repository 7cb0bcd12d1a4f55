"""A DataFrame in, matplotlib Axes out, with nothing to set before it looks right.

Amounts of different assets are never added up: one BTC and one USDT are not two of anything. Where a
frame holds several assets each gets a scale of its own.

Colours go to the artists; no global setting is touched. Backgrounds are transparent and text is a
grey that reads on white and on black, so that a chart fits a light and a dark notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import floor, log10
from typing import Any, Literal

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from toolkit.errors import UsageError

__all__ = ["balances", "rebates", "traders"]

COLOURS = ("#26a17b", "#f7931a", "#f0b90b", "#627eea", "#9b5de5", "#e4577a", "#2fa4c7", "#8a9a5b")
# Those whose colour people know.
ASSET_COLOURS = {
    "USDT": "#26a17b",
    "USDC": "#2f7fd0",
    "FDUSD": "#9b5de5",
    "BTC": "#f7931a",
    "BNB": "#f0b90b",
    "ETH": "#627eea",
    "USD": "#26a17b",
}
OTHERS = "#b4bac4"
OTHERS_LABEL = "Others"
TEXT = "#767d88"
# JupyterLab paints a background behind a transparent figure whose tick labels are all light or all
# dark. These two greys, a hair apart, are on either side of its threshold.
TICKS: dict[Literal["x", "y"], str] = {"x": "#81878f", "y": TEXT}
AVERAGE = "#62719a"
AVERAGE_LABEL = "7-day average"
GRID = "#8088941f"

Freq = Literal["D", "W", "MS"]
_SPANS: dict[str, tuple[str, str]] = {"D": ("a day", "D"), "W": ("a week", "W-SUN"), "MS": ("a month", "M")}

_AMOUNTS = {
    "total_balance_of_btc": ("Spot", "BTC"),
    "total_net_asset_of_btc": ("Margin, net", "BTC"),
    "total_margin_balance": ("Futures USD-M", "USD"),
    "total_margin_balance_of_usdt": ("Futures COIN-M", "USDT"),
}


def rebates(
    frame: pd.DataFrame,
    *,
    by: str | None = "asset",
    asset: str | None = None,
    freq: Freq = "D",
    top: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """Rebates a day as bars, with their 7-day average.

    A day that is not over, or that the span asked for cuts, is paler and hatched, and is left out of
    the average.

    Args:
        frame: What a rebates door returned: spot, exchange or futures.
        by: "asset" draws a chart for each asset, one above the other, each with a scale of its own.
            Any other column, such as "symbol" or "customer_id", stacks the bars by its values; None
            does not stack. Both need a single asset, as amounts of different assets do not add up.
        asset: Only rebates paid in this asset.
        freq: "D" for days, "W" for weeks, "MS" for months; all in UTC.
        top: Most charts, or values in a stack. Of a stack the rest goes to "Others"; of the assets
            the rest is named, not drawn.
        ax: Axes to draw on, for a single asset; a figure is made otherwise.

    Returns:
        The Axes; the topmost where there are several (`.figure.axes` has them all).

    Raises:
        UsageError: The frame has no rebates, or several assets where one is needed.
    """
    if freq not in _SPANS:
        raise UsageError(f'freq is {freq!r}; it may be "D", "W" or "MS".')
    rows = _rebate_rows(frame, by)
    if asset is not None:
        rows = rows[rows["asset"] == asset]
        if rows.empty:
            raise UsageError(f"The frame has no rebates in {asset}; it has {_some(_ranked(frame))}.")
    assets = _ranked(rows)
    if by == "asset" and ax is None:
        shown, hidden = assets[:top], assets[top:]
        axes = _figure(len(shown), 3.6 if len(shown) == 1 else 1.8)
        for each, one in zip(axes, shown, strict=True):
            part = rows[rows["asset"] == one]
            _rebate_bars(each, part, frame.attrs, freq, stack=None, top=top, unit=one, key=each is axes[0])
        if hidden:
            axes[-1].set_xlabel(f"Not drawn: {_some(hidden)}", color=TEXT, fontsize=8, loc="left")
        return axes[0]
    if len(assets) > 1:
        raise UsageError(
            f"The rebates are in {len(assets)} assets ({_some(assets)}), whose amounts do not add up: choose "
            'one with asset=, or draw one chart each with by="asset" (and no ax).'
        )
    target = ax or _figure(1, 3.6)[0]
    stack = None if by == "asset" else by
    _rebate_bars(target, rows, frame.attrs, freq, stack=stack, top=top, unit=assets[0])
    return target


def traders(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Customers who traded futures a day, old ones and new ones.

    Args:
        frame: What `link.futures.trader_counts()` returned.
        ax: Axes to draw on; a figure is made otherwise.

    Raises:
        UsageError: The frame is not of that door, or empty.
    """
    _need(frame, ("old_trader", "new_trader", "time"), "link.futures.trader_counts()")
    days = frame["time"].dt.floor("D")
    counts = frame[["old_trader", "new_trader"]].astype("float64").groupby(days).sum()
    counts.columns = pd.Index(["Old", "New"])
    target = ax or _figure(1, 3.2)[0]
    _bars(target, _every(counts, "D"), _cut(frame.attrs, "D"), [COLOURS[3], COLOURS[0]])
    _titles(target, "Customers who traded futures", "a day")
    _legend(target, {"Old": COLOURS[3], "New": COLOURS[0]})
    return target


def balances(
    frame: pd.DataFrame, *, column: str | None = None, top: int = 15, ax: Axes | None = None
) -> Axes:
    """The largest sub-accounts by what they hold.

    Args:
        frame: What a balances door returned: spot, margin or futures.
        column: Column to compare; the wallet's total where it is not given.
        top: How many sub-accounts.
        ax: Axes to draw on; a figure is made otherwise.

    Raises:
        UsageError: The frame has no such column, or no amounts in it.
    """
    if column is None:
        column = next((name for name in _AMOUNTS if name in frame and frame[name].notna().any()), None)
    if column is None or column not in frame or "sub_account_id" not in frame:
        raise UsageError(
            "balances() wants the frame of link.exchange.spot_balances(), margin_balances() or "
            f"futures_balances(); this one has {_some(list(frame.columns))}."
        )
    held = frame.dropna(subset=[column])
    values = held[column].astype("float64").set_axis(held["sub_account_id"].astype(str))
    values = values[values != 0]
    if values.empty:
        raise UsageError(f"No sub-account holds anything in {column}.")
    largest = values.sort_values(ascending=False).head(top)[::-1]
    target = ax or _figure(1, 0.9 + 0.26 * len(largest))[0]
    bars = target.barh(range(len(largest)), largest, color=COLOURS[0], height=0.66)
    target.bar_label(bars, [_short(value) for value in largest], padding=4, color=TEXT, fontsize=8.5)
    target.set_yticks(range(len(largest)), list(largest.index))
    _frame(target, "x")
    target.margins(x=0.1, y=0.02)
    title, unit = _AMOUNTS.get(column, (column, ""))
    share = largest.sum() / values.sum()
    what = f"{title}, {unit}" if unit else title
    _titles(target, f"{what}: the {len(largest)} largest sub-accounts", f"{share:.0%} of all")
    return target


# -- the parts -------------------------------------------------------------------------------------------


def _rebate_rows(frame: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """One spelling for the doors' amounts and units: income and asset."""
    if "rebate_vol" in frame:
        frame = frame.rename(columns={"rebate_vol": "income", "unit": "asset"})
    _need(frame, ("income", "asset", "time"), "a rebates door")
    if by is not None and by not in frame:
        raise UsageError(f"by is {by!r}, which is no column; there are {_some(list(frame.columns))}.")
    return frame


def _need(frame: pd.DataFrame, columns: tuple[str, ...], door: str) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UsageError(f"This is not the frame of {door}: it has no {_some(missing)}.")
    if frame.empty:
        raise UsageError("There is nothing to draw: the frame has no rows.")


def _ranked(rows: pd.DataFrame) -> list[str]:
    """The assets, the one with most rows first: amounts of different assets cannot be compared."""
    column = "asset" if "asset" in rows else "unit"
    return [str(name) for name in rows[column].value_counts().index]


def _some(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _figure(rows: int, height: float) -> list[Axes]:
    """New Axes, one above the other, registered with the notebook so that a cell shows them."""
    # Only here, and only in the cell's own thread: pyplot is what the notebook takes figures from.
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        rows, 1, figsize=(9.6, height * rows), dpi=140, sharex=True, squeeze=False, layout="constrained"
    )
    figure.set_facecolor("none")
    return list(axes[:, 0])


def _rebate_bars(
    ax: Axes,
    rows: pd.DataFrame,
    attrs: dict[Any, Any],
    freq: Freq,
    *,
    stack: str | None,
    top: int,
    unit: str,
    key: bool = True,
) -> None:
    span, period = _SPANS[freq]
    starts = rows["time"].dt.tz_localize(None).dt.to_period(period).dt.start_time.dt.tz_localize("UTC")
    income = rows["income"].astype("float64")
    if stack is None:
        sums = income.groupby(starts).sum().to_frame("Rebates")
        colours = [ASSET_COLOURS.get(unit, COLOURS[-1])]
    else:
        sums = income.groupby([starts, rows[stack].astype(str)]).sum().unstack(fill_value=0)
        sums = _keep(sums, top)
        colours = [OTHERS if name == OTHERS_LABEL else COLOURS[at % 8] for at, name in enumerate(sums)]
    sums = _every(sums, freq)
    cut = _cut(attrs, freq)
    _bars(ax, sums, cut, colours)
    whole = sums.sum(axis=1)[[start not in cut for start in sums.index]]
    average = whole.rolling(7).mean()
    line = {}
    if freq == "D" and average.notna().any():
        (line[AVERAGE_LABEL],) = ax.plot(average.index, average, color=AVERAGE, linewidth=2, zorder=4)
    if not whole.empty and whole.max() > 0:
        _label(ax, whole.index[int(whole.argmax())], whole.max(), _short(whole.max()), weight="bold")
    _titles(ax, "Rebates" + (f" by {stack}" if stack else ""), f"{unit} {span}")
    if key:
        _legend(ax, dict(zip(map(str, sums.columns), colours, strict=True)) if stack else {}, line)


def _label(ax: Axes, at: pd.Timestamp, height: float, text: str, weight: str = "normal") -> None:
    ax.annotate(
        text,
        (at, height),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        color=TEXT,
        fontsize=8.5,
        fontweight=weight,
        zorder=5,
    )


def _keep(sums: pd.DataFrame, top: int) -> pd.DataFrame:
    """The largest columns, and the others together."""
    order = sums.sum().sort_values(ascending=False).index
    kept = sums[order[:top]].copy()
    if len(order) > top:
        kept[OTHERS_LABEL] = sums[order[top:]].sum(axis=1)
    return kept


def _every(sums: pd.DataFrame, freq: Freq) -> pd.DataFrame:
    """Periods without a row are periods with nothing."""
    step = {"D": "D", "W": "W-MON", "MS": "MS"}[freq]
    index = pd.date_range(sums.index.min(), sums.index.max(), freq=step)
    return sums.reindex(index, fill_value=0.0)


def _cut(attrs: dict[Any, Any], freq: Freq) -> set[pd.Timestamp]:
    """Starts of the periods that the frame holds only a part of: the running one, the first, the last."""
    fetched = _moment(attrs.get("fetched_at")) or pd.Timestamp(datetime.now(UTC))
    parameters = attrs.get("parameters") or {}
    first = _moment(parameters.get("start"))
    cut = {_start(fetched, freq)}
    if first is not None and first != _start(first, freq):
        cut.add(_start(first, freq))
    last = _moment(parameters.get("end"))
    if last is not None and _start(last + pd.Timedelta(milliseconds=1), freq) == _start(last, freq):
        cut.add(_start(last, freq))
    return cut


def _moment(value: object) -> pd.Timestamp | None:
    if value is None:
        return None
    try:
        moment = pd.Timestamp(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _start(moment: pd.Timestamp, freq: Freq) -> pd.Timestamp:
    period = moment.tz_localize(None).to_period(_SPANS[freq][1])
    return period.start_time.tz_localize("UTC")


def _bars(ax: Axes, sums: pd.DataFrame, cut: set[pd.Timestamp], colours: Sequence[str]) -> None:
    days = pd.Series(sums.index).diff().dt.days.min() if len(sums) > 1 else 1.0
    below = pd.Series(0.0, index=sums.index)
    for name, colour in zip(sums.columns, colours, strict=True):
        bars = ax.bar(
            sums.index, sums[name], bottom=below, width=days * 0.74, color=colour, label=str(name), zorder=3
        )
        for start, bar in zip(sums.index, bars, strict=True):
            if start in cut:
                bar.set(alpha=0.42, hatch="////", edgecolor=colour, linewidth=0)
        below = below + sums[name]
    today = max(cut)
    if today in below.index:
        label = "today" if days == 1 else "so far"
        _label(ax, today, below[today], label)
    _frame(ax, "y")
    ax.margins(x=0.01, y=0.16)  # room for the label of the highest bar
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=11))  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _date(value, days)))


def _date(value: float, days: float) -> str:
    """Day and month, or month and year where bars are months."""
    date = num2date(value)  # type: ignore[no-untyped-call]
    return f"{date:%b %Y}" if days > 27 else f"{date.day} {date:%b}"


def _frame(ax: Axes, grid: Literal["x", "y"]) -> None:
    ax.set_facecolor("none")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.grid(axis=grid, color=GRID, linewidth=1, zorder=0)
    ax.set_axisbelow(True)
    for side, colour in TICKS.items():
        ax.tick_params(axis=side, colors=colour, labelsize=8.5, length=0)
    axis = ax.yaxis if grid == "y" else ax.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    """Four digits at most, then k or M; never an exponent."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):,.4g}{unit}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.4g}"
    return f"{value:.{2 - floor(log10(abs(value)))}f}".rstrip("0")


_TITLE: dict[str, Any] = {"fontsize": 11, "fontweight": "bold", "color": TEXT}


def _titles(ax: Axes, title: str, unit: str) -> None:
    ax.set_title(f"{title} · {unit}" if unit else title, loc="left", pad=8, **_TITLE)


def _legend(ax: Axes, colours: dict[str, str], lines: dict[str, Line2D] | None = None) -> None:
    """Names under the title; plain colours, as the first bar may be a hatched one."""
    names: dict[str, Artist] = {name: Patch(color=colour) for name, colour in colours.items()}
    names |= lines or {}
    if not names:
        return
    ax.legend(
        list(names.values()),
        list(names),
        loc="lower left",
        bbox_to_anchor=(-0.008, 0.985),
        ncols=len(names),
        frameon=False,
        labelcolor=TEXT,
        fontsize=8.5,
        handlelength=1.0,
        handleheight=0.9,
        columnspacing=1.3,
    )
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=26, **_TITLE)
