"""Turns at short work in which numpy, Arrow and SQLite release the interpreter's lock again and again.

In a fetch with a dozen threads, each release is a switch to another thread and back, and these switches cost
more than a second processor gains. So threads do such work one after the other. During a turn, a thread takes
no other lock and waits for nothing.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from toolkit.runtime import forks


class Turns:
    """The lock that all threads share."""

    def __init__(self) -> None:
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def next(self) -> AbstractContextManager[object]:
        """A turn for this thread.

        The main thread needs none: a signal handler that runs during its turn might need a lock of a thread
        that waits for the next turn.
        """
        is_main = threading.current_thread() is threading.main_thread()
        return nullcontext() if is_main else self._lock


TURNS = Turns()
