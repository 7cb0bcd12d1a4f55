"""Market data (Spot): symbols, candles, trades, order books, tickers."""

from __future__ import annotations

from toolkit.endpoints.market.spot import candles
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = candles.ENDPOINTS
