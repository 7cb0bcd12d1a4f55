"""Programs in separate processes, forked from one that has already done the slow imports."""

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

_PRELOADED = ["toolkit.__main__", "toolkit.auth.keys", "toolkit.client", "toolkit.sandbox.server"]


@cache
def forked() -> Any:
    """The fork server: started when it is first needed, and without threads."""
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


class Program:
    """A program with pipes for its standard input and output.

    Args:
        main: Its function, at the top level of a module.
        arguments: Its arguments.
        env: Its whole environment.

    Attributes:
        stdin: Its standard input.
        stdout: Its standard output.
    """

    def __init__(self, main: Callable[..., object], *arguments: object, env: Mapping[str, str]) -> None:
        reads, writes = _pipe(), _pipe()
        self._process = forked().Process(
            target=_be, args=(reads[0], writes[1], main, arguments, dict(env)), daemon=True
        )
        self._process.start()
        reads[0].close()
        writes[1].close()
        self.stdin = os.fdopen(_file_descriptor(reads[1]), "w")
        self.stdout = os.fdopen(_file_descriptor(writes[0]))

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def communicate(self, timeout: float) -> tuple[str, int]:
        """Close its standard input; return the rest of its output, and its exit status."""
        self.close_stdin()
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it does not end"
        output = self.stdout.read()
        self.stdout.close()
        return output, self._process.exitcode

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL, if it has not ended, and close the pipes."""
        self._process.kill()
        self._process.join()
        self.close_stdin()
        self.stdout.close()

    def close_stdin(self) -> None:
        """Close its standard input."""
        with suppress(BrokenPipeError):
            self.stdin.close()


def _pipe() -> tuple[Connection, Connection]:
    here, there = os.pipe()
    return Connection(here, writable=False), Connection(there, readable=False)


def _file_descriptor(connection: Connection) -> int:
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
    """Set up this process and run the program."""
    for number, pipe in enumerate((reads, writes)):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    main(*arguments)
