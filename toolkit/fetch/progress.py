"""One bar for a fetch that takes longer than a second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from toolkit.plan import Span
from toolkit.wire.budget import Budget
from toolkit.wire.clock import Clock
from toolkit.wire.sender import Tally

if TYPE_CHECKING:
    from tqdm.std import tqdm

PATIENCE = 1.0  # seconds; what is quicker shows nothing
REDRAW_EVERY = 0.1


class Progress:
    """How far a fetch has come: through its span, in rows and requests, and what it waits for.

    Only the main thread shows one, which is where cells run: a bar of another thread would land in
    whatever cell is running.

    Args:
        door: What is fetched.
        span: The whole span, None where there is none.
        tally: Requests are counted here.
        budget: Tells of waits.
        clock: This machine's clock.
        wanted: Whether a bar may be shown at all.
    """

    def __init__(
        self, door: str, span: Span | None, tally: Tally, *, budget: Budget, clock: Clock, wanted: bool
    ) -> None:
        self._door = door
        self._span = span
        self._tally = tally
        self._budget = budget
        self._clock = clock
        self._began = clock.monotonic()
        self._rows = 0
        self._through = 0
        self._drawn = self._began
        self._bar: tqdm[Any] | None = None
        self._unwatch: Callable[[], None] | None = None
        self._wanted = wanted and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Progress:
        if self._wanted:
            self._unwatch = self._budget.watch(self._told)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._unwatch is not None:
            self._unwatch()
        if self._bar is not None:
            self._bar.close()

    def arrived(self, rows: int, through: int | None = None) -> None:
        """So many rows are here by now, and everything before this moment (milliseconds)."""
        self._rows = rows
        if through is not None and self._span is not None:
            self._through = through - self._span.start
        self._show("")

    def _told(self) -> None:
        wait = self._budget.own_wait()
        if wait and threading.current_thread() is threading.main_thread():
            reason, until = wait
            self._show(f"{reason}: goes on at {datetime.fromtimestamp(until, UTC):%H:%M:%S} UTC")

    def _show(self, waiting: str) -> None:
        if not self._wanted:
            return
        now = self._clock.monotonic()
        if not waiting and (now - self._began < PATIENCE or now - self._drawn < REDRAW_EVERY):
            return
        self._drawn = now
        if self._bar is None:
            self._bar = _bar(self._door, self._span)
        if self._span is not None:
            self._bar.n = min(self._through, self._span.length)
        said = [f"{self._rows:,} rows", f"{self._tally.requests:,} requests", waiting]
        self._bar.unit = " · ".join(filter(None, said))
        self._bar.refresh()


def _bar(door: str, span: Span | None) -> tqdm[Any]:
    from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread that looks after it

    # What is said of rows and requests goes where the unit would stand.
    through = "{desc}: {percentage:3.0f}%|{bar}| {unit}"
    return Bar(
        total=span.length if span else None,
        desc=door,
        bar_format=through if span else "{desc}: {unit}",
        leave=False,
    )
