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


def processor_seconds(*works: Callable[[], object], rounds: int = 7) -> list[float]:
    """The median processor time of each piece of work, all threads included.

    They take turns, so that other load on the machine affects all of them.
    """
    for work in works:
        work()
    times: list[list[float]] = []
    for _ in range(rounds):
        times.append([])
        for work in works:
            gc.collect()
            start = time.process_time()
            work()
            times[-1].append(time.process_time() - start)
    return [statistics.median(column) for column in zip(*times, strict=True)]


def report(name: str, ours: float, baseline: float, baseline_name: str) -> None:
    """Print a measurement, its baseline and the ratio in one line."""
    times = f"{name}: {ours * 1000:,.1f} ms; {baseline_name}: {baseline * 1000:,.1f} ms"
    print(f"\n  {times}; ratio {ours / baseline:.2f}")
