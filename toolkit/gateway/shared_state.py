"""State that all Links to the same exchange share.

All processes of this machine share the rate-limit store, and the accounts of API keys. Within a process,
Links also share clocks and budget. The exchange counts requests by IP address: with separate budgets, Links
would exceed the limits.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path

from toolkit.endpoints import ALTERNATES, RATE_LIMITS, Host
from toolkit.errors import UsageError
from toolkit.gateway.accounts import Accounts
from toolkit.ratelimit.budget import Budget
from toolkit.ratelimit.store import RateLimitStore
from toolkit.runtime import forks
from toolkit.runtime.interruptions import let_through
from toolkit.storage import paths
from toolkit.timing.clock import SYSTEM_CLOCK, Clock, HostClock


class SharedState:
    """The clocks of an exchange's hosts, the budget of requests to them, and the accounts of API keys.

    Args:
        hosts: Base address of each host.
        clock: This machine's clock.
        sandbox_id: Id of the sandbox, None for a real exchange.
    """

    def __init__(self, hosts: Mapping[Host, str], clock: Clock, sandbox_id: str | None) -> None:
        self.host_clocks: Mapping[Host, HostClock] = {host: HostClock(clock) for host in hosts}
        path, problem, earlier = None, "", list[Path]()
        # The store holds times of this machine's clock, so only users of that clock can share it.
        if clock is SYSTEM_CLOCK:
            outside = sys.exception()
            try:
                path = paths.rate_limit_file(hosts, sandbox_id)
                if path is not None and sandbox_id is None:
                    earlier = paths.earlier_rate_limit_files(hosts)
            except RuntimeError:  # raised by pathlib and platformdirs
                problem = "there is no home folder for the rate-limit file"
            except OSError as error:  # the current folder was deleted
                let_through(error, outside)
                problem = f"the folder of the rate-limit file cannot be found ({error.strerror})"
        self.budget = Budget(clock, self.host_clocks, RateLimitStore(path, clock, problem, earlier))
        # Without an id, the next sandbox at this address would be taken for this one.
        is_lasting = sandbox_id != ""
        self.accounts = Accounts(
            clock,
            paths.accounts_file(hosts, sandbox_id) if is_lasting else None,
            prefix="" if sandbox_id is None else "sandbox-",
            look_up=paths.looks_accounts_up(),
        )


_lock: threading.Lock
_shared_states: weakref.WeakValueDictionary[tuple[object, ...], SharedState] = weakref.WeakValueDictionary()
_kept: set[SharedState] = set()


def shared_state_for(
    hosts: Mapping[Host, str], clock: Clock, limits: Mapping[str, int] | None, sandbox_id: str | None
) -> SharedState:
    """Return the only `SharedState` of these addresses in this process.

    Args:
        hosts: Base address of each host.
        clock: This machine's clock.
        limits: Weight per window by name of the rate limit, in place of the exchange's own limit.
        sandbox_id: Id of the sandbox, None for a real exchange. The state of a real exchange is kept when no
            Link uses it any more, so that a ban outlives the Link that was banned. The state of a sandbox is
            not, because the next one may get the same port.

    Raises:
        UsageError: A limit is not a positive whole number, or there is no rate limit of that name.
    """
    for name, limit in (limits or {}).items():
        if (
            name not in {rate_limit.name for rate_limit in RATE_LIMITS}
            or not isinstance(limit, int)
            or limit < 1
        ):
            known = ", ".join(rate_limit.name for rate_limit in RATE_LIMITS)
            raise UsageError(
                f"`limits` must map names of rate limits ({known}) to positive whole numbers, which "
                f"{name!r}: {limit!r} is not. Nothing was sent."
            )
    addresses = sorted((host, ALTERNATES.get(address, address)) for host, address in hosts.items())
    cache_key = (clock, sandbox_id, *addresses)
    with _lock:
        shared_state = _shared_states.get(cache_key)
        if shared_state is None:
            shared_state = _shared_states[cache_key] = SharedState(hosts, clock, sandbox_id)
        if sandbox_id is None:
            _kept.add(shared_state)
    if limits:
        shared_state.budget.set_limits(limits)
    return shared_state


def _make_lock() -> None:
    global _lock  # noqa: PLW0603 - the thread that holds it does not exist in a child
    _lock = threading.Lock()


forks.renew(_make_lock)
