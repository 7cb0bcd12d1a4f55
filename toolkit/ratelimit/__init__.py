"""One record of what each counter has used, shared by all processes of this machine."""

from __future__ import annotations

from toolkit.ratelimit.counting import CompletedRequest, Counter, Obstacle, ProcessCount, WindowBounds
from toolkit.ratelimit.records import (
    ALL_HOSTS,
    Backoff,
    CounterKey,
    CounterState,
    ObservedCount,
    ReportedLimit,
)
from toolkit.ratelimit.state import REMEMBERED_WINDOWS, RateLimitStore

__all__ = [
    "ALL_HOSTS",
    "REMEMBERED_WINDOWS",
    "Backoff",
    "CompletedRequest",
    "Counter",
    "CounterKey",
    "CounterState",
    "ObservedCount",
    "Obstacle",
    "ProcessCount",
    "RateLimitStore",
    "ReportedLimit",
    "WindowBounds",
]
