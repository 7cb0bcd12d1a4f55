"""What a diagnosis looks like, as text and in a notebook. Everything shown is escaped.

What tells a bad line from a good one is written out in words, and styled in the elements themselves:
notebooks that are not trusted leave style sheets out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from textwrap import wrap

from toolkit.doctor.line import VERDICTS, Line, Verdict, moment, worst
from toolkit.operations.cards import card, code, mark_of
from toolkit.printable import safe

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
# Text has the colour of the page around it, but on what is filled with a colour of its own.
_BARS: dict[Verdict, str] = {
    "ok": "rgb(24,135,84)",
    "note": "rgb(127,127,127)",
    "warning": "rgb(163,100,0)",
    "failure": "rgb(205,62,52)",
}
_PILLS: dict[Verdict, str] = {
    "ok": "background-color:rgba(24,160,96,.18)",
    "note": "background-color:rgba(127,127,127,.2)",
    "warning": f"color:#fff;font-weight:600;background-color:{_BARS['warning']}",
    "failure": f"color:#fff;font-weight:600;background-color:{_BARS['failure']}",
}
# Notebooks give all columns of a table one width unless they are told otherwise.
_TABLE = "table-layout:auto;width:100%;margin:0;border:0;border-collapse:collapse;font-size:13px;"
_TABLE += "line-height:19px;color:inherit"
_ROW = "background-color:transparent;border:0"
_HEADING = "text-align:left;font-weight:600;border:0;padding:13px 0 4px"
_CELL = "text-align:left;vertical-align:top;border:0;white-space:normal;max-width:none;padding:3px "
_PILL = (
    "display:inline-block;width:60px;border-radius:99px;font-size:11px;line-height:17px;"
    "text-align:center;vertical-align:top;margin-top:1px;"
)
_NEXT = "margin:1px 0 2px;padding-left:9px;border-left:2px solid "


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
    rows = "".join(_rows(lines))
    table = f'<table style="{_TABLE}">{rows}</table>'
    return card(
        f"<div>{safe(_counted(lines))}</div>{table}",
        status=state,
        mark=mark,
        headline=_HEADLINES[verdict],
        source=source,
        label=f"doctor, {moment(examined_at)}",
        step="",
    )


def _rows(lines: Sequence[Line]) -> Iterator[str]:
    for part, those in groupby(lines, lambda line: line.part):
        yield f'<tr style="{_ROW}"><th colspan="3" style="{_HEADING}">{safe(part)}</th></tr>'
        for line in those:
            found = code(line.found)
            if line.verdict == "failure":
                found = f"<strong>{found}</strong>"
            if line.next_step:
                bar = _BARS[line.verdict]
                found += f'<div style="{_NEXT}{bar}"><em>Next:</em> {code(line.next_step)}</div>'
            yield (
                f'<tr style="{_ROW}">'
                f'<td style="{_CELL}12px 3px 0;min-width:60px">'
                f'<span style="{_PILL}{_PILLS[line.verdict]}">{line.verdict}</span></td> '
                f'<td style="{_CELL}12px 3px 0;min-width:90px;opacity:.75">{safe(_name(line))}</td> '
                f'<td style="{_CELL}0">{found}</td></tr>'
            )


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
