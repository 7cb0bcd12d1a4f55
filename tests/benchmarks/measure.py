"""Measures times, and prints them beside a baseline."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object], *, rounds: int = 5) -> float:
    """The median time of some rounds, after one that warms up."""
    work()
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def report(name: str, ours: float, baseline: float, baseline_name: str) -> None:
    """Print a measurement, its baseline and the ratio in one line."""
    times = f"{name}: {ours * 1000:,.1f} ms; {baseline_name}: {baseline * 1000:,.1f} ms"
    print(f"\n  {times}; ratio {ours / baseline:.2f}")
