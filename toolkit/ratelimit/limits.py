"""The limits in force: set by the user, reported by the exchange, or documented."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from toolkit.endpoints import RATE_LIMITS, RateLimit
from toolkit.errors import RateLimitError
from toolkit.ratelimit.records import ReportedLimit
from toolkit.ratelimit.store import RateLimitStore
from toolkit.timing.clock import Clock

# A reported limit is valid for a day. After a failed request for it, the next one is made ten minutes later.
LIMITS_VALID_S = 86_400.0
LIMITS_RETRY_S = 600.0
# Limits that other processes stored are read at this interval.
LIMITS_REREAD_S = 10.0
# As in "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
_STATED = re.compile(r"current limit is ([1-9][0-9]{0,17}) request weight per ")


def check_weight(error: RateLimitError, weight: int, limit: int) -> None:
    """Raise where a request is refused because it fits in no window, however long it waits.

    Args:
        error: The refusal.
        weight: The weight of the request.
        limit: The limit that is known, unless the refusal states one.

    Raises:
        RateLimitError: It fits in none.
    """
    stated = _STATED.search(error.message)
    limit = int(stated[1]) if stated else limit
    if weight > limit:
        advice = (
            f"One such request weighs {weight:,}, more than the rate limit of {limit:,}: waiting does not "
            "help. Ask for less at once, where the call has an argument for it."
        )
        raise RateLimitError(
            error.endpoint, error.status, error.code, error.message, error.retry_after, advice=advice
        )


class LimitTable:
    """The limits in force for every rate limit. Changes need the budget's lock; reads do not.

    Args:
        clock: This machine's clock.
        store: The store that all processes share.
    """

    def __init__(self, clock: Clock, store: RateLimitStore) -> None:
        self._clock = clock
        self._store = store
        self._overrides: dict[str, int] = {}
        self._current_until: dict[str, float] = {}
        self.read()

    def set_overrides(self, overrides: Mapping[str, int]) -> None:
        """Allow other weights per window than the exchange does, by name of the rate limit."""
        self._overrides |= overrides

    def limit(self, rate_limit: RateLimit) -> int:
        """Return the weight allowed in a window."""
        return self._overrides.get(rate_limit.name) or self.in_force(rate_limit).limit

    def in_force(self, rate_limit: RateLimit) -> ReportedLimit:
        """Return the exchange's weight limit, with the length of its window."""
        return self._in_force[rate_limit.name]

    def reported(self, rate_limit: RateLimit) -> Sequence[ReportedLimit]:
        """Return every limit that the exchange reported for a rate limit, of weight or of orders."""
        return self._reported.get(rate_limit.name, ())

    def is_current(self, rate_limit: RateLimit) -> bool:
        """Whether the limit was reported within a day, or the exchange does not report it at all."""
        return not rate_limit.limits_path or self._clock.monotonic() < self._current_until.get(
            rate_limit.name, -math.inf
        )

    def update_limits(self, rate_limit: RateLimit, limits: Sequence[ReportedLimit]) -> None:
        """Store the limits that the exchange reported; an empty sequence means that the request failed."""
        if limits:
            self._store.update_limits(rate_limit.name, limits)
            self.read()
        else:
            self._current_until[rate_limit.name] = self._clock.monotonic() + LIMITS_RETRY_S

    def invalidate(self, rate_limit: RateLimit) -> None:
        """Mark a limit as outdated, so that it is requested again; until then it stays in force."""
        self._store.invalidate_limits(rate_limit.name)
        self._current_until.pop(rate_limit.name, None)

    def read(self) -> None:
        """Read the limits that any process stored; those older than a day are requested again."""
        now, ticks = self._clock.time(), self._clock.monotonic()
        reported: dict[str, list[ReportedLimit]] = {}
        for rate_limit, entry, reported_at in self._store.limits():
            if entry.limit <= 0 or entry.seconds <= 0:
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
        """Read the stored limits where that was not done recently."""
        if self._clock.monotonic() >= self._next_read_at:
            self.read()


def _in_force(rate_limit: RateLimit, reported: Iterable[ReportedLimit]) -> ReportedLimit:
    """Return the limit of weight, or of requests: as reported, or else as documented."""
    # Of several, take the one whose count the response headers report, or else the strictest.
    return min(
        (entry for entry in reported if entry.kind == "weight"),
        key=lambda entry: (entry.seconds != rate_limit.seconds, entry.limit / entry.seconds),
        default=ReportedLimit("weight", rate_limit.seconds, rate_limit.limit),
    )
