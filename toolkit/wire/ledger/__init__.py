"""One record of what each counter has used, shared by all processes of this machine."""

from __future__ import annotations

from toolkit.wire.ledger.book import REMEMBERED_WINDOWS, Ledger
from toolkit.wire.ledger.counting import Counter, Obstacle, Part, Sent, Turn
from toolkit.wire.ledger.records import EVERYWHERE, Halt, Key, Other, Page, Rule

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
