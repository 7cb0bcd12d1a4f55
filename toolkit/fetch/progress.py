"""One bar for a fetch that takes longer than a second."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from toolkit.fetch.bar import Bar
from toolkit.interruptions import forgiving
from toolkit.plan import Span
from toolkit.wire.calls import Tally
from toolkit.wire.clock import Clock
from toolkit.wire.stop import LONG_WAIT, Stop, moment

PATIENCE = LONG_WAIT  # seconds; what is quicker shows nothing
REDRAW_EVERY = 0.1

_LOG = logging.getLogger(__name__)
_followed = threading.local()


@contextmanager
def follow(told: Callable[[int], None]) -> Iterator[None]:
    """Have the fetches of this thread tell how many rows have arrived, at least each half second.

    What `told` raises ends the fetch, as an interrupt would, and carries the rows that had arrived.
    """
    before = getattr(_followed, "told", None)
    _followed.told = told
    try:
        yield
    finally:
        _followed.told = before


class Progress:
    """How far a fetch has come: through its span, in rows and requests, and what it waits for.

    Only the main thread shows one, which is where cells run: a bar of another thread would land in
    whatever cell is running. It is drawn by the thread that fetches and no other.

    Args:
        door: What is fetched.
        span: The whole span, None where there is none.
        tally: Requests are counted here.
        stop: Knows what the threads of the fetch wait for.
        clock: This machine's clock.
        wanted: Whether a bar may be shown at all.

    Attributes:
        patience: Seconds after which who waits for an answer looks again.
    """

    def __init__(
        self, door: str, span: Span | None, tally: Tally, *, stop: Stop, clock: Clock, wanted: bool
    ) -> None:
        self._door = door
        self._span = span
        self._tally = tally
        self._stop = stop
        self._clock = clock
        self._began = clock.monotonic()
        self._rows = 0
        self._through = 0
        self._drawn = self._began
        self._bar: Bar | None = None
        self._told: Callable[[int], None] | None = getattr(_followed, "told", None)
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        # Never for ever: on Windows an interrupt is noticed only between two waits.
        self.patience = REDRAW_EVERY if self._wanted else 0.5

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if kind is None and self._span is not None:
                self._bar.n = self._span.length  # a bar that stops short of its end would stay, in red
            self._bar.close()

    def arrived(self, rows: int, through: int) -> None:
        """So many rows are here by now, and everything before this moment (milliseconds)."""
        self._rows = rows
        if self._span is not None:
            self._through = through - self._span.start
        self._show("")
        self._tell()

    def look(self, busy: int) -> None:
        """Say what the fetch waits for, where every one of its requests under way does."""
        self._tell()
        waits = list(self._stop.waits.values())
        if not waits or len(waits) < busy:
            self._show("")
            return
        wait = min(waits, key=lambda each: each.until)
        seconds = max(0.0, wait.until - self._clock.monotonic())
        at = moment(wait.ends, wait.ends - seconds)
        self._show(f"{wait.reason}: goes on in {math.ceil(seconds)} s, at {at}", seconds)

    def waits_here(self, door: str, said: str, seconds: float) -> Callable[[], None]:
        """Say what the calling thread waits for, where it fetches by itself: once, as it cannot count."""
        self._show(said, seconds)
        return lambda: None  # the bar goes on

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self._rows)

    def _show(self, waiting: str, seconds: float = 0.0) -> None:
        """Draw the bar, once the fetch takes longer than a second or will, with so many yet to wait."""
        now = self._clock.monotonic()
        is_quick = now + seconds - self._began < PATIENCE
        was_just_drawn = not waiting and now - self._drawn < REDRAW_EVERY
        if not self._wanted or is_quick or was_just_drawn:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = Bar(self._door, self._span.length if self._span else None)
        if self._span is not None:
            self._bar.n = min(self._through, self._span.length)
        said = [_plural(self._rows, "row"), _plural(self._tally.requests, "request"), waiting]
        self._bar.unit = " · ".join(filter(None, said))
        self._bar.refresh()


def notice(door: str, said: str, seconds: float) -> Callable[[], None]:
    """Show what a call waits for that has no bar, until it goes on: in the main thread, as bars are."""
    if seconds <= PATIENCE or threading.current_thread() is not threading.main_thread():
        return lambda: None
    bar = Bar(door, None)
    bar.unit = said
    bar.refresh()
    return bar.close


def count_down(what: str, seconds: float, ends: float, clock: Clock, *, wanted: bool) -> None:
    """Wait, and show for how long yet. It is logged as every wait is.

    Args:
        what: What is waited for.
        seconds: How long.
        ends: When that ends, in seconds since 1970 by the exchange's clock.
        clock: This machine's clock.
        wanted: Whether a bar may be shown at all.
    """
    at = moment(ends, ends - seconds)
    if seconds > PATIENCE:
        with forgiving(Exception):  # a handler of the user's
            _LOG.info("%s: goes on at %s", what, at)
    wanted = wanted and seconds > PATIENCE and threading.current_thread() is threading.main_thread()
    bar = Bar(what, None) if wanted else None
    end = clock.monotonic() + seconds
    try:
        while (left := end - clock.monotonic()) > 0:
            if bar is not None:
                bar.unit = f"{math.ceil(left)} s, until {at}"
                bar.refresh()
            clock.sleep(min(left, 1.0) if bar is not None else left)
    finally:
        if bar is not None:
            bar.close()


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
