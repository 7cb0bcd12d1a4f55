"""Draw figures, bars, labels and legends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from math import floor, log10
from typing import Any, Literal

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from toolkit.charts._text import escape_mathtext, prepare, set_text, short_name

COLOURS = ("#26a17b", "#f7931a", "#f0b90b", "#627eea", "#9b5de5", "#e4577a", "#2fa4c7", "#8a9a5b")
# The colours by which these assets are known.
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
TEXT = "#767d88"
# JupyterLab paints a background behind a transparent figure if its tick labels are all light or all dark.
# These two nearly equal greys are on either side of its threshold.
TICKS: dict[Literal["x", "y"], str] = {"x": "#81878f", "y": TEXT}
AVERAGE = "#62719a"
GRID = "#8088941f"

Freq = Literal["D", "W", "MS"]
PERIODS: dict[str, tuple[str, str]] = {
    "D": ("per day", "D"),
    "W": ("per week", "W-SUN"),
    "MS": ("per month", "M"),
}
"""For each `freq`: its name in a title, and pandas' name of the period."""

_TITLE: dict[str, Any] = {"fontsize": 11, "fontweight": "bold", "color": TEXT}
_SMALL = 8.5
EMPTY_HEIGHT = 1.9
# In points: width of a letter, and of the key and the gaps around a name in the legend.
_LETTER, _KEY = 4.9, 27.0


def figure(
    rows: int, height: float, *, width: float = 9.6, dpi: int = 140, sharex: bool = True
) -> list[Axes]:
    """Make Axes, one above the other, in a figure that the cell shows."""
    # pyplot is needed to have the notebook show the figure. Nothing else uses it: it is not thread-safe.
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        rows, 1, figsize=(width, height * rows), dpi=dpi, sharex=sharex, squeeze=False, layout="constrained"
    )
    figure.set_facecolor("none")
    return list(axes[:, 0])


def stack_colours(count: int, *, has_rest: bool) -> list[str]:
    """A colour for each value of a stack; grey for the last one if it is the sum of the rest."""
    colours = [COLOURS[index % len(COLOURS)] for index in range(count)]
    return [*colours[:-1], OTHERS] if has_rest else colours


# -- periods -----------------------------------------------------------------------------------------


def period_starts(when: pd.Series, freq: Freq) -> pd.Series:
    """The start of the period of each time."""
    periods = when.dt.tz_localize(None).dt.to_period(PERIODS[freq][1])
    return pd.Series(periods.dt.start_time.dt.tz_localize("UTC"))


def fill_gaps(sums: pd.DataFrame, freq: Freq) -> pd.DataFrame:
    """Add the periods without a row, as 0."""
    step = {"D": "D", "W": "W-MON", "MS": "MS"}[freq]
    index = pd.date_range(sums.index.min(), sums.index.max(), freq=step)
    return sums.reindex(index, fill_value=0.0)


def partial_periods(attrs: dict[Any, Any], freq: Freq) -> set[pd.Timestamp]:
    """Starts of the periods that the frame covers only in part: the current, and maybe the first and last."""
    fetched = timestamp(attrs.get("fetched_at")) or pd.Timestamp(datetime.now(UTC))
    parameters = attrs.get("parameters") or {}
    first = timestamp(parameters.get("start"))
    partial = {_period_start(fetched, freq)}
    if first is not None and first != _period_start(first, freq):
        partial.add(_period_start(first, freq))
    last = timestamp(parameters.get("end"))
    if last is not None:
        last_start = _period_start(last, freq)
        if _period_start(last + pd.Timedelta(milliseconds=1), freq) == last_start:
            partial.add(last_start)
    return partial


def timestamp(value: object) -> pd.Timestamp | None:
    """A time of `attrs` in UTC, None if it is not one."""
    if value is None:
        return None
    try:
        read = pd.Timestamp(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return read.tz_localize("UTC") if read.tzinfo is None else read.tz_convert("UTC")


def _period_start(timestamp: pd.Timestamp, freq: Freq) -> pd.Timestamp:
    period = timestamp.tz_localize(None).to_period(PERIODS[freq][1])
    return period.start_time.tz_localize("UTC")


# -- bars ----------------------------------------------------------------------------------------------


def bars(
    ax: Axes, sums: pd.DataFrame, partial: set[pd.Timestamp], names: Sequence[str], colours: Sequence[str]
) -> None:
    """Draw a bar for each period, with the columns stacked; those in `partial` are paler and hatched.

    What is below 0 is stacked downwards, so that no part of a bar covers another.
    """
    days = pd.Series(sums.index).diff().dt.days.min() if len(sums) > 1 else 1.0
    above = below = pd.Series(0.0, index=sums.index)
    for column, name, colour in zip(sums.columns, names, colours, strict=True):
        container = ax.bar(
            sums.index,
            sums[column],
            bottom=above.where(sums[column] >= 0, below),
            width=days * 0.74,
            color=colour,
            label=escape_mathtext(name),
            zorder=3,
        )
        for start, bar in zip(sums.index, container, strict=True):
            if start in partial:
                bar.set(alpha=0.42, hatch="////", edgecolor=colour, linewidth=0)
        above, below = above + sums[column].clip(lower=0), below + sums[column].clip(upper=0)
    latest = max(partial)
    if latest in above.index:
        label(ax, latest, above[latest], "today" if days == 1 else "so far")
    style(ax, "y")
    ax.margins(x=0.01, y=0.16)  # room for the label of the highest bar
    _set_date_axis(ax, days)


def _set_date_axis(ax: Axes, days: float) -> None:
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=11))  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _date_label(value, days)))


