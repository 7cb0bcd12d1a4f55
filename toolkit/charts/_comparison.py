"""Chart of what a partner earned against another period, usually the one before."""

from __future__ import annotations

from math import floor

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from toolkit.charts import _draw as draw
from toolkit.charts import _page as paper
from toolkit.charts._data import positive_integer
from toolkit.charts._earnings import Earnings, check_same, read_earnings
from toolkit.charts._market import write
from toolkit.charts._names import in_words
from toolkit.charts._text import short_name
from toolkit.text.suggestions import suggests_arguments

_DAY = pd.Timedelta(days=1)
_NOW, _BEFORE, _LESS = paper.PALETTE[0], "#8a919c", paper.PALETTE[3]


@suggests_arguments
def comparison(
    frame: pd.DataFrame,
    before: pd.DataFrame,
    *,
    by: str | None = None,
    top: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """Draw earnings against those of another period, usually the one before.

    Without `by`, two lines add up the days of each period, laid over each other by their position in the
    period: the first day upon the first. What lies between them is the difference, and its amount stands
    under the title. If the period is not over, its whole days are compared with as many of the other.

    Args:
        frame: A frame of `toolkit.analytics.earnings()`.
        before: That of the other period, in the same currency.
        by: Column to compare the values of, such as "asset", "customer_id", "system" or "symbol": two bars
            for each of the largest, and the change.
        top: Largest number of values that are compared. The rest is added up as "Others".
        ax: Axes to draw on; a new figure if not given.

    Raises:
        UsageError: A column is missing, or the frames are in two currencies.

    Example:
        >>> this = toolkit.analytics.period("last month")
        >>> charts.comparison(earnings(link, this), earnings(link, this.before()))
    """
    top = positive_integer(top, "top")
    timed = by is None
    now = read_earnings(frame, "comparison", by, timed=timed)
    then = read_earnings(before, "comparison", by, timed=timed)
    check_same(now, then, (frame.attrs.get("currency"), before.attrs.get("currency")))
    title = (
        f"Income by {paper.in_plain_words(by)} against the period before"
        if by
        else "Income against the period before"
    )
    notes = [*now.notes, *(f"Before: {note[:1].lower()}{note[1:]}" for note in then.notes)]
    if now.rows.empty and then.rows.empty:
        target = ax or paper.page(draw.EMPTY_HEIGHT)[0]
        draw.empty(target, title, now.currency, "No income in either period", {})
        paper.head(target, title, now.currency, notes)
        paper.finish(target)
        draw.describe(target, ". ".join([f"{title}: none", *notes]) + ".")
        return target
    if by is None:
        return _courses(ax, title, now, then, notes)
    return _pairs(ax, title, now, then, notes=notes, top=top)


# -- in the course of the period -----------------------------------------------------------------------


def _courses(ax: Axes | None, title: str, now: Earnings, then: Earnings, notes: list[str]) -> Axes:
    target = ax or paper.page(3.7)[0]
    first, first_before = _first_day(now), _first_day(then)
    length, length_before = _length(now, first), _length(then, first_before)
    sums, sums_before = _sums(now, first, length), _sums(then, first_before, length_before)
    at, at_before = _positions(length), _positions(length_before)
    whole = floor(length)
    is_over = now.fetched is None or now.period is None or now.period[1] <= now.fetched
    if is_over or length_before <= length:
        difference, base, so_far = now.total - then.total, then.total, ""
    else:
        days = min(whole, len(sums_before) - 1)
        difference, base = sums[days] - sums_before[days], sums_before[days]
        so_far = f" after {days} whole {'day' if days == 1 else 'days'}"
    common = min(len(sums), len(sums_before))
    if common > 1:
        both = at[:common] if len(at) <= len(at_before) else at_before[:common]
        ups = np.interp(both, at, sums)
        downs = np.interp(both, at_before, sums_before)
        fill = {"linewidth": 0, "zorder": 1, "interpolate": True}
        target.fill_between(both, ups, downs, where=ups >= downs, color=_NOW, alpha=0.16, **fill)  # type: ignore[arg-type]
        target.fill_between(
            both,
            ups,
            downs,
            where=ups < downs,
            color=_LESS,
            alpha=0.2,
            hatch="////",
            **fill,  # type: ignore[arg-type]
        )
    target.plot(at_before, sums_before, color=_BEFORE, linewidth=2, linestyle=(0, (4, 2)), zorder=3)
    target.plot(at, sums, color=_NOW, linewidth=2.6, zorder=4)
    target.axhline(0, color=_BEFORE, linewidth=0.8, zorder=2)
    draw.style(target, "y")
    target.margins(x=0.01, y=0.08)
    _label_days(target, first, max(length, length_before))
    entries = [
        (f"{_span(now, first, length)}: {now.total_text}", Line2D([], [], color=_NOW, linewidth=2.6)),
        (
            f"{_span(then, first_before, length_before)}: {then.total_text}",
            Line2D([], [], color=_BEFORE, linewidth=2, linestyle=(0, (4, 2))),
        ),
    ]
    said = f"{_change(difference, base, now.currency)}{so_far}"
    paper.head(target, title, now.currency, [said, *notes], entries)
    paper.finish(target)
    names = "; ".join(name for name, _ in entries)
    draw.describe(target, f"{title}, {now.currency}: {names}. {'. '.join([said, *notes])}.")
    return target


def _first_day(earnings: Earnings) -> pd.Timestamp:
    if earnings.period is not None:
        return earnings.period[0]
    return earnings.rows["time"].min().normalize() if len(earnings.rows) else pd.Timestamp(0, tz="UTC")


def _length(earnings: Earnings, first: pd.Timestamp) -> float:
    """How many days of the period are over; of all, if it is not known when it was fetched."""
    if earnings.period is None:
        last = earnings.rows["time"].max().normalize() + _DAY if len(earnings.rows) else first + _DAY
    else:
        last = earnings.period[1] + pd.Timedelta(milliseconds=1)
        if earnings.fetched is not None:
            last = max(min(last, earnings.fetched), first)
    return float((last - first) / _DAY)


def _positions(length: float) -> npt.NDArray[np.float64]:
    """The ends of the days of a period, in days since it began; the last may be that of a part of a day."""
    return np.append(np.arange(np.ceil(length)), length)


def _sums(earnings: Earnings, first: pd.Timestamp, length: float) -> npt.NDArray[np.float64]:
    """What was earned until each of the positions."""
    count = int(np.ceil(length))
    days = ((earnings.rows["time"] - first) // _DAY).clip(0, max(0, count - 1)).to_numpy(np.int64)
    each = np.bincount(days, weights=earnings.rows["value"].to_numpy(np.float64), minlength=count)
    return np.concatenate([[0.0], np.cumsum(each[:count])])


def _label_days(ax: Axes, first: pd.Timestamp, length: float) -> None:
    step = next(each for each in (1, 2, 5, 7, 14, 30, 60, 90, 365, 3650) if length / each <= 7)
    ax.set_xticks(np.arange(0, length + 0.01, step))

    def label(position: float, _: int | None) -> str:
        day = first + pd.Timedelta(days=position)
        return f"{day.day} {day:%b}"

    ax.xaxis.set_major_formatter(FuncFormatter(label))


def _span(earnings: Earnings, first: pd.Timestamp, length: float) -> str:
    last = first + pd.Timedelta(days=length) - pd.Timedelta(milliseconds=1)
    if first.year == last.year:
        start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    else:
        start = f"{first.day} {first:%b %Y}"
    return (
        f"{start} to {last.day} {last:%b %Y}" if first.date() != last.date() else f"{last.day} {last:%b %Y}"
    )


def _change(difference: float, base: float, currency: str) -> str:
    share = paper.percent(difference, base)
    return f"{paper.signed(difference)} {currency}".rstrip() + (f" ({share})" if share else "")


# -- by the values of a column -------------------------------------------------------------------------


def _pairs(ax: Axes | None, title: str, now: Earnings, then: Earnings, *, notes: list[str], top: int) -> Axes:
    sums = pd.concat(
        {name: each.rows.groupby("group")["value"].sum() for name, each in (("now", now), ("then", then))},
        axis=1,
    ).fillna(0.0)
    order = sums.abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    shown = sums.loc[order[:top]]
    names = {**then.names, **now.names}
    called = [names.get(str(value), short_name(value)) for value in shown.index]
    if len(order) > top:
        called.append(paper.OTHERS_LABEL)
        shown = pd.concat([shown, sums.loc[order[top:]].sum().to_frame().T])
    target = ax or paper.page(paper.row_height(len(shown)) + 0.15 * len(shown))[0]
    rows = np.arange(len(shown))[::-1]
    target.barh(rows + 0.19, shown["now"], height=0.4, color=_NOW, zorder=3)
    target.barh(
        rows - 0.22, shown["then"], height=0.32, color=paper.REST, edgecolor=_BEFORE, linewidth=0.8, zorder=3
    )
    changes = []
    for row, value, base in zip(rows, shown["now"], shown["then"], strict=True):
        changes.append(_change(value - base, base, ""))
        write(target, changes[-1], (max(value, base, 0), row), (5, 0), xycoords="data", va="center")
    draw.name_bars(target, called[::-1])
    draw.style(target, "x")
    target.margins(y=0.02)
    low, high = min(0.0, *shown.min()), max(0.0, *shown.max())
    target.set_xlim(low * 1.05, high + 0.42 * ((high - low) or 1))
    said = _change(now.total - then.total, then.total, now.currency) + " in all"
    entries = [
        (f"{now.name or 'This period'}: {now.total_text}", draw.patches([""], [_NOW])[0][1]),
        (f"Before: {then.total_text}", draw.patches([""], [paper.REST])[0][1]),
    ]
    paper.head(target, title, now.currency, [said, *notes], entries)
    paper.finish(target)
    each = "; ".join(f"{name} {change}" for name, change in zip(called, changes, strict=True))
    whose = in_words(names, map(str, shown.index))
    draw.describe(target, f"{title}, {now.currency}: {'. '.join([said, *notes])}. {each}.{whose}")
    return target
