"""What has no exact result, and what to do instead."""

from __future__ import annotations

from typing import NoReturn

from toolkit.errors import InexactError

_WAYS = {
    "estimate": '.astype("float64") first gives an estimate',
    "float": "float(amount) gives an estimate",
    "divide": "toolkit.amounts.divide(amounts, by, places=8) rounds where you say",
    "mean": "toolkit.amounts.divide(amounts.sum(), amounts.count(), places=8) rounds where you say",
}


def refuse(what: str, instead: str) -> NoReturn:
    """Say that something cannot be had exactly, and what can.

    Args:
        what: A sentence without its full stop.
        instead: What to do; `{estimate}`, `{divide}` and so on stand for what is said often.
    """
    raise InexactError(f"{what}: {instead.format(**_WAYS)}.")


def refuse_float(value: object = None) -> NoReturn:
    """A float among exact amounts."""
    written = f"Decimal({str(float(value))!r})" if isinstance(value, float) else 'Decimal("0.5")'
    raise InexactError(
        f"These amounts are exact, and a float is not: write {written} instead of a float, or turn the "
        'amounts into floats where an estimate will do, with .astype("float64"), or float() of a single one.'
    )
