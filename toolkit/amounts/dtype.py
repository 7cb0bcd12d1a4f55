"""The pandas dtype of exact amounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype, register_extension_dtype

from toolkit.amounts.integers import EXACT_TYPE, PLACES
from toolkit.amounts.scalars import ExactDecimal
from toolkit.amounts.values import array_of_values


@register_extension_dtype
class ExactDtype(ExtensionDtype):
    """The dtype "exact": Arrow's `decimal128(38, 18)` with arithmetic that never rounds.

    It is registered with pandas, for example for `frame.astype({"income": "exact"})` and
    `pandas.read_csv(path, dtype={"income": "exact"})`.
    """

    name = "exact"
    type = ExactDecimal
    kind = "O"
    na_value = pd.NA
    _is_numeric = True

    @classmethod
    def construct_array_type(cls) -> Any:
        """The array class of this dtype."""
        from toolkit.amounts.array import ExactArray  # imported here, as it imports this module

        return ExactArray

    def __from_arrow__(self, array: pa.Array | pa.ChunkedArray) -> Any:
        """Convert an Arrow array to an array of this dtype."""
        return self.construct_array_type()(array_of_values(array))

    def _get_common_dtype(self, dtypes: list[Any]) -> Any:
        """The dtype of concatenated columns: exact if all values fit, otherwise object."""
        return self if all(map(_fits, dtypes)) else None


def _fits(dtype: Any) -> bool:
    """Whether every value of a dtype fits an exact amount."""
    if isinstance(dtype, ExactDtype):
        return True
    kind = getattr(dtype, "pyarrow_dtype", None)
    if kind is not None and pa.types.is_decimal(kind):
        return bool(kind.scale <= PLACES and kind.precision - kind.scale <= EXACT_TYPE.precision - PLACES)
    if isinstance(dtype, np.dtype):
        return dtype.kind in "iu"
    return pd.api.types.is_integer_dtype(dtype)
