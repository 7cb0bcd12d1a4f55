"""Exports frames until it is killed: the child of a process that has imported everything already.

It reads jobs from stdin, a JSON object a line, and forks a child for each, whose id it prints. The child is
reaped when the next line comes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pandas as pd

import toolkit
from toolkit.exports import atomic as _atomic  # imported before the fork

ROWS = 2000
EVENTS = ("open", "os.rename", "os.remove")
"""What Python announces before it opens, renames or removes a file."""


def frame(number: int) -> pd.DataFrame:
    """The frame with this number, which is in each of its rows."""
    texts = pd.array([f"{number}-{row}" for row in range(ROWS)], dtype="string")
    result = pd.DataFrame({"text": texts})
    result.attrs = {"number": number}
    return result


def die_at(event: int, folder: Path) -> None:
    """Kill this process before it touches a file of the folder for this number of times."""
    seen = 0

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if name in EVENTS and str(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == event:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def work(job: dict[str, Any]) -> None:
    """Export one frame, or one after the other."""
    path = Path(job["path"])
    if job["event"]:
        die_at(job["event"], path.parent)
        toolkit.export(frame(job["number"]), path)
        return
    for number in range(job["number"], job["number"] + 1000):
        toolkit.export(frame(number), path)


def main() -> None:
    """Fork a child for each job."""
    frame(0)
    assert _atomic.SUFFIX
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                work(json.loads(line))
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
