"""Charts of values in one currency: what is drawn, what the texts say, and that they can be read."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from tests.unit.charts.test_market_charts import contrast
from toolkit import charts
from toolkit.charts import _page
from toolkit.errors import UsageError

FETCHED = "2026-11-04T10:00:00.000+00:00"


def earnings(
    start: str = "2026-10-01",
    end: str = "2026-10-31",
    *,
    value: float = 1.0,
    fetched: str = FETCHED,
    zone: str = "UTC",
    **columns: Any,
) -> pd.DataFrame:
    """A row at noon of each day, from five customers and four assets."""
    days = pd.date_range(f"{start} 12:00", f"{end} 12:00", freq="D", tz=zone).tz_convert("UTC").as_unit("ms")
    at = np.arange(len(days))
    last = pd.Timestamp(end, tz=zone) + pd.Timedelta(days=1) - pd.Timedelta(milliseconds=1)
    frame = pd.DataFrame(
        {
            "time": days,
            "granularity": "trade",
            "asset": np.array(["USDT", "BTC", "BNB", "FOO"])[at % 4],
            "value": value,
            "customer_id": np.array(["c1", "c2", "c3", "c4", "c5"])[at % 5],
            "system": np.array(["spot", "exchange"])[at % 2],
        }
        | columns
    )
    frame = frame[frame["time"] <= pd.Timestamp(fetched)]
    frame.attrs = {
        "analytics": "earnings",
        "currency": "USDT",
        "period": {
            "name": "2026-10",
            "start": pd.Timestamp(start, tz=zone).tz_convert("UTC").isoformat(),
            "end": last.tz_convert("UTC").isoformat(),
            "zone": zone,
        },
        "complete": True,
        "missing": [],
        "sources": [{"endpoint": "spot.rebates", "fetched_at": fetched}],
    }
    return frame


def held() -> pd.DataFrame:
    assets = ["USDT", "BTC", "BTC", "BNB", "FOO"]
    wallets = ["spot", "spot", "margin", "um", "spot"]
    frame = pd.DataFrame({"asset": assets, "wallet": wallets, "value": [500.0, 900.0, -100.0, 60.0, None]})
    frame.attrs = {"analytics": "balances", "currency": "USDT"}
    return frame


def fees() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "symbol": ["BTCUSDT", "BTCUSDT", "ETHUSDT", "BTCUSDC", "OLDUSDT"],
            "income": [4.0, 4.0, 3.0, 1.0, 7.0],
            "asset": ["USDT", "USDT", "USDT", "USDC", "USDT"],
            "commission": [10.0, 0.02, 6.0, 2.0, None],
            "commission_asset": ["USDT", "BNB", "USDT", "USDC", None],
            "convert_price": [0.0, 500.0, 1.0, 1.0, None],
        }
    )


CHARTS: dict[str, Callable[[], Axes]] = {
    "income": lambda: charts.income(earnings(value=1234.5), by="customer_id", top=3),
    "income of a year": lambda: charts.income(earnings("2025-11-15", "2026-11-15"), freq="MS"),
    "income of weeks": lambda: charts.income(earnings(), by=None, freq="W"),
    "comparison": lambda: charts.comparison(earnings(value=2345.6), earnings("2026-09-01", "2026-09-30")),
    "comparison by": lambda: charts.comparison(
        earnings(value=2345.6), earnings("2026-09-01", "2026-09-30", value=99.9), by="customer_id"
    ),
    "commission": lambda: charts.commission(fees()),
    "holdings": lambda: charts.holdings(held()),
    "nothing": lambda: charts.income(earnings()[:0]),
}


def title(ax: Axes) -> str:
    return ax.get_title(loc="left")


def said(ax: Axes) -> str:
    """All texts of a chart."""
    return "\n".join(each.get_text() for each in shown(ax))


def shown(ax: Axes) -> list[Text]:
    return [each for each in ax.figure.findobj(Text) if each.get_text() and each.get_visible()]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def ticks(ax: Axes) -> list[str]:
    """Labels of the dates that are in sight."""
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    labels = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    return [label.get_text() for at, label in labels if low <= at <= high]


def words(ax: Axes) -> str:
    """What a notebook saves as the text of a figure, and as the alternative text of its picture."""
    data, metadata = DisplayFormatter().format(ax.figure)
    text: str = data["text/plain"]
    assert metadata["image/png"] == {"alt": text}
    return text


def hatched(ax: Axes) -> list[float]:
    """The heights of bars that are not of whole periods."""
    return [bar.get_height() for bar in ax.patches if bar.get_hatch() and bar.get_height()]


def out_of_sight(axes: list[Axes]) -> list[Text]:
    """Labels of ticks beyond the limits, which are not drawn."""
    found = []
    for ax in axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            labels = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            found += [label for at, label in labels if not low <= at <= high]
    return found


# -- income --------------------------------------------------------------------------------------------


def test_income_adds_up_the_values_of_all_assets() -> None:
    ax = charts.income(earnings(value=2.0), by=None, freq="MS")
    assert [bar.get_height() for bar in ax.patches] == [62.0]
    assert title(ax) == "Income · USDT per month"
    assert "62.00 USDT in all" in said(ax)


def test_bars_of_income_are_stacked_by_the_largest_and_the_others() -> None:
    ax = charts.income(
        earnings(value=[float(day % 5 == 1) * 9 + 1 for day in range(31)]), by="customer_id", top=2
    )
    assert title(ax) == "Income by customer · USDT per day"
    assert legend(ax)[0] == "c2"
    assert legend(ax)[-1] == "Others"
    assert sum(bar.get_height() for bar in ax.patches) == 31 + 9 * 6
    assert ticks(ax) == ["1 Oct", "6 Oct", "11 Oct", "16 Oct", "21 Oct", "26 Oct", "31 Oct"]


@pytest.mark.parametrize(
    "form",
    [
        lambda frame: frame.assign(value=[Decimal(str(each)) for each in frame["value"]]),
        lambda frame: frame.set_index("time"),
        lambda frame: frame.sample(frac=1, random_state=1),
        lambda frame: frame.assign(time=frame["time"].astype(str)),
    ],
    ids=["exact", "indexed", "unsorted", "text"],
)
def test_income_is_the_same_in_every_form(form: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    frame = earnings(value=[float(day) for day in range(31)])
    expected = words(charts.income(frame))
    other = form(frame)
    other.attrs = frame.attrs
    assert words(charts.income(other)) == expected


def test_what_has_no_value_is_counted_on_the_chart_and_never_zero() -> None:
    frame = earnings()
    frame.loc[frame["asset"] == "FOO", "value"] = None
    ax = charts.income(frame)
    assert "Not valued and not drawn: 7 of 31 rows (FOO)" in said(ax)
    assert "FOO" not in legend(ax)
    assert "Not valued and not drawn: 7 of 31 rows (FOO)." in words(ax)
    none = charts.income(frame.assign(value=pd.array([None] * 31, dtype="Float64")))
    assert "No income with a value" in said(none)
    assert "31 of 31 rows (BNB, BTC, USDT and 1 more)" in said(none)


def test_sums_are_drawn_with_their_counts() -> None:
    sums = pd.DataFrame(
        {
            "month": ["2026-09", "2026-10"],
            "asset": "BTC",
            "value": [5.0, None],
            "valued": [3, 0],
            "unvalued": [0, 2],
        }
    )
    sums.attrs = {"currency": "EUR"}
    ax = charts.income(sums, freq="MS")
    assert title(ax) == "Income by asset · EUR per month"
    assert "Not valued and not drawn: 2 of 5 rows (BTC)" in said(ax)
    weeks = sums.rename(columns={"month": "week"}).assign(week=["2026-W40", "2026-W41"], value=1.0)
    assert ticks(charts.income(weeks, freq="W")) == ["28 Sep", "5 Oct"]


def test_what_is_negative_is_drawn_below_zero() -> None:
    frame = earnings(
        "2026-10-01", "2026-10-03", value=[5.0, -2.0, 3.0], time=pd.Timestamp("2026-10-02 12:00", tz="UTC")
    )
    ax = charts.income(frame)
    spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches)
    assert spans == [(0.0, -2.0), (0.0, 5.0), (5.0, 8.0)]
    assert "6.00 USDT in all" in said(ax)


def test_periods_that_are_not_whole_are_hatched() -> None:
    assert hatched(charts.income(earnings(), by=None)) == []
    assert len(hatched(charts.income(earnings(), by=None, freq="W"))) == 2
    ax = charts.income(earnings(fetched="2026-10-09T13:00:00Z"), by=None)
    assert hatched(ax) == [1.0]
    assert "today" in said(ax)


def test_days_are_those_of_the_zone_and_sums_keep_theirs() -> None:
    frame = earnings(
        "2026-10-02", "2026-10-02", zone="Asia/Tokyo", time=pd.Timestamp("2026-10-01 20:00", tz="UTC")
    )
    ax = charts.income(frame)
    assert ticks(ax) == ["2 Oct"]
    assert "Days in Asia/Tokyo" in said(ax)
    assert not hatched(ax)
    daily = frame.assign(granularity="day", time=pd.Timestamp("2026-10-02", tz="UTC"))
    assert ticks(charts.income(daily)) == ["2 Oct"]
    west = earnings("2026-10-02", "2026-10-02", zone="America/New_York", granularity="day")
    assert ticks(charts.income(west.assign(time=pd.Timestamp("2026-10-02", tz="UTC")))) == ["2 Oct"]


def test_what_is_incomplete_is_said() -> None:
    frame = earnings()
    frame.attrs |= {"complete": False, "missing": [["spot.rebates", "2026-10-01", "2026-10-02"]]}
    assert "Incomplete: 1 span is missing" in said(charts.income(frame))


# -- against the period before -------------------------------------------------------------------------


def test_periods_are_laid_over_each_other_by_position() -> None:
    ax = charts.comparison(earnings(value=3.0), earnings("2026-09-01", "2026-09-30", value=2.0))
    before, now, *_ = ax.lines
    assert now.get_xdata().tolist() == list(range(32))
    assert now.get_ydata().tolist() == [3.0 * day for day in range(32)]
    assert before.get_ydata().tolist() == [2.0 * day for day in range(31)]
    assert legend(ax) == ["1 to 31 Oct 2026: 93.00 USDT", "1 to 30 Sep 2026: 60.00 USDT"]
    assert "+33.00 USDT (+55.0%)" in said(ax)
    assert words(ax) == (
        "Income against the period before, USDT: 1 to 31 Oct 2026: 93.00 USDT; 1 to 30 Sep 2026: 60.00 USDT. "
        "+33.00 USDT (+55.0%)."
    )


def test_a_period_that_is_not_over_is_compared_by_its_whole_days() -> None:
    now = earnings(value=1.0, fetched="2026-10-09T13:00:00Z")
    ax = charts.comparison(now, earnings("2026-09-01", "2026-09-30", value=2.0))
    assert "−8.00 USDT (−50.0%) after 8 whole days" in said(ax)
    assert ax.lines[1].get_xdata()[-1] == pytest.approx(8 + 13 / 24)


def test_values_of_a_column_are_compared() -> None:
    now = earnings(value=2.0)
    before = earnings("2026-09-01", "2026-09-30", value=1.0)
    ax = charts.comparison(now[now["asset"] != "BNB"], before[before["asset"] != "FOO"], by="asset", top=3)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Others", "FOO", "USDT", "BTC"]
    assert "+8.00 (+100.0%)" in said(ax)
    assert "+14.00" in said(ax).splitlines()  # no percent of nothing
    assert "+23.00 USDT (+100.0%) in all" in said(ax)
    assert "Others −7.00 (−100.0%)." in words(ax)


def test_values_in_two_currencies_are_not_compared() -> None:
    other = earnings()
    other.attrs["currency"] = "EUR"
    with pytest.raises(UsageError, match="USDT and EUR"):
        charts.comparison(earnings(), other)


# -- commission and holdings ---------------------------------------------------------------------------


def test_rates_are_implied_by_fees_converted_into_the_asset() -> None:
    ax = charts.commission(fees(), asset="USDT")
    assert title(ax) == "Commission and rebate by symbol · USDT"
    # OLDUSDT tells no fee, so its rebate counts on neither side.
    assert legend(ax) == ["Commission: 26.00", "Rebate: 11.00"]
    assert "Rate implied: 42.3% of the commission" in said(ax)
    assert "Not drawn: 1 of 5 rows, which tell no fee" in said(ax)
    assert words(ax).endswith("BTCUSDT 40.0%; ETHUSDT 50.0%.")


def test_each_asset_has_a_chart_with_a_scale_of_its_own() -> None:
    ax = charts.commission(fees())
    assert [title(each).rpartition(" · ")[2] for each in ax.figure.axes] == ["USDT", "USDC"]
    assert ax.get_xlim()[1] > 10 > ax.figure.axes[1].get_xlim()[1]
    with pytest.raises(UsageError, match=r"2 assets .*asset="):
        charts.commission(fees(), ax=plt.figure().subplots())


def test_sums_of_commissions_are_drawn_at_their_rates() -> None:
    sums = pd.DataFrame(
        {
            "symbol": ["BTCUSDT", "ETHUSDT"],
            "asset": "USDT",
            "rows": [3, 1],
            "without_fee": [1, 0],
            "income": [15.0, 3.0],
            "commission": [20.0, 6.0],
            "rate": [0.4, 0.5],
        }
    )
    ax = charts.commission(sums)
    assert words(ax).endswith("BTCUSDT 40.0%; ETHUSDT 50.0%.")
    assert "Not drawn: 1 of 4 rows, which tell no fee" in said(ax)


def test_holdings_add_up_wallets_and_stack_them() -> None:
    ax = charts.holdings(held())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["BNB", "USDT", "BTC"]
    assert legend(ax) == ["spot", "margin", "um"]
    assert "1,360.00 USDT in all" in said(ax)
    assert "Not valued and not drawn: 1 of 5 rows (FOO)" in said(ax)
    assert "BTC 800.00; USDT 500.00; BNB 60.00." in words(ax)
    few = charts.holdings(held(), by=None, top=1)
    assert [tick.get_text() for tick in few.get_yticklabels()] == ["2 others", "BTC"]
    assert not few.get_legend()


# -- all of them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHARTS)
def test_texts_are_large_enough_apart_and_inside_at_500_pixels(name: str) -> None:
    """As a notebook shows it in 500 pixels: cut to its content, with a small margin, and scaled down."""
    figure = CHARTS[name]().figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width = figure.get_tightbbox(renderer).width + 2 * mpl.rcParams["savefig.pad_inches"]
    scale = 500 / (width * figure.dpi)
    texts = [each for each in shown(figure.axes[0]) if each not in out_of_sight(figure.axes)]
    assert texts
    boxes = []
    for text in texts:
        assert text.get_fontsize() * figure.dpi / 72 * scale >= 9, text.get_text()
        box = text.get_window_extent(renderer)
        assert all(figure.bbox.padded(1).contains(*corner) for corner in (box.min, box.max)), text.get_text()
        boxes.append(box)
    for (first, one), (second, other) in combinations(zip(texts, boxes, strict=True), 2):
        assert not one.padded(-1).overlaps(other.padded(-1)), (first.get_text(), second.get_text())


@pytest.mark.parametrize("name", CHARTS)
def test_every_text_has_full_contrast_whatever_the_theme(name: str) -> None:
    figure = CHARTS[name]().figure
    assert figure.get_facecolor()[3] == 1  # the page covers the background of the notebook
    for text in shown(figure.axes[0]):
        assert contrast(text.get_color(), figure.get_facecolor()[:3]) >= 4.5, text.get_text()


@pytest.mark.parametrize("background", ["#111111", "#ffffff"])
def test_axes_of_ones_own_get_text_that_fits_their_background(background: str) -> None:
    _, (left, right) = plt.subplots(1, 2, facecolor=background)
    assert charts.income(earnings(), ax=left) is left
    assert charts.holdings(held(), ax=right) is right
    assert len(plt.get_fignums()) == 1
    for text in [*shown(left), *left.get_xticklabels()]:
        assert contrast(text.get_color(), to_rgb(background)) >= 4.5, text.get_text()


# How eyes without one kind of cones see linear RGB: Machado, Oliveira and Fernandes 2009.
EYES = {
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    "usual": np.eye(3),
}


def lab(colour: str, eye: Any) -> Any:
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in to_rgb(colour)]
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(np.array(eye) @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
def test_colours_are_told_apart_by_all_eyes(eye: str) -> None:
    colours = [*_page.PALETTE, _page.REST]
    for one, other in combinations(colours, 2):
        distance = float(np.linalg.norm(lab(one, EYES[eye]) - lab(other, EYES[eye])))
        assert distance > 12, (one, other)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: charts.income(earnings(), by="colour"), "'colour', which is not a column"),
        (lambda: charts.income(earnings(), freq="H"), "not 'H'"),  # type: ignore[arg-type]
        (lambda: charts.income(earnings(), top=0), "`top` must be a whole number"),
        (lambda: charts.income(earnings().drop(columns="value")), r"analytics\.earnings\(\)"),
        (lambda: charts.comparison(earnings(), held()), "it has no time"),
        (lambda: charts.commission(earnings()), r"link\.spot\.rebates\(\)"),
        (lambda: charts.holdings(earnings().drop(columns="value")), r"analytics\.balances\(\)"),
        (lambda: charts.holdings([1]), "draws a DataFrame, not list"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_refused_with_a_reason(call: Callable[[], Axes], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


@pytest.mark.parametrize(
    "chart",
    [charts.income, lambda frame: charts.comparison(frame, frame), charts.commission, charts.holdings],
)
def test_a_frame_without_columns_draws_an_empty_chart(chart: Callable[[pd.DataFrame], Axes]) -> None:
    ax = chart(pd.DataFrame())
    assert not ax.patches
    assert "none" in words(ax)
