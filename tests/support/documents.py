"""The Markdown documents: those at the top level, and the pages under `docs/`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import toolkit
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *PAGES]

_FENCE = re.compile(
    r"^(?P<fence>[`:]{3,})(?P<kind>[^\n]*)\n(?P<text>.*?)^(?P=fence)$", re.DOTALL | re.MULTILINE
)
_LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    """The path from the top level, for test ids."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: The words after the fence: a language, or a directive in braces and its argument.
        text: Its content.
        line: Line of the document on which its content begins.
    """

    kind: str
    text: str
    line: int


@dataclass
class Document:
    """A document and its parts."""

    path: Path
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.path.read_text(encoding="utf-8")

    def blocks(self, kind: str) -> list[Block]:
        """The blocks of a language such as `python`, or of a directive such as `{toctree}`."""
        found = []
        for match in _FENCE.finditer(self.text):
            line = self.text.count("\n", 0, match.start("text")) + 1
            block = Block(match["kind"].strip(), match["text"], line)
            if block.kind.split(" ")[0] == kind:
                found.append(block)
        return found

    def arguments(self, directive: str) -> list[str]:
        """The argument of each directive with this name: `link.spot` for `{endpoint-table} link.spot`."""
        return [block.kind.partition(" ")[2] for block in self.blocks(f"{{{directive}}}")]

    def links(self) -> list[str]:
        """The targets of its links and pictures."""
        return [one or other for one, other in _LINK.findall(_FENCE.sub("", self.text))]

    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub and MyST make them."""
        headings = _HEADING.findall(_FENCE.sub("", self.text))
        return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}

    def entries(self) -> Iterator[Path]:
        """The pages in its tables of contents."""
        for block in self.blocks("{toctree}"):
            lines = [line.strip() for line in block.text.splitlines()]
            for entry in (line for line in lines if line and not line.startswith(":")):
                target = entry[entry.find("<") + 1 :].rstrip(">")
                if "*" not in target:
                    yield self.path.parent / f"{target}.md"


@dataclass
class Execution:
    """The result of running a document: its variables, and what its cells showed."""

    names: Mapping[str, Any]
    shown: str


def run(document: Document) -> Execution:
    """Run its Python blocks as cells of a notebook: the last expression of each is shown."""
    names: dict[str, Any] = {}
    shown = []
    try:
        for block in document.blocks("python"):
            # Tracebacks then have the line numbers of the document.
            tree = ast.parse("\n" * (block.line - 1) + block.text, name_of(document.path))
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name_of(document.path), "exec"), names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name_of(document.path), "eval"), names)
                shown.append(repr(value))
                picture = getattr(value, "_repr_html_", None)
                shown.append(str(picture()) if picture else "")
    finally:
        for value in names.values():
            if isinstance(value, toolkit.Link):
                value.close()
    return Execution(names, "\n".join(shown))
