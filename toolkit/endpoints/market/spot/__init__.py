"""Market data (Spot): symbols, candles, trades, order books, tickers."""

from __future__ import annotations

from toolkit.endpoints.market.spot import books, candles, exchange_info, server, tickers, trades
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *server.ENDPOINTS,
    *exchange_info.ENDPOINTS,
    *candles.ENDPOINTS,
    *trades.ENDPOINTS,
    *books.ENDPOINTS,
    *tickers.ENDPOINTS,
)
