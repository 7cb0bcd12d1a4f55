"""Random histories of processes that share a store: no limit is exceeded and no process is blocked for ever.

The store is the real one, in a file that several processes have open. The exchange is a model that counts the
requests that arrive and refuses those over the limit, as the real one does.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.clocks import FakeClock
from tests.support.writes import memory_folder
from toolkit.ratelimit.counting import ARRIVAL_GRACE_S, CompletedRequest, WindowBounds
from toolkit.ratelimit.records import CounterKey
from toolkit.ratelimit.store import RateLimitStore

KEY = CounterKey("fapi", "", 60)
LIMIT = 20


@cache
def dead_pid() -> int:
    """Return the pid of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@dataclass(eq=False)
class Process:
    """A process that shares the store. Its clock may be a little behind the exchange's."""

    store: RateLimitStore
    behind: bool = False


@dataclass(eq=False)
class Request:
    """A request in flight. It has reached the exchange once `count` is set."""

    sender: Process
    weight: int
    window: int
    sent_at: float
    reported: int  # external use that was reported when it was sent
    count: int | None = None
    arrived_in: int | None = None
    external: int = 0


PICK = st.integers(0, 7)


class SharedLimits(RuleBasedStateMachine):
    """Processes of one machine, and an exchange that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = ExitStack()
        self.folder = self.ends.enter_context(memory_folder())
        self.clock = FakeClock()
        self.window = 1000
        self.began = {1000: self.clock.monotonic()}
        self.counted = self.external = self.external_reported = 0
        self.in_flight: list[Request] = []
        self.processes: list[Process] = []
        self.start_process()

    def pick_process(self, pick: int) -> Process:
        return self.processes[pick % len(self.processes)]

    def accepted(self, process: Process) -> int:
        """Return the window by that process's clock: the current one or the one before."""
        return self.window - process.behind

    @precondition(lambda self: len(self.processes) < 4)
    @rule()
    def start_process(self) -> None:
        self.processes.append(Process(RateLimitStore(self.folder / "rate-limits.sqlite", self.clock)))

    @rule(weight=st.integers(1, 6))
    def another_program_sends(self, weight: int) -> None:
        """Another program on the address. Its use is unknown here until a response reports it."""
        if self.counted + weight <= LIMIT:
            self.counted += weight
            self.external += weight

    @rule(pick=PICK, weight=st.one_of(st.integers(1, 5), st.just(LIMIT)))
    def send(self, pick: int, weight: int) -> None:
        self.clock.advance(0.001)
        process = self.pick_process(pick)
        result = self.reserve(process, weight)
        if isinstance(result, int):
            reported = self.external_reported if result == self.window else 0
            self.in_flight.append(Request(process, weight, result, self.clock.monotonic(), reported))

    def reserve(self, process: Process, weight: int) -> object:
        window_bounds = self.bounds_of(self.accepted(process))
        return process.store.reserve(
            KEY, "x", host="fapi", window_bounds=window_bounds, weight=weight, limit_fraction=1.0
        )

    def bounds_of(self, window: int) -> WindowBounds:
        return WindowBounds(window, self.began.get(window, self.clock.monotonic()), LIMIT)

    @precondition(lambda self: any(each.count is None for each in self.in_flight))
    @rule(pick=PICK)
    def arrive(self, pick: int) -> None:
        """A request is charged in the window it was sent in, or in the next one."""
        began = self.began[self.window]
        waiting = [
            each
            for each in self.in_flight
            if each.count is None and (each.window == self.window or each.sent_at + ARRIVAL_GRACE_S > began)
        ]
        if waiting:
            request = waiting[pick % len(waiting)]
            unreported = self.external - (request.reported if request.window == self.window else 0)
            assert self.counted - unreported + request.weight <= LIMIT, "the exchange would respond 429"
            self.counted += request.weight
            request.count, request.arrived_in, request.external = self.counted, self.window, self.external

    @precondition(lambda self: any(each.count is not None for each in self.in_flight))
    @rule(pick=PICK, dated_late=st.booleans(), dated=st.booleans())
    def respond(self, pick: int, dated_late: bool, dated: bool) -> None:
        """A response arrives. Its date is that of the count, or a later one."""
        arrived = [each for each in self.in_flight if each.count is not None]
        request = arrived[pick % len(arrived)]
        date = self.window if dated_late else request.arrived_in
        if request.window == request.arrived_in == self.window:
            self.external_reported = max(self.external_reported, request.external)
        # Without a date the window is known from the process's clock alone, which must be certain.
        self.record_response(request, request.count, date if dated or request.sender.behind else None)

    @precondition(lambda self: any(not each.sender.behind for each in self.in_flight))
    @rule(pick=PICK)
    def lose(self, pick: int) -> None:
        """No response comes, whether or not the request arrived. By then every clock has caught up."""
        lost = [each for each in self.in_flight if not each.sender.behind]
        self.record_response(lost[pick % len(lost)], None, None)

    def record_response(self, request: Request, count: int | None, count_window: int | None) -> None:
        self.clock.advance(0.001)
        self.in_flight.remove(request)
        sent = CompletedRequest(request.weight, request.window, request.sent_at, self.clock.monotonic(), 0.5)
        request.sender.store.record_response(
            KEY,
            sent,
            self.bounds_of(max(self.accepted(request.sender), count_window or 0)),
            count,
            count_window,
        )

    @precondition(lambda self: len(self.processes) > 1 and not any(each.behind for each in self.processes))
    @rule(pick=PICK)
    def die(self, pick: int) -> None:
        """A process is killed. Requests that have not arrived by then never do."""
        process = self.pick_process(pick)
        self.processes.remove(process)
        self.in_flight = [each for each in self.in_flight if each.sender is not process]
        number = process.store.read().own_process
        process.store.close()
        with sqlite3.connect(self.folder / "rate-limits.sqlite") as file:
            file.execute("UPDATE process SET pid = ? WHERE id = ?", (dead_pid(), number))
        file.close()

    @rule(behind=st.lists(st.booleans(), min_size=4, max_size=4), quickly=st.booleans())
    def next_window(self, behind: list[bool], quickly: bool) -> None:
        """The exchange begins the next window. A process's clock may still be in the old one."""
        is_late = self.clock.monotonic() - self.began[self.window] > 10
        self.clock.advance(0.1 if quickly and is_late else 60)
        self.window += 1
        self.began[self.window] = self.clock.monotonic()
        self.counted = self.external = self.external_reported = 0
        for process, late in zip(self.processes, behind, strict=False):
            process.behind = late

    @rule()
    def time_passes(self) -> None:
        """Part of a window passes. By then every clock is in the new window."""
        self.clocks_catch_up()
        self.clock.advance(15)

    @rule()
    def clocks_catch_up(self) -> None:
        for process in self.processes:
            process.behind = False

    @invariant()
    def the_known_use_is_never_too_small(self) -> None:
        for state in self.processes[0].store.read().counters:
            if state.counter.window == self.window:
                unreported = self.external - self.external_reported
                assert state.counter.used + state.counter.in_flight >= self.counted - unreported

    def teardown(self) -> None:
        """Two windows later the largest request fits, whatever is still in flight."""
        self.clocks_catch_up()
        self.next_window([False] * 4, quickly=False)
        self.next_window([False] * 4, quickly=False)
        assert isinstance(self.reserve(self.processes[0], LIMIT), int)
        for process in self.processes:
            process.store.close()
        self.ends.close()


TestSharedLimits = SharedLimits.TestCase
TestSharedLimits.settings = settings(max_examples=120, stateful_step_count=50, report_multiple_bugs=False)
