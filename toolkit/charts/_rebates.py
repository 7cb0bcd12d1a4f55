"""Rebates a day, a week or a month."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts._data import amounts, as_frame, labels, need, some, times, whole
from toolkit.charts._draw import Freq
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean, suggests_arguments

OTHERS_LABEL = "Others"
AVERAGE_LABEL = "7-day average"

_WANTED = (
    "charts.rebates() draws rows with income, asset and time, as of link.spot.rebates(), "
    "link.spot.kickbacks(), link.exchange.rebates(), link.exchange.futures_rebates(), "
    "link.futures.rebates(), link.futures.income() or link.futures.traders()"
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
    """Rebates a day as bars, with their 7-day average.

    A day that is not over, or that the span asked for cuts, is paler and hatched, and is left out of
    the average. A frame without rows draws an empty chart.

    Args:
        frame: What a method for rebates returned: spot, exchange or futures; or kickbacks, income or the
            rebates of each trader. It may be filtered or grouped, and a Series of amounts does, too, with
            `asset` where it does not say which.
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
        UsageError: The frame has no such columns, or several assets where one is needed.
    """
    if freq not in draw.SPANS:
        raise UsageError(f'freq is {freq!r}; it may be "D", "W" or "MS".')
    top = whole(top, "top")
    if by == "unit":  # as some call it
        by = "asset"
    stack = None if by == "asset" else by
    title, rows = _rows(frame, stack, asset)
    every = _ranked(rows)
    if asset is not None:
        rows = rows[rows["asset"] == asset]
    chart = _Chart(title, freq, stack, top, rows.attrs)
    assets = _ranked(rows)
    if not assets:
        target = ax or draw.figure(1, draw.EMPTY_HEIGHT)[0]
        wanted = short_name(asset or "")
        note = (
            f"No {title.lower()} in {wanted}; there are some in {some(map(short_name, every))}"
            if every
            else ""
        )
        unit = f"{wanted} {draw.SPANS[freq][0]}".strip()
        draw.empty(target, chart.heading, unit, note or f"No {title.lower()}", rows.attrs)
        return target
    if by == "asset" and ax is None:
        shown, hidden = assets[:top], assets[top:]
        axes = draw.figure(len(shown), 3.6 if len(shown) == 1 else 1.8)
        for each, one in zip(axes, shown, strict=True):
            chart.draw(each, rows[rows["asset"] == one], one, key=each is axes[0])
        if hidden:
            draw.note_below(axes[-1], f"Not drawn: {some(map(short_name, hidden))}")
        return axes[0]
    if len(assets) > 1:
        raise UsageError(
            f"The rebates are in {len(assets)} assets ({some(assets)}), whose amounts do not add up: choose "
            'one with asset=, or draw one chart each with by="asset" (and no ax).'
        )
    target = ax or draw.figure(1, 3.6)[0]
    chart.draw(target, rows, assets[0], key=True)
    return target


def _rows(data: object, stack: str | None, asset: str | None) -> tuple[str, pd.DataFrame]:
    """What it is called, and rows of time, income, asset and (where bars are stacked) of what."""
    frame = as_frame(data, "rebates", "income")
    attrs = frame.attrs
    if "income" not in frame and "rebate_vol" in frame:
        frame = frame.rename(columns={"rebate_vol": "income"})
    if "asset" not in frame and "unit" in frame:
        frame = frame.rename(columns={"unit": "asset"})
    if not len(frame.columns):  # as an empty list of rows makes one
        frame = pd.DataFrame({"income": [], "asset": [], "time": [], **({stack: []} if stack else {})})
    if "asset" not in frame and asset is not None and {"income", "time"} <= set(frame.columns):
        frame = frame.assign(asset=asset)
    need(frame, ("income", "asset", "time"), _WANTED)
    if stack is not None and stack not in frame:
        question = did_you_mean(stack, map(str, frame.columns))
        raise UsageError(f"by is {stack!r}, which is no column; there are {some(frame.columns)}.{question}")
    moments, income = times(frame["time"]), amounts(frame["income"])
    rows = pd.DataFrame({"time": moments, "income": income, "asset": frame["asset"].astype(object)})
    if stack is not None:
        rows["stack"] = labels(frame[stack])
    # As `reindex` leaves them: there is nothing in them to draw.
    rows = rows[rows["time"].notna() & rows["income"].notna()]
    if rows["asset"].isna().any():
        raise UsageError("Some amounts have no asset, and may be of any: leave them out, or say of which.")
    rows["asset"] = rows["asset"].astype(str)
    rows.attrs = attrs
    return _title(frame, attrs), rows


def _title(frame: pd.DataFrame, attrs: dict[object, object]) -> str:
    endpoint = str(attrs.get("endpoint", "")).rpartition(".")[2]
    if endpoint in ("kickbacks", "income"):
        return endpoint.capitalize()
    return "Income" if "income_type" in frame else "Rebates"


def _ranked(rows: pd.DataFrame) -> list[str]:
    """The assets, the one with most rows first: amounts of different assets cannot be compared."""
    return [str(name) for name in rows["asset"].value_counts().index]


class _Chart:
    """What is the same for each asset.

    Args:
        title: What is drawn.
        freq: How it is added up.
        stack: What bars are stacked by, None where they are not.
        top: Most values in a stack.
        attrs: What the frame says of itself.
    """

    def __init__(
        self, title: str, freq: Freq, stack: str | None, top: int, attrs: dict[object, object]
    ) -> None:
        self._title, self._freq, self._top, self._attrs = title, freq, top, attrs
        self._is_stacked = stack is not None
        self.heading = f"{title} by {short_name(stack)}" if stack else title

    def draw(self, ax: Axes, rows: pd.DataFrame, unit: str, *, key: bool) -> None:
        """Draw the rows of one asset."""
        starts = draw.starts(rows["time"], self._freq)
        if self._is_stacked:
            sums = rows["income"].groupby([starts, rows["stack"]]).sum().unstack(fill_value=0)
            names, sums = _largest(sums, self._top)
            colours = draw.colours_of(names, OTHERS_LABEL if len(names) > self._top else None)
        else:
            sums = rows["income"].groupby(starts).sum().to_frame()
            names, colours = [self._title], [draw.ASSET_COLOURS.get(unit, draw.COLOURS[-1])]
        sums = draw.every(sums, self._freq)
        cut = draw.cut(self._attrs, self._freq)
        draw.bars(ax, sums, cut, names, colours)
        whole = sums.sum(axis=1)[[start not in cut for start in sums.index]]
        average = whole.rolling(7).mean()
        lines = []
        if self._freq == "D" and average.notna().any():
            lines = ax.plot(average.index, average, color=draw.AVERAGE, linewidth=2, zorder=4)
        if not whole.empty and whole.max() > 0:
            highest = int(whole.argmax())
            draw.label(ax, whole.index[highest], whole.max(), draw.short(whole.max()), weight="bold")
        draw.titles(ax, self.heading, f"{short_name(unit)} {draw.SPANS[self._freq][0]}")
        if key:
            patches = draw.patches(names, colours) if self._is_stacked else []
            draw.legend(ax, [*patches, *((AVERAGE_LABEL, line) for line in lines)])


def _largest(sums: pd.DataFrame, top: int) -> tuple[list[str], pd.DataFrame]:
    """The largest columns, and the others together, with their names: one of them may be called "Others"."""
    order = list(sums.sum().sort_values(ascending=False).index)
    parts = [sums[name] for name in order[:top]]
    names = [str(name) for name in order[:top]]
    if len(order) > top:
        parts.append(sums[order[top:]].sum(axis=1))
        names.append(OTHERS_LABEL)
    return names, pd.concat(parts, axis=1, keys=range(len(parts)))
