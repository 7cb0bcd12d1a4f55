"""What an answer's headers tell of the counts, written down for every process of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from toolkit.catalogue import POOLS, Host, Pool
from toolkit.wire.clock import Clock, HostClock
from toolkit.wire.headers import Count, CountKind, read_counts
from toolkit.wire.http_dates import is_cached, made_at
from toolkit.wire.ledger import Key, Ledger, Other, Sent
from toolkit.wire.rules import Rules
from toolkit.wire.windows import Windows

# How much later than its answer says the server may have counted.
LATE = 1.0

# Which kind of count the header of each pool is.
_KINDS: Mapping[str, CountKind] = {pool.name: read_counts({pool.header: "0"})[0].kind for pool in POOLS}


class Reservation(NamedTuple):
    """Leave to send one request."""

    pool: Pool
    path: str
    weight: int
    door: str
    method: str
    key: Key
    window: int
    sent_at: float


class CountRecorder:
    """Records how requests ended. The budget, its only user, has a lock.

    Args:
        clock: This machine's clock.
        host_clocks: Each host's clock, by which windows turn.
        ledger: The record that all processes share.
        rules: The limits in force.
        windows: The windows of all counters.
    """

    def __init__(
        self,
        clock: Clock,
        host_clocks: Mapping[Host, HostClock],
        ledger: Ledger,
        *,
        rules: Rules,
        windows: Windows,
    ) -> None:
        self._clock = clock
        self._host_clocks = host_clocks
        self._ledger = ledger
        self._rules = rules
        self._windows = windows

    def record(self, reservation: Reservation, headers: Mapping[str, str], ticks: float) -> None:
        """Write down how a request ended, and every count that its answer told.

        Args:
            reservation: What was reserved for the request.
            headers: Headers of its answer; none where no answer came.
            ticks: When it ended, by the monotonic clock.
        """
        pool, key = reservation.pool, reservation.key
        turn = self._windows.turn(key, pool, ticks)
        is_old = is_cached(headers)  # its counts are of some time ago
        answered = made_at(headers)
        count_window = None if answered is None else int(answered // key.seconds)
        if count_window is not None and count_window > turn.window:
            # The host has turned already, or its word on the time is not to be trusted.
            host_now, error = self._host_clocks[pool.host].reading()
            if count_window <= int((host_now + error + LATE) // key.seconds):
                turn = turn._replace(window=count_window, began=ticks)
            else:
                count_window = None
        told: int | None = None
        for count in [] if is_old else read_counts(headers):
            if count.kind == _KINDS[pool.name] and count.seconds == key.seconds:
                told = count.used
            else:
                self._record_other(pool, reservation.path, count)
        elapsed = min(max((ticks - turn.began) / key.seconds, 0.0), 1.0)
        sent = Sent(reservation.weight, reservation.window, reservation.sent_at, ticks, elapsed)
        self._ledger.settle(key, sent, turn, told, count_window)

    def _record_other(self, asked: Pool, path: str, count: Count) -> None:
        """A count of another pool than the one that was asked, or of none."""
        for pool in POOLS:
            seconds = self._rules.in_force(pool).seconds
            if (pool.prefix, _KINDS[pool.name], seconds) == (asked.prefix, count.kind, count.seconds):
                key = Key(pool.name, "" if pool.shared else path, seconds)
                self._ledger.believe(key, self._windows.turn(key, pool, self._clock.monotonic()), count.used)
                return
        window = int(self._host_clocks[asked.host].time() // count.seconds)
        self._ledger.note(Other(asked.host, count.kind, count.seconds, window, count.used))
