"""Callbacks that run after each response and at each wait. Their errors never affect a request."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving, let_through

_LOG = logging.getLogger(__name__)


class Watchers:
    """Functions that are called when the state of the budget changes. A forked child starts with none."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[], None]]
        self._failed: list[Callable[[], None]]  # those whose first error was logged
        forks.renew(self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()  # a signal handler may end a watch
        self._watchers, self._failed = [], []

    def __len__(self) -> int:
        return len(self._watchers)

    def add(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Add a watcher. Returns a function that removes it."""
        with self._lock:
            self._watchers.append(watcher)

        def unwatch() -> None:
            with self._lock:
                for watchers in (self._watchers, self._failed):
                    if watcher in watchers:
                        watchers.remove(watcher)

        return unwatch

    def notify(self) -> None:
        """Call every watcher. The first error of each is logged; an interrupt is raised."""
        with self._lock:
            watchers = list(self._watchers)
        outside = sys.exception()
        for watcher in watchers:
            try:
                watcher()
            except Exception as error:  # noqa: BLE001 - or a response would be lost
                let_through(error, outside)
                with self._lock:
                    is_first = watcher not in self._failed
                    if is_first:
                        self._failed.append(watcher)
                if is_first:
                    with forgiving(Exception):  # the user's logging handler
                        _LOG.exception(
                            "A watcher of the budget failed. Further errors of this watcher are not logged."
                        )
