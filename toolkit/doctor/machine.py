"""Check this machine: rate limits, journal, file permissions, versions, proxy and environment variables."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import ssl
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from pathlib import Path

from toolkit._version import __version__
from toolkit.doctor.check import MACHINE, Check, joined, run_check
from toolkit.errors import JournalError
from toolkit.gateway.connection import Connection
from toolkit.ratelimit.budget import Budget
from toolkit.runtime.interruptions import forgiving
from toolkit.storage import paths
from toolkit.writes.journal import Journal

_check = partial(Check, MACHINE)

_PACKAGE = "binance-link-toolkit"
_SHOWN_PACKAGES = ("pandas", "pyarrow", "requests", "urllib3", "cryptography")
_MINIMUM = re.compile(r"(?P<name>[\w.-]+)[^;]*?>=\s*(?P<minimum>[\d.]+)[^;]*")
# Every program started from this environment can read their values.
_SECRET_VARIABLES = {"TOOLKIT_KEY", "TOOLKIT_SECRET", "TOOLKIT_PASSPHRASE"}


def machine_checks(connection: Connection, sandbox: str | None, *, banned: bool) -> Iterator[Check]:
    """The files and the setup of this machine.

    Args:
        connection: The connection to check.
        sandbox: Id of the sandbox, None for the real exchange.
        banned: During a ban, a sandbox cannot be asked for its id.
    """
    files = [path for path in [connection.budget.path] if path is not None]

    def journal() -> Iterator[Check]:
        if banned and connection.source == "sandbox":
            found = "Not checked: during a ban, the sandbox cannot be asked for its id."
            yield _check("journal", status="note", found=found)
            return
        try:
            path = paths.journal_file(connection.session.hosts, sandbox, None)
        except JournalError as error:
            found = str(error).removesuffix(" Nothing was sent.")
            next_step = "Fix the cause. Without a journal, no write is sent."
            yield _check("journal", status="warning", found=found, next_step=next_step)
        else:
            files.append(path)
            yield journal_check(path, sandbox)

    runs: Mapping[str, Callable[[], Iterable[Check]]] = {
        "rate limits": lambda: [rate_limits_check(connection.budget)],
        "journal": journal,
        "files": lambda: [files_check(files)],
        "versions": lambda: [versions_check(_requirements())],
        "proxy": lambda: [proxy_check(connection)],
        "environment": lambda: [environment_check(os.environ)],
    }
    for name, run in runs.items():
        yield from run_check(MACHINE, name, run)


def rate_limits_check(budget: Budget) -> Check:
    """Whether the budget is shared with the other processes on this machine."""
    if budget.local_only_reason:
        return _check(
            "rate limits",
            status="warning",
            found=f"Only this process counts its requests: {budget.local_only_reason}.",
            next_step=f"Fix the cause, or name another folder in {paths.RATE_LIMITS}. Until then, run one "
            "kernel at a time, or give each a fraction of the limits: `Link(limit_fraction=0.5)`.",
        )
    if budget.path is None:
        found = "Sharing is switched off: this process counts its requests in memory."
        return _check("rate limits", status="note", found=found)
    shared = f"All processes on this machine share {_short_path(budget.path)}."
    damaged = Path(f"{budget.path}.damaged")
    if damaged.exists():
        found = f"{shared} An older file was damaged and set aside."
        return _check("rate limits", status="note", found=found, next_step=f"`{damaged}` can be deleted.")
    others = [_short_path(path) for path in paths.other_versions(budget.path)]
    if others:
        return _check(
            "rate limits",
            status="note",
            found=f"{shared} Another version of the toolkit has its own: {joined(others)}.",
            next_step="Bans of an older version are respected here, but requests of its programs are not "
            "counted. Delete its file once none of them runs.",
        )
    folder = os.environ.get(paths.RATE_LIMITS, "").strip()
    if folder and not Path(folder).expanduser().is_absolute():
        relative = f"{paths.RATE_LIMITS} is a relative path: programs started elsewhere use another file."
        return _check(
            "rate limits", status="note", found=f"{shared} {relative}", next_step="Set an absolute path."
        )
    return _check("rate limits", found=shared)


def journal_check(path: Path, sandbox: str | None) -> Check:
    """Whether there is a journal, and which writes in it are unresolved. No journal is created."""
    if _is_missing(path):
        found = f"There is none yet. The first write creates {_short_path(path)}."
        return _check("journal", status="note", found=found)
    try:
        unresolved = len(Journal(path).entries(unresolved=True))
    except JournalError as error:
        return _check(
            "journal",
            status="failure",
            found=f"{_short_path(path)} cannot be used: {error.__cause__}.",
            next_step="No write is sent without it. Do not delete it: it records what was done. Free disk "
            "space, fix its permissions, or use the version of the toolkit that wrote it.",
        )
    if not unresolved:
        return _check("journal", found=f"The outcome of every write is known: {_short_path(path)}.")
    live = "" if sandbox else 'confirm="live"'
    count = "One write has" if unresolved == 1 else f"{unresolved} writes have"
    return _check(
        "journal",
        status="warning",
        found=f"{count} an unknown outcome: {_short_path(path)}.",
        next_step=f"`ops = link.operations({live})`; `ops.unresolved()` lists them, and "
        "`ops.reconcile(number)` asks the exchange.",
    )


def _is_missing(path: Path) -> bool:
    """Whether there is no such file. Other problems show when it is opened."""
    with forgiving(OSError):
        try:
            path.stat()
        except FileNotFoundError:
            return True
    return False


def _short_path(path: Path) -> str:
    """A path as name and folder, which wraps better than one long word."""
    return f"{path.name} in {path.parent}"


def files_check(files: Iterable[Path], *, windows: bool = os.name == "nt") -> Check:
    """Whether other users can write to the files or their folders."""
    if windows:
        found = "Permissions of the rate-limit file and the journal are not checked on Windows."
        return _check("files", status="note", found=found)
    candidates = dict.fromkeys(each for path in files for each in (path.parent, path))
    writable = [path for path in candidates if _is_writable_by_others(path)]
    if not writable:
        found = "Only you can change the rate-limit file and the journal."
        return _check("files", found=found)
    names = shlex.join(map(str, writable))
    shared = _shared_folder()
    is_intended = shared is not None and all(path.is_relative_to(shared) for path in writable)
    return _check(
        "files",
        status="note" if is_intended else "warning",
        found=f"Other users of this machine can change {names}.",
        next_step=f"`chmod go-w {names}`, unless it is shared on purpose.",
    )


def _shared_folder() -> Path | None:
    """The folder that the user named for the rate limits; it may be shared on purpose."""
    with suppress(RuntimeError):  # no such home folder
        if os.environ.get(paths.RATE_LIMITS, "").strip():
            return paths.rate_limits_folder()
    return None


def _is_writable_by_others(path: Path) -> bool:
    """Whether other users can change it. In a folder with the sticky bit they can only add files."""
    with forgiving(OSError):
        mode = path.stat().st_mode
        return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX
    return False


def versions_check(requirements: Iterable[str]) -> Check:
    """The installed versions, and which of them are older than the toolkit requires."""
    packages = [f"{name} {_installed(name) or '(none)'}" for name in _SHOWN_PACKAGES]
    versions = [f"toolkit {__version__}", f"Python {platform.python_version()}", *packages]
    found = f"{', '.join([*versions, ' '.join(ssl.OPENSSL_VERSION.split()[:2])])}."
    outdated = {
        f"{match['name']} {installed} is older than {match['minimum']}": (
            f'"{match["name"]}>={match["minimum"]}"'
        )
        for requirement in requirements
        if (match := _MINIMUM.fullmatch(requirement))
        and (installed := _installed(match["name"]))
        and _is_older(installed, match["minimum"])
    }
    if not outdated:
        return _check("versions", found=found)
    return _check(
        "versions",
        status="note",
        found=f"{found} {joined([*outdated])}.",
        next_step=f"`python -m pip install {' '.join(outdated.values())}` installs newer ones.",
    )


def _requirements() -> list[str]:
    """The requirements of the toolkit; none if it is not installed as a package."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.requires(_PACKAGE) or []
    return []


