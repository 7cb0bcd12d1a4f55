"""One record of what each counter has used, shared by all processes of this machine."""

from __future__ import annotations

from toolkit.wire.ledger.book import EVERYWHERE, REMEMBERED_WINDOWS, Halt, Key, Ledger, Other, Page, Rule
from toolkit.wire.ledger.counting import Counter, Obstacle, Part, Sent, Turn

__all__ = [
    "EVERYWHERE",
    "REMEMBERED_WINDOWS",
    "Counter",
    "Halt",
    "Key",
    "Ledger",
    "Obstacle",
    "Other",
    "Page",
    "Part",
    "Rule",
    "Sent",
    "Turn",
]
