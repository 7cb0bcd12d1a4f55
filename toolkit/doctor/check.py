"""One thing that was looked at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from toolkit.errors import ToolkitError
from toolkit.runtime.interruptions import let_through
from toolkit.text.printable import printable

Status = Literal["ok", "note", "warning", "failure"]

STATUSES: tuple[Status, ...] = ("ok", "note", "warning", "failure")
"""From good to bad."""

EXCHANGE, KEYS, MACHINE = "The exchange", "The keys", "This machine"
"""The parts of a diagnosis; each key is one more."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. Nothing secret is in it.

    Attributes:
        section: Under which heading it stands.
        name: What was looked at.
        about: At which host or key, "" where there is but one.
        status: What it means.
        found: What there is to say, a sentence.
        next_step: What to do, "" where nothing is to be done.
    """

    section: str
    name: str
    about: str = ""
    status: Status = "ok"
    found: str = ""
    next_step: str = ""

    def __post_init__(self) -> None:
        # Names of files, hosts and processes, and what the exchange said, are quoted in it.
        for name in ("section", "name", "about", "found", "next_step"):
            object.__setattr__(self, name, printable(getattr(self, name)))


def run_check(section: str, name: str, run: Callable[[], Iterable[Check]], *, about: str = "") -> list[Check]:
    """What a check found, and where it failed that it did: one must not cost the user all the others.

    Args:
        section: As in `Check`.
        name: As in `Check`.
        run: Makes the lines.
        about: As in `Check`.
    """
    checks: list[Check] = []
    outside = sys.exception()
    try:
        checks.extend(run())
    except Exception as error:  # noqa: BLE001 - whatever went wrong in it
        let_through(error, outside)
        found = f"It could not be looked at: {_reason(error)}."
        step = "Mend that, or run the doctor again in a while."
        checks.append(Check(section, name, about, "warning", found, step))
    return checks


def _reason(error: Exception) -> str:
    """What went wrong. The words of errors that are not ours may hold a signed address, and are left out."""
    if isinstance(error, ToolkitError):
        return str(error).removesuffix(" Nothing was sent.").rstrip(".")
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def worst(checks: Iterable[Check]) -> Status:
    """The worst verdict of all."""
    return max((check.status for check in checks), key=STATUSES.index, default="ok")


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them: "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def moment(time: datetime) -> str:
    """A time as a sentence has it."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
