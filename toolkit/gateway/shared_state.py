"""What all who talk to the same exchange have in common: the ledger, and in one process the rest as well.

The exchange counts by address, so two Links that each believed in an allowance of their own would
together use too much.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path

from toolkit.endpoints import ALTERNATES, RATE_LIMITS, Host
from toolkit.errors import UsageError
from toolkit.ratelimit import RateLimitStore
from toolkit.ratelimit.budget import Budget
from toolkit.runtime import forks
from toolkit.runtime.interruptions import let_through
from toolkit.storage import paths
from toolkit.timing.clock import SYSTEM_CLOCK, Clock, HostClock


class SharedState:
    """The clocks of an exchange's hosts, and what may still be sent to them.

    Args:
        hosts: Base address of each host.
        clock: This machine's clock.
        sandbox: Which sandbox it is, None for a real exchange.
    """

    def __init__(self, hosts: Mapping[Host, str], clock: Clock, sandbox: str | None) -> None:
        self.host_clocks: Mapping[Host, HostClock] = {host: HostClock(clock) for host in hosts}
        path, problem, earlier = None, "", list[Path]()
        # Only who lives by the machine's own clock can share a record of times with other processes.
        if clock is SYSTEM_CLOCK:
            outside = sys.exception()
            try:
                path = paths.rate_limit_file(hosts, sandbox)
                if path is not None and sandbox is None:
                    earlier = paths.earlier_ledger_files(hosts)
            except RuntimeError:  # so do pathlib and platformdirs say it
                problem = "there is no home folder for the ledger"
            except OSError as error:  # the folder that this process is in was deleted
                let_through(error, outside)
                problem = f"the folder of the ledger cannot be found ({error.strerror})"
        self.budget = Budget(clock, self.host_clocks, RateLimitStore(path, clock, problem, earlier))


_lock: threading.Lock
_shared_states: weakref.WeakValueDictionary[tuple[object, ...], SharedState] = weakref.WeakValueDictionary()
_kept: set[SharedState] = set()


def shared_state_for(
    hosts: Mapping[Host, str], clock: Clock, limits: Mapping[str, int] | None, sandbox: str | None
) -> SharedState:
    """The one `SharedState` of these addresses in this process.

    Args:
        hosts: Base address of each host.
        clock: This machine's clock.
        limits: Weight per window by name of pool, where it is not the exchange's own.
        sandbox: Which sandbox it is, None for a real exchange. A real one is remembered when no Link
            uses it any more, so that a ban outlives the Link that met it; of sandboxes, the next one may
            get the same port.

    Raises:
        UsageError: A limit is no positive number, or of no pool.
    """
    for name, limit in (limits or {}).items():
        if (
            name not in {rate_limit.name for rate_limit in RATE_LIMITS}
            or not isinstance(limit, int)
            or limit < 1
        ):
            known = ", ".join(rate_limit.name for rate_limit in RATE_LIMITS)
            raise UsageError(
                f"`limits` holds positive whole numbers by pool ({known}); {name!r} does not fit. "
                "Nothing was sent."
            )
    addresses = sorted((host, ALTERNATES.get(address, address)) for host, address in hosts.items())
    cache_key = (clock, sandbox, *addresses)
    with _lock:
        shared_state = _shared_states.get(cache_key)
        if shared_state is None:
            shared_state = _shared_states[cache_key] = SharedState(hosts, clock, sandbox)
        if sandbox is None:
            _kept.add(shared_state)
    if limits:
        shared_state.budget.set_limits(limits)
    return shared_state


def _make_lock() -> None:
    global _lock  # noqa: PLW0603 - in a child, whoever held it does not exist
    _lock = threading.Lock()


forks.renew(_make_lock)
