"""Exact amounts: every operation is exact to the last digit, or raises and says what to do."""

from __future__ import annotations

import copy
import io
import json
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.decimal_contexts import HOSTILE, hostile
from toolkit.amounts import ExactDtype, divide, exact, read_parquet
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.amounts.scalars import ExactDecimal
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import InexactError, ToolkitError, UsageError
from toolkit.frames.builder import FrameBuilder

UNIT = 10**18
D = Decimal


def column(*values: object, name: str | None = "income") -> pd.Series:
    return pd.Series(list(values), dtype="exact", name=name)


def of_units(numbers: list[int | None]) -> pd.Series:
    """A column from units of 10**-18, by way of text, without the code under test."""
    return column(*(None if n is None else text_of(n) for n in numbers))


def text_of(number: int) -> str:
    digits = f"{abs(number):019d}"
    return f"{'-' if number < 0 else ''}{digits[:-18]}.{digits[-18:]}"


def in_units(values: Any) -> list[int | None]:
    """The values in units of 10**-18, digit by digit: the inverse of `of_units`."""
    found: list[int | None] = []
    for value in values:
        if value is pd.NA:
            found.append(None)
            continue
        assert isinstance(value, Decimal)
        whole, _, rest = f"{value:f}".partition(".")
        assert len(rest) <= 18
        found.append(int(whole + rest.ljust(18, "0")))
    return found


def stored(frame: pd.DataFrame) -> list[Any]:
    """The first column as SQLite stores it after `to_sql`."""
    with closing(sqlite3.connect(":memory:")) as file:
        frame.to_sql("amounts", file, index=False)
        return [value for value, *_ in file.execute("SELECT * FROM amounts")]


INCOME = column("10.5", "0.00000001", None, "-3", "1234567890123456789.123456789012345678", "2")
FRAME = pd.DataFrame(
    {
        "asset": ["USDT", "USDT", "BTC", "BTC", "USDT", "BTC"],
        "time": pd.date_range("2026-01-01", periods=6, freq="12h", tz="UTC"),
        "income": INCOME,
        "commission": column("0.1", "0.2", "0.3", "1", "2", "0", name="commission"),
    }
)
INCOMES, FEES = FRAME.groupby("asset")["income"], FRAME.groupby("asset")["commission"]
FEE = FRAME["commission"]
OTHER = column("0.25", "0.25", "0.25", "0.25", "0.25", "0.25")


# As in docs/exports.md: income minus commission, with an index of another name and other values.
NETTED = FRAME.assign(fee_asset=["USDT", "BNB", "BTC", "BTC", "USDT", "BTC"])
FEES_BY_ASSET = NETTED.groupby("fee_asset")["commission"].sum()

# -- compared with integer arithmetic -----------------------------------------------------------------

within = st.integers(-(10**36), 10**36)
amounts = st.lists(st.one_of(st.none(), within), max_size=12)
pairs = st.lists(st.tuples(within, within, st.integers(0, 2)), max_size=12)


@given(pairs)
def test_sums_and_differences_of_columns_match_integer_arithmetic(rows: list[tuple[int, int, int]]) -> None:
    left, right = of_units([a for a, _, _ in rows]), of_units([b for _, b, _ in rows])
    assert in_units(left + right) == [a + b for a, b, _ in rows]
    assert in_units(left - right) == [a - b for a, b, _ in rows]
    assert in_units(left + left + left + left - right) == [4 * a - b for a, b, _ in rows]
    assert in_units(-left) == [-a for a, _, _ in rows]
    assert (left < right).tolist() == [a < b for a, b, _ in rows]
    assert (left == right).tolist() == [a == b for a, b, _ in rows]


@given(pairs)
def test_group_sums_and_their_differences_match_integer_arithmetic(
    rows: list[tuple[int, int, int]],
) -> None:
    frame = pd.DataFrame(
        {
            "asset": pd.Series([key for _, _, key in rows], dtype="int64"),
            "income": of_units([a for a, _, _ in rows]),
            "commission": of_units([b for _, b, _ in rows]),
        }
    )
    income = frame.groupby("asset")["income"].sum()
    left = income - frame.groupby("asset")["commission"].sum()
    wanted: dict[int, int] = {}
    for a, b, key in rows:
        wanted[key] = wanted.get(key, 0) + a - b
    assert dict(zip(left.index, in_units(left), strict=True)) == wanted
    assert in_units(frame.groupby("asset")["income"].transform("sum")) == [
        in_units([income[key]])[0] for _, _, key in rows
    ]


