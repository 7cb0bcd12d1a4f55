"""Python's decimals, computed the same way whatever the rest of the process does with them.

What an operation on two `Decimal` objects gives depends on a context that belongs to the thread, and any
library may change it, or the one that new threads begin with: fewer digits, another rounding, traps that
raise. So whatever here computes with decimals, or prints them with a fixed number of places, does it
in a context of its own. Comparing them, reading them from text and printing all their digits depend on none.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Every sum and every product of amounts fits; only a division has to round, at the last of these digits.
# All of it is said here: what is left out would come from `decimal.DefaultContext`, which may be changed.
CONTEXT = Context(
    prec=200,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)


def in_own_context(call: Callable[P, T]) -> Callable[P, T]:
    """A function that computes with decimals in a context of ours."""

    @wraps(call)
    def computed(*args: P.args, **kwargs: P.kwargs) -> T:
        with localcontext(CONTEXT):
            return call(*args, **kwargs)

    return computed


def to_decimal(text: str) -> Decimal:
    """The number that a text spells, with all of its digits.

    Raises:
        ArithmeticError: It spells none.
    """
    number = Decimal(text)
    if number.is_nan():  # as it is where that trap was taken away
        CONTEXT.create_decimal(text)
    return number
