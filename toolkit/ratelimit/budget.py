"""Decides when a request may be sent: rate limits, back-offs and bans.

One `Budget` serves every thread of a process that talks to the same exchange, and the store under it serves
every process of this machine. A request is admitted before it is sent, which may wait for the next window,
and its response is recorded afterwards. The exchange's counts in the response headers take precedence over
our own.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from toolkit.endpoints import RATE_LIMITS, Host, RateLimit
from toolkit.errors import BannedError, RateLimitError
from toolkit.ratelimit.counting import Obstacle
from toolkit.ratelimit.learned_weights import DeclaredWeight
from toolkit.ratelimit.limits import LimitTable
from toolkit.ratelimit.recorder import CountRecorder, Reservation
from toolkit.ratelimit.records import ALL_HOSTS, CounterKey, ReportedLimit, seconds_left
from toolkit.ratelimit.snapshot import CallRecord, Snapshot
from toolkit.ratelimit.store import REMEMBERED_WINDOWS, RateLimitStore
from toolkit.ratelimit.watchers import Watchers
from toolkit.ratelimit.windows import Windows
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving
from toolkit.timing.cancel import CancelToken, Wait, moment
from toolkit.timing.clock import Clock, ClockMeasurement, HostClock
from toolkit.timing.http_dates import MIN_BAN_S, made_at, read_retry_after, rounded_up

# Shortest pause after a 429, whatever its header says.
MIN_BACKOFF_S = 1.0
# Longest time that a request waits to be sent. A longer wait raises an error that gives its end.
MAX_WAIT_S = 600.0
# A 5XX with a Retry-After of up to this many seconds pauses every sender to that host. A longer one may be
# due to a single endpoint that is out of order, and does not stop the others.
MAX_SERVER_BACKOFF_S = 60.0
REMEMBERED_CALLS = 100
# Other processes' changes are polled: soon at first, then less often.
FIRST_POLL_S, MAX_POLL_S = 0.004, 0.1

_LOG = logging.getLogger(__name__)


class Budget:
    """Admits requests within the rate limits, which threads and (through the store) processes share.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, which times its windows.
        store: The store that all processes share. By default, one in memory.

    Attributes:
        learned_weights: Weights as the exchange counts them, where they differ from those declared.
    """

    def __init__(
        self, clock: Clock, host_clocks: Mapping[Host, HostClock], store: RateLimitStore | None = None
    ) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._store = store or RateLimitStore(None, clock)
        # Incremented by everything that may end a wait, so that no notification is missed.
        self._revision = 0
        self._limits = LimitTable(clock, self._store)
        self._windows = Windows(clock, host_clocks, self._limits)
        self._counts = CountRecorder(
            clock, host_clocks, self._store, limits=self._limits, windows=self._windows
        )
        self.learned_weights = self._counts.learned
        self._last_endpoint: dict[CounterKey, str] = {}
        self._own_history: dict[CounterKey, dict[int, int]]
        self._calls: deque[CallRecord]
        self._waiting: dict[int, Wait]
        self._watchers = Watchers()
        forks.renew(self.after_fork)

    # -- before and after a request ------------------------------------------------------------

    def admit(
        self,
        rate_limit: RateLimit,
        path: str,
        weight: int,
        endpoint: str,
        method: str = "GET",
        *,
        cancel: CancelToken | None = None,
        limit_fraction: float = 1.0,
    ) -> Reservation:
        """Reserve weight for a request, waiting for the next window where it does not fit.

        A wait of over a second is logged. A wait longer than `MAX_WAIT_S` raises an error instead.

        Args:
            rate_limit: The rate limit that is charged.
            path: Path of the request.
            weight: Weight of the request as declared; the weight learnt from responses is charged instead.
            endpoint: The endpoint or purpose it is sent for.
            method: HTTP method.
            cancel: Shows and logs the wait, and ends it when set.
            limit_fraction: Fraction of the limit that this machine may use up with this request.

        Raises:
            BannedError: This IP address is banned. Nothing was sent.
            RateLimitError: The wait would be too long. Nothing was sent.
            Cancelled: `cancel` was set.
        """
        thread = threading.get_ident()
        poll_s = FIRST_POLL_S
        waiting_for = ""
        reservation = None
        cancel = cancel or CancelToken(endpoint)
        began = self._clock.monotonic()
        try:
            while True:
                cancel.check()
                with self._lock:
                    revision = self._revision
                    result = self._try_reserve(
                        rate_limit, path, weight, endpoint, method=method, limit_fraction=limit_fraction
                    )
                    if isinstance(result, Reservation):
                        reservation = result
                        break
                    self._check_wait(endpoint, result, began)
                    self._waiting[thread] = result
                waiting_for, before = result.reason, waiting_for
                cancel.begin_wait(self._clock, result, began)
                if waiting_for != before:
                    self._watchers.notify()
                with self._lock:
                    if revision == self._revision:
                        left = result.until - self._clock.monotonic()
                        self._clock.wait(
                            self._changed_condition, max(min(left, poll_s) if result.soon else left, 0.0)
                        )
                poll_s = min(poll_s * 1.5, MAX_POLL_S)
        finally:
            if waiting_for:
                with self._lock:
                    self._waiting.pop(thread, None)
                try:
                    cancel.end_wait()
                    self._watchers.notify()
                except BaseException:  # an interrupt while a panel or a bar redraws
                    if reservation is not None:
                        self.release(reservation)
                    raise
        return reservation

    def _check_wait(self, endpoint: str, wait: Wait, began: float) -> None:
        """Raise `RateLimitError` where a wait is longer than `MAX_WAIT_S`."""
        now = self._clock.monotonic()
        if (now - began if wait.soon else wait.until - now) <= MAX_WAIT_S:
            return
        left = wait.until - now
        message = f"{wait.reason}, until {moment(wait.ends, wait.ends - left)}"
        advice = f"No call waits longer than {MAX_WAIT_S / 60:.0f} minutes. Call again after that time."
        raise RateLimitError(endpoint, 429, None, message, left, advice=advice)

    def record_response(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Record the response to a request; `status` is None where no response came."""
        headers = headers or {}
        rate_limit = reservation.rate_limit
        ticks = self._clock.monotonic()
        date = made_at(headers)
        if date is not None:
            self._host_clocks[rate_limit.host].use_date(date)
        now = self.exchange_time(rate_limit.host, headers)
        with self._lock:
            self._revision += 1
            self._counts.record(reservation, status, headers, ticks)
            own = self._own_history.setdefault(reservation.key, {})
            own[reservation.window] = own.get(reservation.window, 0) + reservation.weight
            if len(own) > REMEMBERED_WINDOWS:
                del own[min(own)]
            call = CallRecord(
                at=self.utc(rate_limit.host),
                endpoint=reservation.endpoint,
                method=reservation.method,
                path=reservation.path,
                status=status,
                weight=reservation.weight,
                seconds=ticks - reservation.sent_at,
            )
            self._calls.append(call)
            backoff = 0.0
            if status == 429:
                after = read_retry_after(headers, now)
                wait = self._windows.until_roll_over(reservation.key, rate_limit) if after is None else after
                backoff = max(wait, MIN_BACKOFF_S)
                self._store.back_off(rate_limit.host, backoff, now)
                self._limits.invalidate(rate_limit)  # the limit may have changed
            elif status == 418:
                backoff = read_retry_after(headers, now) or MIN_BAN_S
                self._store.back_off(ALL_HOSTS, backoff, now)
            elif status is not None and status >= 500:
                after = read_retry_after(headers, now)
                if after is not None and 0 < after <= MAX_SERVER_BACKOFF_S:
                    backoff = after
                    self._store.back_off(rate_limit.host, after, now)
            self._changed_condition.notify_all()
        _log(call, rate_limit.host, backoff)
        self._watchers.notify()

    def release(self, reservation: Reservation) -> None:
        """Return the weight of a request that was never sent."""
        with self._lock:
            self._revision += 1
            self._store.release(reservation.key, reservation.weight, reservation.window)
            self._changed_condition.notify_all()

    def back_off(self, rate_limit: RateLimit, path: str, seconds: float | None) -> None:
        """Pause all requests to a host, as after a 429.

        Args:
            rate_limit: A rate limit of the host.
            path: Path of the request.
            seconds: Length of the pause, None to wait for the next window.
        """
        with self._lock:
            self._revision += 1
            key = self._windows.key(rate_limit, path)
            wait = self._windows.until_roll_over(key, rate_limit) if seconds is None else seconds
            backoff = max(wait, MIN_BACKOFF_S)
            self._store.back_off(rate_limit.host, backoff, self.utc(rate_limit.host))
        with forgiving(Exception):
            _LOG.warning("%s asked to slow down: no requests to it for %.1f s", rate_limit.host, backoff)
        self._watchers.notify()

    def apply_ban(self, error: BannedError) -> None:
        """Stop all requests until the end that a response gives, in its body or in a header."""
        self.ban(error.retry_after or MIN_BAN_S)

    def ban(self, seconds: float) -> None:
        """Stop all requests to every host for a number of seconds."""
        with self._lock:
            self._revision += 1
            is_known = bool(seconds_left(self._store.backoffs(), ALL_HOSTS))
            self._store.back_off(ALL_HOSTS, seconds, self.utc())
            self._changed_condition.notify_all()
        if not is_known:  # a ban by a 418 has been logged already
            with forgiving(Exception):
                _LOG.warning("this address is banned: no requests for %.0f s", seconds)
        self._watchers.notify()

    def cancel(self, cancel: CancelToken) -> None:
        """Set `cancel` and wake the threads of its fetch that wait here."""
        cancel.set()
        with self._lock:
            self._revision += 1
            self._changed_condition.notify_all()

    def after_fork(self) -> None:
        """Set up locks and per-process state; called again in a forked child, which has one thread."""
        # Always entered through the lock: an interrupt while a condition is entered would leave it locked.
        self._lock = threading.RLock()
        self._changed_condition = threading.Condition(self._lock)
        self._waiting = {}
        self._own_history, self._calls = {}, deque(maxlen=REMEMBERED_CALLS)

    # -- limits and clocks -------------------------------------------------------------------------

    def set_limits(self, limits: Mapping[str, int]) -> None:
        """Allow other weights per window than the exchange does, by name of the rate limit."""
        with self._lock:
            self._revision += 1
            self._limits.set_overrides(limits)
            self._changed_condition.notify_all()

    def limit(self, rate_limit: RateLimit) -> int:
        """Return the weight allowed in a window of a rate limit."""
        return self._limits.limit(rate_limit)

    def has_current_limits(self, rate_limit: RateLimit) -> bool:
        """Whether the limit was reported to any process within a day, or is never reported."""
        if self._limits.is_current(rate_limit):
            return True
        with self._lock:
            self._limits.read()
            return self._limits.is_current(rate_limit)

    def update_limits(self, rate_limit: RateLimit, limits: list[ReportedLimit]) -> None:
        """Store the limits that the exchange reported; an empty list means that the request failed."""
        with self._lock:
            self._revision += 1
            self._limits.update_limits(rate_limit, limits)
            self._changed_condition.notify_all()

    def shared_clock(self, host: Host) -> ClockMeasurement | None:
        """Return the last measurement of a host's clock by any process of this machine."""
        with self._lock:
            return self._store.clock(host)

    def publish_clock(self, host: Host, measured: ClockMeasurement) -> None:
        """Share a measurement of a host's clock with the other processes of this machine."""
        with self._lock:
            self._store.set_clock(host, measured)

    def utc(self, host: Host | None = None) -> float:
        """Return the time in seconds since 1970, as `Windows.utc` does."""
        return self._windows.utc(host)

    def exchange_time(self, host: Host, headers: Mapping[str, str]) -> float:
        """Return the exchange's time at a response, as `Windows.exchange_time` does."""
        return self._windows.exchange_time(host, headers)

    # -- state -------------------------------------------------------------------------------------

    @property
    def banned_until(self) -> datetime | None:
        """End of the ban of this IP address, by the exchange's clock; None where there is none."""
        with self._lock:
            left = seconds_left(self._store.backoffs(), ALL_HOSTS)
        return rounded_up(self.utc() + left) if left else None

    @property
    def local_only_reason(self) -> str:
        """Why this process cannot share its budget with the other processes, "" where it can."""
        return self._store.problem

    @property
    def migration_problem(self) -> str:
        """What could not be read from an earlier version's file, "" where nothing was lost."""
        return self._store.migration_problem

    @property
    def path(self) -> Path | None:
        """Path of the file that all processes of this machine share, None where sharing is off."""
        return self._store.path

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each response and at each wait, as `BudgetView.watch` documents."""
        return self._watchers.add(watcher)

    def wait_in_thread(self, thread: int) -> Wait | None:
        """Return what a thread waits for, None where it does not wait."""
        with self._lock:
            return self._waiting.get(thread)

    def snapshot(self) -> Snapshot:
        """Return the state at this moment, for all processes of this machine."""
        with self._lock:
            now, ticks = self.utc(), self._clock.monotonic()
            stored = self._store.read()
            backoffs = self._store.backoffs()
            soonest = min(self._waiting.values(), key=lambda wait: wait.until, default=None)
            banned = seconds_left(backoffs, ALL_HOSTS)
            usage_of = partial(
                self._windows.usage_of,
                names=stored.processes,
                own_process=stored.own_process,
                now=now,
                last_endpoint=self._last_endpoint,
                own_history=self._own_history,
            )
            return Snapshot(
                now=now,
                rate_limits=tuple(usage for state in stored.counters if (usage := usage_of(state))),
                calls=tuple(self._calls),
                waiting_for=soonest.reason if soonest else "",
                waiting_until=now + soonest.until - ticks if soonest else 0.0,
                paused={
                    rate_limit.host: now + left
                    for rate_limit in RATE_LIMITS
                    if (left := seconds_left(backoffs, rate_limit.host))
                },
                banned_until=now + banned if banned else None,
                other_counts=tuple(
                    count for each in stored.other_counts if (count := self._windows.other_count(each, now))
                ),
                local_only_reason=self._store.problem,
            )

    # -- under the lock ----------------------------------------------------------------------------

    def _try_reserve(
        self,
        rate_limit: RateLimit,
        path: str,
        weight: int,
        endpoint: str,
        *,
        method: str,
        limit_fraction: float,
    ) -> Reservation | Wait:
        """Return a reservation, or the wait that is needed first."""
        now = self._clock.monotonic()
        self._limits.read_if_due()
        declared, weight = weight, self.learned_weights.weight_of(DeclaredWeight(method, path, weight))
        key = self._windows.key(rate_limit, path)
        result = self._store.reserve(
            key,
            endpoint,
            host=rate_limit.host,
            window_bounds=self._windows.window_bounds(key, rate_limit, now),
            weight=weight,
            limit_fraction=limit_fraction,
        )
        if isinstance(result, int):
            self._last_endpoint[key] = endpoint
            return Reservation(rate_limit, path, weight, endpoint, method, key, result, now, declared)
        if isinstance(result, str):
            reason = _REASONS[result].format(rate_limit.name)
            left = self._windows.until_roll_over(key, rate_limit)
            ends = self.utc(rate_limit.host) + left
            return Wait(reason, now + left, ends, result in ("in flight", "external"))
        banned = seconds_left(result, ALL_HOSTS)
        if banned:
            end = rounded_up(self.utc(rate_limit.host) + banned)
            raise BannedError(endpoint, f"{rate_limit.host} banned this address", end)
        left = seconds_left(result, rate_limit.host)
        return Wait(f"{rate_limit.host} asked to wait", now + left, self.utc(rate_limit.host) + left)


def _log(call: CallRecord, host: Host, backoff: float) -> None:
    """Log a request that has ended. An error of the user's logging handler loses no response."""
    with forgiving(Exception):
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug(
                "%s %s to %s: %s, weight %d, %.0f ms",
                call.method,
                call.path,
                host,
                "no response" if call.status is None else call.status,
                call.weight,
                call.seconds * 1000,
            )
        if call.status == 418:
            _LOG.warning("%s banned this address (418): no requests for %.0f s", host, backoff)
        elif backoff:
            _LOG.warning("%s responded %s: no requests to it for %.1f s", host, call.status, backoff)


_REASONS: Mapping[Obstacle, str] = {
    "in flight": "{} is used up",
    "used up": "{} is used up",
    "limit fraction": "this Link's fraction of {} is used up",
    "external": "the rest of {} is left to other programs",
}
