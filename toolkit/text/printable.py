"""Makes text from outside printable.

Responses, names of files and processes, the environment and arguments may contain characters that move a
terminal's cursor, ring its bell, reverse the reading direction or are invisible. Such text is always shown
through `printable`, which templates apply by themselves. Frames keep text as it was received.
"""

from __future__ import annotations

import re

# Invisible, although printable according to Python: fillers, blanks, joiners and variation selectors.
_INVISIBLE = (
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")


def printable(text: str, *, keep: str = "") -> str:
    r"""Escape control and invisible characters, as in \x1b, \n, \u202e.

    Letters of all scripts are kept.

    Args:
        text: The text.
        keep: Characters that are not escaped, such as "\n" for a text of several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return _NOT_PLAIN.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    if character.isprintable() and not _HIDDEN.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")
