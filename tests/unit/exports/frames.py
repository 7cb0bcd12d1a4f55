"""Frames of every shape that files keep."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st

from toolkit.amounts.array import ExactArray
from toolkit.amounts.integers import LIMIT, array_of_units

FORMATS = ("parquet", "feather", "csv", "jsonl", "xlsx")
AWKWARD = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'", "'=1", "''", "", " ", "NA", "nan", "null", "NaN",
    '"', '""', ",", "\n", "\r\n", "\r", "a\nb", 'a"b,c', "\\", "\\n", "\\u0041", "\x00", "\x1f", "\x7f",
    "é", "漢字", "😀", "\ufeff", "true", "1e5", "007", str(2**53 + 1), str(2**63 + 1),
    "2026-01-01T00:00:00.000Z", "\u2028", "None",
)  # fmt: skip

TEXT = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
EXACT = st.integers(-LIMIT + 1, LIMIT - 1) | st.integers(-(10**9), 10**9) | st.just(0)
MILLISECONDS = st.integers(0, 4_102_444_800_000)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """A frame with columns of every type, missing values in all that may have them."""
    rows = draw(st.integers(0, 6))

    def column(values: st.SearchStrategy[object], dtype: str) -> pd.Series:
        given = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        return pd.Series(pd.array(given, dtype=dtype))

    units = draw(st.lists(st.none() | EXACT, min_size=rows, max_size=rows))
    times = draw(st.lists(st.none() | MILLISECONDS, min_size=rows, max_size=rows))
    zone, unit = draw(st.sampled_from(ZONES)), draw(st.sampled_from(["s", "ms", "us", "ns"]))
    when = pd.Series(pd.to_datetime(pd.Series(times, dtype="Int64"), unit="ms", utc=True)).dt.as_unit("ms")
    texts = st.lists(TEXT, max_size=2)
    return pd.DataFrame(
        {
            "time": when,
            "local": when.dt.tz_convert(zone).dt.as_unit("ms" if unit == "s" else unit),
            "naive": when.dt.tz_localize(None).dt.floor("s").dt.as_unit(unit),
            "trade_id": column(st.integers(2**53, 2**70).map(str), "string"),
            draw(st.sampled_from(["text", "=text", "a,b", 'a"b', "naïve", "a\nb"])): column(TEXT, "string"),
            "amount": pd.Series(ExactArray(array_of_units(units))),
            "price": column(st.floats(allow_nan=False, allow_infinity=False), "float64"),
            "count": column(st.integers(-(2**63), 2**63 - 1), "Int64"),
            "is_open": column(st.booleans(), "boolean"),
            "flags": pd.Series(draw(st.lists(st.none() | texts, min_size=rows, max_size=rows)), dtype=object),
            "words": pd.Series(draw(st.lists(st.none() | TEXT, min_size=rows, max_size=rows)), dtype=object),
            "whole": pd.Series(
                draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=rows, max_size=rows)), dtype="int64"
            ),
        }
    )
