"""A real kernel, used as JupyterLab uses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

TIMEOUT_S = 60.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Shown:
    """The output of a cell.

    Attributes:
        text: Streams, results and displays, as text.
        error: Name and text of its error; "" if there is none.
        traceback: The traceback as shown, without colours.
    """

    text: str = ""
    error: str = ""
    traceback: str = ""


@dataclass
class Kernel:
    """A kernel in a folder of its own."""

    folder: Path
    _manager: KernelManager = field(init=False)
    _client: BlockingKernelClient = field(init=False)

    def __post_init__(self) -> None:
        self._manager = KernelManager(kernel_name="python3", transport="ipc")
        self._manager.ip = str(self.folder / "kernel")
        self._manager.start_kernel(cwd=str(self.folder))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=TIMEOUT_S)

    def run(self, code: str, *, while_it_runs: Callable[[Shown], bool] = lambda shown: True) -> Shown:
        """Run a cell.

        Args:
            code: The code of the cell.
            while_it_runs: Called after each output until it returns True.
        """
        shown, request, done = Shown(), self._client.execute(code), False
        while True:
            message = self._client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") != request:
                continue
            if self._take(shown, message["msg_type"], message["content"]):
                break
            done = done or while_it_runs(shown)
        self._client.get_shell_msg(timeout=TIMEOUT_S)
        return shown

    @staticmethod
    def _take(shown: Shown, kind: str, content: Mapping[str, Any]) -> bool:
        if kind == "stream":
            shown.text += content["text"]
        elif kind in ("execute_result", "display_data"):
            shown.text += content["data"].get("text/plain", "") + "\n"
        elif kind == "error":
            shown.error = f"{content['ename']}: {content['evalue']}"
            shown.traceback = _COLOURS.sub("", "\n".join(content["traceback"]))
        return kind == "status" and content["execution_state"] == "idle"

    def well(self, code: str) -> str:
        """The text that a cell shows; it must not raise."""
        shown = self.run(code)
        assert not shown.error, shown.traceback
        return shown.text

    def completions(self, code: str) -> list[str]:
        """The completions that TAB offers after the code, without magics."""
        reply = self._client.complete(code, len(code), reply=True, timeout=TIMEOUT_S)["content"]
        assert reply["status"] == "ok"
        return [match.lstrip(".") for match in reply["matches"] if not match.startswith("%")]

    def interrupt(self) -> None:
        """Interrupt the kernel, as the button does."""
        self._manager.interrupt_kernel()

    def stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
