"""Chart of what a partner earned, in one currency."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts import _page as paper
from toolkit.charts._data import positive_integer
from toolkit.charts._draw import Freq
from toolkit.charts._earnings import Earnings, read_earnings
from toolkit.charts._names import in_words
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_MOST_PARTED = 400  # bars that lines between them do not fill


@suggests_arguments
def income(
    frame: pd.DataFrame | pd.Series,
    *,
    by: str | None = "asset",
    freq: Freq = "D",
    top: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """Draw earnings in one currency as bars per day, week or month, stacked.

    `rebates` draws amounts, each asset on a scale of its own; this chart draws values in one currency, in
    which all assets and programmes add up. Rows without a value are not drawn, and the chart says how many
    there are. A period that is not over, or that the earnings cover only in part, is paler and hatched.

    Args:
        frame: A frame of `toolkit.analytics.earnings()`, which may be filtered, or its sums by day, week or
            month by `toolkit.analytics.summarize()`.
        by: Column to stack the bars by, such as "asset", "customer_id", "sub_account_id", "system", "symbol"
            or "account". Ids are called by your own names where the frame has them. None does not stack.
        freq: "D" for days, "W" for weeks, "MS" for months; in the time zone of the earnings, UTC unless
            another was named.
        top: Largest number of values in a stack. The rest is added up as "Others".
        ax: Axes to draw on; a new figure if not given.

    Raises:
        UsageError: A column is missing.

    Example:
        >>> charts.income(toolkit.analytics.earnings(link, "last month"), by="customer_id")
    """
    if freq not in draw.PERIODS:
        raise UsageError(f'`freq` must be "D", "W" or "MS", not {freq!r}.')
    top = positive_integer(top, "top")
    earnings = read_earnings(frame, "income", by)
    title = f"Income by {paper.in_plain_words(by)}" if by else "Income"
    unit = f"{earnings.currency} {draw.PERIODS[freq][0]}".strip()
    if earnings.rows.empty:
        return _empty(ax, title, unit, earnings)
    target = ax or paper.page(3.6)[0]
    starts = draw.period_starts(earnings.rows["time"], freq)
    key = earnings.rows["group"] if by else pd.Series("", index=earnings.rows.index)
    sums = earnings.rows["value"].groupby([starts, key]).sum().unstack(fill_value=0)
    stack = paper.stacked(draw.fill_gaps(sums, freq), top, earnings.names)
    draw.bars(target, stack.sums, draw.partial_periods(earnings.attrs, freq), stack.names, stack.colours)
    if by and len(target.patches) <= _MOST_PARTED:
        paper.separate(target)
    target.margins(x=0.01, y=0.09)
    paper.label_periods(target, pd.DatetimeIndex(stack.sums.index), freq)
    notes = [f"{earnings.total_text} in all", *earnings.notes]
    paper.head(target, title, unit, notes, stack.entries if by else ())
    paper.finish(target)
    said = [f"{title}, {unit}, {draw.span_of_periods(stack.sums.index)}: {'. '.join(notes)}."]
    if by:
        said.append(_parts(stack, earnings) + in_words(earnings.names, stack.values))
    draw.describe(target, " ".join(said))
    return target


def _parts(stack: paper.Stack, earnings: Earnings) -> str:
    """What each part of the stack sums up to, in words."""
    sums = (f"{name} {paper.money(float(stack.sums[at].sum()))}" for at, name in enumerate(stack.names))
    return f"{', '.join(sums)} {earnings.currency}".rstrip() + "."


def _empty(ax: Axes | None, title: str, unit: str, earnings: Earnings) -> Axes:
    target = ax or paper.page(draw.EMPTY_HEIGHT)[0]
    draw.empty(
        target, title, unit, "No income with a value" if earnings.notes else "No income", earnings.attrs
    )
    paper.head(target, title, unit, earnings.notes)
    paper.finish(target)
    draw.describe(target, ". ".join([f"{title}: none", *earnings.notes]) + ".")
    return target
