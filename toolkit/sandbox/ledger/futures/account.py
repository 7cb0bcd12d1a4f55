"""The futures account of one owner."""

from __future__ import annotations

from toolkit.sandbox.ledger.futures.columns import Fills, FundingPayments, IncomeRows, Orders, Position
from toolkit.sandbox.market.history import MarketHistory


class FuturesAccount:
    """The USD-M futures of one account, in one-way mode with cross margin.

    Everything follows from the seed of the market and the owner's name. Times are in ms, spans include both
    ends.

    Args:
        history: The market.
        owner: Whose it is.
        opened_ms: Nothing happens before.
    """

    def __init__(self, history: MarketHistory, owner: str, opened_ms: int) -> None:
        self._history = history
        self._owner = owner
        self._opened_ms = opened_ms

    def fills(self, start_ms: int, end_ms: int) -> Fills:
        """The trades of a span."""
        raise NotImplementedError

    def orders(self, start_ms: int, end_ms: int, at_ms: int) -> Orders:
        """The orders that were placed within a span, as they were at a time."""
        raise NotImplementedError

    def open_orders(self, at_ms: int) -> Orders:
        """The orders that were open at a time."""
        raise NotImplementedError

    def positions(self, at_ms: int, wallet: int | None = None) -> list[Position]:
        """Positions and markets with open orders, by symbol.

        Args:
            at_ms: When.
            wallet: Balance of USDT of the um wallet, in 1e-8: without it, there is no liquidation price.
        """
        raise NotImplementedError

    def funding(self, start_ms: int, end_ms: int) -> FundingPayments:
        """Payments of funding within a span."""
        raise NotImplementedError

    def income(self, start_ms: int, end_ms: int) -> IncomeRows:
        """All changes of the um wallet within a span but transfers."""
        raise NotImplementedError
