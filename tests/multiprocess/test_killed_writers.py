"""A few writers killed at random moments; `make endurance` kills five hundred."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.multiprocess.kills import Kills

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")


def test_after_each_kill_the_journal_is_right(tmp_path: Path) -> None:
    with Kills(tmp_path, seed=4) as kills:
        kills.run(4)
        stats, rounds = kills.run(4), 2  # the second run continues the numbering of rounds
        while stats.effects == 0 and rounds < 20:  # on a busy machine each kill may come before any effect
            kills.run(4)
            rounds += 1
    assert stats.mistakes == []
    assert stats.kills == 4 * rounds
    assert stats.entries >= stats.effects > 0
