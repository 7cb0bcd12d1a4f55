"""Account (Spot): balances, trades, orders and commissions."""

from __future__ import annotations

from toolkit.endpoints.account.spot.balances import BALANCES, INFO
from toolkit.endpoints.account.spot.commissions import COMMISSION
from toolkit.endpoints.account.spot.orders import OPEN_ORDERS, ORDER, ORDER_COUNTS, ORDERS
from toolkit.endpoints.account.spot.trades import TRADES
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    INFO,
    BALANCES,
    COMMISSION,
    TRADES,
    ORDERS,
    OPEN_ORDERS,
    ORDER,
    ORDER_COUNTS,
)
