"""Paths of the package's files: the folder depends on the environment, the name on the exchange."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
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
"""Environment variable: the folder of the rate-limit files (to share them between users), or "off"."""

JOURNAL = "TOOLKIT_JOURNAL"
"""Environment variable: the folder of the journals."""

CONFIG = "TOOLKIT_CONFIG"
"""Environment variable: the folder of the profiles."""

ACCOUNTS = "TOOLKIT_ACCOUNTS"
"""Environment variable: the folder of the files with the accounts of API keys, or "off" to look none up."""

_APPLICATION = "binance-link-toolkit"
_RATE_LIMITS_FILE = "rate-limits-"
_JOURNAL_FILE = "journal-"
_ACCOUNTS_FILE = "accounts-"
_PRICES_FOLDER = "prices-"
_SANDBOX = "sandbox-"
_SANDBOX_KEPT_S = 86_400.0


# -- folders ---------------------------------------------------------------------------------------------


def config_folder() -> Path:
    """Return the folder of the profiles.

    Raises:
        RuntimeError: There is no home folder.
    """
    named = _variable(CONFIG)
    if named:
        return Path(named).expanduser().absolute()
    return platformdirs.user_config_path(_APPLICATION, appauthor=False).expanduser()


def rate_limits_folder() -> Path:
    """Return the folder of the rate-limit files.

    Raises:
        RuntimeError: There is no home folder.
        OSError: The current folder was deleted.
    """
    named = _variable(RATE_LIMITS)
    return Path(named).expanduser().absolute() if named else _state_folder()


def _journal_folder(given: str | Path | None) -> Path:
    named = str(given or _variable(JOURNAL)).strip()
    try:
        path = Path(named).expanduser() if named else _state_folder()
    except RuntimeError:  # raised by pathlib and platformdirs
        raise JournalError(
            f"There is no home folder for the journal of writes. Set {JOURNAL} to a folder. Nothing was sent."
        ) from None
    if not given and not path.is_absolute():
        raise JournalError(
            f"{JOURNAL} is a relative path, {named!r}: a program started in another folder would use another "
            "journal and not know what was sent. Set it to an absolute path. Nothing was sent."
        )
    outside = sys.exception()
    try:
        return Path(os.path.realpath(path))  # one name for each file, whatever links lead to it
    except OSError as error:  # the current folder was deleted
        let_through(error, outside)
        raise JournalError(
            f"The folder {named!r} of the journal of writes cannot be found ({error.strerror}). Nothing was "
            "sent."
        ) from None


def _state_folder() -> Path:
    return platformdirs.user_state_path(_APPLICATION, appauthor=False).expanduser()


def _variable(variable: str) -> str:
    return os.environ.get(variable, "").strip()


# -- files -----------------------------------------------------------------------------------------------


def rate_limit_file(hosts: Mapping[Host, str], sandbox: str | None) -> Path | None:
    """Return the rate-limit file of one exchange; None where sharing is off.

    Args:
        hosts: Base address of each host. Alternative addresses of a host count as the same.
        sandbox: Id of the sandbox, None for a real exchange.

    Raises:
        RuntimeError: There is no home folder.
        OSError: The current folder was deleted.
    """
    if _variable(RATE_LIMITS).lower() == "off":
        return None
    folder = rate_limits_folder()
    # The home folder may be on the network, and machines must not share a file. An explicit folder is used as
    # is.
    own_machine = "" if _variable(RATE_LIMITS) else machine.name_for(folder)
    kind = "" if sandbox is None else _SANDBOX
    name = file_stem(hosts, sandbox or "", own_machine)
    # The name includes the format, so that two versions of the package on one machine use separate files.
    return folder / f"{_RATE_LIMITS_FILE}{kind}{name}.v{formats.RATE_LIMITS}.sqlite"


def earlier_rate_limit_files(hosts: Mapping[Host, str]) -> list[Path]:
    """Return the paths where an earlier version may have kept the rate limits of a real exchange."""
    found: dict[Path, None] = {}
    for named in (_variable(earlier.RATE_LIMITS_VARIABLE), _variable(RATE_LIMITS), ""):
        if named.lower() == "off":
            continue
        with suppress(RuntimeError):  # no such home folder
            folder = Path(named).expanduser().absolute() if named else _state_folder()
            name = file_stem(hosts, "", "" if named else machine.name_for(folder))
            found[folder / earlier.RATE_LIMITS_FILE.format(name)] = None
    return list(found)


def other_versions(path: Path) -> list[Path]:
    """Return the rate-limit files of the same exchange in the same folder that have other formats."""
    stem = path.name.rpartition(".v")[0]
    names = [f"{stem}.v*.sqlite", earlier.RATE_LIMITS_FILE.format(stem.removeprefix(_RATE_LIMITS_FILE))]
    return sorted(each for name in names for each in path.parent.glob(name) if each != path)


def journal_file(hosts: Mapping[Host, str], sandbox: str | None, folder: str | Path | None) -> Path:
    """Return the journal file of one exchange.

    Args:
        hosts: Base address of each host. Alternative addresses of a host count as the same.
        sandbox: Id of the sandbox, None for a real exchange.
        folder: Its folder, None for the one that the environment names or the user's state folder.

    Raises:
        JournalError: There is no folder for it. Nothing was sent.
    """
    where = _journal_folder(folder)
    name = file_stem(hosts, sandbox or "")
    if sandbox is None:
        return where / f"{_JOURNAL_FILE}{name}.sqlite"
    _delete_old_sandboxes(where, f"{_JOURNAL_FILE}{_SANDBOX}", users.delete_if_unused)
    return where / f"{_JOURNAL_FILE}{_SANDBOX}{name}.sqlite"


def looks_accounts_up() -> bool:
    """Whether reads look up the account of their API key."""
    return _variable(ACCOUNTS).lower() != "off"


def accounts_file(hosts: Mapping[Host, str], sandbox: str | None) -> Path | None:
    """Return the file with the accounts of API keys of one exchange; None where there is no folder for it.

    Args:
        hosts: Base address of each host. Alternative addresses of a host count as the same.
        sandbox: Id of the sandbox, None for a real exchange.
    """
    folder = None
    # The home folder cannot be found, or the current folder was deleted.
    with forgiving(RuntimeError, OSError):
        named = _variable(ACCOUNTS)
        is_folder = named and looks_accounts_up()
        folder = Path(named).expanduser().absolute() if is_folder else _state_folder()
    if folder is None:
        return None
    name = file_stem(hosts, sandbox or "")
    if sandbox is None:
        return folder / f"{_ACCOUNTS_FILE}{name}.json"
    _delete_old_sandboxes(folder, f"{_ACCOUNTS_FILE}{_SANDBOX}", _delete_all, suffix=".json")
    return folder / f"{_ACCOUNTS_FILE}{_SANDBOX}{name}.json"


def prices_folder(hosts: Mapping[Host, str], sandbox: str | None) -> Path | None:
    """Return the folder with the kept prices of one exchange; None where there is no place for it.

    Args:
        hosts: Base address of each host. Alternative addresses of a host count as the same.
        sandbox: Id of the sandbox, None for a real exchange.
    """
    # The name includes the format, so that two versions of the package use separate files.
    version = f".v{formats.PRICES}"
    with forgiving(RuntimeError, OSError):
        state = _state_folder()
        if sandbox is None:
            return state / f"{_PRICES_FOLDER}{file_stem(hosts)}{version}"
        _delete_old_sandboxes(state, f"{_PRICES_FOLDER}{_SANDBOX}", shutil.rmtree, suffix=version)
        return state / f"{_PRICES_FOLDER}{_SANDBOX}{file_stem(hosts, sandbox)}{version}"
    return None


def file_stem(hosts: Mapping[Host, str], *more: str) -> str:
    """Return the stem of file names for one exchange: its host name and a digest.

    Args:
        hosts: Base address of each host. Alternative addresses of a host count as the same.
        more: Further text for the digest.
    """
    addresses = {name: ALTERNATES.get(address, address) for name, address in hosts.items()}
    whole = [f"{name} {address}" for name, address in sorted(addresses.items())]
    shown = re.sub(r"[^A-Za-z0-9.]+", "-", urlsplit(addresses["api"]).netloc).strip("-")
    digest = hashlib.sha256("\n".join([*whole, *more]).encode()).hexdigest()[:12]
    return f"{shown}-{digest}"


def renamed_variables(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield a sentence for each environment variable that is set under its earlier name."""
    for old, new in {earlier.RATE_LIMITS_VARIABLE: RATE_LIMITS}.items():
        if environment.get(old):
            yield f"{old} is set, but it is no longer read: it is called {new} now. Set {new} instead."


