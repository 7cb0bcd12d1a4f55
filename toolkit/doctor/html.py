"""What a diagnosis looks like, as text and in a notebook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from textwrap import wrap

from toolkit.display.html import render
from toolkit.display.outcomes import mark_of
from toolkit.doctor.check import STATUSES, Check, Status, moment, worst

WIDTH = 100
_VERDICT, _NAME = 9, 16
_CODE = re.compile(r"`[^`]*`")
_SPACE = "\0"  # where no line may end

_HEADLINES: dict[Status, str] = {
    "ok": "All is well.",
    "note": "All is well.",
    "warning": "Something is to be done.",
    "failure": "Something does not work, or is dangerous.",
}
_SHOWN: dict[Status, str] = {"ok": "ok", "note": "note", "warning": "WARNING", "failure": "FAILURE"}
# The card's own: as it calls the colour, and the mark beside the headline.
_STATES: dict[Status, tuple[str, str]] = {
    "ok": ("confirmed", "✓"),
    "note": ("confirmed", "✓"),
    "warning": ("unknown", "!"),
    "failure": ("rejected", "✕"),
}


def text_of(checks: Sequence[Check], source: str, examined_at: datetime) -> str:
    """A diagnosis as text."""
    status = worst(checks)
    texts = [f"doctor{mark_of(source)}, {moment(examined_at)}: {_HEADLINES[status]}", _counted(checks)]
    for section, those in groupby(checks, lambda check: check.section):
        texts += ["", section]
        for check in those:
            head = f"  {_SHOWN[check.status]:{_VERDICT}}{_name(check):{_NAME}}"
            texts += _folded(head, check.found)
            if check.next_step:
                texts += _folded(" " * len(head), f"next: {check.next_step}")
    return "\n".join(texts)


def html_of(checks: Sequence[Check], source: str, examined_at: datetime) -> str:
    """A diagnosis as a card."""
    status = worst(checks)
    state, mark = _STATES[status]
    groups = groupby(checks, lambda check: check.section)
    return render(
        "diagnosis.html.jinja",
        status=state,
        mark=mark,
        headline=_HEADLINES[status],
        source=source,
        label=f"doctor, {moment(examined_at)}",
        counted=_counted(checks),
        groups=[(title, [_row(check) for check in those]) for title, those in groups],
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
    """What a line is about, as far as its heading does not say so."""
    about = "" if check.about.casefold() == check.section.casefold() else check.about
    return f"{check.name} {about}".strip()


def _counted(checks: Sequence[Check]) -> str:
    """How many lines ask to be read."""
    counts = []
    for status in reversed(STATUSES[1:]):
        number = sum(check.status == status for check in checks)
        if number:
            counts.append(f"{number} {status}{'' if number == 1 else 's'}")
    return ", ".join([*counts, f"{len(checks)} things looked at"]) + "."


def _folded(head: str, text: str) -> list[str]:
    """Text in lines beside a head, no word broken and nothing between backquotes, which is to be copied."""
    kept = _CODE.sub(lambda found: found[0].replace(" ", _SPACE), text)
    folded = wrap(kept, WIDTH - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    checks = [each.replace(_SPACE, " ") for each in folded]
    return [f"{head if index == 0 else ' ' * len(head)}{each}" for index, each in enumerate(checks)]
