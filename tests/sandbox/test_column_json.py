"""Rows written a column at a time, compared with rows written one by one."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

from toolkit.sandbox.column_json import ChoiceColumn, NumberColumn, Piece, rows_json

EDGES = [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 10_001, 99_999_999, 100_000_000, 2**53 + 1, 2**63 - 1]


def test_whole_numbers_have_no_leading_zeros() -> None:
    values = np.array(EDGES, dtype=np.int64)
    assert rows_json(len(values), [NumberColumn(values)]) == json.dumps(EDGES, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("decimals", "places"), [(0, 0), (0, 8), (1, 1), (2, 2), (2, 8), (3, 3), (8, 8), (5, 6)]
)
def test_decimals_have_all_their_places(decimals: int, places: int) -> None:
    random = np.random.default_rng(1)
    values = np.array(
        [*EDGES, *random.integers(0, 10**18, 200) >> random.integers(0, 60, 200)], dtype=np.int64
    )
    written = json.loads(rows_json(len(values), [b'["', NumberColumn(values, decimals, places), b'"]']))
    for value, (text,) in zip(values.tolist(), written, strict=True):
        assert text == f"{Decimal(value).scaleb(-decimals):.{places}f}"


def test_negative_numbers_have_a_sign() -> None:
    values = np.array([-42931, 0, 7, -100_000_000], dtype=np.int64)
    written = json.loads(rows_json(4, [b'"', NumberColumn(values, 8, 8), b'"']))
    assert written == ["-0.00042931", "0.00000000", "0.00000007", "-1.00000000"]


def test_objects_with_choices() -> None:
    index = np.array([True, False, True])
    pieces: list[Piece] = [
        b'{"id":',
        NumberColumn(np.arange(3)),
        b',"maker":',
        ChoiceColumn(index),
        b',"side":"',
    ]
    words = ChoiceColumn(np.array([0, 2, 1]), (b"BUY", b"SELL", b"NEITHER"))
    assert json.loads(rows_json(3, [*pieces, words, b'"}'])) == [
        {"id": 0, "maker": True, "side": "BUY"},
        {"id": 1, "maker": False, "side": "NEITHER"},
        {"id": 2, "maker": True, "side": "SELL"},
    ]


def test_no_rows_are_an_empty_array() -> None:
    assert rows_json(0, [NumberColumn(np.empty(0, dtype=np.int64))]) == b"[]"
