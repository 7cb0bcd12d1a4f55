"""What is written in the ledger, and what is read from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from toolkit.ratelimit.backoffs import Halts
from toolkit.ratelimit.counting import CompletedRequest, Counter, Obstacle, ProcessCount, WindowBounds
from toolkit.ratelimit.records import (
    ALL_HOSTS,
    Backoff,
    CounterKey,
    CounterState,
    ObservedCount,
    ReportedLimit,
)
from toolkit.ratelimit.store import CounterDatabase
from toolkit.storage.formats import Execute
from toolkit.storage.processes import boot, is_alive
from toolkit.timing.clock import Clock, Measured

T = TypeVar("T")

REMEMBERED_WINDOWS = 60

# What all processes share of a counter, in the order in which `Counter` takes it.
_COUNTER_COLUMNS = (
    "window",
    "reported",
    "reported_at",
    "rate",
    "rate_at",
    "rate_external",
    "unconfirmed",
    "unconfirmed_since",
    "external",
    "expected",
)
_state_of = attrgetter(*_COUNTER_COLUMNS)
_PROCESS_COUNT = "p.process, p.used, p.in_flight, p.carried_over, p.sent_at, EXISTS (SELECT 1 FROM backoff)"
_SELECT_COUNTER = (
    f"SELECT c.id, {', '.join(f'c.{name}' for name in _COUNTER_COLUMNS)}, {_PROCESS_COUNT} "  # noqa: S608 - names of ours
    "FROM counter c LEFT JOIN process_count p ON p.counter = c.id WHERE c.rate_limit = ? AND c.path = ? AND c.seconds = ?"
)
_INSERT_COUNTER = (
    f"INSERT INTO counter (rate_limit, path, seconds, endpoint, {', '.join(_COUNTER_COLUMNS)}) "  # noqa: S608 - as above
    f"VALUES (?, ?, ?, ?{', ?' * len(_COUNTER_COLUMNS)}) RETURNING id"
)
_UPDATE_COUNTER = f"UPDATE counter SET {', '.join(f'{name} = ?' for name in _COUNTER_COLUMNS)} WHERE id = ?"  # noqa: S608
_INSERT_PROCESS_COUNT = "INSERT INTO process_count (used, in_flight, carried_over, sent_at, counter, process) VALUES (?, ?, ?, ?, ?, ?)"
_UPDATE_PROCESS_COUNT = "UPDATE process_count SET used = ?, in_flight = ?, carried_over = ?, sent_at = ? WHERE counter = ? AND process = ?"


class RateLimitStore:
    """The shared record. One thread at a time: the budget, its only user, has a lock.

    Args:
        path: Its file; None to keep it in memory.
        clock: This machine's clock.
        problem: Why there is no file to be had, where that is known beforehand.
        earlier: Files of the version before, whose bans and pauses hold here too.

    Attributes:
        path: As given.
    """

    def __init__(
        self, path: Path | None, clock: Clock, problem: str = "", earlier: Sequence[Path] = ()
    ) -> None:
        self.path = path
        self._clock = clock
        self._store = CounterDatabase(path, clock, problem)
        self._halts = Halts(clock, earlier)
        # What was last read, so that tables that are begun anew do not begin with nothing.
        self._known: dict[CounterKey, tuple[str, Counter]] = {}
        # Rows as this process wrote them last: good for as long as no other process has written any.
        self._fresh: dict[CounterKey, tuple[int, Counter, bool]] = {}
        self._loaded: CounterKey | None = None
        self._version = 0

    @property
    def problem(self) -> str:
        """Why it is not shared although it should be, "" otherwise."""
        return self._store.problem

    @property
    def left_behind(self) -> str:
        """What could not be taken over from the version before, "" where nothing was left."""
        return self._halts.left_behind

    # -- requests ----------------------------------------------------------------------------------

    def reserve(
        self,
        key: CounterKey,
        endpoint: str,
        *,
        host: str,
        window_bounds: WindowBounds,
        weight: int,
        limit_fraction: float,
    ) -> int | Obstacle | list[Backoff]:
        """Reserve weight of a counter where nothing is in the way.

        Args:
            key: The counter.
            endpoint: Who asks.
            host: Where the request is to go.
            window_bounds: The counter's running window by that host's clock.
            weight: Weight of the request.
            limit_fraction: Part of the limit that this machine may use up.

        Returns:
            The window it is reserved in; else the obstacle, or the halts that forbid to send.
        """

        def work(execute: Execute) -> int | Obstacle | list[Backoff]:
            number, counter, has_backoff = self._load(execute, key, endpoint, window_bounds.window)
            backoffs = self._read_backoffs(execute) if has_backoff else []
            if backoffs := [back_off for back_off in backoffs if back_off.host in (host, ALL_HOSTS)]:
                return backoffs
            rolled_over = self._roll_over(execute, number, counter, window_bounds)
            now = self._clock.monotonic()
            obstacle = counter.obstacle(
                weight, window_bounds.limit, limit_fraction, (now - window_bounds.began) / key.seconds
            )
            if obstacle is None:
                counter.reserve(self._store.process, weight, now)
                self._save_process_count(execute, number, counter)
            if rolled_over:
                execute(_UPDATE_COUNTER, (*_state_of(counter), number))
            return counter.window if obstacle is None else obstacle

        self._store.reopen_if_replaced()
        return self._run(work)

    def record_response(
        self,
        key: CounterKey,
        sent: CompletedRequest,
        window_bounds: WindowBounds,
        count: int | None,
        count_window: int | None,
    ) -> None:
        """Write down how a request ended: see `Counter.record_response`."""

        def work(execute: Execute) -> None:
            number, counter, _ = self._load(execute, key, "", window_bounds.window)
            self._roll_over(execute, number, counter, window_bounds)
            counter.record_response(self._store.process, sent, count, count_window)
            self._save_process_count(execute, number, counter)
            execute(_UPDATE_COUNTER, (*_state_of(counter), number))
            if count is not None and count_window is not None and count_window < counter.window:
                self._remember(execute, number, count_window, count)

        self._run(work)

    def release(self, key: CounterKey, weight: int, window: int) -> None:
        """Give back what was reserved in a window: the request was never sent."""

        def work(execute: Execute) -> None:
            number, counter, _ = self._load(execute, key, "", window)
            counter.release(self._store.process, weight, window)
            self._save_process_count(execute, number, counter)

        self._run(work)

    def record_count(self, key: CounterKey, window_bounds: WindowBounds, count: int) -> None:
        """The server's count of a counter, told by an answer that was charged to another."""

        def work(execute: Execute) -> None:
            number, counter, _ = self._load(execute, key, "", window_bounds.window)
            self._roll_over(execute, number, counter, window_bounds)
            counter.record_count(count)
            execute(_UPDATE_COUNTER, (*_state_of(counter), number))

        self._run(work)

    # -- halts -------------------------------------------------------------------------------------

    def back_off(self, host: str, seconds: float, now: float = 0.0) -> None:
        """Send nothing to a host, or EVERYWHERE, for so long; a longer halt that is there stays.

        Args:
            host: The host.
            seconds: How long.
            now: The exchange's time, where it is known.
        """
        asked = self._clock.monotonic()

        def work(execute: Execute) -> None:
            self._fresh.clear()
            # It ends when its error says it does, however long others had the file locked.
            to_come = seconds - (self._clock.monotonic() - asked)
            left = {back_off.host: back_off.left for back_off in self._read_backoffs(execute)}
            if to_come > left.get(host, 0.0):
                self._halts.write(execute, host, to_come, now)
                self._read_backoffs(execute)

        self._run(work)

    def backoffs(self) -> list[Backoff]:
        """The halts there are."""
        return self._run(self._read_backoffs)

    def _read_backoffs(self, execute: Execute) -> list[Backoff]:
        backoffs, has_ended = self._halts.read(execute)
        if has_ended:
            self._fresh.clear()
        return backoffs

    # -- limits and clocks -------------------------------------------------------------------------

    def update_limits(self, rate_limit: str, limits: Iterable[ReportedLimit]) -> None:
        """The limits that a host says are in force for a pool."""

        def work(execute: Execute) -> None:
            execute("DELETE FROM reported_limit WHERE rate_limit = ?", (rate_limit,))
            for limit in limits:
                execute(
                    "REPLACE INTO reported_limit (rate_limit, kind, seconds, most, reported_at) VALUES (?, ?, ?, ?, ?)",
                    (rate_limit, limit.kind, limit.seconds, limit.most, float(self._clock.time())),
                )

        self._run(work)

    def invalidate_limits(self, rate_limit: str) -> None:
        """Have a pool's limits asked for again; until then they stay in force."""
        self._run(
            lambda execute: execute(
                "UPDATE reported_limit SET reported_at = 0.0 WHERE rate_limit = ?", (rate_limit,)
            )
        )

    def limits(self) -> list[tuple[str, ReportedLimit, float]]:
        """Pool, limit and when it was learnt (seconds since 1970), of all that were."""

        def work(execute: Execute) -> list[tuple[str, ReportedLimit, float]]:
            rows = execute(
                "SELECT rate_limit, kind, seconds, most, reported_at FROM reported_limit"
            ).fetchall()
            return [
                (rate_limit, ReportedLimit(kind, seconds, most), at)
                for rate_limit, kind, seconds, most, at in rows
            ]

        return self._run(work)

    def set_clock(self, host: str, measured: Measured) -> None:
        """Tell the other processes how a host's clock goes."""

        def work(execute: Execute) -> None:
            execute(
                "REPLACE INTO clock (host, ahead, error, measured, boot) VALUES (?, ?, ?, ?, ?)",
                (host, float(measured.ahead), float(measured.error), float(measured.at), boot()),
            )

        self._run(work)

    def clock(self, host: str) -> Measured | None:
        """How a host's clock goes, as some process measured it since the machine was started."""

        def work(execute: Execute) -> Measured | None:
            row = execute(
                "SELECT ahead, error, measured FROM clock WHERE host = ? AND boot = ? AND boot != ''",
                (host, boot()),
            ).fetchone()
            return None if row is None else Measured(*row)

        return self._run(work)

    # -- for those who look on ---------------------------------------------------------------------

    def record_other(self, other: ObservedCount) -> None:
        """A count that no pool is charged with."""

        def work(execute: Execute) -> None:
            execute(
                "REPLACE INTO other_count (host, kind, seconds, window, used) VALUES (?, ?, ?, ?, ?)",
                (other.host, other.kind, other.seconds, other.window, other.used),
            )

        self._run(work)

    def read(self) -> tuple[list[CounterState], list[ObservedCount], dict[int, tuple[int, str]], int]:
        """All counters, other counts, the processes (pid and name by number) and this one's number."""

        def work(
            execute: Execute,
        ) -> tuple[list[CounterState], list[ObservedCount], dict[int, tuple[int, str]], int]:
            states = []
            for *key, endpoint in execute(
                "SELECT rate_limit, path, seconds, endpoint FROM counter ORDER BY id"
            ).fetchall():
                number, counter, _ = self._load(execute, CounterKey(*key), endpoint, 0)
                history = execute("SELECT window, used FROM history WHERE counter = ?", (number,))
                states.append(CounterState(CounterKey(*key), endpoint, counter, dict(history.fetchall())))
            external = [ObservedCount(*row) for row in execute("SELECT * FROM other_count").fetchall()]
            processes = execute("SELECT id, pid, name FROM process").fetchall()
            names = {number: (pid, name) for number, pid, name in processes}
            return states, external, names, self._store.process

        self._store.reopen_if_replaced()
        return self._run(work)

    def close(self) -> None:
        """Close the file; it is opened again when it is used."""
        self._store.close()

    # -- rows --------------------------------------------------------------------------------------

    def _run(self, work: Callable[[Execute], T]) -> T:
        self._loaded = None
        try:
            return self._store.run(work, seed=self._seed)
        except BaseException as error:
            self._fresh.clear()  # what was changed here was not written
            if isinstance(error, Exception):
                self._forget_loaded()
            raise

    def _forget_loaded(self) -> None:
        """The counter that was changed last is not known: what it was changed to cannot be written."""
        if self._loaded is not None:
            self._known.pop(self._loaded, None)

    def _load(
        self, execute: Execute, key: CounterKey, endpoint: str, window: int
    ) -> tuple[int, Counter, bool]:
        """Number and state of a counter, which a new one begins with this window; whether there is a halt."""
        self._loaded = key
        (version,) = execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._fresh.clear()
        elif key in self._fresh:
            return self._fresh[key]
        rows = execute(_SELECT_COUNTER, key).fetchall()
        if rows:
            first = rows[0]
            number, has_backoff, counter = first[0], bool(first[-1]), Counter(*first[1:-6])
            if first[-6] is not None:
                counter.processes = {row[-6]: ProcessCount(*row[-5:-1]) for row in rows}
        else:
            counter, has_backoff = Counter(window), True  # as if, to have it looked up
            number = execute(_INSERT_COUNTER, (*key, endpoint, *_state_of(counter))).fetchone()[0]
        self._known[key] = endpoint or self._known.get(key, (endpoint,))[0], counter
        self._fresh[key] = number, counter, has_backoff
        return self._fresh[key]

    def _roll_over(
        self, execute: Execute, number: int, counter: Counter, window_bounds: WindowBounds
    ) -> bool:
        """Turn a counter to the running window; whether it had to be.

        Where another process was already sure of the turn, it has turned. A counter that is further
        ahead was written by a clock that was wrong.
        """
        window = window_bounds.window
        if 0 <= counter.window - window <= 1:
            return False
        execute("REPLACE INTO history VALUES (?, ?, ?)", (number, counter.window, counter.used))
        execute(
            "DELETE FROM history WHERE counter = ? AND NOT window BETWEEN ? AND ?",
            (number, window - REMEMBERED_WINDOWS, window),
        )
        counter.roll_over(window_bounds, lambda process: self._is_running(execute, process))
        execute("DELETE FROM process_count WHERE counter = ?", (number,))
        for process, process_count in counter.processes.items():
            execute(
                _INSERT_PROCESS_COUNT,
                (
                    process_count.used,
                    process_count.in_flight,
                    process_count.carried_over,
                    process_count.sent_at,
                    number,
                    process,
                ),
            )
        return True

    def _is_running(self, execute: Execute, process: int) -> bool:
        if process == self._store.process:
            return True
        row = execute("SELECT pid, started FROM process WHERE id = ?", (process,)).fetchone()
        return row is not None and is_alive(*row)

    def _save_process_count(self, execute: Execute, number: int, counter: Counter) -> None:
        """Write this process's part; the others write their own."""
        process = self._store.process
        process_count = counter.process_count(process)
        row = (
            process_count.used,
            process_count.in_flight,
            process_count.carried_over,
            process_count.sent_at,
            number,
            process,
        )
        if not execute(_UPDATE_PROCESS_COUNT, row).rowcount:
            execute(_INSERT_PROCESS_COUNT, row)

    def _remember(self, execute: Execute, number: int, window: int, used: int) -> None:
        """A late word about a window that is over."""
        execute(
            "UPDATE history SET used = max(used, ?) WHERE counter = ? AND window = ?", (used, number, window)
        )

    def _seed(self, execute: Execute, from_memory: bool) -> None:
        """Write down what was known where nothing is there yet, or where it was only kept in memory."""
        known, backoffs = dict(self._known), dict(self._halts.known)
        try:
            self._write_known(execute, known, backoffs, from_memory=from_memory)
        except BaseException:
            self._known, self._halts.known = known, backoffs  # or a full disk would end a ban
            raise
        finally:
            self._fresh.clear()

    def _write_known(
        self,
        execute: Execute,
        known: Mapping[CounterKey, tuple[str, Counter]],
        backoffs: Mapping[str, float],
        *,
        from_memory: bool,
    ) -> None:
        self._fresh.clear()
        for key, (endpoint, counter) in known.items():
            mine = replace(counter, unconfirmed=counter.unconfirmed + counter.in_flight, processes={})
            is_new = not execute(_SELECT_COUNTER, key).fetchone()
            number, theirs, _ = self._load(execute, key, endpoint, mine.window)
            if from_memory and theirs.window == mine.window:
                mine.reported = max(mine.reported, theirs.reported)
                mine.unconfirmed = max(mine.unconfirmed, theirs.unconfirmed)
                mine.unconfirmed_since = max(mine.unconfirmed_since, theirs.unconfirmed_since)
            if is_new or (from_memory and theirs.window <= mine.window):
                execute(_UPDATE_COUNTER, (*_state_of(mine), number))
                # Or what was sent from here would look like the use of others.
                mine.process_count(self._store.process).used = counter.ours
                self._save_process_count(execute, number, mine)
                self._known[key] = endpoint, mine
        self._halts.carry_over(execute, backoffs)
        self._read_backoffs(execute)
