"""Programs as processes of their own, each forked from one that has imported beforehand what takes long."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from tests.support.paths import ROOT

_BEFOREHAND = ["toolkit.__main__", "toolkit.auth.keys", "toolkit.client", "toolkit.sandbox.server"]


@cache
def forked() -> Any:
    """Where processes come from: one that is started when it is first needed, and has no threads."""
    context = get_context("forkserver")
    context.set_forkserver_preload(_BEFOREHAND)
    return context


class Program:
    """A program that is spoken to through pipes.

    Args:
        main: What it does, at the top of a module.
        arguments: Its arguments.
        env: The whole of its environment.

    Attributes:
        stdin: What it reads.
        stdout: What it writes.
    """

    def __init__(self, main: Callable[..., object], *arguments: object, env: Mapping[str, str]) -> None:
        reads, writes = _pipe(), _pipe()
        self._process = forked().Process(
            target=_be, args=(reads[0], writes[1], main, arguments, dict(env)), daemon=True
        )
        self._process.start()
        reads[0].close()
        writes[1].close()
        self.stdin = os.fdopen(_taken(reads[1]), "w")
        self.stdout = os.fdopen(_taken(writes[0]))

    @property
    def pid(self) -> int:
        """Its number."""
        return int(self._process.pid)

    def communicate(self, patience: float) -> tuple[str, int]:
        """Close what it reads; the little that it writes until it ends, and its exit status."""
        self.close_stdin()
        self._process.join(patience)
        assert self._process.exitcode is not None, "it does not end"
        said = self.stdout.read()
        self.stdout.close()
        return said, self._process.exitcode

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL: nothing of its own runs any more. Nothing happens where it has ended."""
        self._process.kill()
        self._process.join()
        self.close_stdin()
        self.stdout.close()

    def close_stdin(self) -> None:
        """It reads no more."""
        with suppress(BrokenPipeError):
            self.stdin.close()


def _pipe() -> tuple[Connection, Connection]:
    here, there = os.pipe()
    return Connection(here, writable=False), Connection(there, readable=False)


def _taken(connection: Connection) -> int:
    number = os.dup(connection.fileno())
    connection.close()
    return number


def _be(
    reads: Connection,
    writes: Connection,
    main: Callable[..., object],
    arguments: tuple[object, ...],
    environment: Mapping[str, str],
) -> None:
    """Be the program."""
    for number, pipe in enumerate((reads, writes)):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    main(*arguments)
