"""Charts: what is drawn, not how matplotlib draws it."""

from __future__ import annotations

from decimal import Decimal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

import toolkit
from toolkit import charts
from toolkit.charts import _draw
from toolkit.errors import UsageError

ATTRS = {
    "fetched_at": "2026-03-12T09:30:00.000+00:00",
    "parameters": {"start": "2026-03-01T06:00:00.000+00:00", "end": "2026-03-12T09:30:00.000+00:00"},
}


def rebates(**columns: object) -> pd.DataFrame:
    days = pd.date_range("2026-03-01 12:00", "2026-03-12 12:00", freq="D", tz="UTC").as_unit("ms")
    frame = pd.DataFrame(
        {"time": days, "income": [float(day) for day in range(1, 13)], "asset": "USDT", "symbol": "BTCUSDT"}
        | columns
    )
    frame.attrs = dict(ATTRS)
    return frame


def heights(ax: Axes) -> list[float]:
    return [bar.get_height() for bar in ax.patches]


def title(ax: Axes) -> str:
    return ax.get_title(loc="left")


def test_bars_are_the_sums_of_the_days() -> None:
    twice = pd.concat([rebates(), rebates()], ignore_index=True)
    twice.attrs = dict(ATTRS)
    ax = charts.rebates(twice)
    assert heights(ax) == [2.0 * day for day in range(1, 13)]
    assert title(ax) == "Rebates · USDT per day"


def test_days_without_rebates_are_drawn_as_nothing() -> None:
    ax = charts.rebates(rebates().iloc[[2, 6]])
    assert heights(ax) == [3.0, 0.0, 0.0, 0.0, 7.0]


def test_partial_days_are_paler_and_not_averaged() -> None:
    ax = charts.rebates(rebates())
    hatched = [at for at, bar in enumerate(ax.patches) if bar.get_hatch()]
    assert hatched == [0, 11]
    assert all(bar.get_alpha() < 0.5 for at, bar in enumerate(ax.patches) if at in hatched)
    (line,) = ax.lines
    # Days 2 to 11 are complete: the first full week averages 5.
    averages = [value for value in line.get_ydata() if value == value]
    assert averages == [5.0, 6.0, 7.0, 8.0]
    assert "today" in [note.get_text() for note in ax.texts]


def test_a_span_from_midnight_has_a_complete_first_day() -> None:
    frame = rebates()
    frame.attrs["parameters"] = {"start": "2026-03-01T00:00:00+00:00"}
    assert [at for at, bar in enumerate(charts.rebates(frame).patches) if bar.get_hatch()] == [11]


def test_each_asset_has_its_own_scale() -> None:
    frame = rebates(asset=["USDT", "USDT", "BTC"] * 4)
    ax = charts.rebates(frame)
    assert [title(each) for each in ax.figure.axes] == ["Rebates · USDT per day", "Rebates · BTC per day"]
    assert ax is ax.figure.axes[0]
    total = sum(sum(heights(each)) for each in ax.figure.axes)
    assert total == sum(range(1, 13))


def test_assets_beyond_the_top_are_named_not_drawn() -> None:
    ax = charts.rebates(rebates(asset=[*["USDT"] * 5, *["BTC"] * 4, "BNB", "ETH", "ETH"]), top=2)
    assert len(ax.figure.axes) == 2
    assert ax.figure.axes[-1].get_xlabel() == "Not drawn: ETH, BNB"


@pytest.mark.parametrize("by", ["symbol", None])
def test_amounts_of_several_assets_are_not_added_up(by: str | None) -> None:
    frame = rebates(asset=["USDT", "BTC"] * 6)
    with pytest.raises(UsageError, match=r"2 assets .*asset="):
        charts.rebates(frame, by=by)
    assert sum(heights(charts.rebates(frame, by=by, asset="BTC"))) == 2 + 4 + 6 + 8 + 10 + 12


def test_a_stack_shows_the_largest_and_adds_up_the_rest() -> None:
    symbols = ["A", "B", "C", "D"] * 3
    ax = charts.rebates(rebates(symbol=symbols), by="symbol", top=2)
    names = [label.get_text() for label in ax.get_legend().get_texts()]
    assert names == ["D", "C", "Others", "7-day average"]
    assert sum(heights(ax)) == sum(range(1, 13))


def test_top_may_be_a_numpy_integer() -> None:
    ax = charts.rebates(rebates(symbol=["A", "B", "C", "D"] * 3), by="symbol", top=np.int64(2))
    assert len(ax.get_legend().get_texts()) == 4


def test_weeks_and_months_have_no_day_average() -> None:
    ax = charts.rebates(rebates(), freq="W")
    assert title(ax) == "Rebates · USDT per week"
    assert heights(ax) == [1.0, 35.0, 42.0]
    assert not ax.lines
    assert heights(charts.rebates(rebates(), freq="MS")) == [78.0]


