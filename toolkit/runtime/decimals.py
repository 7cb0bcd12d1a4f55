"""Computes with decimals independently of the decimal context of the process.

The result of an operation on two `Decimal` objects depends on the context of the thread. Any library may
change that, or the default for new threads: fewer digits, another rounding, other traps. So code of the
toolkit that computes with decimals, or formats them with a fixed number of places, uses a context of its own.
Comparing decimals, parsing them and formatting all digits do not depend on a context.
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

# All sums and products of amounts fit; only a division has to round, at the last of these digits. Every
# argument is given, as omitted ones would come from `decimal.DefaultContext`, which may have been changed.
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
    """Decorate a function to compute with decimals in `CONTEXT`."""

    @wraps(call)
    def computed(*args: P.args, **kwargs: P.kwargs) -> T:
        with localcontext(CONTEXT):
            return call(*args, **kwargs)

    return computed


def to_decimal(text: str) -> Decimal:
    """Parse a decimal number with all its digits.

    Raises:
        ArithmeticError: The text is not a number.
    """
    number = Decimal(text)
    if number.is_nan():  # the result of invalid text if that trap is disabled
        CONTEXT.create_decimal(text)
    return number