@given(amounts)
def test_totals_and_cumulative_sums_match_integer_arithmetic(numbers: list[int | None]) -> None:
    values = of_units(numbers)
    known = [number for number in numbers if number is not None]
    assert in_units([values.sum()]) == [sum(known)]
    so_far = 0
    wanted: list[int | None] = []
    for number in numbers:
        so_far += number or 0
        wanted.append(None if number is None else so_far)
    assert in_units(values.cumsum()) == wanted
    assert in_units(values.sort_values().dropna()) == sorted(known)
    assert in_units(values.dropna().unique()) == list(dict.fromkeys(known))
    assert in_units([values.max(), values.min()]) == ([max(known), min(known)] if known else [None, None])


@given(st.integers(-(10**19), 10**19), st.integers(-(10**17), 10**17))
def test_a_product_is_exact_or_raises(a: int, b: int) -> None:
    product, rest = divmod(a * b, UNIT)
    if rest:
        with pytest.raises(InexactError):
            of_units([a]) * of_units([b])
    else:
        assert in_units(of_units([a]) * of_units([b])) == [product]


def test_a_product_is_exact_where_both_columns_contain_the_largest_numbers() -> None:
    large, small = 10**38 - 1, UNIT
    assert in_units(of_units([large, small]) * of_units([small, large])) == [large, large]
    with pytest.raises(InexactError, match="does not fit"):
        of_units([large]) * of_units([large])


@given(within, within)
def test_arithmetic_on_single_amounts_matches_integer_arithmetic(a: int, b: int) -> None:
    one, other = of_units([a, b])
    assert in_units([one + other, one - other, -one, abs(other)]) == [a + b, a - b, -a, abs(b)]
    assert (one * other).as_integer_ratio() == Fraction(a * b, UNIT * UNIT).as_integer_ratio()


@given(st.lists(within, min_size=1, max_size=9), st.integers(0, 8))
def test_rounding_is_half_to_even(numbers: list[int], places: int) -> None:
    step = D(1).scaleb(-places)
    for got, number in zip(of_units(numbers).round(places), numbers, strict=True):
        assert got == D(number).scaleb(-18).quantize(step) or abs(number) >= 10**28


# -- operations of pandas ----------------------------------------------------------------------------

