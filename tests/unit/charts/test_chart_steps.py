"""Candles are put together to longer ones without losing anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.charts._steps import (
    DAY,
    HOUR,
    LADDER,
    MINUTE,
    WEEK,
    Step,
    aggregate,
    gaps,
    readable_step,
    step_of,
)

MONTH = Step(1, "month")
HOW = {"open": "first", "high": "highest", "low": "lowest", "close": "last", "volume": "sum"}
PANDAS = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
RULES = {
    Step(5 * MINUTE): {"rule": "5min"},
    Step(15 * MINUTE): {"rule": "15min"},
    Step(4 * HOUR): {"rule": "4h"},
    Step(DAY): {"rule": "1D"},
    Step(3 * DAY): {"rule": "72h", "origin": "epoch"},
    Step(1, "week"): {"rule": "W-MON", "closed": "left", "label": "left"},
    MONTH: {"rule": "MS"},
    Step(12, "month"): {"rule": "YS"},
}


def ms(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").timestamp() * 1000)


@settings(max_examples=60)
@given(
    st.sampled_from([1, 5, 60, 240]),
    st.integers(0, 60_000_000),
    st.lists(st.tuples(st.integers(1, 200), *[st.integers(1, 10**9)] * 5), min_size=1, max_size=60),
    st.sampled_from(list(RULES)),
)
def test_longer_candles_are_those_of_pandas(
    minutes: int, first: int, rows: list[tuple[int, ...]], step: Step
) -> None:
    """Between rows, some are missing. The values are whole numbers, whose sums are exact."""
    source = minutes * MINUTE
    times = (first // minutes + np.cumsum([row[0] for row in rows])) * source
    columns = {name: np.array([row[at] for row in rows], float) for at, name in enumerate(HOW, 1)}
    buckets = aggregate(times, {name: (values, HOW[name]) for name, values in columns.items()}, step)

    frame = pd.DataFrame(columns, index=pd.to_datetime(times, unit="ms", utc=True))
    groups = frame.resample(**RULES[step])
    expected = groups.agg(PANDAS)[groups.size() > 0]
    for name in HOW:
        assert buckets.values[name].tolist() == expected[name].tolist()
    assert buckets.starts.tolist() == [round(at.timestamp() * 1000) for at in expected.index]
    assert buckets.sizes.sum() == len(rows)


@given(
    st.sampled_from([*LADDER, Step(7 * MINUTE), Step(3, "week")]), st.integers(1, 10**6), st.integers(20, 400)
)
def test_a_readable_step_is_made_of_whole_candles_and_fits(source: Step, rows: int, most: int) -> None:
    opens = np.array([0, (rows - 1) * source.length])
    step = readable_step(source, opens, most)
    assert (opens[1] // step.length) + 1 <= most
    assert step == source or source.divides(step)
    if rows <= most:
        assert step == source


@pytest.mark.parametrize(
    ("source", "rows", "step"),
    [
        (Step(MINUTE), 525_600, Step(DAY)),
        (Step(MINUTE), 1440, Step(5 * MINUTE)),
        (Step(1000), 3600, Step(15_000)),
        (Step(3 * MINUTE), 500, Step(15 * MINUTE)),  # not 5, which cuts candles in two
        (Step(DAY), 3000, Step(1, "month")),
        (Step(3 * DAY), 500, Step(6 * DAY)),
        (Step(1, "week"), 500, Step(2, "week")),
        (MONTH, 500, Step(3, "month")),
    ],
)
def test_the_step_is_the_shortest_that_fits(source: Step, rows: int, step: Step) -> None:
    assert readable_step(source, np.array([0, (rows - 1) * source.length]), 380) == step


@pytest.mark.parametrize(
    ("opens", "closes", "step"),
    [
        ([0, MINUTE, 5 * MINUTE], None, Step(MINUTE)),
        ([0, 2 * MINUTE], [MINUTE - 1, 3 * MINUTE - 1], Step(MINUTE)),  # every other one is missing
        ([0], [HOUR - 1], Step(HOUR)),
        ([0], None, Step(DAY)),
        ([ms("2026-01-05"), ms("2026-01-12")], None, Step(1, "week")),
        ([ms("2026-01-06"), ms("2026-01-13")], None, Step(WEEK)),  # from Tuesday to Monday
        ([ms("2026-02-01"), ms("2026-03-01")], None, MONTH),
        ([ms("2026-01-01"), ms("2027-01-01")], None, Step(12, "month")),
        ([0, 28 * DAY], None, Step(28 * DAY)),
    ],
)
def test_the_length_of_candles_is_found(opens: list[int], closes: list[int] | None, step: Step) -> None:
    ends = None if closes is None else np.array(closes)
    assert step_of(np.array(opens), ends, Step(DAY)) == step


def test_gaps_are_the_spans_of_missing_candles() -> None:
    starts, ends = gaps(np.array([0, 1, 2, 5, 6, 9]) * MINUTE, Step(MINUTE))
    assert (starts // MINUTE).tolist() == [3, 7]
    assert (ends // MINUTE).tolist() == [5, 9]


def test_months_of_any_length_have_no_gap() -> None:
    starts, _ = gaps(np.array([ms(f"2026-{month:02}-01") for month in range(1, 13)]), MONTH)
    assert not len(starts)
    starts, ends = gaps(np.array([ms("2026-01-01"), ms("2026-03-01")]), MONTH)
    assert (starts.tolist(), ends.tolist()) == ([ms("2026-02-01")], [ms("2026-03-01")])


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Step(1000), "1 second"),
        (Step(15 * MINUTE), "15 minutes"),
        (Step(90 * MINUTE), "90 minutes"),
        (Step(3 * DAY), "3 days"),
        (Step(2, "week"), "2 weeks"),
        (MONTH, "1 month"),
        (Step(24, "month"), "2 years"),
        (Step(1), "1 millisecond"),
    ],
)
def test_a_step_is_named(step: Step, text: str) -> None:
    assert str(step) == text
