"""The contract of every frame: columns, types, order and duplicates."""

from __future__ import annotations

import json
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
from toolkit.frames.decoder import Decoder
from toolkit.frames.duplicates import DuplicateFilter

TRADERS = ENDPOINTS_BY_NAME["futures.traders"]
REBATES = ENDPOINTS_BY_NAME["exchange.rebates"]


def trader(time: Any, **other: Any) -> dict[str, Any]:
    row = {"customerId": "c", "unit": "USDT", "tradeVol": "1.5", "rebateVol": "0.1", "time": time}
    return row | other


def build(endpoint: Endpoint, *payloads: Any) -> pd.DataFrame:
    builder = FrameBuilder(endpoint, "float")
    for payload in payloads:
        builder.add(payload)
    return builder.frame({"complete": True})


def test_times_are_milliseconds_in_utc() -> None:
    frame = build(TRADERS, [trader(1_586_736_000_123)])
    assert frame["time"].dtype == pd.DatetimeTZDtype("ms", "UTC")
    assert frame["time"][0] == pd.Timestamp("2020-04-13T00:00:00.123Z")


def test_ids_beyond_2_to_the_53_stay_exact() -> None:
    row = {"subAccountId": 9_007_199_254_740_993, "spotBNBBurn": True, "interestBNBBurn": False}
    assert build(ENDPOINTS_BY_NAME["exchange.bnb_burn"], row)["sub_account_id"][0] == "9007199254740993"


def test_an_object_is_one_row_and_a_list_one_row_per_item() -> None:
    key = {"apikey": "v", "subaccountId": "1", "canTrade": True, "marginTrade": True, "futuresTrade": False}
    assert len(build(ENDPOINTS_BY_NAME["exchange.api_keys"], key)) == 1
    assert len(build(ENDPOINTS_BY_NAME["exchange.api_keys"], [key, key | {"apikey": "w"}])) == 2


def test_both_spellings_of_a_field_are_read() -> None:
    row = {"asset": "BTC", "qty": "1", "tranId": "1", "clientTranId": "", "time": 1_544_433_328_000}
    payload = {
        "success": True,
        "futuresType": 2,
        "transfers": [row | {"from": "", "to": "2"}, row | {"fromId": "1", "toId": "3", "tranId": "2"}],
    }
    frame = build(ENDPOINTS_BY_NAME["exchange.futures_transfers"], payload)
    assert frame["from_id"].tolist() == ["", "1"]
    assert frame["to_id"].tolist() == ["2", "3"]
    assert frame["futures_type"].tolist() == [2, 2]


def test_a_response_that_reports_failure_raises() -> None:
    payload = {"success": False, "futuresType": 2, "transfers": []}
    with pytest.raises(ContractError, match="success"):
        build(ENDPOINTS_BY_NAME["exchange.futures_transfers"], payload)


@pytest.mark.parametrize("code", [500, 0, "200", True, None])
def test_snapshots_with_the_code_of_an_error_are_not_an_empty_frame(code: object) -> None:
    endpoint = ENDPOINTS_BY_NAME["account.wallet.spot_snapshots"]
    payload = {"code": code, "msg": "", "snapshotVos": []}
    with pytest.raises(ContractError, match="'code' is not 200"):
        build(endpoint, payload)
    assert build(endpoint, payload | {"code": 200}).empty


@pytest.mark.parametrize("payload", [{}, {"data": {}}, [], "text", None, 5, [[1]], {"data": [1]}])
def test_a_response_of_another_shape_raises(payload: Any) -> None:
    with pytest.raises(ContractError, match=r"exchange\.spot_balances"):
        build(ENDPOINTS_BY_NAME["exchange.spot_balances"], payload)


def test_a_missing_field_raises_with_its_name() -> None:
    row = trader(1)
    del row["tradeVol"]
    with pytest.raises(ContractError, match="row 1 has no field 'tradeVol'"):
        build(TRADERS, [trader(1), row])


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
def test_a_value_of_another_type_raises_with_the_column(field: str, value: Any) -> None:
    with pytest.raises(ContractError):
        build(TRADERS, [trader(1) | {field: value}])


def test_rows_that_are_not_oldest_first_raise_and_are_kept() -> None:
    builder = FrameBuilder(TRADERS, "float")
    with pytest.raises(RowOrderError) as caught:
        builder.add([trader(5), trader(9), trader(7)])
    assert caught.value.rows == (1, 2)
    assert "Rows were not sorted" in str(caught.value)
    assert len(builder.frame({})) == 3


def test_order_is_also_checked_across_responses() -> None:
    builder = FrameBuilder(TRADERS, "float")
    builder.add([trader(5), trader(9)])
    with pytest.raises(RowOrderError) as caught:
        builder.add([trader(8)])
    assert caught.value.rows == (1, 2)


