"""Makes text that comes from outside fit to be shown: the one place for it.

Answers of the exchange, names of files and processes, the environment and arguments may hold characters that
move a terminal's cursor, ring its bell, turn the reading direction round or cannot be seen at all. Wherever
such text is shown it is shown by this function, which every template applies; frames keep what was received.
"""

from __future__ import annotations

import re

# Invisible although Python calls them printable: fillers, blanks, joiners and selectors of variants.
_INVISIBLE = (
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
_SUSPECT = re.compile(r"[^\x20-\x7e]")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")


def printable(text: str, *, keep: str = "") -> str:
    r"""A text with everything that cannot be seen written out, such as \x1b, \n, \u202e.

    Letters of every script stay as they are.

    Args:
        text: What is to be shown.
        keep: Characters to leave alone, such as "\n" in a text of several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(lambda found: found[0] if found[0] in keep else _shown(found[0]), text)


def _shown(character: str) -> str:
    if character.isprintable() and not _HIDDEN.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")
