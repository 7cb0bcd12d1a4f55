"""A sandbox in a process of its own, processes that use it, and queries of its log."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from tests.multiprocess import kernel, unaware
from tests.support.paths import ROOT
from tests.support.programs import Program
from toolkit.__main__ import main as commands

TIMEOUT_S = 60.0
ONE = ("/fapi/v1/time", 1)
"""A read of weight 1. The toolkit signs it, and so the log names its key."""
PING = ("/fapi/v1/ping", 1)
"""Another one."""
HUNDRED = ("/fapi/v1/apiReferral/overview", 100)
"""A read of weight 100."""


@dataclass(frozen=True, slots=True)
class FullWindow:
    """A window of /fapi during which all processes were at work.

    Attributes:
        start: When it began, seconds since 1970.
        limit: Weight allowed.
        used: Weight used by all programs.
        external: Weight used by the program that ignores the limits.
        refused: Requests of the toolkit that were refused with a 429.
    """

    start: float
    limit: int
    used: int
    external: int
    refused: int

    @property
    def use(self) -> float:
        """Used fraction of what the other program left."""
        return (self.used - self.external) / (self.limit - self.external)


class Process:
    """A helper program that prints "ready" and waits for the line of a sandbox."""

    def __init__(self, scene: Scene, main: Callable[..., None], *arguments: object) -> None:
        self._scene = scene
        self._process = Program(main, *arguments, env=scene.env)
        self.pid = self._process.pid

    def ready(self) -> None:
        """Wait until it has imported everything."""
        said = self._process.stdout.readline()
        assert said == "ready\n", f"it said {said!r}"

    def go(self) -> None:
        """Start its work."""
        self._process.stdin.write(self._scene.line)
        self._process.stdin.flush()

    def end(self) -> dict[str, int]:
        """End it. Returns the results of its requests."""
        said, status = self._process.communicate(TIMEOUT_S)
        assert status == 0, f"it ended with {status}"
        return dict(json.loads(said))

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self._process.kill()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Scene:
    """A sandbox in a process of its own, and a folder where its users share rate limits.

    Args:
        folder: Folder of the rate-limit file.
        limit: Weight that /fapi allows in a window.
        seconds: Length of a window.
        latency_ms: Shortest time of each response.
    """

    def __init__(self, folder: Path, *, limit: int, seconds: int, latency_ms: float = 0.0) -> None:
        self.limit, self.seconds = limit, seconds
        self._exits = ExitStack()
        self.env = dict(os.environ) | {"PYTHONPATH": str(ROOT), "TOOLKIT_RATE_LIMITS": str(folder)}
        words = ["--port", "0", "--window-seconds", str(seconds)]
        words += ["--limit-scale", repr((limit + 0.5) / 2400), "--latency-ms", str(latency_ms)]
        self._sandbox = Program(_sandbox, *words, env=self.env)
        self._session = requests.Session()
        self._session.trust_env = False

    @cached_property
    def line(self) -> str:
        """The line that the sandbox prints. Only the first access waits for it."""
        line = self._sandbox.stdout.readline()
        assert json.loads(line)["limits"]["fapi"] == self.limit
        return line

    @property
    def address(self) -> str:
        """Address of the sandbox."""
        return str(json.loads(self.line)["address"])

    def __enter__(self) -> Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()
        self._session.close()
        self._sandbox.terminate()
        self._sandbox.communicate(TIMEOUT_S)

    # -- processes -----------------------------------------------------------------------------------

    def kernel(self, *, threads: int = 2, reads: tuple[str, int] = ONE) -> Process:
        """Start a process that reads without pause; it may not be ready yet."""
        return self._exits.enter_context(Process(self, kernel.main, threads, *reads))

    def kernels(self, count: int, *, threads: int = 2, reads: tuple[str, int] = ONE) -> list[Process]:
        """Start several such processes and wait until they are ready."""
        made = [self.kernel(threads=threads, reads=reads) for _ in range(count)]
        for each in made:
            each.ready()
        return made

    def unaware(self, pattern: str, count: int, seed: int = 1) -> Process:
        """Start a program that ignores the limits and wait until it is ready."""
        made = self._exits.enter_context(Process(self, unaware.main, pattern, count, self.seconds, seed))
        made.ready()
        return made

    def fault(self, kind: str, **options: Any) -> None:
        """Add a fault to the sandbox."""
        response = self._session.post(
            f"{self.address}/sandbox/faults", json={"kind": kind, **options}, timeout=TIMEOUT_S
        )
        assert response.status_code == 200, response.text

    # -- results -------------------------------------------------------------------------------------

    def ask(self, what: str) -> Any:
        """Query the sandbox."""
        return self._session.get(f"{self.address}/sandbox/{what}", timeout=TIMEOUT_S).json()

    def log(self, since: float = 0.0, until: float = float("inf")) -> list[dict[str, Any]]:
        """Return the requests to /fapi in a span of time."""
        return [
            entry
            for entry in self.ask("log")
            if entry["path"].startswith("/fapi/") and since <= entry["time"] < until
        ]

    def log_of(self, path: str, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the requests to one path from a moment on."""
        return [entry for entry in self.log(since) if entry["path"] == path]

    def statuses(self) -> dict[int, int]:
        """Count the toolkit's requests by status."""
        found: dict[int, int] = {}
        for entry in self.log():
            if entry["path"] != unaware.PATH:
                found[entry["status"]] = found.get(entry["status"], 0) + 1
        return found

    def refusals(self) -> list[str]:
        """Describe each 429 and 418 of the toolkit, with the requests right before it."""
        log, found = self.log(), []
        for index, entry in enumerate(log):
            if entry["status"] in (429, 418) and entry["path"] != unaware.PATH:
                before = [self._shown(each) for each in log[max(0, index - 8) : index + 1]]
                found.append(f"window {entry['time'] // self.seconds:.0f}: " + ", ".join(before))
        return found

    def _shown(self, entry: Mapping[str, Any]) -> str:
        sender = "unaware" if entry["path"] == unaware.PATH else "ours"
        return f"{entry['time'] % self.seconds:.3f} s {sender} {entry['status']} ({entry['used']} used)"

    def full_windows(self, since: float, until: float) -> list[FullWindow]:
        """Return the windows of /fapi within a span of time, also those without requests."""
        used = {window["start_ms"] // 1000: window["used"] for window in self.ask("windows") if _fapi(window)}
        log = self.log(since, until)
        first = int(-(-since // self.seconds)) * self.seconds
        found = []
        for start in range(first, int(until) - self.seconds + 1, self.seconds):
            here = [entry for entry in log if start <= entry["time"] < start + self.seconds]
            theirs = [entry for entry in here if entry["path"] == unaware.PATH]
            found.append(
                FullWindow(
                    start,
                    self.limit,
                    used.get(start, 0),
                    sum(entry["weight"] for entry in theirs),
                    sum(entry["status"] == 429 for entry in here) - sum(e["status"] == 429 for e in theirs),
                )
            )
        return found

    def wait_for_windows(self, count: int) -> tuple[float, float]:
        """Wait for a number of full windows. Returns when the first began and the last ended."""
        begin = (time.time() // self.seconds + 1) * self.seconds
        end = begin + count * self.seconds
        pause(end - time.time())
        return begin, end


def pause(seconds: float) -> None:
    """Wait while other processes are at work."""
    threading.Event().wait(max(0.0, seconds))


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for a condition to become true."""
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited too long for {what}")
        pause(0.01)


def _fapi(window: Mapping[str, Any]) -> bool:
    return bool(window["rate_limit"] == "fapi")


def _sandbox(*words: str) -> None:
    commands(["sandbox", *words], prog_name="python -m toolkit")
