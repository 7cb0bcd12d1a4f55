"""Walks the plan: windows and pages, into one frame, over a connection to the exchange."""

from __future__ import annotations

from toolkit.fetch.connection import Connection, Source, warn
from toolkit.fetch.fetcher import Fetcher
from toolkit.fetch.namespace import Bound, Namespace
from toolkit.fetch.progress import follow
from toolkit.frames import Numbers
from toolkit.plan import When
from toolkit.privacy import Emails
from toolkit.wire.budget import Budget
from toolkit.wire.clock import Clock
from toolkit.wire.snapshot import CallRecord, OtherCount, PoolUse, ProcessUse, Snapshot

__all__ = [
    "Bound",
    "Budget",
    "CallRecord",
    "Clock",
    "Connection",
    "Emails",
    "Fetcher",
    "Namespace",
    "Numbers",
    "OtherCount",
    "PoolUse",
    "ProcessUse",
    "Snapshot",
    "Source",
    "When",
    "follow",
    "warn",
]


def __dir__() -> list[str]:
    return __all__
