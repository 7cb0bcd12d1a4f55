"""Conversions of exact amounts from and to whole numbers of units.

One unit is 10**-18. Arrow stores an amount as such a whole number of up to 38 digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa

from toolkit.amounts.scalars import ExactDecimal

PLACES = 18
# The maximum precision of decimal128. Any int64 or uint64 fits in the 20 digits before the decimal point.
EXACT_TYPE = pa.decimal128(38, PLACES)
# Arrow does not notice every overflow when it rescales decimals, and returns other numbers. With this many
# digits there is none.
WIDE_TYPE = pa.decimal256(76, PLACES)
UNIT = 10**PLACES
LIMIT = 10**38

_BYTES = 16
_NULL = bytes(_BYTES)


def units_of_array(array: pa.Array) -> list[int | None]:
    """Convert an Arrow array to units, None where an amount is missing."""
    low, high = int64_halves(array)
    numbers: list[int | None] = [
        upper << 64 | lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)
    ]
    if array.null_count:
        for index in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            numbers[index] = None
    return numbers


def int64_halves(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper 64 bits of each amount, arbitrary where one is missing."""
    if not len(array):
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    words = np.frombuffer(array.buffers()[1], np.dtype("<i8")).reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)]
    return words[:, 0].view(np.uint64), words[:, 1]


def array_of_units(numbers: Iterable[int | None]) -> pa.Array:
    """Convert units to an Arrow array, the inverse of `units_of_array`.

    Raises:
        OverflowError: A number has more than 38 digits.
    """
    numbers = list(numbers)
    if any(number is not None and not -LIMIT < number < LIMIT for number in numbers):
        raise OverflowError
    data = b"".join(
        _NULL if number is None else number.to_bytes(_BYTES, "little", signed=True) for number in numbers
    )
    valid = pa.array([number is not None for number in numbers], pa.bool_())
    return pa.Array.from_buffers(EXACT_TYPE, len(numbers), [valid.buffers()[1], pa.py_buffer(data)])


def sort_codes(array: pa.Array) -> np.ndarray:
    """Whole numbers with the same order and equality as the amounts, -1 where one is missing."""
    low, high = int64_halves(array)
    order = np.lexsort((low, high))
    low, high = low[order], high[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(is_new) - 1
    found[array.is_null().to_numpy(zero_copy_only=False)] = -1
    return found


def text_of_units(number: int) -> str:
    """An amount as text, without exponent or trailing zeros."""
    whole, rest = divmod(abs(number), UNIT)
    digits = f"{whole}.{rest:0{PLACES}d}".rstrip("0") if rest else str(whole)
    return "-" + digits if number < 0 else digits


def decimals_of_units(
    numbers: Sequence[int | None], missing: object, kind: type[Decimal] = ExactDecimal
) -> list[object]:
    """Convert units to decimals, with `missing` for None."""
    return [missing if number is None else kind(text_of_units(number)) for number in numbers]


def units_of_number(value: Decimal | int) -> int | None:
    """Convert a number to units, None if it does not fit an exact amount."""
    if isinstance(value, int):
        number = value * UNIT
        return number if -LIMIT < number < LIMIT else None
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):  # NaN or infinity
        return None
    if not any(digits):
        return 0
    significant = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(significant) + PLACES
    if exponent < 0 or len(significant.lstrip("0")) + exponent > 38:
        return None
    number = int(significant) * int(10**exponent)
    return -number if sign else number
