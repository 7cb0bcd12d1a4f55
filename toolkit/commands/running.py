"""What the commands for cron have in common: exit statuses, one line or one JSON object, links and locks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn

import click

from toolkit.analytics.periods import Period
from toolkit.client import Link
from toolkit.demo import demo
from toolkit.errors import ToolkitError, UsageError
from toolkit.exports.formats import resolve
from toolkit.exports.writing import check_target
from toolkit.frames.builder import Numbers
from toolkit.storage.files import locked
from toolkit.text.printable import printable

Status = Literal["complete", "failed", "refused", "incomplete", "in use"]

EXIT_STATUSES: Mapping[Status, int] = {"complete": 0, "failed": 1, "refused": 2, "incomplete": 3, "in use": 4}
PLACE_OF_PERIOD = "{period}"


class InUseError(Exception):
    """Another command is writing the file."""


class Report:
    """What a command prints on stdout: one line, or one JSON object.

    Args:
        command: Its name.
        as_json: Whether it prints JSON.
    """

    def __init__(self, command: str, *, as_json: bool) -> None:
        self._command = command
        self._as_json = as_json

    def run(self, work: Callable[[], tuple[str, Mapping[str, Any]]]) -> NoReturn:
        """Do the work of the command, print what came of it, and end with its exit status.

        Args:
            work: Does it; returns the line, and the content of the JSON object with `complete` and `missing`.
        """
        try:
            line, content = work()
        except InUseError as error:
            self._fail("in use", str(error))
        except UsageError as error:
            self._fail("refused", str(error))
        except ToolkitError as error:
            self._fail("failed", str(error))
        status: Status = "complete" if content["complete"] else "incomplete"
        if self._as_json:
            self._print_json(status, content)
        else:
            click.echo(printable(f"{line}, {status}"))
        if status == "incomplete":
            click.echo(printable(f"Missing: {json.dumps(content['missing'], ensure_ascii=False)}"), err=True)
        raise SystemExit(EXIT_STATUSES[status])

    def _fail(self, status: Status, message: str) -> NoReturn:
        if self._as_json:
            self._print_json(status, {"error": message})
        click.echo("Error: " + printable(message, keep="\n"), err=True)
        raise SystemExit(EXIT_STATUSES[status])

    def _print_json(self, status: Status, content: Mapping[str, Any]) -> None:
        said = {
            "command": self._command,
            "status": status,
            "exit_status": EXIT_STATUSES[status],
            **content,
        }
        click.echo(json.dumps(said))  # in ASCII, whatever the locale of cron


def described(period: Period) -> dict[str, str | bool]:
    """A period as in the JSON object of a command."""
    return {**period.to_dict(), "label": period.label}


def open_link(profile: str | None, *, in_demo: bool, numbers: Numbers) -> Link:
    """The Link of a command; it shows a progress bar only in a terminal.

    Raises:
        UsageError: Both a profile and the sandbox are asked for, or there is no key that can be used.
    """
    progress = sys.stderr is not None and sys.stderr.isatty()
    if not in_demo:
        return Link(profile, numbers=numbers, progress=progress)
    if profile is not None:
        raise UsageError("--profile is for the real exchange, --demo for the sandbox: give one of the two.")
    return demo(numbers=numbers, progress=progress)


@contextmanager
def target_of(out: str, period: Period | None) -> Iterator[Path]:
    """The file to write, locked against other commands.

    The lock is a file beside it that stays. It is taken before anything is sent.

    Args:
        out: Its path, in which `{period}` is replaced.
        period: The period that the file is for.

    Raises:
        InUseError: Another command is writing it.
        UsageError: The path cannot be used.
        ToolkitError: The lock cannot be made.
    """
    if PLACE_OF_PERIOD in out:
        if period is None:
            raise UsageError("--out has {period}, which needs --period.")
        out = out.replace(PLACE_OF_PERIOD, period.label)
    try:
        target, _ = resolve(out)
        check_target(target, overwrite=True)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}.") from None
    with ExitStack() as held:
        try:
            held.enter_context(locked(target, wait_s=0))
        except BlockingIOError:
            raise InUseError(
                f"Another command is writing {target.name}; this one has not touched it, and sent nothing."
            ) from None
        except OSError as error:
            raise UsageError(
                f"{target.name} cannot be locked: {error.strerror or error}. Its lock is {target.name}.lock, "
                "in the same folder. Nothing was sent."
            ) from None
        yield target


def listed(texts: Sequence[str], most: int = 10) -> str:
    """Texts in one line: the first ones, and how many more there are."""
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return ", ".join([*texts[:most], *more])
