"""What a write would be, nothing sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.operations import cards
from toolkit.suggestions import Suggests


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at before a write.

    Attributes:
        good: Whether nothing stands in the way.
        text: What was found.
    """

    good: bool
    text: str


@dataclass(frozen=True, slots=True)
class Preview(Suggests):
    """A write that was not sent. It is true where it would be.

    Attributes:
        door: The door.
        summary: What the call does.
        method: HTTP method.
        address: Where it would go, without parameters.
        query: Parameters in the query string, private ones masked.
        body: Parameters in the form body, private ones masked.
        weight: What it costs.
        pool: What that is charged to.
        checks: What was looked at.
        source: "live" or "sandbox".
    """

    door: str
    summary: str
    method: str
    address: str
    query: Mapping[str, str]
    body: Mapping[str, str]
    weight: int
    pool: str
    checks: tuple[Point, ...]
    source: str

    def __bool__(self) -> bool:
        return all(point.good for point in self.checks)

    def __repr__(self) -> str:
        return cards.text_of_preview(self)

    def _repr_html_(self) -> str:
        return cards.html_of_preview(self)
