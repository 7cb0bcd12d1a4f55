"""Two notebooks in one JupyterLab: each has its own kernel, and both share the rate limits."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, TimeoutError

from tests.browser.labpage import LabPage
from tests.support.launched import Launched

pytestmark = pytest.mark.browser

UPDATE_TIMEOUT_S = 30.0  # the idle panel polls every five seconds
SHARED_USE = re.compile(r"this kernel\s0\s*machine\s\d+,000")
CONNECT = "import toolkit\nlink = toolkit.demo()"


@pytest.fixture(scope="module")
def notebooks(launched: Launched, context: BrowserContext) -> Iterator[tuple[LabPage, LabPage]]:
    """One notebook shows the weight panel, the other one fetches."""
    with context.new_page() as first, context.new_page() as second:
        watching, fetching = LabPage(launched, first), LabPage(launched, second)
        watching.open_cells("watching.ipynb", f"{CONNECT}\ntoolkit.panels.weight(link)")
        watching.start_cell(0)
        fetching.open_cells("fetching.ipynb", CONNECT, "len(link.exchange.spot_balances())")
        fetching.run_cell(0)
        watching.wait_for_cell(0, [None])
        yield watching, fetching


def test_the_panel_of_one_notebook_shows_use_by_the_other(notebooks: tuple[LabPage, LabPage]) -> None:
    watching, fetching = notebooks
    panel = watching.panel("btk-weight")
    fetchers = panel.locator(".btk-grouped tbody", has_text="spot_balances").get_by_text("fetching.ipynb")
    card = panel.locator(".btk-card", has_text="spot_balances").first
    for _ in range(2):
        minute = time.time() // 60
        fetching.run_cell(1)
        watching.bring_to_front()
        try:
            fetchers.wait_for(timeout=UPDATE_TIMEOUT_S * 1000)
            shown = card.inner_text(timeout=UPDATE_TIMEOUT_S * 1000)
        except TimeoutError:
            shown = ""
        if SHARED_USE.search(shown) or time.time() // 60 == minute:
            break  # otherwise the use may have been in the previous minute
    assert SHARED_USE.search(shown)
    assert watching.execution_counts() == [1]  # no cell of this notebook ran to update it
    assert watching.failures() == fetching.failures() == []
    assert watching.console_errors == fetching.console_errors == []
