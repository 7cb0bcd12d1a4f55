"""The rate-limit store: what is read from the tables and written to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from toolkit.ratelimit.backoffs import BackoffTable
from toolkit.ratelimit.counter_database import CounterDatabase
from toolkit.ratelimit.counting import (
    CompletedRequest,
    Counter,
    Obstacle,
    ProcessCount,
    RecordedResponse,
    WindowBounds,
)
from toolkit.ratelimit.records import (
    ALL_HOSTS,
    Backoff,
    CounterKey,
    CounterState,
    ObservedCount,
    ReportedLimit,
    StoreContents,
)
from toolkit.storage.formats import Execute
from toolkit.storage.processes import boot_id, is_alive
from toolkit.timing.clock import Clock, ClockMeasurement

T = TypeVar("T")

REMEMBERED_WINDOWS = 60

# The columns of a counter that all processes share, in the order of the fields of `Counter`.
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
    f"SELECT c.id, {', '.join(f'c.{name}' for name in _COUNTER_COLUMNS)}, {_PROCESS_COUNT} "  # noqa: S608 - our own names
    "FROM counter c LEFT JOIN process_count p ON p.counter = c.id "
    "WHERE c.rate_limit = ? AND c.path = ? AND c.seconds = ?"
)
_INSERT_COUNTER = (
    f"INSERT INTO counter (rate_limit, path, seconds, endpoint, {', '.join(_COUNTER_COLUMNS)}) "  # noqa: S608 - our own names
    f"VALUES (?, ?, ?, ?{', ?' * len(_COUNTER_COLUMNS)}) RETURNING id"
)
_UPDATE_COUNTER = f"UPDATE counter SET {', '.join(f'{name} = ?' for name in _COUNTER_COLUMNS)} WHERE id = ?"  # noqa: S608
_INSERT_PROCESS_COUNT = (
    "INSERT INTO process_count (used, in_flight, carried_over, sent_at, counter, process) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_UPDATE_PROCESS_COUNT = (
    "UPDATE process_count SET used = ?, in_flight = ?, carried_over = ?, sent_at = ? "
    "WHERE counter = ? AND process = ?"
)


class RateLimitStore:
    """The state of the rate limits that all processes share. The caller holds the budget's lock.

    Args:
        path: Path of its file; None to keep it in memory.
        clock: This machine's clock.
        problem: Why no file can be used, where that is known already.
        earlier: Files of an earlier version of the package, whose bans and pauses still apply.

    Attributes:
        path: Path of its file.
    """

    def __init__(
        self, path: Path | None, clock: Clock, problem: str = "", earlier: Sequence[Path] = ()
    ) -> None:
        self.path = path
        self._clock = clock
        self._store = CounterDatabase(path, clock, problem)
        self._backoff_table = BackoffTable(clock, earlier)
        # What was last read, to fill tables that have to be created again.
        self._known: dict[CounterKey, tuple[str, Counter]] = {}
        # Rows as this process wrote them last, valid until another process writes.
        self._fresh: dict[CounterKey, tuple[int, Counter, bool]] = {}
        self._loaded: CounterKey | None = None
        self._version = 0

    @property
    def problem(self) -> str:
        """Why it is not shared although it should be, "" where it is shared or need not be."""
        return self._store.problem

    @property
    def migration_problem(self) -> str:
        """What could not be read from an earlier version's file, "" where nothing was lost."""
        return self._backoff_table.migration_problem

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
        """Reserve weight of a counter unless an obstacle or a back-off prevents it.

        Args:
            key: Key of the counter.
            endpoint: The endpoint or purpose of the request.
            host: Host that the request is sent to.
            window_bounds: The counter's current window by that host's clock.
            weight: Weight of the request.
            limit_fraction: Fraction of the limit that this machine may use up.

        Returns:
            The number of the window it is reserved in, or else the obstacle, or the back-offs of the host.
        """

        def work(execute: Execute) -> int | Obstacle | list[Backoff]:
            counter_id, counter, has_backoff = self._load(execute, key, endpoint, window_bounds.window)
            backoffs = self._read_backoffs(execute) if has_backoff else []
            if backoffs := [backoff for backoff in backoffs if backoff.host in (host, ALL_HOSTS)]:
                return backoffs
            rolled_over = self._roll_over(execute, counter_id, counter, window_bounds)
            now = self._clock.monotonic()
            obstacle = counter.obstacle(
                weight, window_bounds.limit, limit_fraction, (now - window_bounds.began) / key.seconds
            )
            if obstacle is None:
                counter.reserve(self._store.process, weight, now)
                self._save_process_count(execute, counter_id, counter)
            if rolled_over:
                execute(_UPDATE_COUNTER, (*_state_of(counter), counter_id))
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
    ) -> RecordedResponse:
        """Record how a request ended, as `Counter.record_response` does."""

        def work(execute: Execute) -> RecordedResponse:
            counter_id, counter, _ = self._load(execute, key, "", window_bounds.window)
            self._roll_over(execute, counter_id, counter, window_bounds)
            recorded = counter.record_response(self._store.process, sent, count, count_window)
            self._save_process_count(execute, counter_id, counter)
            execute(_UPDATE_COUNTER, (*_state_of(counter), counter_id))
            if count is not None and count_window is not None and count_window < counter.window:
                late = "UPDATE history SET used = max(used, ?) WHERE counter = ? AND window = ?"
                execute(late, (count, counter_id, count_window))
            return recorded

        return self._run(work)

    def release(self, key: CounterKey, weight: int, window: int) -> None:
        """Return the weight of a request that was never sent."""

        def work(execute: Execute) -> None:
            counter_id, counter, _ = self._load(execute, key, "", window)
            counter.release(self._store.process, weight, window)
            self._save_process_count(execute, counter_id, counter)

        self._run(work)

    def record_count(self, key: CounterKey, window_bounds: WindowBounds, count: int) -> None:
        """Record the exchange's count in a response that was charged to another counter."""

        def work(execute: Execute) -> None:
            counter_id, counter, _ = self._load(execute, key, "", window_bounds.window)
            self._roll_over(execute, counter_id, counter, window_bounds)
            counter.record_count(count)
            execute(_UPDATE_COUNTER, (*_state_of(counter), counter_id))

        self._run(work)

    # -- back-offs ---------------------------------------------------------------------------------

    def back_off(self, host: str, seconds: float, now: float = 0.0) -> None:
        """Store a back-off. A longer one that is already stored stays.

        Args:
            host: The host, or `ALL_HOSTS`.
            seconds: Its length.
            now: The exchange's time, 0 where it is unknown.
        """
        requested_at = self._clock.monotonic()

        def work(execute: Execute) -> None:
            self._fresh.clear()
            # Time spent waiting for the lock of the file counts: it ends when the error says it does.
            remaining = seconds - (self._clock.monotonic() - requested_at)
            left = {backoff.host: backoff.seconds_left for backoff in self._read_backoffs(execute)}
            if remaining > left.get(host, 0.0):
                self._backoff_table.write(execute, host, remaining, now)
                self._read_backoffs(execute)

        self._run(work)

    def backoffs(self) -> list[Backoff]:
        """Return the back-offs that have not ended."""
        return self._run(self._read_backoffs)

    def _read_backoffs(self, execute: Execute) -> list[Backoff]:
        backoffs, has_ended = self._backoff_table.read(execute)
        if has_ended:
            self._fresh.clear()
        return backoffs

    # -- limits and clocks -------------------------------------------------------------------------

    def update_limits(self, rate_limit: str, limits: Iterable[ReportedLimit]) -> None:
        """Store the limits that the exchange reported for a rate limit."""

        def work(execute: Execute) -> None:
            execute("DELETE FROM reported_limit WHERE rate_limit = ?", (rate_limit,))
            for limit in limits:
                execute(
                    "REPLACE INTO reported_limit (rate_limit, kind, seconds, max_count, reported_at) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (rate_limit, limit.kind, limit.seconds, limit.limit, float(self._clock.time())),
                )

        self._run(work)

    def invalidate_limits(self, rate_limit: str) -> None:
        """Mark the limits as outdated, so that they are requested again; until then they stay in force."""
        self._run(
            lambda execute: execute(
                "UPDATE reported_limit SET reported_at = 0.0 WHERE rate_limit = ?", (rate_limit,)
            )
        )

    def limits(self) -> list[tuple[str, ReportedLimit, float]]:
        """Return every reported limit: name of the rate limit, limit, and time of the report (since 1970)."""

        def work(execute: Execute) -> list[tuple[str, ReportedLimit, float]]:
            rows = execute(
                "SELECT rate_limit, kind, seconds, max_count, reported_at FROM reported_limit"
            ).fetchall()
            return [
                (rate_limit, ReportedLimit(kind, seconds, max_count), at)
                for rate_limit, kind, seconds, max_count, at in rows
            ]

        return self._run(work)

    def set_clock(self, host: str, measured: ClockMeasurement) -> None:
        """Store a measurement of a host's clock."""

        def work(execute: Execute) -> None:
            execute(
                "REPLACE INTO clock (host, ahead, error, measured_at, boot) VALUES (?, ?, ?, ?, ?)",
                (host, float(measured.ahead), float(measured.error), float(measured.at), boot_id()),
            )

        self._run(work)

    def clock(self, host: str) -> ClockMeasurement | None:
        """Return the last measurement of a host's clock by any process since this machine was started."""

        def work(execute: Execute) -> ClockMeasurement | None:
            row = execute(
                "SELECT ahead, error, measured_at FROM clock WHERE host = ? AND boot = ? AND boot != ''",
                (host, boot_id()),
            ).fetchone()
            return None if row is None else ClockMeasurement(*row)

        return self._run(work)

    # -- everything --------------------------------------------------------------------------------

    def record_other(self, other: ObservedCount) -> None:
        """Store a count that belongs to none of our rate limits."""

        def work(execute: Execute) -> None:
            execute(
                "REPLACE INTO other_count (host, kind, seconds, window, used) VALUES (?, ?, ?, ?, ?)",
                (other.host, other.kind, other.seconds, other.window, other.used),
            )

        self._run(work)

    def read(self) -> StoreContents:
        """Return everything in the store."""

        def work(execute: Execute) -> StoreContents:
            states = []
            for *key, endpoint in execute(
                "SELECT rate_limit, path, seconds, endpoint FROM counter ORDER BY id"
            ).fetchall():
                counter_id, counter, _ = self._load(execute, CounterKey(*key), endpoint, 0)
                history = execute("SELECT window, used FROM history WHERE counter = ?", (counter_id,))
                states.append(CounterState(CounterKey(*key), endpoint, counter, dict(history.fetchall())))
            other_counts = [ObservedCount(*row) for row in execute("SELECT * FROM other_count").fetchall()]
            rows = execute("SELECT id, pid, name FROM process").fetchall()
            processes = {number: (pid, name) for number, pid, name in rows}
            return StoreContents(states, other_counts, processes, self._store.process)

        self._store.reopen_if_replaced()
        return self._run(work)

    def close(self) -> None:
        """Close the file. It is opened again when it is used."""
        self._store.close()

    # -- rows --------------------------------------------------------------------------------------

    def _run(self, work: Callable[[Execute], T]) -> T:
        self._loaded = None
        try:
            return self._store.run(work, seed=self._seed)
        except BaseException as error:
            self._fresh.clear()  # the changes to cached rows were not written
            if isinstance(error, Exception):
                self._forget_loaded()
            raise

    def _forget_loaded(self) -> None:
        """Drop the counter that was changed last: its new values cannot be written."""
        if self._loaded is not None:
            self._known.pop(self._loaded, None)

    def _load(
        self, execute: Execute, key: CounterKey, endpoint: str, window: int
    ) -> tuple[int, Counter, bool]:
        """Return id and state of a counter, made if it is new, and whether there are back-offs."""
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
            counter_id, has_backoff, counter = first[0], bool(first[-1]), Counter(*first[1:-6])
            if first[-6] is not None:
                counter.processes = {row[-6]: ProcessCount(*row[-5:-1]) for row in rows}
        else:
            counter, has_backoff = Counter(window), True  # not known yet, so that the caller reads them
            counter_id = execute(_INSERT_COUNTER, (*key, endpoint, *_state_of(counter))).fetchone()[0]
        self._known[key] = endpoint or self._known.get(key, (endpoint,))[0], counter
        self._fresh[key] = counter_id, counter, has_backoff
        return self._fresh[key]

    def _roll_over(
        self, execute: Execute, counter_id: int, counter: Counter, window_bounds: WindowBounds
    ) -> bool:
        """Bring a counter to the current window. Returns whether it was in another one.

        A counter that is one window ahead was brought there by a process whose clock is more certain. One
        that is further ahead was written by a wrong clock.
        """
        window = window_bounds.window
        if 0 <= counter.window - window <= 1:
            return False
        execute("REPLACE INTO history VALUES (?, ?, ?)", (counter_id, counter.window, counter.used))
        execute(
            "DELETE FROM history WHERE counter = ? AND NOT window BETWEEN ? AND ?",
            (counter_id, window - REMEMBERED_WINDOWS, window),
        )
        counter.roll_over(window_bounds, lambda process: self._is_running(execute, process))
        execute("DELETE FROM process_count WHERE counter = ?", (counter_id,))
        for process, process_count in counter.processes.items():
            execute(_INSERT_PROCESS_COUNT, _process_row(counter_id, process, process_count))
        return True

    def _is_running(self, execute: Execute, process: int) -> bool:
        if process == self._store.process:
            return True
        row = execute("SELECT pid, start_time FROM process WHERE id = ?", (process,)).fetchone()
        return row is not None and is_alive(*row)

    def _save_process_count(self, execute: Execute, counter_id: int, counter: Counter) -> None:
        """Write the use by this process."""
        process = self._store.process
        row = _process_row(counter_id, process, counter.process_count(process))
        if not execute(_UPDATE_PROCESS_COUNT, row).rowcount:
            execute(_INSERT_PROCESS_COUNT, row)

    def _seed(self, execute: Execute, from_memory: bool) -> None:
        """Fill new tables with what this process knows, and a file with what was kept in memory meanwhile."""
        known, backoffs = dict(self._known), dict(self._backoff_table.known)
        try:
            self._write_known(execute, known, backoffs, from_memory=from_memory)
        except BaseException:
            self._known, self._backoff_table.known = known, backoffs  # so that a full disk does not end a ban
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
            counter_id, theirs, _ = self._load(execute, key, endpoint, mine.window)
            if from_memory and theirs.window == mine.window:
                mine.reported = max(mine.reported, theirs.reported)
                mine.unconfirmed = max(mine.unconfirmed, theirs.unconfirmed)
                mine.unconfirmed_since = max(mine.unconfirmed_since, theirs.unconfirmed_since)
            if is_new or (from_memory and theirs.window <= mine.window):
                execute(_UPDATE_COUNTER, (*_state_of(mine), counter_id))
                # Otherwise this process's requests would count as use by other programs.
                mine.process_count(self._store.process).used = counter.own_weight
                self._save_process_count(execute, counter_id, mine)
                self._known[key] = endpoint, mine
        self._backoff_table.carry_over(execute, backoffs)
        self._read_backoffs(execute)


def _process_row(counter_id: int, process: int, count: ProcessCount) -> tuple[int | float, ...]:
    """Return the parameters of the statements that write the use by a process."""
    return count.used, count.in_flight, count.carried_over, count.sent_at, counter_id, process
