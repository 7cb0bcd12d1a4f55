"""Telling the threads of one call to give up, knowing what they wait for, and saying so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from toolkit.runtime.interruptions import forgiving
from toolkit.timing.clock import Clock

# Seconds: a wait that is longer is said, once.
LOG_WAITS_OVER_S = 1.0

_LOG = logging.getLogger(__name__)


class Cancelled(Exception):  # noqa: N818 - no error: it ends a thread's work and never reaches a user
    """The fetch this thread works for was stopped."""


class Wait(NamedTuple):
    """What a thread waits for.

    Attributes:
        reason: In words.
        until: When it goes on, by the monotonic clock.
        ends: The same in seconds since 1970, by the exchange's clock where that is known.
        soon: It may go on before: by an answer, here or in another process, or as time passes.
    """

    reason: str
    until: float
    ends: float
    soon: bool = False


Show = Callable[[str, str, float], Callable[[], None]]
"""Shows the calling thread's wait: given who waits, what for and until when in words, and how many seconds
yet. What it returns takes that away again."""


def moment(at: float, now: float) -> str:
    """A moment as it is said: the time of day in UTC, with its date where that is not today."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    return f"{then:%H:%M:%S} UTC" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M:%S} UTC"


class CancelToken:
    """Shared by the threads of one call.

    Args:
        endpoint: What was called.
        show: Shows waits where nothing else does; short ones, too, as many of them may add up. A wait of over
            a second is logged whether or not it is shown, at level INFO and once for all threads.

    Attributes:
        waits: What each thread waits for, by its number.
    """

    def __init__(self, endpoint: str = "", show: Show | None = None) -> None:
        # Entered as a plain lock: an interrupt that strikes while a condition is entered leaves it locked.
        self._lock = threading.RLock()
        self.condition = threading.Condition(self._lock)
        self.waits: dict[int, Wait] = {}
        self.show = show
        self._endpoint = endpoint
        self._is_set = False
        self._logged: Wait | None = None
        self._shown: dict[int, tuple[Wait, Callable[[], None]]] = {}

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
            raise Cancelled

    def sleep(self, clock: Clock, wait: Wait) -> None:
        """Let time pass, or give up meanwhile.

        Raises:
            Stopped: The fetch was stopped.
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
        """The calling thread waits no longer."""
        self.waits.pop(threading.get_ident(), None)
        self._hide()

    def begin_wait(self, clock: Clock, wait: Wait, began: float) -> None:
        """The calling thread is about to wait, until `end_wait`.

        Args:
            clock: This machine's clock.
            wait: What for.
            began: When it began to wait, for whatever reason, by the monotonic clock.
        """
        me = threading.get_ident()
        self.waits[me] = wait
        now = clock.monotonic()
        left = wait.until - now
        has_lasted = now - began > LOG_WAITS_OVER_S
        if wait.soon and not has_lasted:  # what may end at any moment is only said when it has not
            return
        shown = self._shown.get(me)
        if shown is not None and _is_the_same(shown[0], wait):
            return
        self._hide()
        said = f"{wait.reason}: goes on at {moment(wait.ends, wait.ends - left)}"
        hide = _nothing
        with forgiving(Exception):  # what only shows never harms what is to be done
            if has_lasted or left > LOG_WAITS_OVER_S:
                self._log(wait, said)
            if self.show is not None:
                hide = self.show(self._endpoint, said, left)
        self._shown[me] = wait, hide

    def _log(self, wait: Wait, said: str) -> None:
        with self._lock:
            before, self._logged = self._logged, wait
        if before is None or not _is_the_same(before, wait):
            _LOG.info("%s: %s", self._endpoint, said)

    def _hide(self) -> None:
        _, hide = self._shown.pop(threading.get_ident(), (None, _nothing))
        with forgiving(Exception):
            hide()


def _is_the_same(one: Wait, other: Wait) -> bool:
    return one.reason == other.reason and abs(one.until - other.until) < LOG_WAITS_OVER_S


def _nothing() -> None:
    """There is nothing to take away."""
