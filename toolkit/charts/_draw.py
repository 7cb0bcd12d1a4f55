"""How charts look: figures, bars, labels and legends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import floor, log10
from typing import Any, Literal

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from toolkit.charts._text import plain, put, short_name, unparsed

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
TEXT = "#767d88"
# JupyterLab paints a background behind a transparent figure whose tick labels are all light or all
# dark. These two greys, a hair apart, are on either side of its threshold.
TICKS: dict[Literal["x", "y"], str] = {"x": "#81878f", "y": TEXT}
AVERAGE = "#62719a"
GRID = "#8088941f"

Freq = Literal["D", "W", "MS"]
SPANS: dict[str, tuple[str, str]] = {"D": ("a day", "D"), "W": ("a week", "W-SUN"), "MS": ("a month", "M")}

_TITLE: dict[str, Any] = {"fontsize": 11, "fontweight": "bold", "color": TEXT}
_SMALL = 8.5
EMPTY_HEIGHT = 1.9
# Widths of a letter, and of what stands around a name in the legend, in points.
_LETTER, _AROUND = 4.9, 27.0


def figure(rows: int, height: float) -> list[Axes]:
    """New Axes, one above the other, registered with the notebook so that a cell shows them."""
    # Only here, and only in the cell's own thread: pyplot is what the notebook takes figures from.
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        rows, 1, figsize=(9.6, height * rows), dpi=140, sharex=True, squeeze=False, layout="constrained"
    )
    figure.set_facecolor("none")
    return list(axes[:, 0])


def colours_of(names: Sequence[str], others: str | None) -> list[str]:
    """A colour for each value of a stack; the last one may be what is left."""
    colours = [COLOURS[at % len(COLOURS)] for at in range(len(names))]
    return [*colours[:-1], OTHERS] if others else colours


# -- periods -----------------------------------------------------------------------------------------


def starts(moments: pd.Series, freq: Freq) -> pd.Series:
    """The start of the period that each time is in."""
    periods = moments.dt.tz_localize(None).dt.to_period(SPANS[freq][1])
    return pd.Series(periods.dt.start_time.dt.tz_localize("UTC"))


def every(sums: pd.DataFrame, freq: Freq) -> pd.DataFrame:
    """Periods without a row are periods with nothing."""
    step = {"D": "D", "W": "W-MON", "MS": "MS"}[freq]
    index = pd.date_range(sums.index.min(), sums.index.max(), freq=step)
    return sums.reindex(index, fill_value=0.0)


def cut(attrs: dict[Any, Any], freq: Freq) -> set[pd.Timestamp]:
    """Starts of the periods that the frame holds only a part of: the running one, the first, the last."""
    fetched = _moment(attrs.get("fetched_at")) or pd.Timestamp(datetime.now(UTC))
    parameters = attrs.get("parameters") or {}
    first = _moment(parameters.get("start"))
    partial = {_start(fetched, freq)}
    if first is not None and first != _start(first, freq):
        partial.add(_start(first, freq))
    last = _moment(parameters.get("end"))
    if last is not None and _start(last + pd.Timedelta(milliseconds=1), freq) == _start(last, freq):
        partial.add(_start(last, freq))
    return partial


def _moment(value: object) -> pd.Timestamp | None:
    if value is None:
        return None
    try:
        moment = pd.Timestamp(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _start(moment: pd.Timestamp, freq: Freq) -> pd.Timestamp:
    period = moment.tz_localize(None).to_period(SPANS[freq][1])
    return period.start_time.tz_localize("UTC")


# -- bars ----------------------------------------------------------------------------------------------


def bars(
    ax: Axes, sums: pd.DataFrame, cut: set[pd.Timestamp], names: Sequence[str], colours: Sequence[str]
) -> None:
    """Draw a bar for each period, its columns one above the other; those in `cut` are paler."""
    days = pd.Series(sums.index).diff().dt.days.min() if len(sums) > 1 else 1.0
    below = pd.Series(0.0, index=sums.index)
    for column, name, colour in zip(sums.columns, names, colours, strict=True):
        drawn = ax.bar(
            sums.index,
            sums[column],
            bottom=below,
            width=days * 0.74,
            color=colour,
            label=unparsed(name),
            zorder=3,
        )
        for start, bar in zip(sums.index, drawn, strict=True):
            if start in cut:
                bar.set(alpha=0.42, hatch="////", edgecolor=colour, linewidth=0)
        below = below + sums[column]
    today = max(cut)
    if today in below.index:
        label(ax, today, below[today], "today" if days == 1 else "so far")
    frame(ax, "y")
    ax.margins(x=0.01, y=0.16)  # room for the label of the highest bar
    _dates(ax, days)


def _dates(ax: Axes, days: float) -> None:
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=11))  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _date(value, days)))


def empty(ax: Axes, title: str, unit: str, why: str, attrs: dict[Any, Any]) -> None:
    """A chart of nothing, over the span that was asked for where that is known."""
    frame(ax, "y")
    ax.set_yticks([])
    parameters = attrs.get("parameters") or {}
    first, last = (_moment(parameters.get(name)) for name in ("start", "end"))
    if first is not None and last is not None and first < last:
        ax.set_xlim(first, last)  # type: ignore[arg-type]
        _dates(ax, 1.0)
        if first.normalize() < first and first.normalize() == last.normalize():  # there is no midnight in it
            ax.set_xticks([first], [f"{first.day} {first:%b}"])  # type: ignore[arg-type]
    else:
        ax.set_xticks([])
    drawn, how = plain(why)
    ax.text(0.5, 0.5, drawn, transform=ax.transAxes, ha="center", va="center", color=TEXT, fontsize=10, **how)
    titles(ax, title, unit)


def _date(value: float, days: float) -> str:
    """Day and month, or month and year where bars are months; nothing between, or it would come again."""
    date = num2date(value)  # type: ignore[no-untyped-call]
    if days > 27:
        return f"{date:%b %Y}" if date.day == 1 and date.hour == 0 else ""
    return f"{date.day} {date:%b}" if date.hour == 0 and date.minute == 0 else ""


def frame(ax: Axes, grid: Literal["x", "y"]) -> None:
    """Lines along one axis, and nothing around."""
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
    """Four digits at most, then k or M; never an exponent."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):,.4g}{unit}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.4g}"
    return f"{value:.{2 - floor(log10(abs(value)))}f}".rstrip("0")


