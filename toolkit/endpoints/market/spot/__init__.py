"""Market data (Spot): symbols, candles, trades, order books, tickers."""

from __future__ import annotations

from toolkit.endpoints.market.spot.books import DEPTH
from toolkit.endpoints.market.spot.candles import AVG_PRICE, KLINES
from toolkit.endpoints.market.spot.exchange_info import SYMBOLS
from toolkit.endpoints.market.spot.server import PING, SYSTEM_STATUS, TIME
from toolkit.endpoints.market.spot.tickers import (
    TICKER,
    TICKER_24HR,
    TICKER_BOOK,
    TICKER_PRICE,
    TICKER_TRADING_DAY,
)
from toolkit.endpoints.market.spot.trades import AGG_TRADES, HISTORICAL_TRADES, TRADES
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    PING,
    TIME,
    SYSTEM_STATUS,
    SYMBOLS,
    KLINES,
    AVG_PRICE,
    TRADES,
    HISTORICAL_TRADES,
    AGG_TRADES,
    DEPTH,
    TICKER_24HR,
    TICKER_TRADING_DAY,
    TICKER,
    TICKER_PRICE,
    TICKER_BOOK,
)
