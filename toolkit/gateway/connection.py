"""The connection of one account to the exchange: keys, session, clocks and budget."""

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
from toolkit.text.suggestions import did_you_mean
from toolkit.timing.cancel import Show
from toolkit.timing.clock import SYSTEM_CLOCK, Clock
from toolkit.transport.addresses import is_loopback
from toolkit.transport.responses import decode
from toolkit.transport.session import Session, TransportFailure

Source = Literal["live", "sandbox"]

MAX_RECV_WINDOW_MS = 60_000
# Time-outs for asking a sandbox, which runs on this machine, for its id.
_SANDBOX_TIMEOUT_S = (1.0, 1.0)

_warned: dict[str, Path | None] = {}  # texts of the warnings given, and the folder that each is about
_warning: threading.Lock


def _make_lock() -> None:
    global _warning  # noqa: PLW0603 - the thread that holds it does not exist in a child
    _warning = threading.Lock()


forks.renew(_make_lock)


class Connection:
    """The keys of an account, its HTTP session, and the clocks and budget shared with other connections.

    `Link` documents the arguments, apart from `keys` and from `show`, which displays waits.

    Raises:
        UsageError: An argument is invalid.
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
        is_int = isinstance(recv_window, int) and not isinstance(recv_window, bool)
        if not is_int or not 1 <= recv_window <= MAX_RECV_WINDOW_MS:
            raise UsageError(
                f"`recv_window` must be a whole number of milliseconds from 1 to {MAX_RECV_WINDOW_MS}, "
                f"not {recv_window!r}."
            )
        if (
            isinstance(limit_fraction, bool)
            or not isinstance(limit_fraction, int | float)
            or not 0 < limit_fraction <= 1
        ):
            raise UsageError(
                "`limit_fraction` must be a number above 0 and up to 1, the fraction of every limit that "
                f"this Link may use up (0.5 leaves half of it to others), not {limit_fraction!r}."
            )
        self._recv_window = recv_window
        self._limit_fraction = float(limit_fraction)
        self._show = show
        addresses = _all_hosts({} if hosts is None else hosts)
        # With one real host the source is "live": what that host would do cannot be undone.
        is_local = all(is_loopback(address) for address in addresses.values())
        self.source: Source = "sandbox" if is_local else "live"
        self.clock = SYSTEM_CLOCK if clock is None else clock
        self.session = Session(
            addresses,
            timeout=timeout,
            proxies=proxies,
            verify=verify,
            # Proxies of the environment are meant for other machines.
            trust_env=not is_local,
        )
        sandbox_id = None
        if is_local:
            # State on a clock of one's own is not shared, so the addresses identify it.
            sandbox_id = ""
            if self.clock is SYSTEM_CLOCK:
                sandbox_id = self.sandbox_id() or secrets.token_hex(8)
        shared_state = shared_state_for(self.session.hosts, self.clock, limits, sandbox_id)
        self._shared_state = shared_state  # keeps it alive for other connections to the same addresses
        self.budget = shared_state.budget
        self.host_clocks = shared_state.host_clocks
        self.accounts = shared_state.accounts
        self.sender = self.sender_with(keys)
        self.warn_if_local_only()
        _warn_of_earlier_version(self.budget.migration_problem)

    def sender_with(self, keys: Keys) -> Sender:
        """Return a sender with other keys, for the same hosts and within the same budget."""
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
        """Return the id of the sandbox at these hosts, which is asked for it; None where there is no sandbox.

        A loopback address proves nothing: it may be a tunnel to the real exchange.
        """
        return _fetch_sandbox_id(self.session.hosts) if self.source == "sandbox" else None

    def warn_if_local_only(self) -> None:
        """Warn once where this process cannot share its budget, and once more each time it loses it again."""
        reason, path = self.budget.local_only_reason, self.budget.path
        folder = path and path.parent
        with _warning:
            if not reason and folder is not None:
                for warned in [each for each, about in _warned.items() if about == folder]:
                    del _warned[warned]
            if not reason or reason in _warned:
                return
            _warned[reason] = folder
        message = (
            f"The rate limits are counted by this process alone: {reason}. Use by other kernels and scripts "
            "on this machine shows only in the counts that the exchange reports. Run one at a time, or give "
            "each a fraction of the limits (`Link(limit_fraction=0.5)`). To use another folder, set "
            f'{paths.RATE_LIMITS} to it; "off" turns sharing off.'
        )
        warn(RateLimitWarning(message))

    def close(self) -> None:
        """Close every socket."""
        self.session.close()


def _warn_of_earlier_version(migration_problem: str) -> None:
    """Warn once where a variable or file of an earlier version is no longer used."""
    for message in (*paths.renamed_variables(), migration_problem):
        with _warning:
            if not message or message in _warned:
                continue
            _warned[message] = None
        warn(RateLimitWarning(message))


def _fetch_sandbox_id(hosts: Mapping[Host, str]) -> str | None:
    """Return the id of a sandbox, so that the next one on the same port does not inherit its state."""
    session = Session(hosts, timeout=_SANDBOX_TIMEOUT_S, trust_env=False)
    try:
        response = session.get("api", "/sandbox/id", "", None)
        return str(decode("sandbox", response)["id"])
    except (TransportFailure, ContractError, KeyError, TypeError):
        return None
    finally:
        session.close()


def _all_hosts(hosts: Mapping[Host, str]) -> Mapping[Host, str]:
    """Return the address of every host: the one given, or else the exchange's."""
    if not isinstance(hosts, Mapping):
        raise UsageError(
            f"`hosts` must map names of hosts ({', '.join(BASE_URLS)}) to addresses, such as "
            '{"api": "https://..."}. Nothing was sent.'
        )
    unknown = [name for name in hosts if name not in BASE_URLS]
    if unknown:  # not quoted: it may be an address with a password
        raise UsageError(
            f"`hosts` names an unknown host; the hosts are {', '.join(BASE_URLS)}. Nothing was sent."
            f"{did_you_mean(str(unknown[0]), BASE_URLS)}"
        )
    return {**BASE_URLS, **hosts}
