"""What rules for weights read in the parameters of a request.

A request need not be valid: `link.get` sends what it is given, and the sandbox charges for what it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def number_sent(sent: Mapping[str, Any], field: str, default: int) -> int:
    """A whole number, or the default where none was sent."""
    text = str(sent.get(field, default))
    return int(text) if text.isdecimal() and len(text) < 20 else default


def texts_sent(sent: Mapping[str, Any], field: str) -> int:
    """How many texts were sent as a list or as a JSON array, 0 if none were."""
    texts = sent.get(field, ())
    if isinstance(texts, Sequence) and not isinstance(texts, str):
        return len(texts)
    return str(texts).count(",") + 1
