"""Cancels the threads of one call, and keeps track of what they wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from toolkit.runtime.interruptions import forgiving
from toolkit.timing.clock import Clock

# Longer waits are logged once, in seconds.
LOG_WAITS_OVER_S = 1.0

_LOG = logging.getLogger(__name__)


class Cancelled(Exception):  # noqa: N818 - it ends a thread's work and never reaches the user
    """The call that this thread works for was cancelled."""


class Wait(NamedTuple):
    """What a thread waits for.

    Attributes:
        reason: Why, in words.
        until: End of the wait, by the monotonic clock.
        ends: End of the wait in seconds since 1970, by the exchange's clock if known.
        soon: Whether it may end earlier: when a response arrives, here or in another process, or as time
            passes.
    """

    reason: str
    until: float
    ends: float
    soon: bool = False


Show = Callable[[str, str, float], Callable[[], None]]
"""Shows the wait of the calling thread. Takes the endpoint, a sentence and the seconds left; returns a
function that hides it again."""


def moment(at: float, now: float) -> str:
    """A moment for display: the time of day in UTC, with the date if it is not today."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    return f"{then:%H:%M:%S} UTC" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M:%S} UTC"


class CancelToken:
    """Cancellation of one call, shared by its threads.

    Args:
        endpoint: Name of the endpoint.
        show: Shows waits, including short ones, as many of them may add up; None to show nothing. Waits of
            over a second are also logged, at level INFO and once for all threads.

    Attributes:
        waits: What each thread waits for, by thread id.
        show: As given.
        condition: Notified when the call is cancelled.
    """

    def __init__(self, endpoint: str = "", show: Show | None = None) -> None:
        # Entered directly: an interrupt while a `Condition` is being entered would leave it locked.
        self._lock = threading.RLock()
        self.condition = threading.Condition(self._lock)
        self.waits: dict[int, Wait] = {}
        self.show = show
        self._endpoint = endpoint
        self._is_set = False
        self._logged: Wait | None = None
        self._shown: dict[int, tuple[Wait, Callable[[], None]]] = {}

    def set(self) -> None:
        """Cancel the call: every thread stops at its next check."""
        with self._lock:
            self._is_set = True
            self.condition.notify_all()

    def check(self) -> None:
        """Raise if the call was cancelled.

        Raises:
            Cancelled: The call was cancelled.
        """
        if self._is_set:
            raise Cancelled

    def sleep(self, clock: Clock, wait: Wait) -> None:
        """Wait, unless the call is cancelled.

        Raises:
            Cancelled: The call was cancelled.
        """
        try:
            self.begin_wait(clock, wait, clock.monotonic())
            with self._lock:
                self.check()
                clock.wait(self.condition, max(0.0, wait.until - clock.monotonic()))
        finally:
            self.end_wait()
        self.check()

    def end_wait(self) -> None:
        """Note that the calling thread no longer waits."""
        self.waits.pop(threading.get_ident(), None)
        self._hide()

    def begin_wait(self, clock: Clock, wait: Wait, began: float) -> None:
        """Note that the calling thread waits, until `end_wait`.

        Args:
            clock: This machine's clock.
            wait: The wait.
            began: When the thread began to wait, for any reason, by the monotonic clock.
        """
        me = threading.get_ident()
        self.waits[me] = wait
        now = clock.monotonic()
        left = wait.until - now
        has_lasted = now - began > LOG_WAITS_OVER_S
        if wait.soon and not has_lasted:  # shown only once it has lasted
            return
        shown = self._shown.get(me)
        if shown is not None and _is_same_wait(shown[0], wait):
            return
        self._hide()
        text = f"{wait.reason}: goes on at {moment(wait.ends, wait.ends - left)}"
        hide = _nothing
        with forgiving(Exception):  # a failing display must not disturb the call
            if has_lasted or left > LOG_WAITS_OVER_S:
                self._log(wait, text)
            if self.show is not None:
                hide = self.show(self._endpoint, text, left)
        self._shown[me] = wait, hide

    def _log(self, wait: Wait, text: str) -> None:
        with self._lock:
            before, self._logged = self._logged, wait
        if before is None or not _is_same_wait(before, wait):
            _LOG.info("%s: %s", self._endpoint, text)

    def _hide(self) -> None:
        _, hide = self._shown.pop(threading.get_ident(), (None, _nothing))
        with forgiving(Exception):
            hide()


def _is_same_wait(one: Wait, other: Wait) -> bool:
    return one.reason == other.reason and abs(one.until - other.until) < LOG_WAITS_OVER_S


def _nothing() -> None:
    """Hide nothing."""
