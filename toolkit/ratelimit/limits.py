"""Which limits are in force: the user's own, as the exchange told them, or as they are documented."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from toolkit.endpoints import RATE_LIMITS, RateLimit
from toolkit.ratelimit import RateLimitStore, ReportedLimit
from toolkit.timing.clock import Clock

# A limit that was told is believed for a day; where asking failed, it is asked for again after some minutes.
LIMITS_VALID_S = 86_400.0
LIMITS_RETRY_S = 600.0
# What other processes were told is taken over so often.
LIMITS_REREAD_S = 10.0


class LimitTable:
    """The limits of all pools. The budget, their only user, has a lock; who just looks needs none.

    Args:
        clock: This machine's clock.
        store: Where all processes write down what they were told.
    """

    def __init__(self, clock: Clock, store: RateLimitStore) -> None:
        self._clock = clock
        self._store = store
        self._overrides: dict[str, int] = {}
        self._current_until: dict[str, float] = {}
        self.read()

    def set_overrides(self, overrides: Mapping[str, int]) -> None:
        """Allow other weights per window than the exchange's, by name of pool."""
        self._overrides |= overrides

    def limit(self, rate_limit: RateLimit) -> int:
        """Weight a pool allows in a window."""
        return self._overrides.get(rate_limit.name) or self.in_force(rate_limit).most

    def in_force(self, rate_limit: RateLimit) -> ReportedLimit:
        """The exchange's limit of a pool's weight, its length of window with it."""
        return self._in_force[rate_limit.name]

    def reported(self, rate_limit: RateLimit) -> Sequence[ReportedLimit]:
        """Every limit of a pool as it was told, of weight or not."""
        return self._reported.get(rate_limit.name, ())

    def is_current(self, rate_limit: RateLimit) -> bool:
        """Whether the limit in force was told not long ago, or need not be."""
        return not rate_limit.limits_path or self._clock.monotonic() < self._current_until.get(
            rate_limit.name, -math.inf
        )

    def update_limits(self, rate_limit: RateLimit, limits: Sequence[ReportedLimit]) -> None:
        """Take over what the exchange says is in force; nothing where it could not be asked."""
        if limits:
            self._store.update_limits(rate_limit.name, limits)
            self.read()
        else:
            self._current_until[rate_limit.name] = self._clock.monotonic() + LIMITS_RETRY_S

    def invalidate(self, rate_limit: RateLimit) -> None:
        """Have a pool's limits asked for again; until then they stay in force."""
        self._store.invalidate_limits(rate_limit.name)
        self._current_until.pop(rate_limit.name, None)

    def read(self) -> None:
        """Take over what any process was told; what is older than a day is asked for again."""
        now, ticks = self._clock.time(), self._clock.monotonic()
        reported: dict[str, list[ReportedLimit]] = {}
        for rate_limit, entry, reported_at in self._store.limits():
            if entry.most <= 0 or entry.seconds <= 0:
                continue
            reported.setdefault(rate_limit, []).append(entry)
            if 0 <= now - reported_at < LIMITS_VALID_S:
                self._current_until[rate_limit] = ticks + LIMITS_VALID_S - (now - reported_at)
        self._reported = reported
        self._in_force = {
            rate_limit.name: _in_force(rate_limit, reported.get(rate_limit.name, ()))
            for rate_limit in RATE_LIMITS
        }
        self._next_read_at = ticks + LIMITS_REREAD_S

    def read_if_due(self) -> None:
        """Take it over where that was not done lately."""
        if self._clock.monotonic() >= self._next_read_at:
            self.read()


def _in_force(rate_limit: RateLimit, reported: Iterable[ReportedLimit]) -> ReportedLimit:
    """The limit of a pool's weight: as told, or else as documented."""
    # Of several the one whose count the answers tell, or else the strictest.
    return min(
        (entry for entry in reported if entry.kind == "weight"),
        key=lambda entry: (entry.seconds != rate_limit.seconds, entry.most / entry.seconds),
        default=ReportedLimit("weight", rate_limit.seconds, rate_limit.limit),
    )
