"""Where the journal of an exchange lies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from toolkit.catalogue import Host
from toolkit.errors import JournalError
from toolkit.interruptions import forgiving, let_through
from toolkit.operations.journal_file import forget
from toolkit.wire.ledger.place import exchange_name

VARIABLE = "TOOLKIT_JOURNAL"
"""Environment variable: a folder for the journals."""

_SANDBOX = "journal-sandbox-"
_SANDBOX_KEPT = 86_400.0


def journal_file(hosts: Mapping[Host, str], sandbox: str | None, folder: str | Path | None) -> Path:
    """The file of one exchange's journal.

    Args:
        hosts: Base address of each host. What the exchange calls the same host counts as the same.
        sandbox: Which sandbox it is, None for a real exchange.
        folder: Where it lies, None for the environment's or the user's state folder.

    Raises:
        JournalError: There is no folder for it.
    """
    place = _folder(folder)
    name = exchange_name(hosts, sandbox or "")
    if sandbox is None:
        return place / f"journal-{name}.sqlite"
    _forget_sandboxes(place)
    return place / f"{_SANDBOX}{name}.sqlite"


def _folder(given: str | Path | None) -> Path:
    named = str(given or os.environ.get(VARIABLE, "")).strip()
    try:
        if named:
            path = Path(named).expanduser()
        else:
            path = platformdirs.user_state_path("binance-link-toolkit", appauthor=False).expanduser()
    except RuntimeError:  # so do pathlib and platformdirs say it
        raise JournalError(
            f"There is no home folder for the journal of writes: name one in {VARIABLE}. Nothing was sent."
        ) from None
    if not given and not path.is_absolute():
        raise JournalError(
            f"{VARIABLE} names a folder by a relative path, {named!r}: a program that is started elsewhere "
            "would keep another journal there, which does not know what was done. Give its whole path. "
            "Nothing was sent."
        )
    outside = sys.exception()
    try:
        return Path(os.path.realpath(path))  # one file has one name, however it was come by
    except OSError as error:  # the folder that this process is in was deleted
        let_through(error, outside)
        raise JournalError(
            f"The folder {named!r} for the journal of writes cannot be found ({error.strerror}). Nothing was "
            "sent."
        ) from None


def _forget_sandboxes(folder: Path) -> None:
    """Delete the journals of sandboxes that nobody has used for a day, and no living kernel has open."""
    old = time.time() - _SANDBOX_KEPT
    with forgiving(OSError):  # such a name no folder can have
        for path in folder.glob(f"{_SANDBOX}*.sqlite"):
            with forgiving(OSError):
                if os.lstat(path).st_mtime < old:
                    forget(path)
