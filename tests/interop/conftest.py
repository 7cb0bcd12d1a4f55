"""The table of what each client has read, at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from toolkit.endpoints import ENDPOINTS


@dataclass(slots=True)
class Coverage:
    """What a client has done.

    Attributes:
        version: Of the client.
        read: Doors whose rows it read right.
        unknown: Doors it does not know.
        refused: Kinds of bad requests that were refused as they should be.
        written: Writes that it sent and that were found to be done.
    """

    version: str = ""
    read: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)


COVERAGE: pytest.StashKey[dict[str, Coverage]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COVERAGE] = {}


@pytest.fixture(scope="session")
def coverage(request: pytest.FixtureRequest) -> dict[str, Coverage]:
    """Coverage by client, which the tests fill."""
    return request.config.stash[COVERAGE]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    covered = config.stash.get(COVERAGE, {})
    if not covered:
        return
    terminalreporter.section("Link reads by clients that others wrote")
    width = max(map(len, covered))
    for name, coverage in sorted(covered.items()):
        terminalreporter.line(
            f"{name:{width}}  {coverage.version:8}  {len(coverage.read):2} of {len(ENDPOINTS)} read"
            f"  {len(coverage.refused)} refusals understood"
        )
        if coverage.written:
            terminalreporter.line(f"{'':{width}}  wrote {', '.join(sorted(coverage.written))}")
        if coverage.unknown:
            endpoints = ", ".join(
                endpoint.qualified_name
                for endpoint in ENDPOINTS
                if endpoint.qualified_name in coverage.unknown
            )
            terminalreporter.line(f"{'':{width}}  does not know {endpoints}")
