"""The clock that the sandbox reads: tests pass their own, so that nothing has to sleep."""

from __future__ import annotations

import time
from typing import Protocol


class TimeSource(Protocol):
    """A source of the current time."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...


class SystemTime:
    """This machine's clock."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()
