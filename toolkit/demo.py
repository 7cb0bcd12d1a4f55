"""A Link on the sandbox: no key, no internet, made-up data."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.client import Link
from toolkit.endpoints import BASE_URLS, RATE_LIMITS, Host
from toolkit.errors import UsageError
from toolkit.frames.builder import Numbers
from toolkit.redaction import Emails
from toolkit.text.suggestions import suggests_arguments
from toolkit.timing.clock import Clock

if TYPE_CHECKING:
    from toolkit.sandbox import Sandbox

RUNNING = "TOOLKIT_SANDBOX"
"""Environment variable that names a running sandbox, as the JSON line it printed."""


class DemoLink(Link):
    """A Link on the sandbox.

    Attributes:
        sandbox: The exchange behind it, for its log and its faults; None where another process runs it.
    """

    def __init__(
        self,
        sandbox: Sandbox | None,
        *,
        address: str,
        key: str,
        secret: str,
        numbers: Numbers,
        emails: Emails,
        progress: bool,
        workers: int,
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
            limits=limits,
            clock=clock,
        )
        self.sandbox = sandbox
        if sandbox is not None:
            # The connection outlives the Link where only a namespace of it is kept, as in `demo().spot`.
            weakref.finalize(self._connection, sandbox.stop)

    def close(self) -> None:
        """Close every connection and stop the sandbox this Link started."""
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
    workers: int = 16,
    clock: Clock | None = None,
) -> DemoLink:
    """A Link on the sandbox, which is started in the background: no key, no internet, made-up data.

    Where one is running already, as under `make lab`, and nothing is asked of it here, that one is used.
    The sandbox this starts ends with `close()`, or when the Link is no longer used.

    Args:
        seed: Which made-up partner; the same seed gives the same world.
        latency_ms: Milliseconds each answer is held back.
        limit_scale: Factor on the documented rate limits, to see small ones fill up.
        numbers: Amounts as "float" or "exact" columns.
        emails: E-mail addresses "masked" or "clear".
        progress: Show a bar for a fetch that takes longer than a second.
        workers: Requests a long fetch has under way at once, at most.
        clock: Where time is read and waited; tests pass one of their own.
    """
    running = os.environ.get(RUNNING)
    if running and seed is None and latency_ms == 0 and limit_scale == 1 and clock is None:
        address, key, secret, limits = _read(running)
        return DemoLink(
            None,
            address=address,
            key=key,
            secret=secret,
            numbers=numbers,
            emails=emails,
            progress=progress,
            workers=workers,
            limits=_unusual(limits),
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
            numbers=numbers,
            emails=emails,
            progress=progress,
            workers=workers,
            limits=_unusual(sandbox.limits),
            clock=clock,
        )
    except BaseException:
        sandbox.stop()
        raise


def _read(line: str) -> tuple[str, str, str, dict[str, int]]:
    """Address, key, secret and limits of a running sandbox; no limits where it says none."""
    try:
        said = json.loads(line)
        address, key, secret = (said[name] for name in ("address", "key", "secret"))
        return address, key, secret, dict(said.get("limits") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{RUNNING} is not the line a sandbox prints when it starts. Remove it from the environment, and "
            "`demo()` starts a sandbox of its own."
        ) from None


def _unusual(limits: Mapping[str, int]) -> dict[str, int]:
    """The limits that are not the documented ones."""
    documented = {rate_limit.name: rate_limit.limit for rate_limit in RATE_LIMITS}
    return {name: limit for name, limit in limits.items() if limit != documented.get(name, limit)}
