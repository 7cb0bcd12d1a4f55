"""Builds a typed DataFrame from the rows of several responses. Pure: nothing is sent.

A frame has exactly the declared columns, in the declared order and types: times are `datetime64[ms, UTC]`,
ids are text, amounts are float64 or exact `decimal128`, and e-mail addresses are masked by default. Rows must
arrive oldest first; the order is checked, and rows are never sorted. A row that two responses both contain
is kept once. Rows are held as Arrow arrays until the end, so memory use is proportional to the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.endpoints import Column, Endpoint
from toolkit.errors import ContractError, RowOrderError
from toolkit.frames.decode import DecodeError, arrow_type, contract_error, exact_columns, to_array
from toolkit.frames.decoder import decoder_for
from toolkit.frames.derived import derived_array
from toolkit.frames.duplicates import DuplicateFilter
from toolkit.frames.page import Moments, Page, Values, taken
from toolkit.frames.validation import Query
from toolkit.redaction import Emails, displayable_names, mask, masked_key

Numbers = Literal["float", "exact"]

_PANDAS_TYPES: Mapping[pa.DataType, Any] = {
    pa.string(): pd.StringDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    EXACT_TYPE: ExactDtype(),
}


class FrameBuilder:
    """Accumulates the rows of one fetch.

    Args:
        endpoint: The endpoint they come from.
        numbers: Whether amounts are float64 or exact.
        emails: Whether e-mail addresses are masked or clear, where they are not always masked.
        query: What the rows are checked against, None for no check.

    Attributes:
        exact: Whether amounts are exact.
        undeclared: Names of fields that were received but are not declared.
        rows: Number of rows so far, without duplicates.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        numbers: Numbers,
        emails: Emails = "masked",
        query: Query | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._query = query
        self._emails = emails
        self.exact = numbers == "exact"
        self._received = endpoint.received_columns
        read_exactly = exact_columns(endpoint, exact=self.exact)
        self._types = {
            column.name: arrow_type(column.kind, exact=column.name in read_exactly)
            for column in self._received
        }
        # What a running total adds up becomes float64 only in the frame.
        self._frame_types = [
            arrow_type(column.kind, exact=self.exact or column.exact) for column in endpoint.columns
        ]
        self._responses: list[list[pa.Array]] = []
        self._duplicates = DuplicateFilter()
        self._last_time: int | None = None
        self.undeclared: set[str] = set()
        self.rows = 0

    def add(self, payload: Any, span: tuple[int, int] | None = None, max_rows: int | None = None) -> int:
        """Add the rows of one response, given its JSON, as `add_page` does.

        Raises:
            ContractError: The response does not have the declared shape; or as `add_page`.
            RowOrderError: As `add_page`.
        """
        return self.add_page(decoder_for(self._endpoint, exact=self.exact).decode(payload), span, max_rows)

    def add_page(self, page: Page, span: tuple[int, int] | None = None, max_rows: int | None = None) -> int:
        """Add the rows of one response, and return their number, duplicates included.

        Args:
            page: The rows.
            span: Requested start and end in milliseconds, None if no span was requested.
            max_rows: Requested number of rows, None if none was requested.

        Raises:
            ContractError: A value does not fit its column, a row does not match the request, or the sides of
                an order book are out of order; none of the rows is kept then, as the others may be wrong too.
                Or there are more rows than requested;
                these are kept.
            RowOrderError: The rows are not oldest first, or start before the end of the previous response.
                They are kept.
        """
        self.undeclared |= page.undeclared
        count = page.rows
        self._check_query(page, span)
        new_rows = self._new_rows(page)
        received = {
            column.name: self._array(column, self._types[column.name], taken(values, new_rows, count))
            for column, values in zip(self._received, page.columns, strict=True)
        }
        arrays = [
            self._derived(column, page, received, len(new_rows)) if column.derived else received[column.name]
            for column in self._endpoint.columns
        ]
        moments = taken(page.moments, new_rows, count) if len(page.moments) else []
        self._responses.append(arrays)  # in one step: an interrupt leaves no partial response
        before = self.rows
        self.rows += len(new_rows)
        self._check_order(moments, before)
        if max_rows is not None and len(new_rows) > max_rows:
            raise ContractError(
                self._endpoint.qualified_name,
                f"the response has {len(new_rows):,} rows, but at most {max_rows:,} were requested: the "
                "exchange ignores the limit, so the rows may not be the requested ones",
            )
        return count

    def begin_window(self) -> None:
        """Start a new window: later responses can only repeat rows of the last response so far.

        Older rows are dropped from the search for duplicates, so that a long fetch needs no memory for them.
        """
        self._duplicates.begin_window()

    @property
    def last_time(self) -> int | None:
        """Time of the last row so far in milliseconds, None without rows or where they carry no time."""
        return self._last_time

    def frame(self, attrs: Mapping[str, object], others: Sequence[FrameBuilder] = ()) -> pd.DataFrame:
        """All rows so far as a DataFrame.

        Args:
            attrs: The attributes of the frame.
            others: Builders for the same endpoint whose rows follow; where rows carry a time, those of all
                builders are put together in the order of their times, and those of one time in the order of
                the builders. Rows of one builder keep their order.
        """
        table = self._table()
        if others:
            tables = [table, *(each._table() for each in others)]
            table = _in_order(tables, self._endpoint.order_by)
        frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS_TYPES.get)
        for column in self._endpoint.columns:
            if column.kind == "texts":  # pandas cannot read Arrow lists back from Parquet
                frame[column.name] = pd.Series(
                    [None if texts is None else list(texts) for texts in frame[column.name]], dtype=object
                )
        frame.attrs = {str(name): value for name, value in attrs.items()}
        if addresses := [column for column in self._endpoint.columns if column.kind == "email"]:
            frame.attrs["emails"] = "masked" if all(map(self._is_masked, addresses)) else "clear"
        undeclared = self.undeclared.union(*(each.undeclared for each in others))
        frame.attrs["undeclared"] = displayable_names(undeclared)
        return frame

    def _table(self) -> pa.Table:
        return pa.table(
            [
                _joined([arrays[index] for arrays in self._responses], type_)
                for index, type_ in enumerate(self._frame_types)
            ],
            names=[column.name for column in self._endpoint.columns],
        )

    # -- the steps for one response -------------------------------------------------------------------

    def _check_query(self, page: Page, span: tuple[int, int] | None) -> None:
        if self._query is None:
            return
        names = [column.name for column in self._received]
        values = dict(zip(names, page.columns, strict=True))
        mismatch = self._query.mismatch(values, span, page.moments)
        if mismatch:
            raise ContractError(
                self._endpoint.qualified_name,
                f"{mismatch}: the response does not match the request, and none of its rows was kept",
            )

    def _new_rows(self, page: Page) -> Sequence[int]:
        """Indexes of the rows that are not in an earlier response.

        Rows are equal if the columns of the endpoint's identity are, or all columns that are in the response
        where it has none.
        """
        names = self._endpoint.identity
        identity = [
            page.texts.get(index, values)
            for index, (column, values) in enumerate(zip(self._received, page.columns, strict=True))
            if column.name in names or not names
        ]
        if not identity:
            return range(page.rows)
        moments = page.moments if not names or self._endpoint.order_by in names else []
        try:
            return self._duplicates.new_rows(identity, _as_numbers(moments))
        except TypeError:
            raise contract_error(self._endpoint, "a row has an object in place of a value") from None

    def _check_order(self, moments: Moments, before: int) -> None:
        numbers, last = _as_numbers(moments), self._last_time
        ascends = numbers is not None and not (numbers[1:] < numbers[:-1]).any()
        if numbers is not None and ascends and (last is None or numbers[0] >= last):
            self._last_time = int(numbers[-1])
            return
        for row_index, time in enumerate(moments, start=before):
            if time is None:
                continue
            if last is not None and time < last:
                raise RowOrderError(
                    self._endpoint.qualified_name,
                    f"rows {row_index - 1} and {row_index} are not in the documented order, oldest first by "
                    f"`{self._endpoint.order_by}`. Rows were not sorted",
                    (row_index - 1, row_index),
                )
            last = int(time)
        self._last_time = last

    def _array(self, column: Column, type_: pa.DataType, values: Values) -> pa.Array:
        # Masked only now, since duplicates are found by the clear values.
        hide = masked_key if column.masked == "key" else mask if self._is_masked(column) else None
        if isinstance(values, pa.Array):
            return values if hide is None else _mapped(hide, values)
        if hide is not None:
            hidden = {str, int} if column.kind == "id" else {str}  # an id may be a number
            values = [hide(str(value)) if type(value) in hidden else value for value in values]
        problem = ""
        try:
            array = to_array(column.kind, type_, values)
        except DecodeError as error:
            problem = str(error)
        else:
            if not array.null_count or column.optional or column.kind in ("text", "id", "email"):
                return array
            problem = "a value is missing"
        raise contract_error(self._endpoint, problem, column)

    def _derived(self, column: Column, page: Page, received: Mapping[str, pa.Array], rows: int) -> pa.Array:
        if column.derived == "requested":
            value = None if self._query is None else self._query.requested(column.of)
            return self._array(column, arrow_type(column.kind, exact=self.exact), [value] * rows)
        try:
            return derived_array(
                column,
                page,
                received,
                rows,
                order_by=self._endpoint.order_by,
                exact=self.exact or column.exact,
            )
        except DecodeError as error:
            problem = str(error)
        raise contract_error(self._endpoint, problem, column)

    def _is_masked(self, column: Column) -> bool:
        return column.kind == "email" and (column.masked == "email" or self._emails == "masked")


