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

from toolkit.catalogue import POOLS, Host, Pool
from toolkit.errors import BannedError, RateLimitError
from toolkit.interruptions import forgiving
from toolkit.storage import forks
from toolkit.wire.clock import Clock, HostClock, Measured
from toolkit.wire.http_dates import SHORTEST_BAN, at_the_latest, made_at, read_retry_after
from toolkit.wire.ledger import (
    EVERYWHERE,
    REMEMBERED_WINDOWS,
    Halt,
    Key,
    Ledger,
    Obstacle,
    Rule,
)
from toolkit.wire.recorder import CountRecorder, Reservation
from toolkit.wire.rules import Rules
from toolkit.wire.snapshot import CallRecord, Snapshot
from toolkit.wire.stop import Stop, Wait, moment
from toolkit.wire.watchers import Watchers
from toolkit.wire.windows import Windows

# A 429 is never answered by sending again at once, whatever its header says.
SHORTEST_PAUSE = 1.0
# Seconds that a request waits to be sent, whatever for. Where that is not enough, an error says until when.
LONGEST_WAIT = 600.0
# A 5XX that asks to be left alone for so many seconds at most is: by every sender to that host. What asks for
# longer may be one endpoint that is out of order, and does not stop the others.
LONGEST_REST = 60.0
REMEMBERED_CALLS = 100
# What another process does with the budget is only seen by looking: soon at first, then less often.
FIRST_LOOK, LAST_LOOK = 0.004, 0.1

_LOG = logging.getLogger(__name__)


