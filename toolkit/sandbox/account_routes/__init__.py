"""What the exchange answers about accounts: a rule for each path, from what accounts own and did."""

from __future__ import annotations

from toolkit.endpoints import ENDPOINTS_BY_NAME, Endpoint
from toolkit.sandbox.account_routes import coins, futures, movements, snapshots, spot, sub_accounts, wallet
from toolkit.sandbox.account_routes.account_data import AccountData, Rules
from toolkit.sandbox.checked_request import CheckedRequest

RULES: Rules = {
    path: rule
    for part in (spot, wallet, coins, movements, snapshots, futures, sub_accounts)
    for path, rule in part.RULES.items()
}


class AccountRoutes:
    """Answers requests about accounts.

    Args:
        data: What the rules answer from.
    """

    def __init__(self, data: AccountData) -> None:
        self._data = data

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether there is a rule for an endpoint; other declarations of the same path have none."""
        return endpoint.path in RULES and endpoint.qualified_name in ENDPOINTS_BY_NAME

    def payload(self, request: CheckedRequest) -> object:
        """The payload of the response."""
        return RULES[request.endpoint.path](self._data, request)
