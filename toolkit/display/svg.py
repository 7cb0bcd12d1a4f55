"""Gauge and bars as SVG: a few dozen microseconds each, where a figure would take a third of a second."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from toolkit.display.formatting import percent
from toolkit.display.html import render

if TYPE_CHECKING:
    from markupsafe import Markup

State = Literal["ok", "busy", "hot"]
Segment = Literal["own", "machine", "external", "in_flight"]

# In the order in which they fill a ring or a bar.
SEGMENTS: tuple[Segment, ...] = ("own", "machine", "external", "in_flight")
OPACITY: Mapping[Segment, str] = {"own": "1", "machine": ".5", "external": ".8", "in_flight": ".25"}

BUSY_FROM = 0.60
HOT_FROM = 0.85

# Of the ring, which is 100 long: the width of a notch, and of the ticks of what is hatched.
_GAP = 0.7
_TICK, _SPACE = 1.0, 0.8

# Opacity of this process's part of a bar and of the rest.
_RUNNING, _PAST = ("1", ".45"), (".6", ".25")


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


def state_of(used_fraction: float) -> State:
    """How close to the limit a share is."""
    return "hot" if used_fraction >= HOT_FROM else "busy" if used_fraction >= BUSY_FROM else "ok"


@dataclass(frozen=True, slots=True)
class Level:
    """How full a counter is and by whose doing, each a share of the limit.

    Attributes:
        own: Used by this process.
        machine: Used by the other processes of this machine.
        external: Used by programs that do not share the budget.
        in_flight: Reserved by requests without an answer yet.
    """

    own: float
    machine: float = 0.0
    external: float = 0.0
    in_flight: float = 0.0

    @property
    def used_fraction(self) -> float:
        """All of it; beyond 1 where more than the limit was used."""
        return self.own + self.machine + self.external + self.in_flight

    def spans(self, full: float) -> dict[Segment, tuple[float, float]]:
        """Where each part begins and ends on a scale of this length; what is beyond its end is cut off."""
        spans: dict[Segment, tuple[float, float]] = {}
        start = 0.0
        sizes = (self.own, self.machine, self.external, self.in_flight)
        for segment, size in zip(SEGMENTS, sizes, strict=True):
            end = min(start + size * full, full)
            if end > start:
                spans[segment] = start, end
            start = end
        return spans


def gauge(level: Level, said: str = "", ink: Ink = LIVE) -> Markup:
    """Half a ring: this process's part in full colour, the machine's lighter, others' as grey ticks.

    Args:
        level: How full it is; beyond 1 the ring is full and the number tells the rest.
        said: What a screen reader says of it beside the number.
        ink: Colours.
    """
    colour = ink.of(state_of(level.used_fraction))
    arcs = [_arc(0, 100, ink.track)]
    for segment, (start, end) in level.spans(100).items():
        if segment == "external":
            arcs.append(_ticks(start, end, ink.faint))
        else:
            arcs.append(_arc(start, end, colour, OPACITY[segment]))
    if ink is LIVE:  # the two thresholds are notches, cut out by the colour behind the ring
        arcs += [_notch(at * 100) for at in (BUSY_FROM, HOT_FROM)]
    label = percent(level.used_fraction).replace(" ", "")
    name = f"{label} of the limit" + (f": {said}" if said else "")
    return render("gauge.svg.jinja", arcs=arcs, said=name, label=label, ink=ink)


def _arc(start: float, end: float, colour: str, opacity: str = "1") -> dict[str, str]:
    return {
        "colour": colour,
        "opacity": opacity,
        "dashes": f"{end - start:.2f} 200",
        "offset": f"{-start:g}",
    }


def _ticks(start: float, end: float, colour: str) -> dict[str, str]:
    """An arc that is hatched, so that it is told apart without its colour too."""
    whole, rest = divmod(end - start, _TICK + _SPACE)
    dashes = f"{_TICK} {_SPACE} " * int(whole) + f"{min(rest, _TICK):.2f} 200"
    return {"colour": colour, "opacity": "1", "dashes": f"0 {start:.2f} {dashes}", "offset": "0"}


def _notch(at: float) -> dict[str, str]:
    dashes = f"0 {at - _GAP / 2:g} {_GAP} 100"
    return {"colour": "var(--btk-card,transparent)", "opacity": "1", "dashes": dashes, "offset": "0"}


def minute_bars(
    bars: Sequence[tuple[float, float]],
    said: str = "",
    ink: Ink = LIVE,
    *,
    width: int = 150,
    height: int = 30,
) -> Markup:
    """One bar a window, oldest first, the running one last; the dashed line is the limit.

    Args:
        bars: Used share of the limit in each window, and how much of that is this process's.
        said: What a screen reader says of it.
        ink: Colours.
        width: Width in pixels; the drawing stretches with its place.
        height: Height in pixels.
    """
    step = width / max(1, len(bars))
    room = height - 4
    blocks = []

    def block(at: int, top: float, tall: float, colour: str, opacity: str) -> None:
        blocks.append(
            {
                "x": f"{at * step + 0.75:.2f}",
                "y": f"{top:.2f}",
                "width": f"{step - 1.5:.2f}",
                "height": f"{tall:.2f}",
                "colour": colour,
                "opacity": opacity,
            }
        )

    for at, (used_fraction, own) in enumerate(bars):
        tall = max(1.0, min(used_fraction, 1.0) * room)
        if used_fraction <= 0:
            block(at, height - tall, tall, ink.track, "1")
            continue
        strong, light = _RUNNING if at == len(bars) - 1 else _PAST
        colour = ink.of(state_of(used_fraction))
        mine = tall * min(own / used_fraction, 1.0)
        if mine < tall:
            block(at, height - tall, tall - mine, colour, light)
        if mine > 0:
            block(at, height - mine, mine, colour, strong)
    return render("minute_bars.svg.jinja", blocks=blocks, said=said, ink=ink, width=width, height=height)


def usage_bar(level: Level, ink: Ink = STATIC) -> Markup:
    """A level bar, for pictures without room for a ring."""
    colour = ink.of(state_of(level.used_fraction))
    blocks = [
        {
            "x": f"{start:.1f}",
            "width": f"{end - start:.1f}",
            "colour": ink.faint if segment == "external" else colour,
            "opacity": OPACITY[segment],
        }
        for segment, (start, end) in level.spans(120).items()
    ]
    return render("share_bar.svg.jinja", blocks=blocks, ink=ink)


def data_uri(drawing: Markup) -> str:
    """A drawing as the address of an `<img>`: what is left of it where a viewer drops inline SVG."""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
