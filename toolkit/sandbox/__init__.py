"""A strict exchange on this machine, for learning, demos, tests and offline work.

`Sandbox` serves it on 127.0.0.1. `Exchange` holds the rules, without sockets; `World` holds the data.
"""

from __future__ import annotations

from toolkit.sandbox.effects import Effect
from toolkit.sandbox.exchange import Exchange, LogEntry
from toolkit.sandbox.faults import Faults
from toolkit.sandbox.keys import RegisteredKey
from toolkit.sandbox.limits import IntervalCount
from toolkit.sandbox.messages import SandboxRequest, SandboxResponse
from toolkit.sandbox.server import Sandbox
from toolkit.sandbox.world import World

__all__ = [
    "Effect",
    "Exchange",
    "Faults",
    "IntervalCount",
    "LogEntry",
    "RegisteredKey",
    "Sandbox",
    "SandboxRequest",
    "SandboxResponse",
    "World",
]


def __dir__() -> list[str]:
    return __all__
