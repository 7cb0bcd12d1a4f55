"""Gauge and sparkline as SVG text: a few microseconds each, where a figure would take a third of a second."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.panels.text import percent, safe

State = Literal["ok", "busy", "hot"]

BUSY_FROM = 0.60
HOT_FROM = 0.85

# The half ring: centre (52, 52), radius 44. Its path counts as 100 long, so that shares are percent.
_RING = 'd="M8 52A44 44 0 0 1 96 52" pathLength="100" fill="none" stroke-width="10"'
_GAP = 0.7


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of a drawing: CSS variables in a live panel, plain colours in a static picture."""

    ok: str
    busy: str
    hot: str
    track: str
    text: str
    faint: str

    def of(self, state: State) -> str:
        """Colour of a state."""
        return {"ok": self.ok, "busy": self.busy, "hot": self.hot}[state]


LIVE = Ink(
    ok="var(--btk-ok)",
    busy="var(--btk-busy)",
    hot="var(--btk-hot)",
    track="var(--btk-track)",
    text="var(--btk-text)",
    faint="var(--btk-faint)",
)
# Seen on white as well as on black.
STATIC = Ink(ok="#0ebf7a", busy="#f0a30a", hot="#f6465d", track="#8884", text="#888", faint="#888")


def state_of(share: float) -> State:
    """How close to the limit a share is."""
    return "hot" if share >= HOT_FROM else "busy" if share >= BUSY_FROM else "ok"


def gauge(used: float, in_flight: float = 0.0, ink: Ink = LIVE) -> str:
    """Half a ring, filled by what is used and, paler, by what is on its way.

    Args:
        used: Used share of the limit; beyond 1 the ring is full and the number tells the rest.
        in_flight: Share that is reserved by requests without an answer yet.
        ink: Colours.
    """
    share = used + in_flight
    colour = ink.of(state_of(share))
    arcs = [
        _arc(0, 100, ink.track),
        _arc(0, min(share, 1) * 100, colour, "0.4") if in_flight else "",
        _arc(0, min(used, 1) * 100, colour),
    ]
    # The two thresholds are notches in the ring, cut out by the colour behind it.
    notches = "".join(
        f'<path {_RING} stroke="var(--btk-card,transparent)" '
        f'stroke-dasharray="0 {at * 100 - _GAP / 2:g} {_GAP} 100"/>'
        for at in (BUSY_FROM, HOT_FROM)
        if ink is LIVE
    )
    label = percent(share).replace(" ", "")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 104 60" width="104" height="60" role="img" '
        f'aria-label="{safe(label)} of the limit">{"".join(arcs)}{notches}'
        f'<text x="52" y="46" text-anchor="middle" font-size="19" font-weight="600" fill="{ink.text}" '
        f'font-family="inherit">{safe(label)}</text>'
        f'<text x="52" y="58.5" text-anchor="middle" font-size="9.5" fill="{ink.faint}" '
        'font-family="inherit">of limit</text></svg>'
    )


def _arc(start: float, end: float, colour: str, opacity: str = "1") -> str:
    if end <= start:
        return ""
    return (
        f'<path {_RING} stroke="{colour}" stroke-opacity="{opacity}" '
        f'stroke-dasharray="{end - start:.2f} 200" stroke-dashoffset="{-start:g}"/>'
    )


def minute_bars(shares: Sequence[float], ink: Ink = LIVE, *, width: int = 150, height: int = 30) -> str:
    """One bar a window, oldest first, the running one last; the dashed line is the limit.

    Args:
        shares: Used share of the limit in each window.
        ink: Colours.
        width: Width in pixels; the drawing stretches with its place.
        height: Height in pixels.
    """
    step = width / max(1, len(shares))
    room = height - 4
    bars = []
    for at, share in enumerate(shares):
        tall = max(1.0, min(share, 1.0) * room)
        colour = ink.of(state_of(share)) if share > 0 else ink.track
        solid = "1" if at == len(shares) - 1 or share <= 0 else ".55"
        bars.append(
            f'<rect x="{at * step + 0.75:.2f}" y="{height - tall:.2f}" width="{step - 1.5:.2f}" '
            f'height="{tall:.2f}" rx="1" fill="{colour}" fill-opacity="{solid}"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="100%" '
        f'height="{height}" preserveAspectRatio="none" aria-hidden="true">'
        f'<line x1="0" x2="{width}" y1="3.5" y2="3.5" stroke="{ink.hot}" stroke-opacity=".75" '
        f'stroke-dasharray="3 2.5" vector-effect="non-scaling-stroke"/>{"".join(bars)}</svg>'
    )


def share_bar(share: float, ink: Ink = STATIC) -> str:
    """A level bar, for pictures without room for a ring."""
    filled = max(0.0, min(share, 1.0)) * 120
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 8" width="120" height="8">'
        f'<rect width="120" height="8" rx="4" fill="{ink.track}"/>'
        f'<rect width="{filled:.1f}" height="8" rx="4" fill="{ink.of(state_of(share))}"/></svg>'
    )


def as_image(drawing: str, alt: str) -> str:
    """A drawing as an `<img>`: what is left of it where a viewer drops inline SVG."""
    data = base64.b64encode(drawing.encode()).decode()
    return f'<img alt="{safe(alt)}" src="data:image/svg+xml;base64,{data}">'
