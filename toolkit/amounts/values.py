"""Converts values to exact amounts: decimals and whole numbers, but never floats."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts.errors import raise_float_refused
from toolkit.amounts.integers import EXACT_TYPE, WIDE_TYPE, array_of_units, units_of_number
from toolkit.amounts.scalars import ExactDecimal
from toolkit.errors import InexactError
from toolkit.runtime.decimals import CONTEXT, to_decimal

CAPACITY = "20 digits before the decimal point and 18 after it"
# What to do if a number does not fit.
REMEDY = (
    "Round to fewer places first, for example with .round(8), or use .astype(object) to compute with Python "
    f"decimals of up to {CONTEXT.prec} digits."
)


# Arrow converts these exactly, or raises.
_PLAIN_TYPES = {Decimal, ExactDecimal, type(None)}


def is_missing(value: object) -> bool:
    """Whether a single value is missing: None, NA, NaN or NaT."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating) and math.isnan(value)


def is_array_like(value: object) -> bool:
    """Whether a value is a list, an array or similar, not a single value."""
    return pd.api.types.is_list_like(value) and getattr(value, "ndim", 1) != 0


def units_of_value(value: object, *, text: bool = False) -> int | None:
    """Convert a single value to units of 10**-18, None if it is missing.

    Args:
        value: A whole number, a Decimal, or a missing value.
        text: Whether to accept numbers as text.

    Raises:
        InexactError: It is a float, or has too many digits for an exact amount.
        TypeError: It is not a number.
    """
    if is_missing(value):
        return None
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, float | np.floating):
        raise_float_refused(float(value))
    if text and isinstance(value, str):
        value = _parse(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"an exact amount must be a Decimal or a whole number, not {type(value).__name__}")
    number = units_of_number(value)
    if number is None:
        raise InexactError(f"{_short(value)} does not fit an exact amount, which has {CAPACITY}. {REMEDY}")
    return number


def array_of_values(values: Any, *, text: bool = False) -> pa.Array:
    """Convert a sequence of values to an Arrow array of exact amounts.

    Args:
        values: A Series, an array, or any iterable.
        text: Whether to accept numbers as text.

    Raises:
        InexactError: A value is a float, or has too many digits for an exact amount.
        TypeError: A value is not a number.
    """
    if isinstance(values, pd.Series | pd.Index):
        values = values.array
    if isinstance(values, pd.arrays.NumpyExtensionArray):
        values = values.to_numpy()
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        values = pa.array(values, from_pandas=True)
    elif isinstance(values, pd.api.extensions.ExtensionArray) and hasattr(values, "__arrow_array__"):
        values = pa.array(values)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
        if isinstance(
            values, pa.ChunkedArray
        ):  # older versions of Arrow return it unchanged if it has no chunk
            values = pa.concat_arrays(values.chunks) if values.chunks else pa.array([], values.type)
    if isinstance(values, pa.Array):
        kind = values.type
        if kind == EXACT_TYPE:
            return values
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
            return cast_to_exact(values, f"A number does not fit an exact amount, which has {CAPACITY}.")
        if pa.types.is_floating(kind):
            if values.null_count < len(values):
                raise_float_refused(next(value for value in values.to_pylist() if value is not None))
            return pa.nulls(len(values), EXACT_TYPE)
        values = values.to_pylist()
    values = list(values)
    if set(map(type, values)) <= _PLAIN_TYPES:
        with suppress(pa.ArrowInvalid):  # the error for a single value is raised below
            return pa.array(values, EXACT_TYPE)
    return array_of_units([units_of_value(value, text=text) for value in values])


def cast_to_exact(values: Any, problem: str) -> Any:
    """Cast the result of a computation with more digits to exact amounts.

    Args:
        values: An Arrow array of decimals or whole numbers.
        problem: The error message, without the remedy.

    Raises:
        InexactError: A value does not fit.
    """
    try:
        return values.cast(WIDE_TYPE).cast(EXACT_TYPE)
    except pa.ArrowInvalid:
        raise InexactError(f"{problem} {REMEDY}") from None


def comparable_number(value: object) -> Decimal | int | None:
    """A single value as a number to compare amounts with, None if it is not a number.

    A float is compared as its shortest decimal representation: amounts above 0.1 are those above 1/10.

    Raises:
        InexactError: It is a float with so many digits that it is probably the result of a rounding error.
    """
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = to_decimal(str(float(value)))
        if len(number.as_tuple().digits) > sys.float_info.dig:
            raise_float_refused(float(value))
        return number
    return value if isinstance(value, int | Decimal) else None


def _parse(text: str) -> Decimal:
    try:
        number = to_decimal(text.strip())
    except ArithmeticError:
        number = Decimal("Infinity")
    if not number.is_finite():
        raise TypeError(f"{text[:40]!r} is not a number that fits an exact amount")
    return number


def _short(value: int | Decimal) -> str:
    shown = str(value) if isinstance(value, Decimal) or abs(value) < 10**60 else "A very large whole number"
    return shown if len(shown) <= 60 else shown[:57] + "..."
