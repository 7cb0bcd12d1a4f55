"""Amounts as whole numbers of 1e-8, so that sums are exact, and as texts."""

from __future__ import annotations

from toolkit.sandbox.column_json import NumberColumn, rows_json
from toolkit.sandbox.hashing import Int64Array

DECIMALS = 8
UNITS = 10**DECIMALS
"""Units in one coin."""


def amount(units: int) -> str:
    """A number of units as the exchange writes amounts."""
    return f"{units // UNITS}.{units % UNITS:08d}"


def amounts(units: Int64Array) -> list[str]:
    """A column of amounts as texts."""
    (texts,) = amount_columns(units)
    return texts


def amount_columns(*columns: Int64Array) -> list[list[str]]:
    """Columns of amounts as texts, which takes less time than one after the other."""
    if not len(columns[0]):
        return [[] for _ in columns]
    numbers = [NumberColumn(units, DECIMALS, DECIMALS) for units in columns]
    pieces = [piece for number in numbers for piece in (number, b",")][:-1]
    texts = rows_json(len(columns[0]), pieces)[1:-1].decode().split(",")
    return [texts[place :: len(columns)] for place in range(len(columns))]
