"""A single exact amount: a `Decimal` with arithmetic that never rounds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, Inexact
from typing import Any, NoReturn

from toolkit.amounts.errors import raise_float_refused, raise_inexact
from toolkit.runtime.decimals import CONTEXT, in_own_context

# The same precision, but a result that does not fit raises instead of being rounded.
_EXACTLY = CONTEXT.copy()
_EXACTLY.traps[Inexact] = True


class ExactDecimal(Decimal):
    """One amount of an exact column.

    It is equal to the `Decimal` of the same number, with the same hash and repr. The decimal context of the
    thread does not affect `+`, `-`, `*`, `abs()`, `round()`, `quantize()` and formatting, unless a context is
    passed. Floats and divisions raise, as they do for a column. `Decimal(amount)` returns a plain decimal.
    """

    __slots__ = ()

    # -- sums, differences, products ------------------------------------------------------------------

    def __add__(self, other: Any) -> ExactDecimal:
        return _exactly(_EXACTLY.add, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> ExactDecimal:
        return _exactly(_EXACTLY.subtract, self, other)

    def __rsub__(self, other: Any) -> ExactDecimal:
        return _exactly(lambda amount, number: _EXACTLY.subtract(number, amount), self, other)

    def __mul__(self, other: Any) -> ExactDecimal:
        return _exactly(_EXACTLY.multiply, self, other)

    __rmul__ = __mul__

    def __neg__(self) -> ExactDecimal:
        return ExactDecimal(_EXACTLY.minus(self))

    def __pos__(self) -> ExactDecimal:
        return self

    def __abs__(self) -> ExactDecimal:
        return ExactDecimal(_EXACTLY.abs(self))

    def fma(self, other: Any, third: Any, context: Context | None = None) -> ExactDecimal:
        """The product with another number, plus a third one."""
        return ExactDecimal(super().fma(other, third, context)) if context else self * other + third

    # -- operations that raise ------------------------------------------------------------------------

    def _divided(self, other: Any) -> NoReturn:
        raise_inexact("Dividing an amount has no exact result in general", "{divide}, or {float}")

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _divided
    __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _divided

    def __pow__(self, other: Any, modulo: Any = None) -> NoReturn:
        raise_inexact("Powers of amounts are not exact", "multiply repeatedly, or {float}")

    __rpow__ = __pow__

    # -- explicit rounding, and formatting ------------------------------------------------------------

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None:
            return super().__round__()
        return self.quantize(Decimal((0, (1,), -ndigits)))

    def quantize(self, exp: Any, rounding: str | None = None, context: Context | None = None) -> ExactDecimal:
        """Round to the places of `exp`, halves to the even digit by default."""
        return ExactDecimal(super().quantize(exp, rounding, context or CONTEXT))

    def to_integral_value(self, rounding: str | None = None, context: Context | None = None) -> ExactDecimal:
        """Round to a whole number, halves to the even one by default."""
        return ExactDecimal(super().to_integral_value(rounding, context or CONTEXT))

    to_integral = to_integral_value

    def normalize(self, context: Context | None = None) -> ExactDecimal:
        """The same number without trailing zeros."""
        return ExactDecimal(super().normalize(context or _EXACTLY))

    def scaleb(self, other: Any, context: Context | None = None) -> ExactDecimal:
        """The number with its exponent changed by `other`."""
        return ExactDecimal(super().scaleb(other, context or _EXACTLY))

    def max(self, other: Any, context: Context | None = None) -> ExactDecimal:
        """The larger of two numbers."""
        return ExactDecimal(super().max(other, context or _EXACTLY))

    def min(self, other: Any, context: Context | None = None) -> ExactDecimal:
        """The smaller of two numbers."""
        return ExactDecimal(super().min(other, context or _EXACTLY))

    @in_own_context
    def __format__(self, specifier: str, /) -> str:  # type: ignore[override]  # typeshed has another argument
        return super().__format__(specifier)

    # -- databases ------------------------------------------------------------------------------------

    def __conform__(self, protocol: type) -> str | None:
        """Adapt the amount for sqlite3 as text, since SQLite has no decimals."""
        return f"{self:f}" if protocol.__name__ == "PrepareProtocol" else None


def _exactly(
    compute: Callable[[Decimal, Decimal | int], Decimal], amount: ExactDecimal, other: Any
) -> ExactDecimal:
    if isinstance(other, float):
        raise_float_refused(other)
    if not isinstance(other, int | Decimal):
        return NotImplemented  # type: ignore[no-any-return]  # as in any operator
    try:
        return ExactDecimal(compute(amount, other))
    except Inexact:
        raise_inexact(
            f"The result has more than {CONTEXT.prec} digits",
            "round the amounts to fewer places first, for example with round(amount, 8), or {float}",
        )