# -- texts ---------------------------------------------------------------------------------------------


def label(ax: Axes, at: pd.Timestamp, height: float, text: str, weight: str = "normal") -> None:
    """A few words above a bar."""
    ax.annotate(
        text,
        (at, height),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        color=TEXT,
        fontsize=_SMALL,
        fontweight=weight,
        zorder=5,
    )


def titles(ax: Axes, title: str, unit: str) -> None:
    """What is drawn, and in which unit."""
    drawn, how = plain(f"{title} · {unit}" if unit else title, "bold")
    ax.set_title(drawn, loc="left", pad=8, **_TITLE, **how)


def note_below(ax: Axes, text: str) -> None:
    """A line under a chart."""
    drawn, how = plain(text)
    ax.set_xlabel(drawn, color=TEXT, fontsize=8, loc="left", **how)


def name_bars(ax: Axes, names: Sequence[str]) -> None:
    """Names of horizontal bars, from the lowest up."""
    drawn = [plain(name) for name in names]
    ax.set_yticks(range(len(names)), [text for text, _ in drawn])
    for tick, (_, how) in zip(ax.get_yticklabels(), drawn, strict=True):
        tick.set(**how)


def patches(names: Iterable[str], colours: Iterable[str]) -> list[tuple[str, Artist]]:
    """Entries of a legend; plain colours, as the first bar may be a hatched one."""
    return [(name, Patch(color=colour)) for name, colour in zip(names, colours, strict=True)]


def legend(ax: Axes, entries: Sequence[tuple[str, Artist]]) -> None:
    """Names under the title, in as many rows as they need."""
    if not entries:
        return
    names = [short_name(name) for name, _ in entries]
    room = ax.bbox.width / ax.figure.dpi * 72
    columns = len(names)
    if sum(map(_width, names)) > room:
        columns = max(1, min(columns, int(room // max(map(_width, names)))))
    drawn = ax.legend(
        [artist for _, artist in entries],
        ["x"] * len(names),  # the names come after: one that begins with "_" would be left out here
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
    for text, name in zip(drawn.get_texts(), names, strict=True):
        put(text, name)
    rows = -(-len(names) // columns)
    drawn_title, how = plain(ax.get_title(loc="left"), "bold")
    ax.set_title(drawn_title, loc="left", pad=12.5 + 13.5 * rows, **_TITLE, **how)


def _width(name: str) -> float:
    """About how wide a name is in the legend; letters that are no ASCII may be twice as wide."""
    return _AROUND + _LETTER * sum(1 if letter.isascii() else 2 for letter in name)
