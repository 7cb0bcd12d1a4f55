"""The rules of counting: what is known of one counter, and whether a request fits into it.

Pure: no file, no clock. A counter is charged by the requests of this machine's processes (`processes`)
and by programs that nobody here knows (`external`). The server tells its count in each answer; what it
may not have counted yet is held against the limit as well, so that the sum is never too small:

- what is in flight, and what was in flight when the window turned (`carried_over`): it may be charged to
  either window;
- what is in doubt (`unconfirmed`): lost, or answered after the turn by a count that may be of either
  window. The next count of a request that was sent later settles the doubt, because it includes
  whatever was charged by then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# Where programs that do not share the ledger use the counter too, up to this part of the limit is left
# free beside what they are expected to take: their next request is not known before it is counted.
HEADROOM_FRACTION = 0.03
# They had less than they wanted where they ate into the margin: next time they are left so much more.
GROWTH = 1.5
# Seconds within which a request arrives, though who sent it was killed.
ARRIVAL_GRACE_S = 1.0
# Seconds after which a request has been charged, though no answer has come yet.
CHARGED_AFTER_S = 10.0
# Parts of a window: over what stretch at least the pace of others is taken, and from when on a window is
# taken for seen to its end.
MIN_RATE_SPAN, SEEN_TO_THE_END = 0.05, 0.8
# While others use a counter so many times their use, and this part of the limit at most, is not taken at
# once but bit by bit until the window ends.
CAUTION_FACTOR, CAUTION_FRACTION = 4, 0.6

Obstacle = Literal["in flight", "external", "share", "used up"]


@dataclass(slots=True)
class ProcessCount:
    """What one process used of a counter in the running window.

    Attributes:
        used: Weight of its answered requests.
        in_flight: Weight of those without an answer yet.
        carried_over: Weight of those without an answer yet that were sent in a window before.
        sent_at: When it sent its last one, by the monotonic clock.
    """

    used: int = 0
    in_flight: int = 0
    carried_over: int = 0
    sent_at: float = 0.0


@dataclass(slots=True)
class Counter:
    """What is known of one counter.

    Attributes:
        window: Number of the running window.
        reported: The server's own count in it, as last told.
        reported_at: Part of the window that was over then.
        rate: What the others used in a whole window, by their pace lately.
        rate_at: Part of the window that was over when that was last seen.
        rate_external: What they had used by then.
        unconfirmed: Weight that may be charged to it beside that.
        unconfirmed_since: When the last of it came into doubt, by the monotonic clock.
        external: Weight used by programs that do not share the ledger, at least.
        expected: What they are expected to use in a window, by the last ones.
        processes: By process.
    """

    window: int
    reported: int = 0
    reported_at: float = 0.0
    rate: float = 0.0
    rate_at: float = 0.0
    rate_external: int = 0
    unconfirmed: int = 0
    unconfirmed_since: float = 0.0
    external: int = 0
    expected: int = 0
    processes: dict[int, ProcessCount] = field(default_factory=dict)

    @property
    def in_flight(self) -> int:
        """Weight without an answer yet."""
        return self._ours()[0]

    @property
    def ours(self) -> int:
        """All of this machine's weight that may be charged to the running window."""
        return self._ours()[1]

    def _ours(self) -> tuple[int, int]:
        """This machine's weight that has no answer yet, and all of it that may be charged to the window."""
        in_flight = used = 0
        for process_count in self.processes.values():
            in_flight += process_count.in_flight + process_count.carried_over
            used += process_count.used
        return in_flight, in_flight + used

    @property
    def used(self) -> int:
        """Weight used in the running window, as far as it is known."""
        return self.reported + self.unconfirmed

    def process_count(self, process: int) -> ProcessCount:
        """The part of a process."""
        process_count = self.processes.get(process)
        if process_count is None:
            process_count = self.processes[process] = ProcessCount()
        return process_count

    def roll_over(self, roll_over: WindowBounds, alive: Callable[[int], bool]) -> None:
        """Begin another window.

        Args:
            roll_over: The window, and the limit in force.
            alive: Whether a process still runs.
        """
        steps = roll_over.window - self.window
        wanted = self.external
        if wanted and self.reported > roll_over.limit - self._headroom(roll_over.limit) / 2:
            wanted = min(math.ceil(wanted * GROWTH), roll_over.limit)
        # That they took less is believed where it was seen until late in the window.
        kept = self.expected // 2 if self.reported_at >= SEEN_TO_THE_END else self.expected * 7 // 8
        self.expected = max(wanted, kept) >> max(0, min(steps - 1, 64))
        before, self.processes = self.processes, {}
        self.window = roll_over.window
        self.reported = self.unconfirmed = self.external = self.rate_external = 0
        self.reported_at = self.unconfirmed_since = self.rate = self.rate_at = 0.0
        for process, process_count in before.items():
            under_way = process_count.in_flight + process_count.carried_over
            if under_way and process_count.sent_at + CHARGED_AFTER_S > roll_over.began and alive(process):
                self.processes[process] = ProcessCount(carried_over=under_way, sent_at=process_count.sent_at)
            elif under_way and process_count.sent_at + ARRIVAL_GRACE_S > roll_over.began:
                # The last words of a process that has ended may have been charged to either window.
                self.unconfirmed += under_way
                self.unconfirmed_since = max(self.unconfirmed_since, roll_over.began)

    def obstacle(self, weight: int, limit: int, limit_fraction: float, elapsed: float) -> Obstacle | None:
        """What keeps a request from being sent now.

        Args:
            weight: Its weight.
            limit: Weight allowed in a window.
            limit_fraction: Part of the limit that this machine may use up for it.
            elapsed: Part of the window that is over.

        Returns:
            None where nothing does; "in flight" where an answer may make room; "others" where the rest is
            left to other programs for the time being; "share" and "used up" where only the next window
            helps.
        """
        in_flight, ours = self._ours()
        if not self.used and not in_flight:
            return None  # a request heavier than the whole limit goes alone: the exchange may know better
        room, own_room = limit - weight, max(limit_fraction * limit - weight, 0)
        coming, headroom = self._left_to_external(limit, elapsed)
        if self.used + in_flight + coming + headroom <= room and ours <= own_room:
            return None
        if self.reported > room:
            return "used up"
        if ours - in_flight > own_room:
            return "share"
        if in_flight:
            return "in flight"
        return "used up" if self.used > room else "external"

    def _left_to_external(self, limit: int, elapsed: float) -> tuple[int, int]:
        """Weight left free for programs that do not share the ledger, and a margin beside it."""
        known = max(self.external, self.expected)
        if not known:
            return 0, 0
        if self.external <= self.expected:
            coming = float(self.expected - self.external)
        else:
            # More than they are used to take: they may go on at the pace they had when it was last told.
            # That nothing was told since does not mean that nothing was sent.
            coming = min(self._rate() * (1 - self.reported_at), limit / 2)
        # Who takes all at once when a window begins never sees what the others would have taken.
        slowly = min(CAUTION_FRACTION * limit, CAUTION_FACTOR * known) * (1 - elapsed)
        return math.ceil(max(coming, slowly)), self._headroom(limit)

    def _rate(self) -> float:
        """What the others would use in a whole window, by their pace lately."""
        since = max(self.reported_at - self.rate_at, MIN_RATE_SPAN)
        return max(self.rate, (self.external - self.rate_external) / since)

    def _headroom(self, limit: int) -> int:
        return math.ceil(min(HEADROOM_FRACTION * limit, max(self.external, self.expected)))

    def reserve(self, process: int, weight: int, now: float) -> None:
        """A request goes out."""
        process_count = self.process_count(process)
        process_count.in_flight += weight
        process_count.sent_at = now

    def release(self, process: int, weight: int, window: int) -> None:
        """It never went out after all."""
        self._arrived(self.process_count(process), weight, window)

    def record_response(
        self, process: int, sent: CompletedRequest, count: int | None, count_window: int | None
    ) -> None:
        """A request has come to its end.

        Args:
            process: Who sent it.
            sent: The request.
            count: The server's count in its answer, None where there was none.
            count_window: The window that the answer was given in, None where that is not known.
        """
        process_count = self.process_count(process)
        self._arrived(process_count, sent.weight, sent.window)
        if sent.window == self.window:
            process_count.used += sent.weight
            if count is not None and count_window in (None, self.window):
                self.reported = max(self.reported, count)
                self.reported_at = sent.elapsed
                if sent.sent_at > self.unconfirmed_since:
                    self.unconfirmed = 0
            else:
                self._mark_unconfirmed(sent)
        elif sent.window < self.window and (count is None or count_window in (None, self.window)):
            process_count.used += sent.weight
            self._mark_unconfirmed(sent)
        self._update_external()

    def record_count(self, count: int) -> None:
        """The server's count, told by an answer that was charged elsewhere."""
        self.reported = max(self.reported, count)
        self._update_external()

    def _update_external(self) -> None:
        self.external = max(self.external, self.reported - self.ours)
        if self.reported_at - self.rate_at >= MIN_RATE_SPAN:
            self.rate = (self.external - self.rate_external) / (self.reported_at - self.rate_at)
            self.rate_at, self.rate_external = self.reported_at, self.external

    def _arrived(self, process_count: ProcessCount, weight: int, window: int) -> None:
        if window == self.window:
            process_count.in_flight = max(0, process_count.in_flight - weight)
        else:
            process_count.carried_over = max(0, process_count.carried_over - weight)

    def _mark_unconfirmed(self, sent: CompletedRequest) -> None:
        self.unconfirmed += sent.weight
        self.unconfirmed_since = max(self.unconfirmed_since, sent.ended)


class WindowBounds(NamedTuple):
    """The running window of a counter, as the asking process knows it.

    Attributes:
        window: Its number.
        began: When it began, by the monotonic clock.
        limit: Weight allowed in it.
    """

    window: int
    began: float
    limit: int


class CompletedRequest(NamedTuple):
    """A request that has come to its end, as a counter sees it.

    Attributes:
        weight: What it weighs.
        window: The window that it was sent in.
        sent_at: When, by the monotonic clock.
        ended: When it came to its end.
        elapsed: Part of the window that was over then.
    """

    weight: int
    window: int
    sent_at: float
    ended: float
    elapsed: float
