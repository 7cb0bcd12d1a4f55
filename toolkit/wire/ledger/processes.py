"""Who this process is, and whether another one still runs."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

# Two readings of the same process's start differ by rounding only.
_SAME_START = 1.0


def started(pid: int) -> float | None:
    """What tells a process from another one of the same number; None where there is none or it hides.

    Seconds since 1970, or on Linux since the machine was started: there the former follow the wall clock.
    """
    import psutil

    try:
        since = psutil.boot_time() if psutil.LINUX else 0.0
        return float(psutil.Process(pid).create_time()) - since
    except psutil.Error:
        return None


def is_alive(pid: int, began: float) -> bool:
    """Whether the process of that number is still the one that began then."""
    import psutil

    try:
        if not psutil.pid_exists(pid):
            return False
    except OverflowError:  # no number that a process can have
        return False
    now = started(pid)
    if now is None:  # another user's, on a machine that hides those
        return True
    return abs(now - began) < _SAME_START and not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def own_name() -> str:
    """What this process runs, for people: the notebook of a kernel, or the script."""
    notebook = os.environ.get("JPY_SESSION_NAME", "")
    script = sys.argv[0] if sys.argv else ""
    if "ipykernel" in script:  # its children inherit the variable
        return _as_utf8(Path(notebook).name) or "kernel"
    name = Path(script).name
    if name == "__main__.py":  # python -m package
        name = Path(script).parent.name
    return _as_utf8(name) if name not in ("", "-c") else "python"


def _as_utf8(name: str) -> str:
    """A file name need not be UTF-8, and SQLite takes nothing else."""
    return name.encode("utf-8", "replace").decode()


@cache
def boot() -> str:
    """What this run of the machine is called: readings of the monotonic clock compare within one only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().decode().strip()
    except OSError:
        import psutil

        return f"{psutil.boot_time():.0f}"
