"""Puts frames of income together: each income once, what counts in a period, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.amounts.integers import EXACT_TYPE, WIDE_TYPE, sort_codes
from toolkit.amounts.values import array_of_values
from toolkit.analytics.income_frames import (
    TEXT,
    TEXTS,
    Told,
    amount_array,
    is_coin_margined,
    one_number_type,
    text_array,
    time_array,
)
from toolkit.analytics.sources import EARNED, PAYMENTS_TOLD_SINCE, Market, Source
from toolkit.errors import UsageError
from toolkit.planning.spans import Span
from toolkit.runtime.decimals import in_own_context

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_ROW = ("time", "traded_at", "amount", *TEXTS)
# Two frames have a row in common where these are equal. What a day adds up to grows until it is over.
_SAME_TRADE = ("traded_at", *TEXTS, "amount")
_SAME_DAY = ("traded_at", "asset", "customer_id")
# Amounts have eight places: what floats differ by beyond is what they were rounded by.
_FLOAT_PLACES = 8


@dataclass(slots=True)
class LeftOut:
    """Rows that do not count.

    Attributes:
        rows: Their number.
        amounts: What they add up to, by asset.
    """

    rows: int
    amounts: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Group:
    """All that one read tells of one account and market.

    Attributes:
        source: The read.
        market: The market, "" where there is none.
        account: The account, None if it is not known.
        told: The frames.
        name: What notes call it, such as "exchange.futures_rebates um".
        rows: Their rows, without those that two frames have in common.
        table: The rows that count.
        repeated: How many rows two frames had in common.
        delay: The longest time from a trade to its payment, in milliseconds.
        left_out: What does not count, by the reason.
        notes: What a reader has to know.
    """

    source: Source
    market: Market
    account: str | None
    told: Sequence[Told]
    name: str
    rows: int = 0
    table: pa.Table = None
    repeated: int = 0
    delay: int = 0
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The kind of the income."""
        return self.source.kinds[self.market]


def groups_of(told: Iterable[Told], span: Span | None, when: str) -> list[Group]:
    """The rows that count, by read, market and account.

    Args:
        told: Frames of reads that count.
        span: The period, None for all rows.
        when: Whether income counts when it was "received" or "traded".

    Raises:
        UsageError: A frame cannot be used, or two do not fit together.
    """
    parts = [(each, *part) for each in told for part in _by_market(each)]
    number_type = one_number_type(table["amount"] for _, _, table in parts)
    found: dict[tuple[str | None, str, Market], list[tuple[Told, pa.Table]]] = {}
    for each, market, table in parts:
        key = (each.account, each.source.endpoint, market)
        found.setdefault(key, []).append((each, _with_numbers(table, number_type)))
    _check_accounts(found)
    groups = []
    for (account, _, market), tables in found.items():
        tables.sort(key=lambda each: str(each[0].frame.attrs.get("fetched_at") or ""))
        source = tables[0][0].source
        name = read_name(source, market, account if len({each for each, *_ in found}) > 1 else None)
        group = Group(
            source=source, market=market, account=account, told=[each for each, _ in tables], name=name
        )
        table, group.repeated = _without_repeats([table for _, table in tables], group.source)
        group.rows = table.num_rows
        _select(group, table, span, when)
        groups.append(group)
    _tell_customers(groups)
    return groups


def read_name(source: Source, market: Market, account: str | None) -> str:
    """What notes call a read, such as "exchange.futures_rebates um of desk"."""
    name = f"{source.endpoint} {market}".rstrip()
    return name if account is None else f"{name} of {account}"


def _check_accounts(found: Iterable[tuple[str | None, str, Market]]) -> None:
    """Rows of an account that is not known cannot be told from those of one that is."""
    accounts: dict[tuple[str, Market], set[str | None]] = {}
    for account, endpoint, market in found:
        accounts.setdefault((endpoint, market), set()).add(account)
    for (endpoint, _), known in accounts.items():
        if None in known and len(known) > 1:
            raise UsageError(
                f"Some frames of {endpoint} say whose rows they are, and others do not: the same rows could "
                'count twice. Set `frame.attrs["account"]` in those that do not.'
            )


# -- one frame -----------------------------------------------------------------------------------------


def _by_market(told: Told) -> Iterator[tuple[Market, pa.Table]]:
    """The rows of a frame for each market that they are of."""
    table = _table(told)
    if told.market or "" in told.source.kinds:
        yield told.market, table
        return
    # By the documentation, COIN-M days are in USD and no other; the symbols of its trades contain USD_.
    is_day = told.source.granularity == "day"
    is_coin = pc.equal(table["asset"], "USD") if is_day else is_coin_margined(table["symbol"])
    is_coin = pc.fill_null(is_coin, False)
    for market, mask in (("um", pc.invert(is_coin)), ("cm", is_coin)):
        if pc.any(mask).as_py():
            yield market, table.filter(mask)  # type: ignore[misc]
    if not table.num_rows:
        yield "um", table


