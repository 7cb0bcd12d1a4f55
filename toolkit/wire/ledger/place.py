"""Where the ledger of an exchange lies."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from toolkit.catalogue import ALTERNATES, Host

VARIABLE = "TOOLKIT_LEDGER"
"""Environment variable: a folder for the ledgers (to share it between users), or "off"."""

SCHEMA = 1
_SANDBOX = "sandbox-"
_SANDBOX_KEPT = 86_400.0


def folder() -> Path:
    """The folder of all ledgers."""
    import platformdirs

    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return Path(given).expanduser()
    return platformdirs.user_state_path("binance-link-toolkit", appauthor=False)


def ledger_file(hosts: Mapping[Host, str], sandbox: str | None) -> Path | None:
    """The file of one exchange; None where the user wants none.

    Args:
        hosts: Base address of each host. What the exchange calls the same host counts as the same.
        sandbox: Which sandbox it is, None for a real exchange.
    """
    if os.environ.get(VARIABLE, "").strip().lower() == "off":
        return None
    addresses = {name: ALTERNATES.get(address, address) for name, address in hosts.items()}
    whole = "\n".join(f"{name} {address}" for name, address in sorted(addresses.items()))
    netloc = urlsplit(addresses["api"]).netloc
    shown = re.sub(r"[^A-Za-z0-9.]+", "-", netloc).strip("-")
    digest = hashlib.sha256(f"{whole}\n{sandbox or ''}".encode()).hexdigest()[:12]
    kind = "" if sandbox is None else _SANDBOX
    # Another schema is another file: two versions of the package on one machine leave each other's alone.
    return folder() / f"{kind}{shown}-{digest}.v{SCHEMA}.sqlite"


def make_room(path: Path) -> None:
    """Make the folder, and forget sandboxes that nobody has used for a day.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    old = time.time() - _SANDBOX_KEPT
    for other in path.parent.glob(f"{_SANDBOX}*"):
        try:
            if other.stat().st_mtime < old:
                other.unlink()
        except OSError:  # gone already, or another user's
            continue


def open_to_group(path: Path) -> None:
    """In a folder that others may write to, the ledger is theirs as well."""
    if os.environ.get(VARIABLE):
        mode = path.parent.stat().st_mode & 0o666
        if path.stat().st_mode & 0o666 != mode:
            path.chmod(mode)
