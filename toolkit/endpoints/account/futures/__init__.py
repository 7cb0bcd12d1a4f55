"""Account (USD-M Futures): balances, positions, trades and orders."""

from __future__ import annotations

from toolkit.endpoints.account.futures.balances import ASSETS, BALANCES, INFO
from toolkit.endpoints.account.futures.orders import OPEN_ORDERS, ORDER, ORDERS
from toolkit.endpoints.account.futures.positions import POSITIONS
from toolkit.endpoints.account.futures.trades import COMMISSION, TRADES
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    INFO,
    ASSETS,
    BALANCES,
    POSITIONS,
    TRADES,
    ORDERS,
    OPEN_ORDERS,
    ORDER,
    COMMISSION,
)
