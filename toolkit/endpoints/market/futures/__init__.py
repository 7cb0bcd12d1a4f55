"""Market data (USD-M Futures): symbols, candles, trades, order books, funding, open interest, tickers."""

from __future__ import annotations

from toolkit.endpoints.market.futures.books import DEPTH
from toolkit.endpoints.market.futures.candles import (
    CONTINUOUS_KLINES,
    INDEX_PRICE_KLINES,
    KLINES,
    MARK_PRICE_KLINES,
    PREMIUM_INDEX_KLINES,
)
from toolkit.endpoints.market.futures.exchange_info import SYMBOLS
from toolkit.endpoints.market.futures.funding import FUNDING_INFO, FUNDING_RATES, PREMIUM_INDEX
from toolkit.endpoints.market.futures.open_interest import OPEN_INTEREST, OPEN_INTEREST_HISTORY
from toolkit.endpoints.market.futures.ratios import (
    BASIS,
    LONG_SHORT_RATIO,
    TAKER_VOLUME_RATIO,
    TOP_ACCOUNT_RATIO,
    TOP_POSITION_RATIO,
)
from toolkit.endpoints.market.futures.server import PING, TIME
from toolkit.endpoints.market.futures.tickers import TICKER_24HR, TICKER_BOOK, TICKER_PRICE
from toolkit.endpoints.market.futures.trades import AGG_TRADES, HISTORICAL_TRADES, TRADES
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    PING,
    TIME,
    SYMBOLS,
    KLINES,
    CONTINUOUS_KLINES,
    MARK_PRICE_KLINES,
    INDEX_PRICE_KLINES,
    PREMIUM_INDEX_KLINES,
    DEPTH,
    TRADES,
    HISTORICAL_TRADES,
    AGG_TRADES,
    FUNDING_RATES,
    FUNDING_INFO,
    PREMIUM_INDEX,
    OPEN_INTEREST,
    OPEN_INTEREST_HISTORY,
    LONG_SHORT_RATIO,
    TOP_ACCOUNT_RATIO,
    TOP_POSITION_RATIO,
    TAKER_VOLUME_RATIO,
    BASIS,
    TICKER_24HR,
    TICKER_PRICE,
    TICKER_BOOK,
)
