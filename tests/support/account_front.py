"""A server in front of a sandbox that says whose the API key is."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.recording import RecordedRequest, RecordingServer, answer
from toolkit.endpoints import BASE_URLS

ACCOUNT, FUTURES = "/api/v3/account", "/fapi/v3/balance"


class Front:
    """Answers about the account, chosen by a test; all other requests are forwarded.

    Args:
        server: A recording server in front of a sandbox.

    Attributes:
        account, futures: The responses about the account and about its futures wallet.
        accounts: Other responses about the account, by API key.
        refused: Requests with this text in their target are refused.
        before: Called before the response about the account.
        hosts: The `hosts` of a Link to it.
    """

    def __init__(self, server: RecordingServer) -> None:
        self.server = server
        self.account = answer(200, b'{"uid": 354937868, "balances": []}')
        self.accounts: dict[str, bytes] = {}
        self.futures = answer(200, b"[]")
        self.refused = ""
        self.before: Callable[[], None] = lambda: None
        server.respond = self._respond
        self.hosts = dict.fromkeys(BASE_URLS, server.address)

    def _respond(self, request: RecordedRequest) -> bytes:
        path = request.target.partition("?")[0]
        if path == ACCOUNT:
            self.before()
            return self.accounts.get(request.headers["x-mbx-apikey"], self.account)
        if self.refused and self.refused in request.target:
            return answer(400, b'{"code": -1121, "msg": "Invalid symbol."}')
        return self.futures if path == FUTURES else self.server._answer(request.raw)

    def sent(self, *paths: str) -> int:
        """How many requests of these paths arrived."""
        return sum(each.target.partition("?")[0] in paths for each in self.server.sent)

    @property
    def lookups(self) -> int:
        return self.sent(ACCOUNT, FUTURES)
