"""Bans and pauses. They apply to every process, and survive a restart and an upgrade of the package."""

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
from toolkit.storage.processes import boot_id
from toolkit.timing.clock import Clock

_SELECT_BACKOFFS = "SELECT host, until, wall_until, seconds, boot FROM backoff"
# The file of an earlier version is read at each opening, and a kernel of that version may be writing to it.
_EARLIER_FILE_TIMEOUT_S = 0.5


class BackoffTable:
    """The back-offs in the store.

    Args:
        clock: This machine's clock.
        files: Files of an earlier version of the package.

    Attributes:
        known: End of each host's back-off by the monotonic clock, as last read.
        migration_problem: What could not be read from an earlier version's file, "" where nothing was lost.
    """

    def __init__(self, clock: Clock, files: Sequence[Path] = ()) -> None:
        self.known: dict[str, float] = {}
        self.migration_problem = ""
        self._clock = clock
        self._files = files

    def write(self, execute: Execute, host: str, seconds: float, now: float = 0.0) -> None:
        """Store a back-off.

        Args:
            execute: Runs a statement.
            host: The host.
            seconds: Its length.
            now: The exchange's time, 0 where it is unknown.
        """
        # The wall-clock time is used after a reboot, when the monotonic clock starts anew. This machine's
        # wall clock may be wrong now or then, so the later of the two times is stored; `seconds` bounds the
        # wait.
        wall = max(self._clock.time(), now)
        ends = float(self._clock.monotonic() + seconds), float(wall + seconds)
        execute(
            "REPLACE INTO backoff (host, until, wall_until, seconds, boot) VALUES (?, ?, ?, ?, ?)",
            (host, *ends, float(seconds), boot_id()),
        )

    def read(self, execute: Execute) -> tuple[list[Backoff], bool]:
        """Return the back-offs, and whether any has ended."""
        backoffs, has_ended = [], False
        for host, until, wall_until, seconds, stored_boot in execute(_SELECT_BACKOFFS).fetchall():
            left, is_certain = self._seconds_left(until, wall_until, seconds, stored_boot)
            if left <= 0:
                execute("DELETE FROM backoff WHERE host = ?", (host,))
                has_ended = True
                continue
            if not is_certain:
                self.write(execute, host, left)
            backoffs.append(Backoff(host, left))
        self.known = {backoff.host: self._clock.monotonic() + backoff.seconds_left for backoff in backoffs}
        return backoffs, has_ended

    def carry_over(self, execute: Execute, known: Mapping[str, float]) -> None:
        """Store known back-offs and those of an earlier version, where they last longer than the stored ones.

        Args:
            execute: Runs a statement.
            known: End of each host's back-off by the monotonic clock.
        """
        stored = {backoff.host: backoff.seconds_left for backoff in self.read(execute)[0]}
        now = self._clock.monotonic()
        for host, left in [*((host, until - now) for host, until in known.items()), *self._earlier()]:
            if left > stored.get(host, 0.0):
                stored[host] = left
                self.write(execute, host, left)

    def _seconds_left(
        self, until: float, wall_until: float, seconds: float, stored_boot: str
    ) -> tuple[float, bool]:
        """Return how long a back-off still lasts, and whether that is certain."""
        is_same_boot = bool(stored_boot) and stored_boot == boot_id()
        left = until - self._clock.monotonic() if is_same_boot else wall_until - self._clock.time()
        if is_same_boot and left <= seconds:
            return left, True
        # It was stored before a reboot or by a wrong clock. From now on it lasts no longer than its full
        # length.
        return min(left, seconds), False

    def _earlier(self) -> list[tuple[str, float]]:
        """Return the back-offs in files of an earlier version: host and seconds left."""
        found, failed = [], []
        for path in self._files:
            outside = sys.exception()
            try:
                with contextlib.closing(
                    database.connect(path, timeout=_EARLIER_FILE_TIMEOUT_S, shared=True)
                ) as file:
                    rows = file.execute(earlier.BACKOFFS).fetchall()
                found += [
                    (
                        str(host),
                        self._seconds_left(float(until), float(wall), float(seconds), str(stored_boot))[0],
                    )
                    for host, until, wall, seconds, stored_boot in rows
                ]
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (sqlite3.Error, OSError, ValueError, TypeError) as error:
                let_through(error, outside)
                failed.append(f"{path} ({error})")
        self.migration_problem = ""
        if failed:
            self.migration_problem = (
                "The rate-limit file of an earlier version of the package cannot be read: "
                f"{', '.join(failed)}. A ban stored in it is not known here."
            )
        return found