def _table(told: Told) -> pa.Table:
    """The columns of a frame that matter, under one name each."""
    frame, source, rows = told.frame, told.source, len(told.frame)

    def texts(name: str, column: str) -> pa.Array:
        belongs = name == "asset" or column in {each.name for each in source.declaration.columns}
        return text_array(frame[column]) if belongs and column in frame else pa.nulls(rows, TEXT)

    columns: dict[str, pa.Array] = {
        "traded_at": time_array(frame["time"]),
        "amount": amount_array(frame[source.amount]),
        **{name: texts(name, source.asset if name == "asset" else name) for name in TEXTS},
    }
    for name, what in (("traded_at", "time"), ("amount", source.amount), ("asset", source.asset)):
        if columns[name].null_count:
            raise UsageError(
                f"Column {what!r} of a frame of {source.endpoint} lacks {columns[name].null_count:,} values. "
                "Drop these rows, or fill them in."
            )
    if "distribute_time" in frame and source.endpoint == "spot.rebates":
        columns["paid_at"] = time_array(frame["distribute_time"])
    if "status" in frame and source.declaration.system == "exchange":
        status = pd.to_numeric(frame["status"], errors="coerce").astype("Int64")
        columns["status"] = pa.array(status.array, from_pandas=True).cast(pa.int64())
    return pa.table(columns)


def _with_numbers(table: pa.Table, number_type: pa.DataType) -> pa.Table:
    amounts = table["amount"]
    if amounts.type == number_type:
        return table
    if number_type == EXACT_TYPE:
        amounts = array_of_values(amounts.combine_chunks())
    return table.set_column(table.column_names.index("amount"), "amount", amounts.cast(number_type))


# -- several frames ------------------------------------------------------------------------------------


def _without_repeats(tables: Sequence[pa.Table], source: Source) -> tuple[pa.Table, int]:
    """Tables put together, and the number of rows left out because a later one has them, too.

    As many rows stay as one table has: two rows of one table that are equal are two.
    """
    tables = [each for each in tables if each.num_rows] or list(tables[:1])
    whole = pa.concat_tables(tables, promote_options="default")
    shared = _shared_times([_ends(each) for each in tables]) if len(tables) > 1 else []
    if not shared:
        return whole, 0
    times = whole["traded_at"].to_numpy()
    is_shared = np.zeros(len(times), bool)
    for start, end in shared:
        is_shared |= (times >= start) & (times <= end)
    indices = np.flatnonzero(is_shared)
    part = whole.take(pa.array(indices))
    names = _SAME_DAY if source.granularity == "day" else _SAME_TRADE
    keys = pd.DataFrame({name: _codes(part[name]) for name in names})
    keys["table"] = np.repeat(np.arange(len(tables)), [each.num_rows for each in tables])[indices]
    keys["occurrence"] = keys.groupby([*names, "table"]).cumcount()
    repeated = keys.duplicated([*names, "occurrence"], keep="last").to_numpy()
    keep = np.ones(len(times), bool)
    keep[indices[repeated]] = False
    return whole.filter(pa.array(keep)), int(repeated.sum())


def _ends(table: pa.Table) -> tuple[int, int]:
    ends = pc.min_max(table["traded_at"]).as_py()
    return ends["min"], ends["max"]


