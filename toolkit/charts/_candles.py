"""Chart of candles with their volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from toolkit.charts import _draw as draw
from toolkit.charts import _market as market
from toolkit.charts._data import amounts, as_frame, milliseconds, require_columns, times
from toolkit.charts._steps import (
    MINUTE,
    Buckets,
    FloatArray,
    How,
    Int64Array,
    Step,
    aggregate,
    gaps,
    readable_step,
    step_of,
    unchanged,
)
from toolkit.charts._symbols import assets_of, symbol_of
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

HOW: dict[str, How] = {"open": "first", "high": "highest", "low": "lowest", "close": "last", "volume": "sum"}
"""What becomes of the values of candles that are put together."""

PRICES = ("open", "high", "low", "close")
_USAGE = (
    "charts.candles() draws candles, such as those of link.market.spot.klines() and "
    "link.market.futures.klines()"
)
_KINDS = {
    "mark_price_klines": "mark price",
    "index_price_klines": "index price",
    "premium_index_klines": "premium index",
}
_BODY = 0.72  # of the distance between candles
_FEW = 80  # candles: with so many at most, lines are thicker


@suggests_arguments
def candles(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw candles with their volume below.

    Any number of candles is readable: those that are too many for the width are put together to longer ones,
    as the subtitle says: the first open, the highest high, the lowest low, the last close and the whole
    volume. No row is dropped. Spans without candles stay empty, and are shaded. A candle whose interval is
    not over, or that the frame covers only in part, is paler and hatched. A frame without rows draws an empty
    chart.

    Args:
        frame: Candles of one symbol as a method of the toolkit returns them, of any interval: of spot,
            futures, a mark, index or premium price. Without the column `volume`, only prices are drawn.
        ax: Axes to draw on; a new figure if not given.

    Returns:
        The Axes of the prices; those of the volume are the only ones in its `child_axes`.

    Raises:
        UsageError: A column is missing, or the candles are of several symbols or intervals.
    """
    rows = read_candles(frame, "candles", _USAGE, PRICES, ("volume",))
    traded, priced = map(short_name, assets_of(rows.symbol))
    kind = _KINDS.get(str(frame.attrs.get("endpoint", "")).rpartition(".")[2], "")
    if kind == "premium index":  # a fraction of the price
        priced = ""
    candle = f"{kind} candles".lstrip()
    title = f"{short_name(rows.symbol)} {candle}" if rows.symbol else candle.capitalize()
    if not len(rows.opens):
        target = ax or draw.figure(1, draw.EMPTY_HEIGHT)[0]
        draw.empty(target, title, priced, "No candles", frame.attrs)
        draw.describe(target, f"{title}: none.")
        return target
    has_volume = "volume" in rows.columns
    upper, lower = market.panels(ax, 4.4) if has_volume else (ax or draw.figure(1, 3.6)[0], None)
    step = readable_step(rows.step, rows.opens, market.most_columns(upper))
    bars = rows.put_together(step)
    is_partial = _partial(bars, rows)
    holes = gaps(rows.opens, rows.step)
    _draw_prices(upper, bars, is_partial, has_volume=lower is not None)
    if lower is not None:
        _draw_volume(lower, bars, is_partial)
        volume = f"Volume, {traded}" if traded else "Volume"
        market.panel_title(lower, volume)
    _shade(upper, holes)
    market.set_time_axis(upper, int(bars.starts[0]), int(bars.ends[-1]))
    span = market.span_text(int(rows.opens[0]), int(rows.closes[-1]))
    notes = [_size_text(step, rows), span, _gap_text(*holes), _partial_text(is_partial, rows)]
    market.set_titles(upper, title, priced, notes)
    draw.describe(upper, _in_words(title, notes, rows, priced, traded))
    return upper


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Candles of one symbol as arrays, oldest first, without rows that lack a price.

    Attributes:
        symbol: The symbol, "" if the frame does not say.
        opens: Their first milliseconds.
        closes: Their last milliseconds.
        step: Their length.
        columns: The values that are drawn.
        is_running: Whether the interval of the last one is not over.
    """

    symbol: str
    opens: Int64Array
    closes: Int64Array
    step: Step
    columns: dict[str, FloatArray]
    is_running: bool

    def put_together(self, step: Step) -> Buckets:
        """The candles, put together to longer ones if the step is longer than theirs."""
        columns = {name: (values, HOW[name]) for name, values in self.columns.items()}
        together = unchanged if step == self.step else aggregate
        return together(self.opens, columns, step)


def read_candles(
    data: object, chart: str, usage: str, prices: tuple[str, ...], optional: tuple[str, ...]
) -> CandleSeries:
    """Read the candles that a frame has.

    Args:
        data: The argument of the chart.
        chart: Name of the chart.
        usage: What the chart draws, for the error text.
        prices: The columns it needs: rows without a value there are left out, as are rows without a time.
        optional: The columns it also draws.

    Raises:
        UsageError: It is no frame, a column is missing, or the candles are of several symbols or intervals.
    """
    rows = as_frame(data, chart, "close")
    if not len(rows.columns):
        rows = pd.DataFrame({name: [] for name in ("open_time", *prices)})
    require_columns(rows, ("open_time", *prices), usage)
    symbol = symbol_of(rows)
    names = [*prices, *(name for name in optional if name in rows)]
    values = pd.DataFrame({name: amounts(rows[name]) for name in names}).fillna({"volume": 0.0})
    when = times(rows["open_time"])
    known = when.notna() & values[list(prices)].notna().all(axis=1)
    rows, values = rows[known], values[known]
    opens = milliseconds(when[known])
    order = np.argsort(opens, kind="stable")
    opens = opens[order]
    if (repeated := np.flatnonzero(np.diff(opens) == 0)).size:
        moment = market.moment(int(opens[repeated[0]]))
        raise UsageError(
            f"The frame has several candles that open at {moment:%Y-%m-%d %H:%M:%S} UTC. Candles of several "
            "symbols or intervals are not drawn together: choose one of each."
        )
    closes = None
    if "close_time" in rows and (closing := times(rows["close_time"])).notna().all():
        closes = milliseconds(closing)[order]
    step = step_of(opens, closes, Step(MINUTE)) if len(opens) else Step(MINUTE)
    last = order[-1:]
    running = "closed" in rows and any(value == False for value in rows["closed"].iloc[last])  # noqa: E712
    columns = {name: values[name].to_numpy()[order] for name in names}
    return CandleSeries(symbol, opens, step.ends(opens) - 1, step, columns, is_running=bool(running))


def _partial(bars: Buckets, rows: CandleSeries) -> np.ndarray:
    """Which candles are not over, or covered only in part: maybe the first and the last."""
    partial = np.zeros(len(bars.starts), dtype=bool)
    partial[0] = rows.opens[0] > bars.starts[0]
    partial[-1] |= rows.is_running or rows.closes[-1] + 1 < bars.ends[-1]
    return partial


def _draw_prices(ax: Axes, bars: Buckets, is_partial: np.ndarray, *, has_volume: bool) -> None:
    """Draw the candles, their extremes and the last close."""
    prices = bars.values
    draw.style(ax, "y")
    middle = market.days((bars.starts + bars.ends) // 2)
    width = market.days(bars.ends - bars.starts) * _BODY
    body_low = np.minimum(prices["open"], prices["close"])
    body_high = np.maximum(prices["open"], prices["close"])
    line = 0.6 if len(middle) > _FEW else 0.9
    for colour, alpha, chosen in _kinds(prices, is_partial):
        wicks = np.stack(
            [middle[chosen], prices["low"][chosen], middle[chosen], prices["high"][chosen]], axis=-1
        ).reshape(-1, 2, 2)
        ax.add_collection(
            LineCollection(list(wicks), colors=colour, linewidths=line, alpha=alpha, zorder=3), autolim=False
        )
        market.boxes(
            ax,
            (middle - width / 2)[chosen],
            (middle + width / 2)[chosen],
            body_low[chosen],
            body_high[chosen],
            facecolor=colour,
            edgecolor=colour,
            linewidth=line / 2,
            alpha=alpha,
            hatch="////" if alpha < 1 else None,
            zorder=4,
        )
    low, high = float(prices["low"].min()), float(prices["high"].max())
    market.set_prices(ax, low, high, has_lower=has_volume)
    for value, at, below in (
        (high, int(prices["high"].argmax()), False),
        (low, int(prices["low"].argmin()), True),
    ):
        place = (at + 0.5) / len(middle)
        market.write(
            ax,
            market.exact_text(value),
            (middle[at], value),
            (0, -3 if below else 3),
            xycoords="data",
            ha="left" if place < 0.1 else "right" if place > 0.9 else "center",
            va="top" if below else "bottom",
        )
    close = float(prices["close"][-1])
    market.tag(ax, close, market.exact_text(close), _colour(prices["close"][-1] >= prices["open"][-1]))


def _draw_volume(ax: Axes, bars: Buckets, is_partial: np.ndarray) -> None:
    middle = market.days((bars.starts + bars.ends) // 2)
    width = market.days(bars.ends - bars.starts) * _BODY
    volume = bars.values["volume"]
    for colour, alpha, chosen in _kinds(bars.values, is_partial):
        market.boxes(
            ax,
            (middle - width / 2)[chosen],
            (middle + width / 2)[chosen],
            np.zeros(int(chosen.sum())),
            volume[chosen],
            facecolor=colour,
            linewidth=0,
            alpha=alpha * 0.75,
            hatch="////" if alpha < 1 else None,
            zorder=3,
        )
    ax.set_ylim(0, float(volume.max()) * 1.08 or 1.0)
    market.few_ticks(ax)


def _kinds(prices: dict[str, FloatArray], is_partial: np.ndarray) -> list[tuple[str, float, np.ndarray]]:
    """Colour, opacity and choice of rising and falling candles, whole and partial ones."""
    rising = prices["close"] >= prices["open"]
    kinds = [
        (_colour(rises), alpha, (rising == rises) & (is_partial == partial))
        for rises in (True, False)
        for partial, alpha in ((False, 1.0), (True, market.PALE))
    ]
    return [kind for kind in kinds if kind[2].any()]


def _colour(rises: bool) -> str:
    return market.RISING if rises else market.FALLING


def _shade(ax: Axes, holes: tuple[Int64Array, Int64Array]) -> None:
    """Shade the gaps, each at least as wide as a hair."""
    left, right = map(market.days, holes)
    low, high = ax.get_ylim()
    market.boxes(
        ax,
        left,
        right,
        np.full(len(left), low),
        np.full(len(left), high),
        facecolor=draw.OTHERS,
        edgecolor=draw.OTHERS,
        linewidth=0.8,
        alpha=0.3,
        zorder=1,
    )


def _size_text(step: Step, rows: CandleSeries) -> str:
    if step == rows.step:
        return f"{step} each"
    count = len(rows.opens)
    return f"{step} each, put together from {count:,} candles of {rows.step}"


def _gap_text(starts: Int64Array, ends: Int64Array) -> str:
    if not len(starts):
        return ""
    total = market.duration(int((ends - starts).sum()))
    return (
        f"1 gap of {total} (shaded)"
        if len(starts) == 1
        else f"{len(starts):,} gaps of {total} in all (shaded)"
    )


def _partial_text(is_partial: np.ndarray, rows: CandleSeries) -> str:
    if rows.is_running:
        return "the last candle is not over (pale)"
    if is_partial.any():
        which = " and ".join(name for name, at in (("first", 0), ("last", -1)) if is_partial[at])
        return f"the {which} covered in part (pale)"
    return ""


def _in_words(title: str, notes: list[str], rows: CandleSeries, priced: str, traded: str) -> str:
    prices = rows.columns
    figures = {
        "opened at": prices["open"][0],
        "highest": prices["high"].max(),
        "lowest": prices["low"].min(),
        "last": prices["close"][-1],
    }
    texts = [f"{name} {market.exact_text(float(value))}" for name, value in figures.items()]
    unit = f" in {priced}" if priced else ""
    words = f"{title}, {'; '.join(filter(None, notes))}. Prices{unit}: {', '.join(texts)}."
    if "volume" in prices:
        words += f" Volume: {draw.short(float(prices['volume'].sum()))} {traded}".rstrip() + "."
    return words
