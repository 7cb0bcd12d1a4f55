"""The doors for writing, apart from `Link`: what changes something at the exchange, and what became of it."""

from __future__ import annotations

from toolkit.writes.outcome import NewKey, Outcome
from toolkit.writes.preview import PreflightCheck, Preview

__all__ = ["NewKey", "Outcome", "PreflightCheck", "Preview"]


def __dir__() -> list[str]:
    return __all__
