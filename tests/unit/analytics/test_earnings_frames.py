"""Earnings from frames: each income once, in the period in which it counts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.income import OCTOBER, account_rebate, customer_rebate, day, income, totals
from toolkit import analytics
from toolkit.analytics.earnings_report import COLUMNS
from toolkit.analytics.sources import SOURCES, SOURCES_BY_ENDPOINT
from toolkit.endpoints import ENDPOINTS
from toolkit.errors import UsageError

PRICES = pd.DataFrame(
    {
        "time": pd.to_datetime(["2025-01-01 00:00", "2026-10-02 10:00"], utc=True),
        "asset": ["BTC", "BTC"],
        "price": [Decimal("50000"), Decimal("60000.5")],
    }
)


def earnings(source: Any, period: Any, **arguments: Any) -> pd.DataFrame:
    return analytics.earnings(source, period, prices=PRICES, **arguments)


def notes(frame: pd.DataFrame, word: str) -> list[str]:
    return [each for each in frame.attrs["notes"] if word in each]


def source(frame: pd.DataFrame, endpoint: str) -> dict[str, object]:
    (found,) = (each for each in frame.attrs["sources"] if each["endpoint"] == endpoint)
    return dict(found)


SPOT = income(
    "spot.rebates",
    [
        customer_rebate("2026-09-30 20:00", "2026-09-30 21:00", "1", trade="1"),
        customer_rebate("2026-09-30 23:50", "2026-10-01 00:40", "0.00000001", trade="2"),
        customer_rebate("2026-10-02 10:00", "2026-10-02 10:30", "4", asset="BTC", trade="3", customer=""),
        customer_rebate("2026-10-31 23:30", "2026-10-31 23:59:59.999", "8", trade="4"),
        customer_rebate("2026-10-31 23:40", "2026-11-01 00:00", "16", trade="5"),
    ],
)


def test_received_counts_what_was_paid_in_the_period() -> None:
    frame = earnings(SPOT, OCTOBER)
    assert tuple(frame.columns) == COLUMNS
    assert frame["trade_id"].to_list() == ["2", "3", "4"]
    assert totals(frame, "asset") == {"BTC": "4", "USDT": "8.00000001"}
    assert frame["time"][0] == pd.Timestamp("2026-10-01 00:40", tz="UTC")
    assert frame["traded_at"][0] == pd.Timestamp("2026-09-30 23:50", tz="UTC")
    assert frame["customer_id"].isna().to_list() == [False, True, False]
    assert set(frame["kind"]) == {"spot_rebate"}
    assert set(frame["granularity"]) == {"trade"}
    assert str(frame["amount"].dtype) == "exact"
    assert [str(frame[name].dtype) for name in ("time", "traded_at", "price_time")] == [
        "datetime64[ms, UTC]"
    ] * 3
    assert frame.attrs["complete"]
    assert frame.attrs["missing"] == []
    assert source(frame, "spot.rebates")["left_out"] == {
        "paid after the period": {"rows": 1, "amounts": {"USDT": "16"}}
    }
    assert notes(frame, "traded before the period and paid in it: 1 row.")
    assert notes(frame, "1:00:00")


def test_traded_counts_what_was_traded_in_the_period() -> None:
    frame = earnings(SPOT, OCTOBER, when="traded")
    assert frame["trade_id"].to_list() == ["3", "4", "5"]
    assert (frame["time"] == frame["traded_at"]).all()
    assert notes(frame, "when the trade happened")


def test_the_months_of_a_year_add_up_to_it() -> None:
    for when in ("received", "traded"):
        months = [earnings(SPOT, month, when=when) for month in ("2026-09", "2026-10", "2026-11")]
        whole = earnings(SPOT, None, when=when)
        assert sum(map(len, months)) == len(whole) == len(SPOT)


def test_rows_without_a_time_of_payment() -> None:
    """Before the exchange told it, the time of the trade counts; since then such a row is not paid yet."""
    rows = [
        customer_rebate("2025-11-24 23:59", None, "1", trade="1"),
        customer_rebate("2026-10-02 10:00", "2026-10-02 10:30", "2", trade="2"),
        customer_rebate("2026-10-03 10:00", None, "4", trade="3"),
    ]
    frame = earnings(income("spot.rebates", rows), None)
    assert frame["trade_id"].to_list() == ["1", "2"]
    assert source(frame, "spot.rebates")["left_out"] == {
        "not yet paid": {"rows": 1, "amounts": {"USDT": "4"}}
    }
    untold = income("spot.rebates", rows).drop(columns="distribute_time")
    assert len(earnings(untold, None)) == 3


def test_of_exchange_link_only_successful_rows_count() -> None:
    rows = [
        account_rebate(f"2026-10-0{number}", str(2**number), status=status, trade=str(number))
        for number, status in enumerate((1, 0, 2, 1, 7), start=1)
    ]
    frame = earnings(income("exchange.rebates", rows), OCTOBER)
    assert totals(frame, "asset") == {"USDT": "18"}
    assert set(frame["sub_account_id"]) == {"9007199254740993"}
    assert frame["customer_id"].isna().all()
    assert source(frame, "exchange.rebates")["left_out"] == {
        "pending": {"rows": 1, "amounts": {"USDT": "4"}},
        "failed": {"rows": 1, "amounts": {"USDT": "8"}},
        "of another status": {"rows": 1, "amounts": {"USDT": "32"}},
    }
    for word in ("pending", "failed", "status that is not documented"):
        assert notes(frame, word)


def test_markets_are_kept_apart() -> None:
    um = income("exchange.futures_rebates", [account_rebate("2026-10-02", "1")], market="um")
    cm = income(
        "exchange.futures_rebates",
        [account_rebate("2026-10-02", "2", asset="BTC", symbol="BTCUSD_PERP")],
        market="cm",
    )
    frame = earnings([um, cm], OCTOBER)
    assert totals(frame, "kind", "asset") == {("um_rebate", "USDT"): "1", ("cm_rebate", "BTC"): "2"}
    both = pd.concat([um, cm])
    both.attrs = {}
    assert totals(earnings({"exchange.futures_rebates": both}, None), "kind") == {
        "um_rebate": "1",
        "cm_rebate": "2",
    }


DAYS = income(
    "futures.rebates",
    [day("2026-10-01", "10"), day("2026-10-02", "5"), day("2026-10-03", "7"), day("2026-10-04", "3")],
    market="um",
)
TRADERS = income(
    "futures.traders",
    [
        day("2026-10-01", "4", customer="ann"),
        day("2026-10-01", "5.5", customer="bob"),
        day("2026-10-02", "6", customer="ann"),
        day("2026-10-03", "7", customer="bob"),
        day("2026-10-05", "2", customer="bob"),
    ],
    market="um",
)


def test_a_day_adds_up_to_its_total_and_says_whose_it_is() -> None:
    frame = earnings([DAYS, TRADERS], OCTOBER)
    assert totals(frame, "asset") == {"USDT": "27"}
    rest = frame[frame["customer_id"].isna()]
    assert rest["amount"].map(str).to_list() == ["0.5", "-1", "3"]
    assert set(rest["endpoint"]) == {"futures.rebates"}
    assert set(frame["granularity"]) == {"day"}
    assert frame["traded_at"].isna().all()
    assert notes(frame, "by 2.5 USDT in all")
    assert notes(frame, "tells no total")


@pytest.mark.parametrize("numbers", ["exact", "float"])
def test_where_one_of_the_two_is_given_it_counts(numbers: str) -> None:
    days, traders = DAYS, TRADERS
    if numbers == "float":
        days, traders = (each.astype({"rebate_vol": "float64"}) for each in (DAYS, TRADERS))
    assert totals(earnings(days, OCTOBER), "asset") == {"USDT": "25"}
    assert earnings(days, OCTOBER)["customer_id"].isna().all()
    assert len(earnings(traders, OCTOBER)) == 5


def test_a_day_of_coin_margined_is_in_usd() -> None:
    cm = income("futures.rebates", [day("2026-10-01", "10", unit="USD")], market="cm")
    frame = earnings([DAYS, cm, TRADERS], OCTOBER)
    assert totals(frame, "kind", "asset") == {("um_rebate", "USDT"): "27", ("cm_rebate", "USD"): "10"}
    plain = pd.concat([DAYS, cm])
    plain.attrs = {}
    assert totals(earnings(plain, None), "kind") == {"um_rebate": "25", "cm_rebate": "10"}


def test_days_that_begin_in_the_period_count_whole() -> None:
    berlin = earnings(DAYS, ("2026-10-02", "2026-10-03"), zone="Europe/Berlin")
    assert totals(berlin, "asset") == {"USDT": "12"}
    (note,) = notes(berlin, "not one of whole UTC days")
    assert "Europe/Berlin" in note
    assert "2026-10-02 to 2026-10-03" in note
    assert not notes(earnings(DAYS, ("2026-10-02", "2026-10-03")), "not one of whole UTC days")


def test_what_is_told_twice_counts_once_and_is_named() -> None:
    history = income("spot.rebate_history", [{"asset": "USDT", "type": 1, "amount": "8.00000001"}])
    bookings = income("futures.income", [{"income": "27", "asset": "USDT", "income_type": "API_REBATE"}])
    kickbacks = income("spot.kickbacks", [{"income": "1", "asset": "USDT", "symbol": "BTCUSDT"}])
    portfolio = income("portfolio.um_income", [{"income": "1", "asset": "USDT", "income_type": "X"}])
    frame = earnings([SPOT, history, DAYS, bookings, kickbacks, portfolio], OCTOBER)
    assert totals(frame, "asset") == {"BTC": "4", "USDT": "33.00000001"}
    for endpoint in ("spot.rebate_history", "futures.income", "spot.kickbacks", "portfolio.um_income"):
        assert source(frame, endpoint) | {"counts": False, "counted": 0, "rows": 1} == source(frame, endpoint)
        assert notes(frame, f"{endpoint} does not count")
    assert source(frame, "spot.rebate_history")["same_as"] == ["spot.rebates"]


def test_every_read_that_tells_of_income_is_in_the_table() -> None:
    telling = {
        each.qualified_name
        for each in ENDPOINTS
        if {"income", "rebate_vol", "total_rebate_vol"} & {column.name for column in each.columns}
    }
    assert telling | {"spot.rebate_history"} == set(SOURCES_BY_ENDPOINT)
    for each in SOURCES:
        assert all(SOURCES_BY_ENDPOINT[name].counts for name in each.same_as)
        names = {column.name for column in each.declaration.columns}
        assert {each.amount, each.asset} <= names
        # Rows that the exchange no longer keeps would need spans of their own.
        assert not each.counts or each.declaration.window.retention is None  # type: ignore[union-attr]


# -- several frames ------------------------------------------------------------------------------------


def test_what_two_frames_have_in_common_counts_once() -> None:
    first, second = SPOT.iloc[:4].copy(), SPOT.iloc[2:].copy()
    for frame in (earnings([first, second], OCTOBER), earnings([SPOT, SPOT], OCTOBER)):
        assert totals(frame, "asset") == {"BTC": "4", "USDT": "8.00000001"}
        assert notes(frame, "have in common count once")


def test_two_equal_rows_of_one_frame_are_two() -> None:
    twin = income("exchange.rebates", [account_rebate("2026-10-02", "1"), account_rebate("2026-10-02", "1")])
    assert totals(earnings([twin, twin], OCTOBER), "asset") == {"USDT": "2"}


def test_of_a_row_that_changed_the_one_fetched_last_counts() -> None:
    early = income(
        "exchange.rebates", [account_rebate("2026-10-02", "1", status=0)], fetched_at="2026-10-03T00:00:00"
    )
    late = income("exchange.rebates", [account_rebate("2026-10-02", "1")], fetched_at="2026-11-03T00:00:00")
    today = income("futures.rebates", [day("2026-10-02", "3")], market="um", fetched_at="2026-10-02T12:00:00")
    over = income("futures.rebates", [day("2026-10-02", "5")], market="um", fetched_at="2026-10-03T12:00:00")
    for frames in ([early, late, today, over], [over, late, today, early]):
        assert totals(earnings(frames, OCTOBER), "endpoint") == {
            "exchange.rebates": "1",
            "futures.rebates": "5",
        }


def test_accounts_are_kept_apart() -> None:
    other = SPOT.copy()
    other.attrs["account"] = "sandbox-uid:2"
    frame = earnings([SPOT, other], OCTOBER)
    assert totals(frame, "account", "asset") == {
        (account, asset): amount
        for account in ("sandbox-uid:1", "sandbox-uid:2")
        for asset, amount in (("BTC", "4"), ("USDT", "8.00000001"))
    }
    assert frame.attrs["accounts"] == ["sandbox-uid:1", "sandbox-uid:2"]
    assert notes(frame, "spot.rebates of sandbox-uid:2")
    other.attrs["account"] = None
    with pytest.raises(UsageError, match=r'count twice. Set `frame.attrs\["account"\]`'):
        earnings([SPOT, other], OCTOBER)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=len(SPOT) + len(DAYS) + len(TRADERS)), st.booleans())
def test_parts_in_any_order_add_up_to_the_whole(parts: list[int], is_exact: bool) -> None:
    frames = [SPOT, DAYS, TRADERS]
    if not is_exact:
        frames = [
            each.astype({name: "float64" for name in each if str(each[name].dtype) == "exact"})
            for each in frames
        ]
    whole = earnings(frames, OCTOBER)
    labels = iter(parts)
    pieces = []
    for frame in frames:
        chosen = np.array([next(labels) for _ in range(len(frame))])
        pieces += [frame[chosen == number] for number in (3, 1, 0, 2)]
    again = earnings(pieces, OCTOBER)
    columns = ["time", "kind", "asset", "customer_id", "amount", "endpoint"]
    one, other = (
        each[columns].sort_values([*columns[:-2], "endpoint"], ignore_index=True) for each in (whole, again)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


# -- shapes --------------------------------------------------------------------------------------------


def test_frames_read_from_csv_are_told_by_their_columns() -> None:
    texts = SPOT.astype({"income": "float64"}).astype(object)
    texts["time"], texts["distribute_time"] = texts["time"].map(str), texts["distribute_time"].map(str)
    frame = earnings(texts.drop(columns=["commission", "commission_asset"]).set_index("time"), OCTOBER)
    assert frame["amount"].dtype == "float64"
    assert frame["amount"].sum() == pytest.approx(12.00000001, abs=1e-12)
    plain = pd.DataFrame({"unit": ["USDT"], "rebate_vol": [Decimal("1.5")], "time": ["2026-10-02"]})
    assert totals(earnings(plain, OCTOBER), "endpoint", "asset") == {("futures.rebates", "USDT"): "1.5"}


def test_a_frame_that_fits_several_reads_has_to_be_named() -> None:
    frame = income("exchange.rebates", [account_rebate("2026-10-02", "1")])
    frame.attrs = {}
    with pytest.raises(UsageError, match=r'Name it: earnings\(\{"exchange.rebates": frame\}\)'):
        earnings(frame, OCTOBER)
    assert totals(earnings({"exchange.rebates": [frame]}, OCTOBER), "kind") == {"spot_rebate": "1"}
    assert totals(earnings({"exchange.futures_rebates": frame}, OCTOBER), "kind") == {"um_rebate": "1"}
    with pytest.raises(UsageError, match=r'Did you mean "exchange\.rebates"'):
        earnings({"exchange.rebate": frame}, OCTOBER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="income"), "has no `income`"),
        (lambda frame: frame.assign(income=None), "lacks 5 values"),
        (lambda frame: frame.assign(income="1"), "does not hold amounts"),
        (lambda frame: frame.assign(time=1.5), "does not hold times"),
        (lambda frame: frame.assign(trade_id=1.5), "ids have more digits than floats"),
        (lambda frame: pd.concat([frame, frame[["income"]]], axis=1), "several columns named `income`"),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused(change: object, message: str) -> None:
    frame = change(SPOT)  # type: ignore[operator]
    frame.attrs = {"endpoint": "spot.rebates"}
    with pytest.raises(UsageError, match=message):
        earnings(frame, OCTOBER)


def test_what_does_not_fit_together_is_refused() -> None:
    floats = SPOT.astype({"income": "float64"})
    with pytest.raises(UsageError, match='numbers="exact"'):
        earnings([DAYS, floats], OCTOBER)
    live = DAYS.copy()
    live.attrs["source"] = "live"
    with pytest.raises(UsageError, match="Report them separately"):
        earnings([SPOT, live], OCTOBER)
    with pytest.raises(UsageError, match="result of earnings"):
        earnings(earnings(SPOT, OCTOBER), OCTOBER)
    customers = pd.DataFrame({"customer_id": ["ann"]})
    customers.attrs["endpoint"] = "spot.customers"
    with pytest.raises(UsageError, match="tell of no income"):
        earnings(customers, OCTOBER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"when": "paid"}, "`when` must be"),
        ({"numbers": "decimal"}, "numbers"),
        ({"systems": ("spots",)}, 'Did you mean "spot"'),
        ({"systems": ()}, "`systems` is empty"),
        ({"period": "last moth"}, "Did you mean"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        earnings(SPOT, **{"period": OCTOBER, **arguments})


def test_nothing_to_report_is_an_empty_frame() -> None:
    frame = earnings(SPOT.iloc[:0], OCTOBER)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == 0
    assert [str(each) for each in earnings(SPOT, OCTOBER).dtypes] == [str(each) for each in frame.dtypes]
    assert frame.attrs["complete"]
    with pytest.raises(UsageError, match="`source` is empty"):
        earnings([], OCTOBER)


# -- completeness --------------------------------------------------------------------------------------


def test_a_total_is_complete_only_if_all_of_the_period_was_fetched() -> None:
    short = SPOT.copy()
    short.attrs["parameters"] = {"start": "2026-10-01T00:00:00.000Z", "end": "2026-11-05T00:00:00.000Z"}
    frame = earnings(short, OCTOBER)  # rows traded before it, and paid in it, were not searched
    assert not frame.attrs["complete"]
    assert frame.attrs["missing"] == [
        ["spot.rebates", "2026-09-30T23:00:00.000+00:00", "2026-09-30T23:59:59.999+00:00"]
    ]
    assert earnings(short, OCTOBER, when="traded").attrs["complete"]
    rest = SPOT.iloc[:2].copy()
    rest.attrs["parameters"] = {"start": "2026-09-30T00:00:00.000Z", "end": "2026-09-30T23:59:59.999Z"}
    assert earnings([short, rest], OCTOBER).attrs["complete"]


def test_a_frame_that_is_not_complete_or_does_not_say_so_makes_no_total_complete() -> None:
    part = SPOT.copy()
    part.attrs |= {"complete": False, "missing": [["2026-10-30T00:00:00.000Z", "2026-11-05T00:00:00.000Z"]]}
    frame = earnings(part, OCTOBER)
    assert frame.attrs["missing"] == [
        ["spot.rebates", "2026-10-30T00:00:00.000+00:00", "2026-10-31T23:59:59.999+00:00"]
    ]
    by_hand = SPOT.copy()
    by_hand.attrs = {}
    frame = earnings(by_hand, OCTOBER)
    assert not frame.attrs["complete"]
    assert notes(frame, "is not known")
    assert not earnings(by_hand, None).attrs["complete"]
    assert earnings(SPOT, None).attrs["complete"]
    narrow = SPOT.copy()
    narrow.attrs["parameters"] = {**narrow.attrs["parameters"], "customer_id": "ann"}
    frame = earnings(narrow, OCTOBER)
    assert not frame.attrs["complete"]
    assert notes(frame, "customer_id=ann")


def test_an_account_that_begins_late_is_said() -> None:
    frame = earnings(SPOT, ("2026-09-21", "2026-10-31"))
    assert notes(frame, "no row before 2026-09-30")
    assert not notes(earnings(SPOT, OCTOBER), "no row before")


def test_attrs_are_json_and_hold_no_address() -> None:
    frame = earnings([SPOT, DAYS, TRADERS], OCTOBER)
    text = json.dumps(frame.attrs)
    assert "@" not in text
    assert frame.attrs["period"]["start"] == "2026-10-01T00:00:00.000+00:00"
    assert frame.attrs["analytics"] == "earnings"
    assert frame.attrs["source"] == "sandbox"
