"""Fixtures for the tests of any package: a sandbox and a Link on it, and writes with a journal of their own.

What they need is imported when a test first asks for one: the process that only hands out tests to others
needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.sandbox_env import SandboxEnv
    from tests.support.writes import WriteEnv
    from toolkit.client import Link


@pytest.fixture
def env() -> Iterator[SandboxEnv]:
    """A Link on a fresh sandbox, on a clock that does not wait."""
    from tests.support.sandbox_env import SandboxEnv

    made = SandboxEnv()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_env() -> Iterator[SandboxEnv]:
    """A Link on a sandbox that nobody disturbs, for tests that only read."""
    from tests.support.sandbox_env import SandboxEnv

    made = SandboxEnv()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_link(shared_env: SandboxEnv) -> Link:
    """The Link of that."""
    return shared_env.link


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory: a journal has each of its steps on the disk."""
    from tests.support.writes import memory_folder

    with memory_folder() as made:
        yield made


@pytest.fixture
def write_env(folder: Path) -> Iterator[WriteEnv]:
    """A sandbox of its own, and operations on it."""
    from tests.support.writes import WriteEnv

    made = WriteEnv(folder)
    yield made
    made.close()
