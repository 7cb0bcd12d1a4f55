"""What outcomes and previews look like, as text and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import pandas as pd

from toolkit.display.html import render
from toolkit.text.printable import printable

Values = Mapping[str, object]


class Card(Protocol):
    """What every card shows."""

    @property
    def endpoint(self) -> str:
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
    def idempotency_key(self) -> str | None:
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
    def passed(self) -> bool:
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
    def rate_limit(self) -> str:
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


def outcome_text(outcome: OutcomeCard) -> str:
    """An outcome as text."""
    head = f"#{outcome.number} {outcome.endpoint}{mark_of(outcome.source)}: {_headline(outcome)}"
    lines = [f"{head} {_why(outcome)}"]
    lines += [f"  {name}: {_listed(values)}" for name, values in _said(outcome)]
    lines += [f"  next: {step}" for step in [_next_of(outcome)] if step]
    return "\n".join(map(printable, lines))


def outcome_html(outcome: OutcomeCard) -> str:
    """An outcome as a card."""
    return render(
        "outcome.html.jinja",
        status=outcome.status,
        mark=_MARKS[outcome.status],
        headline=_headline(outcome),
        source=outcome.source,
        label=f"#{outcome.number} {outcome.endpoint}",
        reason=_why(outcome),
        facts=[(name, _pairs(values)) for name, values in _said(outcome)],
        next_step=_next_of(outcome),
    )


def preview_text(preview: PreviewCard) -> str:
    """A preview as text."""
    lines = [f"{preview.endpoint}{mark_of(preview.source)}: Preview: nothing was sent. {preview.summary}"]
    lines.append(f"  request: {preview.method} {preview.address}")
    lines += [f"  {name}: {_listed(values)}" for name, values in _parts(preview)]
    lines.append(f"  weight: {preview.weight}, pool {preview.rate_limit}")
    lines += [f"  {'ok ' if check.passed else 'NOT'} {check.text}" for check in preview.checks]
    return "\n".join(map(printable, lines))


def preview_html(preview: PreviewCard) -> str:
    """A preview as a card."""
    return render(
        "preview.html.jinja",
        status="preview",
        mark="i",
        headline="Preview: nothing was sent.",
        source=preview.source,
        label=preview.endpoint,
        summary=preview.summary,
        request=f"{preview.method} {preview.address}",
        parameters=[(name, _pairs(values)) for name, values in _parts(preview)],
        weight=f"{preview.weight}, pool {preview.rate_limit}",
        checks=[{"passed": check.passed, "text": _sentence(check.text)} for check in preview.checks],
        next_step="" if preview else _STANDS_IN_THE_WAY,
    )


def _why(outcome: OutcomeCard) -> str:
    """Why it is what it is; and that it was not sent now, where its name had been used."""
    why = _sentence(outcome.reason)
    if outcome.repeated:
        why = f"Nothing was sent now: this is the outcome of the first call named {outcome.idempotency_key!r}. {why}"
    return why


def _said(outcome: OutcomeCard) -> list[tuple[str, Values]]:
    """What was asked for, and what the answer said; where that was lost, what is known of it."""
    asked = dict(outcome.arguments)
    if outcome.idempotency_key is not None:
        asked["idempotency_key"] = outcome.idempotency_key
    said: list[tuple[str, Values]] = [("asked", asked)]
    frame = outcome.frame
    if frame is not None and len(frame):
        known = {str(name): value for name, value in frame.iloc[0].items() if _is_there(value)}
        said.append(("answer" if frame.attrs["complete"] else "known", known))
    return [(name, values) for name, values in said if values]


def _parts(preview: PreviewCard) -> list[tuple[str, Values]]:
    parts: list[tuple[str, Values]] = [("form body", preview.body), ("query string", preview.query)]
    return [(name, values) for name, values in parts if values]


def _next_of(outcome: OutcomeCard) -> str:
    again = _AGAIN_OF_STATES if outcome.proof == "state" else _AGAIN
    return outcome.next_step or (again if outcome.status == "rejected" else "")


def _headline(outcome: OutcomeCard) -> str:
    headlines = _HEADLINES | (_OF_STATES if outcome.proof == "state" else {})
    return headlines[outcome.status]


def mark_of(source: str) -> str:
    """What a text says of data that are made up."""
    return " (SANDBOX)" if source == "sandbox" else ""


def _pairs(values: Values) -> list[tuple[str, str]]:
    return [(name, _shown(value)) for name, value in values.items()]


def _listed(values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in _pairs(values))


def _is_there(value: object) -> bool:
    return value is not None and str(value) not in ("<NA>", "nan", "NaT")


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""
