"""Two hundred programs killed while they export. Prints the counts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.endurance.endure_writes import SEED, report
from tests.multiprocess.export_kills import ExportKiller

KILLS = 200


@pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")
def test_killed_exports(tmp_path: Path) -> None:
    began = time.monotonic()
    with ExportKiller(tmp_path / "rows.parquet", SEED) as killer:
        for _ in range(KILLS):
            killer.kill_at_random()
    report(f"{KILLS} programs killed while they export", killer.stats, time.monotonic() - began)
    assert killer.stats.mistakes == []
    assert killer.stats.kills == KILLS
    assert killer.stats.replaced > KILLS / 4