BIG = D("1234567890123456789.123456789012345678")
EXACT_RESULTS: dict[str, tuple[Callable[[], Any], list[Any]]] = {
    "income minus commission of each asset": (
        lambda: INCOMES.sum() - FEES.sum(),
        [D("-2.3"), D("1234567890123456797.323456799012345678")],
    ),
    "the same by name": (
        lambda: INCOMES.sum().sub(FEES.sum(), fill_value=0),
        [D("-2.3"), D("1234567890123456797.323456799012345678")],
    ),
    "four group sums": (lambda: FEES.sum() + FEES.sum() + FEES.sum() + FEES.sum(), [D("5.2"), D("9.2")]),
    "diff": (FEE.diff, [None, D("0.1"), D("0.1"), D("0.7"), D(1), D(-2)]),
    "diff of groups": (FEES.diff, [None, D("0.1"), None, D("0.7"), D("1.8"), D(-1)]),
    "shift": (lambda: FEE.shift(1, fill_value=0)[:2], [D(0), D("0.1")]),
    "cumsum": (FEE.cumsum, [D("0.1"), D("0.3"), D("0.6"), D("1.6"), D("3.6"), D("3.6")]),
    "cumsum of groups": (FEES.cumsum, [D("0.1"), D("0.3"), D("0.3"), D("1.3"), D("2.3"), D("1.3")]),
    "cummax": (INCOME.cummax, [D("10.5"), D("10.5"), None, D("10.5"), BIG, BIG]),
    "cummin of groups": (INCOMES.cummin, [D("10.5"), D("1E-8"), None, D(-3), D("1E-8"), D(-3)]),
    "rank": (FEE.rank, [2.0, 3.0, 4.0, 5.0, 6.0, 1.0]),
    "rank in groups": (FEES.rank, [1.0, 2.0, 2.0, 3.0, 3.0, 1.0]),
    "median of groups": (FEES.median, [D("0.3"), D("0.2")]),
    "min of groups": (INCOMES.min, [D(-3), D("1E-8")]),
    "max of groups": (INCOMES.max, [D(2), BIG]),
    "first of groups": (INCOMES.first, [D(-3), D("10.5")]),
    "last of groups": (INCOMES.last, [D(2), BIG]),
    "idxmax of groups": (INCOMES.idxmax, [5, 4]),
    "count of groups": (INCOMES.count, [2, 3]),
    "minus an index of another name": (
        lambda: FEES.sum() - FEES_BY_ASSET,
        [None, D(0), D("0.2")],
    ),
    "minus an index of another name, with fill_value": (
        lambda: FEES.sum().sub(FEES_BY_ASSET, fill_value=0),
        [D("-0.2"), D(0), D("0.2")],
    ),
    "several sums": (lambda: FEES.agg(["sum", "max"])["sum"], [D("1.3"), D("2.3")]),
    "a function of groups": (lambda: FEES.agg(lambda fees: fees.sum()), [D("1.3"), D("2.3")]),
    "groups with too few amounts": (lambda: FEES.sum(min_count=4), [None, None]),
    "groups by amount": (FRAME.groupby("income")["commission"].sum, [D(1), D("0.2"), D(0), D("0.1"), D(2)]),
    "pivot_table": (
        lambda: FRAME.pivot_table(index="asset", values="commission", aggfunc="sum")["commission"],
        [D("1.3"), D("2.3")],
    ),
    "unstack": (
        lambda: FRAME.groupby(["asset", "time"])["commission"].sum().unstack(fill_value=0).iloc[:, 0],
        [D(0), D("0.1")],
    ),
    "resample": (
        lambda: FRAME.set_index("time")["commission"].resample("D").sum(),
        [D("0.3"), D("1.3"), D(2)],
    ),
    "merge": (lambda: FRAME.merge(FEES.sum().rename("all"), on="asset")["all"][:2], [D("2.3"), D("2.3")]),
    "merge by amount": (lambda: FRAME.merge(FRAME[["income"]][:1], on="income")["commission"], [D("0.1")]),
    "concat": (lambda: pd.concat([FEE[:1], OTHER[:1]]), [D("0.1"), D("0.25")]),
    "concat with whole numbers": (
        lambda: pd.concat([FEE[:1], pd.Series([2**63], dtype="uint64")]),
        [D("0.1"), D(2**63)],
    ),
    "concat with a frame without the column": (
        lambda: pd.concat([FRAME[["asset", "commission"]][:1], FRAME[["asset"]][:1]])["commission"],
        [D("0.1"), None],
    ),
    "concat with another decimal of Arrow's": (
        lambda: pd.concat([FEE[:1], pd.Series([D("1.5")], dtype=pd.ArrowDtype(pa.decimal128(20, 8)))]),
        [D("0.1"), D("1.5")],
    ),
    "times a whole number": (lambda: FEE[:2] * 3, [D("0.3"), D("0.6")]),
    "times numpy's": (lambda: np.int64(3) * FEE[:2], [D("0.3"), D("0.6")]),
    "times a Decimal": (lambda: FEE[:2] * D("0.5"), [D("0.05"), D("0.1")]),
    "a Decimal minus": (lambda: D(1) - FEE[:2], [D("0.9"), D("0.8")]),
    "with whole numbers": (lambda: FEE[:2] * pd.Series([2, 3]), [D("0.2"), D("0.6")]),
    "with Int64": (lambda: FEE[:2] + pd.Series([2, None], dtype="Int64"), [D("2.1"), None]),
    "with decimals": (lambda: pd.Series([D(1), D(2)], dtype=object) - FEE[:2], [D("0.9"), D("1.8")]),
    "a sum over columns": (
        lambda: FRAME[["income", "commission"]].sum(axis=1)[:3],
        [D("10.6"), D("0.20000001"), D("0.3")],
    ),
    "sums of columns": (FRAME[["commission"]].sum, [D("3.6")]),
    "eval": (lambda: FRAME.eval("commission - commission")[:1], [D(0)]),
    "dot": (lambda: [FEE.dot(OTHER)], [D("0.9")]),
    "numpy's sum": (lambda: [np.sum(FEE), np.sum(FEE.array)], [D("3.6"), D("3.6")]),
    "numpy's abs": (lambda: np.abs(INCOME[3:4]), [D(3)]),
    "abs": (lambda: INCOME.abs()[3:4], [D(3)]),
    "round": (lambda: column("0.125", "0.375", "-2.5").round(2), [D("0.12"), D("0.38"), D("-2.5")]),
    "quantile": (lambda: FEE.quantile([0.25, 0.5, 0.9]), [D("0.125"), D("0.25"), D("1.5")]),
    "median": (lambda: [FEE.median()], [D("0.25")]),
    "compared with a float": (lambda: INCOME > 0.1, [True, False, None, False, True, True]),
    "compared with a Decimal": (lambda: FEE.eq(D("0.1")), [True, False, False, False, False, False]),
    "compared with a number that does not fit": (
        lambda: INCOME < 10**40,
        [True, True, None, True, True, True],
    ),
    "compared with text": (lambda: FEE[:1] == "much", [False]),
    "compared with a list": (lambda: column("1", None, "2") == ["much", D(1), 2], [False, None, True]),
    "between": (lambda: FEE.between(0, D("0.2")), [True, True, False, False, False, True]),
    "query": (lambda: FRAME.query("commission > 0.3")["commission"], [D(1), D(2)]),
    "fillna": (lambda: INCOME.fillna(0)[2:3], [D(0)]),
    "ffill": (lambda: INCOME.ffill()[2:3], [D("1E-8")]),
    "where": (lambda: INCOME.where(INCOME > 0, 0)[3:4], [D(0)]),
    "clip": (lambda: FEE.clip(D("0.2"), 1), [D("0.2"), D("0.2"), D("0.3"), D(1), D(1), D("0.2")]),
    "replace": (lambda: FEE.replace(D(1), D(9))[3:4], [D(9)]),
    "isin": (lambda: FEE.isin([D("0.1"), 2, 0.3]), [True, False, True, False, True, False]),
    "value_counts": (lambda: column("2.5", "1", "2.50").value_counts(), [2, 1]),
    "unique": (lambda: column("2.5", None, "1", "2.50").unique(), [D("2.5"), None, D(1)]),
    "drop_duplicates": (lambda: column("2.5", "2.50").drop_duplicates(), [D("2.5")]),
    "sort_values": (lambda: INCOME.sort_values(ascending=False)[:2], [BIG, D("10.5")]),
    "a mask": (lambda: FEE[FEE > 1], [D(2)]),
    "reindex": (lambda: FEE.reindex([0, 9]), [D("0.1"), None]),
    "map": (lambda: FEE[:1].map(str), ["0.1"]),
    "apply": (lambda: FEE[:2].apply(float), [0.1, 0.2]),
    "explicit floats": (lambda: FEE.astype("float64")[:3], [0.1, 0.2, 0.3]),
    "Arrow's floats": (lambda: FEE.astype("double[pyarrow]")[:3], [0.1, 0.2, 0.3]),
    "text": (lambda: INCOME.astype(str)[[1, 3]], ["0.00000001", "-3"]),
    "whole numbers": (lambda: column("3", "-4").astype("int64"), [3, -4]),
    "objects": (lambda: FEE.astype(object)[:1], [D("0.1")]),
    "a total minus another": (
        lambda: [INCOME.sum() - FEE.sum(), -INCOME.max()],
        [D("1234567890123456795.023456799012345678"), D("-1234567890123456789.123456789012345678")],
    ),
    "differences of group totals, one by one": (
        lambda: [income - fee for income, fee in zip(INCOMES.sum(), FEES.sum(), strict=True)],
        [D("-2.3"), D("1234567890123456797.323456799012345678")],
    ),
    "Python's sum": (
        lambda: [sum(INCOME.dropna()), sum(FEE)],
        [D("1234567890123456798.623456799012345678"), D("3.6")],
    ),
    "a single amount with other numbers": (
        lambda: [INCOME[4] + 1, 1 - INCOME[4], D(2) * INCOME[4], INCOME[4] - D("1E-18"), abs(INCOME[3])],
        [
            D("1234567890123456790.123456789012345678"),
            D("-1234567890123456788.123456789012345678"),
            D("2469135780246913578.246913578024691356"),
            D("1234567890123456789.123456789012345677"),
            D(3),
        ],
    ),
    "a single amount with numpy numbers": (
        lambda: [np.int64(3) * FEE[0], *(INCOME[4] - np.array([1, 2]))],
        [
            D("0.3"),
            D("1234567890123456788.123456789012345678"),
            D("1234567890123456787.123456789012345678"),
        ],
    ),
    "a single amount minus a column": (
        lambda: INCOME[4] - FEE[:1],
        [D("1234567890123456789.023456789012345678")],
    ),
    "a single amount minus a missing one": (lambda: [INCOME[4] - INCOME[2]], [None]),
    "a single amount, rounded": (
        lambda: [round(INCOME[4], 2), INCOME[4].quantize(D("0.001")), INCOME[4].quantize(D(1), ROUND_UP)],
        [D("1234567890123456789.12"), D("1234567890123456789.123"), D("1234567890123456790")],
    ),
    "methods of a single amount": (
        lambda: [
            (INCOME[4] * 100).normalize(),
            INCOME[4].to_integral_value(),
            INCOME[4].scaleb(-1),
            INCOME[4].fma(2, 1),
            INCOME[4].max(0),
            INCOME[3].min(INCOME[4]),
            int(INCOME[4]),
        ],
        [
            D("123456789012345678912.3456789012345678"),
            D("1234567890123456789"),
            D("123456789012345678.9123456789012345678"),
            D("2469135780246913579.246913578024691356"),
            BIG,
            D(-3),
            1234567890123456789,
        ],
    ),
    "a single amount as text": (
        lambda: [f"{INCOME[4]:,.2f}", f"{INCOME[1]:f}", str(INCOME[4])],
        ["1,234,567,890,123,456,789.12", "0.00000001", "1234567890123456789.123456789012345678"],
    ),
    "a function of each amount": (
        lambda: INCOME.dropna().apply(lambda value: value * 3)[[4]],
        [D("3703703670370370367.370370367037037034")],
    ),
    "sums of objects": (
        lambda: [INCOME.dropna().astype(object).sum(), np.cumsum(FEE.astype(object).to_numpy())[-1]],
        [D("1234567890123456798.623456799012345678"), D("3.6")],
    ),
    "in SQLite": (
        lambda: stored(FRAME[["income"]]),
        ["10.5", "0.00000001", None, "-3", "1234567890123456789.123456789012345678", "2"],
    ),
    "nlargest of all rows": (lambda: FEE.nlargest(6)[:2], [D(2), D(1)]),
    "correlation": (lambda: FRAME[["commission"]].astype("float64").corr()["commission"], [1.0]),
}


