"""A strict exchange on the user's own machine, for learning, demos, tests and offline work.

`Sandbox` runs one on 127.0.0.1; `Exchange` is its rules without sockets; `World` is what there is.
"""

from __future__ import annotations

from toolkit.sandbox.clock import Clock, SystemClock
from toolkit.sandbox.effects import Effect
from toolkit.sandbox.exchange import Exchange, LogEntry
from toolkit.sandbox.faults import Faults
from toolkit.sandbox.keys import Key
from toolkit.sandbox.limits import Window
from toolkit.sandbox.messages import Answer, Delivery, Headers, Request
from toolkit.sandbox.server import Sandbox, serve_forever
from toolkit.sandbox.world import World, WriteExample
from toolkit.sandbox.world.tables import ListTable, Table

__all__ = [
    "Answer",
    "Clock",
    "Delivery",
    "Effect",
    "Exchange",
    "Faults",
    "Headers",
    "Key",
    "ListTable",
    "LogEntry",
    "Request",
    "Sandbox",
    "SystemClock",
    "Table",
    "Window",
    "World",
    "WriteExample",
    "serve_forever",
]


def __dir__() -> list[str]:
    return __all__
