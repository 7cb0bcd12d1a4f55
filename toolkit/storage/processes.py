"""Who this process is, and whether another one still runs.

Nothing here raises: what cannot be told (no `/proc`, another user's process, no file descriptor left) is
unknown, and a process of which nothing is known is taken to run as long as there is one of its number.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.storage import machine

# Two readings of the same process's start differ by rounding only.
_SAME_START = 1.0


class _Seen(NamedTuple):
    """What the system tells of a process: when it began, and whether it has ended but for its number."""

    began: float
    ended: bool


def started(pid: int) -> float | None:
    """What tells a process from another one of the same number; None where there is none or it hides.

    Seconds since 1970, or on Linux since the machine was started: there the former follow the wall clock.
    """
    seen = _inspect(pid)
    return None if seen is None else seen.began


def is_alive(pid: int, began: float | None) -> bool:
    """Whether the process of that number is, as far as can be told, still the one that began then.

    Args:
        pid: Its number.
        began: What `started` told; None or 0 where it could not tell.
    """
    if not _exists(pid):
        return False
    seen = _inspect(pid)
    if seen is None:  # another user's, on a machine that hides those
        return True
    return not seen.ended and (not began or abs(seen.began - began) < _SAME_START)


def runs(pid: int, began: float | None, run: str) -> bool:
    """Whether that process still runs, as far as can be told: what cannot is not called ended.

    Args:
        pid: Its number.
        began: What `started` told; None where it could not tell.
        run: What `boot` told when the process was noted.
    """
    now = boot()
    # Elsewhere than on Linux the start is told by the calendar, which tells it from one of another run of the
    # machine as well, and better: some name a run after the time of its start, which follows the clock.
    names_a_run = sys.platform.startswith("linux") or began is None
    if names_a_run and run and now and run != now:
        return False
    return is_alive(pid, began)


def _exists(pid: int) -> bool:
    """Whether there is a process of this number, or it cannot be told."""
    outside = sys.exception()
    try:
        if sys.platform == "win32":
            import psutil

            return bool(psutil.pid_exists(pid))
        if pid > 0:  # what is below would be a group of them
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # the latter: no number that a process can have
        return False
    except Exception as error:  # noqa: BLE001 - another user's, or psutil cannot look
        let_through(error, outside)
        return True
    return pid > 0


def _inspect(pid: int) -> _Seen | None:
    """What the system tells of a process; None where it tells nothing."""
    outside = sys.exception()
    try:
        if not sys.platform.startswith("linux"):
            import psutil

            process = psutil.Process(pid)
            return _Seen(float(process.create_time()), process.status() == psutil.STATUS_ZOMBIE)
        # The name, in brackets, may hold anything; state and start follow as fields 3 and 22.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return _Seen(int(fields[19]) / os.sysconf("SC_CLK_TCK"), fields[0] in (b"Z", b"X"))
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being told
        let_through(error, outside)
        return None


def own_name() -> str:
    """What this process runs, for people: the notebook of a kernel, or the script."""
    notebook = os.environ.get("JPY_SESSION_NAME", "")
    words = getattr(sys, "argv", None) or [""]  # a program that has Python built in may set none
    script = str(words[0] or "")
    if "ipykernel" in script:  # its children inherit the variable
        return _as_utf8(Path(notebook).name) or "kernel"
    name = Path(script).name
    if name == "__main__.py":  # python -m package
        name = Path(script).parent.name
    return _as_utf8(name) if name not in ("", "-c") else "python"


def _as_utf8(name: str) -> str:
    """A file name need not be UTF-8, and SQLite takes nothing else."""
    return name.encode("utf-8", "replace").decode()


_boot: list[str] = []  # once it is known


def boot() -> str:
    """What this run of the machine is called: readings of the monotonic clock compare within one only.

    "" where it cannot be told at this moment; then nothing compares.
    """
    if not _boot:
        told = machine.boot_id() or _boot_time()
        if told:
            _boot.append(told)
    return _boot[0] if _boot else ""


def _boot_time() -> str:
    """When the machine was started, in words, where it has no better name for this run."""
    if not sys.platform.startswith("linux"):  # there it follows the wall clock
        with forgiving(Exception):
            import psutil

            return f"{psutil.boot_time():.0f}"
    return ""