def empty(ax: Axes, title: str, unit: str, text: str, attrs: dict[Any, Any]) -> None:
    """Draw a chart without data, over the span of the request if `attrs` has one."""
    style(ax, "y")
    ax.set_yticks([])
    parameters = attrs.get("parameters") or {}
    first, last = (timestamp(parameters.get(name)) for name in ("start", "end"))
    if first is not None and last is not None and first < last:
        ax.set_xlim(first, last)  # type: ignore[arg-type]
        _set_date_axis(ax, 1.0)
        if first.normalize() < first and first.normalize() == last.normalize():  # no midnight to label
            ax.set_xticks([first], [f"{first.day} {first:%b}"])  # type: ignore[arg-type]
    else:
        ax.set_xticks([])
    text, properties = prepare(text)
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=TEXT,
        fontsize=10,
        **properties,
    )
    set_title(ax, title, unit)


def _date_label(value: float, days: float) -> str:
    """Day and month, or month and year for monthly bars. Ticks within a period get none: it would repeat."""
    date = num2date(value)  # type: ignore[no-untyped-call]
    if days > 27:
        return f"{date:%b %Y}" if date.day == 1 and date.hour == 0 else ""
    return f"{date.day} {date:%b}" if date.hour == 0 and date.minute == 0 else ""


def style(ax: Axes, grid: Literal["x", "y"]) -> None:
    """Show grid lines for one axis, short numbers along it, and no frame."""
    ax.set_facecolor("none")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.grid(axis=grid, color=GRID, linewidth=1, zorder=0)
    ax.set_axisbelow(True)
    for side, colour in TICKS.items():
        ax.tick_params(axis=side, colors=colour, labelsize=8.5, length=0)
    axis = ax.yaxis if grid == "y" else ax.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def short(value: float) -> str:
    """A number with four digits at most, in k, M or bn if large; never with an exponent."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):,.4g}{unit}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.4g}"
    return f"{value:.{2 - floor(log10(abs(value)))}f}".rstrip("0")


# -- texts ---------------------------------------------------------------------------------------------


def label(ax: Axes, start: pd.Timestamp, height: float, text: str, weight: str = "normal") -> None:
    """Write a label above a bar."""
    ax.annotate(
        text,
        (start, height),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        color=TEXT,
        fontsize=_SMALL,
        fontweight=weight,
        zorder=5,
    )


def set_title(ax: Axes, title: str, unit: str) -> None:
    """Set the title: what is drawn, and its unit."""
    text, properties = prepare(f"{title} · {unit}" if unit else title, "bold")
    ax.set_title(text, loc="left", pad=8, **_TITLE, **properties)


def note_below(ax: Axes, text: str) -> None:
    """Write a line under a chart."""
    text, properties = prepare(text)
    ax.set_xlabel(text, color=TEXT, fontsize=8, loc="left", **properties)


def name_bars(ax: Axes, names: Sequence[str]) -> None:
    """Name horizontal bars, from the lowest up."""
    prepared = [prepare(name) for name in names]
    ax.set_yticks(range(len(names)), [text for text, _ in prepared])
    for tick, (_, properties) in zip(ax.get_yticklabels(), prepared, strict=True):
        tick.set(**properties)


def patches(names: Iterable[str], colours: Iterable[str]) -> list[tuple[str, Artist]]:
    """Legend entries in plain colours; matplotlib would copy the first bar, which may be hatched."""
    return [(name, Patch(color=colour)) for name, colour in zip(names, colours, strict=True)]


def legend(ax: Axes, entries: Sequence[tuple[str, Artist]]) -> None:
    """Draw a legend under the title, in as many rows as it needs."""
    if not entries:
        return
    names = [short_name(name) for name, _ in entries]
    width = ax.bbox.width / ax.figure.dpi * 72
    columns = len(names)
    if sum(map(_entry_width, names)) > width:
        columns = max(1, min(columns, int(width // max(map(_entry_width, names)))))
    box = ax.legend(
        [artist for _, artist in entries],
        ["x"] * len(names),  # set below: a name that begins with "_" would be left out here
        loc="lower left",
        bbox_to_anchor=(-0.008, 0.985),
        ncols=columns,
        frameon=False,
        labelcolor=TEXT,
        fontsize=_SMALL,
        handlelength=1.0,
        handleheight=0.9,
        columnspacing=1.3,
    )
    for text, name in zip(box.get_texts(), names, strict=True):
        set_text(text, name)
    rows = -(-len(names) // columns)
    raise_title(ax, 12.5 + 13.5 * rows)


def raise_title(ax: Axes, pad: float) -> None:
    """Move the title up, to make room under it; in points."""
    title, properties = prepare(ax.get_title(loc="left"), "bold")
    ax.set_title(title, loc="left", pad=pad, **_TITLE, **properties)


def _entry_width(name: str) -> float:
    """Approximate width of a legend entry in points. Letters outside ASCII may be twice as wide."""
    return _KEY + _LETTER * sum(1 if letter.isascii() else 2 for letter in name)


def describe(ax: Axes, text: str) -> None:
    """Describe the figure in words, for readers who do not see it: screen readers and text consoles.

    Args:
        ax: Axes of the figure. Those of several charts of the toolkit are described one after the other.
        text: What is drawn on them.
    """
    shown = getattr(ax.figure, "_repr_mimebundle_", None)
    texts = [*(shown.args[0] if shown else ()), text]
    ax.figure._repr_mimebundle_ = partial(_description, texts)  # type: ignore[union-attr]


def _description(texts: Sequence[str], **_: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    text = "\n".join(texts)
    return {"text/plain": text}, {"image/png": {"alt": text}}


def span_of_periods(periods: pd.Index) -> str:
    """The first and the last of some periods, in words."""
    first, last = periods.min(), periods.max()
    return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"
