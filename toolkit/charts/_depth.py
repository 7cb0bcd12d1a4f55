"""Chart of an order book: how much can be sold or bought up to each price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts import _market as market
from toolkit.charts._data import amounts, as_frame, labels, name_list, require_columns
from toolkit.charts._steps import FloatArray
from toolkit.charts._symbols import assets_of, symbol_of
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_USAGE = "charts.depth() draws order books, those of link.market.spot.depth() and link.market.futures.depth()"
_COLUMNS = ("side", "price", "total")
_SIDES = {"bid": market.RISING, "ask": market.FALLING}
_WIDEST = 3.0  # how many times as far as the nearer side the other is drawn


@suggests_arguments
def depth(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw an order book: the running total of bids and asks at each price, and the middle between them.

    One side that reaches much further than the other is cut off, as the subtitle says. A frame without rows
    draws an empty chart.

    Args:
        frame: The result of `link.market.spot.depth()` or `link.market.futures.depth()`.
        ax: Axes to draw on; a new figure if not given.

    Raises:
        UsageError: A column is missing, or there are several order books in the frame.
    """
    rows = _read(frame)
    symbol = symbol_of(rows)
    traded, priced = assets_of(symbol)
    title = f"{short_name(symbol)} order book" if symbol else "Order book"
    unit = f"{traded}, up to each price in {priced}" if traded else "total up to each price"
    target = ax or draw.figure(1, 3.4 if len(rows) else draw.EMPTY_HEIGHT)[0]
    if rows.empty:
        draw.empty(target, title, unit, "No bids and no asks", {})
        market.describe(target, f"{title}: no bids and no asks.")
        return target
    sides = {name: rows[rows["side"] == name] for name in _SIDES}
    prices = {name: amounts(side["price"]).to_numpy() for name, side in sides.items()}
    totals = {name: amounts(side["total"]).to_numpy() for name, side in sides.items()}
    left, right = _view(prices)
    for name, colour in _SIDES.items():
        if len(prices[name]):
            edge = left if name == "bid" else right
            _draw_side(target, prices[name], totals[name], edge, colour)
            worth = f"{draw.short(float(totals[name][-1]))} {traded}".rstrip()
            _name_side(target, name, f"{len(prices[name]):,} {name}s, {worth}")
    draw.style(target, "y")
    target.grid(axis="x", color=draw.GRID, linewidth=1, zorder=0)
    target.xaxis.set_major_formatter(market.PriceFormatter())
    target.set_xlim(left, right)
    target.set_ylim(0, _highest(prices, totals, left, right) * 1.16)
    notes = [_middle(target, sides, priced), _cut(prices, left, right), _moment(frame.attrs)]
    market.set_titles(target, title, unit, notes)
    amounts_of_sides = [
        f"{len(prices[name]):,} {name}s of {draw.short(float(totals[name][-1]))} {traded}".rstrip()
        for name in _SIDES
        if len(prices[name])
    ]
    market.describe(target, f"{title}, {'; '.join(filter(None, notes))}. {' and '.join(amounts_of_sides)}.")
    return target


def _read(data: object) -> pd.DataFrame:
    """The rows of one order book, each side from the best price on.

    Raises:
        UsageError: It is no frame, a column is missing, or rows are of another shape.
    """
    rows = as_frame(data, "depth", "price")
    if not len(rows.columns):
        return pd.DataFrame({name: [] for name in _COLUMNS})
    require_columns(rows, _COLUMNS, _USAGE)
    if "last_update_id" in rows and rows["last_update_id"].nunique() > 1:
        raise UsageError(
            f"The frame has {rows['last_update_id'].nunique()} order books. Choose one by its last_update_id."
        )
    side = labels(rows["side"])
    if others := [name for name in side.unique() if name not in _SIDES]:
        raise UsageError(f"Column 'side' must have 'bid' and 'ask', not {name_list(map(repr, others))}.")
    rows = rows.assign(side=side)
    for name in _SIDES:
        prices = amounts(rows.loc[side == name, "price"]).to_numpy()
        steps = np.diff(prices)
        if not np.isfinite(prices).all() or not ((steps < 0) if name == "bid" else (steps > 0)).all():
            raise UsageError(
                f"The prices of the {name}s must lead away from the best one, without repeats, as in the "
                "frames of `depth`. Two books in one frame, or rows in another order, are not drawn."
            )
    return rows


