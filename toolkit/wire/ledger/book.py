"""What is written in the ledger, and what is read from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from toolkit.storage.formats import Execute
from toolkit.storage.processes import boot, is_alive
from toolkit.wire.clock import Clock, Measured
from toolkit.wire.ledger.counting import Counter, Obstacle, Part, Sent, Turn
from toolkit.wire.ledger.halts import Halts
from toolkit.wire.ledger.records import EVERYWHERE, Halt, Key, Other, Page, Rule
from toolkit.wire.ledger.store import Store

T = TypeVar("T")

REMEMBERED_WINDOWS = 60

# What all processes share of a counter, in the order in which `Counter` takes it.
_STATE = (
    "window",
    "told",
    "told_at",
    "pace",
    "paced_at",
    "paced_others",
    "doubtful",
    "doubtful_since",
    "others",
    "expected",
)
_state_of = attrgetter(*_STATE)
_PART = "p.process, p.used, p.in_flight, p.carried, p.sent_at, EXISTS (SELECT 1 FROM halt)"
_LOAD = (
    f"SELECT c.id, {', '.join(f'c.{name}' for name in _STATE)}, {_PART} "  # noqa: S608 - names of ours
    "FROM counter c LEFT JOIN part p ON p.counter = c.id WHERE c.pool = ? AND c.path = ? AND c.seconds = ?"
)
_BEGIN = (
    f"INSERT INTO counter (pool, path, seconds, door, {', '.join(_STATE)}) "  # noqa: S608 - as above
    f"VALUES (?, ?, ?, ?{', ?' * len(_STATE)}) RETURNING id"
)
_SAVE = f"UPDATE counter SET {', '.join(f'{name} = ?' for name in _STATE)} WHERE id = ?"  # noqa: S608
_NEW_PART = "INSERT INTO part (used, in_flight, carried, sent_at, counter, process) VALUES (?, ?, ?, ?, ?, ?)"
_SAVE_PART = (
    "UPDATE part SET used = ?, in_flight = ?, carried = ?, sent_at = ? WHERE counter = ? AND process = ?"
)


class Ledger:
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
        self._store = Store(path, clock, problem)
        self._halts = Halts(clock, earlier)
        # What was last read, so that tables that are begun anew do not begin with nothing.
        self._known: dict[Key, tuple[str, Counter]] = {}
        # Rows as this process wrote them last: good for as long as no other process has written any.
        self._fresh: dict[Key, tuple[int, Counter, bool]] = {}
        self._loaded: Key | None = None
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
        key: Key,
        door: str,
        *,
        host: str,
        turn: Turn,
        weight: int,
        share: float,
    ) -> int | Obstacle | list[Halt]:
        """Reserve weight of a counter where nothing is in the way.

        Args:
            key: The counter.
            door: Who asks.
            host: Where the request is to go.
            turn: The counter's running window by that host's clock.
            weight: Weight of the request.
            share: Part of the limit that this machine may use up.

        Returns:
            The window it is reserved in; else the obstacle, or the halts that forbid to send.
        """

        def work(execute: Execute) -> int | Obstacle | list[Halt]:
            number, counter, halted = self._load(execute, key, door, turn.window)
            halts = self._read_halts(execute) if halted else []
            if halts := [halt for halt in halts if halt.host in (host, EVERYWHERE)]:
                return halts
            turned = self._turn(execute, number, counter, turn)
            now = self._clock.monotonic()
            obstacle = counter.obstacle(weight, turn.limit, share, (now - turn.began) / key.seconds)
            if obstacle is None:
                counter.reserve(self._store.process, weight, now)
                self._save_part(execute, number, counter)
            if turned:
                execute(_SAVE, (*_state_of(counter), number))
            return counter.window if obstacle is None else obstacle

        self._store.check_place()
        return self._run(work)

    def settle(self, key: Key, sent: Sent, turn: Turn, count: int | None, count_window: int | None) -> None:
        """Write down how a request ended: see `Counter.settle`."""

        def work(execute: Execute) -> None:
            number, counter, _ = self._load(execute, key, "", turn.window)
            self._turn(execute, number, counter, turn)
            counter.settle(self._store.process, sent, count, count_window)
            self._save_part(execute, number, counter)
            execute(_SAVE, (*_state_of(counter), number))
            if count is not None and count_window is not None and count_window < counter.window:
                self._remember(execute, number, count_window, count)

        self._run(work)

    def release(self, key: Key, weight: int, window: int) -> None:
        """Give back what was reserved in a window: the request was never sent."""

        def work(execute: Execute) -> None:
            number, counter, _ = self._load(execute, key, "", window)
            counter.release(self._store.process, weight, window)
            self._save_part(execute, number, counter)

        self._run(work)

    def believe(self, key: Key, turn: Turn, count: int) -> None:
        """The server's count of a counter, told by an answer that was charged to another."""

        def work(execute: Execute) -> None:
            number, counter, _ = self._load(execute, key, "", turn.window)
            self._turn(execute, number, counter, turn)
            counter.believe(count)
            execute(_SAVE, (*_state_of(counter), number))

        self._run(work)

    # -- halts -------------------------------------------------------------------------------------

    def halt(self, host: str, seconds: float, now: float = 0.0) -> None:
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
            left = {halt.host: halt.left for halt in self._read_halts(execute)}
            if to_come > left.get(host, 0.0):
                self._halts.write(execute, host, to_come, now)
                self._read_halts(execute)

        self._run(work)

    def halts(self) -> list[Halt]:
        """The halts there are."""
        return self._run(self._read_halts)

    def _read_halts(self, execute: Execute) -> list[Halt]:
        halts, has_ended = self._halts.read(execute)
        if has_ended:
            self._fresh.clear()
        return halts

    # -- limits and clocks -------------------------------------------------------------------------

    def learn(self, pool: str, rules: Iterable[Rule]) -> None:
        """The limits that a host says are in force for a pool."""

        def work(execute: Execute) -> None:
            execute("DELETE FROM rule WHERE pool = ?", (pool,))
            for rule in rules:
                execute(
                    "REPLACE INTO rule (pool, kind, seconds, most, learnt) VALUES (?, ?, ?, ?, ?)",
                    (pool, rule.kind, rule.seconds, rule.most, float(self._clock.time())),
                )

        self._run(work)

    def doubt_rules(self, pool: str) -> None:
        """Have a pool's limits asked for again; until then they stay in force."""
        self._run(lambda execute: execute("UPDATE rule SET learnt = 0.0 WHERE pool = ?", (pool,)))

    def rules(self) -> list[tuple[str, Rule, float]]:
        """Pool, limit and when it was learnt (seconds since 1970), of all that were."""

        def work(execute: Execute) -> list[tuple[str, Rule, float]]:
            rows = execute("SELECT pool, kind, seconds, most, learnt FROM rule").fetchall()
            return [(pool, Rule(kind, seconds, most), at) for pool, kind, seconds, most, at in rows]

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

    def note(self, other: Other) -> None:
        """A count that no pool is charged with."""

        def work(execute: Execute) -> None:
            execute(
                "REPLACE INTO other_count (host, kind, seconds, window, used) VALUES (?, ?, ?, ?, ?)",
                (other.host, other.kind, other.seconds, other.window, other.used),
            )

        self._run(work)

    def read(self) -> tuple[list[Page], list[Other], dict[int, tuple[int, str]], int]:
        """All counters, other counts, the processes (pid and name by number) and this one's number."""

        def work(execute: Execute) -> tuple[list[Page], list[Other], dict[int, tuple[int, str]], int]:
            pages = []
            for *key, door in execute("SELECT pool, path, seconds, door FROM counter ORDER BY id").fetchall():
                number, counter, _ = self._load(execute, Key(*key), door, 0)
                history = execute("SELECT window, used FROM history WHERE counter = ?", (number,))
                pages.append(Page(Key(*key), door, counter, dict(history.fetchall())))
            others = [Other(*row) for row in execute("SELECT * FROM other_count").fetchall()]
            processes = execute("SELECT id, pid, name FROM process").fetchall()
            names = {number: (pid, name) for number, pid, name in processes}
            return pages, others, names, self._store.process

        self._store.check_place()
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

    def _load(self, execute: Execute, key: Key, door: str, window: int) -> tuple[int, Counter, bool]:
        """Number and state of a counter, which a new one begins with this window; whether there is a halt."""
        self._loaded = key
        (version,) = execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._fresh.clear()
        elif key in self._fresh:
            return self._fresh[key]
        rows = execute(_LOAD, key).fetchall()
        if rows:
            first = rows[0]
            number, halted, counter = first[0], bool(first[-1]), Counter(*first[1:-6])
            if first[-6] is not None:
                counter.parts = {row[-6]: Part(*row[-5:-1]) for row in rows}
        else:
            counter, halted = Counter(window), True  # as if, to have it looked up
            number = execute(_BEGIN, (*key, door, *_state_of(counter))).fetchone()[0]
        self._known[key] = door or self._known.get(key, (door,))[0], counter
        self._fresh[key] = number, counter, halted
        return self._fresh[key]

    def _turn(self, execute: Execute, number: int, counter: Counter, turn: Turn) -> bool:
        """Turn a counter to the running window; whether it had to be.

        Where another process was already sure of the turn, it has turned. A counter that is further
        ahead was written by a clock that was wrong.
        """
        window = turn.window
        if 0 <= counter.window - window <= 1:
            return False
        execute("REPLACE INTO history VALUES (?, ?, ?)", (number, counter.window, counter.used))
        execute(
            "DELETE FROM history WHERE counter = ? AND NOT window BETWEEN ? AND ?",
            (number, window - REMEMBERED_WINDOWS, window),
        )
        counter.turn(turn, lambda process: self._is_alive(execute, process))
        execute("DELETE FROM part WHERE counter = ?", (number,))
        for process, part in counter.parts.items():
            execute(_NEW_PART, (part.used, part.in_flight, part.carried, part.sent_at, number, process))
        return True

    def _is_alive(self, execute: Execute, process: int) -> bool:
        if process == self._store.process:
            return True
        row = execute("SELECT pid, started FROM process WHERE id = ?", (process,)).fetchone()
        return row is not None and is_alive(*row)

    def _save_part(self, execute: Execute, number: int, counter: Counter) -> None:
        """Write this process's part; the others write their own."""
        process = self._store.process
        part = counter.part(process)
        row = (part.used, part.in_flight, part.carried, part.sent_at, number, process)
        if not execute(_SAVE_PART, row).rowcount:
            execute(_NEW_PART, row)

    def _remember(self, execute: Execute, number: int, window: int, used: int) -> None:
        """A late word about a window that is over."""
        execute(
            "UPDATE history SET used = max(used, ?) WHERE counter = ? AND window = ?", (used, number, window)
        )

    def _seed(self, execute: Execute, from_memory: bool) -> None:
        """Write down what was known where nothing is there yet, or where it was only kept in memory."""
        known, halts = dict(self._known), dict(self._halts.known)
        try:
            self._write_known(execute, known, halts, from_memory=from_memory)
        except BaseException:
            self._known, self._halts.known = known, halts  # or a full disk would end a ban
            raise
        finally:
            self._fresh.clear()

    def _write_known(
        self,
        execute: Execute,
        known: Mapping[Key, tuple[str, Counter]],
        halts: Mapping[str, float],
        *,
        from_memory: bool,
    ) -> None:
        self._fresh.clear()
        for key, (door, counter) in known.items():
            mine = replace(counter, doubtful=counter.doubtful + counter.in_flight, parts={})
            is_new = not execute(_LOAD, key).fetchone()
            number, theirs, _ = self._load(execute, key, door, mine.window)
            if from_memory and theirs.window == mine.window:
                mine.told = max(mine.told, theirs.told)
                mine.doubtful = max(mine.doubtful, theirs.doubtful)
                mine.doubtful_since = max(mine.doubtful_since, theirs.doubtful_since)
            if is_new or (from_memory and theirs.window <= mine.window):
                execute(_SAVE, (*_state_of(mine), number))
                # Or what was sent from here would look like the use of others.
                mine.part(self._store.process).used = counter.ours
                self._save_part(execute, number, mine)
                self._known[key] = door, mine
        self._halts.carry_over(execute, halts)
        self._read_halts(execute)
