"""The result of one check."""

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
"""From best to worst."""

EXCHANGE, KEYS, MACHINE = "The exchange", "The keys", "This machine"
"""The sections of a diagnosis. Each key has a section of its own besides."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. It contains no secret.

    Attributes:
        section: The heading it is listed under.
        name: What was checked.
        about: The host or key; "" if there is only one.
        status: "ok", "note", "warning" or "failure".
        found: What was found, in a sentence.
        next_step: What to do; "" if nothing.
    """

    section: str
    name: str
    about: str = ""
    status: Status = "ok"
    found: str = ""
    next_step: str = ""

    def __post_init__(self) -> None:
        # They quote names of files, hosts and processes, and messages of the exchange.
        for name in ("section", "name", "about", "found", "next_step"):
            object.__setattr__(self, name, printable(getattr(self, name)))


def run_check(section: str, name: str, run: Callable[[], Iterable[Check]], *, about: str = "") -> list[Check]:
    """Run a check; if it raises, add a warning that says so, so that the other checks still run.

    Args:
        section: As in `Check`.
        name: As in `Check`.
        run: Returns the results.
        about: As in `Check`.
    """
    checks: list[Check] = []
    outside = sys.exception()
    try:
        checks.extend(run())
    except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
        let_through(error, outside)
        found = f"The check could not be run: {_reason(error)}."
        step = "Fix the cause, or run the doctor again later."
        checks.append(Check(section, name, about, "warning", found, step))
    return checks


def _reason(error: Exception) -> str:
    """What went wrong. Texts of other libraries' errors may contain a signed URL, and are left out."""
    if isinstance(error, ToolkitError):
        return str(error).removesuffix(" Nothing was sent.").rstrip(".")
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def worst(checks: Iterable[Check]) -> Status:
    """The worst status of some checks."""
    return max((check.status for check in checks), key=STATUSES.index, default="ok")


def joined(names: Iterable[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def utc_text(time: datetime) -> str:
    """A time in UTC, as text."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
