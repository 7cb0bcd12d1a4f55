"""What became of a write: told rightly after every accident, sent once, and found out by reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.write_support import (
    BY_HAND,
    DOORS,
    HOLDS,
    REPEATABLE,
    UNCLEAR,
    Bench,
    another,
    call,
    example,
    memory_folder,
    operations_of,
)
from toolkit.catalogue import WRITE_BY_DOOR
from toolkit.errors import (
    CredentialsError,
    OutcomeUnknownError,
    UnsettledError,
)

EACH = pytest.mark.parametrize("door", DOORS)
WINDOW = 15.0
"""Seconds after which a request cannot be executed any more: its window, and what it may be at work."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as made:
        yield made


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    """A sandbox of its own, and operations on it."""
    made = Bench(folder)
    yield made
    made.close()


# -- every write, every accident -------------------------------------------------------------------------

LOST: dict[str, tuple[str, dict[str, Any], bool]] = {
    # name of the accident: kind of fault, its options, whether the write is executed
    "server-error-before": ("server-error", {**UNCLEAR, "after_effect": False}, False),
    "server-error-after": ("server-error", {**UNCLEAR, "after_effect": True}, True),
    "timeout-after": ("timeout", {}, True),
    "reset-before": ("reset-before", {}, False),
    "reset-after": ("reset", {}, True),
    "cut": ("cut", {}, True),
}


@EACH
def test_what_is_done_is_confirmed(bench: Bench, door: str) -> None:
    sent, given = bench.world.example_write(door).parameters, example(bench.world, door)
    ops = operations_of(bench, door)
    assert not HOLDS[door](bench.world, sent)
    outcome = call(ops, door, given)
    assert outcome.status == "confirmed"
    assert HOLDS[door](bench.world, sent)
    assert (len(bench.effects(door)), bench.sent(door)) == (1, 1)
    assert list(outcome.require().columns) == [column.name for column in WRITE_BY_DOOR[door].columns]
    assert len(outcome.frame) == bool(WRITE_BY_DOOR[door].columns)
    assert len(ops.unresolved()) == 0


@EACH
def test_what_is_refused_is_rejected(bench: Bench, door: str) -> None:
    example_write = bench.world.example_write(door)
    ops = bench.operations(
        example_write.key.name, "partner" if example_write.key.name == "customer" else "read-only"
    )
    outcome = call(ops, door, example(bench.world, door))
    assert outcome.status == "rejected"
    assert isinstance(outcome.error, CredentialsError)
    assert "-2015" in outcome.told
    assert not HOLDS[door](bench.world, example_write.parameters)
    assert (len(bench.effects(door)), bench.sent(door)) == (0, 1)
    assert len(ops.unresolved()) == 0


@pytest.mark.parametrize("accident", LOST)
@EACH
def test_what_is_lost_is_unknown_and_reconcile_says_what_the_exchange_holds(
    bench: Bench, door: str, accident: str
) -> None:
    kind, options, executed = LOST[accident]
    sent, given = bench.world.example_write(door).parameters, example(bench.world, door)
    ops = operations_of(bench, door)
    bench.fail(door, kind, **options)
    outcome = call(ops, door, given)
    assert outcome.status == "unknown"
    assert isinstance(outcome.error, OutcomeUnknownError)
    assert outcome.error.number == outcome.number
    assert (len(bench.effects(door)), bench.sent(door)) == (executed, 1)
    assert HOLDS[door](bench.world, sent) == executed
    assert list(ops.unresolved()["number"]) == [outcome.number]
    began = bench.clock.time()

    assert outcome.reconcile() is outcome
    if door in BY_HAND:
        assert outcome.status == "unknown"
        assert WRITE_BY_DOOR[door].reconciliation.look_at in outcome.told
        assert f"`ops.resolve({outcome.number}, happened=...)`" in outcome.told
        outcome = ops.resolve(outcome.number, happened=executed)
    elif executed:
        assert bench.clock.time() == began, "what is there was done: there is nothing to wait for"
    else:
        assert bench.clock.time() > began + WINDOW, "what is not there may still come"
    assert outcome.status == ("confirmed" if executed else "rejected")
    assert bool(outcome) == executed
    assert (len(bench.effects(door)), bench.sent(door)) == (executed, 1)
    assert len(ops.unresolved()) == 0
    assert ops.outcome(outcome.number).status == outcome.status
    settled_by = "person" if door in BY_HAND else "read"
    assert list(ops.history()["settled_by"]) == [settled_by]

    requests = len(bench.exchange.log)
    assert outcome.reconcile().status == ("confirmed" if executed else "rejected")
    assert len(bench.exchange.log) == requests, "what is settled is not asked again"


@EACH
def test_nothing_else_is_sent_about_what_is_not_settled(bench: Bench, door: str) -> None:
    given = example(bench.world, door)
    ops = operations_of(bench, door)
    bench.fail(door, "reset")
    lost = call(ops, door, given)
    assert lost.status == "unknown"
    other = another(door, given)
    if other is not None:
        requests = len(bench.exchange.log)
        with pytest.raises(UnsettledError, match=f"`ops.reconcile\\({lost.number}\\)`") as caught:
            call(ops, door, other)
        assert caught.value.number == lost.number
        assert len(bench.exchange.log) == requests
        assert not call(ops.preview, door, other)
        assert len(ops.history()) == 1
    if door in REPEATABLE:  # to do the same again does no harm, and says what the first one left
        assert call(ops.preview, door, given)
        assert call(ops, door, given).status == "confirmed"
        assert ops.outcome(lost.number).status == "confirmed"
        assert list(ops.history()["settled_by"]) == ["repetition", "answer"]
