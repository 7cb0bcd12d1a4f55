"""How the measurements are made and said."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object], *, rounds: int = 5) -> float:
    """The median time of some rounds, after one that does not count."""
    work()
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def say(what: str, ours: float, baseline: float, of: str) -> None:
    """One line: ours, the baseline, and the ratio."""
    print(f"\n  {what}: {ours * 1000:,.1f} ms; {of}: {baseline * 1000:,.1f} ms; ratio {ours / baseline:.2f}")
