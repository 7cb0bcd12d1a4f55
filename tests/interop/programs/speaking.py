"""What the client programs have in common: questions in, answers out. Nothing of the toolkit's is here.

A program runs in its client's own environment; its one argument is the distribution it speaks to. It is
told on stdin what to ask, as JSON, and prints what came back. How a request is made, signed and sent, and
how an answer is read, is the client's affair.
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

Ask = Callable[[dict[str, str]], Any]


@dataclass(frozen=True)
class Speaker:
    """A client, ready to ask.

    Attributes:
        find: The client's own way to ask a method and path, given parameters; None where it has none.
        code: The exchange's error code in what the client raised; None where it is another error.
    """

    find: Callable[[str, str], Ask | None]
    code: Callable[[Exception], int | None]


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] != "127.0.0.1":
        raise RuntimeError(f"a client reaches for {arguments[1]}")


def speak(connect: Callable[[str, str, str, int], Speaker]) -> None:
    """Ask what stdin says, and print what came back.

    Args:
        connect: Makes a client from address, key, secret (or private key in PEM) and how many ms its
            clock is to be behind.
    """
    sys.addaudithook(_stay_here)
    if importlib.util.find_spec("toolkit") is not None:
        raise RuntimeError("a client must not be able to import the toolkit")
    out, sys.stdout = sys.stdout, sys.stderr
    asked = json.load(sys.stdin)
    connected = cache(connect)
    answers: dict[str, dict[str, Any]] = {}
    for call in asked["calls"]:
        speaker = connected(asked["address"], call["key"], call["secret"], call["behind_ms"])
        answers[call["name"]] = _answer(speaker, call["method"], call["path"], call["params"])
    json.dump({"version": importlib.metadata.version(sys.argv[1]), "answers": answers}, out)


def _answer(speaker: Speaker, method: str, path: str, params: dict[str, str]) -> dict[str, Any]:
    ask = speaker.find(method, path)
    if ask is None:
        return {"unknown": True}
    try:
        return {"answer": ask(params)}
    except Exception as error:
        return {"code": speaker.code(error), "error": f"{type(error).__name__}: {error}"}
