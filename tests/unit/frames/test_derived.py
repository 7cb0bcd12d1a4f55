"""Columns that follow from a response, exact columns, and fields that a value selects."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.layouts import BOOK, FIRST, LAYOUTS, SYMBOLS
from toolkit.endpoints import Endpoint
from toolkit.errors import ContractError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.decoder import Decoder
from toolkit.frames.page import Page
from toolkit.transport.strict_json import loads

NUMBERS: tuple[Numbers, ...] = ("float", "exact")


def pages(endpoint: Endpoint, payload: Any, *, exact: bool) -> list[Page]:
    """The page of a response on the strict path, and on the fast one if it takes it."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    decoder = Decoder(endpoint, exact=exact)
    strict = decoder.decode(loads(body))
    fast = decoder.read(body)
    return [strict] if fast is None else [strict, fast]


def frames(endpoint: Endpoint, payload: Any, numbers: Numbers = "float") -> list[pd.DataFrame]:
    made = []
    for page in pages(endpoint, payload, exact=numbers == "exact"):
        builder = FrameBuilder(endpoint, numbers)
        builder.add_page(page)
        made.append(builder.frame({}))
    return made


def book(bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {"lastUpdateId": 7, "bids": bids, "asks": asks}


# -- order books -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_book_has_both_sides_with_levels_and_running_totals(numbers: Numbers) -> None:
    both = frames(BOOK, LAYOUTS["an order book"][1], numbers)
    assert len(both) == 2
    for frame in both:
        assert list(frame["side"]) == ["bid", "bid", "bid", "ask", "ask"]
        assert list(frame["level"]) == [1, 2, 3, 1, 2]
        assert set(frame["update_id"]) == {str(2**60)}
        expected = [Decimal(text) for text in ("0.1", "0.3", "0.6", "0.7", "0.8")]
        assert list(frame["total"]) == (expected if numbers == "exact" else list(map(float, expected)))
        assert frame["quantity"].dtype == frame["total"].dtype == frame["price"].dtype
        assert str(frame["total"].dtype) == ("exact" if numbers == "exact" else "float64")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.decimals("0.00000001", 10**9, places=8), min_size=1, max_size=40))
def test_a_total_of_floats_is_the_exact_total(quantities: list[Decimal]) -> None:
    bids = [[str(1000 - n), str(quantity)] for n, quantity in enumerate(quantities)]
    for frame in frames(BOOK, book(bids, [])):
        assert list(frame["quantity"]) == [float(quantity) for quantity in quantities]
        assert list(frame["total"]) == [float(total) for total in accumulate(quantities)]


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize(
    ("bids", "asks", "said"),
    [
        (["1", "2"], ["3"], "the bids are not in order"),
        (["2", "2"], ["3"], "the bids are not in order"),
        (["1"], ["3", "2.5"], "the asks are not in order"),
        (["1"], ["3", "3.0"], "the asks are not in order"),
        (["3"], ["2"], "the best bid is not below the best ask"),
        (["3"], ["3.00"], "the best bid is not below the best ask"),
        (["1e21"], ["2"], "more digits than an exact amount can hold"),
    ],
)
def test_a_book_out_of_order_is_refused(
    bids: list[str], asks: list[str], said: str, numbers: Numbers
) -> None:
    payload = book([[price, "1"] for price in bids], [[price, "1"] for price in asks])
    found = pages(BOOK, payload, exact=numbers == "exact")
    assert len(found) == (1 if bids == ["1e21"] else 2), "an exponent is left to the strict path"
    for page in found:
        builder = FrameBuilder(BOOK, numbers)
        with pytest.raises(ContractError, match=said):
            builder.add_page(page)
        assert not builder.rows


def test_empty_sides_are_fine() -> None:
    for payload in (book([], []), book([["1", "2"]], []), book([], [["1", "2"]])):
        for frame in frames(BOOK, payload):
            assert len(frame) == len(payload["bids"]) + len(payload["asks"])
            assert list(frame.columns) == [column.name for column in BOOK.columns]
            assert str(frame["level"].dtype) == "Int64"


@pytest.mark.parametrize("payload", [[], {"bids": []}, {"bids": [], "asks": {}}, {"bids": [], "asks": ["1"]}])
def test_a_book_without_a_side_is_refused(payload: Any) -> None:
    with pytest.raises(ContractError):
        Decoder(BOOK).decode(payload)


def test_an_undeclared_field_beside_the_lists_is_named() -> None:
    payload = LAYOUTS["an order book"][1] | {"new": 1}
    for page in pages(BOOK, payload, exact=False):
        assert page.undeclared == {"new"}
        assert page.rows == 5


# -- closed ------------------------------------------------------------------------------------------------

_CANDLES = LAYOUTS["candles that may be closed"]