def _in_order(tables: Sequence[pa.Table], order_by: str | None) -> pa.Table:
    """Tables put together; where a column has the times of the rows, in their order."""
    together = pa.concat_tables(tables)
    if order_by is None:
        return together
    times = [
        # Within a table, rows keep their order: one without a time, or out of order, follows the one before.
        np.maximum.accumulate(table[order_by].cast(pa.int64()).fill_null(-1).to_numpy())
        for table in tables
        if table.num_rows
    ]
    if len(times) < 2:
        return together
    return together.take(pa.array(np.argsort(np.concatenate(times), kind="stable")))


def _joined(chunks: Sequence[pa.Array], type_: pa.DataType) -> pa.ChunkedArray:
    """A column of several responses, all of which has its type."""
    joined: list[pa.Array] = []
    for written, run in groupby(chunks, key=attrgetter("type")):
        column = pa.chunked_array(run, type=written)
        if (
            written == EXACT_TYPE and type_ == pa.float64()
        ):  # by way of text: Arrow would not always round right
            column = column.cast(pa.string())
        if column.type != type_:
            column = column.cast(type_)
        joined += column.chunks
    return pa.chunked_array(joined, type=type_)


def _as_numbers(moments: Moments) -> NDArray[np.int64] | None:
    """Times as an array, None if there are none or one is missing or too large."""
    if not len(moments):
        return None
    if isinstance(moments, list):
        try:
            return np.array(moments, np.int64)
        except (TypeError, OverflowError):
            return None
    return moments


def _mapped(call: Callable[[str], str], texts: pa.Array) -> pa.Array:
    """The results of a function of texts, called once for each different one."""
    texts = texts.cast(pa.string())  # an id may be a number
    encoded = texts.dictionary_encode()
    results = [None if text is None else call(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(results, pa.string()).take(encoded.indices)
