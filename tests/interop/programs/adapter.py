"""The common part of the client programs: calls in, responses out. It uses nothing of the toolkit.

A program runs in its client's own environment; its one argument is the client's distribution. It reads the
calls as JSON from stdin and prints the responses. The client itself makes, signs and sends the requests, and
parses the responses.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

Send = Callable[[dict[str, str]], Any]


@dataclass(frozen=True)
class ClientAdapter:
    """A connected client.

    Attributes:
        find: Returns the client's own function for a method and path, and for whether the request is signed;
            None if it has none.
        code: Returns the exchange's error code of an exception of the client, None for other errors.
    """

    find: Callable[[str, str, bool], Send | None]
    code: Callable[[Exception], int | None]


def allow_loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] != "127.0.0.1":
        raise RuntimeError(f"a client connects to {arguments[1]}")


def main(connect: Callable[[str, str, str, int], ClientAdapter]) -> None:
    """Make the calls read from stdin, and print the responses.

    Args:
        connect: Returns a client for an address, a key, a secret (or private key in PEM), and the number of
            milliseconds that its clock is behind.
    """
    sys.addaudithook(allow_loopback_only)
    if importlib.util.find_spec("toolkit") is not None:
        raise RuntimeError("a client must not be able to import the toolkit")
    out, sys.stdout = sys.stdout, sys.stderr
    job = json.load(sys.stdin)
    connected = cache(connect)
    responses: dict[str, dict[str, Any]] = {}
    for call in job["calls"]:
        adapter = connected(job["address"], call["key"], call["secret"], call["behind_ms"])
        send = adapter.find(call["method"], call["path"], call["signed"])
        responses[call["name"]] = (
            {"unknown": True} if send is None else _respond(adapter, send, call["params"])
        )
    json.dump({"version": importlib.metadata.version(sys.argv[1]), "responses": responses}, out)


def _respond(adapter: ClientAdapter, send: Send, params: dict[str, str]) -> dict[str, Any]:
    try:
        return {"response": send(params)}
    except Exception as error:
        return {"code": adapter.code(error), "error": f"{type(error).__name__}: {error}"}
