"""Identity of this process, and whether another one still runs.

Nothing here raises. Information may be unavailable (no `/proc`, another user's process, no free file
descriptor); then a process counts as running while its pid exists.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from toolkit.runtime.interruptions import forgiving, let_through
from toolkit.storage import machine

# Two readings of one process's start time differ by rounding only.
_START_TOLERANCE_S = 1.0


class _ProcessStatus(NamedTuple):
    """Start time of a process, and whether it has ended and only its pid is left."""

    start_time: float
    has_ended: bool


def start_time(pid: int) -> float | None:
    """Return the start time of a process; None where it does not exist or cannot be inspected.

    It tells a process from a later one with the same pid. It is in seconds since 1970; on Linux in seconds
    since the boot, because there the time since 1970 changes with the wall clock.
    """
    status = _inspect(pid)
    return None if status is None else status.start_time


def is_alive(pid: int, began: float | None) -> bool:
    """Whether a process still runs, as far as is known.

    Args:
        pid: Its process id.
        began: Its `start_time`; None or 0 where that is unknown.
    """
    if not _exists(pid):
        return False
    status = _inspect(pid)
    if status is None:  # another user's process that cannot be inspected
        return True
    return not status.has_ended and (not began or abs(status.start_time - began) < _START_TOLERANCE_S)


def is_running(pid: int, began: float | None, boot: str) -> bool:
    """Whether a process still runs, as far as is known, also across reboots.

    Args:
        pid: Its process id.
        began: Its `start_time`; None where that is unknown.
        boot: The `boot_id` when it was recorded.
    """
    current_boot = boot_id()
    # Outside Linux the start time is absolute and tells boots apart by itself. There it is more reliable than
    # a boot id that is derived from the time of the boot, which changes with the wall clock.
    needs_boot = sys.platform.startswith("linux") or began is None
    if needs_boot and boot and current_boot and boot != current_boot:
        return False
    return is_alive(pid, began)


def _exists(pid: int) -> bool:
    """Whether a process with this pid exists, or that is unknown."""
    outside = sys.exception()
    try:
        if sys.platform == "win32":
            import psutil

            return bool(psutil.pid_exists(pid))
        if pid > 0:  # 0 and below mean process groups
            os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # OverflowError: not a valid pid
        return False
    except Exception as error:  # noqa: BLE001 - another user's process, or psutil failed
        let_through(error, outside)
        return True
    return pid > 0


def _inspect(pid: int) -> _ProcessStatus | None:
    """Return the status of a process; None where it is unavailable."""
    outside = sys.exception()
    try:
        if not sys.platform.startswith("linux"):
            import psutil

            process = psutil.Process(pid)
            return _ProcessStatus(float(process.create_time()), process.status() == psutil.STATUS_ZOMBIE)
        # The name in brackets may hold anything. State and start time follow as fields 3 and 22.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return _ProcessStatus(int(fields[19]) / os.sysconf("SC_CLK_TCK"), fields[0] in (b"Z", b"X"))
    except Exception as error:  # noqa: BLE001 - unavailable for any reason
        let_through(error, outside)
        return None


def process_name() -> str:
    """Return a display name of this process: the notebook of a kernel, or the script."""
    notebook = os.environ.get("JPY_SESSION_NAME", "")
    arguments = getattr(sys, "argv", None) or [""]  # a program that embeds Python may set none
    script = str(arguments[0] or "")
    if "ipykernel" in script:  # children of a kernel inherit the variable
        return _as_utf8(Path(notebook).name) or "kernel"
    name = Path(script).name
    if name == "__main__.py":  # python -m package
        name = Path(script).parent.name
    return _as_utf8(name) if name not in ("", "-c") else "python"


def _as_utf8(name: str) -> str:
    """Replace what is not UTF-8: file names may be, and SQLite accepts nothing else."""
    return name.encode("utf-8", "replace").decode()


_known_boot_id: list[str] = []  # empty while it is unknown


def boot_id() -> str:
    """Return an id of the current boot; "" where it cannot be read.

    Readings of the monotonic clock can be compared within one boot only, and not at all where the id is "".
    """
    if not _known_boot_id:
        found = machine.boot_id() or _boot_time()
        if found:
            _known_boot_id.append(found)
    return _known_boot_id[0] if _known_boot_id else ""


def _boot_time() -> str:
    """Return the time of the boot as text, a substitute for a boot id; "" on Linux."""
    if not sys.platform.startswith("linux"):  # on Linux it changes with the wall clock
        with forgiving(Exception):
            import psutil

            return f"{psutil.boot_time():.0f}"
    return ""
