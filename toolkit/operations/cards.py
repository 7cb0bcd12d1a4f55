"""What outcomes and previews look like, as text and in a notebook. Everything shown is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.operations.outcome import Outcome
    from toolkit.operations.preview import Preview

_HEADLINES = {
    "confirmed": "Confirmed: it was executed.",
    "rejected": "Rejected: nothing was executed.",
    "unknown": "Unknown: it may have been executed, or not.",
}
_MARKS = {"confirmed": "✓", "rejected": "✕", "unknown": "?"}

# Colours that are readable on light and dark notebooks alike; the word beside says the same.
_STYLE = """
.bl-card{border:1px solid color-mix(in srgb,currentColor 22%,transparent);border-left:5px solid var(--bl-c);
border-radius:8px;padding:12px 16px;margin:4px 0;max-width:760px;font:14px/1.5 system-ui,sans-serif}
.bl-confirmed{--bl-c:#1a9d57}.bl-rejected{--bl-c:#d1453b}.bl-unknown{--bl-c:#d98a00}.bl-preview{--bl-c:#3b7dd8}
.bl-card .bl-head{display:flex;align-items:center;gap:10px;font-weight:600;font-size:15px}
.bl-card .bl-mark{display:inline-flex;align-items:center;justify-content:center;width:22px;height:22px;
border-radius:50%;background:var(--bl-c);color:#fff;font-size:13px;flex:none}
.bl-card .bl-badge{font-size:11px;font-weight:600;letter-spacing:.04em;border:1px solid currentColor;
border-radius:4px;padding:0 6px;opacity:.75}
.bl-card .bl-door{opacity:.75;font-weight:400;margin-left:auto;font-family:ui-monospace,monospace;
font-size:12px}
.bl-card .bl-next{margin-top:8px;padding:6px 10px;border-radius:6px;
background:color-mix(in srgb,var(--bl-c) 13%,transparent)}
.bl-card table{border-collapse:collapse;margin:8px 0 0;font-size:13px}
.bl-card td{padding:2px 14px 2px 0;border:0;text-align:left;vertical-align:top;overflow-wrap:anywhere}
.bl-card td:first-child{opacity:.7;white-space:nowrap}
.bl-card code{font-family:ui-monospace,monospace;font-size:12.5px;background:none;padding:0;color:inherit}
"""


def text_of_outcome(outcome: Outcome) -> str:
    """An outcome as text."""
    lines = [f"#{outcome.number} {outcome.door}: {_HEADLINES[outcome.status]} {_sentence(outcome.told)}"]
    if outcome.status == "unknown":
        lines.append(outcome.next_step)
    else:
        lines += [f"  {name}: {value}" for name, value in _answered(outcome)]
    return "\n".join(lines)


def html_of_outcome(outcome: Outcome, source: str) -> str:
    """An outcome as a card."""
    status = outcome.status
    rows = [("arguments", _listed(outcome.arguments)), *_answered(outcome)]
    return _card(
        f"<div>{escape(_sentence(outcome.told))}</div>" + _table(rows),
        status=status,
        mark=_MARKS[status],
        headline=_HEADLINES[status],
        source=source,
        label=f"#{outcome.number} {outcome.door}",
        step=outcome.next_step,
    )


def text_of_preview(preview: Preview) -> str:
    """A preview as text."""
    lines = [f"{preview.door} (nothing was sent): {preview.summary}"]
    lines += [f"  {name}: {value}" for name, value in _request(preview)]
    lines += [f"  {'ok ' if point.good else 'NOT'} {point.text}" for point in preview.checks]
    return "\n".join(lines)


def html_of_preview(preview: Preview) -> str:
    """A preview as a card."""
    checks = "".join(
        f"<tr><td>{'✓' if point.good else '✕'}</td><td>{_code(point.text)}</td></tr>"
        for point in preview.checks
    )
    return _card(
        f"<div>{escape(preview.summary)}</div>" + _table(_request(preview)) + f"<table>{checks}</table>",
        status="preview",
        mark="i",
        headline="Preview: nothing was sent.",
        source=preview.source,
        label=preview.door,
        step="" if preview else "As it stands it would not be sent.",
    )


def _request(preview: Preview) -> list[tuple[str, str]]:
    rows = [("request", f"{preview.method} {preview.address}")]
    for where, parameters in (("form body", preview.body), ("query string", preview.query)):
        if parameters:
            rows.append((where, _listed(parameters)))
    return [*rows, ("weight", f"{preview.weight}, pool {preview.pool}")]


def _card(inner: str, *, status: str, mark: str, headline: str, source: str, label: str, step: str) -> str:
    badge = '<span class="bl-badge">SANDBOX</span>' if source == "sandbox" else ""
    after = f'<div class="bl-next">{_code(step)}</div>' if step else ""
    return (
        f'<style>{_STYLE}</style><div class="bl-card bl-{status}"><div class="bl-head">'
        f'<span class="bl-mark">{mark}</span>{escape(headline)}{badge}'
        f'<span class="bl-door">{escape(label)}</span></div>{inner}{after}</div>'
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>" if cells else ""


def _answered(outcome: Outcome) -> list[tuple[str, str]]:
    """The answer's fields that are known."""
    if outcome.frame is None or not len(outcome.frame):
        return []
    row = outcome.frame.iloc[0]
    return [(str(name), _said(value)) for name, value in row.items() if _is_there(value)]


def _is_there(value: object) -> bool:
    return value is not None and str(value) not in ("<NA>", "nan", "NaT")


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "none"


def _sentence(text: str) -> str:
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "." if text else ""


def _code(text: str) -> str:
    """Text with what stands between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
