"""The long runs of marked secrets: the notebooks of this project, and each guard removed in turn."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.leaks.guards import GUARDS
from tests.leaks.scenes import run_notebooks, workspaces
from tests.leaks.workspace import run

pytestmark = pytest.mark.filterwarnings("default")


def test_no_mark_is_in_the_notebooks() -> None:
    with workspaces(1) as (workspace,):
        asyncio.run(run_notebooks(workspace))
        assert workspace.found() == {}


def test_removing_any_guard_leaves_a_mark(tmp_path: Path) -> None:
    with workspaces(len(GUARDS)) as all_of_them, ThreadPoolExecutor() as side_by_side:
        specs = [
            workspace.run_spec(package=guard.removed(tmp_path / str(number)))
            for number, (guard, workspace) in enumerate(zip(GUARDS, all_of_them, strict=True))
        ]
        list(side_by_side.map(run, (specs[::2], specs[1::2])))
        unnoticed = [
            guard.name for guard, workspace in zip(GUARDS, all_of_them, strict=True) if not workspace.found()
        ]
    assert unnoticed == []
