"""One bar for a fetch that takes longer than a second."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from toolkit.fetch.bar import Bar
from toolkit.gateway.calls import RequestStats
from toolkit.planning import Span
from toolkit.runtime.interruptions import forgiving
from toolkit.timing.cancel import LOG_WAITS_OVER_S, CancelToken, moment
from toolkit.timing.clock import Clock

SHOW_AFTER_S = LOG_WAITS_OVER_S  # seconds; what is quicker shows nothing
REDRAW_EVERY = 0.1

_LOG = logging.getLogger(__name__)
_followed = threading.local()


@contextmanager
def follow(on_rows: Callable[[int], None]) -> Iterator[None]:
    """Have the fetches of this thread tell how many rows have arrived, at least each half second.

    What `on_rows` raises ends the fetch, as an interrupt would, and carries the rows that had arrived.
    """
    before = getattr(_followed, "on_rows", None)
    _followed.on_rows = on_rows
    try:
        yield
    finally:
        _followed.on_rows = before


class Progress:
    """How far a fetch has come: through its span, in rows and requests, and what it waits for.

    Only the main thread shows one, which is where cells run: a bar of another thread would land in
    whatever cell is running. It is drawn by the thread that fetches and no other.

    Args:
        endpoint: What is fetched.
        span: The whole span, None where there is none.
        stats: Requests are counted here.
        cancel: Knows what the threads of the fetch wait for.
        clock: This machine's clock.
        wanted: Whether a bar may be shown at all.

    Attributes:
        poll_interval_s: Seconds after which who waits for an answer looks again.
    """

    def __init__(
        self,
        endpoint: str,
        span: Span | None,
        stats: RequestStats,
        *,
        cancel: CancelToken,
        clock: Clock,
        wanted: bool,
    ) -> None:
        self._endpoint = endpoint
        self._span = span
        self._stats = stats
        self._cancel = cancel
        self._clock = clock
        self._began = clock.monotonic()
        self._rows = 0
        self._through = 0
        self._drawn = self._began
        self._bar: Bar | None = None
        self._on_rows: Callable[[int], None] | None = getattr(_followed, "on_rows", None)
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        # Never for ever: on Windows an interrupt is noticed only between two waits.
        self.poll_interval_s = REDRAW_EVERY if self._wanted else 0.5

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
        self._report()

    def show_wait(self, busy: int) -> None:
        """Say what the fetch waits for, where every one of its requests under way does."""
        self._report()
        waits = list(self._cancel.waits.values())
        if not waits or len(waits) < busy:
            self._show("")
            return
        wait = min(waits, key=lambda each: each.until)
        seconds = max(0.0, wait.until - self._clock.monotonic())
        at = moment(wait.ends, wait.ends - seconds)
        self._show(f"{wait.reason}: goes on in {math.ceil(seconds)} s, at {at}", seconds)

    def show_wait_here(self, endpoint: str, said: str, seconds: float) -> Callable[[], None]:
        """Say what the calling thread waits for, where it fetches by itself: once, as it cannot count."""
        self._show(said, seconds)
        return lambda: None  # the bar goes on

    def _report(self) -> None:
        if self._on_rows is not None:
            self._on_rows(self._rows)

    def _show(self, waiting: str, seconds: float = 0.0) -> None:
        """Draw the bar, once the fetch takes longer than a second or will, with so many yet to wait."""
        now = self._clock.monotonic()
        is_quick = now + seconds - self._began < SHOW_AFTER_S
        was_just_drawn = not waiting and now - self._drawn < REDRAW_EVERY
        if not self._wanted or is_quick or was_just_drawn:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = Bar(self._endpoint, self._span.length if self._span else None)
        if self._span is not None:
            self._bar.n = min(self._through, self._span.length)
        said = [_plural(self._rows, "row"), _plural(self._stats.requests, "request"), waiting]
        self._bar.unit = " · ".join(filter(None, said))
        self._bar.refresh()


def notice(endpoint: str, said: str, seconds: float) -> Callable[[], None]:
    """Show what a call waits for that has no bar, until it goes on: in the main thread, as bars are."""
    if seconds <= SHOW_AFTER_S or threading.current_thread() is not threading.main_thread():
        return lambda: None
    bar = Bar(endpoint, None)
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
    if seconds > SHOW_AFTER_S:
        with forgiving(Exception):  # a handler of the user's
            _LOG.info("%s: goes on at %s", what, at)
    wanted = wanted and seconds > SHOW_AFTER_S and threading.current_thread() is threading.main_thread()
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
