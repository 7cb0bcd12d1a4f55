"""What a user sees of the budget: to look at, and nothing that changes it."""

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
    """What the exchange has counted on this machine, and what may still be sent.

    Args:
        budget: What it is a view of.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    @property
    def local_only_reason(self) -> str:
        """Why this process keeps its budget to itself although it should not, "" otherwise."""
        return self._budget.local_only_reason

    @property
    def banned_until(self) -> datetime | None:
        """When the ban of this address ends, by the exchange's clock; None where there is none."""
        return self._budget.banned_until

    @property
    def store(self) -> Path | None:
        """The file that all processes of this machine share, None where none is wanted."""
        return self._budget.store

    def limit(self, rate_limit: RateLimit) -> int:
        """Weight a pool allows in a window."""
        return self._budget.limit(rate_limit)

    def snapshot(self) -> Snapshot:
        """Everything there is to see at this moment, of all processes of this machine."""
        return self._budget.snapshot()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each answer and at each wait, in the thread that fetches.

        It has to return at once; `snapshot` tells it what there is to see. An error that it raises is
        logged, the first time, and harms no request: what came back is not lost. An interrupt goes through.

        Returns:
            A function that ends the watch.
        """
        return self._budget.watch(watcher)

    def __repr__(self) -> str:
        return "BudgetView: alone, banned_until, ledger, limit, snapshot, watch"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a budget is not pickled or copied: make a Link in each process, and all of this machine share "
            "one budget; `budget.snapshot()` and `link.usage()` can be pickled"
        )
