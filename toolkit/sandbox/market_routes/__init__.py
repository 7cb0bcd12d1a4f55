"""What the exchange answers about markets: a rule for each path, on top of the simulated market."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from toolkit.endpoints import Endpoint
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.limits import Limits
from toolkit.sandbox.world import World

Rule = Callable[[CheckedRequest], object]


class MarketRoutes:
    """Answers requests for market data.

    Args:
        world: Its seed and the beginning of its history are those of the market.
        limits: The rate limits that exchangeInfo tells.
    """

    def __init__(self, world: World, limits: Limits) -> None:
        self._rules: MappingProxyType[str, Rule] = MappingProxyType({})

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether there is a rule for an endpoint."""
        return endpoint.method == "GET" and endpoint.path in self._rules

    def payload(self, request: CheckedRequest) -> object:
        """The payload of the response."""
        return self._rules[request.endpoint.path](request)
