"""Sums of earnings and of fees: exact, in any order, whatever the partition; against independent code."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from toolkit.analytics import commission, compare, summarize
from toolkit.analytics.sums import round_quotient
from toolkit.errors import UsageError

AMOUNTS = st.decimals(-(10**19), 10**19, places=18, allow_nan=False) | st.decimals(0, 100, places=8)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "time": st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
            "asset": st.sampled_from(["USDT", "BTC", "USD"]),
            "customer_id": st.sampled_from(["12345678901234567890", "b", "a", None]),
            "amount": AMOUNTS,
            "value": st.none() | AMOUNTS,
        }
    ),
    max_size=20,
)
HUGE = Decimal("99999999999999999999.999999999999999999")  # as large as an exact amount can be


def frame(rows: list[dict[str, object]], kind: str = "exact") -> pd.DataFrame:
    """Earnings of these rows."""
    columns = ("time", "asset", "customer_id", "amount", "value")
    made = pd.DataFrame({name: [row.get(name) for row in rows] for name in columns}, dtype=object)
    made["time"] = pd.to_datetime(made["time"], utc=True).dt.as_unit("ms")
    made = made.astype({"asset": "string", "customer_id": "string", "amount": "exact", "value": "exact"})
    if kind == "float":
        made = made.astype({"amount": "float64", "value": "float64"})
    made["granularity"] = pd.array(["trade"] * len(rows), dtype="string")
    made.attrs = {"analytics": "earnings", "currency": "USDT", "complete": True, "notes": []}
    return made


def row(**more: object) -> dict[str, object]:
    usual = {"time": datetime(2026, 10, 5), "asset": "USDT", "customer_id": "a"}
    amount = Decimal(str(more.pop("amount", 1)))
    return {**usual, "amount": amount, "value": amount, **more}


def fraction(value: object) -> Fraction | None:
    return None if pd.isna(value) else Fraction(value)  # type: ignore[arg-type, call-overload]


def by_key(summary: pd.DataFrame, keys: list[str], column: str) -> dict[tuple[object, ...], object]:
    """A column of a summary, by the keys of each row."""
    names = [[None if pd.isna(each) else each for each in summary[key]] for key in keys]
    return dict(zip(zip(*names, strict=True), summary[column], strict=True))


def expected(rows: list[dict[str, object]], keys: list[str]) -> dict[tuple[object, ...], Fraction | None]:
    """The sums of values, by code that shares nothing with the toolkit."""
    sums: dict[tuple[object, ...], Fraction | None] = {}
    for each in rows:
        key = tuple(each[name] for name in keys)
        before, value = sums.setdefault(key, None), each["value"]
        if value is not None:
            sums[key] = (before or Fraction(0)) + Fraction(value)  # type: ignore[call-overload]
    return sums


# -- sums ----------------------------------------------------------------------------------------------


@given(rows=ROWS, keys=st.sampled_from([["asset"], ["customer_id"], ["customer_id", "asset"]]))
@settings(max_examples=50)
def test_sums_are_exact_and_in_any_order(rows: list[dict[str, object]], keys: list[str]) -> None:
    summary = summarize(frame(rows), keys)
    found = {key: fraction(value) for key, value in by_key(summary, keys, "value").items()}
    assert found == expected(rows, keys)
    assert len(summary) == len(found)
    shuffled = random.Random(len(rows)).sample(rows, len(rows))
    pd.testing.assert_frame_equal(summarize(frame(shuffled), keys), summary)


@given(rows=ROWS, cuts=st.lists(st.integers(0, 20), max_size=3))
@settings(max_examples=40)
def test_the_sum_of_parts_is_the_whole(rows: list[dict[str, object]], cuts: list[int]) -> None:
    whole = frame(rows)
    parts: dict[tuple[object, ...], Fraction] = defaultdict(Fraction)
    counts: dict[tuple[object, ...], int] = defaultdict(int)
    ends = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in itertools.pairwise(ends):
        part = summarize(whole.iloc[start:end], ["asset"])
        for key, amount in by_key(part, ["asset"], "amount").items():
            parts[key] += Fraction(amount)  # type: ignore[call-overload]
        for key, valued in by_key(part, ["asset"], "valued").items():
            counts[key] += valued  # type: ignore[operator]
    summary = summarize(whole, ["asset"])
    assert {key: fraction(each) for key, each in by_key(summary, ["asset"], "amount").items()} == parts
    assert by_key(summary, ["asset"], "valued") == counts
    assert (summary["valued"] + summary["unvalued"] == summary["rows"]).all()
    assert summary["rows"].sum() == len(rows)


@given(
    floats=st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1, max_size=30),
    cut=st.integers(0, 30),
)
@settings(max_examples=40)
def test_floats_are_rounded_once_in_any_order(floats: list[float], cut: int) -> None:
    earned = frame([row() for _ in floats], "float").assign(amount=floats, value=floats)
    (total,) = summarize(earned)["value"]
    assert total == math.fsum(floats)
    assert summarize(earned.iloc[::-1])["value"].tolist() == [total]
    parts = [each for part in (earned.iloc[:cut], earned.iloc[cut:]) for each in summarize(part)["value"]]
    assert math.isclose(math.fsum(parts), total, abs_tol=1e-15 * sum(map(abs, floats)))


def test_a_sum_of_more_than_38_digits_is_wider_and_whole() -> None:
    earned = frame([row(amount=HUGE) for _ in range(1000)])
    summary = summarize(earned)
    assert Fraction(summary["amount"][0]) == Fraction(HUGE) * 1000
    assert pa.types.is_decimal256(summary["value"].dtype.pyarrow_dtype)
    assert Fraction(summarize(earned.iloc[:1])["value"][0]) == Fraction(HUGE)
    assert summarize(earned.iloc[:1])["value"].dtype == "exact"
    compared = compare(earned, frame([row(amount="0.000000000000000001")]))
    assert Fraction(compared["change_percent"][0]) == (Fraction(HUGE) * 1000 - Fraction(1, 10**18)) * 10**20


def test_amounts_of_different_assets_are_never_added_up() -> None:
    earned = frame([row(amount=2), row(amount=3, asset="BTC"), row(amount=4, customer_id="b")])
    summary = summarize(earned, "customer_id")
    assert summary["asset"].tolist() == [pd.NA, "USDT"]
    assert summary["amount"].tolist() == [pd.NA, Decimal(4)]
    assert summary["value"].tolist() == [5, 4]
    # Rows whose asset is not known may be of several.
    earned.loc[2, "asset"] = pd.NA
    assert summarize(earned, "customer_id")["amount"].isna().all()
    assert summarize(earned, "asset")["amount"].isna().tolist() == [False, False, True]


def test_an_amount_that_is_missing_leaves_no_sum() -> None:
    earned = frame([row(amount=2), row(amount=3, amount_known=False)])
    earned.loc[1, "amount"] = pd.NA
    assert summarize(earned)["amount"].isna().all()
    assert summarize(earned)["value"].tolist() == [5]


def test_a_value_that_is_missing_is_never_zero() -> None:
    summary = summarize(frame([row(value=None), row(value=None, asset="BTC"), row(asset="BTC")]), None)
    assert (summary["value"][0], summary["valued"][0], summary["unvalued"][0]) == (1, 1, 2)
    none = summarize(frame([row(value=None)]))
    assert none["value"].isna().all()
    assert none.attrs["unvalued"] == {"USDT": 1}


def test_rows_without_a_key_stay_visible_after_the_others() -> None:
    earned = frame([row(customer_id=None), row(customer_id="b"), row(customer_id=""), row(customer_id="a")])
    summary = summarize(earned, "customer_id")
    assert summary["customer_id"].tolist() == ["a", "b", pd.NA]
    assert summary["rows"].tolist() == [1, 1, 2]


@pytest.mark.parametrize("kind", ["exact", "float"])
def test_earnings_without_rows_have_the_same_columns(kind: str) -> None:
    empty, one = summarize(frame([], kind)), summarize(frame([row()], kind))
    assert empty.dtypes.to_dict() == one.dtypes.to_dict()
    total = summarize(frame([], kind), None)
    assert total[["rows", "value", "unvalued"]].to_numpy().tolist() == [[0, 0, 0]]


# -- days and months -----------------------------------------------------------------------------------


def test_days_and_months_are_those_of_the_zone_of_the_period() -> None:
    late = datetime(2026, 10, 31, 23, 30)  # half past midnight in Berlin, on Sunday, 1 November
    earned = frame([row(time=late)])
    keys = ["day", "week", "month", "quarter", "year"]
    assert summarize(earned, keys).loc[0, keys].tolist() == [
        "2026-10-31",
        "2026-W44",
        "2026-10",
        "2026-Q4",
        "2026",
    ]
    earned.attrs["period"] = {"name": "last month", "zone": "Europe/Berlin"}
    assert summarize(earned, keys).loc[0, keys].tolist()[:3] == ["2026-11-01", "2026-W44", "2026-11"]
    assert summarize(earned, "month", zone="UTC")["month"].tolist() == ["2026-10"]


@given(rows=ROWS, zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kolkata"]))
@settings(max_examples=25)
def test_every_row_is_in_its_month(rows: list[dict[str, object]], zone: str) -> None:
    months: dict[tuple[object, ...], int] = defaultdict(int)
    for each in rows:
        shown = each["time"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone))  # type: ignore[attr-defined]
        months[(f"{shown:%Y-%m}",)] += 1
    assert by_key(summarize(frame(rows), "month", zone=zone), ["month"], "rows") == months


def test_a_day_is_not_cut_at_the_midnight_of_another_zone() -> None:
    days = frame([row(time=datetime(2026, 10, day)) for day in (30, 31)])
    days["granularity"] = "day"
    assert summarize(days, "day")["day"].tolist() == ["2026-10-30", "2026-10-31"]
    assert summarize(days.iloc[:1], "month", zone="Europe/Berlin")["month"].tolist() == ["2026-10"]
    with pytest.raises(
        UsageError, match=r'1 of 2 daily rows .* pass zone="UTC", leave \'month\' out of `by`'
    ):
        summarize(days, "month", zone="Europe/Berlin")
    with pytest.raises(UsageError, match="2 of 2 daily rows"):
        summarize(days, "day", zone="Europe/Berlin")
    assert len(summarize(days, "asset", zone="Europe/Berlin")) == 1
    assert len(summarize(days, "day", zone="Africa/Abidjan")) == 2  # there, it is UTC all year


# -- frames of any shape -------------------------------------------------------------------------------


def test_frames_that_were_filtered_or_read_back_have_the_same_sums(tmp_path: Path) -> None:
    earned = frame([row(amount="1.1"), row(amount="2.2", customer_id=None), row(asset="BTC", value=None)])
    summary = summarize(earned, ["day", "customer_id"])
    earned.to_parquet(tmp_path / "earned.parquet")
    shapes: dict[str, Callable[[], pd.DataFrame]] = {
        "read by the toolkit": lambda: toolkit.amounts.read_parquet(tmp_path / "earned.parquet"),
        "read by pandas": lambda: pd.read_parquet(tmp_path / "earned.parquet"),
        "with objects": lambda: earned.astype(object),
        "with an index": lambda: earned.set_index(["time", "customer_id"]),
        "with categories": lambda: earned.astype({"customer_id": "category"}),
        "filtered": lambda: pd.concat([earned, earned])[[True] * 3 + [False] * 3],
    }
    for name, make in shapes.items():
        pd.testing.assert_frame_equal(summarize(make(), ["day", "customer_id"]), summary, obj=name)
    earned.to_csv(tmp_path / "earned.csv", index=False)
    floats = pd.read_csv(tmp_path / "earned.csv", dtype={"customer_id": "string"})
    assert summarize(floats, ["day", "customer_id"])["value"].tolist() == [1.1, 2.2]


def test_attrs_are_those_of_the_earnings_counted_anew() -> None:
    earned = frame([row(value=None), row(asset="BTC")])
    earned.attrs |= {
        "accounts": ["1"],
        "unvalued": {"USDT": 1},
        "valuation": {"rows": 2, "valued": 1, "at": "1h"},
    }
    kept = earned[earned["asset"] == "BTC"]
    found = summarize(kept, "asset").attrs
    assert found["unvalued"] == {}
    assert found["valuation"] == {"rows": 1, "valued": 1, "at": "1h"}
    assert (found["analytics"], found["by"], found["accounts"]) == ("summary", ["asset"], ["1"])
    assert earned.attrs["valuation"]["rows"] == 2
    json.dumps(found)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: summarize(frame([]), "aset"), r'`by` is \'aset\'.* Did you mean "asset"\?'),
        (lambda: summarize(frame([]), ["asset", "asset"]), "names a key twice"),
        (lambda: summarize(frame([]), 3), "`by` must be one of asset, symbol"),
        (lambda: summarize(frame([]), "symbol"), "summarize.. needs symbol, too"),
        (lambda: summarize(frame([]).drop(columns="value")), "needs value, too.*earnings"),
        (lambda: summarize([]), "takes a DataFrame, not list"),
        (lambda: summarize(summarize(frame([row()]))), "a summary already"),
        (lambda: summarize(frame([row()]).assign(customer_id=[1.5]), "customer_id"), "holds floats"),
        (lambda: summarize(frame([row()]).assign(amount=["1"])), "does not hold amounts"),
        (lambda: summarize(frame([row()]).assign(value=[math.inf])), "infinite"),
        (lambda: summarize(frame([row()]).assign(time=["soon"]), "day"), "does not hold times"),
        (lambda: summarize(frame([row()]), "day", zone="berlin"), 'Did you mean "Europe/Berlin"'),
        (lambda: compare(frame([]), frame([]), "month"), "summarize.. takes these"),
    ],
)
def test_what_cannot_be_added_up_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


# -- against the period before -------------------------------------------------------------------------


def test_values_are_compared_with_those_before() -> None:
    now = frame(
        [row(amount=30), row(amount=5, asset="BTC"), row(asset="NEW", amount=1), row(asset="X", value=None)]
    )
    before = frame(
        [row(amount=20), row(asset="OLD", amount=2), row(asset="BTC", value=None), row(asset="BTC")]
    )
    before.attrs |= {"period": {"name": "2026-09"}, "complete": False, "notes": ["Incomplete."]}
    found = compare(now, before).set_index("asset")
    assert found["value"].tolist() == [5, 1, 0, 30, pd.NA]
    assert found["value_before"].tolist() == [1, 0, 2, 20, 0]
    assert found["change"].tolist() == [4, 1, -2, 10, pd.NA]
    # Not all of BTC was valued, and there was no NEW to compare with.
    assert found["change_percent"].tolist() == [pd.NA, pd.NA, -100, 50, pd.NA]
    assert found["unvalued_before"].tolist() == [1, 0, 0, 0, 0]
    assert found.attrs["before"] == {"name": "2026-09"}
    assert found.attrs["complete"] is False
    assert found.attrs["notes"] == ["Before: Incomplete."]


def test_a_percentage_is_rounded_once() -> None:
    found = compare(frame([row(amount=2)]), frame([row(amount=3)]))
    assert found["change_percent"].tolist() == [Decimal("-33.333333333333333333")]
    floats = compare(frame([row(amount=2)], "float"), frame([row(amount=3)]))
    assert math.isclose(floats["change_percent"][0], -100 / 3)


@given(dividend=st.integers(-50, 50), divisor=st.integers(-8, 8).filter(bool))
def test_halves_are_rounded_to_the_even_number(dividend: int, divisor: int) -> None:
    assert round_quotient(dividend, divisor) == round(Fraction(dividend, divisor))


@pytest.mark.parametrize(("name", "other"), [("currency", "EUR"), ("when", "traded"), ("source", "live")])
def test_what_is_not_alike_is_not_compared(name: str, other: str) -> None:
    now, before = frame([row()]), frame([row()])
    now.attrs |= {"when": "received", "source": "sandbox"}
    before.attrs |= {"when": "received", "source": "sandbox", name: other}
    with pytest.raises(UsageError, match=f"cannot be compared: {name} is"):
        compare(now, before)


# -- fees ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rebates() -> pd.DataFrame:
    with toolkit.demo(seed=5) as link:
        return link.spot.rebates(start="-2D", numbers="exact")


@pytest.mark.parametrize("keys", [["symbol"], ["asset"], ["customer_id", "day"]])
def test_fees_are_converted_and_added_up_exactly(rebates: pd.DataFrame, keys: list[str]) -> None:
    sums: dict[tuple[object, ...], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for each in rebates.assign(day=rebates["time"].dt.strftime("%Y-%m-%d")).to_dict("records"):
        key = (*(each[name] or None for name in keys), each["asset"])
        same = each["asset"] == each["commission_asset"]
        sums[key][0] += Fraction(each["income"])
        sums[key][1] += Fraction(each["commission"]) * (1 if same else Fraction(each["convert_price"]))
    found = commission(rebates, keys)
    names = [*keys, "asset"]
    assert {key: Fraction(each) for key, each in by_key(found, names, "income").items()} == {
        key: income for key, (income, _) in sums.items()
    }
    assert {key: Fraction(each) for key, each in by_key(found, names, "commission").items()} == {
        key: fees for key, (_, fees) in sums.items()
    }
    rates = {key: round(income / fees, 18) for key, (income, fees) in sums.items()}
    assert {key: Fraction(each) for key, each in by_key(found, names, "rate").items()} == rates
    assert found["without_fee"].sum() == 0
    floats = commission(
        rebates.astype(dict.fromkeys(("income", "commission", "convert_price"), "float64")), keys
    )
    assert all(map(math.isclose, floats["rate"], found["rate"].astype("float64")))


def test_a_fee_that_is_not_known_has_no_part_in_the_rate(rebates: pd.DataFrame) -> None:
    rows = rebates.iloc[:4].assign(asset="USDT", commission_asset=["USDT", "BNB", pd.NA, "BNB"])
    amounts = {
        "income": [Decimal(each) for each in (4, 3, 2, 1)],
        "commission": [Decimal(10), Decimal(1), None, Decimal(1)],
        "convert_price": [Decimal(7), Decimal(10), None, Decimal(0)],
    }
    rows = rows.assign(**{name: pd.array(each, dtype="exact") for name, each in amounts.items()})
    (found,) = commission(rows, None).to_dict("records")
    assert (found["rows"], found["without_fee"]) == (4, 2)
    assert (found["income"], found["commission"]) == (10, 20)  # the price of what is the same asset is 1
    assert found["rate"] == Decimal("0.35")
    assert commission(rows.iloc[2:], None)[["commission", "rate"]].isna().all(axis=None)
    assert list(commission(rows.iloc[:0]).columns) == list(commission(rows).columns)


def test_fees_beyond_the_digits_of_arrow_are_exact(rebates: pd.DataFrame) -> None:
    rows = rebates.iloc[:2].assign(asset="USDT", commission_asset="BNB")
    huge = pd.array([HUGE, HUGE], dtype="exact")
    rows = rows.assign(income=huge, commission=huge, convert_price=huge)
    (fees,) = commission(rows, None)["commission"]
    assert Fraction(fees) == round(2 * Fraction(HUGE) ** 2, 18)
    tiny = pd.array([Decimal("1e-18")] * 2, dtype="exact")
    (rate,) = commission(rows.assign(income=tiny, commission=tiny, convert_price=tiny), None)["rate"]
    assert rate == 10**18


def test_frames_without_fees_are_refused_with_the_reason(rebates: pd.DataFrame) -> None:
    for endpoint, reason in {
        "exchange.rebates": "Rows of Exchange Link have no fee",
        "exchange.futures_rebates": "um_commission",
        "futures.rebates": "sums of days",
        "portfolio.um_income": "bookings of an account",
        "spot.kickbacks": "does not tell the fees",
    }.items():
        other = rebates.copy()
        other.attrs["endpoint"] = endpoint
        with pytest.raises(UsageError, match=reason):
            commission(other)
    by_hand = pd.DataFrame({"sub_account_id": [], "income": [], "asset": []})
    with pytest.raises(UsageError, match="Rows of Exchange Link have no fee"):
        commission(by_hand)
    with pytest.raises(UsageError, match="has no fees any more"):
        commission(frame([]))
    with pytest.raises(UsageError, match="needs convert_price, too"):
        commission(rebates.drop(columns="convert_price"))
