"""What a write would be, nothing sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.display import outcomes
from toolkit.text.suggestions import Suggests


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """One thing that was looked at before a write.

    Attributes:
        passed: Whether nothing stands in the way.
        text: What was found.
    """

    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Preview(Suggests):
    """A write that was not sent. It is true where it would be.

    Attributes:
        endpoint: The door.
        summary: What the call does.
        method: HTTP method.
        address: Where it would go, without parameters.
        query: Parameters in the query string, private ones masked.
        body: Parameters in the form body, private ones masked.
        weight: What it costs.
        rate_limit: What that is charged to.
        checks: What was looked at.
        source: "live" or "sandbox".
    """

    endpoint: str
    summary: str
    method: str
    address: str
    query: Mapping[str, str]
    body: Mapping[str, str]
    weight: int
    rate_limit: str
    checks: tuple[PreflightCheck, ...]
    source: str

    def __bool__(self) -> bool:
        return all(check.passed for check in self.checks)

    def __repr__(self) -> str:
        return outcomes.preview_text(self)

    def _repr_html_(self) -> str:
        return outcomes.preview_html(self)
