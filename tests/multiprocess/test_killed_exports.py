"""Programs killed while they export: the old file is there or the new one, with its provenance."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import toolkit
from tests.multiprocess.export_kills import ExportKiller
from tests.multiprocess.exporter import frame

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_killed_before_each_step(tmp_path: Path, suffix: str) -> None:
    with ExportKiller(tmp_path / f"rows.{suffix}") as killer:
        events = 0
        while killer.kill_at(events + 1):
            events += 1
    assert killer.stats.mistakes == []
    assert events >= 8  # drafts of both files, three renames, and the folder
    assert killer.stats.between >= 2  # before and after the file was renamed
    assert 0 < killer.stats.replaced < killer.stats.kills


def test_killed_at_ten_random_moments(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with ExportKiller(path, seed=16) as killer:
        for _ in range(10):
            killer.kill_at_random()
    assert killer.stats.mistakes == []
    assert killer.stats.kills == 10
    # What they left is removed by the next export.
    toolkit.export(frame(1), path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows.jsonl", "rows.jsonl.provenance.json"]
