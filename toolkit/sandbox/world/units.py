"""Amounts as whole numbers of 1e-8, so that sums are exact, and as texts."""

from __future__ import annotations

from toolkit.sandbox.hashing import Int64Array

DECIMALS = 8
UNITS = 10**DECIMALS
"""Units in one coin."""


def amount(units: int) -> str:
    """A number of units as the exchange writes amounts."""
    return f"{units // UNITS}.{units % UNITS:08d}"


def amounts(units: Int64Array) -> list[str]:
    """A column of amounts as texts; they have to be below 2**52 units, of which a float tells each one."""
    return [f"{value:.8f}" for value in (units / UNITS).tolist()]
