"""Builds the numpy and pandas arrays that operations on exact amounts return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts.values import CAPACITY, REMEDY
from toolkit.errors import InexactError


def object_array(values: list[object]) -> np.ndarray:
    """A one-dimensional numpy array of any objects."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def masked_array(values: np.ndarray, missing: np.ndarray) -> Any:
    """A nullable pandas array of booleans, integers or floats."""
    kinds: dict[str, Any] = {
        "b": pd.arrays.BooleanArray,
        "i": pd.arrays.IntegerArray,
        "f": pd.arrays.FloatingArray,
    }
    return kinds[values.dtype.kind](values, missing)


def boolean_array(found: Any) -> Any:
    """A nullable pandas array from an Arrow array of booleans."""
    missing = np.asarray(found.is_null().to_numpy(zero_copy_only=False))
    return masked_array(np.array(found.fill_null(False).to_numpy(zero_copy_only=False)), missing)


def checked_array(make: Callable[..., pa.Array], *args: Any, **kwargs: Any) -> pa.Array:
    """Call `make`, which returns an array of exact amounts.

    Raises:
        InexactError: A result has too many digits for an exact amount.
    """
    try:
        return make(*args, **kwargs)
    except OverflowError:
        raise InexactError(f"A result does not fit an exact amount, which has {CAPACITY}. {REMEDY}") from None
