"""Sends writes and keeps their journal and outcomes. `toolkit.api.writes` has the methods users call."""

from __future__ import annotations

from toolkit.writes.outcome import NewKey, Outcome
from toolkit.writes.preview import PreflightCheck, Preview

__all__ = ["NewKey", "Outcome", "PreflightCheck", "Preview"]


def __dir__() -> list[str]:
    return __all__
