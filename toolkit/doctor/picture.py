"""What a diagnosis looks like, as text and in a notebook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from textwrap import wrap

from toolkit.display.html import render
from toolkit.doctor.line import VERDICTS, Line, Verdict, moment, worst
from toolkit.operations.cards import mark_of

WIDTH = 100
_VERDICT, _NAME = 9, 16
_CODE = re.compile(r"`[^`]*`")
_SPACE = "\0"  # where no line may end

_HEADLINES: dict[Verdict, str] = {
    "ok": "All is well.",
    "note": "All is well.",
    "warning": "Something is to be done.",
    "failure": "Something does not work, or is dangerous.",
}
_SHOWN: dict[Verdict, str] = {"ok": "ok", "note": "note", "warning": "WARNING", "failure": "FAILURE"}
# The card's own: as it calls the colour, and the mark beside the headline.
_STATES: dict[Verdict, tuple[str, str]] = {
    "ok": ("confirmed", "✓"),
    "note": ("confirmed", "✓"),
    "warning": ("unknown", "!"),
    "failure": ("rejected", "✕"),
}


def text_of(lines: Sequence[Line], source: str, examined_at: datetime) -> str:
    """A diagnosis as text."""
    verdict = worst(lines)
    texts = [f"doctor{mark_of(source)}, {moment(examined_at)}: {_HEADLINES[verdict]}", _counted(lines)]
    for part, those in groupby(lines, lambda line: line.part):
        texts += ["", part]
        for line in those:
            head = f"  {_SHOWN[line.verdict]:{_VERDICT}}{_name(line):{_NAME}}"
            texts += _folded(head, line.found)
            if line.next_step:
                texts += _folded(" " * len(head), f"next: {line.next_step}")
    return "\n".join(texts)


def html_of(lines: Sequence[Line], source: str, examined_at: datetime) -> str:
    """A diagnosis as a card."""
    verdict = worst(lines)
    state, mark = _STATES[verdict]
    groups = groupby(lines, lambda line: line.part)
    return render(
        "diagnosis.html.jinja",
        status=state,
        mark=mark,
        headline=_HEADLINES[verdict],
        source=source,
        label=f"doctor, {moment(examined_at)}",
        counted=_counted(lines),
        groups=[(title, [_row(line) for line in those]) for title, those in groups],
        next_step="",
    )


def _row(line: Line) -> dict[str, str]:
    return {
        "verdict": line.verdict,
        "name": _name(line),
        "found": line.found,
        "next_step": line.next_step,
    }


def _name(line: Line) -> str:
    """What a line is about, as far as its heading does not say so."""
    about = "" if line.about.casefold() == line.part.casefold() else line.about
    return f"{line.check} {about}".strip()


def _counted(lines: Sequence[Line]) -> str:
    """How many lines ask to be read."""
    counts = []
    for verdict in reversed(VERDICTS[1:]):
        number = sum(line.verdict == verdict for line in lines)
        if number:
            counts.append(f"{number} {verdict}{'' if number == 1 else 's'}")
    return ", ".join([*counts, f"{len(lines)} things looked at"]) + "."


def _folded(head: str, text: str) -> list[str]:
    """Text in lines beside a head, no word broken and nothing between backquotes, which is to be copied."""
    kept = _CODE.sub(lambda found: found[0].replace(" ", _SPACE), text)
    folded = wrap(kept, WIDTH - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    lines = [each.replace(_SPACE, " ") for each in folded]
    return [f"{head if place == 0 else ' ' * len(head)}{each}" for place, each in enumerate(lines)]
