"""Interrupt Kernel during a fetch: the cell ends at once, and the next one works.

At once means that what the fetch waits for is not waited for: nothing more is sent.
"""

from __future__ import annotations

import re
import time

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

CELLS = [
    "import sys\nimport toolkit\nlink = toolkit.demo(limit_scale=0.02)",
    "link.exchange.spot_balances()",  # one request a minute, and it takes thirteen
    "partial = sys.last_value.partial\nlen(partial), partial.attrs['complete'], partial.attrs['requests']",
    "link.sandbox.exchange.faults.add('timeout', times=None)\nlink.spot.rebates(start='-30D')",
    "attempts = [call.door for call in link.budget.snapshot().calls].count('spot.rebates')\n"
    "link.sandbox.exchange.faults.clear()\nattempts, len(link.spot.rebates(start='-30D')) > 1000",
]


@pytest.fixture(scope="module")
def notebook(lab_page: LabPage) -> LabPage:
    lab_page.open_cells("interrupted.ipynb", *CELLS)
    lab_page.run_cell(0)
    return lab_page


def interrupted(notebook: LabPage, position: int, bar: str) -> tuple[list[str], str]:
    """Names of the errors a cell ended with when it was interrupted with this on its bar, and the bar."""
    before = notebook.execution_counts()
    notebook.start_cell(position)
    shown = notebook.page.get_by_text(bar).first
    shown.wait_for()
    words = shown.inner_text()
    notebook.interrupt()
    outputs = notebook.done(position, before)
    return [output["ename"] for output in outputs if output["output_type"] == "error"], words


def result(notebook: LabPage, position: int) -> str:
    """What a cell's last line gave; on a slow machine a bar stands above it."""
    *bar, output = notebook.run_cell(position)
    assert [each["output_type"] for each in bar] in ([], ["display_data"])
    return "".join(output["data"]["text/plain"])


def test_while_it_waits_for_the_minute(notebook: LabPage) -> None:
    minute = time.time() // 60
    raised, bar = interrupted(notebook, 1, "goes on in")
    assert raised == ["KeyboardInterrupt"]
    turned = int(time.time() // 60 - minute)  # each turn lets one more request go
    rows, complete, requests = result(notebook, 2).strip("()").split(", ")
    assert int(rows) % 20 == 0
    assert complete == "False"
    (shown,) = re.findall(r"(\d+)\srequest", bar)
    assert int(shown) <= int(requests) <= int(shown) + turned


def test_while_the_exchange_does_not_answer(notebook: LabPage) -> None:
    raised, _ = interrupted(notebook, 3, "spot.rebates:")
    assert raised == ["KeyboardInterrupt"]
    attempts, works = result(notebook, 4).strip("()").split(", ")
    assert int(attempts) <= 5, "given up by its time-out, the request of a window would be sent again"
    assert works == "True"
