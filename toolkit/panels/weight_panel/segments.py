"""Divide the used weight of a counter: this kernel, this machine, others. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.display.formatting import whole
from toolkit.display.html import render
from toolkit.display.svg import Level, Segment, State, state_of

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.ratelimit.snapshot import RateLimitUsage

_LABELS: Mapping[Segment, str] = {"own": "this kernel", "machine": "machine", "external": "others"}
_HINTS: Mapping[Segment, str] = {
    "own": "Used by this process",
    "machine": "Used by other notebooks and scripts on this machine",
    "external": "Used by other programs, here or elsewhere; a lower bound",
}


def segments(use: RateLimitUsage) -> dict[Segment, int]:
    """Weight by user. The segments add up to the weight that is used or in flight."""
    external = min(use.external, use.used)
    ours = use.used - external
    # The server counts a request before it responds, and no process has recorded it yet. If no other process
    # uses the counter, it is this one's.
    is_only_user = all(process.here for process in use.processes)
    own = ours if is_only_user else min(use.own, ours)
    return {"own": own, "machine": ours - own, "external": external, "in_flight": use.in_flight}


def level(use: RateLimitUsage) -> Level:
    """The segments as fractions of the limit."""
    return Level(**{segment: weight / use.limit for segment, weight in segments(use).items()})


def is_shared(use: RateLimitUsage) -> bool:
    """Whether anything but this process has used the counter in the current window."""
    weights = segments(use)
    return bool(weights["machine"] or weights["external"])


def breakdown(use: RateLimitUsage) -> str:
    """The segments in plain text: this kernel 800 · machine 300 · others 140."""
    return " · ".join(f"{_LABELS[segment]} {whole(weight)}" for segment, weight in _used_segments(use))


def description(use: RateLimitUsage) -> str:
    """All of it in one line, for screen readers."""
    text = f"{whole(use.used)} of {whole(use.limit)} used"
    if is_shared(use):
        text += f" ({breakdown(use)})"
    return text + (f", {whole(use.in_flight)} in flight" if use.in_flight else "")


def legend(use: RateLimitUsage) -> list[dict[str, str]]:
    """The legend of the colours; empty if only this process uses the counter."""
    if not is_shared(use):
        return []
    state = state_of(use.used_fraction)
    return [
        {
            "segment": segment,
            "state": state,
            "hint": _HINTS[segment],
            "label": _LABELS[segment],
            "weight": whole(weight),
        }
        for segment, weight in _used_segments(use)
    ]


def bar(use: RateLimitUsage) -> Markup:
    """A level bar in the colours of the legend."""
    return level_bar(level(use), state_of(use.used_fraction), description(use))


def level_bar(level: Level, state: State, description: str = "") -> Markup:
    """A level bar.

    Args:
        level: How full it is.
        state: Its colour.
        description: Text for screen readers.
    """
    pieces = [
        {"segment": segment, "width": f"{end - start:.1f}"}
        for segment, (start, end) in level.spans(100).items()
    ]
    return render("level.html.jinja", pieces=pieces, state=state, description=description)


def _used_segments(use: RateLimitUsage) -> list[tuple[Segment, int]]:
    """The segments that are not 0; this process's in any case."""
    weights = segments(use)
    return [(segment, weights[segment]) for segment in _LABELS if segment == "own" or weights[segment]]
