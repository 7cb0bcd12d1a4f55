"""Decimal contexts that other libraries may set, for a `with` statement."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Context, localcontext

EVERY_TRAP = list(Context().flags)

HOSTILE: Mapping[str, Callable[[], Context]] = {
    "one digit": lambda: Context(prec=1),
    "eight digits": lambda: Context(prec=8),
    "away from zero": lambda: Context(prec=9, rounding=decimal.ROUND_UP),
    "every trap": lambda: Context(traps=EVERY_TRAP),
    "no trap": lambda: Context(prec=3, traps=[]),
    "small exponents and letters": lambda: Context(prec=5, Emin=-2, Emax=5, capitals=0, clamp=1),
    "everything at once": lambda: Context(
        prec=1, rounding=decimal.ROUND_UP, Emin=-2, Emax=5, capitals=0, clamp=1, traps=[]
    ),
}


@contextmanager
def hostile(name: str) -> Iterator[None]:
    """Change the decimal context of this thread, and the default of new threads."""
    context = HOSTILE[name]()
    default = decimal.DefaultContext
    names = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
    before = {each: getattr(default, each) for each in names}, dict(default.traps)
    try:
        for each in names:
            setattr(default, each, getattr(context, each))
        for signal in EVERY_TRAP:
            default.traps[signal] = context.traps[signal]
        with localcontext(context):
            yield
    finally:
        for each, value in before[0].items():
            setattr(default, each, value)
        for signal, value in before[1].items():
            default.traps[signal] = value
