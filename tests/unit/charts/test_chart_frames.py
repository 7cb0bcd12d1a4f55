"""Charts accept the frames that users have: filtered, grouped, exact, read from a file, or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

import toolkit
from toolkit import charts
from toolkit.demo import DemoLink
from toolkit.endpoints import ENDPOINTS
from toolkit.errors import UsageError


@pytest.fixture(autouse=True)
def figures() -> Iterator[None]:
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


@pytest.fixture(scope="module")
def link() -> Iterator[DemoLink]:
    with toolkit.demo(seed=7) as link:
        yield link


@pytest.fixture(scope="module")
def rebates(link: DemoLink) -> pd.DataFrame:
    frame = link.spot.rebates(start="-4D")
    return frame[frame["asset"] == "USDT"]


def total(ax: Axes) -> float:
    return float(sum(bar.get_height() for bar in ax.patches))


def written(ax: Axes) -> list[str]:
    ax.figure.canvas.draw()
    return [text.get_text() for text in ax.texts]


def dates(ax: Axes) -> list[str]:
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    return [label.get_text() for at, label in ticks if low <= at <= high and label.get_text()]


def title(ax: Axes) -> str:
    return str(ax.get_title(loc="left"))


# -- the same rows in another form ---------------------------------------------------------------------


def csv(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    frame.to_csv(folder / "rebates.csv", index=False)
    return pd.read_csv(folder / "rebates.csv")


def parquet(frame: pd.DataFrame, folder: Path, **how: Any) -> pd.DataFrame:
    frame.to_parquet(folder / "rebates.parquet")
    return pd.read_parquet(folder / "rebates.parquet", **how)


def exact(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(income=[Decimal(str(value)) for value in frame["income"]])


FORMS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "filtered": lambda frame, _: frame[frame["income"] >= 0],
    "sorted the other way": lambda frame, _: frame[::-1],
    "time as its index": lambda frame, _: frame.set_index("time"),
    "an index without a name": lambda frame, _: frame.set_index("time").rename_axis(None),
    "several columns as its index": lambda frame, _: frame.set_index(["customer_id", "time", "asset"]),
    "an index that repeats": lambda frame, _: frame.set_axis([0] * len(frame)),
    "grouped": lambda frame, _: frame.groupby(["asset", "time"])["income"].sum(),
    "resampled, with its asset": lambda frame, _: (
        frame.set_index("time").groupby("asset").resample("h")["income"].sum()
    ),
    "by period": lambda frame, _: frame.groupby(
        [frame["time"].dt.tz_localize(None).dt.to_period("D"), "asset"]
    )["income"].sum(),
    "categories": lambda frame, _: frame.astype({"asset": "category", "symbol": "category"}),
    "exact": lambda frame, _: exact(frame),
    "in another zone": lambda frame, _: frame.assign(time=frame["time"].dt.tz_convert("Asia/Tokyo")),
    "naive, which means UTC": lambda frame, _: frame.assign(time=frame["time"].dt.tz_localize(None)),
    "with rows of nothing": lambda frame, _: frame.reindex([*frame.index, -1, -2]),
    "from CSV": csv,
    "from Parquet": parquet,
    "from Parquet, as Arrow": lambda frame, folder: parquet(frame, folder, dtype_backend="pyarrow"),
    "as pandas' own numbers": lambda frame, _: frame.assign(income=frame["income"].astype("Float64")).reindex(
        [*frame.index, -1]
    ),
    "without attrs": lambda frame, _: pd.DataFrame(frame.to_dict("list")),
}


@pytest.mark.parametrize("form", FORMS)
def test_rebates_are_the_same_in_every_form(rebates: pd.DataFrame, form: str, tmp_path: Path) -> None:
    kept = rebates.copy()
    ax = charts.rebates(FORMS[form](rebates, tmp_path))
    ax.figure.canvas.draw()
    assert title(ax) == "Rebates · USDT per day"
    assert total(ax) == pytest.approx(rebates["income"].sum())
    pd.testing.assert_frame_equal(rebates, kept)


def test_a_series_without_an_asset_needs_the_asset_argument(rebates: pd.DataFrame) -> None:
    series = rebates.set_index("time")["income"]
    assert total(charts.rebates(series, asset="USDT")) == pytest.approx(rebates["income"].sum())
    with pytest.raises(UsageError, match="no asset"):
        charts.rebates(series)


def test_exact_frames_can_be_drawn() -> None:
    with toolkit.demo(seed=7, numbers="exact") as link:
        frame = link.spot.rebates(start="-2D")
        usdt = frame[frame["asset"] == "USDT"]
        assert total(charts.rebates(frame, asset="USDT")) == pytest.approx(float(sum(usdt["income"])))
        assert charts.balances(link.exchange.spot_balances()).patches
        assert charts.balances(link.exchange.margin_balances()).patches  # some wallets are switched off


# -- every frame of the toolkit --------------------------------------------------------------------------


def test_traders_are_counted_once_a_day(link: DemoLink) -> None:
    frame = link.futures.traders(start="-5D")
    days = frame.groupby(frame["time"].dt.floor("D"))["customer_id"].nunique()
    ax = charts.traders(pd.concat([frame, frame]))
    assert [bar.get_height() for bar in ax.patches] == list(days)
    assert title(ax) == "Customers who traded futures · per day"
    assert title(charts.traders(link.spot.rebates(start="-2D"))) == "Customers with rebates · per day"


def test_counts_in_another_form_are_the_same(link: DemoLink, tmp_path: Path) -> None:
    counts = link.futures.trader_counts(start="-10D")
    sums = float(counts["old_trader"].sum() + counts["new_trader"].sum())
    for frame in (counts, counts.set_index("time"), csv(counts, tmp_path), parquet(counts, tmp_path)):
        assert total(charts.traders(frame)) == sums


def test_titles_name_what_is_drawn(link: DemoLink) -> None:
    assert title(charts.rebates(link.spot.kickbacks(start="-2D"), asset="USDT")) == "Kickbacks · USDT per day"
    income = link.futures.income(start="-2D")
    assert (
        title(charts.rebates(income, asset="USDT", by="income_type"))
        == "Income by income_type · USDT per day"
    )
    assert charts.rebates(link.futures.traders(start="-5D"), asset="USDT", by="customer_id").patches


def test_balances_may_be_a_series_or_indexed_by_account(link: DemoLink, tmp_path: Path) -> None:
    frame = link.exchange.spot_balances()
    column = frame.set_index("sub_account_id")["total_balance_of_btc"]
    shapes = [
        frame,
        frame.set_index("sub_account_id"),
        column,
        csv(frame, tmp_path),
        parquet(frame, tmp_path),
    ]
    first, *others = ([bar.get_width() for bar in charts.balances(shape).patches] for shape in shapes)
    assert all(other == pytest.approx(first) for other in others)


# -- nothing to draw ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chart", "fetch", "heading", "expected"),
    [
        (charts.rebates, lambda link: link.spot.rebates(start="-2D"), "Rebates · per day", "No rebates"),
        (charts.rebates, lambda link: link.futures.rebates(start="-4D"), "Rebates · per day", "No rebates"),
        (
            charts.rebates,
            lambda link: link.spot.kickbacks(start="-2D"),
            "Kickbacks · per day",
            "No kickbacks",
        ),
        (
            charts.traders,
            lambda link: link.futures.traders(start="-4D"),
            "Customers who traded futures · per day",
            "Nobody traded",
        ),
        (
            charts.traders,
            lambda link: link.futures.trader_counts(start="-4D"),
            "Customers who traded futures · per day",
            "Nobody traded",
        ),
        (
            charts.balances,
            lambda link: link.exchange.margin_balances(),
            "Margin, net, BTC · largest sub-accounts",
            "No sub-account holds anything",
        ),
        (
            charts.balances,
            lambda link: link.exchange.futures_balances("cm"),
            "Futures COIN-M, USDT · largest sub-accounts",
            "No sub-account holds anything",
        ),
    ],
)
def test_an_empty_frame_draws_an_empty_labelled_chart(
    link: DemoLink,
    chart: Callable[..., Axes],
    fetch: Callable[[DemoLink], pd.DataFrame],
    heading: str,
    expected: str,
) -> None:
    frame = fetch(link).head(0)
    for empty in (frame, frame.astype(object)):
        ax = chart(empty)
        assert not ax.patches
        assert title(ax) == heading
        assert written(ax) == [expected]


@pytest.mark.parametrize("chart", [charts.rebates, charts.traders, charts.balances])
def test_a_frame_without_columns_draws_an_empty_chart(chart: Callable[..., Axes]) -> None:
    ax = chart(pd.DataFrame())
    assert not ax.patches
    assert title(ax)
    assert written(ax)


def test_an_asset_that_was_not_paid_draws_an_empty_chart_naming_the_others(rebates: pd.DataFrame) -> None:
    ax = charts.rebates(rebates, asset="DOGE", by="symbol")
    assert title(ax) == "Rebates by symbol · DOGE per day"
    assert written(ax) == ["No rebates in DOGE; there are some in USDT"]


def test_an_empty_chart_covers_the_requested_span(link: DemoLink) -> None:
    ax = charts.rebates(link.spot.rebates(start="2026-03-01", end="2026-03-03").head(0))
    first, last = (mpl.dates.num2date(each) for each in ax.get_xlim())
    assert f"{first:%Y-%m-%d}" == "2026-03-01"
    assert f"{last:%Y-%m-%d}" >= "2026-03-03"


# -- what cannot be drawn ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "freq", "days"),
    [
        ("2026-02-01", "2026-02-01", "D", ["1 Feb"]),
        ("2026-02-01", "2026-02-02", "D", ["1 Feb", "2 Feb"]),
        ("2026-02-27", "2026-03-01", "D", ["27 Feb", "28 Feb", "1 Mar"]),
        ("2026-02-01", "2026-03-31", "MS", ["Feb 2026", "Mar 2026"]),
    ],
)
def test_a_short_span_labels_each_period_once(start: str, end: str, freq: Any, days: list[str]) -> None:
    moments = pd.date_range(start, pd.Timestamp(end) + pd.Timedelta("20h"), freq="5h", tz="UTC")
    frame = pd.DataFrame({"time": moments, "asset": "USDT", "income": 1.0})

    assert dates(charts.rebates(frame, freq=freq)) == days


@pytest.mark.parametrize(
    ("end", "days"),
    [("2026-02-02T08:00:00+00:00", ["2 Feb"]), ("2026-02-01T20:00:00+00:00", ["1 Feb"])],
)
def test_an_empty_short_span_labels_each_day_once(end: str, days: list[str]) -> None:
    frame = pd.DataFrame({"time": pd.to_datetime([], utc=True), "asset": "", "income": 0.0})
    frame.attrs["parameters"] = {"start": "2026-02-01T08:00:00+00:00", "end": end}

    assert dates(charts.rebates(frame)) == days


def test_every_frame_of_the_toolkit_is_drawn_or_refused_with_advice() -> None:
    """Each chart is given an empty frame with the declared columns of each endpoint."""
    for endpoint in ENDPOINTS:
        frame = pd.DataFrame({column.name: pd.Series(dtype="object") for column in endpoint.columns})
        for chart in (charts.rebates, charts.traders, charts.balances):
            try:
                text = title(chart(frame))
            except UsageError as error:
                text = str(error)
            assert " · " in text or "link." in text, endpoint.qualified_name
            plt.close("all")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda frame: charts.rebates([1, 2]), "draws a DataFrame, not list"),
        (lambda frame: charts.traders(frame.drop(columns="customer_id")), r"charts\.rebates\(\) draws it"),
        (charts.balances, r"charts\.rebates\(\) draws it"),
        (lambda frame: charts.rebates(frame.assign(time="soon")), "'time' does not hold times"),
        (lambda frame: charts.rebates(frame.assign(time=5)), "'time' does not hold times"),
        (lambda frame: charts.rebates(frame.assign(income="much")), "'income' does not hold amounts"),
        (lambda frame: charts.rebates(frame.assign(asset=None)), "have no asset"),
        (lambda frame: charts.rebates(pd.concat([frame, frame], axis=1)), "several columns"),
        (lambda frame: charts.rebates(frame, top=0), "`top` must be a whole number"),
        (lambda frame: charts.rebates(frame, by="colour"), "'colour', which is not a column"),
    ],
)
def test_the_error_for_a_wrong_frame_gives_advice(
    rebates: pd.DataFrame, call: Callable[[pd.DataFrame], Axes], expected: str
) -> None:
    with pytest.raises(UsageError, match=expected):
        call(rebates)


def test_balances_in_different_assets_are_not_compared() -> None:
    balances = pd.DataFrame({"sub_account_id": ["a", "b"], "asset": ["USDT", "BTC"], "free": [5.0, 1.0]})
    with pytest.raises(UsageError, match=r"2 assets \(USDT, BTC\)"):
        charts.balances(balances, column="free")
    assert title(charts.balances(balances.head(1), column="free")).startswith("free, USDT")
    both = balances.rename(columns={"free": "total_margin_balance"})
    with pytest.raises(UsageError, match="2 assets"):
        charts.balances(both)


def test_several_balances_of_an_account_are_not_added_up() -> None:
    balances = pd.DataFrame({"sub_account_id": ["a", "a"], "total_balance_of_btc": [1.0, 2.0]})
    with pytest.raises(UsageError, match="a has several rows"):
        charts.balances(balances)
