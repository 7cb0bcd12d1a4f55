"""Builds a typed DataFrame from the rows of several responses. Pure: nothing is sent.

A frame has exactly the declared columns, in the declared order and types: times are `datetime64[ms, UTC]`,
ids are text, amounts are float64 or exact `decimal128`, and e-mail addresses are masked by default. Rows must
arrive oldest first; the order is checked, and rows are never sorted. A row that two responses both contain
is kept once. Rows are held as Arrow arrays until the end, so memory use is proportional to the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from toolkit.amounts import ExactDtype
from toolkit.amounts.integers import EXACT_TYPE
from toolkit.endpoints import Column, Endpoint
from toolkit.errors import ContractError, RowOrderError
from toolkit.frames.decode import DecodeError, arrow_type, to_array
from toolkit.frames.decoder import decoder_for
from toolkit.frames.duplicates import DuplicateFilter
from toolkit.frames.page import Page
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
        self._types = [arrow_type(column.kind, exact=numbers == "exact") for column in endpoint.columns]
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
        return self.add_page(decoder_for(self._endpoint).decode(payload), span, max_rows)

    def add_page(self, page: Page, span: tuple[int, int] | None = None, max_rows: int | None = None) -> int:
        """Add the rows of one response, and return their number, duplicates included.

        Args:
            page: The rows.
            span: Requested start and end in milliseconds, None if no span was requested.
            max_rows: Requested number of rows, None if none was requested.

        Raises:
            ContractError: A value does not fit its column, or a row does not match the request; none of the
                rows is kept then, as the others may be wrong too. Or there are more rows than requested;
                these are kept.
            RowOrderError: The rows are not oldest first, or start before the end of the previous response.
                They are kept.
        """
        self.undeclared |= page.undeclared
        count, columns = page.rows, page.columns
        self._check_query(columns, span)
        new_rows = self._new_rows(columns)
        times = self._times(columns, new_rows)
        all_new = len(new_rows) == count
        arrays = [
            self._array(column, type_, values if all_new else [values[row_index] for row_index in new_rows])
            for column, type_, values in zip(self._endpoint.columns, self._types, columns, strict=True)
        ]
        self._responses.append(arrays)  # in one step: an interrupt leaves no partial response
        before = self.rows
        self.rows += len(new_rows)
        self._check_order(times, before)
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

    def frame(self, attrs: Mapping[str, object]) -> pd.DataFrame:
        """All rows so far as a DataFrame."""
        table = pa.table(
            [
                pa.chunked_array([arrays[index] for arrays in self._responses], type=type_)
                for index, type_ in enumerate(self._types)
            ],
            names=[column.name for column in self._endpoint.columns],
        )
        frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS_TYPES.get)
        for column in self._endpoint.columns:
            if column.kind == "texts":  # pandas cannot read Arrow lists back from Parquet
                frame[column.name] = pd.Series(
                    [None if texts is None else list(texts) for texts in frame[column.name]], dtype=object
                )
        frame.attrs = {str(name): value for name, value in attrs.items()}
        if addresses := [column for column in self._endpoint.columns if column.kind == "email"]:
            frame.attrs["emails"] = "masked" if all(map(self._is_masked, addresses)) else "clear"
        frame.attrs["undeclared"] = displayable_names(self.undeclared)
        return frame

    # -- the steps for one response -------------------------------------------------------------------

    def _check_query(self, columns: Sequence[list[Any]], span: tuple[int, int] | None) -> None:
        if self._query is None:
            return
        names = [column.name for column in self._endpoint.columns]
        mismatch = self._query.mismatch(dict(zip(names, columns, strict=True)), span)
        if mismatch:
            raise ContractError(
                self._endpoint.qualified_name,
                f"{mismatch}: the response does not match the request, and none of its rows was kept",
            )

    def _new_rows(self, columns: Sequence[list[Any]]) -> Sequence[int]:
        """Indexes of the rows that are not in an earlier response.

        Rows are equal if the columns of the endpoint's identity are, or all columns where it has none.
        """
        names = self._endpoint.identity
        identity = [
            values
            for column, values in zip(self._endpoint.columns, columns, strict=True)
            if column.name in names or not names
        ]
        try:
            return self._duplicates.new_rows(identity)
        except TypeError:
            raise self._contract_error("a row has an object in place of a value") from None

    def _times(self, columns: Sequence[list[Any]], new_rows: Sequence[int]) -> list[Any]:
        for column, values in zip(self._endpoint.columns, columns, strict=True):
            if column.name == self._endpoint.order_by:
                return [values[row_index] for row_index in new_rows]
        return []

    def _check_order(self, times: list[int | None], before: int) -> None:
        last = self._last_time
        for row_index, time in enumerate(times, start=before):
            if time is None:
                continue
            if last is not None and time < last:
                raise RowOrderError(
                    self._endpoint.qualified_name,
                    f"rows {row_index - 1} and {row_index} are not in the documented order, oldest first by "
                    f"`{self._endpoint.order_by}`. Rows were not sorted",
                    (row_index - 1, row_index),
                )
            last = time
        self._last_time = last

    def _array(self, column: Column, type_: pa.DataType, values: list[Any]) -> pa.Array:
        problem = ""
        # Masked only now, since duplicates are found by the clear values.
        if column.masked == "key":
            values = [masked_key(value) if isinstance(value, str) else value for value in values]
        if self._is_masked(column):
            values = [mask(value) if isinstance(value, str) else value for value in values]
        try:
            array = to_array(column.kind, type_, values)
        except DecodeError as error:
            problem = str(error)
        else:
            if not array.null_count or column.optional or column.kind in ("text", "id", "email"):
                return array
            problem = "a value is missing"
        raise self._contract_error(f"column `{displayable_names([column.name])[0]}`: {problem}")

    def _is_masked(self, column: Column) -> bool:
        return column.kind == "email" and (column.masked == "email" or self._emails == "masked")

    def _contract_error(self, problem: str) -> ContractError:
        return ContractError(
            self._endpoint.qualified_name, f"{problem}, contrary to the documentation of the exchange"
        )
