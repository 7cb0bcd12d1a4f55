"""Runs commands of the toolkit on a terminal, each in its own process, and types answers."""

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
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class CommandResult:
    """The exit status of a command, and everything on its screen."""

    status: int | None
    shown: str


def command(
    *arguments: str,
    typed: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    once_typed: Callable[[], object] = lambda: None,
) -> CommandResult:
    """Run `python -m toolkit` with these arguments, and type a line at each prompt.

    Args:
        arguments: Its arguments.
        typed: The lines.
        environment: Its whole environment; that of the tests if not given.
        folder: Its working folder.
        once_typed: Called after each line.
    """
    pexpect = pytest.importorskip("pexpect")
    from pexpect import fdpexpect

    settings = dict(environment or os.environ), str(folder or os.getcwd())
    screen, keyboard = os.openpty()
    here, there = forked().Pipe()
    process = forked().Process(
        target=_run,
        args=(there, os.ttyname(keyboard), arguments, *settings),
    )
    process.start()
    here.recv()  # it has opened its terminal, which closes when it ends
    os.close(keyboard)
    terminal = fdpexpect.fdspawn(screen, encoding="utf-8", timeout=TIMEOUT_S)
    shown = terminal.logfile_read = io.StringIO()
    try:
        for line in typed:
            terminal.expect(QUESTION)
            terminal.sendline(line)
            once_typed()
        terminal.expect(pexpect.EOF)
        process.join(TIMEOUT_S)
    finally:
        process.kill()
        terminal.close()
    return CommandResult(process.exitcode, shown.getvalue().replace("\r", ""))


def _run(
    ready: Connection,
    terminal: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str | Path,
) -> None:
    """Set up this process and run the command."""
    os.setsid()
    device = os.open(terminal, os.O_RDWR)  # the first one becomes the controlling terminal
    for number in (0, 1, 2):
        os.dup2(device, number)
    os.close(device)
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
