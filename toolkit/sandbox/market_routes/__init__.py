"""What the exchange answers about markets: a rule for each path, on top of the simulated market."""

from __future__ import annotations

from functools import lru_cache

from toolkit.endpoints import Endpoint
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.limits import Limits
from toolkit.sandbox.market.history import MarketHistory
from toolkit.sandbox.market_routes import (
    books,
    candles,
    exchange_info,
    funding,
    general,
    positions,
    tickers,
    trades,
)
from toolkit.sandbox.market_routes.market_data import MarketData, Rules

_RULES: Rules = {
    path: rule
    for part in (general, exchange_info, candles, trades, books, tickers, funding, positions)
    for path, rule in part.RULES.items()
}


class MarketRoutes:
    """Answers requests for market data.

    Args:
        seed: Seed of the market.
        start_ms: Beginning of its history.
        limits: The rate limits that exchangeInfo tells.
    """

    def __init__(self, seed: int, start_ms: int, limits: Limits) -> None:
        self._data = MarketData(_history(seed, start_ms), limits)

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether there is a rule for an endpoint; other declarations of the same path have none."""
        return endpoint.system.startswith("market.") and endpoint.path in _RULES

    def payload(self, request: CheckedRequest) -> object:
        """The payload of the response."""
        return _RULES[request.endpoint.path](self._data, request)


@lru_cache(maxsize=2)
def _history(seed: int, start_ms: int) -> MarketHistory:
    """The market that all exchanges with this seed and start share: it never changes."""
    return MarketHistory(seed, start_ms)
