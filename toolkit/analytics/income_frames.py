"""Frames of income: which read each comes from, and its columns as Arrow arrays, whatever shape it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts.integers import EXACT_TYPE
from toolkit.amounts.values import array_of_values
from toolkit.analytics.sources import SOURCES, SOURCES_BY_ENDPOINT, Market, Source
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import UsageError
from toolkit.planning.spans import Span
from toolkit.text.suggestions import did_you_mean

TEXT = pa.large_string()
TEXTS = ("asset", "customer_id", "sub_account_id", "symbol", "trade_id")
"""Columns of text that a row of income may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A frame, and what it tells.

    Attributes:
        frame: The rows.
        source: The read that they come from.
        market: Its market, "" where it has none or each row has its own.
        account: Whose rows they are, None if that is not known.
        covered: The spans that are fetched completely, None if that is not known.
        name: The name that the user gave the account.
    """

    frame: pd.DataFrame
    source: Source
    market: Market = ""
    account: str | None = None
    covered: tuple[Span, ...] | None = None
    name: str | None = None
    narrowed: Mapping[str, object] = field(default_factory=dict)


def told_by(data: object, endpoint: str | None = None, *, name: str | None = None) -> Told:
    """Find out which read a frame comes from.

    Args:
        data: The frame.
        endpoint: The read that the user says it comes from.
        name: The name that the user gave the account.

    Raises:
        UsageError: It cannot be told, or the frame tells of something else.
    """
    frame = _plain_frame(data)
    said = frame.attrs.get("endpoint")
    if endpoint is not None and isinstance(said, str) and said != endpoint:
        raise UsageError(f'A frame of {said} was given as "{endpoint}". Give it under its own name.')
    if frame.attrs.get("analytics"):
        raise UsageError(
            f"The frame is a result of {frame.attrs['analytics']}(), not rows of the exchange. "
            "Several results are put together by toolkit.concat()."
        )
    source = _source_named(endpoint or said) if endpoint or isinstance(said, str) else _source_of(frame)
    if source.counts:
        needed = ("time", source.amount, source.asset)
        missing = [each for each in needed if each not in frame]
        if missing:
            raise UsageError(
                f"A frame of {source.endpoint} needs {_list(needed)}; this one has no {_list(missing)}."
            )
        repeated = [each for each in dict.fromkeys(frame.columns) if isinstance(frame[each], pd.DataFrame)]
        if repeated:
            raise UsageError(f"The frame has several columns named {_list(repeated)}. Keep one.")
    parameters = frame.attrs.get("parameters") or {}
    market = parameters.get("market", "")
    account = frame.attrs.get("account")
    return Told(
        frame=frame,
        source=source,
        market=market if market in source.kinds else "",
        account=name or (account if isinstance(account, str) else None),
        covered=_covered(frame.attrs),
        name=name,
        narrowed={each: parameters[each] for each in _NARROWING if parameters.get(each)},
    )


# Arguments that leave out rows.
_NARROWING = ("customer_id", "sub_account_id", "filter_result")


def _plain_frame(data: object) -> pd.DataFrame:
    """The frame, with index levels that have names as columns."""
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"earnings() takes Links and frames, not {type(data).__name__}.")
    levels = [each for each in data.index.names if each is not None and each not in data.columns]
    if not levels:
        return data
    attrs = data.attrs
    frame = data.reset_index(level=levels)
    frame.attrs = attrs
    return frame


def _source_named(endpoint: object) -> Source:
    if endpoint in SOURCES_BY_ENDPOINT:
        return SOURCES_BY_ENDPOINT[str(endpoint)]
    counting = [each.endpoint for each in SOURCES if each.counts]
    if endpoint in ENDPOINTS_BY_NAME:
        raise UsageError(f"Frames of {endpoint} tell of no income. Those that count: {_list(counting)}.")
    raise UsageError(
        f"There is no read {str(endpoint)[:60]!r}. Income is told by {_list(counting)}."
        f"{did_you_mean(endpoint, SOURCES_BY_ENDPOINT)}"
    )


def _source_of(frame: pd.DataFrame) -> Source:
    """The only read whose declared columns fit a frame that does not say where it comes from."""
    columns = {str(each) for each in frame.columns}
    found = ""
    if "income_type" in columns:
        found = "futures.income"
    elif {"type", "amount", "update_time"} <= columns:
        found = "spot.rebate_history"
    elif {"unit", "rebate_vol"} <= columns:
        found = "futures.traders" if "customer_id" in columns else "futures.rebates"
        if found == "futures.rebates" and "trade_vol" in columns:
            found = ""
    elif {"income", "asset"} <= columns:
        of_customers = columns & {"customer_id", "order_id", "distribute_time"}
        of_accounts = columns & {"sub_account_id", "status"}
        if of_customers and not of_accounts:
            found = "spot.rebates"
        elif (
            of_accounts
            and not of_customers
            and "symbol" in columns
            and len(frame)
            # Only the symbols of COIN-M tell a market: those of USD-M are spot symbols, too.
            and pc.all(is_coin_margined(text_array(frame["symbol"]))).as_py()
        ):
            found = "exchange.futures_rebates"
    if not found:
        raise UsageError(
            "A frame does not say which read it comes from, and its columns "
            f"({_list(frame.columns)}) fit several or none. Name it: "
            'earnings({"exchange.rebates": frame}).'
        )
    return SOURCES_BY_ENDPOINT[found]


def is_coin_margined(symbols: pa.Array) -> pa.Array:
    """Whether each symbol is one of COIN-M, such as BTCUSD_PERP or BTCUSD_261225."""
    return pc.fill_null(pc.match_substring(symbols, "USD_"), False)


def _covered(attrs: Mapping[Any, Any]) -> tuple[Span, ...] | None:
    """The spans that a frame has all rows of, by what it says itself."""
    parameters = attrs.get("parameters") or {}
    asked = _span(parameters.get("start"), parameters.get("end"))
    if asked is None or not isinstance(attrs.get("complete"), bool):
        return None
    if attrs["complete"]:
        return (asked,)
    lacking = [_span(*each[-2:]) for each in attrs.get("missing") or [] if len(each) >= 2]
    if not lacking or None in lacking:
        return ()
    return tuple(uncovered([each for each in lacking if each], asked))


def _span(start: object, end: object) -> Span | None:
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    try:
        return Span(ms_of(pd.Timestamp(start)), ms_of(pd.Timestamp(end)))
    except ValueError:
        return None


def ms_of(time: pd.Timestamp) -> int:
    """A time in milliseconds since 1970; without a time zone, it is in UTC."""
    time = time.tz_localize("UTC") if time.tzinfo is None else time
    return int(time.value // 1_000_000)


def uncovered(covered: Iterable[Span], whole: Span) -> list[Span]:
    """What some spans leave of a whole one."""
    left, start = [], whole.start
    for each in sorted(covered, key=lambda span: span.start):
        if each.start > start:
            left.append(Span(start, min(each.start - 1, whole.end)))
        start = max(start, each.end + 1)
        if start > whole.end:
            break
    if start <= whole.end:
        left.append(Span(start, whole.end))
    return [each for each in left if each.start <= each.end]


# -- columns -------------------------------------------------------------------------------------------


def text_array(column: pd.Series) -> pa.Array:
    """A column of names or ids as text; empty texts are missing.

    Raises:
        UsageError: The ids are floats, which have lost digits.
    """
    try:
        values = _arrow(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # numbers and texts
        values = pa.array([None if pd.isna(each) else str(each) for each in column], TEXT)
    if pa.types.is_floating(values.type):
        if values.null_count < len(values):
            raise UsageError(
                f"Column {column.name!r} holds floats, and ids have more digits than floats have. Read the "
                "file with toolkit.read(), or with this column as text."
            )
        return pa.nulls(len(values), TEXT)
    texts = values.cast(TEXT)
    empty = pc.equal(texts, "")
    return pc.if_else(empty, pa.scalar(None, TEXT), texts) if pc.any(empty).as_py() else texts


def time_array(column: pd.Series) -> pa.Array:
    """A column of times as milliseconds since 1970. Times without a zone are in UTC.

    Raises:
        UsageError: The column holds something else.
    """
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    is_time = pd.api.types.is_datetime64_any_dtype(column)
    if pd.api.types.is_numeric_dtype(column) and column.notna().any():
        raise _no_times(column)
    try:
        times = pd.Series(pd.to_datetime(column, utc=True, format=None if is_time else "ISO8601"))
    except (TypeError, ValueError):
        raise _no_times(column) from None
    missing = times.isna().to_numpy()
    numbers = times.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return pa.array(numbers, mask=missing if missing.any() else None)


def _no_times(column: pd.Series) -> UsageError:
    return UsageError(
        f"Column {column.name!r} does not hold times. Convert it with `pd.to_datetime(..., utc=True)`."
    )


def amount_array(column: pd.Series) -> pa.Array:
    """A column of amounts: exact decimals, floats or whole numbers, as they are.

    Raises:
        UsageError: The column holds something else.
    """
    if column.dtype == object:
        if pd.api.types.infer_dtype(column) == "floating":
            return pa.array(column.astype("float64"), from_pandas=True)
        try:
            return array_of_values(column)
        except (TypeError, ValueError):
            raise UsageError(f"Column {column.name!r} does not hold amounts.") from None
    values = _arrow(column)
    if pa.types.is_decimal(values.type):
        return array_of_values(values)
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type) or not len(values):
        return values
    raise UsageError(
        f"Column {column.name!r} does not hold amounts. Amounts read as text are made exact by "
        "toolkit.amounts.exact()."
    )


def one_number_type(arrays: Iterable[pa.Array]) -> pa.DataType:
    """The type of all amounts: exact or float64.

    Raises:
        UsageError: Some are exact and others floats.
    """
    types = {each.type for each in arrays if len(each) and not pa.types.is_integer(each.type)}
    if len(types) > 1:
        raise UsageError(
            'Some frames have exact amounts, others floats. Fetch all of them with numbers="exact" (or '
            '"float"), or make the exact ones floats with .astype("float64"). A float that was rounded is '
            "not made exact."
        )
    return types.pop() if types else EXACT_TYPE


def _arrow(column: pd.Series) -> pa.Array:
    values = pa.array(column.array, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            values = pa.concat_arrays(values.chunks) if values.chunks else pa.array([], values.type)
    return values


def _list(names: Iterable[object], most: int = 8) -> str:
    texts = [f"`{each}`" for each in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
