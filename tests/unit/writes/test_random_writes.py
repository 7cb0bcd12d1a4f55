"""A short run of random writes with random accidents; `make endurance` runs ten thousand."""

from __future__ import annotations

import pytest

from tests.support import random_writes
from tests.support.random_writes import RandomWrites
from tests.support.writes import example, memory_folder


def test_no_write_is_executed_twice_and_no_outcome_is_wrong() -> None:
    with memory_folder() as folder:
        day = RandomWrites(15, folder)
        try:
            count = day.run(150)
        finally:
            day.close()
    assert count.mistakes == []
    assert min(count.outcomes.values()) > 20, "each status occurs"
    assert count.lost > 5, "responses of executed calls are lost"
    assert count.resolved["confirmed"] > 1
    assert count.resolved["rejected"] > 1
    assert count.restarts > 0
    assert count.restored > 0, "an older journal is in place for a moment"
    assert count.by_others > 1, "somebody else makes the same calls"
    assert min(count.lookalikes, count.stale, count.cut) > 1


@pytest.mark.parametrize("claim", ["confirmed", "rejected"])
def test_the_checker_finds_wrong_outcomes(claim: str) -> None:
    """A write that is resolved with the wrong status is reported."""
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


def test_the_checker_knows_that_the_order_of_addresses_means_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A confirmed call resolves an unknown one with the same addresses in another order."""

    def draw(day: RandomWrites) -> dict[str, object]:
        account = next(each for each in day.world.accounts if each.keys)
        addresses = [f"192.0.2.{number}" for number in day.chance.choice(((1, 2), (2, 1), (2, 1, 2)))]
        return {"sub_account_id": account.id, "api_key": account.keys[0].key, "addresses": addresses}

    monkeypatch.setattr(random_writes, "_DRAWS", {"exchange.remove_addresses": (1, draw)})
    with memory_folder() as folder:
        day = RandomWrites(3, folder)
        try:
            count = day.run(60)
            resolved_by = day.ops["partner"].history()["resolved_by"]
        finally:
            day.close()
    assert count.mistakes == []
    assert (resolved_by == "repetition").any()


@pytest.mark.parametrize(("days", "stays_open"), [(29, False), (31, True)])
def test_the_checker_knows_how_long_transfers_are_listed(
    days: int, stays_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call may stay unknown only if the exchange no longer lists what it did: for 30 days."""

    name = "exchange.transfer_futures"
    monkeypatch.setattr(random_writes, "_DRAWS", {name: (1, lambda day: example(day.world, name))})
    monkeypatch.setattr(random_writes, "_ACCIDENTS", ((1, "reset", {}),))
    with memory_folder() as folder:
        day = RandomWrites(3, folder)
        monkeypatch.setattr(day, "resolve", lambda *_: None)
        try:
            for _ in range(10):
                day._write()
            assert day.open
            day.clock.advance(days * 86_400)
            count = day.run(0)
        finally:
            day.close()
    assert count.mistakes == []
    assert bool(count.open) == stays_open
