"""What an answer's headers tell of the counts, written down for every process of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from toolkit.endpoints import RATE_LIMITS, Host, RateLimit
from toolkit.ratelimit import CompletedRequest, CounterKey, ObservedCount, RateLimitStore
from toolkit.ratelimit.headers import Count, CountKind, read_counts
from toolkit.ratelimit.limits import LimitTable
from toolkit.ratelimit.windows import Windows
from toolkit.timing.clock import Clock, HostClock
from toolkit.timing.http_dates import is_cached, made_at

# How much later than its answer says the server may have counted.
COUNT_DELAY_S = 1.0

# Which kind of count the header of each pool is.
_KINDS: Mapping[str, CountKind] = {
    rate_limit.name: read_counts({rate_limit.header: "0"})[0].kind for rate_limit in RATE_LIMITS
}


class Reservation(NamedTuple):
    """Leave to send one request."""

    rate_limit: RateLimit
    path: str
    weight: int
    endpoint: str
    method: str
    key: CounterKey
    window: int
    sent_at: float


class CountRecorder:
    """Records how requests ended. The budget, its only user, has a lock.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
        store: The record that all processes share.
        limits: The limits in force.
        windows: The windows of all counters.
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

    def record(self, reservation: Reservation, headers: Mapping[str, str], ticks: float) -> None:
        """Write down how a request ended, and every count that its answer told.

        Args:
            reservation: What was reserved for the request.
            headers: Headers of its answer; none where no answer came.
            ticks: When it ended, by the monotonic clock.
        """
        rate_limit, key = reservation.rate_limit, reservation.key
        window_bounds = self._windows.window_bounds(key, rate_limit, ticks)
        is_old = is_cached(headers)  # its counts are of some time ago
        answered = made_at(headers)
        count_window = None if answered is None else int(answered // key.seconds)
        if count_window is not None and count_window > window_bounds.window:
            # The host has turned already, or its word on the time is not to be trusted.
            host_now, error = self._host_clocks[rate_limit.host].reading()
            if count_window <= int((host_now + error + COUNT_DELAY_S) // key.seconds):
                window_bounds = window_bounds._replace(window=count_window, began=ticks)
            else:
                count_window = None
        told: int | None = None
        for count in [] if is_old else read_counts(headers):
            if count.kind == _KINDS[rate_limit.name] and count.seconds == key.seconds:
                told = count.used
            else:
                self._record_other(rate_limit, reservation.path, count)
        elapsed = min(max((ticks - window_bounds.began) / key.seconds, 0.0), 1.0)
        sent = CompletedRequest(reservation.weight, reservation.window, reservation.sent_at, ticks, elapsed)
        self._store.record_response(key, sent, window_bounds, told, count_window)

    def _record_other(self, asked: RateLimit, path: str, count: Count) -> None:
        """A count of another pool than the one that was asked, or of none."""
        for rate_limit in RATE_LIMITS:
            seconds = self._limits.in_force(rate_limit).seconds
            if (rate_limit.prefix, _KINDS[rate_limit.name], seconds) == (
                asked.prefix,
                count.kind,
                count.seconds,
            ):
                key = CounterKey(rate_limit.name, "" if rate_limit.shared else path, seconds)
                self._store.record_count(
                    key, self._windows.window_bounds(key, rate_limit, self._clock.monotonic()), count.used
                )
                return
        window = int(self._host_clocks[asked.host].time() // count.seconds)
        self._store.record_other(ObservedCount(asked.host, count.kind, count.seconds, window, count.used))
