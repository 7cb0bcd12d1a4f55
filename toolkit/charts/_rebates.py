"""Chart of rebates per day, week or month."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts._data import (
    amounts,
    as_frame,
    labels,
    name_list,
    positive_integer,
    require_columns,
    times,
)
from toolkit.charts._draw import Freq
from toolkit.charts._names import id_column, in_words, names_by_id
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean, suggests_arguments

OTHERS_LABEL = "Others"
AVERAGE_LABEL = "7-day average"

_USAGE = (
    "charts.rebates() draws frames with income, asset and time, such as those of link.spot.rebates(), "
    "link.spot.kickbacks(), link.exchange.rebates(), link.exchange.futures_rebates(), "
    "link.futures.rebates(), link.futures.income() and link.futures.traders()"
)


@suggests_arguments
def rebates(
    frame: pd.DataFrame | pd.Series,
    *,
    by: str | None = "asset",
    asset: str | None = None,
    freq: Freq = "D",
    top: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """Draw rebates per day as bars, with their 7-day average.

    A day that is not over, or that the requested span covers only in part, is paler and hatched, and is left
    out of the average. A frame without rows draws an empty chart.

    Args:
        frame: Rebates as a method of the toolkit returns them: spot, exchange or futures; or kickbacks,
            income or the rebates of each trader. It may be filtered or grouped. A Series of amounts also
            works, with `asset` if it does not name one.
        by: "asset" draws a chart for each asset, one above the other, each with a scale of its own.
            Any other column, such as "symbol" or "customer_id", stacks the bars by its values,
            and calls ids by your own names where the frame has them; None does not stack. Both require a
            single asset, because amounts of different assets do not add up.
        asset: Only rebates paid in this asset.
        freq: "D" for days, "W" for weeks, "MS" for months, all in UTC.
        top: Largest number of charts, or of values in a stack. The rest of a stack is added up as "Others";
            the rest of the assets are named but not drawn.
        ax: Axes to draw on, for a single asset; a new figure if not given.

    Returns:
        The Axes; with several charts, the topmost one (`.figure.axes` has all).

    Raises:
        UsageError: A column is missing, or there are several assets where one is required.
    """
    if freq not in draw.PERIODS:
        raise UsageError(f'`freq` must be "D", "W" or "MS", not {freq!r}.')
    top = positive_integer(top, "top")
    if by == "unit":  # the name of this column in some frames
        by = "asset"
    stack = None if by == "asset" else by
    title, rows, names = _rows(frame, stack, asset)
    all_assets = _ranked_assets(rows)
    if asset is not None:
        rows = rows[rows["asset"] == asset]
    chart = _Chart(title, freq, stack, top, rows.attrs, names=names)
    assets = _ranked_assets(rows)
    if not assets:
        target = ax or draw.figure(1, draw.EMPTY_HEIGHT)[0]
        name = short_name(asset or "")
        text = f"No {title.lower()}"
        if all_assets:
            text += f" in {name}; there are some in {name_list(map(short_name, all_assets))}"
        unit = f"{name} {draw.PERIODS[freq][0]}".strip()
        draw.empty(target, chart.heading, unit, text, rows.attrs)
        draw.describe(target, f"{chart.heading}: {text}.")
        return target
    if by == "asset" and ax is None:
        shown, hidden = assets[:top], assets[top:]
        axes = draw.figure(len(shown), 3.6 if len(shown) == 1 else 1.8)
        for target, name in zip(axes, shown, strict=True):
            chart.draw(target, rows[rows["asset"] == name], name, has_legend=target is axes[0])
        if hidden:
            draw.note_below(axes[-1], f"Not drawn: {name_list(map(short_name, hidden))}")
        return axes[0]
    if len(assets) > 1:
        raise UsageError(
            f"The rebates are in {len(assets)} assets ({name_list(assets)}), whose amounts do not add up. "
            'Choose one with asset=, or draw a chart for each with by="asset" (and no ax).'
        )
    target = ax or draw.figure(1, 3.6)[0]
    chart.draw(target, rows, assets[0], has_legend=True)
    return target


def _rows(data: object, stack: str | None, asset: str | None) -> tuple[str, pd.DataFrame, Mapping[str, str]]:
    """The title; rows of time, income, asset and, if bars are stacked, the value to stack by; names by id."""
    frame = as_frame(data, "rebates", "income")
    attrs = frame.attrs
    if "income" not in frame and "rebate_vol" in frame:
        frame = frame.rename(columns={"rebate_vol": "income"})
    if "asset" not in frame and "unit" in frame:
        frame = frame.rename(columns={"unit": "asset"})
    if not len(frame.columns):  # such as pd.DataFrame([])
        frame = pd.DataFrame({"income": [], "asset": [], "time": [], **({stack: []} if stack else {})})
    if "asset" not in frame and asset is not None and {"income", "time"} <= set(frame.columns):
        frame = frame.assign(asset=asset)
    require_columns(frame, ("income", "asset", "time"), _USAGE)
    if stack is not None and stack not in frame:
        question = did_you_mean(stack, map(str, frame.columns))
        raise UsageError(
            f"`by` is {stack!r}, which is not a column; there are {name_list(frame.columns)}.{question}"
        )
    when, income = times(frame["time"]), amounts(frame["income"])
    rows = pd.DataFrame({"time": when, "income": income, "asset": frame["asset"].astype(object)})
    names: Mapping[str, str] = {}
    if stack is not None:
        ids = id_column(frame, stack)
        names = names_by_id(frame, ids)
        rows["stack"] = labels(frame[ids])
    # Rows without a time or an amount, which `reindex` may add, have nothing to draw.
    rows = rows[rows["time"].notna() & rows["income"].notna()]
    if rows["asset"].isna().any():
        raise UsageError("Some amounts have no asset. Drop them, or fill in their asset.")
    rows["asset"] = rows["asset"].astype(str)
    rows.attrs = attrs
    return _title(frame, attrs), rows, names


def _title(frame: pd.DataFrame, attrs: dict[object, object]) -> str:
    endpoint = str(attrs.get("endpoint", "")).rpartition(".")[2]
    if endpoint in ("kickbacks", "income"):
        return endpoint.capitalize()
    return "Income" if "income_type" in frame else "Rebates"


def _ranked_assets(rows: pd.DataFrame) -> list[str]:
    """The assets by number of rows, most first: amounts of different assets cannot be compared."""
    return [str(name) for name in rows["asset"].value_counts().index]


class _Chart:
    """What the charts of all assets have in common.

    Args:
        title: What is drawn.
        freq: Period of a bar.
        stack: Column that bars are stacked by, None if they are not.
        top: Largest number of values in a stack.
        attrs: `attrs` of the frame.
        names: What to call values that bars are stacked by, where that is not themselves.
    """

    def __init__(
        self,
        title: str,
        freq: Freq,
        stack: str | None,
        top: int,
        attrs: dict[object, object],
        *,
        names: Mapping[str, str],
    ) -> None:
        self._names = names
        self._title, self._freq, self._top, self._attrs = title, freq, top, attrs
        self._is_stacked = stack is not None
        self.heading = f"{title} by {short_name(stack)}" if stack else title

    def draw(self, ax: Axes, rows: pd.DataFrame, asset: str, *, has_legend: bool) -> None:
        """Draw the rows of one asset."""
        starts = draw.period_starts(rows["time"], self._freq)
        if self._is_stacked:
            sums = rows["income"].groupby([starts, rows["stack"]]).sum().unstack(fill_value=0)
            values, sums = _largest(sums, self._top)
            names = [self._names.get(value, value) for value in values]
            colours = draw.stack_colours(len(names), has_rest=len(names) > self._top)
        else:
            values = []
            sums = rows["income"].groupby(starts).sum().to_frame()
            names, colours = [self._title], [draw.ASSET_COLOURS.get(asset, draw.COLOURS[-1])]
        sums = draw.fill_gaps(sums, self._freq)
        partial = draw.partial_periods(self._attrs, self._freq)
        draw.bars(ax, sums, partial, names, colours)
        complete = sums.sum(axis=1)[[start not in partial for start in sums.index]]
        average = complete.rolling(7).mean()
        lines = []
        if self._freq == "D" and average.notna().any():
            lines = ax.plot(average.index, average, color=draw.AVERAGE, linewidth=2, zorder=4)
        if not complete.empty and complete.max() > 0:
            highest = complete.max()
            draw.label(
                ax, complete.index[int(complete.argmax())], highest, draw.short(highest), weight="bold"
            )
        unit = f"{short_name(asset)} {draw.PERIODS[self._freq][0]}"
        draw.set_title(ax, self.heading, unit)
        total = f"{draw.short(float(sums.to_numpy().sum()))} {short_name(asset)}"
        span, whose = draw.span_of_periods(sums.index), in_words(self._names, values)
        draw.describe(ax, f"{self.heading}, {unit}, {span}: {total} in all.{whose}")
        if has_legend:
            patches = draw.patches(names, colours) if self._is_stacked else []
            draw.legend(ax, [*patches, *((AVERAGE_LABEL, line) for line in lines)])


def _largest(sums: pd.DataFrame, top: int) -> tuple[list[str], pd.DataFrame]:
    """The largest columns and the sum of the rest, and their names. A column may be named "Others" itself."""
    order = list(sums.sum().sort_values(ascending=False).index)
    parts = [sums[name] for name in order[:top]]
    names = [str(name) for name in order[:top]]
    if len(order) > top:
        parts.append(sums[order[top:]].sum(axis=1))
        names.append(OTHERS_LABEL)
    return names, pd.concat(parts, axis=1, keys=range(len(parts)))