class Budget:
    """What may still be sent from this machine, shared by threads and, through the ledger, by processes.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
        ledger: The record that all processes share; one of its own, in memory, when not given.
    """

    def __init__(
        self, clock: Clock, host_clocks: Mapping[Host, HostClock], ledger: Ledger | None = None
    ) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._ledger = ledger or Ledger(None, clock)
        # Grows with everything that may end a wait, so that no notification is missed.
        self._news = 0
        self._rules = Rules(clock, self._ledger)
        self._windows = Windows(clock, host_clocks, self._rules)
        self._counts = CountRecorder(
            clock, host_clocks, self._ledger, rules=self._rules, windows=self._windows
        )
        self._doors: dict[Key, str] = {}
        self._own: dict[Key, dict[int, int]]
        self._calls: deque[CallRecord]
        self._waiting: dict[int, Wait]
        self._watchers = Watchers()
        forks.renew(self.after_fork)

    # -- before and after a request ------------------------------------------------------------

    def admit(
        self,
        pool: Pool,
        path: str,
        weight: int,
        door: str,
        method: str = "GET",
        *,
        stop: Stop | None = None,
        share: float = 1.0,
    ) -> Reservation:
        """Reserve weight, waiting for the window to turn where it does not fit.

        A wait of over a second is said; one that would be longer than `LONGEST_WAIT` is not waited for.

        Args:
            pool: What the weight is charged to.
            path: Path of the endpoint.
            weight: Weight of the request.
            door: Door or purpose it is sent for.
            method: HTTP method.
            stop: Ends the wait when it is set; it is told what is waited for, and says so.
            share: Part of the limit this machine may use up for this request.

        Raises:
            BannedError: This address is banned; nothing may be sent.
            RateLimitError: It would have to wait too long; nothing was sent.
            Stopped: `stop` was set.
        """
        me = threading.get_ident()
        look = FIRST_LOOK
        told = ""
        reservation = None
        stop = stop or Stop(door)
        began = self._clock.monotonic()
        try:
            while True:
                stop.check()
                with self._lock:
                    news = self._news
                    found = self._try(pool, path, weight, door, method=method, share=share)
                    if isinstance(found, Reservation):
                        reservation = found
                        break
                    self._check_length(door, found, began)
                    self._waiting[me] = found
                told, before = found.reason, told
                stop.waits_for(self._clock, found, began)
                if told != before:
                    self._watchers.tell()
                with self._lock:
                    if news == self._news:
                        left = found.until - self._clock.monotonic()
                        self._clock.wait(self._turned, max(min(left, look) if found.soon else left, 0.0))
                look = min(look * 1.5, LAST_LOOK)
        finally:
            if told:
                with self._lock:
                    self._waiting.pop(me, None)
                try:
                    stop.goes_on()
                    self._watchers.tell()
                except BaseException:  # an interrupt while a panel or a bar redraws
                    if reservation is not None:
                        self.release(reservation)
                    raise
        return reservation

    def _check_length(self, door: str, wait: Wait, began: float) -> None:
        """Raise where a wait is longer than anybody would want to wait without a word."""
        now = self._clock.monotonic()
        if (now - began if wait.soon else wait.until - now) <= LONGEST_WAIT:
            return
        left = wait.until - now
        said = f"{wait.reason}, until {moment(wait.ends, wait.ends - left)}"
        advice = f"No call waits longer than {LONGEST_WAIT / 60:.0f} minutes: call again then."
        raise RateLimitError(door, 429, None, said, left, advice=advice)

    def settle(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Record what came of a request; `status` None where no answer came."""
        headers = headers or {}
        pool = reservation.pool
        ticks = self._clock.monotonic()
        date = made_at(headers)
        if date is not None:
            self._host_clocks[pool.host].dated(date)
        now = self.exchange_time(pool.host, headers)
        with self._lock:
            self._news += 1
            self._counts.record(reservation, headers, ticks)
            own = self._own.setdefault(reservation.key, {})
            own[reservation.window] = own.get(reservation.window, 0) + reservation.weight
            if len(own) > REMEMBERED_WINDOWS:
                del own[min(own)]
            call = CallRecord(
                at=self.utc(pool.host),
                door=reservation.door,
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
                wait = self._windows.until_turn(reservation.key, pool) if after is None else after
                backoff = max(wait, SHORTEST_PAUSE)
                self._ledger.halt(pool.host, backoff, now)
                self._rules.doubt(pool)  # the limit may be another than was told
            elif status == 418:
                backoff = read_retry_after(headers, now) or SHORTEST_BAN
                self._ledger.halt(EVERYWHERE, backoff, now)
            elif status is not None and status >= 500:
                after = read_retry_after(headers, now)
                if after is not None and 0 < after <= LONGEST_REST:
                    backoff = after
                    self._ledger.halt(pool.host, after, now)
            self._turned.notify_all()
        _log(call, pool.host, backoff)
        self._watchers.tell()

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation whose request never left this machine."""
        with self._lock:
            self._news += 1
            self._ledger.release(reservation.key, reservation.weight, reservation.window)
            self._turned.notify_all()

    def pause(self, pool: Pool, path: str, seconds: float | None) -> None:
        """Send nothing to a pool's host for so long, or until its window turns: as a 429 would have it."""
        with self._lock:
            self._news += 1
            key = self._windows.key(pool, path)
            wait = self._windows.until_turn(key, pool) if seconds is None else seconds
            backoff = max(wait, SHORTEST_PAUSE)
            self._ledger.halt(pool.host, backoff, self.utc(pool.host))
        with forgiving(Exception):
            _LOG.warning("%s asked to slow down: no requests to it for %.1f s", pool.host, backoff)
        self._watchers.tell()

    def obey(self, error: BannedError) -> None:
        """Send nothing for as long as an answer said: in words, perhaps, and not in a header."""
        self.ban(error.retry_after or SHORTEST_BAN)

    def ban(self, seconds: float) -> None:
        """Send nothing anywhere for so long."""
        with self._lock:
            self._news += 1
            is_known = bool(_left(self._ledger.halts(), EVERYWHERE))
            self._ledger.halt(EVERYWHERE, seconds, self.utc())
            self._turned.notify_all()
        if not is_known:  # where a 418 told it, that has been logged
            with forgiving(Exception):
                _LOG.warning("this address is banned: no requests for %.0f s", seconds)
        self._watchers.tell()

    def stop(self, stop: Stop) -> None:
        """Set `stop`, and wake the threads of its fetch that wait here."""
        stop.set()
        with self._lock:
            self._news += 1
            self._turned.notify_all()

    def after_fork(self) -> None:
        """Begin, or begin anew in a child: what the parent's threads hold or wait for is not the child's."""
        # Entered as a plain lock: an interrupt that strikes while a condition is entered leaves it locked.
        self._lock = threading.RLock()
        self._turned = threading.Condition(self._lock)
        self._waiting = {}
        self._own, self._calls = {}, deque(maxlen=REMEMBERED_CALLS)

    # -- limits and clocks -------------------------------------------------------------------------

    def set_limits(self, limits: Mapping[str, int]) -> None:
        """Allow other weights per window than the exchange's, by name of pool."""
        with self._lock:
            self._news += 1
            self._rules.set_own(limits)
            self._turned.notify_all()

    def limit(self, pool: Pool) -> int:
        """Weight a pool allows in a window."""
        return self._rules.limit(pool)

    def knows_rules(self, pool: Pool) -> bool:
        """Whether the limit in force was told not long ago, to this process or another, or need not be."""
        if self._rules.are_known(pool):
            return True
        with self._lock:
            self._rules.read()
            return self._rules.are_known(pool)

    def learn(self, pool: Pool, rules: list[Rule]) -> None:
        """Take over what the exchange says is in force; nothing where it could not be asked."""
        with self._lock:
            self._news += 1
            self._rules.learn(pool, rules)
            self._turned.notify_all()

    def shared_clock(self, host: Host) -> Measured | None:
        """How a host's clock goes by the last measurement of any process of this machine."""
        with self._lock:
            return self._ledger.clock(host)

    def share_clock(self, host: Host, measured: Measured) -> None:
        """Tell the other processes of this machine how a host's clock goes."""
        with self._lock:
            self._ledger.set_clock(host, measured)

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
            left = _left(self._ledger.halts(), EVERYWHERE)
        return at_the_latest(self.utc() + left) if left else None

    @property
    def alone(self) -> str:
        """Why this process keeps its budget to itself although it should not, "" otherwise."""
        return self._ledger.problem

    @property
    def left_behind(self) -> str:
        """What could not be taken over from the version of the package before, "" where nothing was left."""
        return self._ledger.left_behind

    @property
    def ledger(self) -> Path | None:
        """The file that all processes of this machine share, None where none is wanted."""
        return self._ledger.path

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each answer and at each wait, as `BudgetView.watch` says."""
        return self._watchers.add(watcher)

    def wait_of(self, thread: int) -> Wait | None:
        """What a thread waits for at this moment, None where it does not."""
        with self._lock:
            return self._waiting.get(thread)

    def snapshot(self) -> Snapshot:
        """Everything there is to see at this moment, of all processes of this machine."""
        with self._lock:
            now, ticks = self.utc(), self._clock.monotonic()
            pages, others, names, me = self._ledger.read()
            halts = self._ledger.halts()
            soonest = min(self._waiting.values(), key=lambda wait: wait.until, default=None)
            banned = _left(halts, EVERYWHERE)
            look = partial(self._windows.use, names=names, me=me, now=now, doors=self._doors, own=self._own)
            return Snapshot(
                now=now,
                pools=tuple(use for page in pages if (use := look(page))),
                calls=tuple(self._calls),
                waiting_for=soonest.reason if soonest else "",
                waiting_until=now + soonest.until - ticks if soonest else 0.0,
                paused={pool.host: now + left for pool in POOLS if (left := _left(halts, pool.host))},
                banned_until=now + banned if banned else None,
                other_counts=tuple(other for each in others if (other := self._windows.other(each, now))),
                alone=self._ledger.problem,
            )

    # -- the rules, all under the lock -----------------------------------------------------------

    def _try(
        self, pool: Pool, path: str, weight: int, door: str, *, method: str, share: float
    ) -> Reservation | Wait:
        """A reservation, or what is in its way."""
        now = self._clock.monotonic()
        self._rules.read_again()
        key = self._windows.key(pool, path)
        found = self._ledger.reserve(
            key,
            door,
            host=pool.host,
            turn=self._windows.turn(key, pool, now),
            weight=weight,
            share=share,
        )
        if isinstance(found, int):
            self._doors[key] = door
            return Reservation(pool, path, weight, door, method, key, found, now)
        if isinstance(found, str):
            reason = _REASONS[found].format(pool.name)
            left = self._windows.until_turn(key, pool)
            ends = self.utc(pool.host) + left
            return Wait(reason, now + left, ends, found in ("in flight", "others"))
        banned = _left(found, EVERYWHERE)
        if banned:
            end = at_the_latest(self.utc(pool.host) + banned)
            raise BannedError(door, f"{pool.host} banned this address", end)
        left = _left(found, pool.host)
        return Wait(f"{pool.host} asked to wait", now + left, self.utc(pool.host) + left)


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


def _left(halts: Iterable[Halt], host: str) -> float:
    """Seconds that a halt of this host still lasts; 0 where there is none."""
    return max((halt.left for halt in halts if halt.host == host), default=0.0)


_REASONS: Mapping[Obstacle, str] = {
    "in flight": "{} is used up",
    "used up": "{} is used up",
    "share": "this link's share of {} is used up",
    "others": "the rest of {} is left to other programs",
}
