"""Time: this machine's, and each host's as measured from here.

Signed requests carry the exchange's time, not this machine's. A host's clock is measured against the
monotonic clock, so a step of the wall clock changes nothing; a suspended machine, whose monotonic
clock may have stood still, shows as a difference between the two and has it measured again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Where the package reads the time and waits; tests pass one that does not wait."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Let time pass until the condition is notified; the caller holds its lock."""
        ...


class SystemClock:
    """This machine's clock."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Let time pass until the condition is notified."""
        condition.wait(seconds)


SYSTEM_CLOCK = SystemClock()


class HostClock:
    """One host's clock, as measured from here.

    Args:
        clock: This machine's clock.
        fresh_for: Seconds after which a measurement is made again.
    """

    def __init__(self, clock: Clock, *, fresh_for: float = 900.0) -> None:
        self._clock = clock
        self._fresh_for = fresh_for
        self._lock = threading.Lock()
        self._ahead = 0.0  # host's time minus this machine's monotonic clock
        self._wall_ahead = 0.0  # wall clock minus monotonic clock when measured
        self._measured_at: float | None = None
        self.error = 0.0

    def time(self) -> float:
        """The host's time in seconds; this machine's own where nothing was measured yet."""
        with self._lock:
            if self._measured_at is None:
                return self._clock.time()
            return self._clock.monotonic() + self._ahead

    @property
    def offset(self) -> float | None:
        """Seconds the host is ahead of this machine's wall clock, None before it was measured."""
        return None if self._measured_at is None else self.time() - self._clock.time()

    def is_fresh(self) -> bool:
        """Whether the measurement still holds."""
        with self._lock:
            if self._measured_at is None:
                return False
            now = self._clock.monotonic()
            stepped = abs((self._clock.time() - now) - self._wall_ahead) > 1.0
            return now - self._measured_at < self._fresh_for and not stepped

    def measure(self, ask: Callable[[], tuple[float, float]]) -> None:
        """Measure it.

        Args:
            ask: Asks the host; returns its time in seconds and how much the answer may be off.
        """
        sent = self._clock.monotonic()
        host_time, off_by = ask()
        arrived = self._clock.monotonic()
        with self._lock:
            self._ahead = host_time - (sent + arrived) / 2
            self._wall_ahead = self._clock.time() - arrived
            self._measured_at = arrived
            self.error = (arrived - sent) / 2 + off_by
