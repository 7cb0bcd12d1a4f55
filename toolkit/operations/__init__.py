"""The doors for writing, apart from `Link`: what changes something at the exchange, and what became of it."""

from __future__ import annotations

from toolkit.operations.outcome import NewKey, Outcome
from toolkit.operations.preview import Point, Preview

__all__ = ["NewKey", "Outcome", "Point", "Preview"]


def __dir__() -> list[str]:
    return __all__
