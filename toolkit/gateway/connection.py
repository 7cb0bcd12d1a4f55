"""One account's connection to the exchange: the parts of `field`, put together."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from toolkit.auth.credentials import Keys
from toolkit.endpoints import BASE_URLS, Host
from toolkit.errors import ContractError, RateLimitWarning, UsageError
from toolkit.gateway.sender import Sender
from toolkit.gateway.shared_state import shared_state_for
from toolkit.runtime import forks
from toolkit.runtime.user_warnings import warn
from toolkit.storage import paths
from toolkit.timing.cancel import Show
from toolkit.timing.clock import SYSTEM_CLOCK, Clock
from toolkit.transport.addresses import is_loopback
from toolkit.transport.responses import decode
from toolkit.transport.session import Session, TransportFailure

Source = Literal["live", "sandbox"]

LONGEST_RECV_WINDOW = 60_000
# Seconds that a sandbox, which is on this very machine, has to say who it is.
_SANDBOX_TIMEOUT_S = (1.0, 1.0)

_warned: dict[str, Path | None] = {}  # each reason that was said, and the folder it is about
_warning: threading.Lock


def _make_lock() -> None:
    global _warning  # noqa: PLW0603 - in a child, whoever held it does not exist
    _warning = threading.Lock()


forks.renew(_make_lock)


class Connection:
    """An account's keys, the hosts they are used at, and what these have in common with other connections.

    The arguments besides `keys` and `show`, which shows what a call waits for, are those of `Link`, which
    documents them.

    Raises:
        UsageError: An argument cannot be right.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        hosts: Mapping[Host, str] | None,
        recv_window: int,
        timeout: tuple[float, float],
        proxies: Mapping[str, str] | None,
        verify: bool | str | Path,
        limits: Mapping[str, int] | None,
        limit_fraction: float,
        show: Show | None,
        clock: Clock | None,
    ) -> None:
        whole = isinstance(recv_window, int) and not isinstance(recv_window, bool)
        if not whole or not 1 <= recv_window <= LONGEST_RECV_WINDOW:
            raise UsageError(
                f"`recv_window` is a whole number of milliseconds from 1 to {LONGEST_RECV_WINDOW}, "
                f"not {recv_window!r}."
            )
        if (
            isinstance(limit_fraction, bool)
            or not isinstance(limit_fraction, int | float)
            or not 0 < limit_fraction <= 1
        ):
            raise UsageError(
                "`limit_fraction` is the part of every limit that this Link may use up, above 0 and up to 1 "
                f"(0.5 leaves half of it to others), not {limit_fraction!r}."
            )
        self._recv_window = recv_window
        self._limit_fraction = float(limit_fraction)
        self._show = show
        addresses = _all_hosts(BASE_URLS if hosts is None else hosts)
        here = all(is_loopback(address) for address in addresses.values())
        self.source: Source = "sandbox" if here else "live"
        self.clock = SYSTEM_CLOCK if clock is None else clock
        self.session = Session(
            addresses,
            timeout=timeout,
            proxies=proxies,
            verify=verify,
            # What the environment says is meant for other machines.
            trust_env=not here,
        )
        sandbox = None
        if here:
            # Nobody shares a clock of one's own, so there the addresses say enough.
            sandbox = ""
            if self.clock is SYSTEM_CLOCK:
                sandbox = self.sandbox_id() or secrets.token_hex(8)
        shared_state = shared_state_for(self.session.hosts, self.clock, limits, sandbox)
        self._shared_state = shared_state  # kept alive: others at the same addresses share it
        self.budget = shared_state.budget
        self.host_clocks = shared_state.host_clocks
        self.sender = self.sender_with(keys)
        self.warn_if_local_only()
        _warn_of_the_version_before(self.budget.left_behind)

    def sender_with(self, keys: Keys) -> Sender:
        """A sender with these keys, at the same hosts and within the same budget."""
        return Sender(
            keys=keys,
            session=self.session,
            budget=self.budget,
            host_clocks=self.host_clocks,
            clock=self.clock,
            recv_window=self._recv_window,
            limit_fraction=self._limit_fraction,
            show=self._show,
        )

    def sandbox_id(self) -> str | None:
        """Which sandbox answers at these hosts, by its own words; None where it is none.

        An address of this machine is no proof: a tunnel to the real exchange has one, too.
        """
        return _sandbox_at(self.session.hosts) if self.source == "sandbox" else None

    def warn_if_local_only(self) -> None:
        """Say it once where this process cannot share its budget; and again where it could meanwhile."""
        why, store = self.budget.local_only_reason, self.budget.store
        folder = store and store.parent
        with _warning:
            if not why and folder is not None:
                for said in [each for each, about in _warned.items() if about == folder]:
                    del _warned[said]
            if not why or why in _warned:
                return
            _warned[why] = folder
        said = (
            f"The rate limits are counted by this process alone: {why}. Other kernels and scripts on this "
            "machine are not seen except in the exchange's own counts; run one at a time, or give them "
            f'smaller shares (`Link(limit_fraction=0.5)`). {paths.RATE_LIMITS} names another folder, or "off".'
        )
        warn(RateLimitWarning(said))

    def close(self) -> None:
        """Close every socket."""
        self.session.close()


def _warn_of_the_version_before(left_behind: str) -> None:
    """Say it once where something that was set up or noted under the version before is not used any more."""
    for said in (*paths.renamed_variables(), left_behind):
        with _warning:
            if not said or said in _warned:
                continue
            _warned[said] = None
        warn(RateLimitWarning(said))


def _sandbox_at(hosts: Mapping[Host, str]) -> str | None:
    """Which sandbox it is: the next one on the same port must not inherit what is known of this one."""
    session = Session(hosts, timeout=_SANDBOX_TIMEOUT_S, trust_env=False)
    try:
        response = session.get("api", "/sandbox/id", "", None)
        return str(decode("sandbox", response)["id"])
    except (TransportFailure, ContractError, KeyError, TypeError):
        return None
    finally:
        session.close()


def _all_hosts(hosts: Mapping[Host, str]) -> Mapping[Host, str]:
    if not isinstance(hosts, Mapping) or set(hosts) != set(BASE_URLS):
        raise UsageError(
            f"`hosts` has an address for each of {', '.join(BASE_URLS)} and for nothing else, so that no "
            'request goes to a host nobody named: {"api": "https://...", ...}. Nothing was sent.'
        )
    return hosts
