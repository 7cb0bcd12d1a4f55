"""A lock for short work in which numpy, Arrow and SQLite release the interpreter's lock again and again.

In a fetch with a dozen threads, each release is a switch to another thread and back, and these switches cost
more than a second processor gains. So threads do such work one after the other. While it has the lock, a
thread takes no other lock and waits for nothing.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from toolkit.runtime import forks

_lock: threading.Lock


def cpu_lock() -> AbstractContextManager[object]:
    """The lock, to be held in a `with` statement.

    The main thread goes without: a signal handler that runs meanwhile might need a lock of a thread that
    waits for this one.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return nullcontext() if is_main else _lock


def _make_lock() -> None:
    global _lock  # noqa: PLW0603 - the thread that holds it does not exist in a child
    _lock = threading.Lock()


forks.renew(_make_lock)
