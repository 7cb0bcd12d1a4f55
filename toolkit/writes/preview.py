"""A preview of a write: what would be sent, and the checks made before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.display import outcomes
from toolkit.text.suggestions import Suggests


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """One check made before a write.

    Attributes:
        passed: Whether it passed. A write whose checks do not all pass would not be sent.
        text: What was found.
    """

    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Preview(Suggests):
    """A write that was not sent. Truthy when the call would be sent.

    Attributes:
        endpoint: The endpoint.
        summary: What the call does.
        method: HTTP method.
        address: URL without parameters.
        query: Parameters in the query string; private ones masked.
        body: Parameters in the form body; private ones masked.
        weight: Weight of the request.
        rate_limit: Name of the rate limit it counts towards.
        checks: The checks made before sending.
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
