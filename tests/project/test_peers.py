"""What compares us with other clients (`make interop`, `make bench-peers`), as far as it needs none."""

from __future__ import annotations

import ast
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.peers import contestants, results
from tests.benchmarks.peers.__main__ import PAGE, SYMBOLS, WEIGHT
from tests.benchmarks.peers.contestants import Contestant, Reading
from tests.benchmarks.peers.exchange import Charged
from tests.benchmarks.peers.results import Result
from tests.interop.clients import PEERS, PROGRAMS
from tests.interop.own_functions import EXPECTED, difference
from toolkit.endpoints import API, ENDPOINTS_BY_NAME

CONTESTANTS = [
    each
    for value in vars(contestants).values()
    for each in (value if isinstance(value, tuple) else [value])
    if isinstance(each, Contestant)
]
SPAN = (60_000, 180_000)
ROWS = np.array([[60_000.0, 1.5, 2.0], [120_000.0, 1.25, 3.0], [180_000.0, 1.0, 0.0]])


def reading(rows: np.ndarray = ROWS, seconds: float = 1.0, **more: Any) -> Reading:
    return Reading("1.0", more.pop("error", ""), seconds, 0.5, {"BTCUSDT": rows, **more})


def result(made: Reading, first_minute: int = 5900, refused: int = 0, weight: int = 6312) -> Result:
    return Result("a client", made, Charged(3156, weight, refused, first_minute, 1.0))


def test_every_program_is_there_and_used() -> None:
    used = {each.program for each in CONTESTANTS} | {peer.program for peer in PEERS}
    used |= {peer.own_program for peer in PEERS if peer.own_program}
    used |= {peer.account_program for peer in PEERS if peer.account_program}
    assert used | {"adapter.py", "candles.py"} == {path.name for path in PROGRAMS.glob("*.py")}
    assert {peer.name for peer in PEERS if peer.own_program} == EXPECTED.keys()


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_programs_of_other_clients_do_not_use_the_toolkit(path: Any) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert ("toolkit" in imported) == (path.stem == "candles_toolkit")


def test_six_symbols_weigh_more_than_a_minutes_allowance() -> None:
    klines = ENDPOINTS_BY_NAME["market.spot.klines"]
    assert (klines.weight_of({}), klines.paging.maximum) == (WEIGHT, PAGE)
    assert len(SYMBOLS) * -(-365 * 1440 // PAGE) * WEIGHT == 6312 > API.limit


def test_equal_rows_are_equal_in_the_columns_that_both_have() -> None:
    assert results.difference(reading(ROWS[:, :2]), reading()) == ""


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        (reading(ROWS[:2]), "BTCUSDT: 2 rows, and 3 of ours"),
        (
            reading(np.where(ROWS == 1.25, np.nextafter(1.25, 2), ROWS)),
            "BTCUSDT: 1.2500000000000002 in row 1",
        ),
        (reading(ETHUSDT=ROWS), "symbols"),
        (reading(error="RateLimitExceeded: too many"), "RateLimitExceeded"),
    ],
)
def test_a_difference_is_found(theirs: Reading, found: str) -> None:
    said = results.difference(theirs, reading())
    assert said.startswith(found.replace("1.2500000000000002", repr(np.float64(np.nextafter(1.25, 2)))))
    assert results.shortfalls_of_rows([result(theirs)], result(reading()), SPAN)


def test_rows_that_are_missing_at_an_end_are_found() -> None:
    for rows in (ROWS[1:], ROWS[:-1], ROWS[:0]):
        assert results.shortfalls_of_rows([], result(reading(rows)), SPAN)
    assert results.shortfalls_of_rows([], result(reading()), SPAN) == []


def test_too_small_a_lead_is_a_shortfall() -> None:
    ours = result(reading(seconds=2.0))
    enough = [result(reading(seconds=seconds)) for seconds in (60.0, 6.0, 4.0)]
    assert results.shortfalls_of_one(ours, *enough) == []
    for place, other in enumerate(enough):
        slower = replace(other, reading=replace(other.reading, seconds=other.reading.seconds * 0.99))
        others = [*enough[:place], slower, *enough[place + 1 :]]
        assert len(results.shortfalls_of_one(ours, *others)) == 1


def test_refusals_and_an_unused_allowance_are_shortfalls() -> None:
    assert results.shortfalls_of_six(result(reading()), 6000) == []
    for short in ({"refused": 1}, {"first_minute": 5699}, {"weight": 6000}):
        assert len(results.shortfalls_of_six(result(reading(), **short), 6000)) == 1


def test_texts_of_other_clients_are_compared_as_exact_numbers() -> None:
    ours = {"rows": [[1, Decimal("0.10")]], "active": True}
    assert difference({"rows": [["1", "0.1"]], "active": True}, ours) == ""
    for theirs in (
        {"rows": [["1", "0.10000000000000001"]], "active": True},
        {"rows": [["1"]], "active": True},
        {"rows": [], "active": True},
        {"rows": [["1", None]], "active": True},
        {"rows": [["1", "0.1"]], "active": False},
        {"rows": [["1", "0.1"]]},
    ):
        assert difference(theirs, ours)
