"""Chart of funding rates against the price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from toolkit.charts import _draw as draw
from toolkit.charts import _market as market
from toolkit.charts._candles import HOW, read_candles
from toolkit.charts._data import amounts, as_frame, milliseconds, require_columns, times
from toolkit.charts._steps import (
    DAY,
    HOUR,
    MINUTE,
    Buckets,
    FloatArray,
    Int64Array,
    Step,
    aggregate,
    readable_step,
)
from toolkit.charts._symbols import assets_of, is_same, symbol_of
from toolkit.charts._text import short_name
from toolkit.errors import UsageError
from toolkit.text.suggestions import suggests_arguments

_USAGE = "charts.funding() draws funding rates, those of link.market.futures.funding_rates()"
_PRICES_USAGE = (
    "The prices for charts.funding() are candles, such as those of link.market.futures.mark_price_klines() "
    "or link.market.futures.klines()"
)
_YEAR = 365 * DAY
_USUAL = 8 * HOUR  # between two rates
_BAR = 0.8  # of the distance between bars
_PRICE = draw.COLOURS[3]


@suggests_arguments
def funding(frame: pd.DataFrame, prices: pd.DataFrame | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw funding rates as bars, below the price.

    A positive rate, which longs pay to shorts, is green, and a negative one red. The subtitle says what was
    paid in all, and what that is in a year, without compounding. Rates that are too many for the width are
    added up by day, week or month, as the subtitle says. A frame without rows draws an empty chart.

    Args:
        frame: The result of `link.market.futures.funding_rates()`, of one symbol.
        prices: Candles of the same symbol, of any kind and interval; the mark prices of the frame if not
            given. Only what lies within the time of the rates is drawn.
        ax: Axes to draw on; a new figure if not given.

    Returns:
        The Axes of the prices; those of the rates are the only ones in its `child_axes`.

    Raises:
        UsageError: A column is missing, there are several symbols, or the prices are of another symbol or
            time.
    """
    rates = _read(frame)
    title = f"{short_name(rates.symbol)} funding" if rates.symbol else "Funding"
    priced = short_name(assets_of(rates.symbol)[1])
    if not len(rates.times):
        target = ax or draw.figure(1, draw.EMPTY_HEIGHT)[0]
        draw.empty(target, title, "% of the position", "No funding", frame.attrs)
        draw.describe(target, f"{title}: none.")
        return target
    line = _marks(rates) if prices is None else _candle_line(prices, rates)
    upper, lower = market.panels(ax, 4.2)
    most = market.most_columns(upper)
    _draw_price(upper, line, most)
    source = Step(rates.interval)
    step = readable_step(source, rates.times, most)
    bars = aggregate(rates.times, {"rate": (rates.values * 100, "sum")}, step)
    _draw_rates(lower, bars, _BAR * rates.interval if step == source else None)
    market.panel_title(
        lower,
        f"Funding rate, % per {_every(source)}" if step == source else f"Funding rates, % per {_every(step)}",
    )
    market.set_time_axis(upper, *rates.view)
    span = market.span_text(int(rates.times[0]), int(rates.times[-1]))
    sums = "" if step == source else f"sums of {step} each, from {len(rates.times):,} rates"
    notes = [*_paid(rates), sums, span]
    market.set_titles(upper, title, f"price in {priced}" if priced else "price", notes)
    extremes = f"Rates from {_percent(rates.values.min())} to {_percent(rates.values.max())}."
    draw.describe(upper, f"{title}, {'; '.join(filter(None, notes))}. {extremes}")
    return upper


@dataclass(frozen=True, slots=True)
class _Rates:
    """Funding rates of one symbol as arrays, oldest first.

    Attributes:
        symbol: The symbol, "" if the frame does not say.
        times: When each was paid, in milliseconds.
        values: The rates, as fractions.
        marks: The mark price at each, NaN where unknown.
        interval: Time between two, in milliseconds: the shortest one.
    """

    symbol: str
    times: Int64Array
    values: FloatArray
    marks: FloatArray
    interval: int

    @property
    def view(self) -> tuple[int, int]:
        """The span that is drawn: that which was paid for, and half a bar more."""
        return int(self.times[0]) - self.interval, int(self.times[-1]) + self.interval // 2


@dataclass(frozen=True, slots=True)
class _Line:
    """Prices over time: a line, and maybe the band between the lowest and the highest.

    Attributes:
        times: Ascending times, in milliseconds.
        values: Columns "close", and maybe "low" and "high".
        step: Their distance.
    """

    times: Int64Array
    values: dict[str, FloatArray]
    step: Step


