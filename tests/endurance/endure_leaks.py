"""Marked secrets at full length: in the notebooks of this project, and with each guard taken out in turn."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.leaks.guards import GUARDS
from tests.leaks.scenes import offices, run_notebooks
from tests.leaks.workspace import run

pytestmark = pytest.mark.filterwarnings("default")


def test_no_mark_is_in_the_notebooks() -> None:
    with offices(1) as (office,):
        asyncio.run(run_notebooks(office))
        assert office.found() == {}


def test_without_any_guard_there_is_a_mark(tmp_path: Path) -> None:
    with offices(len(GUARDS)) as places, ThreadPoolExecutor() as side_by_side:
        wishes = [
            office.wish(package=guard.removed(tmp_path / str(number)))
            for number, (guard, office) in enumerate(zip(GUARDS, places, strict=True))
        ]
        list(side_by_side.map(run, (wishes[::2], wishes[1::2])))
        unnoticed = [guard.name for guard, office in zip(GUARDS, places, strict=True) if not office.found()]
    assert unnoticed == []
