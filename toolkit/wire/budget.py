"""How much may still be sent: pools, the server's own counts, pauses and bans.

One `Budget` serves every thread of a process that talks to the same exchange. A request is admitted
before it is sent (which may wait for the window to turn) and settled when its answer has come. The
counts in the answer's headers are the truth; what is in flight is counted on top of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from toolkit.catalogue import POOLS, Host, Pool
from toolkit.errors import BannedError
from toolkit.wire.clock import Clock, HostClock
from toolkit.wire.headers import (
    SHORTEST_BAN,
    Count,
    CountKind,
    read_counts,
    read_date,
    read_retry_after,
)
from toolkit.wire.stop import Stop

# Added to the turn of a window before it is trusted to have turned at the server, beside the
# uncertainty of its clock.
TURN_MARGIN = 0.02
REMEMBERED_CALLS = 100
REMEMBERED_WINDOWS = 60


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One request as the panels and logs may show it: no parameters, nothing secret.

    Attributes:
        at: When its answer came, seconds since 1970.
        door: Door or purpose it was sent for.
        method: HTTP method.
        path: Path without query.
        status: HTTP status, None where no answer came.
        weight: Weight it was charged.
        seconds: How long it took.
    """

    at: float
    door: str
    method: str
    path: str
    status: int | None
    weight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process of this machine used of a counter in the running window.

    Attributes:
        pid: Its number.
        name: What it runs: the notebook of a kernel, or the script.
        here: Whether it is this very process.
        used: Weight of its answered requests.
        in_flight: Weight of those that have not been answered yet.
    """

    pid: int
    name: str
    here: bool
    used: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class PoolUse:
    """State of one counter, which every process of this machine shares.

    Attributes:
        pool: The pool.
        path: The endpoint that has this counter to itself, "" where the pool is shared.
        door: The door that used it last.
        used: Weight used in the running window by everybody on this address, by the server's count
            where it gave one.
        in_flight: Weight of this machine's requests that have not been answered yet.
        limit: Weight allowed in a window.
        turns_at: When the window turns, seconds since 1970 by this machine's clock.
        history: Start of each recent window (seconds since 1970) and the weight used in it, oldest
            first; the running one is last.
        seconds: Length of a window.
        others: Weight used by programs that do not share this budget, at least.
        own_history: As `history`, of this process alone.
        processes: The processes of this machine that used it in the running window.
    """

    pool: Pool
    path: str
    door: str
    used: int
    in_flight: int
    limit: int
    turns_at: float
    history: tuple[tuple[float, int], ...]
    seconds: int = 60
    others: int = 0
    own_history: tuple[tuple[float, int], ...] = ()
    processes: tuple[ProcessUse, ...] = ()

    @property
    def share(self) -> float:
        """Used share of the limit."""
        return (self.used + self.in_flight) / self.limit

    @property
    def own(self) -> int:
        """Weight of this process's answered requests in the running window."""
        return sum(process.used for process in self.processes if process.here)