def test_exact_amounts_are_drawn() -> None:
    amounts = pd.array([Decimal(day) / 10 for day in range(1, 13)], dtype="object")
    assert sum(heights(charts.rebates(rebates(income=amounts)))) == pytest.approx(7.8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: charts.rebates(rebates(), by="colour"), "'colour', which is not a column"),
        (lambda: charts.rebates(rebates(), freq="H"), "not 'H'"),  # type: ignore[arg-type]
        (lambda: charts.rebates(pd.DataFrame({"a": [1]})), "it has no income"),
        (lambda: charts.traders(rebates()), "it has no old_trader"),
        (lambda: charts.balances(rebates()), "spot_balances"),
    ],
)
def test_wrong_arguments_are_refused_with_a_reason(call: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()  # type: ignore[operator]


def test_axes_can_be_passed_in() -> None:
    _, (left, right) = plt.subplots(1, 2)
    assert charts.rebates(rebates(), ax=left) is left
    assert charts.rebates(rebates(), by=None, ax=right) is right
    assert left.patches
    assert right.patches
    assert len(plt.get_fignums()) == 1


def test_rows_of_one_day_are_added_up_to_one_bar() -> None:
    frame = pd.DataFrame(
        {
            "new_trader": pd.array([1, 2, 3], dtype="Int64"),
            "old_trader": pd.array([10, 20, 30], dtype="Int64"),
            "time": pd.to_datetime(["2026-03-01", "2026-03-01", "2026-03-02"], utc=True).as_unit("ms"),
        }
    )
    frame.attrs = dict(ATTRS)
    assert heights(charts.traders(frame)) == [30.0, 30.0, 3.0, 3.0]


def test_balances_are_the_largest_first() -> None:
    frame = pd.DataFrame(
        {"sub_account_id": ["a", "b", "c", "d"], "total_net_asset_of_btc": [1.0, None, 5.0, 0.0]}
    )
    ax = charts.balances(frame, top=2)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[::-1] == ["c", "a"]
    assert title(ax) == "Margin, net, BTC: the 2 largest sub-accounts · 100% of the total"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0000769, "0.0000769"),
        (0.25, "0.25"),
        (12.5, "12.5"),
        (1234.5, "1,234"),
        (15_000, "15k"),
        (2.5e6, "2.5M"),
        (3e9, "3bn"),
        (-15_000, "-15k"),
    ],
)
def test_numbers_are_short_and_have_no_exponent(value: float, text: str) -> None:
    assert _draw.short(value) == text


def test_tick_labels_are_neither_all_light_nor_all_dark() -> None:
    ax = charts.rebates(rebates())

    def is_light(colour: object) -> bool:
        red, green, blue, _ = to_rgba(colour)  # type: ignore[arg-type]
        return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5

    labels = [*ax.get_xticklabels(), *ax.get_yticklabels()]
    assert {is_light(label.get_color()) for label in labels} == {True, False}
    assert to_rgba(ax.figure.get_facecolor())[3] == 0


def words(ax: Axes) -> str:
    """What a notebook saves as the text of a figure, and as the alternative text of its picture."""
    data, metadata = DisplayFormatter().format(ax.figure)
    text: str = data["text/plain"]
    assert metadata["image/png"] == {"alt": text}
    return text


def test_a_figure_describes_itself_in_words() -> None:
    days = "1 Mar 2026 to 12 Mar 2026"
    assert words(charts.rebates(rebates())) == f"Rebates, USDT per day, {days}: 78 USDT in all."
    several = words(charts.rebates(rebates(asset=["USDT", "BTC"] * 6)))
    assert several.splitlines()[1] == "Rebates, BTC per day, 2 Mar 2026 to 12 Mar 2026: 42 BTC in all."
    assert words(charts.rebates(rebates(), asset="BNB")) == (
        "Rebates: No rebates in BNB; there are some in USDT."
    )
    traders = rebates(customer_id="1").drop(columns=["income", "symbol"])
    assert words(charts.traders(traders)) == f"Customers with rebates per day, {days}: 1 at most."
    assert words(charts.traders(traders[:0])) == "Customers with rebates: nobody."
    balances = pd.DataFrame({"sub_account_id": ["a", "b"], "total_net_asset_of_btc": [1.0, 5.0]})
    assert words(charts.balances(balances)) == "Margin, net, BTC: the 2 largest sub-accounts, from 5 to 1."
    assert words(charts.balances(balances[:0])) == "Margin, net, BTC: no sub-account holds anything."


def test_frames_from_the_sandbox_can_be_drawn() -> None:
    with toolkit.demo(seed=7) as link:
        for ax in (
            charts.rebates(link.spot.rebates(start="-9D")),
            charts.rebates(link.exchange.rebates(start="-3D")),
            charts.rebates(link.futures.rebates(start="-60D"), freq="W"),
            charts.traders(link.futures.trader_counts(start="-10D")),
            charts.balances(link.exchange.spot_balances()),
            charts.balances(link.exchange.margin_balances()),
            charts.balances(link.exchange.futures_balances("um")),
            charts.balances(link.exchange.futures_balances("cm")),
        ):
            assert ax.patches
            ax.figure.canvas.draw()


def test_the_last_day_is_partial_unless_the_span_ends_with_it() -> None:
    attrs = {"fetched_at": "2026-05-01T00:00:00+00:00", "parameters": {"end": "2026-03-10T12:00:00+00:00"}}
    assert pd.Timestamp("2026-03-10", tz="UTC") in _draw.partial_periods(attrs, "D")
    attrs["parameters"] = {"end": "2026-03-10T23:59:59.999+00:00"}
    assert pd.Timestamp("2026-03-10", tz="UTC") not in _draw.partial_periods(attrs, "D")
