"""Exact amounts as whole numbers of 10**-18, as Arrow keeps them: 38 digits, 18 of them behind the point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa

from toolkit.amounts.scalars import ExactDecimal

PLACES = 18
# As many digits as Arrow's decimal128 has. Twenty stand before the point: any int64 or uint64 fits as well.
EXACT = pa.decimal128(38, PLACES)
UNIT = 10**PLACES
LIMIT = 10**38

_BYTES = 16
_NOTHING = bytes(_BYTES)


def units(array: pa.Array) -> list[int | None]:
    """Each amount in units of 10**-18, None where one is missing."""
    low, high = halves(array)
    numbers: list[int | None] = [
        upper << 64 | lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)
    ]
    if array.null_count:
        for digit in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            numbers[digit] = None
    return numbers


def halves(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper 64 bits of each amount; of a missing one, anything."""
    if not len(array):
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    words = np.frombuffer(array.buffers()[1], np.dtype("<i8")).reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)]
    return words[:, 0].view(np.uint64), words[:, 1]


def of_units(numbers: Iterable[int | None]) -> pa.Array:
    """The other way round.

    Raises:
        OverflowError: One has more than 38 digits.
    """
    numbers = list(numbers)
    if any(number is not None and not -LIMIT < number < LIMIT for number in numbers):
        raise OverflowError
    data = b"".join(
        _NOTHING if number is None else number.to_bytes(_BYTES, "little", signed=True) for number in numbers
    )
    valid = pa.array([number is not None for number in numbers], pa.bool_())
    return pa.Array.from_buffers(EXACT, len(numbers), [valid.buffers()[1], pa.py_buffer(data)])


def codes(array: pa.Array) -> np.ndarray:
    """Whole numbers that are ordered, and equal, as the amounts are; -1 where one is missing."""
    low, high = halves(array)
    order = np.lexsort((low, high))
    low, high = low[order], high[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(fresh) - 1
    found[array.is_null().to_numpy(zero_copy_only=False)] = -1
    return found


def text(number: int) -> str:
    """An amount in plain digits, without zeros at its end."""
    whole, rest = divmod(abs(number), UNIT)
    digits = f"{whole}.{rest:0{PLACES}d}".rstrip("0") if rest else str(whole)
    return "-" + digits if number < 0 else digits


def decimals(
    numbers: Sequence[int | None], missing: object, kind: type[Decimal] = ExactDecimal
) -> list[object]:
    """Amounts one by one."""
    return [missing if number is None else kind(text(number)) for number in numbers]


def scaled(value: Decimal | int) -> int | None:
    """A number in units of 10**-18; None where it has no such form, or more than 38 digits."""
    if isinstance(value, int):
        number = value * UNIT
        return number if -LIMIT < number < LIMIT else None
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):  # neither NaN nor infinity
        return None
    if not any(digits):
        return 0
    plain = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(plain) + PLACES
    if exponent < 0 or len(plain.lstrip("0")) + exponent > 38:
        return None
    number = int(plain) * int(10**exponent)
    return -number if sign else number
