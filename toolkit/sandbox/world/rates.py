"""Which share of a fee the partner gets: more from new customers, and more since one day.

Shares are in hundredths, so that an income can be computed in whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from toolkit.sandbox.hashing import Int64Array

NEW_FOR_DAYS = 30
KICKBACK = 10
"""The customer's own share of the fee."""

_CHANGE_AFTER_DAYS = 550
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the fees of new customers, who joined less than 30 days ago, and of old ones."""

    new: int
    old: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares before and since a day.

    Attributes:
        before: The shares until then.
        since: The shares from then on.
        changed: That day, since 1970 (UTC).
    """

    before: Shares
    since: Shares
    changed: int

    @property
    def changed_on(self) -> date:
        """That day as a date."""
        return _EPOCH + timedelta(days=self.changed)

    def on(self, day: int) -> Shares:
        """The shares on a day since 1970 (UTC)."""
        return self.before if day < self.changed else self.since

    def of(self, days: Int64Array, ages: Int64Array) -> Int64Array:
        """The share on each day, of customers who joined so many days before."""
        new = ages < NEW_FOR_DAYS
        before = np.where(new, self.before.new, self.before.old)
        return np.where(days < self.changed, before, np.where(new, self.since.new, self.since.old))


def spot_rates(first_day: int) -> Rates:
    """Shares of the fees of spot trades, for a business that began on this day."""
    return Rates(Shares(new=40, old=30), Shares(new=45, old=35), first_day + _CHANGE_AFTER_DAYS)


def futures_rates(first_day: int) -> Rates:
    """Shares of the fees of futures trades, for a business that began on this day."""
    return Rates(Shares(new=25, old=15), Shares(new=30, old=20), first_day + _CHANGE_AFTER_DAYS)