@pytest.mark.parametrize(
    ("read_at", "closed"),
    [
        (None, [False, False, False]),
        (FIRST + 60_000, [True, False, False]),
        (FIRST + 59_999, [False, False, False]),  # its last millisecond is still running
        (FIRST + 10**9, [True, True, True]),
    ],
)
def test_a_candle_is_closed_if_it_ended_before_the_rows_were_read(
    read_at: int | None, closed: list[bool]
) -> None:
    for page in pages(*_CANDLES, exact=False):
        builder = FrameBuilder(_CANDLES[0], "float")
        builder.add_page(replace(page, read_at=read_at))
        frame = builder.frame({})
        assert list(frame["closed"]) == closed
        assert str(frame["closed"].dtype) == "boolean"


# -- answered ----------------------------------------------------------------------------------------------


def test_an_empty_object_is_one_answered_row() -> None:
    endpoint, payload = LAYOUTS["a response without fields"]
    made = frames(endpoint, payload)
    assert len(made) == 2
    for frame in made:
        assert frame.to_dict("list") == {"ok": [True]}


# -- exact columns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", NUMBERS)
def test_an_exact_column_is_exact_whatever_the_setting(numbers: Numbers) -> None:
    for frame in frames(*LAYOUTS["an exact column"], numbers):
        assert str(frame["step"].dtype) == "exact"
        assert list(frame["step"]) == [Decimal("0.00000001"), Decimal("92141578.12345678")]
        assert str(frame["price"].dtype) == ("exact" if numbers == "exact" else "float64")


def test_an_exact_column_survives_parquet(tmp_path: Any) -> None:
    frame = frames(*LAYOUTS["an exact column"])[0]
    frame.to_parquet(tmp_path / "steps.parquet")
    assert pa.parquet.read_schema(tmp_path / "steps.parquet").field("step").type == pa.decimal128(38, 18)
    assert list(pd.read_parquet(tmp_path / "steps.parquet")["step"]) == list(frame["step"])


# -- selected objects --------------------------------------------------------------------------------------


def symbol(*filters: dict[str, object], **more: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "orderTypes": ["LIMIT", "MARKET"],
        "permissionSets": [["SPOT", "MARGIN"], ["TRD_GRP_004"]],
        "filters": list(filters),
    }
    return {"symbols": [row | more]}


PRICE: dict[str, object] = {"filterType": "PRICE_FILTER", "tickSize": "0.01000000", "maxPrice": "1000000.00"}
NOTIONAL: dict[str, object] = {"filterType": "NOTIONAL", "minNotional": "5.00000000"}
OLD_NOTIONAL: dict[str, object] = {"filterType": "MIN_NOTIONAL", "notional": "10"}
ICEBERG: dict[str, object] = {"filterType": "ICEBERG_PARTS", "limit": 10}
STRANGE: dict[str, object] = {"filterType": "LOT_SIZE", "stepSize": "1"}


def one(payload: Any) -> tuple[dict[Any, Any], list[str]]:
    builder = FrameBuilder(SYMBOLS, "float")
    builder.add(deepcopy(payload))
    (row,) = builder.frame({}).to_dict("records")
    return row, sorted(builder.undeclared)


def test_values_of_selected_objects() -> None:
    row, undeclared = one(symbol(ICEBERG, NOTIONAL, PRICE))
    assert row["tick_size"] == Decimal("0.01")
    assert row["min_notional"] == Decimal(5)
    assert row["order_types"] == ["LIMIT", "MARKET"]
    assert row["permission_sets"] == ["SPOT|MARGIN", "TRD_GRP_004"]
    assert undeclared == []


def test_another_spelling_of_a_selected_object() -> None:
    assert one(symbol(OLD_NOTIONAL, PRICE))[0]["min_notional"] == Decimal(10)


def test_a_missing_object_is_a_missing_value_or_refused() -> None:
    assert one(symbol(PRICE))[0]["min_notional"] is None  # of a column of exact amounts
    with pytest.raises(ContractError, match="PRICE_FILTER"):
        one(symbol(NOTIONAL))


def test_an_object_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ContractError, match="twice"):
        one(symbol(PRICE, NOTIONAL, PRICE))


def test_objects_that_nothing_declares_are_named() -> None:
    assert one(symbol(PRICE, STRANGE))[1] == ["filters[filterType=LOT_SIZE]"]
    named = one(symbol(PRICE | {"new": "1"}))[1]
    assert named == ["filters[filterType=PRICE_FILTER].new"]


@pytest.mark.parametrize(
    "more",
    [
        {"filters": {}},
        {"filters": ["PRICE_FILTER"]},
        {"filters": [{"tickSize": "1"}]},
        {"filters": [{"filterType": 1}]},
        {"permissionSets": ["SPOT"]},
        {"permissionSets": [[1]]},
        {"permissionSets": {"SPOT": []}},
    ],
)
def test_a_selection_of_another_shape_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        one(symbol(PRICE, **more))
