"""A Link that talks to the sandbox: no key, no internet, made-up data."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, RATE_LIMITS, Host
from toolkit.errors import UsageError
from toolkit.fetch.given_names import NamesSource
from toolkit.frames.builder import Numbers
from toolkit.redaction import Emails
from toolkit.text.suggestions import suggests_arguments
from toolkit.timing.clock import Clock

if TYPE_CHECKING:
    from toolkit.sandbox import Sandbox

ENVIRONMENT_VARIABLE = "TOOLKIT_SANDBOX"
"""Environment variable with the JSON line that a running sandbox printed when it started."""


class DemoLink(Link):
    """A Link that talks to the sandbox.

    Attributes:
        sandbox: The sandbox, for its log and its faults; None if another process runs it.
    """

    def __init__(
        self,
        sandbox: Sandbox | None,
        *,
        address: str,
        key: str,
        secret: str,
        account: str,
        numbers: Numbers,
        emails: Emails,
        progress: bool,
        workers: int,
        names: NamesSource | None,
        limits: Mapping[str, int] | None,
        clock: Clock | None,
    ) -> None:
        hosts: dict[Host, str] = dict.fromkeys(BASE_URLS, address)
        super().__init__(
            key=key,
            secret=secret,
            hosts=hosts,
            numbers=numbers,
            emails=emails,
            progress=progress,
            workers=workers,
            names=names,
            limits=limits,
            clock=clock,
        )
        if account:  # what is known is not looked up
            self._connection.accounts.remember(self._connection.sender, account)
        self.sandbox = sandbox
        if sandbox is not None:
            # The connection outlives the Link if only one of its resources is kept, as in `demo().spot`.
            weakref.finalize(self._connection, sandbox.stop)

    def close(self) -> None:
        """Close all connections, and stop the sandbox if this Link started it."""
        super().close()
        if self.sandbox is not None:
            self.sandbox.stop()


@suggests_arguments
def demo(
    *,
    seed: int | None = None,
    latency_ms: float = 0.0,
    limit_scale: float = 1.0,
    numbers: Numbers = "float",
    emails: Emails = "masked",
    progress: bool = True,
    workers: int = 64,
    names: NamesSource | None = None,
    clock: Clock | None = None,
) -> DemoLink:
    """Start the sandbox in the background and return a Link to it: no key, no internet, made-up data.

    If a sandbox is running already, as under `make lab`, and no argument asks for another, the Link uses that
    one. A sandbox started here stops with `close()`, or when the Link is garbage-collected.

    Args:
        seed: Seed of the made-up partner; the same seed gives the same data.
        latency_ms: Delay of each response, in milliseconds.
        limit_scale: Factor applied to the documented rate limits; a small one makes them fill up soon.
        numbers: Amounts as "float" or "exact" columns.
        emails: E-mail addresses "masked" or "clear".
        progress: Show a progress bar for a fetch that takes longer than a second.
        workers: Maximum number of concurrent requests of one fetch.
        names: Your own names of customers and sub-accounts, as in `Link`.
        clock: Source of time and of waiting; for tests.
    """
    running = os.environ.get(ENVIRONMENT_VARIABLE)
    if running and seed is None and latency_ms == 0 and limit_scale == 1 and clock is None:
        address, key, secret, account, limits = _parse(running)
        return DemoLink(
            None,
            address=address,
            key=key,
            secret=secret,
            account=account,
            numbers=numbers,
            emails=emails,
            progress=progress,
            workers=workers,
            names=names,
            limits=_scaled(limits),
            clock=None,
        )
    from toolkit.sandbox import Sandbox

    sandbox = Sandbox(
        seed=7 if seed is None else seed, latency_ms=latency_ms, limit_scale=limit_scale, clock=clock
    ).start()
    try:
        return DemoLink(
            sandbox,
            address=sandbox.address,
            key=sandbox.key,
            secret=sandbox.secret,
            account=sandbox.account,
            numbers=numbers,
            emails=emails,
            progress=progress,
            workers=workers,
            names=names,
            limits=_scaled(sandbox.limits),
            clock=clock,
        )
    except BaseException:
        sandbox.stop()
        raise


def _parse(line: str) -> tuple[str, str, str, str, dict[str, int]]:
    """Address, key, secret, account and limits of a running sandbox; "" and none if the line has none."""
    try:
        details = json.loads(line)
        address, key, secret = (details[name] for name in ("address", "key", "secret"))
        account = str(details.get("account"))
        return address, key, secret, account if account.isdecimal() else "", dict(details.get("limits") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{ENVIRONMENT_VARIABLE} is not the line that a sandbox prints when it starts. Remove it from "
            "the environment: `demo()` then starts its own sandbox."
        ) from None


def _scaled(limits: Mapping[str, int]) -> dict[str, int]:
    """Limits that differ from the documented ones."""
    documented = {rate_limit.name: rate_limit.limit for rate_limit in RATE_LIMITS}
    return {name: limit for name, limit in limits.items() if limit != documented.get(name, limit)}
