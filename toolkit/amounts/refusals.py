"""What has no exact result, and what to do instead."""

from __future__ import annotations

from typing import NoReturn

from toolkit.errors import InexactError

_WAYS = {
    "estimate": '.astype("float64") first gives an estimate',
    "divide": "toolkit.amounts.divide(amounts, by, places=8) rounds where you say",
    "mean": "toolkit.amounts.divide(amounts.sum(), amounts.count(), places=8) rounds where you say",
}


def refuse(what: str, instead: str) -> NoReturn:
    """Say that something cannot be had exactly, and what can.

    Args:
        what: A sentence without its full stop.
        instead: What to do; `{estimate}`, `{divide}` and `{mean}` stand for what is said often.
    """
    raise InexactError(f"{what}: {instead.format(**_WAYS)}.")
