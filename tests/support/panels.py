"""Reads what a panel shows, and makes snapshots for it to show."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import ipywidgets

from toolkit.endpoints import SAPI_UID
from toolkit.panels import Panel
from toolkit.ratelimit.snapshot import ProcessUsage, RateLimitUsage, Snapshot

TIMEOUT_S = 60.0
SPOT = "/sapi/v1/broker/subAccount/spotSummary"


def tree(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from tree(child)


def seen(panel: Panel) -> str:
    """Everything that a panel shows, as HTML and text, without the style sheet."""
    parts = []
    for widget in tree(panel.widget):
        if isinstance(widget, ipywidgets.HTML) and "<style>" not in widget.value:
            parts.append(widget.value)
        elif isinstance(widget, ipywidgets.Button):
            parts.append(widget.description)
    return "\n".join(parts)


def wait_until(panel: Panel, check: Callable[[str], bool]) -> str:
    """Wait until a check of what the panel shows passes, and return what it shows."""
    passed = threading.Event()

    def look(_: object = None) -> None:
        if check(seen(panel)):
            passed.set()

    watched = [w for w in tree(panel.widget) if isinstance(w, ipywidgets.HTML | ipywidgets.Button)]
    for widget in watched:
        widget.observe(look)
    look()
    try:
        assert passed.wait(TIMEOUT_S), seen(panel)
    finally:
        for widget in watched:
            widget.unobserve(look)
    return seen(panel)


def wait_for(panel: Panel, *words: str) -> str:
    # All at the same time: a redraw writes one widget after the other.
    return wait_until(panel, lambda shown: all(word in shown for word in words))


def panel_threads(panel: str) -> list[threading.Thread]:
    """The drawing threads; threads of a fetch end by themselves."""
    return [each for each in threading.enumerate() if each.name in (panel, f"{panel} panel")]


def use(**changes: object) -> RateLimitUsage:
    plain = RateLimitUsage(
        rate_limit=SAPI_UID,
        path=SPOT,
        endpoint="exchange.spot_balances",
        used=90_000,
        in_flight=0,
        limit=180_000,
        resets_at=1020.0,
        history=((960.0, 90_000),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def snapshot(*uses: RateLimitUsage, **changes: object) -> Snapshot:
    plain = Snapshot(
        now=996.0,
        rate_limits=uses,
        calls=(),
        waiting_for="",
        waiting_until=0.0,
        paused={},
        banned_until=None,
        other_counts=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def process(name: str, used: int, pid: int = 4902, *, here: bool = False, in_flight: int = 0) -> ProcessUsage:
    return ProcessUsage(pid=pid, name=name, here=here, used=used, in_flight=in_flight)
