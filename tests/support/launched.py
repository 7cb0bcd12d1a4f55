"""`python -m toolkit lab` as a process with a home of its own, for the tests that start it for real."""

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
SOCKET_PATIENCE = 60.0


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
        inner["SHELL"] = shutil.which("bash") or "sh"  # whatever shell the tests themselves were started in
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

    def in_terminal(self, command: str) -> str:
        """What a command shows in a terminal of the Lab."""
        name = json.loads(self.ask("/api/terminals", "POST")[1])["name"]

        async def talk(socket: WebSocketClientConnection) -> str:
            # The mark is put together by the shell, so that the echo of what is typed does not have it.
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
        """What a cell writes in a kernel of the Lab."""
        kernel = json.loads(self.ask("/api/kernels", "POST")[1])["id"]
        request = uuid.uuid4().hex
        header = {"msg_id": request, "msg_type": "execute_request", "session": request, "username": ""}
        asked = {
            "channel": "shell",
            "header": {**header, "version": "5.3", "date": "2026-01-01T00:00:00Z"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False},
        }

        async def talk(socket: WebSocketClientConnection) -> str:
            await socket.write_message(json.dumps(asked))
            shown = ""
            while True:
                message = await socket.read_message()
                assert message is not None, f"the kernel is gone:\n{shown}"
                said = json.loads(message)
                if said.get("parent_header", {}).get("msg_id") != request:
                    continue
                shown += said["content"].get("text", "") if said["msg_type"] == "stream" else ""
                if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                    return shown

        return self._over_socket(f"/api/kernels/{kernel}/channels", talk)

    def _over_socket(self, path: str, talk: Callable[[WebSocketClientConnection], Awaitable[str]]) -> str:
        address = f"ws://127.0.0.1:{self.port}{path}"
        request = HTTPRequest(address, headers={"Authorization": f"token {self.token}"})

        async def connected() -> str:
            socket = await websocket_connect(request)
            try:
                return await asyncio.wait_for(talk(socket), SOCKET_PATIENCE)
            finally:
                socket.close()
                while await socket.read_message() is not None:
                    pass

        return asyncio.run(connected())

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
