"""A single exact amount: a `Decimal` whose sums, differences and products are never rounded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, Inexact
from typing import Any, NoReturn

from toolkit.amounts.errors import refuse, refuse_float
from toolkit.runtime.decimals import CONTEXT, in_own_context

# As many digits, but a result that would need more of them raises instead of being rounded.
_EXACTLY = CONTEXT.copy()
_EXACTLY.traps[Inexact] = True


class ExactDecimal(Decimal):
    """One amount of an exact column.

    It is equal to the `Decimal` of the same number, hashed and printed like it. But the decimal context of
    the thread has no say in `+`, `-`, `*`, `abs()`, `round()`, `quantize()` and formatting, unless one is
    passed; and floats and divisions are refused, as in a column. `Decimal(amount)` is a plain one again.
    """

    __slots__ = ()

    # -- sums, differences, products -----------------------------------------------------------------------

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
        """This one times another, plus a third."""
        return ExactDecimal(super().fma(other, third, context)) if context else self * other + third

    # -- what is refused -----------------------------------------------------------------------------------

    def _divided(self, other: Any) -> NoReturn:
        refuse("Dividing an amount has no exact result in general", "{divide}; {float}")

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _divided
    __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _divided

    def __pow__(self, other: Any, modulo: Any = None) -> NoReturn:
        refuse("Powers of amounts are not computed exactly", "multiply as often; {float}")

    __rpow__ = __pow__

    # -- rounding where it is said, and showing --------------------------------------------------------------

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits is None:
            return super().__round__()
        return self.quantize(Decimal((0, (1,), -ndigits)))

    def quantize(self, exp: Any, rounding: str | None = None, context: Context | None = None) -> ExactDecimal:
        """With as many places as `exp` has; halves go to the even digit, unless it is said otherwise."""
        return ExactDecimal(super().quantize(exp, rounding, context or CONTEXT))

    def to_integral_value(self, rounding: str | None = None, context: Context | None = None) -> ExactDecimal:
        """The nearest whole number; halves go to the even one, unless it is said otherwise."""
        return ExactDecimal(super().to_integral_value(rounding, context or CONTEXT))

    to_integral = to_integral_value

    def normalize(self, context: Context | None = None) -> ExactDecimal:
        """Without zeros at its end."""
        return ExactDecimal(super().normalize(context or _EXACTLY))

    def scaleb(self, other: Any, context: Context | None = None) -> ExactDecimal:
        """With its point moved."""
        return ExactDecimal(super().scaleb(other, context or _EXACTLY))

    def max(self, other: Any, context: Context | None = None) -> ExactDecimal:
        """The larger one."""
        return ExactDecimal(super().max(other, context or _EXACTLY))

    def min(self, other: Any, context: Context | None = None) -> ExactDecimal:
        """The smaller one."""
        return ExactDecimal(super().min(other, context or _EXACTLY))

    @in_own_context
    def __format__(self, specifier: str, /) -> str:  # type: ignore[override]  # a stub knows one argument more
        return super().__format__(specifier)

    # -- in a database -------------------------------------------------------------------------------------

    def __conform__(self, protocol: type) -> str | None:
        """What the module sqlite3 stores: SQLite has no decimals, and text keeps every digit."""
        return f"{self:f}" if protocol.__name__ == "PrepareProtocol" else None


def _exactly(
    compute: Callable[[Decimal, Decimal | int], Decimal], amount: ExactDecimal, other: Any
) -> ExactDecimal:
    if isinstance(other, float):
        refuse_float(other)
    if not isinstance(other, int | Decimal):
        return NotImplemented  # type: ignore[no-any-return]  # as every operator may
    try:
        return ExactDecimal(compute(amount, other))
    except Inexact:
        refuse(
            f"The result has more than {CONTEXT.prec} digits",
            "round the amounts to fewer places first, as in round(amount, 8); {float}",
        )
