"""Market data (USD-M Futures): symbols, candles, trades, order books, funding, open interest, tickers."""

from __future__ import annotations

from toolkit.endpoints.market.futures import candles
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = candles.ENDPOINTS
