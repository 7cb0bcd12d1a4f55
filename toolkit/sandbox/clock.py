"""The one clock the exchange goes by: tests hand in their own, so nothing ever sleeps."""

from __future__ import annotations

import time
from typing import Protocol


class TimeSource(Protocol):
    """Anything that tells the time."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...


class SystemTime:
    """The machine's own clock."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()
