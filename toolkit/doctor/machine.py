"""This machine: ledger, journal, who else may write to them, versions, and what the environment says."""

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
from toolkit.doctor.check import MACHINE, Check, listed, run_check
from toolkit.errors import JournalError
from toolkit.gateway.connection import Connection
from toolkit.ratelimit.budget import Budget
from toolkit.runtime.interruptions import forgiving
from toolkit.storage import paths
from toolkit.writes.journal import Journal

_check = partial(Check, MACHINE)

_PACKAGE = "binance-link-toolkit"
_SHOWN = ("pandas", "pyarrow", "requests", "urllib3", "cryptography")
_LEAST = re.compile(r"(?P<name>[\w.-]+)[^;]*?>=\s*(?P<least>[\d.]+)[^;]*")
# What they hold, every program that is started from here may read.
_SECRET = {"TOOLKIT_KEY", "TOOLKIT_SECRET", "TOOLKIT_PASSPHRASE"}


def machine_checks(connection: Connection, sandbox: str | None, *, banned: bool) -> Iterator[Check]:
    """What lies on this machine, and how it is set up.

    Args:
        connection: The exchange that it is about.
        sandbox: Which sandbox that is, None for a real one.
        banned: Nobody could be asked which sandbox it is.
    """
    files = [path for path in [connection.budget.path] if path is not None]

    def journal() -> Iterator[Check]:
        if banned and connection.source == "sandbox":
            found = "Not looked at: the sandbox cannot be asked which one it is."
            yield _check("journal", status="note", found=found)
            return
        try:
            path = paths.journal_file(connection.session.hosts, sandbox, None)
        except JournalError as error:
            found = str(error).removesuffix(" Nothing was sent.")
            yield _check("journal", status="warning", found=found, next_step="No write is sent without one.")
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
    for check, run in runs.items():
        yield from run_check(MACHINE, check, run)


def rate_limits_check(budget: Budget) -> Check:
    """Whether the budget is shared with the other processes of this machine."""
    if budget.local_only_reason:
        return _check(
            "rate limits",
            status="warning",
            found=f"The limits are counted by this process alone: {budget.local_only_reason}.",
            next_step=f"Mend that, or name another folder in {paths.RATE_LIMITS}; until then run one kernel "
            "at a time, or give each a smaller share: `Link(share=0.5)`.",
        )
    if budget.path is None:
        found = "Switched off: the limits are counted by this process alone, in memory."
        return _check("rate limits", status="note", found=found)
    shared = f"All processes of this machine share {_short_path(budget.path)}."
    damaged = Path(f"{budget.path}.damaged")
    if damaged.exists():
        found = f"{shared} An older one was damaged and set aside."
        return _check("rate limits", status="note", found=found, next_step=f"`{damaged}` can be deleted.")
    others = [_short_path(path) for path in paths.other_versions(budget.path)]
    if others:
        return _check(
            "rate limits",
            status="note",
            found=f"{shared} Another version of the package has its own: {listed(others)}.",
            next_step="Bans that an older version met hold here too; requests of its programs are not "
            "counted here. Once none of them runs, its file can be deleted.",
        )
    named = os.environ.get(paths.RATE_LIMITS, "").strip()
    if named and not Path(named).expanduser().is_absolute():
        relative = f"{paths.RATE_LIMITS} is a relative path: a program started elsewhere has another one."
        return _check(
            "rate limits", status="note", found=f"{shared} {relative}", next_step="Give its whole path."
        )
    return _check("rate limits", found=shared)


def journal_check(path: Path, sandbox: str | None) -> Check:
    """Whether there is a journal, and what is not settled in it. None is made."""
    if _is_missing(path):
        found = f"There is none yet: the first write makes {_short_path(path)}."
        return _check("journal", status="note", found=found)
    try:
        unresolved = len(Journal(path).entries(unresolved=True))
    except JournalError as error:
        return _check(
            "journal",
            status="failure",
            found=f"{_short_path(path)} cannot be used: {error.__cause__}.",
            next_step="No write is sent without it. Do not delete it, as it knows what was done: give it "
            "room or rights, or use the version of the package that wrote it.",
        )
    if not unresolved:
        return _check("journal", found=f"Of every write it is known what became of it: {_short_path(path)}.")
    live = "" if sandbox else 'confirm="live"'
    many = "one write" if unresolved == 1 else f"each of {unresolved} writes"
    return _check(
        "journal",
        status="warning",
        found=f"Of {many} it is not known what became of it: {_short_path(path)}.",
        next_step=f"`ops = link.operations({live})`; `ops.unresolved()` lists what is open, and "
        "`ops.reconcile(number)` asks the exchange.",
    )


