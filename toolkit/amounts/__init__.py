"""Exact amounts: columns that are added, subtracted and multiplied without rounding.

Reads return them with `numbers="exact"`. `read_parquet()` restores a frame from a file, `exact()` converts
other decimals to exact amounts, and `divide()` divides amounts, rounding to a given number of places.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from os import PathLike
from typing import TYPE_CHECKING, TypeVar, overload

import pandas as pd
import pyarrow as pa

from toolkit.amounts.array import ExactArray
from toolkit.amounts.dtype import ExactDtype
from toolkit.amounts.integers import PLACES, units_of_array
from toolkit.amounts.scalars import ExactDecimal
from toolkit.amounts.values import units_of_value
from toolkit.errors import UsageError
from toolkit.runtime.decimals import in_own_context
from toolkit.text.suggestions import attributes_of_module

__all__ = ["ExactDtype", "divide", "exact", "read_parquet"]

Data = TypeVar("Data", pd.Series, pd.DataFrame)


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__ = attributes_of_module(__name__, __all__)


def exact(data: Data) -> Data:
    """Convert decimals to exact amounts, for example after reading them from Parquet or SQL.

    Args:
        data: A Series of decimals or of numbers as text, or a DataFrame. In a DataFrame, only columns of
            decimals are converted.

    Returns:
        A copy, including `attrs`.

    Raises:
        InexactError: The data contains floats, or numbers with too many digits for an exact amount.
        UsageError: Two columns of the DataFrame have the same name.
    """
    if isinstance(data, pd.Series):
        return data.astype(ExactDtype())
    if not data.columns.is_unique:
        raise UsageError("Two columns of the frame have the same name: call exact() for each column instead.")
    return data.astype({name: ExactDtype() for name, column in data.items() if _holds_decimals(column)})


def read_parquet(path: str | PathLike[str]) -> pd.DataFrame:
    """Read a frame that `DataFrame.to_parquet` wrote, including its exact amounts and `attrs`.

    `pandas.read_parquet` returns exact amounts as Python decimals, in object columns.

    Args:
        path: A file, or a folder of files.

    Raises:
        InexactError: The file contains decimals with too many digits for an exact amount.
    """
    from pyarrow import parquet  # imported here, as nothing else needs it

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
    """Divide exact amounts and round each quotient once, to the given number of decimal places.

    With `groups = frame.groupby("asset")["income"]`, `divide(groups.sum(), groups.count(), places=8)` is the
    mean of each asset.

    Args:
        amounts: The dividend: exact amounts, or a single one.
        by: The divisor. Two Series are aligned by their index, as in pandas.
        places: Number of decimal places, 18 at most.
        rounding: Rounding mode of the module `decimal`: `ROUND_HALF_EVEN`, `ROUND_DOWN` and so on.

    Returns:
        Exact amounts, or a single one if both arguments are single.

    Raises:
        InexactError: A value is a float, or the result has too many digits for an exact amount.
        UsageError: `places` or `rounding` is invalid, or a divisor is zero.
    """
    if not 0 <= places <= PLACES:
        raise UsageError(f"places must be from 0 to {PLACES}, not {places}.")
    if not (isinstance(amounts, pd.Series) or isinstance(by, pd.Series)):
        (quotient,) = _divided([units_of_value(amounts)], [units_of_value(by)], places, rounding)
        if quotient is None:
            raise UsageError("A single amount cannot be divided if it or the divisor is missing.")
        return ExactDecimal(quotient)
    if isinstance(amounts, pd.Series) and isinstance(by, pd.Series):
        amounts, by = amounts.align(by)
    (series, *_) = [each for each in (amounts, by) if isinstance(each, pd.Series)]
    result = _divided(_units(amounts, len(series)), _units(by, len(series)), places, rounding)
    return pd.Series(ExactArray._from_sequence(result), index=series.index, name=series.name)


def _units(values: pd.Series | Decimal | int, rows: int) -> list[int | None]:
    if isinstance(values, pd.Series):
        return units_of_array(ExactArray._from_sequence(values)._data)
    return [units_of_value(values)] * rows


@in_own_context
def _divided(
    amounts: list[int | None], by: list[int | None], places: int, rounding: str
) -> list[Decimal | None]:
    step = Decimal((0, (1,), -places))
    results: list[Decimal | None] = []
    for row, (amount, divisor) in enumerate(zip(amounts, by, strict=True)):
        if divisor == 0:
            raise UsageError(f"The divisor in row {row} is zero.")
        if amount is None or divisor is None:
            results.append(None)
            continue
        try:
            # Rounding twice is safe: no quotient of two amounts is so close to the middle of two steps that
            # its first 200 digits could not tell it from the middle.
            results.append((Decimal(amount) / Decimal(divisor)).quantize(step, rounding))
        except TypeError:
            raise UsageError(
                f"rounding must be a mode of the module decimal, such as ROUND_DOWN, not {rounding!r}."
            ) from None
    return results
