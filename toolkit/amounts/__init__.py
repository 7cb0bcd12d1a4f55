"""Exact amounts: columns that are added, subtracted and multiplied without ever rounding.

`numbers="exact"` has a read return them. `read_parquet()` brings back a frame as it was written, `exact()`
makes exact amounts of decimals from elsewhere, `divide()` divides them and rounds where it is told to.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from os import PathLike
from typing import TYPE_CHECKING, TypeVar, overload

import pandas as pd
import pyarrow as pa

from toolkit.amounts.array import ExactArray
from toolkit.amounts.dtype import ExactDtype
from toolkit.amounts.integers import PLACES, units
from toolkit.amounts.scalars import ExactDecimal
from toolkit.amounts.values import to_units
from toolkit.errors import UsageError
from toolkit.runtime.decimals import in_own_context
from toolkit.text.suggestions import attributes_of_module

__all__ = ["ExactDtype", "divide", "exact", "read_parquet"]

Data = TypeVar("Data", pd.Series, pd.DataFrame)


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or every name would seem to be there
    __getattr__ = attributes_of_module(__name__, __all__)


def exact(data: Data) -> Data:
    """Make decimals exact amounts again, as they were when read: for what comes out of Parquet or SQL.

    Args:
        data: A Series of decimals, or of numbers as text. Or a DataFrame: its columns of decimals are made
            exact, all others left as they are.

    Returns:
        A copy, `attrs` included.

    Raises:
        InexactError: There are floats in it, or numbers of more digits than there is room for.
    """
    if isinstance(data, pd.Series):
        return data.astype(ExactDtype())
    if not data.columns.is_unique:
        raise UsageError("Two columns of the frame have one name: give it to exact() column by column.")
    return data.astype({name: ExactDtype() for name, column in data.items() if _holds_decimals(column)})


def read_parquet(path: str | PathLike[str]) -> pd.DataFrame:
    """The frame that `DataFrame.to_parquet` wrote, its exact amounts exact again, `attrs` included.

    `pandas.read_parquet` gives Python's decimals for them, in columns of objects.

    Args:
        path: A file, or a folder of them.

    Raises:
        InexactError: The file has decimals of more digits than there is room for.
    """
    from pyarrow import parquet  # late: nothing else needs it

    schema = parquet.ParquetDataset(path).schema
    decimals = [field.name for field in schema if pa.types.is_decimal(field.type)]
    frame = pd.read_parquet(path)
    return frame.astype({name: ExactDtype() for name in decimals if name in frame})


def _holds_decimals(column: pd.Series) -> bool:
    kind = getattr(column.dtype, "pyarrow_dtype", None)
    if kind is not None:
        return bool(pa.types.is_decimal(kind))
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "decimal"


@overload
def divide(
    amounts: pd.Series, by: pd.Series | Decimal | int, *, places: int, rounding: str = ...
) -> pd.Series: ...
@overload
def divide(amounts: Decimal | int, by: pd.Series, *, places: int, rounding: str = ...) -> pd.Series: ...
@overload
def divide(amounts: Decimal | int, by: Decimal | int, *, places: int, rounding: str = ...) -> Decimal: ...
def divide(
    amounts: pd.Series | Decimal | int,
    by: pd.Series | Decimal | int,
    *,
    places: int,
    rounding: str = ROUND_HALF_EVEN,
) -> pd.Series | Decimal:
    """Divide exact amounts, rounded once, to the places asked for.

    With `of = frame.groupby("asset")["income"]`, `divide(of.sum(), of.count(), places=8)` is the mean of
    each asset.

    Args:
        amounts: What is divided: exact amounts, or a single one.
        by: What by. Two Series are matched by their index, as pandas does.
        places: Digits behind the point, 18 at most.
        rounding: How, as in the module decimal: `ROUND_HALF_EVEN`, `ROUND_DOWN` and so on.

    Returns:
        Exact amounts, or a single one where both were.

    Raises:
        InexactError: One is a float, or the result has more digits than there is room for.
        UsageError: `places` or `rounding` cannot be right, or something is divided by zero.
    """
    if not 0 <= places <= PLACES:
        raise UsageError(f"places is {places}; amounts have from 0 to {PLACES} digits behind the point.")
    if not (isinstance(amounts, pd.Series) or isinstance(by, pd.Series)):
        (quotient,) = _divided([to_units(amounts)], [to_units(by)], places, rounding)
        if quotient is None:
            raise UsageError("There is nothing to divide, or nothing to divide by: it is missing.")
        return ExactDecimal(quotient)
    if isinstance(amounts, pd.Series) and isinstance(by, pd.Series):
        amounts, by = amounts.align(by)
    (of, *_) = [each for each in (amounts, by) if isinstance(each, pd.Series)]
    result = _divided(_units(amounts, len(of)), _units(by, len(of)), places, rounding)
    return pd.Series(ExactArray._from_sequence(result), index=of.index, name=of.name)


def _units(values: pd.Series | Decimal | int, rows: int) -> list[int | None]:
    if isinstance(values, pd.Series):
        return units(ExactArray._from_sequence(values)._data)
    return [to_units(values)] * rows


@in_own_context
def _divided(
    amounts: list[int | None], by: list[int | None], places: int, rounding: str
) -> list[Decimal | None]:
    step = Decimal((0, (1,), -places))
    results: list[Decimal | None] = []
    for row, (amount, divisor) in enumerate(zip(amounts, by, strict=True)):
        if divisor == 0:
            raise UsageError(f"Row {row} would be divided by zero.")
        if amount is None or divisor is None:
            results.append(None)
            continue
        try:
            # No quotient of two amounts lies so near to the middle between two steps that the first,
            # of 200 digits, could be taken for it.
            results.append((Decimal(amount) / Decimal(divisor)).quantize(step, rounding))
        except TypeError:
            raise UsageError(
                f"rounding is {rounding!r}; it is one of the module decimal, such as ROUND_DOWN."
            ) from None
    return results
