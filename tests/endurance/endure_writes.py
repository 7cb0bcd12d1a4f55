"""Ten thousand random writes, and five hundred killed writers. Prints the counts."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.multiprocess.kills import Kills
from tests.support.random_writes import RandomWrites
from tests.support.writes import memory_folder

SEED = int(os.environ.get("ENDURANCE_SEED", "20261122"))
WRITES, KILLS = 10_000, 500


def report(title: str, counted: Any, seconds: float) -> None:
    """Print the counts, one a line."""
    print(f"\n{title}, seed {SEED}: {seconds:.0f} s")
    for each in fields(counted):
        value = getattr(counted, each.name)
        if isinstance(value, Counter):
            value = ", ".join(f"{name} {number}" for name, number in value.most_common())
        elif isinstance(value, list):
            value = len(value)
        print(f"  {each.name.replace('_', ' '):16} {value}")


def test_random_writes() -> None:
    began = time.monotonic()
    with memory_folder() as folder:
        day = RandomWrites(SEED, folder)
        try:
            count = day.run(WRITES)
        finally:
            day.close()
    report(f"{WRITES} random writes", count, time.monotonic() - began)
    assert count.mistakes == []


@pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")
def test_killed_writers(tmp_path: Path) -> None:
    began = time.monotonic()
    with Kills(tmp_path, SEED) as kills:
        stats = kills.run(KILLS)
    report(f"{KILLS} writers killed", stats, time.monotonic() - began)
    assert stats.mistakes == []
    assert stats.unresolved > KILLS / 10
    assert stats.within_a_commit > KILLS / 20
