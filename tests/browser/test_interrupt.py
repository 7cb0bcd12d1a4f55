"""Interrupt Kernel during a fetch: the cell ends at once, sends nothing more, and the next cell works."""

from __future__ import annotations

import re
import time

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

CELLS = [
    "import sys\nimport toolkit\nlink = toolkit.demo(limit_scale=0.02)",
    "link.exchange.spot_balances()",  # takes thirteen requests, one per minute
    "partial = sys.last_value.partial\nlen(partial), partial.attrs['complete'], partial.attrs['requests']",
    "link.sandbox.exchange.faults.add('timeout', times=None)\nlink.spot.rebates(start='-30D')",
    "attempts = [call.endpoint for call in link.budget.snapshot().calls].count('spot.rebates')\n"
    "link.sandbox.exchange.faults.clear()\nattempts, len(link.spot.rebates(start='-30D')) > 1000",
]


@pytest.fixture(scope="module")
def notebook(lab_page: LabPage) -> LabPage:
    lab_page.open_cells("interrupted.ipynb", *CELLS)
    lab_page.run_cell(0)
    return lab_page


def interrupt_cell(notebook: LabPage, index: int, text: str) -> tuple[list[str], str]:
    """Start a cell, and interrupt it when its progress bar shows this text.

    Returns:
        Names of the exceptions of the cell, and the text of the bar.
    """
    before = notebook.execution_counts()
    notebook.start_cell(index)
    element = notebook.page.get_by_text(text).first
    element.wait_for()
    bar = element.inner_text()
    notebook.interrupt()
    outputs = notebook.wait_for_cell(index, before)
    return [output["ename"] for output in outputs if output["output_type"] == "error"], bar


def result(notebook: LabPage, index: int) -> str:
    """The text of a cell's result. On a slow machine, a progress bar comes before it."""
    *bar, output = notebook.run_cell(index)
    assert [each["output_type"] for each in bar] in ([], ["display_data"])
    return "".join(output["data"]["text/plain"])


def test_interrupt_while_the_fetch_waits_for_the_next_minute(notebook: LabPage) -> None:
    minute = time.time() // 60
    raised, bar = interrupt_cell(notebook, 1, "goes on in")
    assert raised == ["KeyboardInterrupt"]
    minutes = int(time.time() // 60 - minute)  # each new minute allows one more request
    rows, complete, requests = result(notebook, 2).strip("()").split(", ")
    assert int(rows) % 20 == 0
    assert complete == "False"
    (shown,) = re.findall(r"(\d+)\srequest", bar)
    assert int(shown) <= int(requests) <= int(shown) + minutes


def test_interrupt_while_the_exchange_does_not_respond(notebook: LabPage) -> None:
    raised, _ = interrupt_cell(notebook, 3, "spot.rebates:")
    assert raised == ["KeyboardInterrupt"]
    attempts, works = result(notebook, 4).strip("()").split(", ")
    assert int(attempts) <= 5, "a request that timed out would have been sent again"
    assert works == "True"
