"""Pure: rows of an answer become a typed DataFrame that keeps its contract.

Exactly the declared columns in the declared order and types; times are `datetime64[ms, UTC]`,
identifiers text, amounts float64 or exact `decimal128`, e-mail addresses masked unless asked for;
oldest first, checked and never sorted; a row that two answers both hold comes once. Rows are kept as
Arrow arrays until the end, so memory stays in proportion to the result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT
from toolkit.endpoints import Column, Endpoint
from toolkit.errors import ContractError, RowOrderError
from toolkit.frames.duplicates import Repeats
from toolkit.frames.validation import Query
from toolkit.redaction import Emails, mask, masked_key, names_shown

Numbers = Literal["float", "exact"]
Row = Mapping[str, Any]

_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "id": pa.string(),
    "email": pa.string(),
    "amount": pa.float64(),
    "integer": pa.int64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("ms", "UTC"),
    "texts": pa.list_(pa.string()),
}
_PANDAS_TYPES: Mapping[pa.DataType, Any] = {
    pa.string(): pd.StringDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    EXACT: ExactDtype(),
}
_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,2})?")
_YEAR_3000 = 32_503_680_000_000


class FrameBuilder:
    """Rows of one fetch, as they come in.

    Args:
        endpoint: What was asked.
        numbers: Whether amounts are float64 or exact.
        emails: Whether e-mail addresses are masked or clear, where they are not always masked.
        question: What its rows have to answer, None where nothing is known of that.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        numbers: Numbers,
        emails: Emails = "masked",
        question: Query | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._question = question
        self._emails = emails
        self._types = [_arrow_type(column, numbers) for column in endpoint.columns]
        self._answers: list[list[pa.Array]] = []
        self._repeats = Repeats()
        self._last_time: int | None = None
        self._declared = {field for column in endpoint.columns for field in column.fields}
        self.undeclared: set[str] = set()
        self.rows = 0

    def add(self, payload: Any, span: tuple[int, int] | None = None, most: int | None = None) -> int:
        """Take in one answer; how many rows it had, repeated ones included.

        Args:
            payload: The answer.
            span: First and last moment that were asked for, None where no span was.
            most: How many rows were asked for, None where no number was.

        Raises:
            ContractError: The answer has another shape than declared, or a row that does not answer the
                question: none of its rows is kept then, as the others may be wrong as well. Or it has more
                rows than were asked for, which are kept.
            RowOrderError: Its rows are not oldest first, or begin before the answer before it ended.
                They are kept all the same.
        """
        rows = self._unwrap(payload)
        count = len(rows)
        if self._endpoint.newest_first:
            rows = rows[::-1]
        columns = [self._values(column, rows) for column in self._endpoint.columns]
        self._check_against_question(columns, span)
        new_rows = self._new_rows(columns)
        times = self._times(columns, new_rows)
        every = len(new_rows) == count
        arrays = [
            self._array(column, type_, values if every else [values[row_index] for row_index in new_rows])
            for column, type_, values in zip(self._endpoint.columns, self._types, columns, strict=True)
        ]
        self._answers.append(arrays)  # whole or not at all, should an interrupt come
        before = self.rows
        self.rows += len(new_rows)
        self._check_order(times, before)
        if most is not None and len(new_rows) > most:
            raise ContractError(
                self._endpoint.qualified_name,
                f"the answer has {len(new_rows):,} rows, and {most:,} were asked for at most: the exchange "
                "leaves that out of account, so that nobody knows which rows it hands out",
            )
        return count

    def begin_window(self) -> None:
        """Answers are of another window from here on: a row can only be in both if the last one had it.

        The rows of all windows before it are forgotten, so that a long fetch does not remember each.
        """
        self._repeats.begin_window()

    @property
    def last_time(self) -> int | None:
        """The latest moment of the rows by now in milliseconds, None where they carry no time."""
        return self._last_time

    def frame(self, attrs: Mapping[str, object]) -> pd.DataFrame:
        """Everything taken in by now as a DataFrame."""
        table = pa.table(
            [
                pa.chunked_array([arrays[row_index] for arrays in self._answers], type=type_)
                for row_index, type_ in enumerate(self._types)
            ],
            names=[column.name for column in self._endpoint.columns],
        )
        frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS_TYPES.get)
        for column in self._endpoint.columns:
            if column.kind == "texts":  # Arrow's own lists do not come back from Parquet in pandas
                frame[column.name] = pd.Series(
                    [None if texts is None else list(texts) for texts in frame[column.name]], dtype=object
                )
        frame.attrs = {str(name): value for name, value in attrs.items()}
        if addresses := [column for column in self._endpoint.columns if column.kind == "email"]:
            frame.attrs["emails"] = "masked" if all(map(self._is_masked, addresses)) else "clear"
        frame.attrs["undeclared"] = names_shown(self.undeclared)
        return frame

    # -- one answer, step by step --------------------------------------------------------------------

    def _unwrap(self, payload: Any) -> Sequence[Row]:
        """The rows of an answer, the wrapper's fields written into each."""
        endpoint = self._endpoint
        outer: dict[str, Any] = {}
        if endpoint.rows_field:
            if not isinstance(payload, dict) or not isinstance(payload.get(endpoint.rows_field), list):
                raise self._contract_error(f"the answer has no list of rows called {endpoint.rows_field!r}")
            if endpoint.success_field and payload.get(endpoint.success_field) is not True:
                raise self._contract_error(f"the answer says {endpoint.success_field} is not true")
            rows = payload[endpoint.rows_field]
            outer = {name: value for name, value in payload.items() if name != endpoint.rows_field}
            self.undeclared |= outer.keys() - self._declared - {endpoint.success_field}
            outer = {
                field: outer[field]
                for column in endpoint.columns
                if column.outer
                for field in column.fields
                if field in outer
            }
        else:
            rows = payload if isinstance(payload, list) else [payload]
        for row_index, row in enumerate(rows):
            if not isinstance(row, dict):
                raise self._contract_error(f"row {row_index} is not an object")
            if not row.keys() <= self._declared:
                self.undeclared |= row.keys() - self._declared
        return [row | outer for row in rows] if outer else rows

    def _values(self, column: Column, rows: Sequence[Row]) -> list[Any]:
        """One column's values as the exchange sent them; None where it left the field out."""
        fields = column.fields
        with suppress(KeyError):
            return [row[fields[0]] for row in rows]
        values = []
        for row_index, row in enumerate(rows):
            for field in fields:
                if field in row:
                    values.append(row[field])
                    break
            else:
                if not column.optional:
                    raise self._contract_error(f"row {row_index} has no field {fields[0]!r}")
                values.append(None)
        return values

    def _check_against_question(self, columns: list[list[Any]], span: tuple[int, int] | None) -> None:
        if self._question is None:
            return
        names = [column.name for column in self._endpoint.columns]
        wrong = self._question.mismatch(dict(zip(names, columns, strict=True)), span)
        if wrong:
            raise ContractError(
                self._endpoint.qualified_name,
                f"{wrong}: the answer is to another question than was asked, and none of its rows was kept",
            )

    def _new_rows(self, columns: list[list[Any]]) -> Sequence[int]:
        """Positions of the rows that no earlier answer had.

        Rows count as the same when the columns that name them are the same; all columns where none do.
        """
        names = self._endpoint.identity
        naming = [
            values
            for column, values in zip(self._endpoint.columns, columns, strict=True)
            if column.name in names or not names
        ]
        try:
            return self._repeats.new_rows(naming)
        except TypeError:
            raise self._contract_error("a row holds an object where a value should stand") from None

    def _times(self, columns: list[list[Any]], new_rows: Sequence[int]) -> list[Any]:
        for column, values in zip(self._endpoint.columns, columns, strict=True):
            if column.name == self._endpoint.order_by:
                return [values[row_index] for row_index in new_rows]
        return []

    def _check_order(self, times: list[int | None], before: int) -> None:
        last = self._last_time
        for row_index, moment in enumerate(times, start=before):
            if moment is None:
                continue
            if last is not None and moment < last:
                raise RowOrderError(
                    self._endpoint.qualified_name,
                    f"rows {row_index - 1} and {row_index} are not oldest first by "
                    f"`{self._endpoint.order_by}`, as the exchange documents. Nothing was sorted",
                    (row_index - 1, row_index),
                )
            last = moment
        self._last_time = last

    def _array(self, column: Column, type_: pa.DataType, values: list[Any]) -> pa.Array:
        problem = ""
        if column.masked == "key":  # not before: rows are told apart by the keys themselves
            values = [masked_key(value) if isinstance(value, str) else value for value in values]
        if self._is_masked(column):  # not before: rows are told apart by the addresses themselves
            values = [mask(value) if isinstance(value, str) else value for value in values]
        try:
            convert = _float if type_ == pa.float64() else _CONVERT[column.kind]
            array = pa.array(_converted(convert, values), type=type_)
        except _BadValueError as bad:
            problem = str(bad)
        except (pa.ArrowInvalid, OverflowError):
            problem = "a number has more digits than can be kept exactly"
        else:
            if not array.null_count or column.optional or column.kind in ("text", "id", "email"):
                return array
            problem = "it is empty in some rows"
        raise self._contract_error(f"column `{names_shown([column.name])[0]}`: {problem}")

    def _is_masked(self, column: Column) -> bool:
        return column.kind == "email" and (column.masked == "email" or self._emails == "masked")

    def _contract_error(self, problem: str) -> ContractError:
        return ContractError(self._endpoint.qualified_name, f"{problem}; the exchange documents it otherwise")