def _view(prices: dict[str, FloatArray]) -> tuple[float, float]:
    """The span of prices to draw: around the middle, with both sides to scale."""
    bids, asks = prices["bid"], prices["ask"]
    known = np.concatenate([bids, asks])
    low, high = float(known.min()), float(known.max())
    if not len(bids) or not len(asks):
        margin = (high - low) * 0.02 or high * 0.001
        return low - margin, high + margin
    middle = (float(bids[0]) + float(asks[0])) / 2
    reach = [middle - low, high - middle]
    nearest = min(reach)
    if len(bids) > 1 and len(asks) > 1 and nearest > 0:
        reach = [min(each, _WIDEST * nearest) for each in reach]
    return middle - reach[0], middle + reach[1]


def _draw_side(ax: Axes, prices: FloatArray, totals: FloatArray, edge: float, colour: str) -> None:
    """Draw the running total, which rises at each price and holds from there on."""
    at = np.concatenate([prices[:1], prices, [edge]])
    heights = np.concatenate([[0.0], totals, totals[-1:]])
    order = slice(None) if len(at) == 1 or at[-1] >= at[0] else slice(None, None, -1)
    where = "post" if order == slice(None) else "pre"
    ax.fill_between(at[order], heights[order], step=where, color=colour, alpha=0.22, linewidth=0, zorder=2)  # type: ignore[arg-type]
    ax.step(at[order], heights[order], where=where, color=colour, linewidth=1.6, zorder=3)  # type: ignore[arg-type]


def _highest(
    prices: dict[str, FloatArray], totals: dict[str, FloatArray], left: float, right: float
) -> float:
    seen = [totals[name][(prices[name] >= left) & (prices[name] <= right)] for name in _SIDES]
    return float(max((each.max() for each in seen if len(each)), default=1.0)) or 1.0


def _name_side(ax: Axes, name: str, text: str) -> None:
    ax.annotate(
        text,
        (0 if name == "bid" else 1, 1),
        xycoords="axes fraction",
        xytext=(4 if name == "bid" else -4, -4),
        textcoords="offset points",
        ha="left" if name == "bid" else "right",
        va="top",
        color=_SIDES[name],
        fontsize=8.5,
        fontweight="bold",
        zorder=5,
    )


def _middle(ax: Axes, sides: dict[str, pd.DataFrame], priced: str) -> str:
    """Mark the middle; name it and the spread, from the exact prices."""
    if not all(map(len, sides.values())):
        return "no bids" if len(sides["ask"]) else "no asks"
    bid, ask = (_decimal(side["price"].iloc[0]) for side in sides.values())
    middle, spread = (bid + ask) / 2, ask - bid
    ax.axvline(float(middle), color=draw.TEXT, linewidth=0.9, linestyle=(0, (2, 3)), zorder=2)
    share = float(spread / middle) * 1e4 if middle else 0.0
    return f"mid {middle.normalize():,f} {priced}".rstrip() + (
        f" · spread {spread.normalize():,f} ({market.exact_text(float(f'{share:.3g}'))} bp)"
    )


def _decimal(price: Any) -> Decimal:
    return price if isinstance(price, Decimal) else Decimal(str(price))


def _cut(prices: dict[str, FloatArray], left: float, right: float) -> str:
    """How many levels the chart does not reach, "" if it has all."""
    hidden = {
        "bids": int((prices["bid"] < left).sum()),
        "asks": int((prices["ask"] > right).sum()),
    }
    texts = [f"{count:,} {name}" for name, count in hidden.items() if count]
    return f"further away, not drawn: {' and '.join(texts)}" if texts else ""


def _moment(attrs: dict[Any, Any]) -> str:
    answered = attrs.get("server_time") or attrs.get("fetched_at")
    if not answered:
        return ""
    time = pd.Timestamp(answered)
    return f"{time:%d %b %Y %H:%M:%S} UTC".lstrip("0")
