"""A clock that does not wait: sleeping sets it forward."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

LOOK_EVERY = 0.002
LOOKS = 500


class FakeClock:
    """Time that passes only by sleeping.

    Threads may share it. Who waits lets requests under way come back first, as they were signed by the
    time that was (for a second at most: one may hang). Several that wait set it forward to the latest end
    of a wait, not by the sum of all.

    Args:
        start: Seconds since 1970 to begin at.

    Attributes:
        under_way: Requests under way.
    """

    def __init__(self, start: float = 1_767_225_600.0) -> None:  # 2026-01-01
        self._lock = threading.Lock()
        self._now = start
        self.wall_ahead = 0.0
        self.slept: list[float] = []
        self.under_way = 0

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """While a request is under way."""
        with self._lock:
            self.under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self.under_way -= 1

    def time(self) -> float:
        with self._lock:
            return self._now + self.wall_ahead

    def monotonic(self) -> float:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
            self.slept.append(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        until = self.monotonic() + seconds
        looks = 0
        while self.under_way and looks < LOOKS:
            looks += 1
            if condition.wait(LOOK_EVERY):
                return
        with self._lock:
            self.slept.append(seconds)
            self._now = max(self._now, until)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


class BehindClock:
    """Another machine's view of a clock: so many seconds ahead of it."""

    def __init__(self, clock: FakeClock, ahead: float) -> None:
        self._clock = clock
        self.ahead = ahead

    def time(self) -> float:
        return self._clock.time() + self.ahead
