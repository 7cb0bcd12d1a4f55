"""Time: this machine's, and each host's as measured from here.

Signed requests carry the exchange's time, not this machine's. A host's clock is measured against the
monotonic clock, so a step of the wall clock changes nothing; a suspended machine, whose monotonic
clock may have stood still, shows as a difference between the two and has it measured again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from toolkit.runtime import forks

# Seconds by which the clocks of one exchange's machines may differ: a `Date` that is further off is wrong.
MAX_CLOCK_SKEW_S = 5.0
# What a measured clock may drift by, in seconds a second: crystals are better than that.
DRIFT = 1e-4


def _ticks() -> Callable[[], float]:
    """A monotonic clock that goes on while the machine sleeps, where the system has one."""
    number = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic if number is None else lambda: time.clock_gettime(number)


_monotonic = _ticks()
_PIECE = 0.5


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
        """Seconds that never step back; the same for all processes of the machine."""
        return _monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Let time pass until the condition is notified."""
        until = _monotonic() + seconds
        # A piece at a time: on Windows an interrupt is noticed only between two waits.
        while not condition.wait(max(0.0, min(until - _monotonic(), _PIECE))) and _monotonic() < until:
            pass


SYSTEM_CLOCK = SystemClock()


class Measured(NamedTuple):
    """A host's clock against this machine's monotonic one.

    Attributes:
        ahead: The host's time minus the monotonic clock's.
        error: Seconds that may be off.
        at: When it was measured, by the monotonic clock.
        took: Seconds the answer took; 0 where another process measured it.
    """

    ahead: float
    error: float
    at: float
    took: float = 0.0


class HostClock:
    """One host's clock, as measured from here.

    Args:
        clock: This machine's clock.
        fresh_for: Seconds after which a measurement is made again.
    """

    def __init__(self, clock: Clock, *, fresh_for: float = 900.0) -> None:
        self._clock = clock
        self._fresh_for = fresh_for
        forks.renew(self._make_lock)
        self._measured: Measured | None = None
        # Until it is measured this machine's wall clock has to do, as it is now (a step later on changes
        # nothing), or the `Date` of an answer.
        self._assumed = clock.time() - clock.monotonic()
        self._is_dated = False
        self._wall_ahead = 0.0  # wall clock minus monotonic clock when it was taken over

    def time(self) -> float:
        """The host's time in seconds; this machine's own where nothing was measured yet."""
        return self.reading()[0]

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def reading(self) -> tuple[float, float]:
        """The host's time in seconds, and how much it may be off (0 where nothing was measured yet)."""
        measured, now = self._measured, self._clock.monotonic()
        if measured is None:
            return now + self._assumed, 0.0
        return now + measured.ahead, measured.error + DRIFT * max(0.0, now - measured.at)

    @property
    def is_known(self) -> bool:
        """Whether its time is the host's own: measured, or told by the `Date` of an answer."""
        return self._is_dated or self._measured is not None

    def dated(self, date: float) -> None:
        """Go by the `Date` of an answer that has just come, until it is measured.

        It is cut to whole seconds: where this machine's clock agrees with it, that tells more.
        """
        assumed = date - self._clock.monotonic()
        if abs(assumed - self._assumed) > MAX_CLOCK_SKEW_S:
            self._assumed = assumed
        self._is_dated = True

    @property
    def offset(self) -> float | None:
        """Seconds the host is ahead of this machine's wall clock, None before it was measured."""
        return None if self._measured is None else self.time() - self._clock.time()

    def is_fresh(self) -> bool:
        """Whether the measurement still holds."""
        with self._lock:
            if self._measured is None:
                return False
            now = self._clock.monotonic()
            stepped = abs((self._clock.time() - now) - self._wall_ahead) > 1.0
            return now - self._measured.at < self._fresh_for and not stepped

    def measure(self, ask: Callable[[], tuple[float, float]]) -> Measured:
        """Measure it; `use` has what is measured hold.

        Args:
            ask: Asks the host; returns its time in seconds and how much the answer may be off.
        """
        sent = self._clock.monotonic()
        host_time, off_by = ask()
        arrived = self._clock.monotonic()
        took = arrived - sent
        return Measured(host_time - (sent + arrived) / 2, took / 2 + off_by, arrived, took)

    def adopt(self, measured: Measured) -> None:
        """Go by a measurement that another process of this machine made, if it is newer than the own one."""
        if self._measured is None or measured.at > self._measured.at:
            self.use(measured)

    def use(self, measured: Measured) -> None:
        """Go by a measurement from now on."""
        with self._lock:
            self._measured = measured
            self._wall_ahead = self._clock.time() - self._clock.monotonic()
