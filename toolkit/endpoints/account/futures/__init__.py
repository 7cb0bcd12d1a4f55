"""Account (USD-M Futures): balances, positions, trades and orders."""

from __future__ import annotations

from toolkit.endpoints.account.futures.balances import BALANCES
from toolkit.endpoints.model import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (BALANCES,)
