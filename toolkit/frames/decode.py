"""Converts the values of a column, as the exchange sent them, to an Arrow array."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.endpoints import Column, Endpoint
from toolkit.endpoints.model import ColumnKind, TimeUnit
from toolkit.errors import ContractError
from toolkit.redaction import displayable_names

TIME_TYPE = pa.timestamp("ms", "UTC")
_TYPES: Mapping[ColumnKind, pa.DataType] = {
    "text": pa.string(),
    "id": pa.string(),
    "email": pa.string(),
    "amount": pa.float64(),
    "integer": pa.int64(),
    "flag": pa.bool_(),
    "time": TIME_TYPE,
    "texts": pa.list_(pa.string()),
}
_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,2})?")
YEAR_3000 = 32_503_680_000_000
NO_TIMES = (0, -1)
"""What the exchange sends in an optional time column for something that did not happen."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DecodeError(Exception):
    """A value that does not fit its column; the builder turns it into a `ContractError`."""


def contract_error(endpoint: Endpoint, problem: str, column: Column | None = None) -> ContractError:
    """The error for a response that is not as declared, in a column if one is given."""
    where = "" if column is None else f"column `{displayable_names([column.name])[0]}`: "
    return ContractError(
        endpoint.qualified_name, f"{where}{problem}, contrary to the documentation of the exchange"
    )


def arrow_type(kind: ColumnKind, *, exact: bool) -> pa.DataType:
    """The Arrow type of a kind of column; `exact` applies to amounts."""
    return EXACT_TYPE if kind == "amount" and exact else _TYPES[kind]


def exact_columns(endpoint: Endpoint, *, exact: bool) -> frozenset[str]:
    """The columns of amounts that are decoded as exact amounts.

    Args:
        endpoint: The endpoint.
        exact: Whether all of them are. If not, some are for themselves, and those with a running total, which
            become float64 only when they were added up.
    """
    added_up = {column.of for column in endpoint.columns if column.derived == "running_total"}
    return frozenset(
        column.name
        for column in endpoint.columns
        if column.kind == "amount" and (exact or column.exact or column.name in added_up)
    )


def to_array(kind: ColumnKind, type_: pa.DataType, values: list[Any]) -> pa.Array:
    """Check the values of a column and convert them.

    Args:
        kind: The kind of the column.
        type_: Its Arrow type.
        values: Its values, None where one is missing.

    Raises:
        DecodeError: A value is of another kind, or has too many digits.
    """
    convert = _float if type_ == pa.float64() else _CONVERT[kind]
    try:
        return pa.array(_convert_all(convert, values), type=type_)
    except (pa.ArrowInvalid, OverflowError):
        raise DecodeError("a number has more digits than an exact amount can hold") from None


# -- whole columns: fast if all values have one plain type, value by value otherwise -----------------


def _convert_all(convert: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    """Convert all values."""
    types = set(map(type, values))
    if len(types) == 1:
        fast = _FAST.get((convert, types.pop()))
        converted = fast(values) if fast else None
        if converted is not None:
            return converted
    return [convert(value) for value in values]


def _fast_floats(values: list[str]) -> list[float] | None:
    if not all(map(_DECIMAL.fullmatch, values)):
        return None
    numbers = list(map(float, values))
    return None if any(map(math.isinf, numbers)) else numbers


def _fast_amounts(values: list[str]) -> list[Decimal] | None:
    return list(map(Decimal, values)) if all(map(_DECIMAL.fullmatch, values)) else None


def _fast_times(values: list[int]) -> list[int] | None:
    return values if min(values) >= 0 and max(values) < YEAR_3000 else None


def _unchanged(values: list[Any]) -> list[Any]:
    return values


# -- single values: checked and converted for Arrow --------------------------------------------------


def _amount(value: Any) -> Decimal | None:
    # Some optional fields have "" for a missing amount.
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    raise DecodeError(f"{_kind_of(value)} is not an amount")


def _float(value: Any) -> float | None:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        number = float(value)
    else:
        amount = _amount(value)
        if amount is None:
            return None
        number = float(amount)
    if math.isinf(number):
        raise DecodeError("a number is too large")
    return number


def _identifier(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise DecodeError(f"{_kind_of(value)} is not an id")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise DecodeError(f"{_kind_of(value)} is not text")


def _integer(value: Any) -> int | None:
    # The exchange sends the number of traders as text.
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise DecodeError(f"{_kind_of(value)} is not a whole number")


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    # The exchange sends text for coin-margined positions of sub-accounts.
    if value in ("true", "false"):
        return bool(value == "true")
    raise DecodeError(f"{_kind_of(value)} is neither true nor false")


_TIME_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,14}")
_UNITS: Mapping[TimeUnit, str] = {
    "ms": "a time in milliseconds",
    "s": "a time in seconds",
    "us": "a time in microseconds",
    "text": 'a time such as "2019-10-12 11:12:02"',
}


def milliseconds(value: Any, unit: TimeUnit) -> int | None:
    """A time as milliseconds, never later than it is; None where it is missing.

    Args:
        value: The time as it was received. "" is missing where times are text. The number of milliseconds may
            be text, too: some endpoints sent it as one before they sent a number.
        unit: How it is written. Text is UTC.

    Raises:
        DecodeError: It is written otherwise, or is before 1970 or after the year 2999.
    """
    if value is None or (value == "" and unit == "text"):
        return None
    time: int | None = None
    if unit == "text":
        if isinstance(value, str) and _TIME_TEXT.fullmatch(value):
            with suppress(ValueError):  # such as February 30
                moment = datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
                time = (moment - _EPOCH) // timedelta(milliseconds=1)
    elif isinstance(value, str) and unit == "ms" and _DIGITS.fullmatch(value):
        time = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        time = value * 1000 if unit == "s" else value // 1000 if unit == "us" else value
    if time is None or not 0 <= time < YEAR_3000:
        raise DecodeError(f"{_kind_of(value)} is not {_UNITS[unit]}")
    return time


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise DecodeError(f"{_kind_of(value)} is not a list of texts")


def _kind_of(value: Any) -> str:
    names = {bool: "true or false", str: "text", int: "a number", Decimal: "a number"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


_CONVERT: Mapping[ColumnKind, Callable[[Any], Any]] = {
    "text": _text,
    "id": _identifier,
    "email": _text,
    "amount": _amount,
    "integer": _integer,
    "flag": _flag,
    "time": partial(milliseconds, unit="ms"),
    "texts": _texts,
}

_FAST: Mapping[tuple[Callable[[Any], Any], type], Callable[[list[Any]], list[Any] | None]] = {
    (_text, str): _unchanged,
    (_identifier, str): _unchanged,
    (_identifier, int): lambda values: list(map(str, values)),
    (_integer, int): _unchanged,
    (_flag, bool): _unchanged,
    (_CONVERT["time"], int): _fast_times,
    (_float, str): _fast_floats,
    (_amount, str): _fast_amounts,
}
