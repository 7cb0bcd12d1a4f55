"""Names of sheets that Excel accepts, and headings of columns."""

from __future__ import annotations

import re
from collections.abc import Collection

ABOUT = "About"
PROVENANCE = "_provenance"
"""The sheet, hidden, from which `toolkit.read` learns where each column is."""

_MAX_LENGTH = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_RESERVED = "history"  # Excel keeps this name for itself


def sheet_name(wanted: str, taken: Collection[str], part: int = 1) -> str:
    """A name of a sheet like the wanted one, which no other sheet has.

    Args:
        wanted: Any text.
        taken: Names of the sheets that there are. Excel takes names for the same if only their case differs.
        part: Which part of rows that need several sheets; from 2 on, the name says so.
    """
    plain = _FORBIDDEN.sub(" ", wanted).strip().strip("'").strip() or "Rows"
    if plain.lower() == _RESERVED:
        plain += "_"
    lower = {name.lower() for name in taken}
    number = part
    while True:
        ending = f" ({number})" if number > 1 else ""
        name = _cut(plain, _MAX_LENGTH - len(ending)).rstrip("' ") + ending
        if name.lower() not in lower:
            return name
        number += 1


def _cut(text: str, units: int) -> str:
    """The beginning of a text. Excel counts characters outside of the basic plane twice."""
    while len(text.encode("utf-16-le")) > 2 * units:
        text = text[:-1]
    return text


def heading(name: str, unit: str = "") -> str:
    """The heading of a column: `traded_at` in UTC is "Traded at (UTC)"."""
    words = name.replace("_", " ").strip() or name
    if not words.startswith(("id ", "um ", "cm ")):
        words = words[:1].upper() + words[1:]
    words = re.sub(r"\bid\b", "ID", words)
    words = words.replace(" percent", " in percent")
    return f"{words} ({unit})" if unit else words
