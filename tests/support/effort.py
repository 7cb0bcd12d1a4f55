"""CPU time of a call, compared with a baseline in the same test: a busy machine slows down both."""

from __future__ import annotations

import time
from collections.abc import Callable

# Shorter times are dominated by the resolution of the clock.
_FLOOR = 5e-4


def effort(call: Callable[[], object]) -> float:
    """CPU seconds that this thread spends on a call, the minimum of three runs."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        call()
        spent.append(time.thread_time() - began)
    return max(min(spent), _FLOOR)


def assert_in_proportion(small: Callable[[], object], large: Callable[[], object], times: int = 8) -> None:
    """Assert that `times` as much work takes about `times` as long, and not the square of that.

    Three times that is accepted, because large inputs do not fit into the caches.
    """
    single, multiple = effort(small), effort(large)
    assert multiple < 3 * times * single, (
        f"{multiple / single:.0f} times the effort for {times} times as much"
    )