@dataclass(frozen=True, slots=True)
class OtherCount:
    """A count the server gave that no pool of ours is charged with, such as orders.

    Attributes:
        host: The host that counts.
        kind: What it counts.
        seconds: Length of its window.
        used: How many, when it was last told.
        limit: How many are allowed, None where that was not told.
        turns_at: When its window turns, seconds since 1970 by this machine's clock.
    """

    host: Host
    kind: CountKind
    seconds: int
    used: int
    limit: int | None
    turns_at: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a panel shows of a budget.

    Attributes:
        now: When it was taken, seconds since 1970.
        pools: Counters in use.
        calls: Recent calls, oldest first.
        waiting_for: What a request waits for at this moment, "" where nothing waits.
        waiting_until: When it goes on, seconds since 1970.
        paused: Hosts that asked for a pause (429), and when it ends.
        banned_until: When the ban of this address ends, None where there is none.
        other_counts: Counts the servers gave that no pool of ours is charged with, such as orders.
        alone: Why this process keeps its budget to itself, "" where the machine shares one.
    """

    now: float
    pools: tuple[PoolUse, ...]
    calls: tuple[CallRecord, ...]
    waiting_for: str
    waiting_until: float
    paused: Mapping[Host, float]
    banned_until: float | None
    other_counts: tuple[OtherCount, ...]
    alone: str = ""


@dataclass(slots=True)
class _Counter:
    """Weight used of a pool by window, so that a clock measured anew finds again what it counted."""

    pool: Pool
    path: str
    door: str = ""
    window: int = 0
    by_window: dict[int, int] = field(default_factory=dict)
    in_flight: int = 0

    @property
    def used(self) -> int:
        return self.by_window.get(self.window, 0)

    def add(self, weight: int) -> None:
        self.by_window[self.window] = self.used + weight
        self._forget()

    def believe(self, window: int, used: int) -> None:
        self.by_window[window] = max(self.by_window.get(window, 0), used)
        self._forget()

    def _forget(self) -> None:
        while len(self.by_window) > REMEMBERED_WINDOWS:
            del self.by_window[min(self.by_window)]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to send one request."""

    pool: Pool
    path: str
    weight: int
    door: str
    method: str
    window: int
    sent_at: float


