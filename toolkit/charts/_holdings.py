"""Chart of what is held, in one currency."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts import _page as paper
from toolkit.charts._data import amounts, as_frame, positive_integer, require_columns
from toolkit.charts._earnings import unvalued
from toolkit.charts._market import write
from toolkit.charts._names import in_words
from toolkit.charts._text import short_name
from toolkit.text.suggestions import suggests_arguments

_USAGE = "charts.holdings() draws frames of toolkit.analytics.balances()"


@suggests_arguments
def holdings(
    frame: pd.DataFrame,
    *,
    by: str | None = "wallet",
    top: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw balances by asset in one currency, stacked by wallet.

    `balances` compares sub-accounts, as one read tells of them; this chart adds up all of them in one
    currency. Balances without a value are not drawn, and the chart says how many there are.

    Args:
        frame: A frame of `toolkit.analytics.balances()`, which may be filtered.
        by: Column to stack by, such as "wallet" or "account". None does not stack.
        top: Largest number of assets. The rest is added up as "Others".
        ax: Axes to draw on; a new figure if not given.

    Raises:
        UsageError: A column is missing.

    Example:
        >>> charts.holdings(toolkit.analytics.balances(link))
    """
    top = positive_integer(top, "top")
    rows = as_frame(frame, "holdings", "value")
    currency = rows.attrs.get("currency")
    unit = short_name(currency) if isinstance(currency, str) else ""
    if not len(rows.columns):
        rows = pd.DataFrame({name: [] for name in ("asset", "value", *([by] if by else []))})
    require_columns(rows, ("asset", "value"), _USAGE)
    values = amounts(rows["value"])
    notes = unvalued(rows, values)
    assets, _ = paper.groups(rows, "asset")
    parts, names = paper.groups(rows, by) if by else (assets.mask(assets.notna(), ""), {})
    known = values.notna() & (values != 0)
    sums = values[known].groupby([assets[known], parts[known]]).sum().unstack(fill_value=0)
    title = f"Balances by asset and {paper.in_plain_words(by)}" if by else "Balances by asset"
    if sums.empty:
        target = ax or paper.page(draw.EMPTY_HEIGHT)[0]
        draw.empty(target, title, unit, "No balances with a value" if notes else "No balances", {})
        paper.head(target, title, unit, notes)
        paper.finish(target)
        draw.describe(target, ". ".join([f"{title}: none", *notes]) + ".")
        return target
    order = sums.sum(axis=1).abs().sort_values(ascending=False, kind="stable").index
    if len(order) == top + 1:  # a single one has a name
        top += 1
    shown = sums.loc[order[:top]]
    called = [short_name(asset) for asset in shown.index]
    if len(order) > top:
        called.append(f"{len(order) - top} {paper.OTHERS_LABEL.lower()}")
        shown = pd.concat([shown, sums.loc[order[top:]].sum().to_frame().T])
    stack = paper.stacked(shown.reset_index(drop=True), len(paper.PALETTE), names)
    target = ax or paper.page(paper.row_height(len(shown)))[0]
    at = np.arange(len(shown))[::-1]
    above = below = np.zeros(len(shown))
    for column, colour in zip(stack.sums, stack.colours, strict=True):
        part = stack.sums[column].to_numpy()
        target.barh(at, part, left=np.where(part >= 0, above, below), height=0.66, color=colour, zorder=3)
        above, below = above + part.clip(min=0), below + part.clip(max=0)
    totals = shown.sum(axis=1).to_numpy()
    for row, end, total in zip(at, above, totals, strict=True):
        write(target, paper.money(float(total)), (end, row), (5, 0), xycoords="data", va="center")
    draw.name_bars(target, called[::-1])
    draw.style(target, "x")
    target.margins(y=0.02)
    low, high = float(below.min()), float(above.max())
    target.set_xlim(low * 1.05, high + 0.2 * ((high - low) or 1))
    if by:
        paper.separate(target)
    total = f"{paper.money(float(totals.sum()))} {unit}".strip()
    said = [f"{total} in all", *notes]
    paper.head(target, title, unit, said, stack.entries if by else ())
    paper.finish(target)
    each = "; ".join(
        f"{name} {paper.money(float(value))}" for name, value in zip(called, totals, strict=True)
    )
    draw.describe(target, f"{title}, {unit}: {'. '.join(said)}. {each}.{in_words(names, stack.values)}")
    return target
