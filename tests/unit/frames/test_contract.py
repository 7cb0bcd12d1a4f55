"""The contract of every frame, point by point."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint
from toolkit.errors import ContractError, RowOrderError
from toolkit.frames.builder import FrameBuilder
from toolkit.frames.duplicates import Repeats

TRADERS = ENDPOINTS_BY_NAME["futures.traders"]
REBATES = ENDPOINTS_BY_NAME["exchange.rebates"]


def trader(time: Any, **other: Any) -> dict[str, Any]:
    row = {"customerId": "c", "unit": "USDT", "tradeVol": "1.5", "rebateVol": "0.1", "time": time}
    return row | other


def gather(endpoint: Endpoint, *answers: Any) -> pd.DataFrame:
    builder = FrameBuilder(endpoint, "float")
    for answer in answers:
        builder.add(answer)
    return builder.frame({"complete": True})


def test_times_are_milliseconds_in_utc() -> None:
    frame = gather(TRADERS, [trader(1_586_736_000_123)])
    assert frame["time"].dtype == pd.DatetimeTZDtype("ms", "UTC")
    assert frame["time"][0] == pd.Timestamp("2020-04-13T00:00:00.123Z")


def test_ids_beyond_2_to_the_53_stay_exact() -> None:
    row = {"subAccountId": 9_007_199_254_740_993, "spotBNBBurn": True, "interestBNBBurn": False}
    assert gather(ENDPOINTS_BY_NAME["exchange.bnb_burn"], row)["sub_account_id"][0] == "9007199254740993"


def test_an_object_is_one_row_and_a_list_as_many_as_it_has() -> None:
    key = {"apikey": "v", "subaccountId": "1", "canTrade": True, "marginTrade": True, "futuresTrade": False}
    assert len(gather(ENDPOINTS_BY_NAME["exchange.api_keys"], key)) == 1
    assert len(gather(ENDPOINTS_BY_NAME["exchange.api_keys"], [key, key | {"apikey": "w"}])) == 2


def test_both_spellings_of_a_field_are_read() -> None:
    row = {"asset": "BTC", "qty": "1", "tranId": "1", "clientTranId": "", "time": 1_544_433_328_000}
    answer = {
        "success": True,
        "futuresType": 2,
        "transfers": [row | {"from": "", "to": "2"}, row | {"fromId": "1", "toId": "3", "tranId": "2"}],
    }
    frame = gather(ENDPOINTS_BY_NAME["exchange.futures_transfers"], answer)
    assert frame["from_id"].tolist() == ["", "1"]
    assert frame["to_id"].tolist() == ["2", "3"]
    assert frame["futures_type"].tolist() == [2, 2]


def test_a_wrapper_that_says_no_success_is_a_breach() -> None:
    answer = {"success": False, "futuresType": 2, "transfers": []}
    with pytest.raises(ContractError, match="success"):
        gather(ENDPOINTS_BY_NAME["exchange.futures_transfers"], answer)


@pytest.mark.parametrize("answer", [{}, {"data": {}}, [], "text", None, 5, [[1]], {"data": [1]}])
def test_an_answer_of_another_shape_is_a_breach(answer: Any) -> None:
    with pytest.raises(ContractError, match=r"exchange\.spot_balances"):
        gather(ENDPOINTS_BY_NAME["exchange.spot_balances"], answer)


def test_a_missing_field_is_a_breach_that_names_it() -> None:
    row = trader(1)
    del row["tradeVol"]
    with pytest.raises(ContractError, match="row 1 has no field 'tradeVol'"):
        gather(TRADERS, [trader(1), row])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time", "2020-01-01"),
        ("time", 1.5),
        ("time", True),
        ("time", 10**20),
        ("time", -1),
        ("time", None),
        ("customerId", 1.5),
        ("customerId", ["x"]),
        ("unit", 5),
        ("tradeVol", "much"),
        ("tradeVol", {"x": 1}),
        ("tradeVol", "9" * 400),
    ],
)
def test_a_value_of_another_kind_is_a_breach_that_names_the_column(field: str, value: Any) -> None:
    with pytest.raises(ContractError):
        gather(TRADERS, [trader(1) | {field: value}])


def test_rows_that_are_not_oldest_first_are_an_error_and_are_kept() -> None:
    builder = FrameBuilder(TRADERS, "float")
    with pytest.raises(RowOrderError) as caught:
        builder.add([trader(5), trader(9), trader(7)])
    assert caught.value.rows == (1, 2)
    assert "Nothing was sorted" in str(caught.value)
    assert len(builder.frame({})) == 3


def test_order_is_checked_over_answers_too() -> None:
    builder = FrameBuilder(TRADERS, "float")
    builder.add([trader(5), trader(9)])
    with pytest.raises(RowOrderError) as caught:
        builder.add([trader(8)])
    assert caught.value.rows == (1, 2)


def test_equal_times_are_allowed() -> None:
    assert len(gather(TRADERS, [trader(5), trader(5, customerId="d")], [trader(5, customerId="e")])) == 3


def test_newest_first_is_reversed_where_it_is_declared_and_then_checked() -> None:
    newest_first = replace(TRADERS, newest_first=True)
    frame = gather(newest_first, [trader(9), trader(7), trader(5)])
    assert frame["time"].is_monotonic_increasing
    with pytest.raises(RowOrderError):
        gather(newest_first, [trader(5), trader(7)])


def test_two_rows_that_are_alike_in_one_answer_stay_two() -> None:
    assert len(gather(TRADERS, [trader(5), trader(5)])) == 2
    assert len(gather(TRADERS, [trader(5), trader(5)], [trader(5)])) == 2


def rebate(number: int, status: int) -> dict[str, Any]:
    row = {"subaccountId": "1", "income": "1", "asset": "A", "symbol": "B", "time": 5}
    return row | {"tradeId": number, "status": status}


def test_a_row_is_told_by_what_names_it_and_not_by_what_changes() -> None:
    frame = gather(REBATES, [rebate(1, 0), rebate(2, 0)], [rebate(2, 1), rebate(3, 0)])
    assert frame["trade_id"].tolist() == ["1", "2", "3"]


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=6), max_size=5))
def test_no_row_is_lost_or_repeated_whatever_answers_share(pages: list[list[tuple[int, int]]]) -> None:
    """A row comes as often as in the answer that has it most often."""
    builder = FrameBuilder(replace(TRADERS, order_by=None), "float")
    for page in pages:
        builder.add([trader(time, customerId=str(who)) for time, who in page])
    frame = builder.frame({})
    most: dict[tuple[int, int], int] = {}
    for page in pages:
        for row in page:
            most[row] = max(most.get(row, 0), page.count(row))
    found = [
        (int(t.timestamp() * 1000), int(w)) for t, w in zip(frame["time"], frame["customer_id"], strict=True)
    ]
    assert {row: found.count(row) for row in found} == most


@given(st.lists(st.decimals(-(10**15), 10**15, places=8, allow_nan=False), max_size=20))
def test_exact_amounts_sum_exactly_and_floats_are_the_nearest(amounts: list[Decimal]) -> None:
    rows = [trader(5, tradeVol=f"{amount:f}") for amount in amounts]
    exact, near = FrameBuilder(TRADERS, "exact"), FrameBuilder(TRADERS, "float")
    exact.add(rows)
    near.add(rows)
    assert exact.frame({})["trade_vol"].tolist() == amounts
    assert (exact.frame({})["trade_vol"].sum() or 0) == sum(amounts)
    assert near.frame({})["trade_vol"].tolist() == [float(amount) for amount in amounts]


def test_exact_columns_can_be_added_and_compared() -> None:
    builder = FrameBuilder(TRADERS, "exact")
    builder.add([trader(5, tradeVol="0.1", rebateVol="0.2"), trader(6, tradeVol="1E-8", rebateVol="-3")])
    frame = builder.frame({})
    assert (frame["trade_vol"] + frame["rebate_vol"]).tolist() == [Decimal("0.3"), Decimal("-2.99999999")]
    assert (frame["trade_vol"] > frame["rebate_vol"]).tolist() == [False, True]


def test_exact_columns_can_be_added_and_subtracted_any_number_of_times() -> None:
    builder = FrameBuilder(TRADERS, "exact")
    builder.add([trader(5, tradeVol="0.1", rebateVol="0.2"), trader(6, tradeVol="1E-8", rebateVol="-3")])
    frame = builder.frame({})
    traded, earned = (frame.groupby("unit")[name].sum() for name in ("trade_vol", "rebate_vol"))
    assert (traded - earned).tolist() == [Decimal("2.90000001")]
    assert (traded + traded + traded + traded - earned - earned).tolist() == [Decimal("6.00000004")]


def test_attrs_are_plain_values() -> None:
    assert gather(TRADERS, [trader(5)]).attrs == {"complete": True, "undeclared": []}


def test_a_row_at_the_edge_of_two_windows_comes_once() -> None:
    builder = FrameBuilder(TRADERS, "float")
    builder.add([trader(5), trader(6)])
    builder.begin_window()
    builder.add([trader(6), trader(7)])
    assert len(builder.frame({})) == 3


def test_an_empty_last_page_does_not_hide_a_row_at_the_edge() -> None:
    builder = FrameBuilder(TRADERS, "float")
    builder.add([trader(5), trader(6)])
    builder.add([])
    builder.begin_window()
    builder.add([trader(6), trader(7)])
    assert len(builder.frame({})) == 3


def numbered_rebate(number: int) -> dict[str, Any]:
    row = rebate(number, 1) | {"subaccountId": str(2**60 + number % 240), "income": f"0.{number:08d}"}
    return row | {"tradeId": 9_000_000_000 + number, "time": 1_767_000_000_000 + number * 40}


def test_a_window_of_many_rows_takes_little_more_than_its_frame() -> None:
    """While it is gathered, with all that is remembered to tell repeated rows by."""
    tracemalloc.start()
    try:
        arrow = pa.total_allocated_bytes()
        builder = FrameBuilder(REBATES, "float")
        peak = 0
        for start in range(0, 40_000, 500):
            builder.add([numbered_rebate(number) for number in range(start, start + 500)])
            peak = max(peak, tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - arrow)
        frame = builder.frame({})
        peak = max(peak, tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - arrow)
    finally:
        tracemalloc.stop()
    assert len(frame) == 40_000
    assert peak <= 3 * frame.memory_usage(deep=True).sum()


@pytest.mark.parametrize(
    "values", [[-1, -2], [0, 2**61 - 1], [5, 5 + 2**61 - 1], [[-1], [-2]], [True, None], ["", "0"]]
)
def test_values_that_hash_alike_are_two_rows(values: list[Any]) -> None:
    repeats = Repeats()
    assert list(repeats.new_rows([[values[0]]])) == [0]
    assert list(repeats.new_rows([[values[1]]])) == [0]
    assert list(repeats.new_rows([values])) == []


@given(st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=40))
def test_rows_are_told_from_all_that_came_before_in_the_window(answers: list[list[int]]) -> None:
    repeats = Repeats()
    most: dict[int, int] = {}
    for answer in answers:
        new_rows = repeats.new_rows([list(answer)])
        expected = [
            position
            for position, value in enumerate(answer)
            if answer[: position + 1].count(value) > most.get(value, 0)
        ]
        assert list(new_rows) == expected
        for value in answer:
            most[value] = max(most.get(value, 0), answer.count(value))
