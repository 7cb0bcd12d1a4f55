"""A progress bar that cannot disturb the fetch it shows: if drawing fails, the bar is dropped."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.text.printable import printable

if TYPE_CHECKING:
    from tqdm.std import tqdm


class Bar:
    """A tqdm bar, if it can be drawn.

    There may be no stderr (under cron or pythonw), a closed pipe, a full disk, or a notebook that no longer
    exists: whatever drawing raises ends the bar and nothing else.

    Args:
        title: What is being done.
        total: End of the bar; None if it is not known, for a line of text.

    Attributes:
        n: Progress so far.
        unit: Text beside the bar.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self.n = 0
        self.unit = ""
        self._bar: tqdm[Any] | None = None
        self._try(lambda: self._make(title, total))

    def refresh(self) -> None:
        """Draw the bar in its present state."""
        self._try(lambda: self._draw("refresh"))

    def close(self) -> None:
        """Remove the bar."""
        self._try(lambda: self._draw("close"))

    def _make(self, title: str, total: int | None) -> None:
        self._bar = _bar(title, total)

    def _draw(self, how: str) -> None:
        if self._bar is not None:
            self._bar.n, self._bar.unit = self.n, printable(self.unit)
            getattr(self._bar, how)()

    def _try(self, draw: Callable[[], None]) -> None:
        outside = sys.exception()
        try:
            draw()
        except Exception as error:  # noqa: BLE001 - whatever the output raises
            self._bar = None
            let_through(error, outside)


_process = os.getpid()


def _renew_lock() -> None:
    """Give the bars of a forked child a new thread lock.

    tqdm has one lock for threads and one for processes, shared by all bars. The thread lock stays locked in
    the child if another thread was drawing at the fork. The process lock is kept: its holder still runs.
    """
    tqdm = sys.modules.get("tqdm.std")
    if tqdm is None or os.getpid() == _process:
        return
    with forgiving(Exception):  # an unknown version of tqdm: its bars may hang, as they would without this
        buffered, restarted = tqdm.TqdmDefaultWriteLock.th_lock, threading.RLock()
        tqdm.TqdmDefaultWriteLock.th_lock = restarted
        before = tqdm.tqdm.get_lock()
        if type(before) is tqdm.TqdmDefaultWriteLock:
            lock = tqdm.TqdmDefaultWriteLock()
            lock.locks = [restarted if each is buffered else each for each in before.locks]
            tqdm.tqdm.set_lock(lock)


forks.renew(_renew_lock)


def _bar(title: str, total: int | None) -> tqdm[Any]:
    from tqdm.auto import tqdm

    class Quiet(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no monitor thread

        @staticmethod
        def status_printer(*given: Any, **named: Any) -> Any:
            printer = tqdm.status_printer(*given, **named)
            if total is None and hasattr(printer, "children"):  # in a notebook it would be an empty grey box
                printer.children[1].layout.display = "none"
            return printer

        def refresh(self, nolock: bool = False, lock_args: Any = None) -> Any:
            """Draw the bar, and release the shared lock also if that fails, which tqdm itself does not."""
            if nolock:
                return super().refresh(nolock=True)
            with self.get_lock():  # type: ignore[no-untyped-call]
                return super().refresh(nolock=True)

        def __del__(self) -> None:
            """Do not draw a bar again on deletion, if it could not be drawn."""

    # The text about rows and requests takes the place of the unit.
    through = "{desc}: {percentage:3.0f}%|{bar}| {unit}"
    return Quiet(
        total=total,
        desc=printable(title),
        unit="",
        bar_format="{desc}: {unit}" if total is None else through,
        leave=False,
    )
