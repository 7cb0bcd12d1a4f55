"""What may stand among exact amounts: other amounts, whole numbers, decimals; no float, ever by itself."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts.errors import refuse_float
from toolkit.amounts.integers import EXACT, of_units, scaled
from toolkit.amounts.scalars import ExactDecimal
from toolkit.errors import InexactError
from toolkit.runtime.decimals import CONTEXT, to_decimal

ROOM = "20 digits before the point and 18 behind it"
# What to do about what does not fit.
ELSE = (
    "Round to fewer places first, as in .round(8), or compute with .astype(object), value by value and with "
    f"up to {CONTEXT.prec} digits."
)


# Arrow takes these as they are, or not at all.
_PLAIN = {Decimal, ExactDecimal, type(None)}


def is_missing(value: object) -> bool:
    """Whether a single value stands for none: None, NA, NaN or NaT."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating) and math.isnan(value)


def is_many(value: object) -> bool:
    """Whether it is a list of values, an array or the like, and not a single one."""
    return pd.api.types.is_list_like(value) and getattr(value, "ndim", 1) != 0


def to_units(value: object, *, text: bool = False) -> int | None:
    """A single value in units of 10**-18, None where it is missing.

    Args:
        value: A whole number, a Decimal, or what is missing.
        text: Whether a number written as text will do.

    Raises:
        InexactError: It is a float, or has more digits than there is room for.
        TypeError: It is no number at all.
    """
    if is_missing(value):
        return None
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, float | np.floating):
        refuse_float(float(value))
    if text and isinstance(value, str):
        value = _spelled(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"an exact amount is a Decimal or a whole number, not {type(value).__name__}")
    number = scaled(value)
    if number is None:
        raise InexactError(f"{_short(value)} does not fit an exact amount, which has {ROOM}. {ELSE}")
    return number


def to_arrow(values: Any, *, text: bool = False) -> pa.Array:
    """Many values as exact amounts.

    Raises:
        InexactError: One is a float, or has more digits than there is room for.
        TypeError: One is no number at all.
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
        if isinstance(values, pa.ChunkedArray):  # older versions of Arrow keep what has no chunk
            values = pa.concat_arrays(values.chunks) if values.chunks else pa.array([], values.type)
    if isinstance(values, pa.Array):
        kind = values.type
        if kind == EXACT:
            return values
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
            return narrowed(values, f"A number does not fit an exact amount, which has {ROOM}.")
        if pa.types.is_floating(kind):
            if values.null_count < len(values):
                refuse_float(next(value for value in values.to_pylist() if value is not None))
            return pa.nulls(len(values), EXACT)
        values = values.to_pylist()
    values = list(values)
    if set(map(type, values)) <= _PLAIN:
        with suppress(pa.ArrowInvalid):  # below it is said which one does not fit
            return pa.array(values, EXACT)
    return of_units([to_units(value, text=text) for value in values])


def narrowed(values: Any, problem: str) -> Any:
    """What Arrow computed with more digits, as exact amounts again.

    Raises:
        InexactError: It does not fit.
    """
    try:
        return values.cast(EXACT)
    except pa.ArrowInvalid:
        raise InexactError(f"{problem} {ELSE}") from None


def to_compare(value: object) -> Decimal | int | None:
    """A single number to compare amounts with, None where it is none.

    A float that shows all it holds is meant as it is written: amounts above 0.1 are those above 1/10.

    Raises:
        InexactError: It is a float that only comes near to what was meant.
    """
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = to_decimal(str(float(value)))
        if len(number.as_tuple().digits) > sys.float_info.dig:
            refuse_float(float(value))
        return number
    return value if isinstance(value, int | Decimal) else None


def _spelled(text: str) -> Decimal:
    try:
        number = to_decimal(text.strip())
    except ArithmeticError:
        number = Decimal("Infinity")
    if not number.is_finite():
        raise TypeError(f"{text[:40]!r} is no number that an exact amount could be")
    return number


def _short(value: int | Decimal) -> str:
    shown = (
        str(value) if isinstance(value, Decimal) or abs(value) < 10**60 else "A whole number of many digits"
    )
    return shown if len(shown) <= 60 else shown[:57] + "..."
