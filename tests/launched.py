"""`python -m toolkit lab` as a process with a home of its own, for the tests that start it for real."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

MARK = "THIS_TEST_STARTED_IT"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Launched:
    """A running `python -m toolkit lab`."""

    home: Path
    folder: Path
    stand_in: Path | None = None
    port: int = field(default_factory=free_port)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        inner = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG_"))
        }
        inner |= {"HOME": str(self.home), MARK: self.mark, "CI": "true"}
        if self.stand_in is not None:
            inner["TMPDIR"] = str(self.home)  # what a kill -9 leaves behind goes with the test's folder
            inner["PYTHONPATH"] = os.pathsep.join([str(self.stand_in), inner.get("PYTHONPATH", "")])
        command = [sys.executable, "-u", "-m", "toolkit", "lab", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=inner, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said = ""

    def until(self, text: str) -> Launched:
        """Read on until it has said this."""
        assert self.process.stdout is not None
        while text not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended without saying {text!r}:\n{self.said}"
            self.said += line
        return self

    @property
    def token(self) -> str:
        return re.findall(r"token=([\w-]+)", self.said)[0]

    def ask(self, path: str, method: str = "GET", *, token: bool = True) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"token {self.token}"} if token else {}
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def running(self) -> dict[int, str]:
        """Every process that descends from it, orphans included, with its arguments."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it ended meanwhile
                continue
        return {pid: words for pid, words in found.items() if words}  # a zombie has no words

    def pid_of(self, what: str) -> int:
        return next(pid for pid, words in self.running().items() if what in words)

    def ended(self, seconds: float = 60) -> int:
        """Its exit code, once it is over; the rest of what it said is kept."""
        rest, _ = self.process.communicate(timeout=seconds)
        self.said += rest
        return self.process.returncode

    def stop(self) -> None:
        """Leave nothing, whatever the test has found."""
        if self.process.poll() is None:
            self.process.terminate()
            self.ended()
        for pid in self.running():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
