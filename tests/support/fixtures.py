"""Fixtures for all tests: a sandbox with a Link, and writes with their own journal.

Imports are inside the fixtures, because the xdist controller process needs none of them.
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
    """A Link on a new sandbox, with a fake clock."""
    from tests.support.sandbox_env import SandboxEnv

    made = SandboxEnv()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_env() -> Iterator[SandboxEnv]:
    """A Link on a sandbox shared by a module, for tests that only read."""
    from tests.support.sandbox_env import SandboxEnv

    made = SandboxEnv()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_link(shared_env: SandboxEnv) -> Link:
    """The Link of `shared_env`."""
    return shared_env.link


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, because a journal syncs every step to disk."""
    from tests.support.writes import memory_folder

    with memory_folder() as made:
        yield made


@pytest.fixture
def write_env(folder: Path) -> Iterator[WriteEnv]:
    """A new sandbox, and operations on it."""
    from tests.support.writes import WriteEnv

    made = WriteEnv(folder)
    yield made
    made.close()


@pytest.fixture
def accounts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the accounts of API keys, which reads look up as they do for users."""
    folder = tmp_path / "accounts"
    monkeypatch.setenv("TOOLKIT_ACCOUNTS", str(folder))
    return folder
