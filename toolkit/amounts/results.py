"""What comes out of exact amounts, as pandas and numpy hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts.values import ELSE, ROOM
from toolkit.errors import InexactError


def objects(values: list[object]) -> np.ndarray:
    """An array of objects, whatever they are."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def masked(values: np.ndarray, missing: np.ndarray) -> Any:
    """An array of pandas' own types."""
    kinds: dict[str, Any] = {
        "b": pd.arrays.BooleanArray,
        "i": pd.arrays.IntegerArray,
        "f": pd.arrays.FloatingArray,
    }
    return kinds[values.dtype.kind](values, missing)


def answers(found: Any) -> Any:
    """What Arrow answered yes or no to."""
    missing = np.asarray(found.is_null().to_numpy(zero_copy_only=False))
    return masked(np.array(found.fill_null(False).to_numpy(zero_copy_only=False)), missing)


def made(make: Callable[..., pa.Array], *args: Any, **kwargs: Any) -> pa.Array:
    """What `make` makes of whole numbers, if exact amounts have room for it.

    Raises:
        InexactError: They have not.
    """
    try:
        return make(*args, **kwargs)
    except OverflowError:
        raise InexactError(f"A result does not fit an exact amount, which has {ROOM}. {ELSE}") from None
