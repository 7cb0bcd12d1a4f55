"""What outcomes and previews look like, as text and in a notebook. Everything shown is escaped.

A card reads well in light and dark, and without its style too: notebooks that are not trusted leave it
out, so the words, and the blanks between them, are in the text itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import pandas as pd

from toolkit.printable import printable, safe

Values = Mapping[str, object]


class Card(Protocol):
    """What every card shows."""

    @property
    def door(self) -> str:
        """The door that was called, or would be."""

    @property
    def source(self) -> str:
        """Where that is: "live" or "sandbox"."""


class OutcomeCard(Card, Protocol):
    """What is shown of an outcome."""

    @property
    def number(self) -> int:
        """Its number in the journal."""

    @property
    def status(self) -> str:
        """What became of the write: "confirmed", "rejected" or "unknown"."""

    @property
    def proof(self) -> str:
        """What is known: of this call ("execution"), or only of how things are ("state")."""

    @property
    def reason(self) -> str:
        """Why it is known."""

    @property
    def arguments(self) -> Values:
        """The arguments; private ones masked."""

    @property
    def once(self) -> str | None:
        """The name it was done under."""

    @property
    def repeated(self) -> bool:
        """Whether nothing was sent now."""

    @property
    def frame(self) -> pd.DataFrame | None:
        """What the exchange answered."""

    @property
    def next_step(self) -> str:
        """What to do next."""


class CheckCard(Protocol):
    """What is shown of one thing that was looked at before a write."""

    @property
    def good(self) -> bool:
        """Whether nothing stands in the way."""

    @property
    def text(self) -> str:
        """What was found."""


class PreviewCard(Card, Protocol):
    """What is shown of a preview, which is true where it would be sent."""

    @property
    def summary(self) -> str:
        """What the call does."""

    @property
    def method(self) -> str:
        """HTTP method."""

    @property
    def address(self) -> str:
        """Where it would go."""

    @property
    def query(self) -> Values:
        """Parameters in the query string; private ones masked."""

    @property
    def body(self) -> Values:
        """Parameters in the form body; private ones masked."""

    @property
    def weight(self) -> int:
        """What it costs."""

    @property
    def pool(self) -> str:
        """What that is charged to."""

    @property
    def checks(self) -> Sequence[CheckCard]:
        """What was looked at."""


_HEADLINES = {
    "confirmed": "Confirmed: it was executed.",
    "rejected": "Rejected: nothing was executed.",
    "unknown": "Unknown: it may have been executed, or not.",
}
_OF_STATES = {
    "confirmed": "Confirmed: it is as asked, whoever saw to it.",
    "rejected": "Rejected: it is not as asked.",
}
_MARKS = {"confirmed": "✓", "rejected": "✕", "unknown": "?"}
_AGAIN = "Nothing has changed; it may be sent again."
_AGAIN_OF_STATES = "It may be sent again."
_STANDS_IN_THE_WAY = "As it stands it would not be sent: ✕ says why."

# Text has the colour of the page around it; the state's own colour only marks what a word says beside it.
# What is important has to be, against a notebook's own box around code.
_STYLE = """
.bl-card{--bl-c:43,106,196;border:1px solid rgba(127,127,127,.35);border-left:5px solid rgb(var(--bl-c));
border-radius:8px;padding:12px 16px;margin:4px 0;max-width:820px;box-sizing:border-box;
font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
.bl-card.bl-confirmed{--bl-c:24,135,84}
.bl-card.bl-rejected{--bl-c:205,62,52}
.bl-card.bl-unknown{--bl-c:163,100,0}
.bl-card .bl-head{display:flex;flex-wrap:wrap;align-items:center;gap:2px 10px;margin:0 0 4px}
.bl-card .bl-title{display:flex;align-items:center;gap:10px;min-width:0;font-size:15px}
.bl-card .bl-mark{display:inline-flex;align-items:center;justify-content:center;flex:none;width:22px;
height:22px;border-radius:50%;background:rgb(var(--bl-c));color:#fff;font-size:13px;font-weight:600}
.bl-card .bl-badge{font-size:11px;font-weight:600;letter-spacing:.04em;border-radius:99px;padding:1px 9px;
background:#5b3fc4;color:#fff}
.bl-card .bl-door{margin-left:auto;font:12px/1.5 ui-monospace,monospace;opacity:.8}
.bl-card dl.bl-rows{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 16px;
margin:8px 0 0;font-size:13px}
.bl-card dl.bl-rows>dt,.bl-card dl.bl-rows>dd{float:none;width:auto;margin:0;padding:0;font-weight:400}
.bl-card dl.bl-rows>dt{opacity:.7}
.bl-card .bl-pair{display:inline-block;margin-right:8px}
.bl-card .bl-next{margin-top:10px;padding:6px 10px;border-radius:6px;background:rgba(var(--bl-c),.15)}
.bl-card code{font:12.5px/1.5 ui-monospace,monospace;color:inherit;border:0;
background:none!important;padding:0!important}
"""


def text_of_outcome(outcome: OutcomeCard) -> str:
    """An outcome as text."""
    head = f"#{outcome.number} {outcome.door}{mark_of(outcome.source)}: {_headline(outcome)}"
    lines = [f"{head} {_why(outcome)}"]
    lines += [f"  {name}: {_listed(values)}" for name, values in _said(outcome)]
    lines += [f"  next: {step}" for step in [_next_of(outcome)] if step]
    return "\n".join(map(printable, lines))


def html_of_outcome(outcome: OutcomeCard) -> str:
    """An outcome as a card."""
    rows = [(name, _pairs(values)) for name, values in _said(outcome)]
    return card(
        f"<div>{code(_why(outcome))}</div>{_table(rows)}",
        status=outcome.status,
        mark=_MARKS[outcome.status],
        headline=_headline(outcome),
        source=outcome.source,
        label=f"#{outcome.number} {outcome.door}",
        step=_next_of(outcome),
    )


def text_of_preview(preview: PreviewCard) -> str:
    """A preview as text."""
    lines = [f"{preview.door}{mark_of(preview.source)}: Preview: nothing was sent. {preview.summary}"]
    lines.append(f"  request: {preview.method} {preview.address}")
    lines += [f"  {name}: {_listed(values)}" for name, values in _parts(preview)]
    lines.append(f"  weight: {preview.weight}, pool {preview.pool}")
    lines += [f"  {'ok ' if point.good else 'NOT'} {point.text}" for point in preview.checks]
    return "\n".join(map(printable, lines))


def html_of_preview(preview: PreviewCard) -> str:
    """A preview as a card."""
    rows = [("request", code(f"`{preview.method} {preview.address}`"))]
    rows += [(name, _pairs(values)) for name, values in _parts(preview)]
    rows.append(("weight", code(f"{preview.weight}, pool {preview.pool}")))
    points = [_point(point) for point in preview.checks]
    return card(
        f"<div>{code(preview.summary)}</div>{_table(rows)}{_table(points)}",
        status="preview",
        mark="i",
        headline="Preview: nothing was sent.",
        source=preview.source,
        label=preview.door,
        step="" if preview else _STANDS_IN_THE_WAY,
    )


def _why(outcome: OutcomeCard) -> str:
    """Why it is what it is; and that it was not sent now, where its name had been used."""
    why = _sentence(outcome.reason)
    if outcome.repeated:
        why = f"Nothing was sent now: this is the outcome of the first call named {outcome.once!r}. {why}"
    return why


def _said(outcome: OutcomeCard) -> list[tuple[str, Values]]:
    """What was asked for, and what the answer said; where that was lost, what is known of it."""
    asked = dict(outcome.arguments)
    if outcome.once is not None:
        asked["once"] = outcome.once
    said: list[tuple[str, Values]] = [("asked", asked)]
    frame = outcome.frame
    if frame is not None and len(frame):
        known = {str(name): value for name, value in frame.iloc[0].items() if _is_there(value)}
        said.append(("answer" if frame.attrs["complete"] else "known", known))
    return [(name, values) for name, values in said if values]


def _parts(preview: PreviewCard) -> list[tuple[str, Values]]:
    parts: list[tuple[str, Values]] = [("form body", preview.body), ("query string", preview.query)]
    return [(name, values) for name, values in parts if values]


def _point(point: CheckCard) -> tuple[str, str]:
    text = code(_sentence(point.text))
    return ("✓", text) if point.good else ("✕", f"<strong>{text}</strong>")


def _next_of(outcome: OutcomeCard) -> str:
    again = _AGAIN_OF_STATES if outcome.proof == "state" else _AGAIN
    return outcome.next_step or (again if outcome.status == "rejected" else "")


def _headline(outcome: OutcomeCard) -> str:
    headlines = _HEADLINES | (_OF_STATES if outcome.proof == "state" else {})
    return headlines[outcome.status]


def mark_of(source: str) -> str:
    """What a text says of data that are made up."""
    return " (SANDBOX)" if source == "sandbox" else ""


def card(inner: str, *, status: str, mark: str, headline: str, source: str, label: str, step: str) -> str:
    """A card: its frame, head and next step around HTML."""
    badge = '<span class="bl-badge">SANDBOX</span> ' if source == "sandbox" else ""
    after = f'<div class="bl-next"><strong>Next:</strong> {code(step)}</div>' if step else ""
    return (
        f'<style>{_STYLE}</style><div class="bl-card bl-{safe(status)}"><div class="bl-head">'
        f'<span class="bl-title"><span class="bl-mark">{mark}</span> '
        f"<strong>{safe(headline)}</strong></span> {badge}"
        f'<span class="bl-door">{safe(label)}</span></div>{inner}{after}</div>'
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """Rows of a name, and of text that is HTML already."""
    cells = "".join(f"<dt>{safe(name)}</dt><dd>{inner}</dd>" for name, inner in rows)
    return f'<dl class="bl-rows">{cells}</dl>' if cells else ""


def _pairs(values: Values) -> str:
    """Names and values; a line breaks between two of them."""
    return " ".join(
        f'<span class="bl-pair">{safe(name)} = <strong>{safe(_shown(value))}</strong></span>'
        for name, value in values.items()
    )


def _listed(values: Values) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in values.items())


def _is_there(value: object) -> bool:
    return value is not None and str(value) not in ("<NA>", "nan", "NaT")


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""


def code(text: str) -> str:
    """Text as HTML, escaped, with what stands between backquotes as code."""
    parts = safe(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
