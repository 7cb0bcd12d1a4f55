"""The hosts: whether they answer, how far this machine's clock is off, and whether they let us ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from toolkit.doctor.check import EXCHANGE, Check, listed, moment
from toolkit.endpoints import Host
from toolkit.errors import BannedError, ContractError
from toolkit.gateway.connection import Connection
from toolkit.ratelimit.budget import Budget
from toolkit.timing.clock import Measured
from toolkit.transport.failures import KEY_LOG, PROXY_LOGIN_REQUIRED
from toolkit.transport.session import TransportFailure

_check = partial(Check, EXCHANGE)

# Seconds that clocks may differ, and part of a limit that may be used, without a word.
MAX_CLOCK_OFFSET_S = 1.0
NEARLY_FULL = 0.8

# What to do where the failure itself says no more.
_STEPS = {
    "network": "Check the network, and the address of this host; then run the doctor again.",
    "proxy": "Check the proxy: the environment names it, or `proxies=` does.",
}


def no_requests_reason(budget: Budget, host: Host) -> str:
    """Why nothing is sent to a host at this moment, "" where it may be."""
    snapshot = budget.snapshot()
    if snapshot.banned_until is not None:
        return "nothing is sent during a ban"
    return "it asked to wait" if host in snapshot.paused else ""


def source_check(connection: Connection, *, made_up: bool, asked: bool) -> Check:
    """Whether this is the real exchange.

    Args:
        connection: The hosts.
        made_up: What answers there is a sandbox.
        asked: It was asked whether it is.
    """
    if connection.source == "live":
        return _check("source", found="These are the real exchange's data.")
    if made_up and asked:
        return _check("source", found="A sandbox on this machine: all data are made up.")
    if made_up:
        return _check("source", found="An address of this machine, which is that of a sandbox.")
    return _check(
        "source",
        status="warning",
        found="What answers at this machine's address does not say that it is a sandbox.",
        next_step="Start the sandbox again. Where it is a tunnel, take it for the real exchange.",
    )


def host_checks(connection: Connection, host: Host, refusing: set[str]) -> list[Check]:
    """Whether a host answers, and its clock.

    Args:
        connection: The hosts.
        host: The one.
        refusing: Proxies that want another password, filled here: some lock out who asks on.
    """
    address = connection.session.hosts[host]
    why = no_requests_reason(connection.budget, host)
    proxy, _ = connection.session.network_route(host)
    if proxy in refusing:
        why = f"the proxy {proxy} wants a user name and password, or other ones"
    if why:
        found = f"Not asked, and neither is its clock: {why}."
        return [_check("host", host, status="note", found=found)]
    try:
        measured = connection.sender.fetch_time(host)
    except TransportFailure as failure:
        found = f"{address} was not reached: {failure}."
        step = f"{failure.advice[0].upper()}{failure.advice[1:]}" if failure.advice else _STEPS[failure.kind]
        if str(failure) == PROXY_LOGIN_REQUIRED.reason:
            refusing.add(proxy)
    except (BannedError, ContractError) as error:
        found = f"{address} is there, and does not let this address ask."
        step = "The line about bans says until when."
        if not no_requests_reason(connection.budget, host):  # which its answer would have asked for
            found = f"{address} does not answer as the exchange does: {str(error).removeprefix('clock: ')}"
            step = "Check the address of this host, and what is in between: a proxy, or a page to sign in."
    else:
        reached = _check("host", host, found=f"{address} answered in {measured.took * 1000:.0f} ms.")
        return [reached, _clock_check(connection, host, measured)]
    return [_check("host", host, status="failure", found=found, next_step=step)]


def _clock_check(connection: Connection, host: Host, measured: Measured) -> Check:
    clock = connection.host_clocks[host]
    offset, valid = clock.offset or 0.0, connection.sender.recv_window / 1000
    if abs(offset) > MAX_CLOCK_OFFSET_S + measured.error:
        way = "behind" if offset > 0 else "ahead of"
        return _check(
            "clock",
            host,
            status="warning",
            found=f"This machine's clock is {abs(offset):,.1f} s {way} the exchange's.",
            next_step="Set this machine's clock. Requests work all the same: they carry the exchange's time.",
        )
    if measured.took > valid / 2:
        return _check(
            "clock",
            host,
            status="warning",
            found=f"An answer takes {measured.took:.1f} s, and a request is valid for {valid:g} s only.",
            next_step="Find a faster way to the exchange, or raise `Link(recv_window=...)`, 60000 at most.",
        )
    off = abs(offset) + measured.error
    within = f"{off:.1f} s" if off >= 1 else f"{max(off * 1000, 1):.0f} ms"
    return _check("clock", host, found=f"This machine's clock is right, within {within} of the exchange's.")


def key_log_checks(environment: Mapping[str, str]) -> list[Check]:
    """Whether what keeps others from reading along is written down; no line where it is not."""
    file = environment.get(KEY_LOG)
    if not file:
        return []
    return [
        _check(
            "keylog",
            status="warning",
            found=f"{KEY_LOG} is set: the secrets of TLS connections go into {file}. With it, whoever "
            "records traffic can read API keys and signed requests.",
            next_step=f"Take {KEY_LOG} out of the environment, start the kernel again, and delete that file.",
        )
    ]


def ban_check(budget: Budget) -> Check:
    """Whether the exchange wants silence."""
    snapshot, banned_until = budget.snapshot(), budget.banned_until
    if banned_until is not None:
        return _check(
            "ban",
            status="failure",
            found=f"This address is banned until {moment(banned_until)}; nothing is sent before then.",
            next_step="Wait, and stop whatever else sends from this address: requests during a ban make it "
            "longer.",
        )
    if snapshot.paused:
        until = moment(datetime.fromtimestamp(max(snapshot.paused.values()), UTC))
        return _check(
            "ban",
            status="warning",
            found=f"{listed(snapshot.paused)} asked to wait until {until}.",
            next_step="Wait, and look for another program that sends from this address: `link.usage()`.",
        )
    return _check("ban", found="This address is not banned, and not asked to wait.")


def weight_check(budget: Budget) -> Check:
    """How full the fullest counter is."""
    fullest = max(budget.snapshot().rate_limits, key=lambda use: use.used_fraction, default=None)
    if fullest is None:
        return _check("weight", found="Nothing is used in this minute.")
    name = f"{fullest.rate_limit.name} ({fullest.endpoint})" if fullest.path else fullest.rate_limit.name
    used = fullest.used + fullest.in_flight
    found = f"The fullest counter is {name}: {used:,} of {fullest.limit:,}, {fullest.used_fraction:.0%}."
    if fullest.used_fraction < NEARLY_FULL:
        return _check("weight", found=found)
    return _check(
        "weight",
        status="warning",
        found=found,
        next_step="`link.usage()` says who uses it. What does not fit waits for the next minute by itself.",
    )
