"""One key's connection to the exchange: the parts of `wire`, put together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from toolkit.catalogue import BASE_URLS, Host
from toolkit.errors import UsageError
from toolkit.wire.clock import SYSTEM_CLOCK, Clock
from toolkit.wire.credentials import Credentials
from toolkit.wire.sender import Sender
from toolkit.wire.session import Session, is_loopback
from toolkit.wire.shared import exchange_at

Source = Literal["live", "sandbox"]

LONGEST_RECV_WINDOW = 60_000


class Connection:
    """A key, the hosts it is used at, and what they have in common with other connections there.

    The arguments are those of `Link`, which documents them.

    Raises:
        UsageError: An argument cannot be right.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        hosts: Mapping[Host, str] | None,
        recv_window: int,
        timeout: tuple[float, float],
        proxies: Mapping[str, str] | None,
        verify: bool | str | Path,
        limits: Mapping[str, int] | None,
        clock: Clock | None,
    ) -> None:
        whole = isinstance(recv_window, int) and not isinstance(recv_window, bool)
        if not whole or not 1 <= recv_window <= LONGEST_RECV_WINDOW:
            raise UsageError(
                f"`recv_window` is a whole number of milliseconds from 1 to {LONGEST_RECV_WINDOW}, "
                f"not {recv_window!r}."
            )
        credentials = Credentials(key, secret)
        addresses = _all_hosts(BASE_URLS if hosts is None else hosts)
        here = all(is_loopback(address) for address in addresses.values())
        self.source: Source = "sandbox" if here else "live"
        self.clock = SYSTEM_CLOCK if clock is None else clock
        self.session = Session(
            addresses,
            timeout=timeout,
            proxies=proxies,
            verify=verify,
            # A proxy of the environment has no business between this machine and itself.
            trust_env=not here,
        )
        exchange = exchange_at(self.session.hosts, self.clock, limits, keep=not here)
        self._exchange = exchange  # kept alive: others at the same addresses share it
        self.budget = exchange.budget
        self.host_clocks = exchange.host_clocks
        self.sender = Sender(
            credentials=credentials,
            session=self.session,
            budget=exchange.budget,
            host_clocks=exchange.host_clocks,
            clock=self.clock,
            recv_window=recv_window,
        )

    def close(self) -> None:
        """Close every socket."""
        self.session.close()


def _all_hosts(hosts: Mapping[Host, str]) -> Mapping[Host, str]:
    if set(hosts) != set(BASE_URLS):
        raise UsageError(
            f"`hosts` has an address for each of {', '.join(BASE_URLS)}, so that no request goes to a host "
            f"nobody named; it has {', '.join(sorted(hosts)) or 'none'}."
        )
    return hosts
