"""Run a module as `python -m` does, and stop when the process that started this one ends.

    python child.py MODULE [ARGUMENT ...]

The launcher holds the other end of standard input. When it ends, even by kill -9, the system closes that end,
and reading standard input returns. This is run as a file, so that JupyterLab's process does not import the
toolkit.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def stop_at_end_of_input() -> None:
    """Wait for the end of standard input, then terminate this process."""
    while os.read(0, 1024):  # not sys.stdin: its lock would block the interpreter's shutdown
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.path[0] = os.getcwd()  # as with `python -m`, instead of this file's folder
    del sys.argv[0]
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
