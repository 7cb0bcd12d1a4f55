"""Tab completion in a real JupyterLab, including the first one, which imports what it completes."""

from __future__ import annotations

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

OFFERED = {
    "link.": {"exchange", "spot", "futures", "portfolio", "operations", "doctor", "usage"},
    "link.spot.": {"customers", "rebates"},
    "toolkit.charts.": {"balances", "candles", "depth", "funding", "rebates", "traders"},
    "toolkit.panels.": {"accounts", "weight"},
}


def test_tab_offers_the_public_names(lab_page: LabPage) -> None:
    page = lab_page.page
    lab_page.open_cells("tab.ipynb", "import toolkit\n\nlink = toolkit.demo()", *OFFERED)
    lab_page.run_cell(0)
    for index, (text, names) in enumerate(OFFERED.items(), start=1):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(index).click()
        page.keyboard.press("End")
        page.keyboard.press("Tab")
        offered = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
        offered.first.wait_for()
        assert names <= set(offered.all_inner_texts()), text
        page.keyboard.press("Escape")
        page.locator(".jp-Completer:not(.lm-mod-hidden)").wait_for(state="detached")
