"""The commands on a terminal of their own, where somebody types.

Each runs in a process of its own.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.support.programs import forked

QUESTION = "(API key|Secret|Passphrase|Repeat the passphrase|passphrase of the private key): "
PATIENCE = 60.0


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit status, and everything on its screen."""

    status: int | None
    shown: str


def command(
    *arguments: str,
    typed: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    once_typed: Callable[[], object] = lambda: None,
) -> Ran:
    """Run `python -m toolkit` with these arguments, and type these lines where it asks.

    Args:
        arguments: Its arguments.
        typed: The lines.
        environment: Its whole environment; that of the tests where it is left out.
        folder: Where it runs.
        once_typed: Done after each line.
    """
    pexpect = pytest.importorskip("pexpect")
    from pexpect import fdpexpect

    surroundings = dict(environment or os.environ), str(folder or os.getcwd())
    screen, keyboard = os.openpty()
    here, there = forked().Pipe()
    process = forked().Process(
        target=_run,
        args=(there, os.ttyname(keyboard), arguments, *surroundings),
    )
    process.start()
    here.recv()  # it has opened its terminal, which ends with it
    os.close(keyboard)
    terminal = fdpexpect.fdspawn(screen, encoding="utf-8", timeout=PATIENCE)
    shown = terminal.logfile_read = io.StringIO()
    try:
        for line in typed:
            terminal.expect(QUESTION)
            terminal.sendline(line)
            once_typed()
        terminal.expect(pexpect.EOF)
        process.join(PATIENCE)
    finally:
        process.kill()
        terminal.close()
    return Ran(process.exitcode, shown.getvalue().replace("\r", ""))


def _run(
    ready: Connection,
    terminal: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str | Path,
) -> None:
    """Be the command."""
    os.setsid()
    line = os.open(terminal, os.O_RDWR)  # a session's first terminal is the one that controls it
    for number in (0, 1, 2):
        os.dup2(line, number)
    os.close(line)
    ready.send(None)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from toolkit.__main__ import main

    try:
        main(arguments, prog_name="python -m toolkit")
    finally:
        with suppress(OSError):
            sys.stdout.flush()
