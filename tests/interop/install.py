"""Installs each client into a virtual environment of its own: `python -m tests.interop.install [NAME ...]`.

Existing environments are kept. If a client cannot be installed the others are, and its test says why.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from textwrap import shorten

from tests.interop.clients import PEERS, PeerClient


def wanted(peer: PeerClient) -> str:
    """What the stamp of an installed client says."""
    return f"{peer.requirement} on Python {sys.version.split()[0]}"


def installed(peer: PeerClient) -> bool:
    """Whether it is installed, and its Python still runs."""
    if not peer.stamp.is_file() or peer.stamp.read_text(encoding="utf-8") != wanted(peer):
        return False
    try:
        return subprocess.run([peer.python, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def install(peer: PeerClient) -> None:
    """Create its environment anew, and record in it the result."""
    peer.environment.mkdir(parents=True, exist_ok=True)
    pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = [
        [sys.executable, "-m", "venv", "--clear", str(peer.environment)],
        [*pip, peer.requirement],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            result = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            why = next(
                (line for line in result if line.lower().startswith("error")), (result or ["no output"])[-1]
            )
            reason = f"pip install '{peer.requirement}': {shorten(why, 200)}"
            peer.failure.write_text(reason, encoding="utf-8")
            return
    peer.stamp.write_text(wanted(peer), encoding="utf-8")


def main(names: Sequence[str]) -> None:
    """Install the clients with these names at once, or all of them, except those that are there."""
    missing = [peer for peer in PEERS if (not names or peer.name in names) and not installed(peer)]
    if missing:
        shown = ", ".join(peer.name for peer in missing)
        print(f"Installing {shown}, each into an environment of its own (a minute the first time) ...")
        with ThreadPoolExecutor() as executor:
            list(executor.map(install, missing))


if __name__ == "__main__":
    main(sys.argv[1:])
