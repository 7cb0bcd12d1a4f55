"""Interrupt Kernel during a fetch: the cell ends at once, and the next one works."""

from __future__ import annotations

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

AT_ONCE = 2.5  # seconds, those of the page on a slow machine included

CELLS = [
    "import sys\nimport toolkit\nlink = toolkit.demo(limit_scale=0.02)",
    "link.exchange.spot_balances()",  # one request a minute, and it takes thirteen
    "len(sys.last_value.partial), sys.last_value.partial.attrs['complete']",
    "link.sandbox.exchange.faults.add('timeout', times=None)\nlink.spot.rebates(start='-30D')",
    "link.sandbox.exchange.faults.clear()\nlen(link.spot.rebates(start='-30D')) > 1000",
]


@pytest.fixture(scope="module")
def notebook(lab_page: LabPage) -> LabPage:
    lab_page.open_cells("interrupted.ipynb", *CELLS)
    lab_page.run_cell(0)
    return lab_page


def interrupted(notebook: LabPage, position: int, bar: str) -> list[str]:
    """Names of the errors a cell ended with when it was interrupted with this on its bar."""
    before = notebook.execution_counts()
    notebook.start_cell(position)
    notebook.page.get_by_text(bar).first.wait_for()
    assert notebook.interrupt() < AT_ONCE
    outputs = notebook.done(position, before)
    return [output["ename"] for output in outputs if output["output_type"] == "error"]


def result(notebook: LabPage, position: int) -> str:
    """What a cell's last line gave; on a slow machine a bar stands above it."""
    *bar, output = notebook.run_cell(position)
    assert [each["output_type"] for each in bar] in ([], ["display_data"])
    return "".join(output["data"]["text/plain"])


def test_while_it_waits_for_the_minute(notebook: LabPage) -> None:
    assert interrupted(notebook, 1, "goes on in") == ["KeyboardInterrupt"]
    rows, complete = result(notebook, 2).strip("()").split(", ")
    assert int(rows) % 20 == 0
    assert complete == "False"


def test_while_the_exchange_does_not_answer(notebook: LabPage) -> None:
    assert interrupted(notebook, 3, "spot.rebates") == ["KeyboardInterrupt"]
    assert result(notebook, 4) == "True"
