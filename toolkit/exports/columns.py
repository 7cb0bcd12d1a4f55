"""The columns of a frame as Arrow arrays, and back, without losing their types.

Each column is described by its name and dtype, and by what it holds where the dtype is `object`. Arrow is
what all formats are written from and read into.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.endpoints import ENDPOINTS
from toolkit.errors import UsageError
from toolkit.redaction import mask

Described = Mapping[str, str]
"""A column in a file: `name`, `dtype` and, for objects, what it `holds`: "text" or "texts", lists of it."""

EMAIL_COLUMNS = frozenset(
    column.name for endpoint in ENDPOINTS for column in endpoint.columns if column.kind == "email"
)

_NUMBERS: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(),
    "boolean": pa.bool_(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    **{
        f"{sign}{bits}": pa.type_for_alias(f"{sign.lower()}{bits}")
        for sign in ("int", "uint", "Int", "UInt")
        for bits in (8, 16, 32, 64)
    },
}
_TIME = re.compile(r"datetime64\[(s|ms|us|ns)(?:, (.+))?\]")
_TEXTS = ("string", "str")


def describe_columns(frame: pd.DataFrame) -> list[dict[str, str]]:
    """The columns of a frame.

    Raises:
        UsageError: A column cannot be kept in a file: its name is no text or is there twice, its dtype is not
            among those that come back, or it has infinite numbers.
    """
    if not len(frame.columns):
        raise UsageError("The frame has no columns, so there is nothing to write.")
    if not frame.columns.is_unique or not all(isinstance(name, str) for name in frame.columns):
        raise UsageError("The names of columns must be texts, each there once. Rename the columns first.")
    return [_describe(str(name), column) for name, column in frame.items()]


def index_names(frame: pd.DataFrame) -> list[str]:
    """Names of the levels of the index that are kept, as columns; none for row numbers.

    Raises:
        UsageError: The index has labels and no name, or a name that a column has, too.
    """
    index = frame.index
    if index.nlevels == 1 and index.name is None and (not len(index) or index.dtype.kind in "iu"):
        return []  # of row numbers; those of a filtered frame, with gaps, say nothing
    names = list(index.names)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(
            "The index of the frame has no name, so it cannot become a column. Name it, for example with "
            '.rename_axis("asset"), or leave it out with .reset_index(drop=True).'
        )
    if len(set(names)) < len(names) or set(names) & set(frame.columns):
        raise UsageError("A level of the index is named like a column or another level. Rename it first.")
    return [str(name) for name in names]


def with_plain_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with numbered rows; levels of the index that have names are its first columns."""
    return frame.reset_index(drop=not index_names(frame))


def with_masked_emails(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its e-mail addresses masked, by the names of the columns that have them."""
    names = [name for name in frame.columns if name in EMAIL_COLUMNS]
    if not names:
        return frame
    result = frame.copy(deep=False)
    for name in names:
        codes, addresses = pd.factorize(frame[name])
        masked = pd.Series([mask(str(each)) for each in addresses], dtype=object)
        result[name] = masked.reindex(codes).set_axis(frame.index).astype(frame[name].dtype)
    result.attrs = {**frame.attrs, "emails": "masked"}
    return result


def arrow_schema(columns: Sequence[Described]) -> pa.Schema:
    """The Arrow types of these columns."""
    return pa.schema([(column["name"], _arrow_type(column)) for column in columns])


def to_arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Convert rows to Arrow.

    Raises:
        UsageError: A text has half of a character, which no file can keep.
    """
    arrays = []
    for field in schema:
        try:
            values = pa.array(frame[field.name], field.type, from_pandas=True)
        except (UnicodeError, pa.ArrowException) as error:
            raise UsageError(
                f"Column `{field.name}` has a value that no file can keep: {type(error).__name__}. A text "
                "may have half of a character in it."
            ) from None
        arrays.append(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)
    return pa.Table.from_arrays(arrays, schema=schema)


def to_frame(table: pa.Table, columns: Sequence[Described]) -> pd.DataFrame:
    """Convert Arrow columns to a frame with the dtypes it had."""
    data = {column["name"]: _to_pandas(table.column(column["name"]), column) for column in columns}
    return pd.DataFrame(data, index=pd.RangeIndex(table.num_rows), copy=False)


def _describe(name: str, column: pd.Series) -> dict[str, str]:
    dtype = str(column.dtype)
    described = {"name": name, "dtype": dtype}
    if dtype == "object":
        described["holds"] = _held(name, column)
    elif dtype in ("float32", "float64"):
        if np.isinf(column.to_numpy()).any():
            raise UsageError(
                f"Column `{name}` has infinite numbers, which not every file can keep. Replace them, for "
                'example with .replace([float("inf"), -float("inf")], float("nan")).'
            )
    elif dtype not in (*_TEXTS, "exact", *_NUMBERS) and not _has_known_zone(dtype):
        raise UsageError(
            f"Column `{name}` has dtype {dtype}, which does not come back from a file as it was. Convert it "
            'first, for example with .astype("string"), or decimals with toolkit.amounts.exact().'
        )
    return described


def _held(name: str, column: pd.Series) -> str:
    if pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
        return "text"
    if all(_is_missing(value) or _is_texts(value) for value in column):
        return "texts"
    raise UsageError(
        f"Column `{name}` has Python objects that are neither texts nor lists of texts. Convert it first: "
        'numbers with .astype("float64"), decimals with toolkit.amounts.exact(), others with '
        '.astype("string").'
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _has_known_zone(dtype: str) -> bool:
    if not _TIME.fullmatch(dtype):
        return False
    try:
        return str(pd.api.types.pandas_dtype(dtype)) == dtype
    except (TypeError, ValueError, KeyError):
        return False


def _arrow_type(column: Described) -> pa.DataType:
    dtype = column["dtype"]
    if dtype == "object":
        return pa.list_(pa.string()) if column["holds"] == "texts" else pa.string()
    if dtype in _TEXTS:
        return pa.string()
    if dtype == "exact":
        return EXACT_TYPE
    if found := _TIME.fullmatch(dtype):
        return pa.timestamp(found[1], found[2])
    return _NUMBERS[dtype]


def _to_pandas(values: pa.ChunkedArray, column: Described) -> Any:
    dtype = column["dtype"]
    if values.type != (wanted := _arrow_type(column)):
        values = values.cast(wanted)
    if dtype == "object":
        return pd.Series(values.to_pylist(), dtype=object)
    if dtype == "exact":
        return ExactDtype().__from_arrow__(values)
    if dtype in _TEXTS:
        # The newer of the two exists from pandas 3 on.
        newer = dtype == "str" and pd.Series([""]).dtype != object
        text_type: Any = pd.StringDtype(na_value=np.nan) if newer else pd.StringDtype()
        return text_type.__from_arrow__(values)
    if dtype == "boolean" or dtype[0] in "IU":
        masked_type: Any = pd.api.types.pandas_dtype(dtype)
        return masked_type.__from_arrow__(values)
    return values.to_pandas().astype(dtype)
