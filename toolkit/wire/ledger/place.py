"""Where the ledger of an exchange lies."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from toolkit.catalogue import ALTERNATES, Host
from toolkit.interruptions import forgiving
from toolkit.storage import files, machine

VARIABLE = "TOOLKIT_LEDGER"
"""Environment variable: a folder for the ledgers (to share it between users), or "off"."""

SCHEMA = 1
_SANDBOX = "sandbox-"
_SANDBOX_KEPT = 86_400.0


def folder() -> Path:
    """The folder of all ledgers."""
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return Path(given).expanduser().absolute()
    return platformdirs.user_state_path("binance-link-toolkit", appauthor=False).expanduser()


def ledger_file(hosts: Mapping[Host, str], sandbox: str | None) -> Path | None:
    """The file of one exchange; None where the user wants none.

    Args:
        hosts: Base address of each host. What the exchange calls the same host counts as the same.
        sandbox: Which sandbox it is, None for a real exchange.
    """
    if os.environ.get(VARIABLE, "").strip().lower() == "off":
        return None
    where = folder()
    # A home folder may be on the network, and machines must not share a file; who names a folder knows.
    ours = "" if os.environ.get(VARIABLE, "").strip() else machine.name(where)
    kind = "" if sandbox is None else _SANDBOX
    name = exchange_name(hosts, sandbox or "", ours)
    # Another schema is another file: two versions of the package on one machine leave each other's alone.
    return where / f"{kind}{name}.v{SCHEMA}.sqlite"


def exchange_name(hosts: Mapping[Host, str], *more: str) -> str:
    """What files about one exchange are called: where it is, for people, and a digest of all that tells it.

    Args:
        hosts: Base address of each host. What the exchange calls the same host counts as the same.
        more: What else tells it from others.
    """
    addresses = {name: ALTERNATES.get(address, address) for name, address in hosts.items()}
    whole = [f"{name} {address}" for name, address in sorted(addresses.items())]
    shown = re.sub(r"[^A-Za-z0-9.]+", "-", urlsplit(addresses["api"]).netloc).strip("-")
    digest = hashlib.sha256("\n".join([*whole, *more]).encode()).hexdigest()[:12]
    return f"{shown}-{digest}"


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """While a file is opened, made or set aside: one process at a time. There is a file meanwhile.

    Raises:
        OSError: It cannot be had.
    """
    files.make_folder(path.parent)
    # In a folder that others may write to, its files are theirs as well.
    mode = files.OWNER_ONLY | path.parent.stat().st_mode & 0o066
    number = files.open_or_make(path.with_name(f"{path.name}.lock"), mode=mode, shared=True)
    try:
        files.lock(number)
        with forgiving(OSError):
            os.utime(number)  # in use
        _forget_sandboxes(path.parent)
        with suppress(FileExistsError):  # closing one that SQLite has open would end its locks
            os.close(files.make(path, mode=mode))  # SQLite gives the files beside it the same mode
        yield
    finally:
        os.close(number)


def _forget_sandboxes(folder: Path) -> None:
    """Delete the ledgers of sandboxes that nobody has used for a day."""
    old = time.time() - _SANDBOX_KEPT
    for name in {each.name.partition(".sqlite")[0] for each in folder.glob(f"{_SANDBOX}*")}:
        with forgiving(OSError):  # gone already, or another user's
            files = list(folder.glob(f"{name}.sqlite*"))
            if max((os.lstat(each).st_mtime for each in files), default=old) < old:
                for each in files:
                    each.unlink()
