"""What the charts of a market have in common: two panels, an axis of times, exact prices, subtitles."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import floor, log10
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator

from toolkit.charts import _draw as draw
from toolkit.charts._steps import DAY, MINUTE, FloatArray, Int64Array
from toolkit.charts._text import prepare

RISING, FALLING = draw.COLOURS[0], draw.COLOURS[5]
PALE = 0.42
"""Opacity of what is not over."""

_LOWER, _UPPER_FROM = 0.23, 0.29  # where the lower panel ends and the prices begin, of the height
_SMALL = 8.5
_LETTER_WIDTH = 5.2  # in points, on average
LINE_HEIGHT = 12.0
_NARROWEST = 1.4  # in points: the distance of candles and bars that can still be told apart


def panels(ax: Axes | None, height: float) -> tuple[Axes, Axes]:
    """Make Axes with others in their lower part, which share their times.

    Args:
        ax: Axes to draw on; a new figure if None.
        height: Height of a new figure in inches.
    """
    upper = ax or draw.figure(1, height)[0]
    # Within the others, so that any layout of the figure, the user's too, has room for both.
    lower = upper.inset_axes((0, 0, 1, _LOWER), sharex=upper)
    draw.style(lower, "y")
    lower.tick_params(axis="x", labelbottom=False)
    return upper, lower


def set_prices(ax: Axes, low: float, high: float, *, has_lower: bool) -> None:
    """Scale and label an axis of prices, above the lower panel if there is one."""
    margin = (high - low) * 0.09 or abs(high) * 0.01 or 1.0
    low, high = low - margin, high + margin
    below = (high - low) * _UPPER_FROM / (1 - _UPPER_FROM) if has_lower else 0.0
    ticks = MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    ax.set_yticks([tick for tick in ticks if low <= tick <= high])
    ax.yaxis.set_major_formatter(PriceFormatter())
    ax.set_ylim(low - below, high)


def most_columns(ax: Axes) -> int:
    """How many candles or bars beside each other can be told apart."""
    return max(20, int(_points(ax) / _NARROWEST))


def _points(ax: Axes) -> float:
    return float(ax.bbox.width / ax.figure.dpi * 72)


# -- times ---------------------------------------------------------------------------------------------


def days(times: Int64Array) -> FloatArray:
    """Times in milliseconds as the days that matplotlib counts."""
    return np.asarray(times / DAY)


def set_time_axis(ax: Axes, first: int, last: int) -> None:
    """Label an axis of times, in UTC, from the first to the last millisecond."""
    margin = 0.01 * (last - first)
    ax.set_xlim((first - margin) / DAY, (last + margin) / DAY)
    locator = AutoDateLocator(tz=UTC, minticks=4, maxticks=max(4, min(11, int(_points(ax) / 50))))  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    has_months = last - first > 200 * DAY
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _time_label(value, has_months=has_months)))


def _time_label(value: float, *, has_months: bool) -> str:
    """Time of day, day and month, or month and year: what tells a tick from its neighbours."""
    # Days are floats: to the nearest millisecond.
    moment = num2date(value, tz=UTC) + timedelta(microseconds=500)  # type: ignore[no-untyped-call]
    if has_months:
        return f"{moment:%b %Y}" if moment.day == 1 else ""
    if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def span_text(first: int, last: int) -> str:
    """A span in words, its times in UTC, both ends included."""
    start, end = moment(first), moment(last)
    if first % DAY == 0 and (last + 1) % DAY == 0:
        return f"{_day(start)} to {_day(end)} UTC"
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{_day(end)} {end:%H:%M}"
    return f"{_day(start)} {start:%H:%M} to {until} UTC"


def moment(time: int) -> datetime:
    """A time in milliseconds, in UTC."""
    return datetime.fromtimestamp(time // 1000, UTC)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def duration(length: int) -> str:
    """A length of time in words, in its two largest units."""
    if length < MINUTE:
        return f"{length / 1000:.3g} seconds"
    minutes, parts = length // MINUTE, []
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        count, minutes = divmod(minutes, size)
        if count:
            parts.append(f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s")
    return " ".join(parts[:2])


# -- numbers -------------------------------------------------------------------------------------------


class PriceFormatter(Formatter):
    """Writes prices in full, with the decimals that tell the ticks from each other."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks."""
        decimals = _decimals(np.unique(values))
        return [f"{value:,.{decimals}f}" for value in values]

    def __call__(self, value: float, pos: int | None = None) -> str:
        """A price by itself, as under the pointer."""
        return exact_text(value)