def _installed(name: str) -> str:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return ""


def _is_older(version: str, minimum: str) -> bool:
    pairs = zip_longest(*(map(int, re.findall(r"\d+", each)) for each in (version, minimum)), fillvalue=0)
    return next((actual < required for actual, required in pairs if actual != required), False)


def proxy_check(connection: Connection) -> Check:
    """Which proxies are used, and which certificate authorities are trusted."""
    routes = {host: connection.session.network_route(host) for host in connection.session.hosts}
    proxies = dict.fromkeys(proxy for proxy, _ in routes.values() if proxy)
    bundles = dict.fromkeys(file for _, file in routes.values() if file)
    if not proxies and not bundles:
        return _check("proxy", found="None. Certificates are checked against the default authorities.")
    sentences = [f"Requests go through {joined(proxies)}."] if proxies else ["None."]
    sentences += [f"The authorities in {joined(bundles)} are trusted."] if bundles else []
    return _check("proxy", status="note", found=" ".join(sentences))


def environment_check(environment: Mapping[str, str]) -> Check:
    """Which variables of the toolkit are set; their values are not shown."""
    names = sorted(name for name, value in environment.items() if name.startswith("TOOLKIT_") and value)
    if not names:
        return _check("environment", found="None of the toolkit's variables is set.")
    found = f"Set: {', '.join(names)}."
    renamed = " ".join(paths.renamed_variables(environment))
    if renamed:
        return _check("environment", status="warning", found=found, next_step=renamed)
    if not _SECRET_VARIABLES & set(names):
        return _check("environment", found=found)
    return _check(
        "environment",
        status="note",
        found=found,
        next_step="Any program started from this environment can read a key in it. A profile keeps the key "
        "apart: `python -m toolkit key add NAME`.",
    )
