"""Tab completion in a real JupyterLab, including the first one, which imports what it completes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.sync_api import Page, TimeoutError

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

OFFERED = {
    "link.": {"exchange", "spot", "futures", "portfolio", "operations", "doctor", "usage"},
    "link.spot.": {"customers", "rebates"},
    "toolkit.charts.": {"balances", "candles", "depth", "funding", "rebates", "traders"},
    "toolkit.panels.": {"accounts", "weight"},
}


def offered(page: Page, names: set[str]) -> set[str]:
    """What Tab offers. It is pressed again if a busy machine took longer than JupyterLab waits."""
    matches = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
    found: set[str] = set()
    for _ in range(5):
        page.keyboard.press("Tab")
        with suppress(TimeoutError):
            matches.first.wait_for(timeout=10_000)
        found = set(matches.all_inner_texts())
        page.keyboard.press("Escape")
        page.locator(".jp-Completer:not(.lm-mod-hidden)").wait_for(state="detached")
        if names <= found:
            break
    return found


def test_tab_offers_the_public_names(lab_page: LabPage) -> None:
    page = lab_page.page
    lab_page.open_cells("tab.ipynb", "import toolkit\n\nlink = toolkit.demo()", *OFFERED)
    lab_page.run_cell(0)
    for index, (text, names) in enumerate(OFFERED.items(), start=1):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(index).click()
        page.keyboard.press("End")
        assert names <= offered(page, names), text