def _arrow_type(column: Column, numbers: Numbers) -> pa.DataType:
    return EXACT if column.kind == "amount" and numbers == "exact" else _TYPES[column.kind]


# -- whole columns: those of one plain type quickly, all others value by value -----------------------------


def _converted(convert: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    """What `convert` makes of each value."""
    types = set(map(type, values))
    if len(types) == 1:
        quick = _QUICK.get((convert, types.pop()))
        converted = quick(values) if quick else None
        if converted is not None:
            return converted
    return [convert(value) for value in values]


def _quick_floats(values: list[str]) -> list[float] | None:
    if not all(map(_DECIMAL.fullmatch, values)):
        return None
    numbers = list(map(float, values))
    return None if any(map(math.isinf, numbers)) else numbers


def _quick_amounts(values: list[str]) -> list[Decimal] | None:
    return list(map(Decimal, values)) if all(map(_DECIMAL.fullmatch, values)) else None


def _quick_times(values: list[int]) -> list[int] | None:
    return values if min(values) >= 0 and max(values) < _YEAR_3000 else None


def _as_they_are(values: list[Any]) -> list[Any]:
    return values


# -- single values: what the exchange sent, checked, as Arrow takes it ----------------------------------


class _BadValueError(Exception):
    """Never leaves this module."""


def _amount(value: Any) -> Decimal | None:
    # "" stands for "none" in some optional fields.
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    raise _BadValueError(f"{_kind_of(value)} is no amount")


def _float(value: Any) -> float | None:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        number = float(value)
    else:
        amount = _amount(value)
        if amount is None:
            return None
        number = float(amount)
    if math.isinf(number):
        raise _BadValueError("a number is too large")
    return number


def _identifier(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _BadValueError(f"{_kind_of(value)} is no id")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _BadValueError(f"{_kind_of(value)} is no text")


def _integer(value: Any) -> int | None:
    # Counts of traders come as text.
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _BadValueError(f"{_kind_of(value)} is no whole number")


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise _BadValueError(f"{_kind_of(value)} is neither true nor false")


def _time(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _YEAR_3000:
        return value
    raise _BadValueError(f"{_kind_of(value)} is no time in milliseconds")


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise _BadValueError(f"{_kind_of(value)} is no list of texts")


def _kind_of(value: Any) -> str:
    names = {bool: "true or false", str: "a text", int: "a number", Decimal: "a number"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "id": _identifier,
    "email": _text,
    "amount": _amount,
    "integer": _integer,
    "flag": _flag,
    "time": _time,
    "texts": _texts,
}

_QUICK: Mapping[tuple[Callable[[Any], Any], type], Callable[[list[Any]], list[Any] | None]] = {
    (_text, str): _as_they_are,
    (_identifier, str): _as_they_are,
    (_identifier, int): lambda values: list(map(str, values)),
    (_integer, int): _as_they_are,
    (_flag, bool): _as_they_are,
    (_time, int): _quick_times,
    (_float, str): _quick_floats,
    (_amount, str): _quick_amounts,
}
