"""A read-only view of the budget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from toolkit.endpoints import RateLimit
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.snapshot import Snapshot
from toolkit.text.suggestions import Suggests


class BudgetView(Suggests):
    """The rate limits as this machine uses them, read-only.

    Args:
        budget: The budget to show.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    @property
    def local_only_reason(self) -> str:
        """Why this process cannot share its budget with the other processes, "" where it can."""
        return self._budget.local_only_reason

    @property
    def banned_until(self) -> datetime | None:
        """End of the ban of this IP address, by the exchange's clock; None where there is none."""
        return self._budget.banned_until

    @property
    def path(self) -> Path | None:
        """Path of the file that all processes of this machine share, None where sharing is off."""
        return self._budget.path

    def limit(self, rate_limit: RateLimit) -> int:
        """Return the weight allowed in a window of a rate limit."""
        return self._budget.limit(rate_limit)

    def snapshot(self) -> Snapshot:
        """Return the state of every rate limit at this moment, for all processes of this machine."""
        return self._budget.snapshot()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each response and at each wait, in the thread that sends the request.

        The function must return at once; it gets the current state from `snapshot`. Its first error is
        logged and no response is lost. An interrupt is raised.

        Args:
            watcher: The function, called without arguments.

        Returns:
            A function that ends the watch.
        """
        return self._budget.watch(watcher)

    def __repr__(self) -> str:
        return "BudgetView: local_only_reason, banned_until, path, limit, snapshot, watch"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a budget is not pickled or copied: make a Link in each process, and all processes of this "
            "machine share one budget; `budget.snapshot()` and `link.usage()` can be pickled"
        )
