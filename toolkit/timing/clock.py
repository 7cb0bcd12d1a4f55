"""This machine's clock, and the measured clock of each host.

Signed requests carry the exchange's time, not this machine's. A host's clock is measured against the
monotonic clock, so it does not depend on steps of the wall clock. The monotonic clock may stop while the
machine is suspended; then the two differ, and the host's clock is measured again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from toolkit.runtime import forks

# Seconds by which the clocks of the exchange's machines may differ: a `Date` that is further off is wrong.
MAX_CLOCK_SKEW_S = 5.0
# How much a measured clock may drift, in seconds per second. Real clocks are better.
DRIFT = 1e-4


def _monotonic_clock() -> Callable[[], float]:
    """A monotonic clock that keeps running while the machine is suspended, if the system has one."""
    number = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic if number is None else lambda: time.clock_gettime(number)


_monotonic = _monotonic_clock()
_POLL_S = 0.5


class Clock(Protocol):
    """Source of time and waits. Tests use one that does not really wait."""

    def time(self) -> float:
        """Seconds since 1970 (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        ...

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait until the condition is notified, or for some seconds; the caller holds its lock."""
        ...


class SystemClock:
    """This machine's clock."""

    def time(self) -> float:
        """Seconds since 1970 (UTC)."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step back; all processes of the machine share them."""
        return _monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        time.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait until the condition is notified, or for some seconds."""
        until = _monotonic() + seconds
        # In short waits: on Windows, interrupts are noticed only between two of them.
        while not condition.wait(max(0.0, min(until - _monotonic(), _POLL_S))) and _monotonic() < until:
            pass


SYSTEM_CLOCK = SystemClock()


class ClockMeasurement(NamedTuple):
    """A measurement of a host's clock against this machine's monotonic clock.

    Attributes:
        ahead: The host's time minus the monotonic time, in seconds.
        error: Largest error of `ahead`, in seconds.
        at: When it was measured, by the monotonic clock.
        took: Round-trip time in seconds; 0 if another process measured it.
    """

    ahead: float
    error: float
    at: float
    took: float = 0.0


class HostClock:
    """The clock of one host, as measured from this machine.

    Args:
        clock: This machine's clock.
        max_age_s: Seconds after which it is measured again.
    """

    def __init__(self, clock: Clock, *, max_age_s: float = 900.0) -> None:
        self._clock = clock
        self._max_age_s = max_age_s
        forks.renew(self._make_lock)
        self._measured: ClockMeasurement | None = None
        # Until it is measured, use this machine's wall clock as of now (later steps change nothing), or the
        # `Date` of a response.
        self._assumed = clock.time() - clock.monotonic()
        self._is_dated = False
        self._wall_ahead = 0.0  # wall clock minus monotonic clock at the time of the measurement

    def time(self) -> float:
        """The host's time in seconds; this machine's time before the first measurement."""
        return self.reading()[0]

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def reading(self) -> tuple[float, float]:
        """The host's time in seconds, and its largest error (0 before the first measurement)."""
        measured, now = self._measured, self._clock.monotonic()
        if measured is None:
            return now + self._assumed, 0.0
        return now + measured.ahead, measured.error + DRIFT * max(0.0, now - measured.at)

    @property
    def is_known(self) -> bool:
        """Whether the time is the host's: measured, or taken from the `Date` of a response."""
        return self._is_dated or self._measured is not None

    def use_date(self, date: float) -> None:
        """Use the `Date` of a response that has just arrived, until the clock is measured.

        It is truncated to seconds, so this machine's clock is preferred if they agree.
        """
        assumed = date - self._clock.monotonic()
        if abs(assumed - self._assumed) > MAX_CLOCK_SKEW_S:
            self._assumed = assumed
        self._is_dated = True

    @property
    def offset(self) -> float | None:
        """Seconds the host is ahead of this machine's wall clock, None before the first measurement."""
        return None if self._measured is None else self.time() - self._clock.time()

    def is_fresh(self) -> bool:
        """Whether there is a measurement that is recent enough."""
        with self._lock:
            if self._measured is None:
                return False
            now = self._clock.monotonic()
            stepped = abs((self._clock.time() - now) - self._wall_ahead) > 1.0
            return now - self._measured.at < self._max_age_s and not stepped

    def measure(self, ask: Callable[[], tuple[float, float]]) -> ClockMeasurement:
        """Measure the clock; pass the result to `use`.

        Args:
            ask: Asks the host; returns its time in seconds and the largest error of that.
        """
        sent = self._clock.monotonic()
        host_time, off_by = ask()
        arrived = self._clock.monotonic()
        took = arrived - sent
        return ClockMeasurement(host_time - (sent + arrived) / 2, took / 2 + off_by, arrived, took)

    def adopt(self, measured: ClockMeasurement) -> None:
        """Use a measurement of another process of this machine, if it is newer."""
        if self._measured is None or measured.at > self._measured.at:
            self.use(measured)

    def use(self, measured: ClockMeasurement) -> None:
        """Use a measurement from now on."""
        with self._lock:
            self._measured = measured
            self._wall_ahead = self._clock.time() - self._clock.monotonic()
