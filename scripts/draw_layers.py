"""Draws `docs/_static/layers.svg`, the picture of the layers: `python -m scripts.draw_layers` (or `--check`).

The rows are those of `tests/project/test_layers.py`, which every import is held against.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from tests.project.test_layers import ONLY, ROWS

PICTURE = Path(__file__).parents[1] / "docs" / "_static" / "layers.svg"

CAPTIONS = {
    "__main__": "the command line",
    "__init__": "import toolkit",
    "panels": "live views",
    "charts": "pictures of frames",
    "demo": "a Link on the sandbox",
    "types": "types for annotations",
    "commands": "commands for cron",
    "analytics": "answers from frames",
    "exports": "frames in files, with their provenance",
    "client": "Link",
    "api": "the methods users call",
    "doctor": "checks",
    "writes": "executor, journal, outcomes, reconciling",
    "fetch": "windows and pages, side by side, into one frame",
    "gateway": "one signed, budgeted request",
    "transport": "HTTP, JSON",
    "auth": "keys, signatures",
    "ratelimit": "one budget",
    "storage": "files",
    "display": "HTML, SVG",
    "planning": "arguments",
    "frames": "rows",
    "timing": "clocks",
    "redaction": "masks",
    "amounts": "exact decimals",
    "runtime": "forks, interrupts, warnings",
    "endpoints": "what the exchange offers",
    "errors": "what went wrong",
    "text": "characters, suggestions",
    "sandbox": "a simulated exchange",
    "lab": "opens JupyterLab",
}
# Drawn beside the rows, from this row to that one: they import next to nothing of the others.
ASIDE = {"lab": (2, 4), "sandbox": (8, 13)}

WIDTH, ASIDE_WIDTH, MARGIN, GAP = 580, 170, 16, 6
HEIGHT = 38

_STYLE = """\
    text { font: 12px sans-serif; fill: #57606a; text-anchor: middle; }
    .name { font: bold 13px monospace; fill: #1f2328; }
    .box { fill: #f6f8fa; stroke: #d0d7de; }
    .aside { fill: #ffffff; stroke: #0f766e; stroke-dasharray: 4 3; }
    .paper { fill: #ffffff; }
    @media (prefers-color-scheme: dark) {
      text { fill: #9da7b1; }
      .name { fill: #e6edf3; }
      .box { fill: #21262d; stroke: #3d444d; }
      .aside { fill: #161b22; stroke: #2dd4bf; }
      .paper { fill: #161b22; }
    }"""


def picture() -> str:
    """The picture as SVG."""
    rows = [sorted(name for name in row if name not in ASIDE and name != "_version") for row in ROWS]
    order = {name: number for number, name in enumerate(CAPTIONS)}
    rows = [sorted(row, key=lambda name: order.get(name, len(order))) for row in rows]
    shapes = []
    for number, row in enumerate(rows):
        width = (WIDTH - GAP * (len(row) - 1)) / len(row)
        for place, name in enumerate(row):
            area = MARGIN + place * (width + GAP), _top(number), width, HEIGHT
            shapes += _box("box", name, [CAPTIONS.get(name, "")], area)
    for name, (first, last) in ASIDE.items():
        imports = (
            ["imports only", " and ".join(sorted(ONLY[name]))] if ONLY[name] else ["imports none of these"]
        )
        height = _top(last) + HEIGHT - _top(first)
        area = MARGIN + WIDTH + 2 * GAP, _top(first), ASIDE_WIDTH, height
        shapes += _box("aside", name, [CAPTIONS[name], *imports], area)
    width = WIDTH + 2 * GAP + ASIDE_WIDTH + 2 * MARGIN
    height = _top(len(rows)) - GAP + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img">',
            "  <title>The layers of the toolkit: each imports only from the rows below it</title>",
            f"  <style>\n{_STYLE}\n  </style>",
            f'  <rect class="paper" width="{width}" height="{height}"/>',
            *shapes,
            "</svg>\n",
        ]
    )


def _top(row: int) -> int:
    return MARGIN + row * (HEIGHT + GAP)


def _box(kind: str, name: str, captions: list[str], area: tuple[float, float, float, float]) -> list[str]:
    """A box with a name and captions in an area: x, y, width, height."""
    x, y, width, height = area
    middle, line = x + width / 2, 15
    first = y + height / 2 - len(captions) * line / 2 + 4
    lines = [
        f'  <text x="{middle:.0f}" y="{first + line * number:.0f}">{escape(caption)}</text>'
        for number, caption in enumerate(captions, 1)
    ]
    return [
        f'  <rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5"/>',
        f'  <text class="name" x="{middle:.0f}" y="{first:.0f}">{escape(name)}</text>',
        *lines,
    ]


def main(arguments: list[str]) -> int:
    """Write the picture; with `--check`, 1 if it is not up to date."""
    if arguments == ["--check"]:
        current = PICTURE.read_text("utf-8") == picture()
        print("The picture is up to date." if current else "Run python -m scripts.draw_layers.")
        return int(not current)
    PICTURE.write_text(picture(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
