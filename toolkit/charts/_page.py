"""Figures for reports: on a white page, for the contrast of text, and narrow, so that it stays large.

A text on a transparent figure cannot have a contrast of 4.5:1 on both white and dark grey: the best grey has
4.35:1. So these figures are white everywhere, as a printed page is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from toolkit.charts import _draw as draw
from toolkit.charts._data import labels
from toolkit.charts._draw import Freq
from toolkit.charts._market import LINE_HEIGHT, note_lines, write
from toolkit.charts._names import id_column, names_by_id
from toolkit.errors import UsageError
from toolkit.text.suggestions import did_you_mean

# By Okabe and Ito: told apart by colour-blind readers, in this order.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7")
REST = "#d3d7dd"
PAPER = "#ffffff"
DARK_TEXT, LIGHT_TEXT = "#454b55", "#e6e9ee"
OTHERS_LABEL = "Others"

# In inches. A text of 8.5 points is 9 pixels high where the picture is shown 500 pixels wide.
_WIDTH, _DPI = 6.2, 160
_LEGEND_ROW = 13.5  # in points


def page(height: float, rows: int = 1) -> list[Axes]:
    """Make Axes, one above the other, on a page that the cell shows. Each has scales of its own."""
    axes = draw.figure(rows, height, width=_WIDTH, dpi=_DPI, sharex=False)
    axes[0].figure.set_facecolor(PAPER)
    return axes


def row_height(count: int) -> float:
    """The height of a page with so many horizontal bars, in inches."""
    return 1.25 + 0.3 * count


def finish(ax: Axes) -> None:
    """Give all text of Axes the colour that is readable on their background, and keep labels apart."""
    ax.tick_params(axis="x", pad=6)
    colour = _text_colour(ax)
    if colour is not None:
        ax.tick_params(colors=colour)
        for text in ax.findobj(Text):
            text.set_color(colour)


def _text_colour(ax: Axes) -> str | None:
    """None where the background is not known, as on a transparent figure: text is grey there."""
    red, green, blue, opacity = to_rgba(ax.figure.get_facecolor())
    if opacity < 0.5:
        return None
    return DARK_TEXT if 0.299 * red + 0.587 * green + 0.114 * blue > 0.45 else LIGHT_TEXT


def head(
    ax: Axes, title: str, unit: str, notes: Iterable[str], entries: Sequence[tuple[str, Artist]] = ()
) -> None:
    """Set the title; under it, in lines as many as needed, the notes; and under them the legend."""
    draw.set_title(ax, title, unit)
    draw.legend(ax, entries)
    box = ax.get_legend()
    rows = 0 if box is None else -(-len(entries) // box._ncols)  # type: ignore[attr-defined]
    lines = note_lines(ax, notes)
    below = 7 + _LEGEND_ROW * rows
    if lines:
        write(ax, "\n".join(lines), (0, 1), (0, below), va="bottom", linespacing=1.25)
    draw.raise_title(ax, below + 3 + LINE_HEIGHT * len(lines))


def label_periods(ax: Axes, starts: pd.DatetimeIndex, freq: Freq) -> None:
    """Label bars by the starts of their periods: at most seven, which fit side by side on a page."""
    step = -(-len(starts) // 7)
    shown = starts[::step]
    texts = [f"{each:%b %Y}" if freq == "MS" else f"{each.day} {each:%b}" for each in shown]
    ax.set_xticks(shown, texts)


def separate(ax: Axes) -> None:
    """Part what is stacked by thin lines, which need no colour to be seen."""
    _, _, _, opacity = to_rgba(ax.figure.get_facecolor())
    for bar in ax.patches:
        if opacity and not bar.get_hatch():
            bar.set(edgecolor=ax.figure.get_facecolor(), linewidth=0.6)


def money(value: float) -> str:
    """A value with two decimals; a small one with four digits."""
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else draw.short(value)


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{money(abs(value))}"


def percent(change: float, base: float) -> str:
    """A change in percent of a base above 0, "" if it is not."""
    return f"{'+' if change > 0 else '−' if change < 0 else '±'}{abs(change) / base:.1%}" if base > 0 else ""


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts of a stack, the largest first.

    Attributes:
        sums: A column for each part.
        values: The values that the parts are of.
        names: What they are called.
        colours: Their colours.
    """

    sums: pd.DataFrame
    values: list[str]
    names: list[str]
    colours: list[str]

    @property
    def entries(self) -> list[tuple[str, Artist]]:
        """Entries of a legend."""
        return draw.patches(self.names, self.colours)


def stacked(sums: pd.DataFrame, top: int, names: Mapping[str, str]) -> Stack:
    """Stack the largest columns, and the sum of the others.

    Args:
        sums: A column for each value.
        top: Largest number of values.
        names: What to call values, where that is not themselves.
    """
    order = list(sums.abs().sum().sort_values(ascending=False, kind="stable").index)
    largest, others = order[:top], order[top:]
    parts = [sums[value] for value in largest]
    called = [names.get(str(value), str(value)) for value in largest]
    colours = [PALETTE[index % len(PALETTE)] for index in range(len(largest))]
    if others:
        parts.append(sums[others].sum(axis=1))
        called.append(OTHERS_LABEL)
        colours.append(REST)
    frame = pd.concat(parts, axis=1, keys=range(len(parts))) if parts else sums
    return Stack(frame, [str(value) for value in largest], called, colours)


def groups(frame: pd.DataFrame, by: str) -> tuple[pd.Series, dict[str, str]]:
    """The values of a column as text, and what to call those that are ids with names.

    Raises:
        UsageError: There is no such column.
    """
    if by not in frame:
        question = did_you_mean(by, map(str, frame.columns))
        columns = ", ".join(map(str, list(frame.columns)[:20]))
        raise UsageError(f"`by` is {by!r}, which is not a column; there are {columns}.{question}")
    ids = id_column(frame, by)
    return labels(frame[ids]), names_by_id(frame, ids)


def in_plain_words(column: str) -> str:
    """The name of a column as people say it: "customer" for "customer_id"."""
    return column.removesuffix("_id").removesuffix("_name").replace("_", "-")
