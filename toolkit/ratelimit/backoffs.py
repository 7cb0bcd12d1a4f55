"""Bans and pauses, which hold for every process and outlive a restart, also one into a newer version."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.ratelimit.records import Backoff
from toolkit.runtime.interruptions import let_through
from toolkit.storage import database, earlier
from toolkit.storage.formats import Execute
from toolkit.storage.processes import boot
from toolkit.timing.clock import Clock

_SELECT_BACKOFFS = "SELECT host, until, wall_until, seconds, boot FROM backoff"
# What an earlier version wrote is asked for at each opening, and an old kernel may write it meanwhile.
_PATIENCE = 0.5


class Halts:
    """The halts in the record.

    Args:
        clock: This machine's clock.
        files: Files of the version before.

    Attributes:
        known: Until when each host is not to be sent to, by the clock, as last read.
        left_behind: What could not be taken over from the version before, "" where nothing was left.
    """

    def __init__(self, clock: Clock, files: Sequence[Path] = ()) -> None:
        self.known: dict[str, float] = {}
        self.left_behind = ""
        self._clock = clock
        self._files = files

    def write(self, execute: Execute, host: str, seconds: float, now: float = 0.0) -> None:
        """Write down that nothing is to be sent to a host for so long.

        Args:
            execute: Runs a statement.
            host: The host.
            seconds: How long.
            now: The exchange's time, where it is known.
        """
        # The second counts after the machine was started anew, when its own clock is all there is. Whether
        # that will be as wrong as it is now, or right by then, nobody knows: the later of both is safe, and
        # `seconds` bounds it.
        wall = max(self._clock.time(), now)
        ends = float(self._clock.monotonic() + seconds), float(wall + seconds)
        execute(
            "REPLACE INTO backoff (host, until, wall_until, seconds, boot) VALUES (?, ?, ?, ?, ?)",
            (host, *ends, float(seconds), boot()),
        )

    def read(self, execute: Execute) -> tuple[list[Backoff], bool]:
        """The halts there are, and whether one of them has ended."""
        backoffs, has_ended = [], False
        for host, until, wall_until, seconds, boot_then in execute(_SELECT_BACKOFFS).fetchall():
            left, is_certain = self._left(until, wall_until, seconds, boot_then)
            if left <= 0:
                execute("DELETE FROM backoff WHERE host = ?", (host,))
                has_ended = True
                continue
            if not is_certain:
                self.write(execute, host, left)
            backoffs.append(Backoff(host, left))
        self.known = {back_off.host: self._clock.monotonic() + back_off.left for back_off in backoffs}
        return backoffs, has_ended

    def carry_over(self, execute: Execute, known: Mapping[str, float]) -> None:
        """Write down what is known, and what the version before had written down, where that lasts longer.

        Args:
            execute: Runs a statement.
            known: Until when each host is not to be sent to, by the clock.
        """
        there = {back_off.host: back_off.left for back_off in self.read(execute)[0]}
        now = self._clock.monotonic()
        for host, left in [*((host, until - now) for host, until in known.items()), *self._earlier()]:
            if left > there.get(host, 0.0):
                there[host] = left
                self.write(execute, host, left)

    def _left(self, until: float, wall_until: float, seconds: float, boot_then: str) -> tuple[float, bool]:
        """How long a halt still lasts, and whether that is sure."""
        is_known = bool(boot_then) and boot_then == boot()
        left = until - self._clock.monotonic() if is_known else wall_until - self._clock.time()
        if is_known and left <= seconds:
            return left, True
        # Of before the machine was started, or of a clock that was wrong: whatever became of the clocks, it
        # lasts no longer from now on than it was meant to.
        return min(left, seconds), False

    def _earlier(self) -> list[tuple[str, float]]:
        """What files of the version before say: hosts, and how long nothing is to be sent there."""
        found, failed = [], []
        for path in self._files:
            outside = sys.exception()
            try:
                with contextlib.closing(database.connect(path, timeout=_PATIENCE, shared=True)) as file:
                    rows = file.execute(earlier.WAITS).fetchall()
                found += [
                    (str(host), self._left(float(until), float(wall), float(seconds), str(boot_then))[0])
                    for host, until, wall, seconds, boot_then in rows
                ]
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (sqlite3.Error, OSError, ValueError, TypeError) as error:
                let_through(error, outside)
                failed.append(f"{path} ({error})")
        self.left_behind = ""
        if failed:
            self.left_behind = (
                "An earlier version of the package kept the rate limits in "
                f"{', '.join(failed)}, which cannot be read: a ban that it had met is not known here."
            )
        return found
