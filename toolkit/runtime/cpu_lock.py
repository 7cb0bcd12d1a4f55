"""A lock for short work in which numpy, Arrow and SQLite release the interpreter's lock again and again.

In a fetch with a dozen threads, each release is a switch to another thread and back, and these switches cost
more than a second processor gains. So threads do such work one after the other. While it has the lock, a
thread takes no other lock and waits for nothing.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from toolkit.runtime import forks


class CpuLock:
    """The lock that all threads but the main one share."""

    def __init__(self) -> None:
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def held(self) -> AbstractContextManager[object]:
        """Hold the lock.

        The main thread goes without: a signal handler that runs meanwhile might need a lock of a thread that
        waits for this one.
        """
        is_main = threading.current_thread() is threading.main_thread()
        return nullcontext() if is_main else self._lock


CPU_LOCK = CpuLock()
