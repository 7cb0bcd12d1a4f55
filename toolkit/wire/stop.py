"""Telling the threads of one fetch to give up, and knowing what they wait for."""

from __future__ import annotations

import threading

from toolkit.wire.clock import Clock


class Stopped(Exception):  # noqa: N818 - no error: it ends a thread's work and never reaches a user
    """The fetch this thread works for was stopped."""


class Stop:
    """Shared by the threads of one fetch.

    Attributes:
        waits: By thread: what it waits for and until when by the monotonic clock.
    """

    def __init__(self) -> None:
        # Entered as a plain lock: an interrupt that strikes while a condition is entered leaves it locked.
        self._lock = threading.RLock()
        self.condition = threading.Condition(self._lock)
        self.waits: dict[int, tuple[str, float]] = {}
        self._is_set = False

    def set(self) -> None:
        """Have every thread of the fetch give up as soon as it looks."""
        with self._lock:
            self._is_set = True
            self.condition.notify_all()

    def check(self) -> None:
        """Go on, or give up.

        Raises:
            Stopped: The fetch was stopped.
        """
        if self._is_set:
            raise Stopped

    def sleep(self, clock: Clock, seconds: float) -> None:
        """Let time pass, or give up meanwhile.

        Raises:
            Stopped: The fetch was stopped.
        """
        with self._lock:
            self.check()
            clock.wait(self.condition, seconds)
        self.check()
