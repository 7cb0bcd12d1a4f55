"""The arithmetic of one counter: what has been used, and whether a request fits.

This module has no file and no clock. A counter is charged by the requests of this machine's processes
(`processes`) and by other programs on this IP address (`external`). The exchange reports its count in each
response. Weight that may be missing from that count is added to it, so that the sum is never too small:

- requests in flight, and those that were in flight when the window ended (`carried_over`), which may be
  charged to either window;
- unconfirmed requests (`unconfirmed`): the response was lost, or it came in the next window with a count that
  may be of either one. The count of any request that was sent later includes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# Fraction of the limit left free for other programs in addition to their expected use: their next request is
# not known before the exchange has counted it.
HEADROOM_FRACTION = 0.03
# Other programs that used part of the headroom wanted more: in the next window they are left this much more.
GROWTH = 1.5
# Seconds within which the request of a killed process reaches the exchange.
ARRIVAL_GRACE_S = 1.0
# Seconds after which a request without a response has been charged.
CHARGED_AFTER_S = 10.0
# Fractions of a window: the shortest span over which the rate of other programs is measured, and the point
# after which a report counts as one for the whole window.
MIN_RATE_SPAN, OBSERVED_FRACTION = 0.05, 0.8
# While other programs use a counter, this many times their use, up to this fraction of the limit, is released
# gradually until the window ends.
CAUTION_FACTOR, CAUTION_FRACTION = 4, 0.6

Obstacle = Literal["in flight", "external", "limit fraction", "used up"]


@dataclass(slots=True)
class ProcessCount:
    """Weight that one process has used of a counter in the current window.

    Attributes:
        used: Weight of its completed requests.
        in_flight: Weight of its requests that have no response yet.
        carried_over: Weight of such requests that were sent in an earlier window.
        sent_at: When it sent its last request, by the monotonic clock.
    """

    used: int = 0
    in_flight: int = 0
    carried_over: int = 0
    sent_at: float = 0.0


@dataclass(slots=True)
class Counter:
    """State of one counter.

    Attributes:
        window: Number of the current window.
        reported: The exchange's count in it, as last reported.
        reported_at: Elapsed fraction of the window at that time.
        rate: Weight that other programs would use in a whole window at their recent rate.
        rate_at: Elapsed fraction of the window when that rate was measured.
        rate_external: Weight that they had used by then.
        unconfirmed: Weight that may have been charged in addition to `reported`.
        unconfirmed_since: When the last of it became unconfirmed, by the monotonic clock.
        external: Weight used by other programs on this IP address; a lower bound.
        expected: Weight that they are expected to use in a window, judging by the last windows.
        processes: Use by each process, by its number.
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
        """Weight of requests that have no response yet."""
        return self._own_weights()[0]

    @property
    def own_weight(self) -> int:
        """All weight of this machine that may be charged to the current window."""
        return self._own_weights()[1]

    def _own_weights(self) -> tuple[int, int]:
        """Return the weight in flight, and all weight of this machine that may be charged to the window."""
        in_flight = used = 0
        for process_count in self.processes.values():
            in_flight += process_count.in_flight + process_count.carried_over
            used += process_count.used
        return in_flight, in_flight + used

    @property
    def used(self) -> int:
        """Weight used in the current window, as far as is known."""
        return self.reported + self.unconfirmed

    def process_count(self, process: int) -> ProcessCount:
        """Return the use by a process."""
        process_count = self.processes.get(process)
        if process_count is None:
            process_count = self.processes[process] = ProcessCount()
        return process_count

    def roll_over(self, bounds: WindowBounds, is_alive: Callable[[int], bool]) -> None:
        """Begin another window.

        Args:
            bounds: The new window.
            is_alive: Whether a process still runs.
        """
        steps = bounds.window - self.window
        wanted = self.external
        if wanted and self.reported > bounds.limit - self._headroom(bounds.limit) / 2:
            wanted = min(math.ceil(wanted * GROWTH), bounds.limit)
        # A lower use is trusted only where it was reported late in the window.
        kept = self.expected // 2 if self.reported_at >= OBSERVED_FRACTION else self.expected * 7 // 8
        self.expected = max(wanted, kept) >> max(0, min(steps - 1, 64))
        before, self.processes = self.processes, {}
        self.window = bounds.window
        self.reported = self.unconfirmed = self.external = self.rate_external = 0
        self.reported_at = self.unconfirmed_since = self.rate = self.rate_at = 0.0
        for process, process_count in before.items():
            in_flight = process_count.in_flight + process_count.carried_over
            if in_flight and process_count.sent_at + CHARGED_AFTER_S > bounds.began and is_alive(process):
                self.processes[process] = ProcessCount(carried_over=in_flight, sent_at=process_count.sent_at)
            elif in_flight and process_count.sent_at + ARRIVAL_GRACE_S > bounds.began:
                # The last requests of a process that has ended may have been charged to either window.
                self.unconfirmed += in_flight
                self.unconfirmed_since = max(self.unconfirmed_since, bounds.began)

    def obstacle(self, weight: int, limit: int, limit_fraction: float, elapsed: float) -> Obstacle | None:
        """Return what prevents a request from being sent now.

        Args:
            weight: Its weight.
            limit: Weight allowed in a window.
            limit_fraction: Fraction of the limit that this machine may use up with it.
            elapsed: Elapsed fraction of the window.

        Returns:
            None where nothing does; "in flight" where a response may make room; "external" where the rest is
            left to other programs for now; "limit fraction" and "used up" where it has to wait for the next
            window.
        """
        in_flight, own_weight = self._own_weights()
        if not self.used and not in_flight:
            return None  # a request heavier than the whole limit is sent alone: the exchange decides
        room, own_room = limit - weight, max(limit_fraction * limit - weight, 0)
        coming, headroom = self._left_to_external(limit, elapsed)
        if self.used + in_flight + coming + headroom <= room and own_weight <= own_room:
            return None
        if self.reported > room:
            return "used up"
        if own_weight - in_flight > own_room:
            return "limit fraction" if limit_fraction < 1 else "used up"
        if in_flight:
            return "in flight"
        return "used up" if self.used > room else "external"

    def _left_to_external(self, limit: int, elapsed: float) -> tuple[int, int]:
        """Return the weight left free for other programs, and the headroom in addition to it."""
        known = max(self.external, self.expected)
        if not known:
            return 0, 0
        if self.external <= self.expected:
            coming = float(self.expected - self.external)
        else:
            # They use more than before and may continue at the rate that was last reported. No report since
            # then does not mean that they sent nothing.
            coming = min(self._rate() * (1 - self.reported_at), limit / 2)
        # Using up the limit at the start of a window would hide what other programs want to use.
        gradual = min(CAUTION_FRACTION * limit, CAUTION_FACTOR * known) * (1 - elapsed)
        return math.ceil(max(coming, gradual)), self._headroom(limit)

    def _rate(self) -> float:
        """Return the weight that other programs would use in a whole window at their recent rate."""
        since = max(self.reported_at - self.rate_at, MIN_RATE_SPAN)
        return max(self.rate, (self.external - self.rate_external) / since)

    def _headroom(self, limit: int) -> int:
        return math.ceil(min(HEADROOM_FRACTION * limit, max(self.external, self.expected)))

    def reserve(self, process: int, weight: int, now: float) -> None:
        """Reserve the weight of a request that is about to be sent."""
        process_count = self.process_count(process)
        process_count.in_flight += weight
        process_count.sent_at = now

    def release(self, process: int, weight: int, window: int) -> None:
        """Return the weight of a request that was never sent."""
        self._remove_in_flight(self.process_count(process), weight, window)

    def record_response(
        self, process: int, sent: CompletedRequest, count: int | None, count_window: int | None
    ) -> RecordedResponse:
        """Record how a request ended.

        Args:
            process: Number of the process that sent it.
            sent: The request.
            count: The exchange's count in the response, None where there is none.
            count_window: The window in which the response was made, None where that is unknown.
        """
        in_flight, own_weight = self._own_weights()
        completed_before = own_weight - in_flight
        was_alone = in_flight == sent.weight and not self.unconfirmed
        process_count = self.process_count(process)
        self._remove_in_flight(process_count, sent.weight, sent.window)
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
        was_alone = was_alone and sent.window == self.window and not self.unconfirmed
        return RecordedResponse(self.window, was_alone, completed_before, completed_before + sent.weight)

    def record_count(self, count: int) -> None:
        """Record the exchange's count in a response that was charged to another counter."""
        self.reported = max(self.reported, count)
        self._update_external()

    def _update_external(self) -> None:
        self.external = max(self.external, self.reported - self.own_weight)
        if self.reported_at - self.rate_at >= MIN_RATE_SPAN:
            self.rate = (self.external - self.rate_external) / (self.reported_at - self.rate_at)
            self.rate_at, self.rate_external = self.reported_at, self.external

    def _remove_in_flight(self, process_count: ProcessCount, weight: int, window: int) -> None:
        if window == self.window:
            process_count.in_flight = max(0, process_count.in_flight - weight)
        else:
            process_count.carried_over = max(0, process_count.carried_over - weight)

    def _mark_unconfirmed(self, sent: CompletedRequest) -> None:
        self.unconfirmed += sent.weight
        self.unconfirmed_since = max(self.unconfirmed_since, sent.ended)


class WindowBounds(NamedTuple):
    """The current window of a counter, as the calling process sees it.

    Attributes:
        window: Its number: seconds since 1970 divided by its length.
        began: When it began, by the monotonic clock.
        limit: Weight allowed in it.
    """

    window: int
    began: float
    limit: int


class RecordedResponse(NamedTuple):
    """How a counter changed with a response.

    Attributes:
        window: Number of the current window.
        was_alone: Whether the request was sent in this window, and no other request of this machine had been
            in flight at its end or was unconfirmed.
        completed_before: Weight of this machine's requests that had been completed in this window before.
        completed: The same with this request.
    """

    window: int
    was_alone: bool
    completed_before: int
    completed: int


class CompletedRequest(NamedTuple):
    """A request that has ended, with or without a response.

    Attributes:
        weight: Its weight.
        window: Number of the window that it was sent in.
        sent_at: When it was sent, by the monotonic clock.
        ended: When it ended, by the monotonic clock.
        elapsed: Elapsed fraction of the window at that time.
    """

    weight: int
    window: int
    sent_at: float
    ended: float
    elapsed: float
