"""Draw gauges and bars as SVG, in some dozens of microseconds; matplotlib takes a third of a second."""

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

# In the order in which they fill a gauge or a bar.
SEGMENTS: tuple[Segment, ...] = ("own", "machine", "external", "in_flight")
OPACITY: Mapping[Segment, str] = {"own": "1", "machine": ".5", "external": ".8", "in_flight": ".25"}

BUSY_FROM = 0.60
HOT_FROM = 0.85

# In units of the gauge's arc, which is 100 long: width of a notch, and of a tick of the hatching and its gap.
_NOTCH = 0.7
_TICK, _SPACE = 1.0, 0.8

# Opacity of this process's part of a bar and of the rest, in the current window and in past ones.
_CURRENT, _PAST = ("1", ".45"), (".6", ".25")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a drawing: CSS variables in a live panel, plain colours in a static picture."""

    ok: str
    busy: str
    hot: str
    track: str
    text: str
    faint: str

    def of(self, state: State) -> str:
        """The colour of a state."""
        return {"ok": self.ok, "busy": self.busy, "hot": self.hot}[state]


LIVE = Palette(
    ok="var(--btk-ok)",
    busy="var(--btk-busy)",
    hot="var(--btk-hot)",
    track="var(--btk-track)",
    text="var(--btk-text)",
    faint="var(--btk-faint)",
)
# Visible on white and on black.
STATIC = Palette(ok="#0ebf7a", busy="#f0a30a", hot="#f6465d", track="#8884", text="#888", faint="#888")


def state_of(used_fraction: float) -> State:
    """How close to its limit a counter is."""
    return "hot" if used_fraction >= HOT_FROM else "busy" if used_fraction >= BUSY_FROM else "ok"


@dataclass(frozen=True, slots=True)
class Level:
    """How full a counter is, and who uses it, in fractions of the limit.

    Attributes:
        own: Used by this process.
        machine: Used by other processes on this machine.
        external: Used by programs that do not share the budget.
        in_flight: Reserved by requests without a response yet.
    """

    own: float
    machine: float = 0.0
    external: float = 0.0
    in_flight: float = 0.0

    @property
    def used_fraction(self) -> float:
        """The sum; above 1 if the limit was exceeded."""
        return self.own + self.machine + self.external + self.in_flight

    def spans(self, full: float) -> dict[Segment, tuple[float, float]]:
        """Where each segment begins and ends on a scale of this length. What exceeds the scale is cut off."""
        spans: dict[Segment, tuple[float, float]] = {}
        start = 0.0
        sizes = (self.own, self.machine, self.external, self.in_flight)
        for segment, size in zip(SEGMENTS, sizes, strict=True):
            end = min(start + size * full, full)
            if end > start:
                spans[segment] = start, end
            start = end
        return spans


def gauge(level: Level, description: str = "", palette: Palette = LIVE) -> Markup:
    """Half a ring: use by this process in full colour, by this machine lighter, by others as grey ticks.

    Args:
        level: How full it is. Above 1 the ring is full, and only the number is larger.
        description: Text for screen readers, beside the number.
        palette: Colours.
    """
    colour = palette.of(state_of(level.used_fraction))
    arcs = [_arc(0, 100, palette.track)]
    for segment, (start, end) in level.spans(100).items():
        if segment == "external":
            arcs.append(_ticks(start, end, palette.faint))
        else:
            arcs.append(_arc(start, end, colour, OPACITY[segment]))
    if palette is LIVE:  # the two thresholds are notches in the colour of the background
        arcs += [_notch(at * 100) for at in (BUSY_FROM, HOT_FROM)]
    label = percent(level.used_fraction).replace(" ", "")
    text = f"{label} of the limit" + (f": {description}" if description else "")
    return render("gauge.svg.jinja", arcs=arcs, description=text, label=label, palette=palette)


def _arc(start: float, end: float, colour: str, opacity: str = "1") -> dict[str, str]:
    return {
        "colour": colour,
        "opacity": opacity,
        "dashes": f"{end - start:.2f} 200",
        "offset": f"{-start:g}",
    }


def _ticks(start: float, end: float, colour: str) -> dict[str, str]:
    """A hatched arc, which can be told from the others without its colour."""
    count, remainder = divmod(end - start, _TICK + _SPACE)
    dashes = f"{_TICK} {_SPACE} " * int(count) + f"{min(remainder, _TICK):.2f} 200"
    return {"colour": colour, "opacity": "1", "dashes": f"0 {start:.2f} {dashes}", "offset": "0"}


def _notch(at: float) -> dict[str, str]:
    dashes = f"0 {at - _NOTCH / 2:g} {_NOTCH} 100"
    return {"colour": "var(--btk-card,transparent)", "opacity": "1", "dashes": dashes, "offset": "0"}


def window_bars(
    bars: Sequence[tuple[float, float]],
    description: str = "",
    palette: Palette = LIVE,
    *,
    width: int = 150,
    height: int = 30,
) -> Markup:
    """One bar for each window, oldest first and the current one last. The dashed line is the limit.

    Args:
        bars: For each window, the used fraction of the limit, and the part of it used by this process.
        description: Text for screen readers.
        palette: Colours.
        width: Width in pixels; the drawing stretches with its container.
        height: Height in pixels.
    """
    step = width / max(1, len(bars))
    full = height - 4
    blocks = []

    def add_block(index: int, top: float, block_height: float, colour: str, opacity: str) -> None:
        blocks.append(
            {
                "x": f"{index * step + 0.75:.2f}",
                "y": f"{top:.2f}",
                "width": f"{step - 1.5:.2f}",
                "height": f"{block_height:.2f}",
                "colour": colour,
                "opacity": opacity,
            }
        )

    for index, (used_fraction, own) in enumerate(bars):
        bar_height = max(1.0, min(used_fraction, 1.0) * full)
        if used_fraction <= 0:
            add_block(index, height - bar_height, bar_height, palette.track, "1")
            continue
        own_opacity, other_opacity = _CURRENT if index == len(bars) - 1 else _PAST
        colour = palette.of(state_of(used_fraction))
        own_height = bar_height * min(own / used_fraction, 1.0)
        if own_height < bar_height:
            add_block(index, height - bar_height, bar_height - own_height, colour, other_opacity)
        if own_height > 0:
            add_block(index, height - own_height, own_height, colour, own_opacity)
    return render(
        "window_bars.svg.jinja",
        blocks=blocks,
        description=description,
        palette=palette,
        width=width,
        height=height,
    )


def usage_bar(level: Level, palette: Palette = STATIC) -> Markup:
    """A level bar for static pictures."""
    colour = palette.of(state_of(level.used_fraction))
    blocks = [
        {
            "x": f"{start:.1f}",
            "width": f"{end - start:.1f}",
            "colour": palette.faint if segment == "external" else colour,
            "opacity": OPACITY[segment],
        }
        for segment, (start, end) in level.spans(120).items()
    ]
    return render("usage_bar.svg.jinja", blocks=blocks, palette=palette)


def data_uri(drawing: Markup) -> str:
    """A drawing as the source of an `<img>`, for viewers that drop inline SVG."""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
