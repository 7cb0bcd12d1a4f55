"""Chart of the rebates on customers' fees, against the fees."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts import _page as paper
from toolkit.charts._data import amounts, as_frame, labels, name_list, positive_integer, require_columns
from toolkit.charts._market import write
from toolkit.charts._names import in_words
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_USAGE = (
    "charts.commission() draws frames of link.spot.rebates(), or those of toolkit.analytics.commission(); "
    "other rebates tell no fees"
)
_FEE, _REBATE = paper.REST, paper.PALETTE[0]


@suggests_arguments
def commission(
    frame: pd.DataFrame,
    *,
    by: str = "symbol",
    asset: str | None = None,
    top: int = 8,
    ax: Axes | None = None,
) -> Axes:
    """Draw the fees that customers paid, within them the rebates that you were paid, and the rate implied.

    The rate is the rebate in percent of the fee, which is converted into the asset of the rebate at the price
    in the row. Rows that tell no fee, such as those before 2025-11-25, are not drawn, and the chart says how
    many there are.

    Args:
        frame: A frame of `link.spot.rebates()`, or one of `toolkit.analytics.commission()`.
        by: Column to compare, such as "symbol" or "customer_id".
        asset: Only rebates paid in this asset. Amounts of several assets do not add up: without it, there is
            a chart for each of the three assets with the most rows.
        top: Largest number of values in a chart. The rest is added up as "Others".
        ax: Axes to draw on, for a single asset; a new figure if not given.

    Returns:
        The Axes; with several charts, the topmost one (`.figure.axes` has all).

    Raises:
        UsageError: A column is missing, or there are several assets and Axes for one.

    Example:
        >>> charts.commission(link.spot.rebates(start="-30D"))
    """
    top = positive_integer(top, "top")
    rows, names, note = _rows(frame, by)
    assets = [str(each) for each in rows.groupby("asset")["rows"].sum().sort_values(ascending=False).index]
    if asset is not None:
        assets = [each for each in assets if each == asset]
    if ax is not None and len(assets) > 1:
        raise UsageError(
            f"The rebates are in {len(assets)} assets ({name_list(assets)}), whose amounts do not add up. "
            "Choose one with asset=, or leave out ax for a chart of each."
        )
    title = f"Commission and rebate by {paper.in_plain_words(by)}"
    if not assets:
        target = ax or paper.page(draw.EMPTY_HEIGHT)[0]
        draw.empty(target, title, short_name(asset or ""), "No rebates with a fee", {})
        paper.head(target, title, short_name(asset or ""), note)
        paper.finish(target)
        draw.describe(target, ". ".join([f"{title}: none", *note]) + ".")
        return target
    shown = assets[:3]
    sizes = [min(top + 1, int((rows["asset"] == each).sum())) for each in shown]
    axes = [ax] if ax is not None else paper.page(paper.row_height(max(sizes)), len(shown))
    for index, (target, each) in enumerate(zip(axes, shown, strict=True)):
        sums = rows[rows["asset"] == each].set_index("group")[["fee", "rebate"]]
        _draw(target, title, sums, each, names=names, top=top, note=note if index == 0 else ())
    if len(assets) > len(shown):
        draw.note_below(axes[-1], f"Not drawn: {name_list(map(short_name, assets[len(shown) :]))}")
        axes[-1].xaxis.label.set_fontsize(8.5)
    for target in axes:
        paper.finish(target)
    return axes[0]


def _rows(data: object, by: str) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Sums of fee and rebate for each group and asset; names of the groups; what else is to be said."""
    frame = as_frame(data, "commission", "income")
    if not len(frame.columns):
        frame = pd.DataFrame({name: [] for name in ("income", "asset", "commission", "convert_price", by)})
    require_columns(frame, ("income", "asset", "commission"), _USAGE)
    fee, rebate = amounts(frame["commission"]), amounts(frame["income"])
    if "without_fee" in frame:  # sums, whose rates leave out the rows without a fee
        require_columns(frame, ("rows", "rate"), _USAGE)
        rebate = fee * amounts(frame["rate"])
        counts, lacking = amounts(frame["rows"]), amounts(frame["without_fee"])
    else:
        require_columns(frame, ("convert_price",), _USAGE)
        price = amounts(frame["convert_price"])
        if "commission_asset" in frame:  # at the price only where there is something to convert
            price = price.mask(labels(frame["commission_asset"]) == labels(frame["asset"]), 1.0)
        fee = fee * price
        counts = pd.Series(1.0, index=frame.index)
        lacking = counts.where(fee.isna() | rebate.isna(), 0.0)
    group, names = paper.groups(frame, by)
    rows = pd.DataFrame(
        {"asset": labels(frame["asset"]), "group": group, "fee": fee, "rebate": rebate, "rows": counts}
    )
    without = int(lacking.sum())
    note = [f"Not drawn: {without:,} of {int(counts.sum()):,} rows, which tell no fee"] if without else []
    known = fee.notna() & rebate.notna()
    sums = rows[known].groupby(["asset", "group"], sort=False)[["fee", "rebate", "rows"]].sum().reset_index()
    return sums, names, note


def _draw(
    ax: Axes,
    title: str,
    sums: pd.DataFrame,
    asset: str,
    *,
    names: dict[str, str],
    top: int,
    note: Iterable[str],
) -> None:
    sums = sums.sort_values("fee", ascending=False, kind="stable")
    shown, others = sums.head(top), sums.iloc[top:]
    called = [names.get(str(each), short_name(each)) for each in shown.index]
    whose = in_words(names, map(str, shown.index))
    if len(others):
        called.append(paper.OTHERS_LABEL)
        shown = pd.concat([shown, others.sum().to_frame().T])
    at = np.arange(len(shown))[::-1]
    ax.barh(at, shown["fee"], height=0.72, color=_FEE, zorder=3)
    ax.barh(at, shown["rebate"], height=0.4, color=_REBATE, zorder=4)
    rates = [_rate(fee, rebate) for fee, rebate in zip(shown["fee"], shown["rebate"], strict=True)]
    for row, fee, rebate, rate in zip(at, shown["fee"], shown["rebate"], rates, strict=True):
        write(ax, rate, (max(fee, rebate, 0), row), (5, 0), xycoords="data", va="center", bold=True)
    draw.name_bars(ax, called[::-1])
    draw.style(ax, "x")
    ax.margins(y=0.02)
    ax.set_xlim(min(0.0, float(shown.min().min())), float(shown.max().max()) * 1.14 or 1.0)
    unit = short_name(asset)
    fee, rebate = float(sums["fee"].sum()), float(sums["rebate"].sum())
    entries = draw.patches(
        [f"Commission: {paper.money(fee)}", f"Rebate: {paper.money(rebate)}"], [_FEE, _REBATE]
    )
    said = [f"Rate implied: {_rate(fee, rebate)} of the commission", *note]
    paper.head(ax, title, unit, said, entries)
    each = "; ".join(f"{name} {rate}" for name, rate in zip(called, rates, strict=True))
    totals = ", ".join(name for name, _ in entries)
    draw.describe(ax, f"{title}, {unit}: {totals}. {'. '.join(said)}. {each}.{whose}")


def _rate(fee: float, rebate: float) -> str:
    return f"{rebate / fee:.1%}" if fee > 0 else "no rate"