@pytest.mark.parametrize("what", EXACT_RESULTS)
def test_an_operation_with_an_exact_result_returns_it(what: str) -> None:
    call, wanted = EXACT_RESULTS[what]
    got = list(call())
    assert [None if pd.isna(value) else value for value in got] == wanted
    for value, want in zip(got, wanted, strict=True):
        assert pd.isna(value) or isinstance(value, float) == isinstance(want, float)


@pytest.mark.parametrize("name", HOSTILE)
def test_results_do_not_depend_on_the_decimal_context(name: str) -> None:
    with hostile(name):
        found = {
            what: [None if pd.isna(value) else value for value in call()]
            for what, (call, _) in EXACT_RESULTS.items()
        }
    assert found == {what: wanted for what, (_, wanted) in EXACT_RESULTS.items()}


@pytest.mark.parametrize(
    "call",
    [
        lambda: INCOMES.sum() - FEES.sum(),
        INCOMES.sum,
        FEE.diff,
        lambda: FEE + FEE,
        lambda: FEE * 2,
        lambda: FRAME["income"].iloc[:0],
        lambda: pd.concat([FEE, FEE]),
        lambda: FEE.where(FEE > 0),
        lambda: pickle.loads(pickle.dumps(FEE[1:3])),
    ],
)
def test_results_have_the_exact_dtype(call: Callable[[], pd.Series]) -> None:
    assert call().dtype == "exact"
    assert isinstance(call().dtype, ExactDtype)