class Budget:
    """What may still be sent from here, shared by threads.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
    """

    def __init__(self, clock: Clock, host_clocks: Mapping[Host, HostClock]) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._limits = {pool.name: pool.limit for pool in POOLS}
        self._turned = threading.Condition()
        self._counters: dict[tuple[str, str], _Counter] = {}
        self._calls: deque[CallRecord] = deque(maxlen=REMEMBERED_CALLS)
        # Ends of pauses, bans and waits are kept by the monotonic clock, which nobody sets.
        self._paused: dict[Host, float] = {}
        self._banned_until: float | None = None
        self._ban_message = ""
        self._waiting: dict[int, tuple[str, float]] = {}
        self._other_counts: dict[tuple[Host, CountKind, int], int] = {}
        self._watchers: list[Callable[[], None]] = []

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

        Args:
            pool: What the weight is charged to.
            path: Path of the endpoint.
            weight: Weight of the request.
            door: Door or purpose it is sent for.
            method: HTTP method.
            stop: Ends the wait when it is set; it is told what is waited for.
            share: Part of the limit this machine may use up for this request.

        Raises:
            BannedError: This address is banned; nothing may be sent.
            Stopped: `stop` was set.
        """
        me = threading.get_ident()
        try:
            while True:
                if stop is not None:
                    stop.check()
                with self._turned:
                    wait, reason = self._obstacle(pool, path, weight, door)
                    if wait <= 0:
                        waited = self._waiting.pop(me, None)
                        if stop is not None:
                            stop.waits.pop(me, None)
                        counter = self._counter(pool, path)
                        counter.in_flight += weight
                        counter.door = door
                        reservation = Reservation(
                            pool, path, weight, door, method, counter.window, self._clock.monotonic()
                        )
                        break
                    self._waiting[me] = (reason, self._clock.monotonic() + wait)
                    if stop is not None:
                        stop.waits[me] = self._waiting[me]
                self._tell()
                with self._turned:
                    # Asked again under the lock: what was in the way may be gone by now, and its
                    # notification with it.
                    wait, _ = self._obstacle(pool, path, weight, door)
                    if wait > 0:
                        self._clock.wait(self._turned, wait)
        except BaseException:
            with self._turned:
                self._waiting.pop(me, None)
                if stop is not None:
                    stop.waits.pop(me, None)
            self._tell()
            raise
        if waited:
            try:
                self._tell()
            except BaseException:  # an interrupt while a panel or a bar redraws
                self.release(reservation)
                raise
        return reservation

    def settle(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Record what came of a request; `status` None where no answer came."""
        headers = headers or {}
        pool = reservation.pool
        now = self._clock.time()
        with self._turned:
            counter = self._counter(pool, reservation.path)
            counter.in_flight -= reservation.weight
            counted = self._take_counts(reservation, headers)
            if not counted:
                counter.add(reservation.weight)
            self._calls.append(
                CallRecord(
                    at=now,
                    door=reservation.door,
                    method=reservation.method,
                    path=reservation.path,
                    status=status,
                    weight=reservation.weight,
                    seconds=self._clock.monotonic() - reservation.sent_at,
                )
            )
            if status == 429:
                self._pause(pool, headers, now)
            elif status == 418:
                after = read_retry_after(headers, now)
                self._ban(pool, SHORTEST_BAN if after is None else after)
            self._turned.notify_all()
        self._tell()

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation whose request never left this machine."""
        with self._turned:
            self._counter(reservation.pool, reservation.path).in_flight -= reservation.weight
            self._turned.notify_all()

    def stop(self, stop: Stop) -> None:
        """Set `stop`, and wake the threads of its fetch that wait here."""
        stop.set()
        with self._turned:
            self._turned.notify_all()

    def set_limits(self, limits: Mapping[str, int]) -> None:
        """Allow other weights per window than the documented ones, by name of pool."""
        with self._turned:
            self._limits |= limits
            self._turned.notify_all()

    def limit(self, pool: Pool) -> int:
        """Weight a pool allows in a window."""
        return self._limits[pool.name]

    # -- for those who look on -----------------------------------------------------------------

    @property
    def banned_until(self) -> datetime | None:
        """When the ban of this address ends, None where there is none."""
        with self._turned:
            if self._banned_until is None or self._clock.monotonic() >= self._banned_until:
                return None
            return datetime.fromtimestamp(self._wall(self._banned_until), UTC)

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each answer and at each wait, in the thread that fetches.

        It has to return at once and must not raise; `snapshot` tells it what there is to see.

        Returns:
            A function that ends the watch.
        """
        with self._turned:
            self._watchers.append(watcher)

        def unwatch() -> None:
            with self._turned:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)

        return unwatch

    def ban(self, pool: Pool, seconds: float) -> None:
        """Send nothing for so long: the exchange said so in words, not in a header."""
        with self._turned:
            self._ban(pool, seconds)
            self._turned.notify_all()
        self._tell()

    def own_wait(self) -> tuple[str, float] | None:
        """What the calling thread waits for and until when (seconds since 1970); None where it does not."""
        with self._turned:
            wait = self._waiting.get(threading.get_ident())
            return None if wait is None else (wait[0], self._wall(wait[1]))

    def snapshot(self) -> Snapshot:
        """Everything there is to see at this moment."""
        with self._turned:
            now, ticks = self._clock.time(), self._clock.monotonic()
            soonest = min(self._waiting.values(), key=lambda wait: wait[1], default=("", 0.0))
            banned = self._banned_until
            return Snapshot(
                now=now,
                pools=tuple(self._use(counter, now) for counter in self._counters.values()),
                calls=tuple(self._calls),
                waiting_for=soonest[0],
                waiting_until=self._wall(soonest[1]) if soonest[0] else 0.0,
                paused={host: self._wall(end) for host, end in self._paused.items() if end > ticks},
                banned_until=self._wall(banned) if banned is not None and banned > ticks else None,
                other_counts=tuple(
                    OtherCount(host, kind, seconds, used, None, now)
                    for (host, kind, seconds), used in self._other_counts.items()
                ),
            )

    # -- the rules, all under the lock -----------------------------------------------------------

    def _obstacle(self, pool: Pool, path: str, weight: int, door: str) -> tuple[float, str]:
        """Seconds to wait before this request may go, and for what; 0 where nothing is in the way."""
        now = self._clock.monotonic()
        if self._banned_until is not None:
            if now < self._banned_until:
                end = datetime.fromtimestamp(self._wall(self._banned_until), UTC)
                raise BannedError(door, self._ban_message, end)
            self._banned_until = None
        pause = self._paused.get(pool.host, 0.0) - now
        if pause > 0:
            return pause, f"{pool.host} asked to wait"
        counter = self._counter(pool, path)
        spoken_for = counter.used + counter.in_flight
        # A request heavier than the whole limit goes alone: the exchange may know better.
        if spoken_for + weight <= self._limits[pool.name] or spoken_for == 0:
            return 0.0, ""
        return self._until_turn(pool), f"{pool.name} is used up"

    def _wall(self, ticks: float) -> float:
        """A moment of the monotonic clock in seconds since 1970."""
        return self._clock.time() + ticks - self._clock.monotonic()

    def _until_turn(self, pool: Pool) -> float:
        host_clock = self._host_clocks[pool.host]
        return pool.seconds - host_clock.time() % pool.seconds + host_clock.error + TURN_MARGIN

    def _counter(self, pool: Pool, path: str) -> _Counter:
        """The counter a request is charged to, turned to the running window."""
        own = "" if pool.shared else path
        counter = self._counters.get((pool.name, own))
        if counter is None:
            counter = self._counters[pool.name, own] = _Counter(pool, own)
        host_clock = self._host_clocks[pool.host]
        # Until the turn is certain the old window's use is believed: a clock that is a little ahead
        # must not spend the next allowance too early.
        counter.window = int((host_clock.time() - host_clock.error) // pool.seconds)
        return counter

    def _take_counts(self, reservation: Reservation, headers: Mapping[str, str]) -> bool:
        """Believe the server's counts; whether one of them was for this request's pool."""
        pool, path = reservation.pool, reservation.path
        counted = False
        answered = read_date(headers)
        for count in read_counts(headers):
            counting = _pool_of(pool, count)
            if counting is None:
                self._other_counts[pool.host, count.kind, count.seconds] = count.used
                continue
            counter = self._counter(counting, path)
            window = counter.window if answered is None else int(answered // counting.seconds)
            if counting != pool or window <= reservation.window:
                counter.believe(window, count.used)
            else:
                # Sent before the turn of the window and answered after it: the count may be of either.
                # Taken for the old one's, or a full minute would seem to fill the new one too; our own
                # weight is held against the new one all the same.
                counter.believe(reservation.window, count.used)
                counter.add(reservation.weight)
            counted = counted or counting == pool
        return counted

    def _pause(self, pool: Pool, headers: Mapping[str, str], now: float) -> None:
        after = read_retry_after(headers, now)
        wait = self._until_turn(pool) if after is None else after
        self._paused[pool.host] = max(self._paused.get(pool.host, 0.0), self._clock.monotonic() + wait)

    def _ban(self, pool: Pool, seconds: float) -> None:
        self._banned_until = max(self._banned_until or 0.0, self._clock.monotonic() + seconds)
        self._ban_message = f"{pool.host} banned this address"

    def _use(self, counter: _Counter, now: float) -> PoolUse:
        self._counter(counter.pool, counter.path)  # turns it
        known = {counter.window: counter.used} | counter.by_window
        host_clock = self._host_clocks[counter.pool.host]
        host_now = host_clock.time()
        seconds = counter.pool.seconds
        return PoolUse(
            pool=counter.pool,
            path=counter.path,
            door=counter.door,
            used=counter.used,
            in_flight=counter.in_flight,
            limit=self._limits[counter.pool.name],
            turns_at=now + seconds - host_now % seconds,
            history=tuple((window * seconds, used) for window, used in sorted(known.items())),
        )

    def _tell(self) -> None:
        with self._turned:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()


# Which kind of count the header of each pool is.
_KINDS: Mapping[str, CountKind] = {pool.name: read_counts({pool.header: "0"})[0].kind for pool in POOLS}


def _pool_of(asked: Pool, count: Count) -> Pool | None:
    """The pool that a count in an answer speaks of."""
    for pool in POOLS:
        if (pool.prefix, _KINDS[pool.name], pool.seconds) == (asked.prefix, count.kind, count.seconds):
            return pool
    return None
