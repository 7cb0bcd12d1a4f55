"""A progress bar that never harms what it shows: one that cannot be drawn is dropped."""

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
    """A bar of tqdm's, where there is anything to draw it on.

    There may be no stderr (under cron or pythonw), a pipe that nobody reads any more, a full disk behind it,
    or a notebook that is gone: whatever drawing raises ends the bar and nothing else.

    Args:
        title: What is under way.
        total: Where the bar ends, None where that is not known: it is a line of text then.

    Attributes:
        n: How far it has come.
        unit: What is said beside it.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self.n = 0
        self.unit = ""
        self._bar: tqdm[Any] | None = None
        self._try(lambda: self._make(title, total))

    def refresh(self) -> None:
        """Draw it as it is now."""
        self._try(lambda: self._draw("refresh"))

    def close(self) -> None:
        """Take it away."""
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
        except Exception as error:  # noqa: BLE001 - of whatever it is drawn on
            self._bar = None
            let_through(error, outside)


_process = os.getpid()


def _renew_lock() -> None:
    """Give the bars of a child a lock of its threads.

    tqdm has one lock among threads and one among processes for all bars, and the former is held for ever
    where another thread drew at the moment of the fork. The latter goes on as it is: its holder still runs.
    """
    tqdm = sys.modules.get("tqdm.std")
    if tqdm is None or os.getpid() == _process:
        return
    with forgiving(Exception):  # another tqdm than is known: its bars may hang, as they did
        buffered, renewed = tqdm.TqdmDefaultWriteLock.th_lock, threading.RLock()
        tqdm.TqdmDefaultWriteLock.th_lock = renewed
        before = tqdm.tqdm.get_lock()
        if type(before) is tqdm.TqdmDefaultWriteLock:
            lock = tqdm.TqdmDefaultWriteLock()
            lock.locks = [renewed if each is buffered else each for each in before.locks]
            tqdm.tqdm.set_lock(lock)


forks.renew(_renew_lock)


def _bar(title: str, total: int | None) -> tqdm[Any]:
    from tqdm.auto import tqdm

    class Quiet(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread that looks after it

        @staticmethod
        def status_printer(*given: Any, **named: Any) -> Any:
            printer = tqdm.status_printer(*given, **named)
            if total is None and hasattr(printer, "children"):  # a notebook's: it would be an empty grey box
                printer.children[1].layout.display = "none"
            return printer

        def refresh(self, nolock: bool = False, lock_args: Any = None) -> Any:
            """Draw it, and let go of the lock of all bars where that fails, too; tqdm itself does not."""
            if nolock:
                return super().refresh(nolock=True)
            with self.get_lock():  # type: ignore[no-untyped-call]
                return super().refresh(nolock=True)

        def __del__(self) -> None:
            """One that could not be drawn is not drawn once more when it is thrown away."""

    # What is said of rows and requests goes where the unit would stand.
    through = "{desc}: {percentage:3.0f}%|{bar}| {unit}"
    return Quiet(
        total=total,
        desc=printable(title),
        unit="",
        bar_format="{desc}: {unit}" if total is None else through,
        leave=False,
    )
