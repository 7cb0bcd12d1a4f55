"""The errors for operations without an exact result."""

from __future__ import annotations

from typing import NoReturn

from toolkit.errors import InexactError

_REMEDIES = {
    "estimate": 'use .astype("float64") first for an estimate',
    "float": "use float(amount) for an estimate",
    "divide": "use toolkit.amounts.divide(amounts, by, places=8), which rounds to 8 places",
    "mean": "use toolkit.amounts.divide(amounts.sum(), amounts.count(), places=8), which rounds to 8 places",
}


def raise_inexact(what: str, instead: str) -> NoReturn:
    """Raise an `InexactError`.

    Args:
        what: What has no exact result, as a sentence without a full stop.
        instead: What to do instead; `{estimate}`, `{divide}` and so on insert common remedies.

    Raises:
        InexactError: Always.
    """
    raise InexactError(f"{what}: {instead.format(**_REMEDIES)}.")


def raise_float_refused(value: object = None) -> NoReturn:
    """Raise an `InexactError` for a float among exact amounts."""
    written = f"Decimal({str(float(value))!r})" if isinstance(value, float) else 'Decimal("0.5")'
    raise InexactError(
        f"These amounts are exact, but a float is not: write {written} instead of the float. If an estimate "
        'is enough, convert the amounts with .astype("float64"), or a single one with float().'
    )