def _decimals(ticks: FloatArray) -> int:
    distance = float(np.diff(ticks).min()) if len(ticks) > 1 else 1.0
    decimals = max(0, -floor(log10(distance) + 1e-6))
    return decimals if round(distance, decimals) == round(distance, decimals + 1) else decimals + 1  # 2.5


def exact_text(value: float) -> str:
    """A number in full, without an exponent and without the noise of floats."""
    text = np.format_float_positional(float(f"{value:.12g}"), trim="-")
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}" if not whole.startswith("-0") else text


# -- shapes --------------------------------------------------------------------------------------------


def boxes(
    ax: Axes, left: FloatArray, right: FloatArray, low: FloatArray, high: FloatArray, **look: Any
) -> PolyCollection:
    """Draw upright rectangles, thousands as fast as one."""
    corners = np.stack([left, low, left, high, right, high, right, low], axis=-1).reshape(-1, 4, 2)
    collection = PolyCollection(list(corners), **look)
    ax.add_collection(collection, autolim=False)
    return collection


# -- texts ---------------------------------------------------------------------------------------------


def write(
    ax: Axes, text: str, at: tuple[Any, Any], offset: tuple[float, float], *, bold: bool = False, **look: Any
) -> None:
    """Write a small text at a place on Axes: a fraction of them if `xycoords` is not given.

    Args:
        ax: The Axes.
        text: The text, which may be from outside.
        at: The place.
        offset: Distance from there, in points.
        bold: Whether it is bold.
        look: Further properties of the text.
    """
    weight = "bold" if bold else "normal"
    text, properties = prepare(text, weight)
    usual: dict[str, Any] = {"color": draw.TEXT, "fontsize": _SMALL, "xycoords": "axes fraction", "zorder": 5}
    look = usual | {"textcoords": "offset points", "fontweight": weight} | properties | look
    ax.annotate(text, at, xytext=offset, **look)


def set_titles(ax: Axes, title: str, unit: str, notes: Iterable[str]) -> None:
    """Set the title, and under it, smaller, what else there is to say, in as many lines as that needs."""
    draw.set_title(ax, title, unit)
    lines = note_lines(ax, notes)
    if not lines:
        return
    write(ax, "\n".join(lines), (0, 1), (0, 7), va="bottom", linespacing=1.25)
    draw.raise_title(ax, 9 + LINE_HEIGHT * len(lines))


def note_lines(ax: Axes, notes: Iterable[str]) -> list[str]:
    """Notes in lines as long as Axes are wide, broken between two notes where possible."""
    width = max(24, int(_points(ax) * (1.2 if ax.figure.get_layout_engine() else 1.0) / _LETTER_WIDTH))
    lines: list[str] = []
    for note in filter(None, notes):
        if lines and len(joined := f"{lines[-1]} · {note}") <= width:
            lines[-1] = joined
        else:
            lines.append(note)
    lines = [part for line in lines for part in textwrap.wrap(line, width, break_on_hyphens=False)]
    return [lines[0][:1].upper() + lines[0][1:], *lines[1:]] if lines else []


def panel_title(ax: Axes, text: str) -> None:
    """Name the lower panel."""
    write(ax, text, (0, 1), (0, 1), va="bottom")


def tag(ax: Axes, height: float, text: str, colour: str) -> None:
    """Mark a price on the right, with a line to it."""
    ax.axhline(height, color=colour, linewidth=0.8, linestyle=(0, (2, 3)), alpha=0.8, zorder=2)
    coordinates = ("axes fraction", "data")
    write(ax, text, (1, height), (4, 0), bold=True, xycoords=coordinates, va="center", color=colour)


def few_ticks(ax: Axes) -> None:
    """Label the lower panel with few numbers."""
    ax.yaxis.set_major_locator(MaxNLocator(3))
