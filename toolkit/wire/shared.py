"""What every Link of this process that talks to the same exchange has in common.

The exchange counts by address, so two Links that each believed in an allowance of their own would
together use too much.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping

from toolkit.catalogue import POOLS, Host
from toolkit.errors import UsageError
from toolkit.wire.budget import Budget
from toolkit.wire.clock import Clock, HostClock


class Exchange:
    """The clocks of an exchange's hosts, and what may still be sent to them."""

    def __init__(self, clock: Clock, hosts: Mapping[Host, str]) -> None:
        self.host_clocks: Mapping[Host, HostClock] = {host: HostClock(clock) for host in hosts}
        self.budget = Budget(clock, self.host_clocks)


_lock = threading.Lock()
_exchanges: weakref.WeakValueDictionary[tuple[object, ...], Exchange] = weakref.WeakValueDictionary()
_kept: set[Exchange] = set()


def exchange_at(
    hosts: Mapping[Host, str], clock: Clock, limits: Mapping[str, int] | None, *, keep: bool
) -> Exchange:
    """The one `Exchange` of these addresses in this process.

    Args:
        hosts: Base address of each host.
        clock: This machine's clock.
        limits: Weight per window by name of pool, where it is not the documented one.
        keep: Remember it when no Link uses it any more, so that a ban outlives the Link that met it.
            Not so for sandboxes: the next one may get the same port.

    Raises:
        UsageError: A limit is no positive number, or of no pool.
    """
    for name, limit in (limits or {}).items():
        if name not in {pool.name for pool in POOLS} or not isinstance(limit, int) or limit < 1:
            known = ", ".join(pool.name for pool in POOLS)
            raise UsageError(
                f"`limits` holds positive whole numbers by pool ({known}); {name!r} does not fit. "
                "Nothing was sent."
            )
    with _lock:
        exchange = _exchanges.get((clock, *sorted(hosts.items())))
        if exchange is None:
            exchange = _exchanges[clock, *sorted(hosts.items())] = Exchange(clock, hosts)
        if keep:
            _kept.add(exchange)
    if limits:
        exchange.budget.set_limits(limits)
    return exchange
