"""Chart of an order book: how much can be sold or bought up to each price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

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
    traded, priced = map(short_name, assets_of(symbol))
    title = f"{short_name(symbol)} order book" if symbol else "Order book"
    unit = f"{traded}, up to each price in {priced}" if traded else "total up to each price"
    target = ax or draw.figure(1, 3.4 if len(rows) else draw.EMPTY_HEIGHT)[0]
    if rows.empty:
        draw.empty(target, title, unit, "No bids and no asks", {})
        draw.describe(target, f"{title}: no bids and no asks.")
        return target
    sides = {name: rows[rows["side"] == name] for name in _SIDES}
    prices = {name: amounts(side["price"]).to_numpy() for name, side in sides.items()}
    totals = {name: amounts(side["total"]).to_numpy() for name, side in sides.items()}
    left, right = _view(prices)
    texts = {
        name: f"{len(each):,} {name}s of {draw.short(float(each[-1]))} {traded}".rstrip()
        for name, each in totals.items()
        if len(each)
    }
    for name, text in texts.items():
        edge = min(left, prices["bid"][-1]) if name == "bid" else max(right, prices["ask"][-1])
        _draw_side(target, name, prices[name], totals[name], edge)
        _name_side(target, name, text)
    draw.style(target, "y")
    target.grid(axis="x", color=draw.GRID, linewidth=1, zorder=0)
    target.xaxis.set_major_formatter(market.PriceFormatter())
    target.set_xlim(left, right)
    target.set_ylim(0, _highest(prices, totals, left, right) * 1.16)
    notes = [_middle(target, sides, priced), _cut(prices, left, right), _moment(frame.attrs)]
    market.set_titles(target, title, unit, notes)
    draw.describe(target, f"{title}, {'; '.join(filter(None, notes))}. {' and '.join(texts.values())}.")
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
    """The span of prices to draw."""
    bids, asks = prices["bid"], prices["ask"]
    known = np.concatenate([bids, asks])
    low, high = float(known.min()), float(known.max())
    if not len(bids) or not len(asks):
        margin = (high - low) * 0.02 or high * 0.001
        return low - margin, high + margin
    middle, spread = (bids[0] + asks[0]) / 2, abs(asks[0] - bids[0])
    below, above = max(middle - low, spread) * 1.01, max(high - middle, spread) * 1.01
    return float(middle - min(below, _WIDEST * above)), float(middle + min(above, _WIDEST * below))


def _draw_side(ax: Axes, name: str, prices: FloatArray, totals: FloatArray, edge: float) -> None:
    """Draw the running total: that of all prices at least as good, up to the edge."""
    at = np.concatenate([prices[:1], prices, [edge]])
    heights = np.concatenate([[0.0], totals, totals[-1:]])
    where: Literal["pre", "post"] = "post"
    if name == "bid":  # from the lowest price up
        at, heights, where = at[::-1], heights[::-1], "pre"
    ax.fill_between(at, heights, step=where, color=_SIDES[name], alpha=0.22, linewidth=0, zorder=2)
    ax.step(at, heights, where=where, color=_SIDES[name], linewidth=1.6, zorder=3)


def _highest(
    prices: dict[str, FloatArray], totals: dict[str, FloatArray], left: float, right: float
) -> float:
    seen = [totals[name][(prices[name] >= left) & (prices[name] <= right)] for name in _SIDES]
    return float(max((each.max() for each in seen if len(each)), default=1.0)) or 1.0


def _name_side(ax: Axes, name: str, text: str) -> None:
    at, offset, side = (0, 4, "left") if name == "bid" else (1, -4, "right")
    market.write(ax, text, (at, 1), (offset, -4), bold=True, ha=side, va="top", color=_SIDES[name])


def _middle(ax: Axes, sides: dict[str, pd.DataFrame], priced: str) -> str:
    """Mark the middle; name it and the spread, from the exact prices."""
    if not all(map(len, sides.values())):
        return "no bids" if len(sides["ask"]) else "no asks"
    bid, ask = (Decimal(str(side["price"].iloc[0])) for side in sides.values())
    middle, spread = (bid + ask) / 2, ask - bid
    ax.axvline(float(middle), color=draw.TEXT, linewidth=0.9, linestyle=(0, (2, 3)), zorder=2)
    share = float(spread / middle) * 1e4 if middle else 0.0
    return f"mid {middle.normalize():,f} {priced}".rstrip() + (
        f" · spread {spread.normalize():,f} ({market.exact_text(float(f'{share:.3g}'))} bp)"
    )


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