def test_equal_times_are_allowed() -> None:
    assert len(build(TRADERS, [trader(5), trader(5, customerId="d")], [trader(5, customerId="e")])) == 3


def test_declared_newest_first_responses_are_reversed_and_then_checked() -> None:
    newest_first = replace(TRADERS, newest_first=True)
    frame = build(newest_first, [trader(9), trader(7), trader(5)])
    assert frame["time"].is_monotonic_increasing
    with pytest.raises(RowOrderError):
        build(newest_first, [trader(5), trader(7)])


@pytest.mark.parametrize("days", [[5, 7, 7, 9], [9, 7, 7, 5], [5, 5], [5], []])
def test_responses_in_either_order_are_oldest_first_and_never_sorted(days: list[int]) -> None:
    either = replace(TRADERS, either_order=True)
    payload = [trader(day, customerId=f"c{number}") for number, day in enumerate(days)]
    by_strict_path, by_fast_path = build(either, payload), FrameBuilder(either, "float")
    page = Decoder(either).read(json.dumps(payload, separators=(",", ":")).encode())
    assert page is not None
    by_fast_path.add_page(page)
    for frame in (by_strict_path, by_fast_path.frame({})):
        assert frame["time"].is_monotonic_increasing
        falls = days[:1] > days[-1:]
        assert [*frame["customer_id"]] == [f"c{n}" for n in range(len(days))][:: -1 if falls else 1]
    for muddled in ([7, 5, 9], [9, 5, 7]):
        with pytest.raises(RowOrderError):
            build(either, [trader(day) for day in muddled])


def test_two_equal_rows_in_one_response_are_both_kept() -> None:
    assert len(build(TRADERS, [trader(5), trader(5)])) == 2
    assert len(build(TRADERS, [trader(5), trader(5)], [trader(5)])) == 2


def rebate(number: int, status: int) -> dict[str, Any]:
    row = {"subaccountId": "1", "income": "1", "asset": "A", "symbol": "B", "time": 5}
    return row | {"tradeId": number, "status": status}


def test_duplicates_are_found_by_the_identity_and_not_by_columns_that_change() -> None:
    frame = build(REBATES, [rebate(1, 0), rebate(2, 0)], [rebate(2, 1), rebate(3, 0)])
    assert frame["trade_id"].tolist() == ["1", "2", "3"]


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=6), max_size=5))
def test_no_row_is_lost_or_duplicated_whatever_responses_share(pages: list[list[tuple[int, int]]]) -> None:
    """A row is kept as often as in the response that has it most often."""
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
def test_exact_amounts_sum_exactly_and_floats_are_the_nearest_ones(amounts: list[Decimal]) -> None:
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
    assert build(TRADERS, [trader(5)]).attrs == {"complete": True, "undeclared": []}


def test_a_row_at_the_edge_of_two_windows_is_kept_once() -> None:
    builder = FrameBuilder(TRADERS, "float")
    builder.add([trader(5), trader(6)])
    builder.begin_window()
    builder.add([trader(6), trader(7)])
    assert len(builder.frame({})) == 3


def test_an_empty_last_page_does_not_hide_a_duplicate_at_the_edge() -> None:
    builder = FrameBuilder(TRADERS, "float")
    builder.add([trader(5), trader(6)])
    builder.add([])
    builder.begin_window()
    builder.add([trader(6), trader(7)])
    assert len(builder.frame({})) == 3


def numbered_rebate(number: int) -> dict[str, Any]:
    row = rebate(number, 1) | {"subaccountId": str(2**60 + number % 240), "income": f"0.{number:08d}"}
    return row | {"tradeId": 9_000_000_000 + number, "time": 1_767_000_000_000 + number * 40}


def test_building_a_frame_of_many_rows_needs_little_more_memory_than_the_frame() -> None:
    """At any time, including the hashes that duplicates are found by."""
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
def test_different_values_with_the_same_hash_are_two_rows(values: list[Any]) -> None:
    duplicates = DuplicateFilter()
    assert list(duplicates.new_rows([[values[0]]])) == [0]
    assert list(duplicates.new_rows([[values[1]]])) == [0]
    assert list(duplicates.new_rows([values])) == []


@given(st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=40))
def test_a_row_is_new_if_no_earlier_response_of_the_window_has_it(responses: list[list[int]]) -> None:
    duplicates = DuplicateFilter()
    most: dict[int, int] = {}
    for response in responses:
        new_rows = duplicates.new_rows([list(response)])
        expected = [
            index
            for index, value in enumerate(response)
            if response[: index + 1].count(value) > most.get(value, 0)
        ]
        assert list(new_rows) == expected
        for value in response:
            most[value] = max(most.get(value, 0), response.count(value))
