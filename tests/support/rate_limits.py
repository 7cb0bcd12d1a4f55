"""Helpers for tests of the rate-limit store and for the scripts that they run; imports little."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from toolkit.endpoints import Host
from toolkit.ratelimit.counting import CompletedRequest, WindowBounds
from toolkit.ratelimit.records import CounterKey
from toolkit.ratelimit.store import RateLimitStore
from toolkit.timing.clock import Clock

KEY = CounterKey("fapi", "", 60)
LIMIT = 2400
HOSTS: tuple[Host, ...] = ("api", "fapi", "papi")


def bounds_of(clock: Clock, limit: int = LIMIT) -> WindowBounds:
    now = clock.monotonic()
    return WindowBounds(int(now // 60), now - now % 60, limit)


def reserve(store: RateLimitStore, clock: Clock, weight: int = 1, key: CounterKey = KEY) -> object:
    return store.reserve(
        key, "x", host="fapi", window_bounds=bounds_of(clock), weight=weight, limit_fraction=1.0
    )


def record_response(
    store: RateLimitStore,
    clock: Clock,
    weight: int = 1,
    count: int | None = None,
    sent_at: float | None = None,
) -> None:
    now = clock.monotonic()
    window = int(now // 60)
    sent = CompletedRequest(weight, window, now - 0.001 if sent_at is None else sent_at, now, 0.5)
    store.record_response(KEY, sent, bounds_of(clock), count, None if count is None else window)


def known(store: RateLimitStore) -> int:
    """Return the weight that a store counts against the limit."""
    return sum(each.counter.used + each.counter.in_flight for each in store.read().counters)


def is_shared(one: RateLimitStore, other: RateLimitStore, clock: Clock) -> bool:
    """Whether a reservation in one store shows in the other."""
    before = known(other)
    assert isinstance(reserve(one, clock, 7), int)
    return known(other) == before + 7


def is_sound(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as file:
        return bool(file.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


def let_others_in(folder: Path) -> None:
    """Allow other users to enter a test's folder."""
    for parent in [folder, *folder.parents]:
        if parent == Path(tempfile.gettempdir()):
            return
        parent.chmod(0o755)
