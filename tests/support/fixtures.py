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
    from tests.support.sandbox_env import Rig
    from tests.support.writes import Bench
    from toolkit.link import Link


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A Link on a fresh sandbox, on a clock that does not wait."""
    from tests.support.sandbox_env import Rig

    made = Rig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk() -> Iterator[Rig]:
    """A Link on a sandbox that nobody disturbs, for tests that only read."""
    from tests.support.sandbox_env import Rig

    made = Rig()
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk_link(desk: Rig) -> Link:
    """The Link of that."""
    return desk.link


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory: a journal has each of its steps on the disk."""
    from tests.support.writes import memory_folder

    with memory_folder() as made:
        yield made


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    """A sandbox of its own, and operations on it."""
    from tests.support.writes import Bench

    made = Bench(folder)
    yield made
    made.close()