def _shared_times(ends: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The times that more than one of these spans has."""
    shared, last = [], None
    for start, end in sorted(ends):
        if last is not None and start <= last:
            shared.append((start, min(end, last)))
        last = end if last is None else max(last, end)
    return shared


def _codes(column: pa.ChunkedArray) -> Any:
    """Whole numbers, equal where the values are."""
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if values.type == EXACT_TYPE:
        return sort_codes(values)
    indices = values.dictionary_encode().indices
    return pc.fill_null(indices, -1).to_numpy(zero_copy_only=False)


# -- what counts ---------------------------------------------------------------------------------------


def _select(group: Group, table: pa.Table, span: Span | None, when: str) -> None:
    """Keep the rows that count, with the time at which they do."""
    traded = table["traded_at"].to_numpy()
    moments = traded
    unpaid = np.zeros(len(traded), bool)
    if "paid_at" in table.column_names:
        moments, unpaid = _payments(group, table, traded, when)
    within = np.ones(len(traded), bool)
    if span is not None:
        within = (moments >= span.start) & (moments <= span.end)
        in_span = (traded >= span.start) & (traded <= span.end)
        later = in_span & ~unpaid & (moments > span.end)
        _leave_out(group, table, "paid after the period", later)
        unpaid &= in_span
        moved = int((within & ~in_span).sum())
        if moved:
            group.notes.append(f"{group.name}: traded before the period and paid in it: {row_count(moved)}.")
    _leave_out(group, table, "not yet paid", unpaid)
    within &= ~unpaid
    if "status" in table.column_names:
        status = pc.fill_null(table["status"], -1).to_numpy()
        _leave_out(group, table, "pending", within & (status == 0))
        _leave_out(group, table, "failed", within & (status == 2))
        _leave_out(group, table, "of another status", within & ~np.isin(status, (0, EARNED, 2)))
        within &= status == EARNED
    elif group.source.declaration.system == "exchange" and table.num_rows:
        group.notes.append(
            f"{group.name}: the frame has no `status`, so all of its rows count as successful."
        )
    table = table.select([each for each in _ROW if each in table.column_names])
    table = table.append_column("time", pa.array(moments))
    group.table = table if within.all() else table.filter(pa.array(within))


def _payments(group: Group, table: pa.Table, traded: Any, when: str) -> tuple[Any, BoolArray]:
    """When each row counts, and which rows the exchange does not say to be paid."""
    paid = table["paid_at"]
    unknown = paid.is_null().to_numpy()
    delays = pc.subtract(paid, table["traded_at"])
    group.delay = max(pc.max(delays).as_py() or 0, 0)
    if when == "traded" or unknown.all():
        return traded, np.zeros(len(traded), bool)
    moments = np.where(unknown, traded, pc.fill_null(paid, 0).to_numpy())
    # Before that day the exchange did not tell it for any row.
    return moments, unknown & (traded >= PAYMENTS_TOLD_SINCE)


def _leave_out(group: Group, table: pa.Table, reason: str, mask: BoolArray) -> None:
    if mask.any():
        rows = table.filter(pa.array(mask))
        group.left_out[reason] = LeftOut(rows.num_rows, sums(rows))


def sums(table: pa.Table) -> dict[str, str]:
    """What rows add up to, by asset, as text."""
    return {asset: _text(amount) for (asset,), amount in _sums(table, ("asset",)).items()}


def _sums(table: pa.Table, by: Sequence[str]) -> dict[tuple[Any, ...], Any]:
    amounts = table["amount"]
    if amounts.type == EXACT_TYPE:  # a sum may have more digits
        amounts = amounts.cast(WIDE_TYPE)
    table = table.select(by).append_column("amount", amounts)
    found = table.group_by(list(by)).aggregate([("amount", "sum")])
    keys = zip(*(found[each].to_pylist() for each in by), strict=True)
    return dict(zip(keys, found["amount_sum"].to_pylist(), strict=True))


def _text(amount: Decimal | float) -> str:
    text = f"{amount:f}" if isinstance(amount, Decimal) else f"{amount:.{_FLOAT_PLACES}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def row_count(number: int) -> str:
    """A number of rows in words."""
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


# -- days ----------------------------------------------------------------------------------------------


def _tell_customers(groups: Sequence[Group]) -> None:
    """Leave of the daily totals what the rows of the customers do not tell."""
    by_read = {(each.account, each.market, each.source.endpoint): each for each in groups}
    for (account, market, endpoint), totals in by_read.items():
        customers = by_read.get((account, market, "futures.traders"))
        if endpoint == "futures.rebates" and customers is not None:
            _keep_rest(totals, customers)


@in_own_context
def _keep_rest(totals: Group, customers: Group) -> None:
    of_customers = _sums(customers.table, ("time", "asset"))
    of_days = _sums(totals.table, ("time", "asset"))
    rest = {}
    for day, total in of_days.items():
        told = of_customers.get(day)
        if told is None:
            rest[day] = total
        elif left := (total - told if isinstance(total, Decimal) else round(total - told, _FLOAT_PLACES)):
            rest[day] = left
    differs = {day: left for day, left in rest.items() if left}
    number_type = totals.table["amount"].type
    times = pa.array([time for time, _ in rest], pa.int64())
    totals.table = pa.table(
        {
            "traded_at": times,
            "amount": pa.array(rest.values(), WIDE_TYPE if number_type == EXACT_TYPE else number_type).cast(
                number_type
            ),
            **{name: pa.nulls(len(rest), TEXT) for name in TEXTS if name != "asset"},
            "asset": pa.array([asset for _, asset in rest], TEXT),
            "time": times,
        }
    )
    days = {time for time, _ in differs}
    if differs:
        amounts: dict[str, Any] = {}
        for (_, asset), left in differs.items():
            amounts[asset] = amounts.get(asset, 0) + left
        told_sums = ", ".join(f"{_text(left)} {asset}" for asset, left in sorted(amounts.items()))
        totals.notes.append(
            f"{totals.name}: on {_days(len(days))} the total differs from what the customers' rows add up "
            f"to, by {told_sums} in all. The difference is in rows without a customer."
        )
    only_customers = {time for time, _ in of_customers.keys() - of_days.keys()}
    if only_customers:
        customers.notes.append(
            f"{customers.name}: of {_days(len(only_customers))}, futures.rebates tells no total; the "
            "customers' rows count there."
        )


def _days(number: int) -> str:
    return f"{number:,} day" if number == 1 else f"{number:,} days"