FLOATS = pd.Series([0.5] * 6)
SINGLE = "float\\(amount\\) for an estimate"
LARGEST = r"sort_values\(ascending=False\)\.head\(n\)"
INEXACT: dict[str, tuple[Callable[[], Any], str]] = {
    "* 0.5": (lambda: FEE * 0.5, r"Decimal\('0.5'\)"),
    "0.5 *": (lambda: 0.5 * FEE, r"Decimal\('0.5'\)"),
    "* numpy's float": (lambda: np.float64(0.25) * FEE, r"Decimal\('0.25'\)"),
    "+ a column of floats": (lambda: FEE + FLOATS, r'astype\("float64"\)'),
    "< a column of floats": (lambda: FEE < FLOATS, r'astype\("float64"\)'),
    "> a float with a rounding error": (lambda: FEE > 0.1 + 0.2, r"Decimal\('0.30000000000000004'\)"),
    "a frame * 0.5": (lambda: FRAME[["commission"]] * 0.5, r"Decimal\('0.5'\)"),
    "fillna(0.5)": (lambda: INCOME.fillna(0.5), r"Decimal\('0.5'\)"),
    "where(..., 0.5)": (lambda: FEE.where(FEE > 1, 0.5), r"Decimal\('0.5'\)"),
    "a column made of floats": (lambda: pd.Series([0.5], dtype="exact"), r"Decimal\('0.5'\)"),
    "exact() of floats": (lambda: exact(FLOATS), r"Decimal\('0.5'\)"),
    "/": (lambda: FEE / 3, r"toolkit\.amounts\.divide"),
    "/ of columns": (lambda: FEE / OTHER, r"toolkit\.amounts\.divide"),
    "//": (lambda: FEE // 3, r"toolkit\.amounts\.divide"),
    "%": (lambda: FEE % 3, r"toolkit\.amounts\.divide"),
    "1 /": (lambda: 1 / OTHER, r"toolkit\.amounts\.divide"),
    "**": (lambda: FEE**2, "multiply"),
    "pct_change": (OTHER.pct_change, r"toolkit\.amounts\.divide"),
    "mean": (FEE.mean, r"divide\(amounts\.sum\(\), amounts\.count\(\), places=8\)"),
    "mean of groups": (FEES.mean, r"divide\(amounts\.sum\(\), amounts\.count\(\), places=8\)"),
    "mean of a frame": (FRAME[["commission"]].mean, r"toolkit\.amounts\.divide"),
    "pivot_table, which computes means": (
        lambda: FRAME.pivot_table(index="asset", values="commission"),
        r"toolkit\.amounts\.divide",
    ),
    "std": (FEE.std, r'astype\("float64"\)'),
    "std of groups": (FEES.std, r'astype\("float64"\)'),
    "describe": (FEE.describe, r'astype\("float64"\)'),
    "describe of a frame": (FRAME.describe, r'astype\("float64"\)'),
    "rolling": (FEE.rolling(2).sum, r'astype\("float64"\)'),
    "expanding": (FEE.expanding().sum, r'astype\("float64"\)'),
    "ewm": (FEE.ewm(2).mean, r'astype\("float64"\)'),
    "cut": (lambda: pd.cut(FEE, 2), r'astype\("float64"\)'),
    "prod": (FEE.prod, r'astype\("float64"\)'),
    "cumprod": (FEE.cumprod, r'astype\("float64"\)'),
    "interpolate": (INCOME.interpolate, "ffill"),
    "sqrt": (lambda: np.sqrt(FEE), r'astype\("float64"\)'),
    "numpy's mean of the values": (lambda: np.mean(FEE.array), "methods of a Series"),
    "numpy's cumulative sum of the values": (lambda: np.cumsum(FEE.array), "methods of a Series"),
    "numpy's reductions": (lambda: np.add.reduce(FEE.array), r'astype\("float64"\)'),
    "a number as text with too many places": (lambda: column("1." + "0" * 250 + "1"), "18 after"),
    "numpy's floats": (lambda: np.asarray(FEE, dtype=float), r'astype\("float64"\)'),
    "truncated to whole numbers": (lambda: FEE.astype("int64"), "round"),
    "a sum that is too large": (lambda: of_units([10**38 - 1]) + 1, r"20 digits before the decimal point"),
    "a group sum that is too large": (
        lambda: of_units([10**38 - 1] * 2).groupby([1, 1]).sum(),
        r"20 digits before the decimal point",
    ),
    "a cumulative sum that is too large": (lambda: of_units([10**38 - 1] * 2).cumsum(), "20 digits"),
    "a product with too many places": (lambda: FEE * D("1E-18"), r"round\(8\)"),
    "a number with too many places": (lambda: FEE + D("1E-19"), "18 after"),
    "a number that is too large": (lambda: FEE + 10**30, "20 digits"),
    "quantiles of groups": (lambda: FEES.quantile(0.25), r"agg\(lambda group: group\.quantile"),
    "quantiles of a frame's groups": (
        lambda: FRAME[["asset", "commission"]].groupby("asset").quantile(0.25),
        r"agg\(lambda group: group\.quantile",
    ),
    "a quantile between two": (
        lambda: column("0", "0.000000000000000001").quantile(0.5),
        'interpolation="lower"',
    ),
    "a single amount * 0.5": (lambda: FEE[0] * 0.5, r"Decimal\('0.5'\)"),
    "a single amount - numpy's float": (lambda: np.float32(0.5) - FEE[0], r"Decimal\('0.5'\)"),
    "a single amount * a column of floats": (lambda: FEE[0] * FLOATS, r"Decimal\('0.5'\)"),
    "a single amount /": (lambda: FEE.sum() / FEE.count(), r"toolkit\.amounts\.divide.*" + SINGLE),
    "a Decimal / a single amount": (lambda: D(1) / FEE[0], r"toolkit\.amounts\.divide"),
    "a single amount //": (lambda: FEE[0] // 2, r"toolkit\.amounts\.divide"),
    "a single amount %": (lambda: 5 % FEE[0], r"toolkit\.amounts\.divide"),
    "divmod of a single amount": (lambda: divmod(FEE[0], 2), r"toolkit\.amounts\.divide"),
    "a single amount **": (lambda: FEE[0] ** 2, "multiply"),
    "numpy's median": (lambda: np.median(FEE), r"toolkit\.amounts\.divide"),
    "a single amount with too many digits": (lambda: FEE[0] * D("1." + "1" * 250), r"round\(amount, 8\)"),
    "nlargest": (lambda: FEE.nlargest(2), LARGEST),
    "nsmallest": (lambda: FEE.nsmallest(2), r"sort_values\(\)\.head\(n\)"),
    "nlargest of a frame": (lambda: FRAME.nlargest(2, "commission"), LARGEST),
    "nlargest of groups": (lambda: FEES.nlargest(2), LARGEST),
}


@pytest.mark.parametrize("what", INEXACT)
def test_an_operation_without_an_exact_result_raises_and_says_what_to_do(what: str) -> None:
    call, advice = INEXACT[what]
    with pytest.raises(InexactError, match=advice) as caught:
        call()
    assert isinstance(caught.value, ToolkitError)


@pytest.mark.parametrize("value", [True, "1", [1], object()])
def test_a_value_that_is_not_an_amount_raises(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        FEE + value  # type: ignore[operator]


def test_the_sum_of_a_column_may_have_more_digits_than_a_column_can_hold() -> None:
    assert in_units([of_units([10**38 - 1] * 3).sum()]) == [3 * (10**38 - 1)]


def test_a_single_amount_stays_exact_in_arithmetic_and_containers() -> None:
    value = INCOME[4]
    results = [
        FEE.sum() - value, 1 - value, D(1) - value, -value, +value, abs(value), round(value, 3), value + BIG,
        value.quantize(D(1)), divide(value, 3, places=8), pickle.loads(pickle.dumps(value)),
        copy.deepcopy(value), FEE.astype(object)[0], next(iter(FEE)), FRAME.iloc[0]["income"],
        INCOMES.sum()["BTC"],
    ]  # fmt: skip
    assert {type(each) for each in results} == {ExactDecimal}
    assert pd.Series([value, None], dtype="exact").tolist() == [BIG, pd.NA]
    assert pd.api.types.infer_dtype([value]) == "decimal"
    assert pa.array([value, None], EXACT_TYPE).to_pylist() == [BIG, None]
    assert pa.array([value]).to_pylist() == [BIG]


def test_a_single_amount_equals_the_decimal_of_the_same_number() -> None:
    value = FEE[0]
    assert value == D("0.1") == D("0.10") == value
    assert hash(value) == hash(D("0.1"))
    assert {D("0.10"): "found"}[value] == {value: "found"}[D("0.1")] == "found"
    assert value < D("0.2") < FEE[3] == 1
    assert repr(value) == "Decimal('0.1')"
    assert (str(value), float(value), int(value), round(value)) == ("0.1", 0.1, 0, 0)
    assert json.dumps({"fee": value}, default=str) == '{"fee": "0.1"}'
    assert sorted([FEE[3], D("0.5"), value]) == [D("0.1"), D("0.5"), D(1)]
    assert type(Decimal(value)) is Decimal  # a plain decimal again
    with pytest.raises(TypeError):
        value + "1"


def test_a_context_that_is_passed_determines_the_rounding() -> None:
    assert INCOME[0].quantize(D(1)) == 10
    assert INCOME[0].quantize(D(1), context=Context(rounding=ROUND_UP)) == 11
    assert INCOME[4].normalize(Context(prec=3)) == D("1.23E+18")


def test_setting_an_amount_does_not_change_a_copy() -> None:
    values, copied = FEE.copy(), FEE.copy()
    values.iloc[0] = D("7.5")
    values.iloc[[1, 2]] = [8, None]
    values[values == 2] = 3
    assert [None if pd.isna(value) else value for value in values] == [D("7.5"), D(8), None, D(1), D(3), D(0)]
    assert copied.equals(FEE)
    with pytest.raises(InexactError):
        values.iloc[0] = 0.5
    assert values.iloc[0] == D("7.5")


def test_amounts_are_shown_with_all_digits_and_without_trailing_zeros() -> None:
    shown = repr(INCOME)
    assert [line.split()[1] for line in shown.splitlines()[:4]] == ["10.5", "0.00000001", "<NA>", "-3"]
    assert "dtype: exact" in shown
    assert [str(value) for value in column("1.50", "100", "0")] == ["1.5", "100", "0"]


def test_exact_amounts_can_be_plotted() -> None:
    axes = FRAME.set_index("time")["commission"].plot()
    assert [float(value) for value in axes.lines[0].get_ydata()] == [0.1, 0.2, 0.3, 1.0, 2.0, 0.0]
    assert len(FEES.sum().plot.bar(ax=plt.figure().add_subplot()).patches) == 2
    plt.close("all")


# -- files and databases -----------------------------------------------------------------------------


def built(*incomes: str | None) -> pd.DataFrame:
    builder = FrameBuilder(ENDPOINTS_BY_NAME["spot.rebates"], "exact")
    row = {"customerId": "c", "email": "a@b.example", "asset": "USDT", "symbol": "BTCUSDT", "time": 5}
    row |= {"orderId": "1", "tradeId": "2", "distributeTime": 6}
    builder.add([row | {"income": income, "tradeId": str(n)} for n, income in enumerate(incomes)])
    return builder.frame({"endpoint": "spot.rebates", "complete": True})


@pytest.mark.parametrize("incomes", [("1.5", "123456789012345678.123456789012345678"), ()])
def test_a_frame_survives_a_round_trip_through_parquet(tmp_path: Path, incomes: tuple[str, ...]) -> None:
    frame = built(*incomes)
    assert frame["income"].dtype == frame["commission"].dtype == "exact"  # commission is missing in all rows
    frame.to_parquet(tmp_path / "frame.parquet")
    again = read_parquet(tmp_path / "frame.parquet")
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs == frame.attrs


@pytest.mark.parametrize("scale", [28, 30])
def test_amounts_that_do_not_fit_another_scale_are_refused(scale: int) -> None:
    with pytest.raises(pa.ArrowInvalid):
        pd.Series([D("213759501842.31")], dtype="exact").astype(pd.ArrowDtype(pa.decimal128(38, scale)))


@pytest.mark.parametrize("whole", ["9" * 20, "-" + "9" * 20])
def test_decimals_of_any_scale_that_fit_are_converted(whole: str) -> None:
    number = D(f"{whole}.25")
    series = pd.Series([number], dtype=pd.ArrowDtype(pa.decimal128(38, 2)))
    assert series.astype("exact").tolist() == [number]


@pytest.mark.parametrize("number", ["213759501842275659513560.31", "5808359352824252317089", "-2" + "0" * 21])
def test_decimals_of_any_scale_that_do_not_fit_are_refused(number: str) -> None:
    """Arrow itself returns another number for each of these."""
    scale = -min(0, D(number).as_tuple().exponent)
    with pytest.raises(InexactError):
        pd.Series([D(number)], dtype=pd.ArrowDtype(pa.decimal128(38, scale))).astype("exact")


def test_a_parquet_file_contains_plain_decimals_for_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "frame.parquet"
    built("1.5", "-0.00000001").to_parquet(path)
    schema = pq.read_schema(path)
    assert schema.field("income").type == EXACT_TYPE == pa.decimal128(38, 18)
    # pandas reads the file by this type: the name of our dtype would fail without the toolkit.
    columns = {each["name"]: each["numpy_type"] for each in json.loads(schema.metadata[b"pandas"])["columns"]}
    assert columns["income"] == "object"
    plain = pd.read_parquet(path)
    assert plain["income"].tolist() == [D("1.5"), D("-0.00000001")]
    assert pd.read_parquet(path, dtype_backend="pyarrow")["income"].sum() == D("1.49999999")
    again = exact(plain)
    assert again["income"].equals(built("1.5", "-0.00000001")["income"])
    assert again.attrs == plain.attrs


def test_csv_json_and_sql_keep_every_digit() -> None:
    frame = FRAME[["income"]]
    lines = frame.to_csv(index=False).split()
    assert [D(line) for line in lines[1:3]] == [D("10.5"), D("1E-8")]
    again = pd.read_csv(io.StringIO(frame.to_csv(index=False)), dtype={"income": "exact"})
    pd.testing.assert_frame_equal(again, frame)
    digits = ["10.5", "0.00000001", None, "-3", "1234567890123456789.123456789012345678", "2"]
    assert json.loads(frame["income"].to_json(orient="values")) == digits
    assert [*json.loads(frame["income"].to_json()).values()] == digits
    assert [*json.loads(frame.to_json())["income"].values()] == digits
    with closing(sqlite3.connect(":memory:")) as file:
        frame.to_sql("income", file, index=False)
        plain = pd.read_sql("SELECT income FROM income", file)
        again = pd.read_sql("SELECT income FROM income", file, dtype={"income": "exact"})
        rows = file.execute("SELECT typeof(income) FROM income WHERE income = ?", [frame["income"][0]])
        assert rows.fetchall() == [("text",)]
        with pytest.raises(sqlite3.Error):  # plain decimals are not affected
            file.execute("SELECT ?", [D(1)])
    assert plain["income"][4] == "1234567890123456789.123456789012345678"
    assert exact(plain["income"]).equals(frame["income"])
    pd.testing.assert_frame_equal(again, frame)


def test_a_slice_is_pickled_without_the_other_rows() -> None:
    values = column(*range(1000))
    assert len(pickle.dumps(values[:3].array)) < len(pickle.dumps(values.array)) / 10


def test_a_column_uses_no_more_memory_than_arrow() -> None:
    values = column(*range(1000))
    assert values.memory_usage(index=False) <= 17 * len(values)


# -- division ----------------------------------------------------------------------------------------


def test_a_mean_is_rounded_as_requested() -> None:
    means = divide(FEES.sum(), FEES.count(), places=8)
    assert means.tolist() == [D("0.43333333"), D("0.76666667")]
    assert means.dtype == "exact"
    assert divide(FEES.sum(), FEES.count(), places=8, rounding=ROUND_DOWN).tolist()[1] == D("0.76666666")
    assert divide(FEE.sum(), FEE.count(), places=2) == D("0.6")
    assert divide(1, 3, places=4, rounding=ROUND_UP) == D("0.3334")
    assert divide(column("0.125"), 1, places=2).tolist() == [D("0.12")]  # halves go to the even digit


@given(within, st.integers(1, 10**20), st.integers(0, 18))
def test_a_quotient_is_the_nearest_one(amount: int, by: int, places: int) -> None:
    step = 10 ** (18 - places)
    try:
        (got,) = in_units(divide(of_units([amount]), D(by).scaleb(-18), places=places))
    except InexactError:
        assert abs(amount) * UNIT // by >= 10**38 - step
        return
    assert got is not None
    assert got % step == 0
    assert 2 * abs(got * by - amount * UNIT) <= step * by


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: divide(FEE, 0, places=2), "is zero"),
        (lambda: divide(FEE, 1, places=19), "places"),
        (lambda: divide(FEE, 1, places=2, rounding="up"), "rounding"),
        (lambda: divide(D(1), pd.NA, places=2), "missing"),
    ],
)
def test_an_invalid_division_raises(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()
