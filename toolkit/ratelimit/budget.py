"""How much may still be sent: pools, the server's own counts, pauses and bans.

One `Budget` serves every thread of a process that talks to the same exchange, and the ledger under it
all processes of the machine. A request is admitted before it is sent (which may wait for the window to
turn) and settled when its answer has come. The counts in the answer's headers are the truth.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from toolkit.endpoints import RATE_LIMITS, Host, RateLimit
from toolkit.errors import BannedError, RateLimitError
from toolkit.ratelimit import (
    ALL_HOSTS,
    REMEMBERED_WINDOWS,
    Backoff,
    CounterKey,
    Obstacle,
    RateLimitStore,
    ReportedLimit,
)
from toolkit.ratelimit.limits import LimitTable
from toolkit.ratelimit.recorder import CountRecorder, Reservation
from toolkit.ratelimit.snapshot import CallRecord, Snapshot
from toolkit.ratelimit.watchers import Watchers
from toolkit.ratelimit.windows import Windows
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving
from toolkit.timing.cancel import CancelToken, Wait, moment
from toolkit.timing.clock import Clock, HostClock, Measured
from toolkit.timing.http_dates import MIN_BAN_S, made_at, read_retry_after, rounded_up

# A 429 is never answered by sending again at once, whatever its header says.
MIN_BACKOFF_S = 1.0
# Seconds that a request waits to be sent, whatever for. Where that is not enough, an error says until when.
MAX_WAIT_S = 600.0
# A 5XX that asks to be left alone for so many seconds at most is: by every sender to that host. What asks for
# longer may be one endpoint that is out of order, and does not stop the others.
MAX_SERVER_BACKOFF_S = 60.0
REMEMBERED_CALLS = 100
# What another process does with the budget is only seen by looking: soon at first, then less often.
FIRST_POLL_S, MAX_POLL_S = 0.004, 0.1

_LOG = logging.getLogger(__name__)


class Budget:
    """What may still be sent from this machine, shared by threads and, through the ledger, by processes.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
        store: The record that all processes share; one of its own, in memory, when not given.
    """

    def __init__(
        self, clock: Clock, host_clocks: Mapping[Host, HostClock], store: RateLimitStore | None = None
    ) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._store = store or RateLimitStore(None, clock)
        # Grows with everything that may end a wait, so that no notification is missed.
        self._revision = 0
        self._limits = LimitTable(clock, self._store)
        self._windows = Windows(clock, host_clocks, self._limits)
        self._counts = CountRecorder(
            clock, host_clocks, self._store, limits=self._limits, windows=self._windows
        )
        self._last_endpoint: dict[CounterKey, str] = {}
        self._own: dict[CounterKey, dict[int, int]]
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
        """Reserve weight, waiting for the window to turn where it does not fit.

        A wait of over a second is said; one that would be longer than `MAX_WAIT_S` is not waited for.

        Args:
            rate_limit: What the weight is charged to.
            path: Path of the endpoint.
            weight: Weight of the request.
            endpoint: Door or purpose it is sent for.
            method: HTTP method.
            cancel: Ends the wait when it is set; it is told what is waited for, and says so.
            limit_fraction: Part of the limit this machine may use up for this request.

        Raises:
            BannedError: This address is banned; nothing may be sent.
            RateLimitError: It would have to wait too long; nothing was sent.
            Stopped: `cancel` was set.
        """
        me = threading.get_ident()
        poll_s = FIRST_POLL_S
        told = ""
        reservation = None
        cancel = cancel or CancelToken(endpoint)
        began = self._clock.monotonic()
        try:
            while True:
                cancel.check()
                with self._lock:
                    revision = self._revision
                    found = self._try(
                        rate_limit, path, weight, endpoint, method=method, limit_fraction=limit_fraction
                    )
                    if isinstance(found, Reservation):
                        reservation = found
                        break
                    self._check_wait(endpoint, found, began)
                    self._waiting[me] = found
                told, before = found.reason, told
                cancel.begin_wait(self._clock, found, began)
                if told != before:
                    self._watchers.tell()
                with self._lock:
                    if revision == self._revision:
                        left = found.until - self._clock.monotonic()
                        self._clock.wait(
                            self._changed_condition, max(min(left, poll_s) if found.soon else left, 0.0)
                        )
                poll_s = min(poll_s * 1.5, MAX_POLL_S)
        finally:
            if told:
                with self._lock:
                    self._waiting.pop(me, None)
                try:
                    cancel.end_wait()
                    self._watchers.tell()
                except BaseException:  # an interrupt while a panel or a bar redraws
                    if reservation is not None:
                        self.release(reservation)
                    raise
        return reservation

    def _check_wait(self, endpoint: str, wait: Wait, began: float) -> None:
        """Raise where a wait is longer than anybody would want to wait without a word."""
        now = self._clock.monotonic()
        if (now - began if wait.soon else wait.until - now) <= MAX_WAIT_S:
            return
        left = wait.until - now
        said = f"{wait.reason}, until {moment(wait.ends, wait.ends - left)}"
        advice = f"No call waits longer than {MAX_WAIT_S / 60:.0f} minutes: call again then."
        raise RateLimitError(endpoint, 429, None, said, left, advice=advice)

    def record_response(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Record what came of a request; `status` None where no answer came."""
        headers = headers or {}
        rate_limit = reservation.rate_limit
        ticks = self._clock.monotonic()
        date = made_at(headers)
        if date is not None:
            self._host_clocks[rate_limit.host].dated(date)
        now = self.exchange_time(rate_limit.host, headers)
        with self._lock:
            self._revision += 1
            self._counts.record(reservation, headers, ticks)
            own = self._own.setdefault(reservation.key, {})
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
                self._limits.invalidate(rate_limit)  # the limit may be another than was told
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
        self._watchers.tell()

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation whose request never left this machine."""
        with self._lock:
            self._revision += 1
            self._store.release(reservation.key, reservation.weight, reservation.window)
            self._changed_condition.notify_all()

    def back_off(self, rate_limit: RateLimit, path: str, seconds: float | None) -> None:
        """Send nothing to a pool's host for so long, or until its window turns: as a 429 would have it."""
        with self._lock:
            self._revision += 1
            key = self._windows.key(rate_limit, path)
            wait = self._windows.until_roll_over(key, rate_limit) if seconds is None else seconds
            backoff = max(wait, MIN_BACKOFF_S)
            self._store.back_off(rate_limit.host, backoff, self.utc(rate_limit.host))
        with forgiving(Exception):
            _LOG.warning("%s asked to slow down: no requests to it for %.1f s", rate_limit.host, backoff)
        self._watchers.tell()

    def apply_ban(self, error: BannedError) -> None:
        """Send nothing for as long as an answer said: in words, perhaps, and not in a header."""
        self.ban(error.retry_after or MIN_BAN_S)

    def ban(self, seconds: float) -> None:
        """Send nothing anywhere for so long."""
        with self._lock:
            self._revision += 1
            is_known = bool(_left(self._store.backoffs(), ALL_HOSTS))
            self._store.back_off(ALL_HOSTS, seconds, self.utc())
            self._changed_condition.notify_all()
        if not is_known:  # where a 418 told it, that has been logged
            with forgiving(Exception):
                _LOG.warning("this address is banned: no requests for %.0f s", seconds)
        self._watchers.tell()

    def cancel(self, cancel: CancelToken) -> None:
        """Set `cancel`, and wake the threads of its fetch that wait here."""
        cancel.set()
        with self._lock:
            self._revision += 1
            self._changed_condition.notify_all()

    def after_fork(self) -> None:
        """Begin, or begin anew in a child: what the parent's threads hold or wait for is not the child's."""
        # Entered as a plain lock: an interrupt that strikes while a condition is entered leaves it locked.
        self._lock = threading.RLock()
        self._changed_condition = threading.Condition(self._lock)
        self._waiting = {}
        self._own, self._calls = {}, deque(maxlen=REMEMBERED_CALLS)

    # -- limits and clocks -------------------------------------------------------------------------

    def set_limits(self, limits: Mapping[str, int]) -> None:
        """Allow other weights per window than the exchange's, by name of pool."""
        with self._lock:
            self._revision += 1
            self._limits.set_overrides(limits)
            self._changed_condition.notify_all()

    def limit(self, rate_limit: RateLimit) -> int:
        """Weight a pool allows in a window."""
        return self._limits.limit(rate_limit)

    def has_current_limits(self, rate_limit: RateLimit) -> bool:
        """Whether the limit in force was told not long ago, to this process or another, or need not be."""
        if self._limits.is_current(rate_limit):
            return True
        with self._lock:
            self._limits.read()
            return self._limits.is_current(rate_limit)

    def update_limits(self, rate_limit: RateLimit, limits: list[ReportedLimit]) -> None:
        """Take over what the exchange says is in force; nothing where it could not be asked."""
        with self._lock:
            self._revision += 1
            self._limits.update_limits(rate_limit, limits)
            self._changed_condition.notify_all()

    def shared_clock(self, host: Host) -> Measured | None:
        """How a host's clock goes by the last measurement of any process of this machine."""
        with self._lock:
            return self._store.clock(host)

    def publish_clock(self, host: Host, measured: Measured) -> None:
        """Tell the other processes of this machine how a host's clock goes."""
        with self._lock:
            self._store.set_clock(host, measured)

    def utc(self, host: Host | None = None) -> float:
        """The time in seconds since 1970, as in `Windows.utc`."""
        return self._windows.utc(host)

    def exchange_time(self, host: Host, headers: Mapping[str, str]) -> float:
        """The time by which an answer's absolute times are meant, as in `Windows.exchange_time`."""
        return self._windows.exchange_time(host, headers)

    # -- for those who look on ---------------------------------------------------------------------

    @property
    def banned_until(self) -> datetime | None:
        """When the ban of this address ends, by the exchange's clock; None where there is none."""
        with self._lock:
            left = _left(self._store.backoffs(), ALL_HOSTS)
        return rounded_up(self.utc() + left) if left else None

    @property
    def local_only_reason(self) -> str:
        """Why this process keeps its budget to itself although it should not, "" otherwise."""
        return self._store.problem

    @property
    def left_behind(self) -> str:
        """What could not be taken over from the version of the package before, "" where nothing was left."""
        return self._store.left_behind

    @property
    def store(self) -> Path | None:
        """The file that all processes of this machine share, None where none is wanted."""
        return self._store.path

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each answer and at each wait, as `BudgetView.watch` says."""
        return self._watchers.add(watcher)

    def wait_in_thread(self, thread: int) -> Wait | None:
        """What a thread waits for at this moment, None where it does not."""
        with self._lock:
            return self._waiting.get(thread)

    def snapshot(self) -> Snapshot:
        """Everything there is to see at this moment, of all processes of this machine."""
        with self._lock:
            now, ticks = self.utc(), self._clock.monotonic()
            states, external, names, me = self._store.read()
            backoffs = self._store.backoffs()
            soonest = min(self._waiting.values(), key=lambda wait: wait.until, default=None)
            banned = _left(backoffs, ALL_HOSTS)
            poll_s = partial(
                self._windows.usage_of,
                names=names,
                me=me,
                now=now,
                last_endpoint=self._last_endpoint,
                own=self._own,
            )
            return Snapshot(
                now=now,
                rate_limits=tuple(usage for state in states if (usage := poll_s(state))),
                calls=tuple(self._calls),
                waiting_for=soonest.reason if soonest else "",
                waiting_until=now + soonest.until - ticks if soonest else 0.0,
                paused={
                    rate_limit.host: now + left
                    for rate_limit in RATE_LIMITS
                    if (left := _left(backoffs, rate_limit.host))
                },
                banned_until=now + banned if banned else None,
                other_counts=tuple(
                    other for each in external if (other := self._windows.other_count(each, now))
                ),
                local_only_reason=self._store.problem,
            )

    # -- the rules, all under the lock -----------------------------------------------------------

    def _try(
        self,
        rate_limit: RateLimit,
        path: str,
        weight: int,
        endpoint: str,
        *,
        method: str,
        limit_fraction: float,
    ) -> Reservation | Wait:
        """A reservation, or what is in its way."""
        now = self._clock.monotonic()
        self._limits.read_if_due()
        key = self._windows.key(rate_limit, path)
        found = self._store.reserve(
            key,
            endpoint,
            host=rate_limit.host,
            window_bounds=self._windows.window_bounds(key, rate_limit, now),
            weight=weight,
            limit_fraction=limit_fraction,
        )
        if isinstance(found, int):
            self._last_endpoint[key] = endpoint
            return Reservation(rate_limit, path, weight, endpoint, method, key, found, now)
        if isinstance(found, str):
            reason = _REASONS[found].format(rate_limit.name)
            left = self._windows.until_roll_over(key, rate_limit)
            ends = self.utc(rate_limit.host) + left
            return Wait(reason, now + left, ends, found in ("in flight", "external"))
        banned = _left(found, ALL_HOSTS)
        if banned:
            end = rounded_up(self.utc(rate_limit.host) + banned)
            raise BannedError(endpoint, f"{rate_limit.host} banned this address", end)
        left = _left(found, rate_limit.host)
        return Wait(f"{rate_limit.host} asked to wait", now + left, self.utc(rate_limit.host) + left)


def _log(call: CallRecord, host: Host, backoff: float) -> None:
    """Log a request that has ended. A handler is the user's, and one that fails loses no response."""
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
            _LOG.warning("%s answered %s: no requests to it for %.1f s", host, call.status, backoff)


def _left(backoffs: Iterable[Backoff], host: str) -> float:
    """Seconds that a halt of this host still lasts; 0 where there is none."""
    return max((back_off.left for back_off in backoffs if back_off.host == host), default=0.0)


_REASONS: Mapping[Obstacle, str] = {
    "in flight": "{} is used up",
    "used up": "{} is used up",
    "share": "this link's share of {} is used up",
    "external": "the rest of {} is left to other programs",
}
