"""The pandas type of a column of exact amounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype, register_extension_dtype

from toolkit.amounts.integers import EXACT, PLACES
from toolkit.amounts.scalars import ExactDecimal
from toolkit.amounts.values import to_arrow


@register_extension_dtype
class ExactDtype(ExtensionDtype):
    """The type `exact` of a column: Arrow's `decimal128(38, 18)`, computed without ever rounding.

    It is registered with pandas: `frame.astype({"income": "exact"})`,
    `pandas.read_csv(path, dtype={"income": "exact"})`.
    """

    name = "exact"
    type = ExactDecimal
    kind = "O"
    na_value = pd.NA
    _is_numeric = True

    @classmethod
    def construct_array_type(cls) -> Any:
        """The class of the arrays."""
        from toolkit.amounts.array import ExactArray  # it needs this type

        return ExactArray

    def __from_arrow__(self, array: pa.Array | pa.ChunkedArray) -> Any:
        """How Arrow makes such a column."""
        return self.construct_array_type()(to_arrow(array))

    def _get_common_dtype(self, dtypes: list[Any]) -> Any:
        """What columns become that are put one below the other: exact, or each value as it is."""
        return self if all(map(_fits, dtypes)) else None


def _fits(dtype: Any) -> bool:
    """Whether all values of a type are exact amounts."""
    if isinstance(dtype, ExactDtype):
        return True
    kind = getattr(dtype, "pyarrow_dtype", None)
    if kind is not None and pa.types.is_decimal(kind):
        return bool(kind.scale <= PLACES and kind.precision - kind.scale <= EXACT.precision - PLACES)
    if isinstance(dtype, np.dtype):
        return dtype.kind in "iu"
    return pd.api.types.is_integer_dtype(dtype)
