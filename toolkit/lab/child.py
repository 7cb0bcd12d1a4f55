"""Run a module as `python -m` does, and stop as soon as the process that started this one is gone.

    python child.py MODULE [ARGUMENT ...]

The launcher holds the other end of standard input. However the launcher ends, kill -9 included, the
system closes that end, and what is read here comes to its own end. Run as a file, so that nothing of
this package is loaded into JupyterLab's process.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def stop_at_end_of_input() -> None:
    """Wait for the end of standard input, then ask this process to stop."""
    while os.read(0, 1024):  # not sys.stdin, whose lock would be in the way when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.path[0] = os.getcwd()  # as `python -m` has it, in place of this file's folder
    del sys.argv[0]
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
