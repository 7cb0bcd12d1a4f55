"""`python -m toolkit lab` as a process with its own home folder."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

MARK = "THIS_TEST_STARTED_IT"
SOCKET_TIMEOUT_S = 60.0


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
        # Kernels choose the backend of matplotlib that shows figures.
        foreign = ("JUPYTER", "XDG_", "MPLBACKEND")
        inner = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        inner |= {"HOME": str(self.home), MARK: self.mark, "CI": "true"}
        inner["SHELL"] = shutil.which("bash") or "sh"  # independent of the shell that runs the tests
        if self.stand_in is not None:
            inner["TMPDIR"] = str(self.home)  # so that leftovers go with the test
            inner["PYTHONPATH"] = os.pathsep.join([str(self.stand_in), inner.get("PYTHONPATH", "")])
        command = [sys.executable, "-u", "-m", "toolkit", "lab", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=inner, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.output = ""

    def until(self, text: str) -> Launched:
        """Read its output up to this text."""
        assert self.process.stdout is not None
        while text not in self.output:
            line = self.process.stdout.readline()
            assert line, f"it ended without printing {text!r}:\n{self.output}"
            self.output += line
        return self

    @property
    def token(self) -> str:
        return re.findall(r"token=([\w-]+)", self.output)[0]

    def ask(self, path: str, method: str = "GET", *, token: bool = True) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"token {self.token}"} if token else {}
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def in_terminal(self, command: str) -> str:
        """The output of a command in a terminal of JupyterLab."""
        name = json.loads(self.ask("/api/terminals", "POST")[1])["name"]

        async def talk(socket: WebSocketClientConnection) -> str:
            # The shell joins the parts of the end marker, so the echo of the command does not contain it.
            typed = f"{command}; echo end''-of-it\r"
            await socket.write_message(json.dumps(["stdin", typed]))
            shown = ""
            while "end-of-it" not in shown:
                message = await socket.read_message()
                assert message is not None, f"the terminal was closed:\n{shown}"
                kind, *content = json.loads(message)
                shown += content[0] if kind == "stdout" else ""
            return shown.partition("end''-of-it")[2].replace("\r", "")

        return self._over_socket(f"/terminals/websocket/{name}", talk)

    def in_cell(self, code: str) -> str:
        """The output of a cell in a kernel of JupyterLab."""
        kernel = json.loads(self.ask("/api/kernels", "POST")[1])["id"]
        request = uuid.uuid4().hex
        header = {"msg_id": request, "msg_type": "execute_request", "session": request, "username": ""}
        execute = {
            "channel": "shell",
            "header": {**header, "version": "5.3", "date": "2026-01-01T00:00:00Z"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False},
        }

        async def talk(socket: WebSocketClientConnection) -> str:
            await socket.write_message(json.dumps(execute))
            shown = ""
            while True:
                message = await socket.read_message()
                assert message is not None, f"the kernel was closed:\n{shown}"
                content = json.loads(message)
                if content.get("parent_header", {}).get("msg_id") != request:
                    continue
                shown += content["content"].get("text", "") if content["msg_type"] == "stream" else ""
                if content["msg_type"] == "status" and content["content"]["execution_state"] == "idle":
                    return shown

        return self._over_socket(f"/api/kernels/{kernel}/channels", talk)

    def _over_socket(self, path: str, talk: Callable[[WebSocketClientConnection], Awaitable[str]]) -> str:
        address = f"ws://127.0.0.1:{self.port}{path}"
        request = HTTPRequest(address, headers={"Authorization": f"token {self.token}"})

        async def connected() -> str:
            socket = await websocket_connect(request)
            try:
                return await asyncio.wait_for(talk(socket), SOCKET_TIMEOUT_S)
            finally:
                socket.close()
                while await socket.read_message() is not None:
                    pass

        return asyncio.run(connected())

    def running(self) -> dict[int, str]:
        """All processes that descend from it, including orphans, with their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it has ended
                continue
        return {pid: words for pid, words in found.items() if words}  # a zombie has no command line

    def pid_of(self, what: str) -> int:
        return next(pid for pid, words in self.running().items() if what in words)

    def ended(self, seconds: float = 60) -> int:
        """Wait for its end and return its exit code; the rest of its output is kept."""
        rest, _ = self.process.communicate(timeout=seconds)
        self.output += rest
        return self.process.returncode

    def stop(self) -> None:
        """Stop it and all its processes."""
        if self.process.poll() is None:
            self.process.terminate()
            self.ended()
        for pid in self.running():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