def _read(data: object) -> _Rates:
    rows = as_frame(data, "funding", "funding_rate")
    if not len(rows.columns):
        rows = pd.DataFrame({"funding_rate": [], "funding_time": []})
    require_columns(rows, ("funding_rate", "funding_time"), _USAGE)
    symbol = symbol_of(rows)
    when, values = times(rows["funding_time"]), amounts(rows["funding_rate"])
    known = when.notna() & values.notna()
    moments = milliseconds(when[known])
    marks = amounts(rows["mark_price"]) if "mark_price" in rows else values * np.nan
    order = np.argsort(moments, kind="stable")
    moments = moments[order]
    distances = np.diff(moments)
    if "symbol" not in rows and (distances == 0).any():  # one symbol may have rates of several types at once
        raise UsageError("The frame has several funding rates for one time. Choose those of one symbol.")
    # The times are a few milliseconds off the hour.
    distances = distances[distances >= MINUTE]
    interval = round(int(distances.min()) / MINUTE) * MINUTE if len(distances) else _USUAL
    return _Rates(
        symbol,
        moments,
        values[known].to_numpy()[order],
        marks[known].to_numpy()[order],
        max(MINUTE, interval),
    )


def _marks(rates: _Rates) -> _Line:
    """The mark prices in the frame.

    Raises:
        UsageError: It has none.
    """
    known = ~np.isnan(rates.marks)
    if not known.any():
        raise UsageError(
            "The frame has no mark prices. Pass candles of the same symbol as `prices`, such as those of "
            "link.market.futures.mark_price_klines()."
        )
    return _Line(rates.times[known], {"close": rates.marks[known]}, Step(rates.interval))


def _candle_line(data: object, rates: _Rates) -> _Line:
    """The prices of candles within the time of the rates.

    Raises:
        UsageError: They are of another symbol or time.
    """
    candles = read_candles(data, "funding", _PRICES_USAGE, ("close",), ("low", "high"))
    if not is_same(rates.symbol, candles.symbol):
        raise UsageError(
            f"The funding rates are of {short_name(rates.symbol)} and the prices of "
            f"{short_name(candles.symbol)}. Pass prices of the same symbol."
        )
    first, last = rates.view
    within = (candles.closes >= first) & (candles.opens <= last)
    if not within.any():
        covered = (
            "none"
            if not len(candles.opens)
            else market.span_text(int(candles.opens[0]), int(candles.closes[-1]))
        )
        raise UsageError(
            f"None of the prices is from the time of the funding rates, {market.span_text(first, last)}; "
            f"they cover {covered}."
        )
    columns = {name: values[within] for name, values in candles.columns.items()}
    return _Line(candles.opens[within], columns, candles.step)


def _draw_price(ax: Axes, line: _Line, most: int) -> None:
    draw.style(ax, "y")
    columns = {name: (values, HOW[name]) for name, values in line.values.items()}
    step = readable_step(line.step, line.times, most * 2)
    bars = aggregate(line.times, columns, step)
    if {"low", "high"} <= set(columns):
        at, low = bars.with_holes("low")
        _, high = bars.with_holes("high")
        ax.fill_between(market.days(at), low, high, color=_PRICE, alpha=0.22, linewidth=0, zorder=2)
    at, close = bars.with_holes("close")
    ax.plot(market.days(at), close, color=_PRICE, linewidth=1.4, zorder=3)
    low, high = (line.values.get(name, close) for name in ("low", "high"))
    market.set_prices(ax, float(np.nanmin(low)), float(np.nanmax(high)), has_lower=True)
    last = float(line.values["close"][-1])
    market.tag(ax, last, market.exact_text(float(f"{last:.7g}")), _PRICE)  # mark prices have eight decimals


def _draw_rates(ax: Axes, bars: Buckets, width: float | None) -> None:
    """Draw a bar for each rate around its time, or without a width for each period they are added up by."""
    rates = bars.values["rate"]
    if width is not None:
        left, right = bars.starts - width / 2, bars.starts + width / 2
    else:
        gap = (bars.ends - bars.starts) * (1 - _BAR) / 2
        left, right = bars.starts + gap, bars.ends - gap
    for colour, chosen in ((market.RISING, rates >= 0), (market.FALLING, rates < 0)):
        if chosen.any():
            edges = left[chosen] / DAY, right[chosen] / DAY
            market.boxes(
                ax,
                *edges,
                np.minimum(rates, 0)[chosen],
                np.maximum(rates, 0)[chosen],
                facecolor=colour,
                linewidth=0,
                zorder=3,
            )
    ax.axhline(0, color=draw.TEXT, linewidth=0.8, alpha=0.6, zorder=4)
    low, high = min(0.0, float(rates.min())), max(0.0, float(rates.max()))
    margin = (high - low) * 0.08 or 0.01
    ax.set_ylim(low - (margin if low < 0 else 0), high + (margin if high > 0 or low == 0 else 0))
    market.few_ticks(ax)


def _paid(rates: _Rates) -> list[str]:
    """What was paid in all, and what that is in a year."""
    total = float(rates.values.sum())
    covered = int(rates.times[-1] - rates.times[0]) + rates.interval
    payer = "shorts" if total < 0 else "longs"
    return [
        f"{payer} paid {_percent(abs(total))} in {market.duration(covered)}",
        f"{_percent(total * _YEAR / covered)} a year, not compounded",
    ]


def _percent(value: float) -> str:
    return f"{value * 100:.4g}%"


def _every(step: Step) -> str:
    return str(step).removeprefix("1 ")
