"""Check the hosts: whether they respond, how far this machine's clock is off, bans and used weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from toolkit.doctor.check import EXCHANGE, Check, joined, utc_text
from toolkit.endpoints import Host
from toolkit.errors import BannedError, ContractError
from toolkit.gateway.connection import Connection
from toolkit.ratelimit.budget import Budget
from toolkit.timing.clock import ClockMeasurement
from toolkit.transport.failures import KEY_LOG, PROXY_LOGIN_REQUIRED
from toolkit.transport.responses import decode
from toolkit.transport.session import TransportFailure

_check = partial(Check, EXCHANGE)

# Above these, a clock offset and the used fraction of a limit are warnings.
MAX_CLOCK_OFFSET_S = 1.0
NEARLY_FULL = 0.8

# What to do if the failure itself gives no advice.
_NEXT_STEPS = {
    "network": "Check the network and the address of this host, then run the doctor again.",
    "proxy": "Check the proxy. It is set by an environment variable or by `proxies=`.",
}


def no_requests_reason(budget: Budget, host: Host) -> str:
    """Why nothing may be sent to a host now; "" if it may."""
    snapshot = budget.snapshot()
    if snapshot.banned_until is not None:
        return "nothing is sent during a ban"
    return "it asked to wait" if host in snapshot.paused else ""


def source_check(connection: Connection, *, is_sandbox: bool, was_asked: bool) -> Check:
    """Whether this is the real exchange or a sandbox.

    Args:
        connection: The connection to check.
        is_sandbox: The address belongs to a sandbox.
        was_asked: The sandbox was asked to identify itself.
    """
    if connection.source == "live":
        return _check("source", found="The real exchange.")
    if is_sandbox and was_asked:
        return _check("source", found="A sandbox on this machine, with made-up data.")
    if is_sandbox:
        return _check("source", found="An address of this machine, so a sandbox. It was not asked.")
    return _check(
        "source",
        status="warning",
        found="The server at this machine's address does not identify itself as a sandbox.",
        next_step="Start the sandbox again. If the address is a tunnel, treat it as the real exchange.",
    )


def host_checks(connection: Connection, host: Host, refusing: set[str]) -> list[Check]:
    """Whether a host responds, and how far its clock is from this machine's.

    Args:
        connection: The connection to check.
        host: The host.
        refusing: Proxies that have refused the user name and password. Added to here, so that each is tried
            once: some lock an account after several attempts.
    """
    address = connection.session.hosts[host]
    reason = no_requests_reason(connection.budget, host)
    proxy, _ = connection.session.network_route(host)
    if proxy in refusing:
        reason = f"the proxy {proxy} requires another user name and password"
    if reason:
        found = f"Not checked, and neither was its clock: {reason}."
        return [_check("host", host, status="note", found=found)]
    try:
        measured = connection.sender.fetch_time(host)
    except TransportFailure as failure:
        found = f"{address} could not be reached: {failure}."
        next_step = failure.advice or _NEXT_STEPS[failure.kind]
        if str(failure) == PROXY_LOGIN_REQUIRED.reason:
            refusing.add(proxy)
    except (BannedError, ContractError) as error:
        found = f"{address} responds, but refuses requests from this address."
        next_step = "The check named `ban` says until when."
        if not no_requests_reason(connection.budget, host):  # neither a ban nor a back-off
            found = f"{address} does not respond as the exchange does: {str(error).removeprefix('clock: ')}"
            next_step = "Check the address of this host, and what is in between: a proxy or a sign-in page."
    else:
        reached = _check("host", host, found=f"{address} responded in {measured.took * 1000:.0f} ms.")
        return [reached, _clock_check(connection, host, measured)]
    return [_check("host", host, status="failure", found=found, next_step=next_step)]


def _clock_check(connection: Connection, host: Host, measured: ClockMeasurement) -> Check:
    clock = connection.host_clocks[host]
    offset, valid_s = clock.offset or 0.0, connection.sender.recv_window / 1000
    if abs(offset) > MAX_CLOCK_OFFSET_S + measured.error:
        direction = "behind" if offset > 0 else "ahead of"
        return _check(
            "clock",
            host,
            status="warning",
            found=f"This machine's clock is {abs(offset):,.1f} s {direction} the exchange's.",
            next_step="Set this machine's clock. Requests still work: they carry the exchange's time.",
        )
    if measured.took > valid_s / 2:
        return _check(
            "clock",
            host,
            status="warning",
            found=f"A response takes {measured.took:.1f} s, but a request is valid for only {valid_s:g} s.",
            next_step="Use a faster connection, or raise `Link(recv_window=...)`, up to 60000.",
        )
    error = abs(offset) + measured.error
    within = f"{error:.1f} s" if error >= 1 else f"{max(error * 1000, 1):.0f} ms"
    return _check("clock", host, found=f"This machine's clock is within {within} of the exchange's.")


def key_log_checks(environment: Mapping[str, str]) -> list[Check]:
    """Whether TLS secrets are logged, which lets others decrypt traffic; no check if they are not."""
    file = environment.get(KEY_LOG)
    if not file:
        return []
    return [
        _check(
            "key log",
            status="warning",
            found=f"{KEY_LOG} is set: the secrets of TLS connections are written to {file}. Anyone who has "
            "that file and records traffic can read API keys and signed requests.",
            next_step=f"Remove {KEY_LOG} from the environment, restart the kernel, and delete that file.",
        )
    ]


def ban_check(budget: Budget) -> Check:
    """Whether the exchange has banned this address or asked it to wait."""
    snapshot, banned_until = budget.snapshot(), budget.banned_until
    if banned_until is not None:
        return _check(
            "ban",
            status="failure",
            found=f"This address is banned until {utc_text(banned_until)}. Nothing is sent before then.",
            next_step="Wait, and stop other programs that send from this address: requests during a ban make "
            "it longer.",
        )
    if snapshot.paused:
        until = utc_text(datetime.fromtimestamp(max(snapshot.paused.values()), UTC))
        return _check(
            "ban",
            status="warning",
            found=f"{joined(snapshot.paused)} asked to wait until {until}.",
            next_step="Wait, and look for other programs that send from this address: `link.usage()`.",
        )
    return _check("ban", found="This address is not banned, and was not asked to wait.")


def example_checks(connection: Connection) -> Iterator[Check]:
    """Which endpoints a sandbox serves from documented examples, if it has no data of its own for some."""
    response = connection.session.get("api", "/sandbox/examples", "", None)
    examples = decode("sandbox", response)
    if not isinstance(examples, list) or not all(isinstance(name, str) for name in examples):
        raise ContractError("sandbox", "the response is not a list of endpoints")
    if examples:
        yield _check(
            "examples",
            status="note",
            found=f"The sandbox has only a documented example for {joined(examples)}.",
            next_step='Draw no conclusions from frames with `attrs["example"]`.',
        )


def weight_check(budget: Budget) -> Check:
    """How full the fullest counter is."""
    fullest = max(budget.snapshot().rate_limits, key=lambda use: use.used_fraction, default=None)
    if fullest is None:
        return _check("weight", found="No weight is used in the current window.")
    name = f"{fullest.rate_limit.name} ({fullest.endpoint})" if fullest.path else fullest.rate_limit.name
    used = fullest.used + fullest.in_flight
    found = f"The fullest rate limit is {name}: {used:,} of {fullest.limit:,}, {fullest.used_fraction:.0%}."
    learned = [
        f"{declared.method} {declared.path} {weight:,} instead of {declared.weight:,}"
        for declared, weight in budget.learned_weights.learned().items()
    ]
    if learned:
        found += f" Charged as the exchange counts, not as documented: {joined(learned)}."
    if fullest.used_fraction < NEARLY_FULL:
        return _check("weight", found=found)
    return _check(
        "weight",
        status="warning",
        found=found,
        next_step="`link.usage()` shows who uses it. Requests that do not fit wait for the next window by "
        "themselves.",
    )