# -- opening and deleting rate-limit files -----------------------------------------------------------------


@contextmanager
def locked_for_opening(path: Path) -> Iterator[None]:
    """Lock a rate-limit file while it is opened or set aside, and create it where it does not exist.

    Old sandbox files in its folder are deleted.

    Raises:
        OSError: The file or its lock cannot be opened or created.
    """
    files.make_folder(path.parent)
    # In a folder that other users may write to, they may write to its files too.
    mode = files.OWNER_ONLY | path.parent.stat().st_mode & 0o066
    with files.locked(path, mode=mode, shared=True) as descriptor:
        with forgiving(OSError):
            os.utime(descriptor)  # marks the file as used
        for prefix in (f"{_RATE_LIMITS_FILE}{_SANDBOX}", earlier.RATE_LIMITS_SANDBOX):
            _delete_old_sandboxes(path.parent, prefix, _delete_all)
        with suppress(
            FileExistsError
        ):  # an existing file is not opened: closing it would release SQLite's locks
            os.close(files.make(path, mode=mode))  # companion files get the same mode
        yield


def _delete_old_sandboxes(
    folder: Path, prefix: str, delete: Callable[[Path], None], *, suffix: str = ".sqlite"
) -> None:
    """Delete the files of sandboxes that have not been used for a day."""
    old = time.time() - _SANDBOX_KEPT_S
    with forgiving(OSError):  # an impossible folder name
        for name in {each.name.partition(suffix)[0] for each in folder.glob(f"{prefix}*")}:
            with forgiving(OSError):  # already deleted, or another user's
                found = list(folder.glob(f"{name}{suffix}*"))  # an unfinished glob keeps the folder open
                if max((os.lstat(each).st_mtime for each in found), default=old) < old:
                    delete(folder / f"{name}{suffix}")


def _delete_all(path: Path) -> None:
    """Delete a file and its companion files."""
    for each in list(path.parent.glob(f"{path.name}*")):
        each.unlink()
