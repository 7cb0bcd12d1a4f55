"""Charts of candles, order books and funding: what is drawn, and what the texts say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from tests.unit.charts.market_frames import MINUTE, book, candles, in_decimals, rates
from toolkit import charts
from toolkit.charts import _market
from toolkit.errors import UsageError

DAY = 1440 * MINUTE


def said(ax: Axes) -> str:
    """All texts of a chart."""
    texts = [each for each in ax.figure.findobj(Text) if each.get_text() and each.get_visible()]
    return "\n".join(each.get_text() for each in texts)


def boxes(ax: Axes, *, pale: bool | None = None, shaded: bool = False) -> np.ndarray:
    """Left, right, bottom and top of the boxes on Axes, from the left; times in milliseconds."""
    found = [np.empty((0, 4))]
    for each in ax.collections:
        is_shade = each.get_zorder() == 1
        is_pale = each.get_hatch() is not None
        if isinstance(each, PolyCollection) and is_shade == shaded and pale in (None, is_pale):
            corners = np.array([path.vertices[:4] for path in each.get_paths()])
            if len(corners):
                lows, highs = corners.min(axis=1), corners.max(axis=1)
                found.append(np.column_stack([lows[:, 0] * DAY, highs[:, 0] * DAY, lows[:, 1], highs[:, 1]]))
    together = np.concatenate(found)
    return together[np.argsort(together[:, 0])]


def wicks(ax: Axes) -> np.ndarray:
    """Lowest and highest price of each candle, from the left."""
    lines = [
        line for each in ax.collections if isinstance(each, LineCollection) for line in each.get_segments()
    ]
    return np.array([[line[0, 1], line[1, 1]] for line in sorted(lines, key=lambda line: line[0, 0])])


def lower(ax: Axes) -> Axes:
    """The panel below the prices."""
    (panel,) = ax.child_axes
    return panel


# -- candles -------------------------------------------------------------------------------------------


def test_a_few_candles_are_drawn_one_by_one() -> None:
    frame = candles(50)
    ax = charts.candles(frame)
    assert wicks(ax).tolist() == frame[["low", "high"]].to_numpy().tolist()
    ends = np.sort(frame[["open", "close"]].to_numpy(), axis=1)
    assert boxes(ax)[:, 2:].tolist() == ends.tolist()
    assert boxes(lower(ax))[:, 3].tolist() == frame["volume"].tolist()
    assert ax.get_title(loc="left") == "BTCUSDT candles · USDT"
    assert "1 minute each" in said(ax)
    assert "Volume, BTC" in said(ax)
    assert "1 Mar 2026 00:00 to 00:49 UTC" in said(ax)


@pytest.mark.parametrize("form", [lambda frame: frame, in_decimals])
def test_many_candles_are_put_together_without_losing_any(form: Callable[[Any], pd.DataFrame]) -> None:
    frame = candles(7 * 1440)
    ax = charts.candles(form(frame))
    groups = frame.set_index("open_time").resample("30min")
    assert wicks(ax).tolist() == groups.agg({"low": "min", "high": "max"}).to_numpy().tolist()
    ends = groups.agg({"open": "first", "close": "last"}).to_numpy()
    assert boxes(ax)[:, 2:].tolist() == np.sort(ends, axis=1).tolist()
    assert boxes(lower(ax))[:, 3].sum() == frame["volume"].sum()
    assert "30 minutes each, put together from 10,080 candles of 1 minute" in said(ax)


def test_a_narrower_chart_has_fewer_candles() -> None:
    _, (left, _) = plt.subplots(1, 2, figsize=(6, 3))
    ax = charts.candles(candles(1440), ax=left)
    assert ax is left
    assert len(plt.get_fignums()) == 1
    assert 20 < len(wicks(ax)) < len(wicks(charts.candles(candles(1440))))


def test_rising_and_falling_candles_have_different_colours() -> None:
    frame = candles(2).assign(open=[10.0, 12.0], close=[12.0, 11.0], high=13.0, low=9.0)
    ax = charts.candles(frame)
    colours = [
        to_rgb(each.get_facecolor()[0]) for each in ax.collections if isinstance(each, PolyCollection)
    ][:2]
    assert colours == [to_rgb(_market.RISING), to_rgb(_market.FALLING)]


def test_gaps_are_empty_and_shaded() -> None:
    frame = candles(60)
    ax = charts.candles(frame.drop(index=[*range(10, 15), 40]))
    assert len(wicks(ax)) == 54
    first = frame["open_time"][0].timestamp() * 1000
    spans = (boxes(ax, shaded=True)[:, :2] - first) / MINUTE
    assert spans.round(3).tolist() == [[10, 15], [40, 41]]
    drawn = boxes(ax)
    assert not ((drawn[:, 0] < first + 15 * MINUTE) & (drawn[:, 1] > first + 10 * MINUTE)).any()
    assert "2 gaps of 6 minutes in all (shaded)" in said(ax)


def test_a_gap_within_longer_candles_is_still_shaded() -> None:
    ax = charts.candles(candles(7 * 1440).drop(index=range(2000, 2002)))
    assert len(boxes(ax, shaded=True)) == 1
    assert "1 gap of 2 minutes (shaded)" in said(ax)


def test_the_running_candle_is_pale() -> None:
    ax = charts.candles(candles(30, running=True))
    assert len(boxes(ax, pale=True)) == 1
    assert boxes(ax, pale=True)[0, 0] > boxes(ax, pale=False)[:, 0].max()
    assert "the last candle is not over (pale)" in said(ax)
    assert not len(boxes(charts.candles(candles(30)), pale=True))


def test_longer_candles_covered_in_part_are_pale() -> None:
    ax = charts.candles(candles(1440, start="2026-03-01 00:02"))
    assert len(boxes(ax, pale=True)) == 2
    assert "the first and last covered in part (pale)" in said(ax)


def test_frames_without_volume_and_with_negative_prices_are_drawn() -> None:
    frame = candles(30).drop(columns=["volume", "close_time", "closed"])
    frame[["open", "high", "low", "close"]] -= 67_000  # as the premium index
    ax = charts.candles(frame)
    assert not ax.child_axes
    assert len(wicks(ax)) == 30


@pytest.mark.parametrize(
    ("endpoint", "title"),
    [
        ("mark_price_klines", "BTCUSDT mark price candles · USDT"),
        ("index_price_klines", "BTCUSDT index price candles · USDT"),
        ("premium_index_klines", "BTCUSDT premium index candles"),  # fractions of the price
    ],
)
def test_other_prices_than_those_of_trades_are_named(endpoint: str, title: str) -> None:
    frame = candles(30).drop(columns="volume")
    frame.attrs["endpoint"] = f"market.futures.{endpoint}"
    assert charts.candles(frame).get_title(loc="left") == title
    frame.attrs = {}
    assert charts.candles(frame).get_title(loc="left") == "Candles"


@pytest.mark.parametrize("frame", [candles(0), pd.DataFrame([])])
def test_no_candles_are_an_empty_chart(frame: pd.DataFrame) -> None:
    ax = charts.candles(frame)
    assert "No candles" in said(ax)
    ax.figure.canvas.draw()


def test_newest_first_index_and_missing_rows_are_accepted() -> None:
    frame = candles(30)
    ax = charts.candles(frame.set_index("open_time")[::-1])
    assert wicks(ax).tolist() == frame[["low", "high"]].to_numpy().tolist()
    reindexed = frame.set_index("open_time").drop(frame["open_time"][5]).asfreq("min")
    assert "1 gap of 1 minute" in said(charts.candles(reindexed))


# -- depth ---------------------------------------------------------------------------------------------

BIDS = [(99.5, 1.0), (99.0, 2.0), (97.0, 4.0)]
ASKS = [(100.0, 0.5), (101.0, 0.25), (102.5, 8.0)]


def test_a_book_is_two_flights_of_steps() -> None:
    ax = charts.depth(book(BIDS, ASKS))
    bids, asks = ([*zip(*line.get_data(), strict=True)] for line in ax.lines[:2])
    assert bids[1:] == [(97.0, 7.0), (99.0, 3.0), (99.5, 1.0), (99.5, 0.0)]
    assert bids[0][1] == 7.0
    assert asks[:-1] == [(100.0, 0.0), (100.0, 0.5), (101.0, 0.75), (102.5, 8.75)]
    assert [line.get_drawstyle() for line in ax.lines[:2]] == ["steps-pre", "steps-post"]
    assert ax.get_title(loc="left") == "BTCUSDT order book · BTC, up to each price in USDT"
    for text in ("Mid 99.75 USDT", "spread 0.5 (50.1 bp)", "1 Mar 2026 12:30:05 UTC"):
        assert text in said(ax)
    assert "3 bids of 7 BTC" in said(ax)
    assert "3 asks of 8.75 BTC" in said(ax)


def test_the_middle_of_exact_prices_is_exact() -> None:
    frame = in_decimals(book([(67_012.34, 1.0)], [(67_012.35, 1.0)]), ("price", "quantity", "total"))
    assert "Mid 67,012.345 USDT · spread 0.01 (0.00149 bp)" in said(charts.depth(frame))


@pytest.mark.parametrize(("bids", "asks", "text"), [(BIDS, [], "No asks"), ([], ASKS, "No bids")])
def test_a_one_sided_book_has_no_middle(bids: Any, asks: Any, text: str) -> None:
    ax = charts.depth(book(bids, asks))
    assert text in said(ax)
    assert "spread" not in said(ax)
    ax.figure.canvas.draw()


def test_no_levels_are_an_empty_chart() -> None:
    assert "No bids and no asks" in said(charts.depth(book([], [])))


def test_a_side_that_reaches_too_far_is_cut_off_and_counted() -> None:
    ax = charts.depth(book([*BIDS, (2.0, 100.0), (1.0, 1.0)], ASKS))
    assert ax.get_xlim()[0] > 80
    assert "further away, not drawn: 2 bids" in said(ax).lower()
    assert ax.get_ylim()[1] < 20


# -- funding -------------------------------------------------------------------------------------------


def test_rates_are_bars_in_percent_at_their_times() -> None:
    frame = rates([0.0001, -0.0002, 0.0003])
    ax = charts.funding(frame)
    drawn = boxes(lower(ax))
    assert (drawn[:, 3] + drawn[:, 2]).round(9).tolist() == [0.01, -0.02, 0.03]
    middles = (drawn[:, 0] + drawn[:, 1]) / 2
    assert np.abs(middles - frame["funding_time"].astype("int64").to_numpy()).max() < 1000
    up, down = (each.get_facecolor()[0] for each in lower(ax).collections)
    assert (to_rgb(up), to_rgb(down)) == (to_rgb(_market.RISING), to_rgb(_market.FALLING))
    assert ax.lines[0].get_ydata().tolist() == frame["mark_price"].tolist()
    assert "Longs paid 0.02% in 1 day" in said(ax)
    assert "7.3% a year, not compounded" in said(ax)
    assert "Funding rate, % per 8 hours" in said(ax)


def test_shorts_pay_a_negative_sum() -> None:
    assert "Shorts paid 0.02% in 1 day · -7.3% a year" in said(
        charts.funding(rates([-0.0001, 0.0002, -0.0003]))
    )


def test_many_rates_are_added_up() -> None:
    frame = rates([0.0001] * 1095)
    ax = charts.funding(frame)
    heights = boxes(lower(ax))[:, 3]
    assert len(heights) == 365
    assert heights.sum() == pytest.approx(0.01 * 1095)
    assert "sums of 1 day each, from 1,095 rates" in said(ax)
    assert "Funding rates, % per day" in said(ax)


def test_candles_are_the_price_with_their_extremes() -> None:
    prices = candles(3 * 1440, start="2026-02-28")
    prices.loc[[10, 3 * 1440 - 10], "high"] = 1e6
    ax = charts.funding(rates([0.0001] * 5), prices)
    band = next(each for each in ax.collections if isinstance(each, PolyCollection))
    (bounds,) = (path.vertices for path in band.get_paths())
    # From eight hours before the first funding, at midnight, until half of that after the last one, at 08:00.
    first, last = (pd.Timestamp(time, tz="UTC") for time in ("2026-02-28 16:00", "2026-03-02 12:00"))
    seen = prices[(prices["close_time"] >= first) & (prices["open_time"] <= last)]
    assert bounds[:, 1].min() == seen["low"].min()
    assert bounds[:, 1].max() == seen["high"].max() < 1e6
    assert f"{seen['close'].iloc[-1]:,}" in said(ax)


def test_a_gap_of_the_prices_interrupts_the_line() -> None:
    prices = candles(960).drop(index=range(300, 420))
    ax = charts.funding(rates([0.0001] * 3), prices)
    assert np.isnan(ax.lines[0].get_ydata()).sum() == 1


def test_two_types_of_rates_at_one_time_are_added_up() -> None:
    frame = pd.concat([rates([0.0001, 0.0002]), rates([0.0004])]).sort_values("funding_time")
    drawn = boxes(lower(charts.funding(frame)))
    assert drawn[:, 3].round(9).tolist() == [0.05, 0.02]


def test_no_rates_are_an_empty_chart() -> None:
    assert "No funding" in said(charts.funding(rates([])))


# -- what is refused -----------------------------------------------------------------------------------

BOTH = pd.concat([candles(3).assign(symbol="BTCUSDT"), candles(3).assign(symbol="ETHBTC")])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: charts.candles([1, 2]), r"draws a DataFrame, not list"),
        (
            lambda: charts.candles(book(BIDS, ASKS)),
            r"klines.*it has no open_time.*charts\.depth\(\) draws it",
        ),
        (lambda: charts.candles(candles(3).drop(columns="high")), "it has no high"),
        (lambda: charts.candles(BOTH), r"2 symbols \(BTCUSDT, ETHBTC\), whose prices have no common scale"),
        (
            lambda: charts.candles(pd.concat([candles(3)] * 2)),
            "several candles that open at 2026-03-01 00:00:00",
        ),
        (lambda: charts.candles(candles(3).assign(open_time=1)), "does not hold times"),
        (lambda: charts.candles(candles(3).assign(close="high")), "does not hold amounts"),
        (lambda: charts.depth(candles(3)), r"depth.*charts\.candles\(\) draws it"),
        (lambda: charts.depth(pd.concat([book(BIDS, ASKS)] * 2)), "must lead away from the best one"),
        (lambda: charts.depth(book(BIDS[::-1], ASKS)), "prices of the bids must lead away"),
        (
            lambda: charts.depth(pd.concat([book(BIDS, []), book([], ASKS).assign(last_update_id="2")])),
            "2 order books",
        ),
        (lambda: charts.depth(book(BIDS, ASKS).assign(side="buy")), "must have 'bid' and 'ask', not 'buy'"),
        (lambda: charts.funding(candles(3)), r"it has no funding_rate.*charts\.candles\(\) draws it"),
        (lambda: charts.candles(rates([0.1])), r"charts\.funding\(\) draws it"),
        (lambda: charts.funding(pd.concat([rates([0.1]), rates([0.1], symbol="ETHUSDT")])), "2 symbols"),
        (
            lambda: charts.funding(rates([0.1]), candles(600, symbol="BTCUSDC")),
            "rates are of BTCUSDT and the prices of BTCUSDC",
        ),
        (
            lambda: charts.funding(rates([0.1]), candles(60, start="2026-04-01")),
            r"None of the prices .* they cover 1 Apr 2026 00:00 to 00:59 UTC",
        ),
        (lambda: charts.funding(rates([0.1]), candles(0)), "they cover none"),
        (
            lambda: charts.funding(rates([0.1]), rates([0.1])),
            "The prices .* are candles.*it has no open_time",
        ),
        (lambda: charts.funding(rates([0.1]).drop(columns="mark_price")), "Pass candles of the same symbol"),
        (lambda: charts.funding(pd.concat([rates([0.1])] * 2).drop(columns="symbol")), "those of one symbol"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_reason(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()
    assert not plt.get_fignums()


def test_a_contract_goes_with_its_pair() -> None:
    prices = candles(600)
    prices.attrs = {"parameters": {"pair": "BTCUSD"}}
    ax = charts.funding(rates([0.1], symbol="BTCUSD_PERP"), prices)
    assert ax.get_title(loc="left") == "BTCUSD_PERP funding · price in USD"


# -- texts ---------------------------------------------------------------------------------------------

CHARTS: dict[str, Callable[[str], Axes]] = {
    "candles": lambda symbol: charts.candles(
        candles(7 * 1440, symbol=symbol, running=True).drop(index=[5, 9])
    ),
    "depth": lambda symbol: charts.depth(book(BIDS, ASKS).assign(symbol=symbol)),
    "funding": lambda symbol: charts.funding(rates([0.0001, -0.0001] * 600, symbol=symbol)),
}


def shown(ax: Axes) -> list[Text]:
    """The texts of a chart, without labels of ticks that are out of view."""
    hidden: list[Text] = []
    for each in (ax, *ax.child_axes):
        for axis, (low, high) in ((each.xaxis, each.get_xlim()), (each.yaxis, each.get_ylim())):
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    hidden += [tick.label1, tick.label2]
    return [text for text in ax.figure.findobj(Text) if text.get_visible() and text not in hidden]


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", r"$\alpha$", "币安人生USDT", "x" * 300], ids=lambda name: ascii(name[:12])
)
@pytest.mark.parametrize("name", CHARTS)
def test_every_text_is_within_the_figure(name: str, symbol: str) -> None:
    ax = CHARTS[name](symbol)
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    inside = ax.figure.bbox.padded(1)
    for text in shown(ax):
        if text.get_text():
            box = text.get_window_extent(renderer)
            corners = [box.min, box.max]
            assert all(inside.contains(*corner) for corner in corners), text.get_text()


def contrast(colour: Any, background: tuple[float, float, float]) -> float:
    """By WCAG."""

    def light(channels: Any) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([light(to_rgb(colour)), light(background)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", [(1, 1, 1), (0.067, 0.067, 0.067)], ids=["light", "dark"])
@pytest.mark.parametrize("name", CHARTS)
def test_every_text_is_readable_on_light_and_dark(name: str, background: Any) -> None:
    ax = CHARTS[name]("BTCUSDT")
    assert ax.figure.get_facecolor()[3] == 0
    assert ax.get_facecolor()[3] == 0
    for text in ax.figure.findobj(Text):
        if text.get_text():
            assert contrast(text.get_color(), background) > 3, text.get_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "candles",
            "BTCUSDT candles, 30 minutes each, put together from 10,078 candles of 1 minute; "
            "1 Mar 2026 to 7 Mar 2026 UTC; 2 gaps of 2 minutes in all (shaded); "
            "the last candle is not over (pale). Prices in USDT: opened at 67,000, highest ",
        ),
        (
            "depth",
            "BTCUSDT order book, mid 99.75 USDT · spread 0.5 (50.1 bp); 1 Mar 2026 12:30:05 UTC. "
            "3 bids of 7 BTC and 3 asks of 8.75 BTC.",
        ),
        ("funding", "BTCUSDT funding, longs paid 0% in 400 days; 0% a year, not compounded; sums of "),
    ],
)
def test_a_figure_describes_itself_in_words(name: str, words: str) -> None:
    figure = CHARTS[name]("BTCUSDT").figure
    data, metadata = DisplayFormatter().format(figure)
    assert data["text/plain"].startswith(words)
    assert metadata["image/png"]["alt"] == data["text/plain"]


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([67_000, 67_010], ["67,000", "67,010"]),
        ([10, 12.5, 15], ["10.0", "12.5", "15.0"]),
        ([0.0000092, 0.0000094], ["0.0000092", "0.0000094"]),
        ([-0.0005, 0, 0.0005], ["-0.0005", "0.0000", "0.0005"]),
        ([67_000], ["67,000"]),
    ],
)
def test_prices_on_an_axis_differ(ticks: list[float], labels: list[str]) -> None:
    assert _market.PriceFormatter().format_ticks(ticks) == labels


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (67_012.34, "67,012.34"),
        (0.0000092, "0.0000092"),
        (1e9, "1,000,000,000"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_prices_are_written_in_full(value: float, text: str) -> None:
    assert _market.exact_text(value) == text


@pytest.mark.parametrize(
    ("rows", "step", "expected"),
    [
        (40, MINUTE, ["00:10", "00:20"]),
        (1440, MINUTE, ["1 Mar", "12:00"]),
        (20, DAY, ["9 Mar", "17 Mar"]),
        (365, DAY, ["May 2026", "Jan 2027"]),
        (20, 1000, ["00:00:05", "00:00:10"]),
    ],
)
def test_times_are_labelled_by_what_tells_them_apart(rows: int, step: int, expected: list[str]) -> None:
    ax = charts.candles(candles(rows, step=step))
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_xticklabels() if label.get_text()]
    assert set(expected) <= set(labels)
    assert len(labels) == len(set(labels)) >= 3


def test_times_are_in_utc_whatever_matplotlib_is_set_to() -> None:
    with mpl.rc_context({"timezone": "Asia/Kolkata"}):
        ax = charts.candles(candles(1440))
        ax.figure.canvas.draw()
        assert "1 Mar" in [label.get_text() for label in ax.get_xticklabels()]


def test_the_frame_is_left_as_it_is() -> None:
    frame, before = candles(2000), candles(2000)
    charts.candles(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs
