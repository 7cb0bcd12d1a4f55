"""1.2 million rows to Excel and back, in bounded memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

import toolkit
from toolkit.amounts.array import ExactArray
from toolkit.amounts.integers import array_of_units

ROWS = 1_200_000
# What writing may add to the frame, which has some 150 MiB: a row of each sheet and pieces of the frame.
MAX_MORE_MIB = 400


def frame() -> pd.DataFrame:
    """Rebates of a busy partner."""
    random = np.random.default_rng(20261129)
    assets, customers = (
        np.array(["USDT", "BTC", "BNB"]),
        np.array([f"c{number:05}" for number in range(5_000)]),
    )
    times = pd.Timestamp("2024-11-01T00:00Z") + pd.to_timedelta(np.arange(ROWS) * 52_345, unit="ms")
    units = random.integers(1, 10**9, ROWS) * 10**10 + random.integers(0, 10**9, ROWS)
    return pd.DataFrame(
        {
            "time": pd.Series(times).dt.as_unit("ms"),
            "asset": pd.array(assets[random.integers(0, 3, ROWS)], dtype="string[pyarrow]"),
            "income": ExactArray(array_of_units(units.tolist())),
            "customer_id": pd.array(customers[random.integers(0, 5_000, ROWS)], dtype="string[pyarrow]"),
            "trade_id": pd.array((2**53 + np.arange(ROWS)).astype(str), dtype="string[pyarrow]"),
        }
    )


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_rows_beyond_a_sheet(tmp_path: Path) -> None:
    rows = frame()
    before, began = peak_mib(), time.monotonic()
    path = toolkit.export(rows, tmp_path / "rows.xlsx")
    written, more = time.monotonic() - began, peak_mib() - before
    began = time.monotonic()
    again = toolkit.read(path)
    print(
        f"\n{ROWS:,} rows, {path.stat().st_size >> 20} MiB: written in {written:.0f} s with {more:.0f} MiB more, "
        f"read in {time.monotonic() - began:.0f} s"
    )
    pd.testing.assert_frame_equal(again, rows)
    assert more < MAX_MORE_MIB
