"""Records the counts in response headers for every process of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from toolkit.endpoints import ENDPOINTS, RATE_LIMITS, Host, RateLimit
from toolkit.ratelimit.counting import CompletedRequest
from toolkit.ratelimit.headers import Count, CountKind, read_counts
from toolkit.ratelimit.learned_weights import DeclaredWeight, LearnedWeights
from toolkit.ratelimit.limits import LimitTable
from toolkit.ratelimit.records import CounterKey, ObservedCount
from toolkit.ratelimit.store import RateLimitStore
from toolkit.ratelimit.windows import Windows
from toolkit.timing.clock import Clock, HostClock
from toolkit.timing.http_dates import is_cached, made_at

# The server may count a request this much later than the `Date` of its response.
COUNT_DELAY_S = 1.0

# The kind of count in the header of each rate limit that has one.
_KINDS: Mapping[str, CountKind] = {
    rate_limit.name: count.kind
    for rate_limit in RATE_LIMITS
    for count in read_counts({rate_limit.header: "0"})
}
# Method and path of the endpoints whose counts are wrong, by the documentation.
_INACCURATE = frozenset((each.method, each.path) for each in ENDPOINTS if each.inaccurate_header)


class Reservation(NamedTuple):
    """Permission to send one request.

    Attributes:
        rate_limit: The rate limit that is charged.
        path: Path of the request.
        weight: The weight it is charged.
        endpoint: The endpoint or purpose it is sent for.
        method: HTTP method.
        key: Key of the counter.
        window: Number of the window that the weight is reserved in.
        sent_at: Time of the reservation, by the monotonic clock.
        declared_weight: Its weight as declared.
    """

    rate_limit: RateLimit
    path: str
    weight: int
    endpoint: str
    method: str
    key: CounterKey
    window: int
    sent_at: float
    declared_weight: int


class CountRecorder:
    """Records how requests ended, and learns what they weigh. The caller holds the budget's lock.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, which times its windows.
        store: The store that all processes share.
        limits: The limits in force.
        windows: The windows of all counters.

    Attributes:
        learned: The weights that differ from those declared.
    """

    def __init__(
        self,
        clock: Clock,
        host_clocks: Mapping[Host, HostClock],
        store: RateLimitStore,
        *,
        limits: LimitTable,
        windows: Windows,
    ) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._store = store
        self._limits = limits
        self._windows = windows
        self.learned = LearnedWeights(clock)

    def record(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str], ticks: float
    ) -> None:
        """Record how a request ended, and every count in its response.

        Args:
            reservation: The reservation of the request.
            status: Status of the response; None where none came.
            headers: Headers of the response; empty where none came.
            ticks: When it ended, by the monotonic clock.
        """
        rate_limit, key = reservation.rate_limit, reservation.key
        window_bounds = self._windows.window_bounds(key, rate_limit, ticks)
        is_usable = not is_cached(headers) and (reservation.method, reservation.path) not in _INACCURATE
        made = made_at(headers)
        count_window = None if made is None else int(made // key.seconds)
        if count_window is not None and count_window > window_bounds.window:
            # The host is in the next window already, or its `Date` is wrong.
            host_now, error = self._windows.reading(rate_limit.host)
            if count_window <= int((host_now + error + COUNT_DELAY_S) // key.seconds):
                window_bounds = window_bounds._replace(window=count_window, began=ticks)
            else:
                count_window = None
        reported: int | None = None
        for count in read_counts(headers) if is_usable else []:
            if count.kind == _KINDS.get(rate_limit.name) and count.seconds == key.seconds:
                reported = count.used
            else:
                self._record_other(rate_limit, reservation.path, count)
        elapsed = min(max((ticks - window_bounds.began) / key.seconds, 0.0), 1.0)
        sent = CompletedRequest(reservation.weight, reservation.window, reservation.sent_at, ticks, elapsed)
        recorded = self._store.record_response(key, sent, window_bounds, reported, count_window)
        # The counts of an account (UID) are not of one counter where a machine has keys of several.
        if rate_limit.scope == "IP" and rate_limit.header:
            is_certain = made is not None and _is_within(made, recorded.window, key.seconds)
            self.learned.observe(
                key,
                DeclaredWeight(reservation.method, reservation.path, reservation.declared_weight),
                recorded,
                reported if is_certain else None,
                is_good=status is not None and 200 <= status < 300,
            )

    def _record_other(self, charged: RateLimit, path: str, count: Count) -> None:
        """Record a count of another rate limit than the one that was charged, or of none of ours."""
        for rate_limit in RATE_LIMITS:
            seconds = self._limits.in_force(rate_limit).seconds
            if (rate_limit.prefix, _KINDS.get(rate_limit.name), seconds) == (
                charged.prefix,
                count.kind,
                count.seconds,
            ):
                key = CounterKey(rate_limit.name, "" if rate_limit.shared else path, seconds)
                self._store.record_count(
                    key, self._windows.window_bounds(key, rate_limit, self._clock.monotonic()), count.used
                )
                return
        window = int(self._host_clocks[charged.host].time() // count.seconds)
        self._store.record_other(ObservedCount(charged.host, count.kind, count.seconds, window, count.used))


def _is_within(made: float, window: int, seconds: int) -> bool:
    """Whether a request sent in a window was certainly counted in it, given the `Date` of its response."""
    latest = made + 1.0 + COUNT_DELAY_S  # a `Date` has whole seconds
    return int(made // seconds) == int(latest // seconds) == window
