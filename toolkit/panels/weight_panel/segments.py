"""Whose the used weight of a counter is: this kernel's, the machine's, or others'. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.display.formatting import whole
from toolkit.display.html import render
from toolkit.display.svg import Level, Segment, State, state_of

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.ratelimit.snapshot import RateLimitUse

_NAMES: Mapping[Segment, str] = {"own": "this kernel", "machine": "machine", "external": "others"}
_HINTS: Mapping[Segment, str] = {
    "own": "Used by this very process",
    "machine": "Used by other notebooks and scripts of this machine",
    "external": "At least so much was used by programs outside this budget, here or elsewhere",
}


def segments(use: RateLimitUse) -> dict[Segment, int]:
    """Weight by whose it is; together what is used and what is in flight."""
    external = min(use.external, use.used)
    ours = use.used - external
    # What the server counted before it answered is in no process's account yet. Where no other process
    # takes part it can only be this one's.
    only_this_machine = all(process.here for process in use.processes)
    own = ours if only_this_machine else min(use.own, ours)
    return {"own": own, "machine": ours - own, "external": external, "in_flight": use.in_flight}


def level(use: RateLimitUse) -> Level:
    """The same as shares of the limit."""
    return Level(**{segment: weight / use.limit for segment, weight in segments(use).items()})


def shared(use: RateLimitUse) -> bool:
    """Whether anybody but this process has used it in the running window."""
    whose = segments(use)
    return bool(whose["machine"] or whose["external"])


def words(use: RateLimitUse) -> str:
    """Whose it is in plain text: this kernel 800 · machine 300 · others 140."""
    return " · ".join(f"{_NAMES[segment]} {whole(weight)}" for segment, weight in _used_segments(use))


def said(use: RateLimitUse) -> str:
    """All of it, for screen readers."""
    text = f"{whole(use.used)} of {whole(use.limit)} used"
    if shared(use):
        text += f" ({words(use)})"
    return text + (f", {whole(use.in_flight)} in flight" if use.in_flight else "")


def legend(use: RateLimitUse) -> list[dict[str, str]]:
    """The keys that explain the colours, none where there is nobody but this process."""
    if not shared(use):
        return []
    state = state_of(use.used_fraction)
    return [
        {
            "part": segment,
            "state": state,
            "hint": _HINTS[segment],
            "name": _NAMES[segment],
            "weight": whole(weight),
        }
        for segment, weight in _used_segments(use)
    ]


def bar(use: RateLimitUse) -> Markup:
    """A level bar in the legend's colours."""
    return level_bar(level(use), state_of(use.used_fraction), said(use))


def level_bar(level: Level, state: State, said: str = "") -> Markup:
    """A level bar.

    Args:
        level: How full it is.
        state: What its colour says.
        said: What a screen reader says of it.
    """
    pieces = [
        {"part": segment, "width": f"{end - start:.1f}"} for segment, (start, end) in level.spans(100).items()
    ]
    return render("level.html.jinja", pieces=pieces, state=state, said=said)


def _used_segments(use: RateLimitUse) -> list[tuple[Segment, int]]:
    """The parts of what is used; this process's even where it is nothing."""
    whose = segments(use)
    return [(segment, whose[segment]) for segment in _NAMES if segment == "own" or whose[segment]]
