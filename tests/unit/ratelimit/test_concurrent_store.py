"""Whatever happens in whatever order: never more than the limit, and nobody is blocked for ever.

The ledger is the real one, in a file that several processes have open. Against it stands an exchange
that counts what arrives and refuses what is too much, as strictly as the real one.
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
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@dataclass(eq=False)
class Process:
    """A process that shares the ledger. Its clock may be a little behind the exchange's."""

    store: RateLimitStore
    behind: bool = False


@dataclass(eq=False)
class Request:
    """One on its way: at the exchange once `count` is there."""

    sender: Process
    weight: int
    window: int
    sent_at: float
    reported: int  # of strangers, when it was sent
    count: int | None = None
    arrived_in: int | None = None
    strange: int = 0


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
        self.counted = self.strange = self.strange_told = 0
        self.flying: list[Request] = []
        self.processes: list[Process] = []
        self.another()

    def pick_process(self, pick: int) -> Process:
        return self.processes[pick % len(self.processes)]

    def accepted(self, process: Process) -> int:
        """The window by that process's clock: the running one, or not quite."""
        return self.window - process.behind

    @precondition(lambda self: len(self.processes) < 4)
    @rule()
    def another(self) -> None:
        self.processes.append(Process(RateLimitStore(self.folder / "ledger.sqlite", self.clock)))

    @rule(weight=st.integers(1, 6))
    def a_stranger_sends(self, weight: int) -> None:
        """Another program on the address. Nobody here can know of it before an answer tells."""
        if self.counted + weight <= LIMIT:
            self.counted += weight
            self.strange += weight

    @rule(pick=PICK, weight=st.one_of(st.integers(1, 5), st.just(LIMIT)))
    def send(self, pick: int, weight: int) -> None:
        self.clock.advance(0.001)
        process = self.pick_process(pick)
        found = self.reserve(process, weight)
        if isinstance(found, int):
            reported = self.strange_told if found == self.window else 0
            self.flying.append(Request(process, weight, found, self.clock.monotonic(), reported))

    def reserve(self, process: Process, weight: int) -> object:
        window_bounds = self.bounds_of(self.accepted(process))
        return process.store.reserve(
            KEY, "x", host="fapi", window_bounds=window_bounds, weight=weight, limit_fraction=1.0
        )

    def bounds_of(self, window: int) -> WindowBounds:
        return WindowBounds(window, self.began.get(window, self.clock.monotonic()), LIMIT)

    @precondition(lambda self: any(each.count is None for each in self.flying))
    @rule(pick=PICK)
    def arrive(self, pick: int) -> None:
        """It is charged where it arrives: in the window it was sent in, or in the next one."""
        began = self.began[self.window]
        waiting = [
            each
            for each in self.flying
            if each.count is None and (each.window == self.window or each.sent_at + ARRIVAL_GRACE_S > began)
        ]
        if waiting:
            request = waiting[pick % len(waiting)]
            untold = self.strange - (request.reported if request.window == self.window else 0)
            assert self.counted - untold + request.weight <= LIMIT, "the exchange answers 429"
            self.counted += request.weight
            request.count, request.arrived_in, request.strange = self.counted, self.window, self.strange

    @precondition(lambda self: any(each.count is not None for each in self.flying))
    @rule(pick=PICK, dated_late=st.booleans(), dated=st.booleans())
    def answer(self, pick: int, dated_late: bool, dated: bool) -> None:
        """The answer comes back; its date is that of the count, or of the sending of the answer."""
        arrived = [each for each in self.flying if each.count is not None]
        request = arrived[pick % len(arrived)]
        date = self.window if dated_late else request.arrived_in
        if request.window == request.arrived_in == self.window:
            self.strange_told = max(self.strange_told, request.strange)
        # Without a date only the clock here tells the window, for which it has to be sure.
        self.record_response(request, request.count, date if dated or request.sender.behind else None)

    @precondition(lambda self: any(not each.sender.behind for each in self.flying))
    @rule(pick=PICK)
    def lose(self, pick: int) -> None:
        """No answer comes, whether it arrived or not; to know that takes longer than a clock is behind."""
        sure = [each for each in self.flying if not each.sender.behind]
        self.record_response(sure[pick % len(sure)], None, None)

    def record_response(self, request: Request, count: int | None, count_window: int | None) -> None:
        self.clock.advance(0.001)
        self.flying.remove(request)
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
        """Nothing of its own runs any more; what had not arrived by then never does."""
        process = self.pick_process(pick)
        self.processes.remove(process)
        self.flying = [each for each in self.flying if each.sender is not process]
        number = process.store.read()[3]
        process.store.close()
        with sqlite3.connect(self.folder / "ledger.sqlite") as file:
            file.execute("UPDATE process SET pid = ? WHERE id = ?", (dead_pid(), number))
        file.close()

    @rule(behind=st.lists(st.booleans(), min_size=4, max_size=4), quickly=st.booleans())
    def window_bounds(self, behind: list[bool], quickly: bool) -> None:
        """The exchange's window turns; a clock here may not be sure of it yet."""
        is_old = self.clock.monotonic() - self.began[self.window] > 10
        self.clock.advance(0.1 if quickly and is_old else 60)
        self.window += 1
        self.began[self.window] = self.clock.monotonic()
        self.counted = self.strange = self.strange_told = 0
        for process, late in zip(self.processes, behind, strict=False):
            process.behind = late

    @rule()
    def time_passes(self) -> None:
        """Some of a window of a minute; by then every clock is sure of its turn."""
        self.everybody_is_sure()
        self.clock.advance(15)

    @rule()
    def everybody_is_sure(self) -> None:
        for process in self.processes:
            process.behind = False

    @invariant()
    def what_is_known_is_never_too_little(self) -> None:
        for page in self.processes[0].store.read()[0]:
            if page.counter.window == self.window:
                untold = self.strange - self.strange_told
                assert page.counter.used + page.counter.in_flight >= self.counted - untold

    def teardown(self) -> None:
        """Nobody is blocked for ever: two windows on, the greatest request goes, whatever is still out."""
        self.everybody_is_sure()
        self.window_bounds([False] * 4, quickly=False)
        self.window_bounds([False] * 4, quickly=False)
        assert isinstance(self.reserve(self.processes[0], LIMIT), int)
        for process in self.processes:
            process.store.close()
        self.ends.close()


TestSharedLimits = SharedLimits.TestCase
TestSharedLimits.settings = settings(max_examples=120, stateful_step_count=50, report_multiple_bugs=False)
