"""A sandbox and a Link to it over a real socket, with a fake clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

import toolkit
from tests.support.clocks import BehindClock, FakeClock
from toolkit.endpoints import BASE_URLS, Endpoint
from toolkit.sandbox import Sandbox
from toolkit.sandbox.exchange import Exchange
from toolkit.sandbox.world import World

PATIENT = (30.0, 30.0)
"""Time-outs that end no test on a busy machine."""
IMPATIENT = (30.0, 0.3)
"""Time-outs for an exchange that does not respond."""


class SandboxEnv:
    """A sandbox and a Link: `env.link` sends to `env.exchange` over 127.0.0.1.

    Args:
        ahead: Seconds the exchange's clock is ahead of the Link's.
        link: More arguments of the Link; its time-outs are those of further Links as well.
        exchange: More arguments of the exchange.
    """

    def __init__(
        self,
        *,
        ahead: float = 0.0,
        link: Mapping[str, Any] | None = None,
        exchange: Mapping[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.exchange_clock = BehindClock(self.clock, ahead)
        self.sandbox = Sandbox(world=world or World(seed=7), clock=self.exchange_clock)
        self.replace_exchange(**(exchange or {}))
        self.sandbox.start()
        self.timeout = (link or {}).get("timeout", PATIENT)
        self.link = self.new_link(**(link or {}))

    def replace_exchange(self, **arguments: Any) -> None:
        """Replace the exchange behind the address."""
        self.sandbox.exchange = Exchange(self.sandbox.world, self.exchange_clock, **arguments)

    @property
    def exchange(self) -> Exchange:
        return self.sandbox.exchange

    @property
    def now(self) -> int:
        """The exchange's time in milliseconds."""
        return int(self.exchange_clock.time() * 1000)

    def new_link(
        self, key: str | None = None, secret: str | None = None, *, bare: bool = False, **arguments: Any
    ) -> toolkit.Link:
        """Another Link on the same exchange.

        Args:
            key: API key; the partner's if not given.
            secret: Its secret.
            bare: Do not count its requests in the fake clock, for a Link with a clock of its own.
            arguments: More arguments of the Link.
        """
        hosts = dict.fromkeys(BASE_URLS, self.sandbox.address)
        settings: dict[str, Any] = {"hosts": hosts, "clock": self.clock, "timeout": self.timeout} | arguments
        link = toolkit.Link(key=key or self.sandbox.key, secret=secret or self.sandbox.secret, **settings)
        if bare:
            return link
        session = link._connection.session
        session.read = self._counted(session.read)  # type: ignore[method-assign]
        session.send = self._counted(session.send)  # type: ignore[method-assign]
        return link

    def be_impatient(self) -> None:
        """Replace the Link with one that soon stops waiting for a response."""
        self.link.close()
        self.timeout = IMPATIENT
        self.link = self.new_link()

    def _counted(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """Count requests in flight in the fake clock."""

        def counted(*arguments: Any) -> Any:
            with self.clock.request():
                return send(*arguments)

        return counted

    def fetch(
        self, endpoint: Endpoint, arguments: Mapping[str, object] | None = None, **options: Any
    ) -> pd.DataFrame:
        """Fetch an endpoint that has no method; `start`, `end` and `numbers` are among the options."""
        return self.link._fetcher.fetch(endpoint, arguments or {}, **options)

    def sent(self, path: str = "") -> list[int]:
        """Statuses of the requests for a path, in order."""
        return [entry.status for entry in self.exchange.log if entry.path.startswith(path or "/")]

    def close(self) -> None:
        self.link.close()
        self.sandbox.stop()