def _is_missing(path: Path) -> bool:
    """Whether there is no such file; whatever else stands in the way shows when it is opened."""
    with forgiving(OSError):
        try:
            path.stat()
        except FileNotFoundError:
            return True
    return False


def _short_path(path: Path) -> str:
    """A path in two parts, which fit into a line."""
    return f"{path.name} in {path.parent}"


def files_check(files: Iterable[Path], *, windows: bool = os.name == "nt") -> Check:
    """Whether others may write to the files, or to their folders."""
    if windows:
        found = "Whether others may change ledger and journal is not looked at on Windows."
        return _check("files", status="note", found=found)
    both = dict.fromkeys(each for path in files for each in (path.parent, path))
    open_ = [path for path in both if _is_open(path)]
    if not open_:
        return _check("files", found="Nobody else may change ledger and journal.")
    paths = shlex.join(map(str, open_))
    shared = _shared_folder()
    meant = shared is not None and all(path.is_relative_to(shared) for path in open_)
    return _check(
        "files",
        status="note" if meant else "warning",
        found=f"Others on this machine may change {paths}.",
        next_step=f"`chmod go-w {paths}`, unless they share it on purpose.",
    )


def _shared_folder() -> Path | None:
    """The folder that the user named for ledgers, which may be shared on purpose."""
    with suppress(RuntimeError):  # there is no such home
        if os.environ.get(paths.RATE_LIMITS, "").strip():
            return paths.rate_limits_folder()
    return None


def _is_open(path: Path) -> bool:
    """Whether others may write to it; in a folder with the sticky bit they may only add to it."""
    with forgiving(OSError):
        mode = path.stat().st_mode
        return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX
    return False


def versions_check(requirements: Iterable[str]) -> Check:
    """What runs here, and whether any of it is older than the package asks for."""
    versions = [f"{name} {_installed(name) or '(none)'}" for name in _SHOWN]
    here = [f"toolkit {__version__}", f"Python {platform.python_version()}", *versions]
    found = f"{', '.join([*here, ' '.join(ssl.OPENSSL_VERSION.split()[:2])])}."
    old = {
        f"{match['name']} {installed} is older than {match['least']}": f'"{match["name"]}>={match["least"]}"'
        for requirement in requirements
        if (match := _LEAST.fullmatch(requirement))
        and (installed := _installed(match["name"]))
        and _is_older(installed, match["least"])
    }
    if not old:
        return _check("versions", found=found)
    return _check(
        "versions",
        status="note",
        found=f"{found} {listed([*old])}.",
        next_step=f"`python -m pip install {' '.join(old.values())}` brings newer ones.",
    )


def _requirements() -> list[str]:
    """What the package asks for, the extras apart; nothing where it runs from a folder."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.requires(_PACKAGE) or []
    return []


def _installed(name: str) -> str:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return ""


def _is_older(version: str, least: str) -> bool:
    pairs = zip_longest(*(map(int, re.findall(r"\d+", each)) for each in (version, least)), fillvalue=0)
    return next((has < wants for has, wants in pairs if has != wants), False)


def proxy_check(connection: Connection) -> Check:
    """What is between this machine and the exchange."""
    ways = {host: connection.session.network_route(host) for host in connection.session.hosts}
    proxies = dict.fromkeys(proxy for proxy, _ in ways.values() if proxy)
    trusted = dict.fromkeys(file for _, file in ways.values() if file)
    if not proxies and not trusted:
        return _check("proxy", found="None; certificates are checked against the usual authorities.")
    said = [f"Requests go through {listed(proxies)}."] if proxies else ["None."]
    said += [f"The authorities in {listed(trusted)} are trusted."] if trusted else []
    return _check("proxy", status="note", found=" ".join(said))


def environment_check(environment: Mapping[str, str]) -> Check:
    """Which variables of ours are set; never what they hold."""
    names = sorted(name for name, value in environment.items() if name.startswith("TOOLKIT_") and value)
    if not names:
        return _check("environment", found="None of the toolkit's variables is set.")
    found = f"Set: {', '.join(names)}."
    renamed = " ".join(paths.renamed_variables(environment))
    if renamed:
        return _check("environment", status="warning", found=found, next_step=renamed)
    if not _SECRET & set(names):
        return _check("environment", found=found)
    return _check(
        "environment",
        status="note",
        found=found,
        next_step="Every program that is started from there may read a key in the environment; a profile "
        "keeps it apart: `python -m toolkit key add NAME`.",
    )
