"""Account (Spot): balances, trades, orders and commissions."""

from __future__ import annotations

from toolkit.endpoints.account.spot.balances import BALANCES
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (BALANCES,)
