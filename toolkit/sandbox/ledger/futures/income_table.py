"""The rows behind `/fapi/v1/income` and its counterparts of Portfolio Margin."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Protocol

from toolkit.sandbox.ledger.futures.columns import INCOME_TYPES, IncomeRows
from toolkit.sandbox.market.symbols import ASSETS, Market
from toolkit.sandbox.world.tables import OWNER, Row
from toolkit.sandbox.world.units import amounts

_INFO = frozenset({"TRANSFER", "COMMISSION"})


class IncomeSource(Hashable, Protocol):
    """An account with income: `market` in its rows is an index of its `markets`."""

    opened_ms: int
    markets: tuple[Market, ...]

    def income(self, start_ms: int, end_ms: int, kinds: frozenset[str] | None = None) -> IncomeRows:
        """The rows of a span (ms), both ends included, of all kinds or of some."""
        ...


class IncomeTable:
    """A `Table` of income, by the owner of the key.

    Args:
        account: Returns the account of an owner, None if it has none.
        now_ms: End of a span that has none.
        text_ids: Whether the ids of transactions are text.
    """

    def __init__(
        self, account: Callable[[str], IncomeSource | None], now_ms: int, *, text_ids: bool = False
    ) -> None:
        self._account = account
        self._now_ms = now_ms
        self._text_ids = text_ids
        self._of = lru_cache(maxsize=16)(self._find)

    def count(self, start: int | None, end: int | None, filters: Mapping[str, str]) -> int:
        """Number of rows between two times (ms), both included."""
        account = self._account(filters[OWNER])
        return 0 if account is None else len(self._rows(account, start, end, filters))

    def slice(
        self, start: int | None, end: int | None, filters: Mapping[str, str], offset: int, limit: int
    ) -> list[Row]:
        """Up to `limit` of these rows from `offset` on, counted from the oldest."""
        account = self._account(filters[OWNER])
        if account is None:
            return []
        rows = self._rows(account, start, end, filters)[offset : offset + limit]
        columns = zip(
            rows.market.tolist(),
            rows.kind.tolist(),
            amounts(rows.income),
            rows.asset.tolist(),
            rows.time.tolist(),
            rows.tran_id.tolist(),
            rows.trade_id.tolist(),
            strict=True,
        )
        return [self._row(account, cells) for cells in columns]

    def _row(self, account: IncomeSource, cells: tuple[int, int, str, int, int, int, int]) -> Row:
        market, kind, income, asset, time, tran_id, trade_id = cells
        name = INCOME_TYPES[kind]
        return {
            "symbol": account.markets[market].symbol if market >= 0 else "",
            "incomeType": name,
            "income": income,
            "asset": ASSETS[asset],
            "info": name if name in _INFO else "",
            "time": time,
            "tranId": str(tran_id) if self._text_ids else tran_id,
            "tradeId": str(trade_id or ""),
        }

    def _rows(
        self, account: IncomeSource, start: int | None, end: int | None, filters: Mapping[str, str]
    ) -> IncomeRows:
        start = account.opened_ms if start is None else start
        end = self._now_ms if end is None else end
        return self._of(account, start, end, filters.get("incomeType"), filters.get("symbol"))

    def _find(
        self, account: IncomeSource, start: int, end: int, kind: str | None, symbol: str | None
    ) -> IncomeRows:
        rows = account.income(start, end, None if kind is None else frozenset({kind}))
        if symbol is None:
            return rows
        symbols = [each.symbol for each in account.markets]
        return rows[rows.market == (symbols.index(symbol) if symbol in symbols else -2)]
