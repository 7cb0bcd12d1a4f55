"""Frames come back from files as they were: values, types, index and attributes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import toolkit
from tests.unit.exports.frames import AWKWARD, FORMATS, frames
from toolkit.exports import formats


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    pd.testing.assert_frame_equal(one, other, check_freq=False, check_exact=True)
    assert one.attrs == other.attrs
    for name, column in one.items():
        if column.dtype == "float64":  # -0.0 too
            assert (np.signbit(column) == np.signbit(other[name])).all()
    return True


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=30)
@given(frame=frames())
def test_any_frame(suffix: str, frame: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{suffix}"
        for guard in {False, suffix == "csv"}:
            assert toolkit.export(frame, path, guard=guard) == path
            same(toolkit.read(path), frame)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rows_at_once", [1, 2, 1000])
def test_rows_written_in_pieces(
    tmp_path: Path, suffix: str, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "_ROWS_AT_ONCE", rows_at_once)
    frame = pd.DataFrame({"text": pd.array(AWKWARD, dtype="string"), "number": range(len(AWKWARD))})
    same(toolkit.read(toolkit.export(frame, tmp_path / f"rows.{suffix}")), frame)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_single_column_with_missing_values(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"id": pd.array([None, "", None, "1", None], dtype="string")})
    same(toolkit.read(toolkit.export(frame, tmp_path / f"rows.{suffix}")), frame)


READS: dict[str, Callable[[toolkit.Link], pd.DataFrame]] = {
    "rebates": lambda link: link.spot.rebates(start="-2D"),
    "exact": lambda link: link.futures.income(start="-2D", numbers="exact"),
    "empty": lambda link: link.spot.rebates(start="-1s", numbers="exact"),
    "accounts": lambda link: link.exchange.sub_accounts(),
    "candles": lambda link: link.market.spot.klines("BTCUSDT", "1h", start="-1D"),
    "lists": lambda link: link.market.spot.symbols(),
    "any": lambda link: link.get("/sapi/v1/account/apiRestrictions"),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", READS)
def test_what_was_fetched(shared_link: toolkit.Link, tmp_path: Path, suffix: str, name: str) -> None:
    frame = READS[name](shared_link)
    same(toolkit.read(toolkit.export(frame, tmp_path / f"rows.{suffix}")), frame)


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_index_with_a_name_is_kept_and_row_numbers_are_not(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    frame = pd.DataFrame(
        {"asset": pd.array(["A", "B", "A"], dtype="string"), "day": [1, 1, 2], "n": [1, 2, 3]}
    )
    sums = frame.groupby(["asset", "day"]).sum()
    same(toolkit.read(toolkit.export(sums, path)), sums)
    filtered = frame[frame["asset"] == "B"]
    same(toolkit.read(toolkit.export(filtered, path)), filtered.reset_index(drop=True))


def test_the_text_of_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime([1_769_848_200_001, None], unit="ms", utc=True).as_unit("ms"),
            "id": pd.array(["9007199254740993", None], dtype="string"),
            "amount": pd.array(["0.00000001", "-12"], dtype="exact"),
            "note": pd.array(['say "=1"', ""], dtype="string"),
        }
    )
    path = toolkit.export(frame, tmp_path / "rows.csv")
    assert path.read_bytes() == (
        b'"time","id","amount","note"\n'
        b'2026-01-31T08:30:00.001Z,"9007199254740993",0.00000001,"say ""=1"""\n'
        b',,-12,""\n'
    )


def test_the_text_of_json_lines(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": pd.array(['a"\n', None], dtype="string"), "n": pd.array(["1.50", "2"], dtype="exact")}
    )
    path = toolkit.export(frame, tmp_path / "rows.jsonl")
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"id": 'a"\n', "n": "1.5"},
        {"id": None, "n": "2"},
    ]


def test_guarded_texts_are_no_formulas(tmp_path: Path) -> None:
    frame = pd.DataFrame({"=id": pd.array(AWKWARD, dtype="string"), "n": -1.0})
    path = toolkit.export(frame, tmp_path / "rows.csv", guard=True)
    texts = pd.read_csv(path, keep_default_na=False, dtype=str)
    assert not [each for each in [*texts.columns, *texts["'=id"]] if each[:1] in tuple("=+-@\t\r")]
    assert set(texts["n"]) == {"-1"}  # a number
    same(toolkit.read(path), frame)


def test_pandas_reads_parquet_and_feather_with_types_and_attributes(
    shared_link: toolkit.Link, tmp_path: Path
) -> None:
    rebates = shared_link.spot.rebates(start="-2D")
    same(pd.read_parquet(toolkit.export(rebates, tmp_path / "rows.parquet")), rebates)
    feather = pd.read_feather(toolkit.export(rebates, tmp_path / "rows.feather"))
    pd.testing.assert_frame_equal(feather, rebates)
    exact = shared_link.spot.rebates(start="-2D", numbers="exact")
    same(toolkit.amounts.read_parquet(toolkit.export(exact, tmp_path / "rows.parquet")), exact)


REFUSED: dict[str, tuple[pd.DataFrame, str]] = {
    "infinite": (pd.DataFrame({"x": [1.0, float("inf")]}), "infinite"),
    "category": (pd.DataFrame({"x": pd.Categorical(["a"])}), "dtype category"),
    "duration": (pd.DataFrame({"x": pd.to_timedelta([1])}), "dtype timedelta"),
    "decimals": (pd.DataFrame({"x": [Decimal(1)]}, dtype=object), "toolkit.amounts.exact"),
    "mixed": (pd.DataFrame({"x": ["a", 1]}, dtype=object), "Python objects"),
    "twice": (pd.DataFrame([[1, 2]], columns=["x", "x"]), "each there once"),
    "numbered": (pd.DataFrame([[1, 2]]), "must be texts"),
    "nothing": (pd.DataFrame(), "no columns"),
    "labels": (pd.DataFrame({"x": [1]}, index=["a"]), "rename_axis"),
    "twin": (pd.DataFrame({"x": [1]}, index=pd.Index(["a"], name="x")), "named like a column"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_come_back_is_refused(tmp_path: Path, name: str) -> None:
    frame, reason = REFUSED[name]
    with pytest.raises(toolkit.errors.UsageError, match=reason):
        toolkit.export(frame, tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [pd.Timestamp(0), (1, 2), {1: 2}, float("nan"), {"a": {2}}])
def test_attributes_that_are_no_json_are_refused(tmp_path: Path, value: object) -> None:
    frame = pd.DataFrame({"x": [1]})
    frame.attrs["mine"] = value
    with pytest.raises(toolkit.errors.UsageError, match=r"attrs\['mine'\]"):
        toolkit.export(frame, tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_half_of_a_character_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": pd.Series(["\ud800"], dtype=object)})
    with pytest.raises(toolkit.errors.UsageError, match="half of a character"):
        toolkit.export(frame, tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_addresses_are_masked_unless_asked_for(
    shared_link: toolkit.Link, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"rows.{suffix}"
    clear = shared_link.exchange.sub_accounts(emails="clear")
    masked = shared_link.exchange.sub_accounts()
    addresses = set(clear["email"].dropna())
    assert addresses
    toolkit.export(clear, path)
    assert not [each for each in addresses if each.encode() in path.read_bytes()]
    again = toolkit.read(path)
    assert again.attrs["emails"] == "masked"
    pd.testing.assert_series_equal(again["email"], masked["email"])
    assert clear.attrs["emails"] == "clear"  # the frame that was given is as it was
    assert set(clear["email"].dropna()) == addresses
    toolkit.export(clear, path, emails="clear")
    same(toolkit.read(path), clear)
