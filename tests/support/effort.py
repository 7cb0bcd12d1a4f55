"""Processor time of a call beside a baseline of the same test: a busy machine slows both alike."""

from __future__ import annotations

import time
from collections.abc import Callable

# Below this a clock's own steps count for more than the work.
_FLOOR = 5e-4


def effort(call: Callable[[], object]) -> float:
    """Processor seconds that this thread spends on a call, the least of three runs."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        call()
        spent.append(time.thread_time() - began)
    return max(min(spent), _FLOOR)


def assert_in_proportion(small: Callable[[], object], large: Callable[[], object], times: int = 8) -> None:
    """Work on `times` as much takes about `times` as long, and not the square of that.

    Three times as long is still believed: caches are smaller than what is large.
    """
    idempotency_key, more = effort(small), effort(large)
    assert more < 3 * times * idempotency_key, (
        f"{more / idempotency_key:.0f} times the effort for {times} times as much"
    )
