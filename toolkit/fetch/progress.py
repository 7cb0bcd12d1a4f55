"""The progress of a fetch: one bar if it takes longer than a second."""

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

SHOW_AFTER_S = LOG_WAITS_OVER_S  # shorter fetches show nothing
REDRAW_INTERVAL_S = 0.1

_LOG = logging.getLogger(__name__)
_observers = threading.local()


@contextmanager
def follow(on_rows: Callable[[int], None]) -> Iterator[None]:
    """Report the number of rows received by the fetches of this thread, at least every half second.

    An exception from `on_rows` ends the fetch as an interrupt does, with the rows received so far.
    """
    before = getattr(_observers, "on_rows", None)
    _observers.on_rows = on_rows
    try:
        yield
    finally:
        _observers.on_rows = before


class Progress:
    """The progress of a fetch: through its span, in rows and requests, and what it waits for.

    Only the main thread, where cells run, shows a bar: that of another thread would appear in whatever cell
    is running. Only the thread that fetches draws it.

    Args:
        endpoint: The endpoint's name.
        span: The whole span, None if there is none.
        values: Number of values that it is fetched for.
        stats: Counts the requests.
        cancel: Knows what the threads of the fetch wait for.
        clock: This machine's clock.
        wanted: Whether a bar may be shown.

    Attributes:
        poll_interval_s: Maximum seconds to wait for a response before the progress is updated.
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
        values: int = 1,
    ) -> None:
        self._endpoint = endpoint
        self._length = None if span is None else span.length * values
        self._stats = stats
        self._cancel = cancel
        self._clock = clock
        self._started_at = clock.monotonic()
        self._rows = 0
        self._done_ms = 0
        self._drawn_at = self._started_at
        self._bar: Bar | None = None
        self._on_rows: Callable[[int], None] | None = getattr(_observers, "on_rows", None)
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        # Limited: on Windows an interrupt is noticed only between two waits.
        self.poll_interval_s = REDRAW_INTERVAL_S if self._wanted else 0.5

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if kind is None and self._length is not None:
                self._bar.n = self._length  # tqdm leaves a bar that stops early on screen, in red
            self._bar.close()

    def update(self, rows: int, done_ms: int) -> None:
        """Show the number of rows received, and how many milliseconds of the span are complete."""
        self._rows = rows
        self._done_ms = done_ms
        self._show("")
        self._report()

    def show_wait(self, busy: int) -> None:
        """Show what the fetch waits for, if all its requests under way are waiting."""
        self._report()
        waits = list(self._cancel.waits.values())
        if not waits or len(waits) < busy:
            self._show("")
            return
        wait = min(waits, key=lambda each: each.until)
        seconds = max(0.0, wait.until - self._clock.monotonic())
        at = moment(wait.ends, wait.ends - seconds)
        self._show(f"{wait.reason}: goes on in {math.ceil(seconds)} s, at {at}", seconds)

    def show_wait_here(self, endpoint: str, text: str, seconds: float) -> Callable[[], None]:
        """Show once what the calling thread waits for: it sends the requests itself and cannot count down."""
        self._show(text, seconds)
        return lambda: None  # the bar goes on

    def _report(self) -> None:
        if self._on_rows is not None:
            self._on_rows(self._rows)

    def _show(self, waiting: str, seconds: float = 0.0) -> None:
        """Draw the bar, if the fetch has taken longer than a second or will, given the wait."""
        now = self._clock.monotonic()
        is_quick = now + seconds - self._started_at < SHOW_AFTER_S
        was_just_drawn = not waiting and now - self._drawn_at < REDRAW_INTERVAL_S
        if not self._wanted or is_quick or was_just_drawn:
            return
        self._drawn_at = now
        if self._bar is None:
            self._bar = Bar(self._endpoint, self._length)
        if self._length is not None:
            self._bar.n = min(self._done_ms, self._length)
        text = [_plural(self._rows, "row"), _plural(self._stats.requests, "request"), waiting]
        self._bar.unit = " · ".join(filter(None, text))
        self._bar.refresh()


def notice(endpoint: str, text: str, seconds: float) -> Callable[[], None]:
    """Show in the main thread what a call without a bar waits for; return a function that ends that."""
    if seconds <= SHOW_AFTER_S or threading.current_thread() is not threading.main_thread():
        return lambda: None
    bar = Bar(endpoint, None)
    bar.unit = text
    bar.refresh()
    return bar.close


def count_down(what: str, seconds: float, ends: float, clock: Clock, *, wanted: bool) -> None:
    """Wait, and show the time left. It is logged as every wait is.

    Args:
        what: What is waited for.
        seconds: How long.
        ends: When the wait ends, in seconds since 1970 by the exchange's clock.
        clock: This machine's clock.
        wanted: Whether a bar may be shown.
    """
    at = moment(ends, ends - seconds)
    if seconds > SHOW_AFTER_S:
        with forgiving(Exception):  # from a log handler of the user
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
