"""A notebook in JupyterLab, driven through the browser."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import nbformat
from playwright.sync_api import Locator, Page

from tests.support.launched import Launched

STEP = 60.0  # seconds that one step may take at most, on a slow machine
RUN = 240.0  # and a whole notebook


@dataclass
class LabPage:
    """One browser page on the Lab, which remembers what went out and what went wrong."""

    launched: Launched
    page: Page
    outside: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    notebook: Path | None = None

    def __post_init__(self) -> None:
        self.page.set_default_timeout(STEP * 1000)
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("websocket", lambda socket: self._note(socket.url))
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.console_errors.append(said.text))

    def _note(self, url: str) -> None:
        if urlsplit(url).scheme not in {"data", "blob", "about"} and urlsplit(url).hostname != "127.0.0.1":
            self.outside.append(url)

    def open_notebook(self, name: str) -> None:
        """Open a notebook of the folder and wait for its kernel."""
        self.notebook = self.launched.folder / name
        address = (
            f"http://127.0.0.1:{self.launched.port}/lab/tree/{quote(name)}?token={self.launched.token}&reset"
        )
        self.page.goto(address)
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self._status_is_idle()

    def open_cells(self, name: str, *cells: str) -> None:
        """Write a notebook of these cells and open it."""
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(made, self.launched.folder / name)
        self.open_notebook(name)

    def run_all(self) -> None:
        """Run every cell and wait until the last one is done, or one has failed."""
        before = self.execution_counts()
        self._menu("Run", "runmenu:run-all")
        patience = time.monotonic() + RUN
        while time.monotonic() < patience:
            self.wait_idle()
            pairs = zip(before, self.execution_counts(), strict=True)
            if self.failures() or all(now not in {None, was} for was, now in pairs):
                return
            self.page.wait_for_timeout(200)
        raise AssertionError(f"{self.notebook} was not done within {RUN:.0f} seconds")

    def manual_check(self) -> None:
        """Have this page in front: Chromium takes its time with those behind."""
        self.page.bring_to_front()

    def start_cell(self, position: int) -> None:
        """Run one cell, and do not wait for it."""
        self.manual_check()
        self.page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(position).click()
        self.page.keyboard.press("Control+Enter")

    def run_cell(self, position: int) -> list[dict[str, Any]]:
        """Run one cell and wait until it is done.

        Returns:
            Its outputs, as saved.
        """
        before = self.execution_counts()
        self.start_cell(position)
        return self.done(position, before)

    def done(self, position: int, before: list[int | None]) -> list[dict[str, Any]]:
        """Wait until a cell that was started is done; its outputs, as saved."""
        self.manual_check()
        patience = time.monotonic() + STEP
        while time.monotonic() < patience:
            self.wait_idle()
            cell = self._code()[position]
            if cell["execution_count"] not in {None, before[position]}:
                outputs: list[dict[str, Any]] = cell["outputs"]
                return outputs
            self.page.wait_for_timeout(100)
        raise AssertionError(f"cell {position} of {self.notebook} was not done within {STEP:.0f} seconds")

    def interrupt(self) -> None:
        """Interrupt Kernel, in the menu, and wait until the kernel is idle."""
        self._menu("Kernel", "kernelmenu:interrupt")
        self._status_is_idle()

    def wait_idle(self) -> None:
        """Wait until the kernel is idle, and have the notebook saved as it then is."""
        self._status_is_idle()
        self._menu("File", "docmanager:save")

    def execution_counts(self) -> list[int | None]:
        """The number in front of each cell, as saved."""
        return [cell["execution_count"] for cell in self._code()]

    def outputs(self) -> list[dict[str, Any]]:
        """Every output of the notebook as saved. (The page holds only the cells that are in view.)"""
        return [output for cell in self._code() for output in cell["outputs"]]

    def failures(self) -> list[str]:
        """What went wrong in cells, and what they wrote to standard error."""
        return [
            "\n".join(output["traceback"]) if output["output_type"] == "error" else "".join(output["text"])
            for output in self.outputs()
            if output["output_type"] == "error" or output.get("name") == "stderr"
        ]

    def panel(self, kind: str = "btk-panel") -> Locator:
        """The panel of this kind, brought into view: `btk-weight` or `btk-accounts`."""
        found = self.page.locator(f".jp-OutputArea-output .{kind}").first
        if not found.count():  # a cell out of view may not be in the page: go to the end, then look
            self.page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollTo(0, e.scrollHeight)")
        found.wait_for(state="attached", timeout=15_000)
        found.scroll_into_view_if_needed()
        return found

    def card(self, text: str) -> Locator:
        """The first card of an outcome or a preview with this text, brought into view."""
        found = self.page.locator(".jp-OutputArea-output .btk-result", has_text=text).first
        scroller = self.page.locator(".jp-WindowedPanel-outer").first
        scroller.evaluate("e => e.scrollTo(0, 0)")
        patience = time.monotonic() + STEP
        while time.monotonic() < patience:  # only cells near the view are shown, and they move as others come
            if found.is_visible():
                found.scroll_into_view_if_needed()
                self.page.wait_for_timeout(500)
                if found.is_visible():
                    return found
            scroller.evaluate("e => e.scrollBy(0, e.clientHeight / 2)")
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no card says {text!r}")

    def choose_theme(self, name: str) -> None:
        """Settings, Theme, and this one."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Settings").first.click()
        self.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        self.page.locator(".lm-Menu-item[data-command='apputils:change-theme']", has_text=name).first.click()
        self.page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")

    def screenshot(self, path: Path | str) -> None:
        """What is in view, as a picture."""
        self.page.screenshot(path=str(path))

    def _menu(self, menu: str, command: str) -> None:
        self.page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
        self.page.locator(f".lm-Menu li[data-command='{command}']").first.click()

    def _status_is_idle(self) -> None:
        self.page.locator("#jp-main-statusbar", has_text="Idle").wait_for()

    def _code(self) -> list[dict[str, Any]]:
        assert self.notebook is not None
        text = ""
        while not text.endswith("}\n"):  # Lab may be writing it at this moment
            self.page.wait_for_timeout(20)
            text = self.notebook.read_text(encoding="utf-8")
        cells = json.loads(text)["cells"]
        return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
