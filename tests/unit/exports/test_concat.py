"""Frames put together: order, repeats, attributes, and what does not belong together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from toolkit.errors import UsageError

HOUR = 3_600_000
BEGIN = 1_767_225_600_000  # 2026-01-01


def times(*hours: float | None) -> pd.Series:
    moments = pd.Series([None if each is None else BEGIN + int(each * HOUR) for each in hours], dtype="Int64")
    return pd.to_datetime(moments, unit="ms", utc=True).dt.as_unit("ms")


def text(hour: float) -> str:
    return pd.Timestamp(BEGIN + round(hour * HOUR), unit="ms", tz="UTC").isoformat(timespec="milliseconds")


def rebates(
    hours: Sequence[float], first: float, last: float, *, numbers: str = "exact", **attrs: Any
) -> pd.DataFrame:
    """Rebates of Exchange Link, one for each of these hours, of a span from one hour until before another."""
    frame = pd.DataFrame(
        {
            "sub_account_id": pd.array(["9007199254740993"] * len(hours), dtype="string"),
            "income": pd.array(["0.1"] * len(hours), dtype="exact"),
            "asset": pd.array(["USDT"] * len(hours), dtype="string"),
            "symbol": pd.array(["BTCUSDT"] * len(hours), dtype="string"),
            "trade_id": pd.array([str(round(each * HOUR)) for each in hours], dtype="string"),
            "time": times(*hours),
            "status": pd.array([1] * len(hours), dtype="Int64"),
        }
    )
    if numbers == "float":
        frame["income"] = frame["income"].astype("float64")
    frame.attrs = {
        "endpoint": "exchange.rebates",
        "system": "exchange",
        "source": "sandbox",
        "account": "uid:1",
        "parameters": {"start": text(first), "end": text(last - 1 / HOUR)},
        "fetched_at": text(last),
        "server_time": text(last),
        "as_of": text(last),
        "requests": 2,
        "weight": 3,
        "complete": True,
        "example": False,
        "undeclared": [],
        **attrs,
    }
    return frame


def hours_of(frame: pd.DataFrame) -> list[float]:
    return [(each - times(0)[0]) / pd.Timedelta(hours=1) for each in frame["time"]]


# -- rows -----------------------------------------------------------------------------------------------


def test_months_follow_each_other() -> None:
    one, other = rebates([1, 2], 0, 3), rebates([3, 4], 3, 6)
    both = toolkit.concat([one, other])
    assert hours_of(both) == [1, 2, 3, 4]
    assert both.dtypes.astype(str).to_dict() == one.dtypes.astype(str).to_dict()
    assert isinstance(both.index, pd.RangeIndex)
    assert hours_of(toolkit.concat([other, one])) == [1, 2, 3, 4]  # oldest first, as every frame


def test_a_row_that_both_have_comes_once_as_it_was_fetched_last() -> None:
    one, other = rebates([1, 2, 3], 0, 4), rebates([2, 3, 4], 2, 6)
    other["status"] = other["status"] + 1
    for given_ in ([one, other], [other, one]):
        both = toolkit.concat(given_)
        assert hours_of(both) == [1, 2, 3, 4]
        assert list(both["status"]) == [1, 2, 2, 2]


def test_rows_that_one_frame_has_twice_stay() -> None:
    one, other = rebates([1, 1, 2], 0, 4), rebates([1, 1, 1, 3], 0, 4)
    assert hours_of(toolkit.concat([one, other])) == [1, 1, 1, 2, 3]
    assert hours_of(toolkit.concat([one, one])) == [1, 1, 2]
    assert hours_of(toolkit.concat([one])) == [1, 1, 2]


def test_rows_that_differ_in_their_identity_are_different() -> None:
    one = rebates([1], 0, 4)
    for column, value in (("trade_id", "2"), ("sub_account_id", None), ("income", None)):
        other = one.copy()
        other[column] = pd.Series(pd.array([value], dtype=one[column].dtype))
        assert len(toolkit.concat([one, other])) == 2, column


def test_without_a_declared_identity_all_columns_are_compared() -> None:
    one = pd.DataFrame({"a": [1, 1, None], "texts": [["x"], ["y"], None]})
    both = toolkit.concat([one, one.iloc[[1]], pd.DataFrame({"a": [2.0], "texts": [["x"]]})])
    assert both["a"].tolist()[:2] == [1, 1]
    assert both["texts"].tolist() == [["x"], ["y"], None, ["x"]]
    assert both.attrs == {}


def test_frames_that_are_not_oldest_first_stay_as_they_are() -> None:
    one, other = rebates([5, 3], 0, 6), rebates([4], 0, 6)
    assert hours_of(toolkit.concat([one, other])) == [5, 3, 4]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.data())
def test_parts_make_up_the_whole(hours: list[int], data: st.DataObject) -> None:
    """However a frame is cut into overlapping spans, and in whatever order they come."""
    hours.sort()
    whole = rebates([float(each) for each in hours], 0, 31)
    cuts = sorted({0, 31, *data.draw(st.lists(st.integers(1, 30), max_size=4))})
    overlap = data.draw(st.integers(0, 3))
    parts = []
    for first, last in pairwise(cuts):
        until = min(last + overlap, 31)
        rows = [each for each in hours if first <= each < until]
        parts.append(rebates([float(each) for each in rows], first, until))
    together = toolkit.concat(data.draw(st.permutations(parts)))
    pd.testing.assert_frame_equal(together, whole)
    assert together.attrs["complete"] is True
    assert together.attrs["parameters"] == whole.attrs["parameters"]
    assert "missing" not in together.attrs


def test_what_was_fetched(shared_link: toolkit.Link) -> None:
    read = shared_link.spot.rebates
    whole = read(start="2025-12-27", end="2025-12-30")
    parts = [read(start="2025-12-27", end="2025-12-28"), read(start="2025-12-28", end="2025-12-30")]
    together = toolkit.concat(parts)
    assert len(whole) > 0
    pd.testing.assert_frame_equal(together, whole)
    same = ("endpoint", "account", "parameters", "complete", "source", "emails")
    assert {key: together.attrs[key] for key in same} == {key: whole.attrs[key] for key in same}
    assert together.attrs["requests"] == sum(each.attrs["requests"] for each in parts)


# -- attributes -----------------------------------------------------------------------------------------


def test_attributes_are_merged() -> None:
    one = rebates([1], 0, 3, undeclared=["a"], note="mine", only="here")
    other = rebates([4], 3, 6, undeclared=["b", "a"], note="mine", example=True)
    attrs = toolkit.concat([other, one]).attrs
    assert attrs["parameters"] == {"start": text(0), "end": text(6 - 1 / HOUR)}
    assert attrs["fetched_at"] == attrs["server_time"] == text(6)
    assert attrs["as_of"] == text(3)
    assert (attrs["requests"], attrs["weight"], attrs["example"]) == (4, 6, True)
    assert attrs["undeclared"] == ["b", "a"]
    assert attrs["note"] == "mine"
    assert "only" not in attrs
    assert toolkit.concat([one, rebates([4], 3, 6, as_of=None)]).attrs["as_of"] is None


INCOMPLETE = [
    ("a gap between spans", [(0, 3, None), (4, 6, None)], [(3, 4)]),
    ("a millisecond between spans", [(0, 3, None), (3 + 1 / HOUR, 6, None)], [(3, 3 + 1 / HOUR)]),
    ("a part that is missing", [(0, 3, [(1, 2)]), (3, 6, None)], [(1, 2)]),
    ("the same part missing twice", [(0, 3, [(1, 2)]), (0, 3, [(1, 2)])], [(1, 2)]),
]
COMPLETE = [
    ("one after the other", [(0, 3, None), (3, 6, None)]),
    ("overlapping", [(0, 4, None), (3, 6, None)]),
    ("one within the other", [(0, 6, None), (3, 4, None)]),
    ("a missing part, fetched afterwards", [(0, 6, [(1, 2)]), (1, 2, None)]),
    ("two halves", [(0, 6, [(1, 6)]), (0, 6, [(0, 1)])]),
]
Spans = list[tuple[float, float, list[tuple[float, float]] | None]]


def with_spans(spans: Spans) -> list[pd.DataFrame]:
    return [
        rebates([], first, last)
        if missing is None
        else rebates(
            [], first, last, complete=False, missing=[[text(a), text(b - 1 / HOUR)] for a, b in missing]
        )
        for first, last, missing in spans
    ]


@pytest.mark.parametrize(
    ("spans", "missing"), [each[1:] for each in INCOMPLETE], ids=[i[0] for i in INCOMPLETE]
)
def test_what_is_missing_is_said(spans: Spans, missing: list[tuple[float, float]]) -> None:
    attrs = toolkit.concat(with_spans(spans)).attrs
    assert attrs["complete"] is False
    assert attrs["missing"] == [[text(first), text(last - 1 / HOUR)] for first, last in missing]


@pytest.mark.parametrize("spans", [each[1] for each in COMPLETE], ids=[each[0] for each in COMPLETE])
def test_complete_if_nothing_is_left_out(spans: Spans) -> None:
    attrs = toolkit.concat(with_spans(spans)).attrs
    assert attrs["complete"] is True
    assert "missing" not in attrs


@pytest.mark.parametrize(
    "attrs",
    [
        {"complete": False},
        {"complete": False, "missing": [[None, None]]},
        {"complete": False, "missing": [["BTCUSDT", text(1), text(2)]]},
        {"parameters": {}},
    ],
)
def test_completeness_that_cannot_be_told_is_not_claimed(attrs: dict[str, Any]) -> None:
    frames = [rebates([1], 0, 3), rebates([2], 0, 3, **attrs)]
    result = toolkit.concat(frames).attrs
    assert result["complete"] is False
    assert result.get("missing", []) == attrs.get("missing", [])


def test_lists_without_times_are_complete_if_each_is() -> None:
    one, other = (rebates([1], 0, 3, parameters={}) for _ in range(2))
    assert toolkit.concat([one, other]).attrs["complete"] is True
    other.attrs["complete"] = False
    assert toolkit.concat([one, other]).attrs["complete"] is False


# -- what does not belong together ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attrs", "reason"),
    [
        ({"account": "uid:2"}, "different accounts"),
        ({"account": None}, "different accounts"),
        ({"endpoint": "spot.rebates"}, "different reads"),
        ({"source": "live"}, "exchange and from a sandbox"),
        ({"emails": "clear"}, "masked and with clear"),
        ({"parameters": {"market": "cm", "start": text(0), "end": text(1)}}, r"`market` is None and 'cm'"),
        ({"analytics": "earnings"}, "different functions"),
    ],
)
def test_frames_that_differ_are_refused(attrs: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=f"Frames 1 and 3 .*{reason}"):
        toolkit.concat([rebates([1], 0, 3), rebates([1], 0, 3), rebates([4], 3, 6, **attrs)])


def test_exact_amounts_and_floats_do_not_mix() -> None:
    with pytest.raises(UsageError, match=r"`income` is exact in frame 1 and float64 in frame 2.*numbers"):
        toolkit.concat([rebates([1], 0, 3), rebates([1], 0, 3, numbers="float")])


def test_frames_with_other_columns_are_refused() -> None:
    one = rebates([1], 0, 3)
    with pytest.raises(UsageError, match="different columns: status is in one of them only"):
        toolkit.concat([one, one.drop(columns="status")])
    with pytest.raises(UsageError, match="in another order"):
        toolkit.concat([one, one[one.columns[::-1]]])
    with pytest.raises(UsageError, match="different indexes"):
        toolkit.concat([one, one.set_index("trade_id")])
    for given_, reason in ((one, "list"), ([], "empty"), ([one, None], "number 2 is NoneType")):
        with pytest.raises(UsageError, match=reason):
            toolkit.concat(given_)  # type: ignore[arg-type]


# -- earnings -------------------------------------------------------------------------------------------


def earnings(hours: Sequence[float], first: float, last: float, **attrs: Any) -> pd.DataFrame:
    rows = len(hours)
    frame = pd.DataFrame(
        {
            "time": times(*hours),
            "account": pd.array(["uid:1"] * rows, dtype="string"),
            "granularity": pd.array(["trade"] * rows, dtype="string"),
            "asset": pd.array(["BTC"] * rows, dtype="string"),
            "amount": pd.array(["1"] * rows, dtype="exact"),
            "price": pd.array(["2"] * rows, dtype="exact"),
            "price_time": times(*hours),
            "priced_by": pd.array(["BTCUSDT"] * rows, dtype="string"),
            "value": pd.array(["2"] * rows, dtype="exact"),
            "trade_id": pd.array([str(each) for each in hours], dtype="string"),
        }
    )
    frame.attrs = {
        "analytics": "earnings",
        "source": "sandbox",
        "accounts": ["uid:1"],
        "period": {
            "name": f"{first}", "start": text(first), "end": text(last - 1 / HOUR),
            "zone": "UTC", "is_over": True,
        },
        "currency": "USDT", "when": "received", "at": "1h", "complete": True, "missing": [], "unvalued": {},
        "valuation": {"currency": "USDT", "rows": rows, "valued": rows, "at_par": [], "given": 0},
        "sources": [{"endpoint": "spot.rebates", "rows": rows}], "notes": ["one"],
        **attrs,
    }  # fmt: skip
    return frame


def test_earnings_are_put_together() -> None:
    one, other = earnings([1, 2], 0, 3), earnings([2, 4], 2, 6, accounts=["uid:2"], notes=["one", "two"])
    other.loc[1, ["price", "price_time", "priced_by", "value"]] = pd.NA
    other["price"] = other["price"] + 1  # a price does not make a row another one
    both = toolkit.concat([one, other])
    assert list(both["trade_id"]) == ["1", "2", "4"]
    attrs = both.attrs
    assert attrs["period"] == {
        "name": "0, 2", "start": text(0), "end": text(6 - 1 / HOUR), "zone": "UTC", "is_over": True
    }  # fmt: skip
    assert (attrs["accounts"], attrs["notes"]) == (["uid:1", "uid:2"], ["one", "two"])
    assert (attrs["complete"], attrs["missing"]) == (True, [])
    assert attrs["unvalued"] == {"BTC": 1}
    assert (attrs["valuation"]["rows"], attrs["valuation"]["valued"]) == (3, 2)
    assert len(attrs["sources"]) == 1  # the same is said once


def test_a_day_of_earnings_that_was_not_over_is_replaced() -> None:
    one, other = earnings([0], 0, 3), earnings([0], 0, 24)
    for each, amount in ((one, "1"), (other, "5")):
        each["granularity"] = pd.array(["day"], dtype="string")
        each["amount"] = pd.array([amount], dtype="exact")
    one.attrs["sources"], other.attrs["sources"] = ([{"fetched_at": text(at)}] for at in (9, 24))
    for given_ in ([one, other], [other, one]):
        assert list(toolkit.concat(given_)["amount"]) == [5]


def test_earnings_in_other_currencies_or_zones_are_refused() -> None:
    one = earnings([1], 0, 3)
    for attrs, reason in (
        ({"currency": "EUR"}, "different currencies"),
        ({"when": "traded"}, "different moments"),
        ({"period": {**one.attrs["period"], "zone": "Asia/Tokyo"}}, "different time zones"),
    ):
        with pytest.raises(UsageError, match=reason):
            toolkit.concat([one, earnings([1], 0, 3, **attrs)])
