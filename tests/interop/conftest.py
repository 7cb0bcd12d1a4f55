"""Prints what each client has read, at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from toolkit.endpoints import ENDPOINTS


@dataclass(slots=True)
class Coverage:
    """What a client has covered.

    Attributes:
        version: Version of the client.
        read: Endpoints whose rows it read correctly.
        unknown: Endpoints that it does not know.
        refused: Kinds of invalid requests that were refused as expected.
        written: Writes that it sent and that were executed.
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
    """Coverage by client, filled by the tests."""
    return request.config.stash[COVERAGE]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    covered = config.stash.get(COVERAGE, {})
    if not covered:
        return
    terminalreporter.section("Reads by clients of others")
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
