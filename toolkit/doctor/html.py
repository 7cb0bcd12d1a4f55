"""Show a diagnosis, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from textwrap import wrap

from toolkit.display.html import render
from toolkit.display.outcomes import source_mark
from toolkit.doctor.check import STATUSES, Check, Status, utc_text, worst

WIDTH = 100
_STATUS_WIDTH, _NAME_WIDTH = 9, 16  # at least
_CODE = re.compile(r"`[^`]*`")
_NO_BREAK = "\0"  # stands for a space at which no line may end

_HEADLINES: dict[Status, str] = {
    "ok": "All is well.",
    "note": "All is well.",
    "warning": "Something needs attention.",
    "failure": "Something is broken or unsafe.",
}
_LABELS: dict[Status, str] = {"ok": "ok", "note": "note", "warning": "WARNING", "failure": "FAILURE"}
# CSS class of the card's colour, and the mark beside the headline.
_CARD_STYLES: dict[Status, tuple[str, str]] = {
    "ok": ("confirmed", "✓"),
    "note": ("confirmed", "✓"),
    "warning": ("unknown", "!"),
    "failure": ("rejected", "✕"),
}


def text_of(checks: Sequence[Check], source: str, examined_at: datetime) -> str:
    """A diagnosis as text."""
    status = worst(checks)
    head = f"doctor{source_mark(source)}, {utc_text(examined_at)}: {_HEADLINES[status]}"
    width = max([_NAME_WIDTH, *(len(_name(check)) + 1 for check in checks)])
    lines = [head, _summary(checks)]
    for section, group in groupby(checks, lambda check: check.section):
        lines += ["", section]
        for check in group:
            start = f"  {_LABELS[check.status]:{_STATUS_WIDTH}}{_name(check):{width}}"
            lines += _wrapped(start, check.found)
            if check.next_step:
                lines += _wrapped(" " * len(start), f"next: {check.next_step}")
    return "\n".join(lines)


def html_of(checks: Sequence[Check], source: str, examined_at: datetime) -> str:
    """A diagnosis as a card."""
    status = worst(checks)
    style, mark = _CARD_STYLES[status]
    groups = groupby(checks, lambda check: check.section)
    return render(
        "diagnosis.html.jinja",
        status=style,
        mark=mark,
        headline=_HEADLINES[status],
        source=source,
        label=f"doctor, {utc_text(examined_at)}",
        summary=_summary(checks),
        groups=[(title, [_row(check) for check in group]) for title, group in groups],
        next_step="",
    )


def _row(check: Check) -> dict[str, str]:
    return {
        "status": check.status,
        "name": _name(check),
        "found": check.found,
        "next_step": check.next_step,
    }


def _name(check: Check) -> str:
    """The name of a check, and the host or key if the heading does not name it."""
    about = "" if check.about.casefold() == check.section.casefold() else check.about
    return f"{check.name} {about}".strip()


def _summary(checks: Sequence[Check]) -> str:
    """The number of failures, warnings, notes and checks."""
    counts = []
    for status in reversed(STATUSES[1:]):
        number = sum(check.status == status for check in checks)
        if number:
            counts.append(f"{number} {status}{'' if number == 1 else 's'}")
    return ", ".join([*counts, f"{len(checks)} checks"]) + "."


def _wrapped(start: str, text: str) -> list[str]:
    """Wrap text to the right of a start. Words and code between backquotes, to be copied, are not broken."""
    unbroken = _CODE.sub(lambda code: code[0].replace(" ", _NO_BREAK), text)
    lines = wrap(unbroken, WIDTH - len(start), break_long_words=False, break_on_hyphens=False) or [""]
    lines = [line.replace(_NO_BREAK, " ") for line in lines]
    return [f"{start if index == 0 else ' ' * len(start)}{line}" for index, line in enumerate(lines)]
