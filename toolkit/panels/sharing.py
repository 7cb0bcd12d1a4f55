"""Whose the used weight of a counter is: this kernel's, the machine's, or others'. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.display.html import render
from toolkit.panels.svg import Level, Part, State, state_of
from toolkit.panels.text import whole

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.wire.snapshot import PoolUse

_NAMES: Mapping[Part, str] = {"own": "this kernel", "machine": "machine", "others": "others"}
_HINTS: Mapping[Part, str] = {
    "own": "Used by this very process",
    "machine": "Used by other notebooks and scripts of this machine",
    "others": "At least so much was used by programs outside this budget, here or elsewhere",
}


def parts(use: PoolUse) -> dict[Part, int]:
    """Weight by whose it is; together what is used and what is in flight."""
    others = min(use.others, use.used)
    ours = use.used - others
    # What the server counted before it answered is in no process's account yet. Where no other process
    # takes part it can only be this one's.
    alone = all(process.here for process in use.processes)
    own = ours if alone else min(use.own, ours)
    return {"own": own, "machine": ours - own, "others": others, "in_flight": use.in_flight}


def level(use: PoolUse) -> Level:
    """The same as shares of the limit."""
    return Level(**{part: weight / use.limit for part, weight in parts(use).items()})


def shared(use: PoolUse) -> bool:
    """Whether anybody but this process has used it in the running window."""
    whose = parts(use)
    return bool(whose["machine"] or whose["others"])


def words(use: PoolUse) -> str:
    """Whose it is in plain text: this kernel 800 · machine 300 · others 140."""
    return " · ".join(f"{_NAMES[part]} {whole(weight)}" for part, weight in _used_parts(use))


def said(use: PoolUse) -> str:
    """All of it, for screen readers."""
    text = f"{whole(use.used)} of {whole(use.limit)} used"
    if shared(use):
        text += f" ({words(use)})"
    return text + (f", {whole(use.in_flight)} in flight" if use.in_flight else "")


def legend(use: PoolUse) -> list[dict[str, str]]:
    """The keys that explain the colours, none where there is nobody but this process."""
    if not shared(use):
        return []
    state = state_of(use.share)
    return [
        {"part": part, "state": state, "hint": _HINTS[part], "name": _NAMES[part], "weight": whole(weight)}
        for part, weight in _used_parts(use)
    ]


def bar(use: PoolUse) -> Markup:
    """A level bar in the legend's colours."""
    return level_bar(level(use), state_of(use.share), said(use))


def level_bar(level: Level, state: State, said: str = "") -> Markup:
    """A level bar.

    Args:
        level: How full it is.
        state: What its colour says.
        said: What a screen reader says of it.
    """
    pieces = [
        {"part": part, "width": f"{end - start:.1f}"} for part, (start, end) in level.spans(100).items()
    ]
    return render("level.html.jinja", pieces=pieces, state=state, said=said)


def _used_parts(use: PoolUse) -> list[tuple[Part, int]]:
    """The parts of what is used; this process's even where it is nothing."""
    whose = parts(use)
    return [(part, whose[part]) for part in _NAMES if part == "own" or whose[part]]
