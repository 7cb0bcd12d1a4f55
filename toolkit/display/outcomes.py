"""Show outcomes and previews, as text and as HTML cards.

The protocols below list what is shown, so that this module needs nothing from `toolkit.writes`.
"""

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
        """Name of the endpoint."""

    @property
    def source(self) -> str:
        """Where it is: "live" or "sandbox"."""


class OutcomeCard(Card, Protocol):
    """What the card of an outcome shows."""

    @property
    def number(self) -> int:
        """Its number in the journal."""

    @property
    def status(self) -> str:
        """What became of the write: "confirmed", "rejected" or "unknown"."""

    @property
    def proof(self) -> str:
        """What is known: whether this call was executed ("execution"), or the present state ("state")."""

    @property
    def reason(self) -> str:
        """How that is known."""

    @property
    def arguments(self) -> Values:
        """The arguments; private ones are masked."""

    @property
    def idempotency_key(self) -> str | None:
        """The idempotency key of the call."""

    @property
    def repeated(self) -> bool:
        """Whether nothing was sent now, because the idempotency key had been used before."""

    @property
    def frame(self) -> pd.DataFrame | None:
        """The response of the exchange."""

    @property
    def next_step(self) -> str:
        """What to do next."""


class CheckCard(Protocol):
    """One pre-flight check of a write."""

    @property
    def passed(self) -> bool:
        """Whether it passed."""

    @property
    def text(self) -> str:
        """What was found."""


class PreviewCard(Card, Protocol):
    """What the card of a preview shows. A preview is true if the write would be sent."""

    @property
    def summary(self) -> str:
        """What the call does."""

    @property
    def method(self) -> str:
        """HTTP method."""

    @property
    def address(self) -> str:
        """URL it would be sent to, without parameters."""

    @property
    def query(self) -> Values:
        """Parameters in the query string; private ones are masked."""

    @property
    def body(self) -> Values:
        """Parameters in the form body; private ones are masked."""

    @property
    def weight(self) -> int:
        """Weight it would cost."""

    @property
    def rate_limit(self) -> str:
        """Name of the rate limit it would be charged to."""

    @property
    def checks(self) -> Sequence[CheckCard]:
        """The pre-flight checks."""


_HEADLINES = {
    "confirmed": "Confirmed: it was executed.",
    "rejected": "Rejected: nothing was executed.",
    "unknown": "Unknown: it may have been executed.",
}
_STATE_HEADLINES = {
    "confirmed": "Confirmed: the requested state is in force, whoever set it.",
    "rejected": "Rejected: the requested state is not in force.",
}
_MARKS = {"confirmed": "✓", "rejected": "✕", "unknown": "?"}
_SEND_AGAIN = "Nothing has changed. You can send it again."
_SEND_AGAIN_FOR_STATE = "You can send it again."
_NOT_SENDABLE = "This write would not be sent. Fix what is marked ✕."


def outcome_text(outcome: OutcomeCard) -> str:
    """An outcome as text."""
    head = f"#{outcome.number} {outcome.endpoint}{source_mark(outcome.source)}: {_headline(outcome)}"
    lines = [f"{head} {_explanation(outcome)}"]
    lines += [f"  {name}: {_joined(values)}" for name, values in _facts(outcome)]
    lines += [f"  next: {step}" for step in [_next_step(outcome)] if step]
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
        reason=_explanation(outcome),
        facts=[(name, _pairs(values)) for name, values in _facts(outcome)],
        next_step=_next_step(outcome),
    )


def preview_text(preview: PreviewCard) -> str:
    """A preview as text."""
    head = f"{preview.endpoint}{source_mark(preview.source)}: Preview: nothing was sent."
    lines = [f"{head} {preview.summary}", f"  request: {preview.method} {preview.address}"]
    lines += [f"  {name}: {_joined(values)}" for name, values in _parameters(preview)]
    lines.append(f"  weight: {_cost(preview)}")
    lines += [f"  {'✓' if check.passed else '✕'} {check.text}" for check in preview.checks]
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
        parameters=[(name, _pairs(values)) for name, values in _parameters(preview)],
        weight=_cost(preview),
        checks=[{"passed": check.passed, "text": _sentence(check.text)} for check in preview.checks],
        next_step="" if preview else _NOT_SENDABLE,
    )


def _explanation(outcome: OutcomeCard) -> str:
    """The reason; preceded by a note if nothing was sent because the idempotency key had been used."""
    reason = _sentence(outcome.reason)
    if outcome.repeated:
        key = outcome.idempotency_key
        repeated = f"this is the outcome of the first call with idempotency key {key!r}."
        return f"Nothing was sent now: {repeated} {reason}"
    return reason


def _facts(outcome: OutcomeCard) -> list[tuple[str, Values]]:
    """The arguments and the response; if the response was lost, what a later read showed."""
    arguments = dict(outcome.arguments)
    if outcome.idempotency_key is not None:
        arguments["idempotency_key"] = outcome.idempotency_key
    facts: list[tuple[str, Values]] = [("arguments", arguments)]
    frame = outcome.frame
    if frame is not None and len(frame):
        row = {str(name): value for name, value in frame.iloc[0].items() if _is_present(value)}
        facts.append(("response" if frame.attrs["complete"] else "known", row))
    return [(name, values) for name, values in facts if values]


def _parameters(preview: PreviewCard) -> list[tuple[str, Values]]:
    parts: list[tuple[str, Values]] = [("form body", preview.body), ("query string", preview.query)]
    return [(name, values) for name, values in parts if values]


def _cost(preview: PreviewCard) -> str:
    return f"{preview.weight}, rate limit {preview.rate_limit}"


def _next_step(outcome: OutcomeCard) -> str:
    again = _SEND_AGAIN_FOR_STATE if outcome.proof == "state" else _SEND_AGAIN
    return outcome.next_step or (again if outcome.status == "rejected" else "")


def _headline(outcome: OutcomeCard) -> str:
    headlines = _HEADLINES | (_STATE_HEADLINES if outcome.proof == "state" else {})
    return headlines[outcome.status]


def source_mark(source: str) -> str:
    """The mark that a text has if its data come from the sandbox."""
    return " (SANDBOX)" if source == "sandbox" else ""


def _pairs(values: Values) -> list[tuple[str, str]]:
    return [(name, _formatted(value)) for name, value in values.items()]


def _joined(values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in _pairs(values))


def _is_present(value: object) -> bool:
    return value is not None and str(value) not in ("<NA>", "nan", "NaT")


def _formatted(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""
