"""A strict exchange on the user's own machine, for learning, demos, tests and offline work.

`Sandbox` runs one on 127.0.0.1; `Exchange` is its rules without sockets; `World` is what there is.
"""

from __future__ import annotations

from toolkit.sandbox.clock import SystemTime, TimeSource
from toolkit.sandbox.effects import Effect
from toolkit.sandbox.exchange import Exchange, LogEntry
from toolkit.sandbox.faults import Faults
from toolkit.sandbox.keys import RegisteredKey
from toolkit.sandbox.limits import IntervalCount
from toolkit.sandbox.messages import Delivery, Headers, SandboxRequest, SandboxResponse
from toolkit.sandbox.server import Sandbox, serve_forever
from toolkit.sandbox.world import World, WriteExample
from toolkit.sandbox.world.tables import ListTable, Table

__all__ = [
    "Delivery",
    "Effect",
    "Exchange",
    "Faults",
    "Headers",
    "IntervalCount",
    "ListTable",
    "LogEntry",
    "RegisteredKey",
    "Sandbox",
    "SandboxRequest",
    "SandboxResponse",
    "SystemTime",
    "Table",
    "TimeSource",
    "World",
    "WriteExample",
    "serve_forever",
]


def __dir__() -> list[str]:
    return __all__
