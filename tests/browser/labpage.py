"""Drive a notebook in JupyterLab through the browser."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import nbformat
from playwright.sync_api import Locator, Page, expect

from tests.support.launched import Launched

# The page contains only the cells in view. `cut_off` is how far a picture reaches out of its output, `corner`
# the opacity of its first pixel, and `ink` the share of it that something is drawn on.
LOOK_AT_PICTURES = """async scroller => {
  const seen = new Map();
  const opacities = (image, size, ...part) => {
    const canvas = new OffscreenCanvas(size, size).getContext('2d');
    canvas.drawImage(image, ...part, 0, 0, size, size);
    return canvas.getImageData(0, 0, size, size).data.filter((_, place) => place % 4 === 3);
  };
  const look = image => {
    const area = image.closest('.jp-OutputArea-output');
    const box = image.getBoundingClientRect(), edge = area.getBoundingClientRect();
    const whole = opacities(image, 64, 0, 0, image.naturalWidth, image.naturalHeight);
    return {
      width: box.width,
      cut_off: Math.max(box.right - edge.right, area.scrollWidth - area.clientWidth),
      corner: opacities(image, 1, 0, 0, 1, 1)[0],
      background: getComputedStyle(image).backgroundColor,
      ink: whole.filter(opacity => opacity > 20).length / whole.length,
    };
  };
  for (let top = 0; ; top += scroller.clientHeight / 2) {
    scroller.scrollTo(0, top);
    await new Promise(resolve => setTimeout(resolve, 100));
    for (const image of document.querySelectorAll('.jp-OutputArea-output img'))
      if (image.naturalWidth && !seen.has(image.src)) seen.set(image.src, look(image));
    if (top + scroller.clientHeight >= scroller.scrollHeight) return [...seen.values()];
  }
}"""

STEP_TIMEOUT_S = 60.0  # of one step, on a slow machine
RUN_TIMEOUT_S = 240.0  # of a whole notebook


@dataclass
class LabPage:
    """A browser page on JupyterLab that records requests to other hosts and errors of the page."""

    launched: Launched
    page: Page
    external_requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    notebook: Path | None = None

    def __post_init__(self) -> None:
        self.page.set_default_timeout(STEP_TIMEOUT_S * 1000)
        self.page.on("request", lambda request: self._record(request.url))
        self.page.on("websocket", lambda socket: self._record(socket.url))
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.console_errors.append(line.text))

    def _record(self, url: str) -> None:
        if urlsplit(url).scheme not in {"data", "blob", "about"} and urlsplit(url).hostname != "127.0.0.1":
            self.external_requests.append(url)

    def open_notebook(self, name: str) -> None:
        """Open a notebook in the folder and wait for its kernel."""
        self.notebook = self.launched.folder / name
        address = (
            f"http://127.0.0.1:{self.launched.port}/lab/tree/{quote(name)}?token={self.launched.token}&reset"
        )
        self.page.goto(address)
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self._wait_for_idle()

    def open_cells(self, name: str, *cells: str) -> None:
        """Write a notebook with these cells and open it."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, self.launched.folder / name)
        self.open_notebook(name)

    def run_all(self) -> None:
        """Run all cells; wait until the last one has ended, or one has failed."""
        before = self.execution_counts()
        self._menu("Run", "runmenu:run-all")
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while time.monotonic() < deadline:
            self.wait_idle()
            pairs = zip(before, self.execution_counts(), strict=True)
            if self.failures() or all(after not in {None, before} for before, after in pairs):
                return
            self.page.wait_for_timeout(200)
        raise AssertionError(f"{self.notebook} did not finish within {RUN_TIMEOUT_S:.0f} seconds")

    def bring_to_front(self) -> None:
        """Bring the page to the front: Chromium slows down pages in the background."""
        self.page.bring_to_front()

    def start_cell(self, index: int) -> None:
        """Start a cell without waiting for it."""
        self.bring_to_front()
        self.page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(index).click()
        self.page.keyboard.press("Control+Enter")

    def run_cell(self, index: int) -> list[dict[str, Any]]:
        """Run a cell and wait until it has ended.

        Returns:
            Its outputs, as saved.
        """
        before = self.execution_counts()
        self.start_cell(index)
        return self.wait_for_cell(index, before)

    def wait_for_cell(self, index: int, before: list[int | None]) -> list[dict[str, Any]]:
        """Wait until a started cell has ended; return its outputs, as saved.

        Args:
            index: The cell.
            before: `execution_counts()` from before it was started.
        """
        self.bring_to_front()
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while time.monotonic() < deadline:
            self.wait_idle()
            cell = self._code_cells()[index]
            if cell["execution_count"] not in {None, before[index]}:
                outputs: list[dict[str, Any]] = cell["outputs"]
                return outputs
            self.page.wait_for_timeout(100)
        raise AssertionError(
            f"cell {index} of {self.notebook} did not finish within {STEP_TIMEOUT_S:.0f} seconds"
        )

    def interrupt(self) -> None:
        """Choose Interrupt Kernel in the menu, and wait until the kernel is idle."""
        self._menu("Kernel", "kernelmenu:interrupt")
        self._wait_for_idle()

    def wait_idle(self) -> None:
        """Wait until the kernel is idle, and save the notebook."""
        self._wait_for_idle()
        self._menu("File", "docmanager:save")

    def execution_counts(self) -> list[int | None]:
        """The execution count of each code cell, as saved."""
        return [cell["execution_count"] for cell in self._code_cells()]

    def outputs(self) -> list[dict[str, Any]]:
        """All outputs of the saved notebook. (The page contains only the cells in view.)"""
        return [output for cell in self._code_cells() for output in cell["outputs"]]

    def failures(self) -> list[str]:
        """Tracebacks of the cells, and what they wrote to standard error."""
        return [
            "\n".join(output["traceback"]) if output["output_type"] == "error" else "".join(output["text"])
            for output in self.outputs()
            if output["output_type"] == "error" or output.get("name") == "stderr"
        ]

    def panel(self, kind: str = "btk-panel") -> Locator:
        """Scroll to a panel: `btk-weight` or `btk-accounts`."""
        found = self.page.locator(f".jp-OutputArea-output .{kind}").first
        if not found.count():  # a cell out of view may not be in the page: scroll to the end
            self.page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollTo(0, e.scrollHeight)")
        found.wait_for(state="attached", timeout=15_000)
        found.scroll_into_view_if_needed()
        # A panel is in the page before its content is, and while its cell is moved it is hidden.
        expect(found).to_contain_text(re.compile(r"\S"), use_inner_text=True, timeout=15_000)
        return found

    def card(self, text: str) -> Locator:
        """Scroll to the first outcome or preview card with this text."""
        found = self.page.locator(".jp-OutputArea-output .btk-result", has_text=text).first
        scroller = self.page.locator(".jp-WindowedPanel-outer").first
        scroller.evaluate("e => e.scrollTo(0, 0)")
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while time.monotonic() < deadline:  # only cells near the view exist, and they move as others appear
            if found.is_visible():
                found.scroll_into_view_if_needed()
                self.page.wait_for_timeout(500)
                if found.is_visible():
                    return found
            scroller.evaluate("e => e.scrollBy(0, e.clientHeight / 2)")
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no card contains {text!r}")

    def pictures(self, count: int) -> list[dict[str, Any]]:
        """Scroll through the notebook and look at each picture: its size, and what of it can be seen.

        Cells are drawn some time after they come into view, and again in a window of another size: it scrolls
        until it has seen `count` pictures, and the same ones twice.
        """
        scroller = self.page.locator(".jp-WindowedPanel-outer").first
        found, before = [], None
        deadline = time.monotonic() + STEP_TIMEOUT_S
        while (len(found) != count or found != before) and time.monotonic() < deadline:
            found, before = scroller.evaluate(LOOK_AT_PICTURES), found
        return found

    def choose_theme(self, name: str) -> None:
        """Choose a theme in the menu Settings."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Settings").first.click()
        self.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        self.page.locator(".lm-Menu-item[data-command='apputils:change-theme']", has_text=name).first.click()
        self.page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")

    def screenshot(self, path: Path | str) -> None:
        """Save a picture of the page."""
        self.page.screenshot(path=str(path))

    def _menu(self, menu: str, command: str) -> None:
        self.page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
        self.page.locator(f".lm-Menu li[data-command='{command}']").first.click()

    def _wait_for_idle(self) -> None:
        self.page.locator("#jp-main-statusbar", has_text="Idle").wait_for()

    def _code_cells(self) -> list[dict[str, Any]]:
        assert self.notebook is not None
        text = ""
        while not text.endswith("}\n"):  # JupyterLab may be writing it
            self.page.wait_for_timeout(20)
            text = self.notebook.read_text(encoding="utf-8")
        cells = json.loads(text)["cells"]
        return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
