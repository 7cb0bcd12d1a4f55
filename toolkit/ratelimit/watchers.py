"""Those who look on while requests are sent: told of each answer and each wait, and harmless."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving, let_through

_LOG = logging.getLogger(__name__)


class Watchers:
    """Functions that are called when there is something to see. A child begins with none."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[], None]]
        self._failed: list[Callable[[], None]]  # those of them that it has been said of
        forks.renew(self._begin)

    def _begin(self) -> None:
        self._lock = threading.RLock()  # a handler of a signal may end a watch
        self._watchers, self._failed = [], []

    def __len__(self) -> int:
        return len(self._watchers)

    def add(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call this one, too, until the function that is returned is called."""
        with self._lock:
            self._watchers.append(watcher)

        def unwatch() -> None:
            with self._lock:
                for watchers in (self._watchers, self._failed):
                    if watcher in watchers:
                        watchers.remove(watcher)

        return unwatch

    def tell(self) -> None:
        """Call them all. An error is logged, the first time; an interrupt goes through."""
        with self._lock:
            watchers = list(self._watchers)
        outside = sys.exception()
        for watcher in watchers:
            try:
                watcher()
            except Exception as error:  # noqa: BLE001 - an answer would be lost that has come
                let_through(error, outside)
                with self._lock:
                    is_first = watcher not in self._failed
                    if is_first:
                        self._failed.append(watcher)
                if is_first:
                    with forgiving(Exception):  # a handler of the user's
                        _LOG.exception("What watches the budget failed, which is not said again.")
