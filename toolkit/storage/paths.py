"""Where each file of ours lies: folders by the environment or by the system, names by the exchange."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from toolkit.endpoints import ALTERNATES, Host
from toolkit.errors import JournalError
from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.storage import earlier, files, formats, machine, users

RATE_LIMITS = "TOOLKIT_RATE_LIMITS"
"""Environment variable: a folder for the state of the rate limits (to share it between users), or "off"."""

JOURNAL = "TOOLKIT_JOURNAL"
"""Environment variable: a folder for the journals."""

CONFIG = "TOOLKIT_CONFIG"
"""Environment variable: the folder of the profiles."""

_APPLICATION = "binance-link-toolkit"
_RATE_LIMITS_FILE = "rate-limits-"
_JOURNAL_FILE = "journal-"
_SANDBOX = "sandbox-"
_SANDBOX_KEPT = 86_400.0


# -- folders ---------------------------------------------------------------------------------------------


def config_folder() -> Path:
    """The folder of the profiles.

    Raises:
        RuntimeError: There is no home folder.
    """
    named = _said(CONFIG)
    if named:
        return Path(named).expanduser().absolute()
    return platformdirs.user_config_path(_APPLICATION, appauthor=False).expanduser()


def rate_limits_folder() -> Path:
    """The folder of the state of the rate limits of all exchanges.

    Raises:
        RuntimeError: There is no home folder.
        OSError: The folder that this process is in was deleted.
    """
    named = _said(RATE_LIMITS)
    return Path(named).expanduser().absolute() if named else _state_folder()


def _journal_folder(given: str | Path | None) -> Path:
    named = str(given or _said(JOURNAL)).strip()
    try:
        path = Path(named).expanduser() if named else _state_folder()
    except RuntimeError:  # so do pathlib and platformdirs say it
        raise JournalError(
            f"There is no home folder for the journal of writes: name one in {JOURNAL}. Nothing was sent."
        ) from None
    if not given and not path.is_absolute():
        raise JournalError(
            f"{JOURNAL} names a folder by a relative path, {named!r}: a program that is started elsewhere "
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


def _state_folder() -> Path:
    return platformdirs.user_state_path(_APPLICATION, appauthor=False).expanduser()


def _said(variable: str) -> str:
    return os.environ.get(variable, "").strip()


# -- files -----------------------------------------------------------------------------------------------


def rate_limit_file(hosts: Mapping[Host, str], sandbox: str | None) -> Path | None:
    """The file of the rate limits of one exchange; None where the user wants none.

    Args:
        hosts: Base address of each host. What the exchange calls the same host counts as the same.
        sandbox: Which sandbox it is, None for a real exchange.

    Raises:
        RuntimeError: There is no home folder.
        OSError: The folder that this process is in was deleted.
    """
    if _said(RATE_LIMITS).lower() == "off":
        return None
    folder = rate_limits_folder()
    # A home folder may be on the network, and machines must not share a file; who names a folder knows.
    ours = "" if _said(RATE_LIMITS) else machine.name(folder)
    kind = "" if sandbox is None else _SANDBOX
    name = file_stem(hosts, sandbox or "", ours)
    # Another format is another file: two versions of the package on one machine leave each other's alone.
    return folder / f"{_RATE_LIMITS_FILE}{kind}{name}.v{formats.RATE_LIMITS}.sqlite"


def earlier_ledger_files(hosts: Mapping[Host, str]) -> list[Path]:
    """Where the version before may have kept the state of the rate limits of a real exchange."""
    found: dict[Path, None] = {}
    for named in (_said(earlier.RATE_LIMITS_VARIABLE), _said(RATE_LIMITS), ""):
        if named.lower() == "off":
            continue
        with suppress(RuntimeError):  # there is no such home
            folder = Path(named).expanduser().absolute() if named else _state_folder()
            name = file_stem(hosts, "", "" if named else machine.name(folder))
            found[folder / earlier.RATE_LIMITS_FILE.format(name)] = None
    return list(found)


def other_versions(path: Path) -> list[Path]:
    """Files of the rate limits of the same exchange, in the same folder, of other formats than ours."""
    stem = path.name.rpartition(".v")[0]
    names = [f"{stem}.v*.sqlite", earlier.RATE_LIMITS_FILE.format(stem.removeprefix(_RATE_LIMITS_FILE))]
    return sorted(each for name in names for each in path.parent.glob(name) if each != path)


def journal_file(hosts: Mapping[Host, str], sandbox: str | None, folder: str | Path | None) -> Path:
    """The file of one exchange's journal.

    Args:
        hosts: Base address of each host. What the exchange calls the same host counts as the same.
        sandbox: Which sandbox it is, None for a real exchange.
        folder: Where it lies, None for the environment's or the user's state folder.

    Raises:
        JournalError: There is no folder for it.
    """
    where = _journal_folder(folder)
    name = file_stem(hosts, sandbox or "")
    if sandbox is None:
        return where / f"{_JOURNAL_FILE}{name}.sqlite"
    _forget_sandboxes(where, f"{_JOURNAL_FILE}{_SANDBOX}", users.delete_unless_used)
    return where / f"{_JOURNAL_FILE}{_SANDBOX}{name}.sqlite"


def file_stem(hosts: Mapping[Host, str], *more: str) -> str:
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


def renamed_variables(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A sentence for each variable of the environment that is set under the name it had before."""
    for old, new in {earlier.RATE_LIMITS_VARIABLE: RATE_LIMITS}.items():
        if environment.get(old):
            yield f"{old} is set and not read any more: it is called {new} now. Set that one instead."


# -- the rate limits' files, opened and forgotten ---------------------------------------------------------


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """While a file that users may share is opened, made or set aside: one process at a time.

    There is a file meanwhile.

    Raises:
        OSError: It cannot be had.
    """
    files.make_folder(path.parent)
    # In a folder that others may write to, its files are theirs as well.
    mode = files.OWNER_ONLY | path.parent.stat().st_mode & 0o066
    with files.locked(path, mode=mode, shared=True) as number:
        with forgiving(OSError):
            os.utime(number)  # in use
        for prefix in (f"{_RATE_LIMITS_FILE}{_SANDBOX}", earlier.RATE_LIMITS_SANDBOX):
            _forget_sandboxes(path.parent, prefix, _delete_all)
        with suppress(FileExistsError):  # closing one that SQLite has open would end its locks
            os.close(files.make(path, mode=mode))  # SQLite gives the files beside it the same mode
        yield


def _forget_sandboxes(folder: Path, prefix: str, delete: Callable[[Path], None]) -> None:
    """Delete the files of sandboxes that nobody has used for a day."""
    old = time.time() - _SANDBOX_KEPT
    with forgiving(OSError):  # such a name no folder can have
        for name in {each.name.partition(".sqlite")[0] for each in folder.glob(f"{prefix}*")}:
            with forgiving(OSError):  # gone already, or another user's
                found = list(folder.glob(f"{name}.sqlite*"))  # a glob left half-way leaves the folder open
                if max((os.lstat(each).st_mtime for each in found), default=old) < old:
                    delete(folder / f"{name}.sqlite")


def _delete_all(path: Path) -> None:
    """Delete a file, and what lies beside it under its name."""
    for each in list(path.parent.glob(f"{path.name}*")):
        each.unlink()
