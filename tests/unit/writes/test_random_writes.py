"""Random writes with random accidents, in short; `make endurance` does ten thousand of them."""

from __future__ import annotations

import pytest

from tests.support.random_writes import RandomWrites
from tests.support.writes import memory_folder


def test_no_effect_is_doubled_and_no_outcome_is_wrong() -> None:
    with memory_folder() as folder:
        day = RandomWrites(11, folder)
        try:
            count = day.run(150)
        finally:
            day.close()
    assert count.mistakes == []
    assert min(count.outcomes.values()) > 20, "each outcome comes up"
    assert count.failure > 5, "answers are lost whose calls were executed"
    assert count.settled["confirmed"] > 1
    assert count.settled["rejected"] > 1
    assert count.restarts > 0
    assert count.restored > 0, "an older journal lies there for a moment"
    assert count.strangers > 1, "somebody else makes the same"
    assert min(count.lookalikes, count.stale, count.cut) > 1


@pytest.mark.parametrize("claim", ["confirmed", "rejected"])
def test_the_judge_sees_what_is_wrong(claim: str) -> None:
    """What settles with a wrong verdict, or is gone from the journal, is found."""
    with memory_folder() as folder:
        day = RandomWrites(11, folder)
        try:
            resolve = day.ops["partner"]._journal.resolve

            def wrong(entry: object, status: str, *rest: object, **more: object) -> object:
                return resolve(entry, claim if status == "unknown" else status, *rest, **more)  # type: ignore[arg-type]

            for ops in day.ops.values():
                ops._journal.resolve = wrong  # type: ignore[method-assign, assignment]
            day.restart = lambda: None  # type: ignore[method-assign]
            assert day.run(40).mistakes
        finally:
            day.close()
