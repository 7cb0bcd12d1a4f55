"""The rules of counting: what is known of one counter, and whether a request fits into it.

Pure: no file, no clock. A counter is charged by the requests of this machine's processes (`parts`)
and by programs that nobody here knows (`others`). The server tells its count in each answer; what it
may not have counted yet is held against the limit as well, so that the sum is never too small:

- what is in flight, and what was in flight when the window turned (`carried`): it may be charged to
  either window;
- what is in doubt (`doubtful`): lost, or answered after the turn by a count that may be of either
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
MARGIN = 0.03
# They had less than they wanted where they ate into the margin: next time they are left so much more.
GROWTH = 1.5
# Seconds within which a request arrives, though who sent it was killed.
LANDING = 1.0
# Seconds after which a request has been charged, though no answer has come yet.
FLIGHT = 10.0
# Parts of a window: over what stretch at least the pace of others is taken, and from when on a window is
# taken for seen to its end.
PACE, LATE = 0.05, 0.8
# While others use a counter so many times their use, and this part of the limit at most, is not taken at
# once but bit by bit until the window ends.
PATIENT, SLOWLY = 4, 0.6

Obstacle = Literal["in flight", "others", "share", "used up"]


@dataclass(slots=True)
class Part:
    """What one process used of a counter in the running window.

    Attributes:
        used: Weight of its answered requests.
        in_flight: Weight of those without an answer yet.
        carried: Weight of those without an answer yet that were sent in a window before.
        sent_at: When it sent its last one, by the monotonic clock.
    """

    used: int = 0
    in_flight: int = 0
    carried: int = 0
    sent_at: float = 0.0


@dataclass(slots=True)
class Counter:
    """What is known of one counter.

    Attributes:
        window: Number of the running window.
        told: The server's own count in it, as last told.
        told_at: Part of the window that was over then.
        pace: What the others used in a whole window, by their pace lately.
        paced_at: Part of the window that was over when that was last seen.
        paced_others: What they had used by then.
        doubtful: Weight that may be charged to it beside that.
        doubtful_since: When the last of it came into doubt, by the monotonic clock.
        others: Weight used by programs that do not share the ledger, at least.
        expected: What they are expected to use in a window, by the last ones.
        parts: By process.
    """

    window: int
    told: int = 0
    told_at: float = 0.0
    pace: float = 0.0
    paced_at: float = 0.0
    paced_others: int = 0
    doubtful: int = 0
    doubtful_since: float = 0.0
    others: int = 0
    expected: int = 0
    parts: dict[int, Part] = field(default_factory=dict)

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
        for part in self.parts.values():
            in_flight += part.in_flight + part.carried
            used += part.used
        return in_flight, in_flight + used

    @property
    def used(self) -> int:
        """Weight used in the running window, as far as it is known."""
        return self.told + self.doubtful

    def part(self, process: int) -> Part:
        """The part of a process."""
        part = self.parts.get(process)
        if part is None:
            part = self.parts[process] = Part()
        return part

    def turn(self, turn: Turn, alive: Callable[[int], bool]) -> None:
        """Begin another window.

        Args:
            turn: The window, and the limit in force.
            alive: Whether a process still runs.
        """
        steps = turn.window - self.window
        wanted = self.others
        if wanted and self.told > turn.limit - self._margin(turn.limit) / 2:
            wanted = min(math.ceil(wanted * GROWTH), turn.limit)
        # That they took less is believed where it was seen until late in the window.
        kept = self.expected // 2 if self.told_at >= LATE else self.expected * 7 // 8
        self.expected = max(wanted, kept) >> max(0, min(steps - 1, 64))
        before, self.parts = self.parts, {}
        self.window = turn.window
        self.told = self.doubtful = self.others = self.paced_others = 0
        self.told_at = self.doubtful_since = self.pace = self.paced_at = 0.0
        for process, part in before.items():
            under_way = part.in_flight + part.carried
            if under_way and part.sent_at + FLIGHT > turn.began and alive(process):
                self.parts[process] = Part(carried=under_way, sent_at=part.sent_at)
            elif under_way and part.sent_at + LANDING > turn.began:
                # The last words of a process that has ended may have been charged to either window.
                self.doubtful += under_way
                self.doubtful_since = max(self.doubtful_since, turn.began)

    def obstacle(self, weight: int, limit: int, share: float, elapsed: float) -> Obstacle | None:
        """What keeps a request from being sent now.

        Args:
            weight: Its weight.
            limit: Weight allowed in a window.
            share: Part of the limit that this machine may use up for it.
            elapsed: Part of the window that is over.

        Returns:
            None where nothing does; "in flight" where an answer may make room; "others" where the rest is
            left to other programs for the time being; "share" and "used up" where only the next window
            helps.
        """
        in_flight, ours = self._ours()
        if not self.used and not in_flight:
            return None  # a request heavier than the whole limit goes alone: the exchange may know better
        room, own_room = limit - weight, max(share * limit - weight, 0)
        coming, margin = self._left_to_others(limit, elapsed)
        if self.used + in_flight + coming + margin <= room and ours <= own_room:
            return None
        if self.told > room:
            return "used up"
        if ours - in_flight > own_room:
            return "share"
        if in_flight:
            return "in flight"
        return "used up" if self.used > room else "others"

    def _left_to_others(self, limit: int, elapsed: float) -> tuple[int, int]:
        """Weight left free for programs that do not share the ledger, and a margin beside it."""
        known = max(self.others, self.expected)
        if not known:
            return 0, 0
        if self.others <= self.expected:
            coming = float(self.expected - self.others)
        else:
            # More than they are used to take: they may go on at the pace they had when it was last told.
            # That nothing was told since does not mean that nothing was sent.
            coming = min(self._pace() * (1 - self.told_at), limit / 2)
        # Who takes all at once when a window begins never sees what the others would have taken.
        slowly = min(SLOWLY * limit, PATIENT * known) * (1 - elapsed)
        return math.ceil(max(coming, slowly)), self._margin(limit)

    def _pace(self) -> float:
        """What the others would use in a whole window, by their pace lately."""
        since = max(self.told_at - self.paced_at, PACE)
        return max(self.pace, (self.others - self.paced_others) / since)

    def _margin(self, limit: int) -> int:
        return math.ceil(min(MARGIN * limit, max(self.others, self.expected)))

    def reserve(self, process: int, weight: int, now: float) -> None:
        """A request goes out."""
        part = self.part(process)
        part.in_flight += weight
        part.sent_at = now

    def release(self, process: int, weight: int, window: int) -> None:
        """It never went out after all."""
        self._landed(self.part(process), weight, window)

    def settle(self, process: int, sent: Sent, count: int | None, count_window: int | None) -> None:
        """A request has come to its end.

        Args:
            process: Who sent it.
            sent: The request.
            count: The server's count in its answer, None where there was none.
            count_window: The window that the answer was given in, None where that is not known.
        """
        part = self.part(process)
        self._landed(part, sent.weight, sent.window)
        if sent.window == self.window:
            part.used += sent.weight
            if count is not None and count_window in (None, self.window):
                self.told = max(self.told, count)
                self.told_at = sent.elapsed
                if sent.sent_at > self.doubtful_since:
                    self.doubtful = 0
            else:
                self._doubt(sent)
        elif sent.window < self.window and (count is None or count_window in (None, self.window)):
            part.used += sent.weight
            self._doubt(sent)
        self._notice_others()

    def believe(self, count: int) -> None:
        """The server's count, told by an answer that was charged elsewhere."""
        self.told = max(self.told, count)
        self._notice_others()

    def _notice_others(self) -> None:
        self.others = max(self.others, self.told - self.ours)
        if self.told_at - self.paced_at >= PACE:
            self.pace = (self.others - self.paced_others) / (self.told_at - self.paced_at)
            self.paced_at, self.paced_others = self.told_at, self.others

    def _landed(self, part: Part, weight: int, window: int) -> None:
        if window == self.window:
            part.in_flight = max(0, part.in_flight - weight)
        else:
            part.carried = max(0, part.carried - weight)

    def _doubt(self, sent: Sent) -> None:
        self.doubtful += sent.weight
        self.doubtful_since = max(self.doubtful_since, sent.ended)


class Turn(NamedTuple):
    """The running window of a counter, as the asking process knows it.

    Attributes:
        window: Its number.
        began: When it began, by the monotonic clock.
        limit: Weight allowed in it.
    """

    window: int
    began: float
    limit: int


class Sent(NamedTuple):
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
