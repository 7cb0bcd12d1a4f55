"""Fake clocks: sleeping advances them at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

POLL_EVERY_S = 0.002
MAX_POLLS = 500


class FakeClock:
    """A clock that only sleeping advances.

    Threads may share it. `wait` first lets requests in flight come back, which were signed with the current
    time (for one second at most, since a request may hang). Several threads that wait advance the clock to
    the latest end of their waits, not by the sum of them.

    Args:
        start: First time that it shows, in seconds since 1970.

    Attributes:
        in_flight: Number of requests in flight.
    """

    def __init__(self, start: float = 1_767_225_600.0) -> None:  # 2026-01-01
        self._lock = threading.Lock()
        self._now = start
        self.wall_ahead = 0.0
        self.slept: list[float] = []
        self.in_flight = 0

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Count a request as in flight."""
        with self._lock:
            self.in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self.in_flight -= 1

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
        polls = 0
        while self.in_flight and polls < MAX_POLLS:
            polls += 1
            if condition.wait(POLL_EVERY_S):
                return
        with self._lock:
            self.slept.append(seconds)
            self._now = max(self._now, until)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


class BehindClock:
    """The clock of another machine, some seconds ahead of a clock."""

    def __init__(self, clock: FakeClock, ahead: float) -> None:
        self._clock = clock
        self.ahead = ahead

    def time(self) -> float:
        return self._clock.time() + self.ahead
