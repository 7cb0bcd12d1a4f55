"""The tour in JupyterLab, in a browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tour(lab_page: LabPage) -> LabPage:
    """The tour, run once."""
    lab_page.open_notebook("01_tour.ipynb")
    lab_page.run_all()
    return lab_page


def test_the_tour_runs_without_errors(tour: LabPage) -> None:
    assert tour.failures() == []
    assert tour.outputs() != []


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


# A panel is redrawn every second, so values from several elements are read in one step.
RECENT_USE = """panel => [...panel.querySelectorAll("[aria-label^='Last 15 min']")]
    .map(each => each.getAttribute('aria-label'))"""


def test_the_weight_panel_shows_the_weight_the_cells_used(tour: LabPage) -> None:
    panel = tour.panel("btk-weight")
    text = panel.inner_text()
    assert "SANDBOX" in text
    pairs = [numbers(pair) for pair in re.findall(r"[\d,]+ / [\d,]+", text)]
    assert pairs
    assert all(used <= limit for used, limit in pairs), text
    # The cells may have run in the previous minute.
    recent = panel.evaluate(RECENT_USE)
    assert max(numbers(bars)[1] for bars in recent) > 0
    assert panel.locator("svg").count() > 0


def test_the_accounts_panel_shows_balances(tour: LabPage) -> None:
    panel = tour.panel("btk-accounts")
    panel.get_by_role("button", name="Refresh").wait_for()  # the cell ended before the fetch did
    assert "SANDBOX" in panel.inner_text()
    rows = panel.locator(".btk-table tbody tr")
    assert rows.count() > 5
    assert sum(numbers(rows.first.inner_text())[1:]) > 0


CUT_OFF = """panel => [...panel.querySelectorAll('.btk-card, .btk-foot, .btk-used, button')]
    .filter(each => each.scrollWidth > each.clientWidth + 1 && !each.closest('.btk-clipped, .btk-rows'))
    .map(each => each.className + ': ' + each.innerText)"""

OVERFLOW = """panel => [...new Set([...panel.querySelectorAll('.btk-clipped, .btk-rows')]
    .map(each => getComputedStyle(each).overflowX))]"""


@pytest.mark.parametrize("width", [700, 1000, 1300, 1400, 1600])
def test_nothing_in_a_panel_is_cut_off(tour: LabPage, width: int) -> None:
    """In a narrow window, a wide table can be scrolled."""
    before = tour.page.viewport_size
    assert before is not None
    tour.page.set_viewport_size({"width": width, "height": before["height"]})
    try:
        for kind in ("btk-weight", "btk-accounts"):
            panel = tour.panel(kind)
            panel.get_by_text("SANDBOX", exact=True).wait_for()
            assert panel.evaluate(CUT_OFF) == []
            assert panel.evaluate(OVERFLOW) in (["auto"], [])
        assert tour.panel("btk-weight").evaluate(OVERFLOW) == ["auto"]
    finally:
        tour.page.set_viewport_size(before)


def test_a_refresh_in_one_panel_updates_the_other(tour: LabPage) -> None:
    """The refused call of the tour is in the list of last calls until a refresh sends others."""
    refused = tour.panel("btk-weight").get_by_text("exchange.api_keys")
    tour.panel("btk-accounts").get_by_role("button", name="Refresh").click()
    refused.wait_for(state="detached")
    tour.panel("btk-weight").get_by_text("exchange.futures_balances").first.wait_for(state="attached")


def test_the_saved_notebook_has_the_balances(tour: LabPage) -> None:
    """For viewers without widgets, the static picture is updated when the fetch has ended."""
    tour.panel("btk-accounts").get_by_role("button", name="Refresh").wait_for()
    tour.wait_idle()
    saved = ["".join(output["data"].get("text/html", "")) for output in tour.outputs() if "data" in output]
    assert any("240 sub-accounts of 1,000 allowed" in html for html in saved)


def test_nothing_is_sent_to_other_hosts(tour: LabPage) -> None:
    assert tour.external_requests == []


def test_the_page_has_no_errors(tour: LabPage) -> None:
    assert tour.console_errors == []


def test_there_is_no_news_prompt_and_no_extension_manager(tour: LabPage) -> None:
    tabs = tour.page.locator(".jp-SideBar [data-id]")
    identities = {tab.get_attribute("data-id") for tab in tabs.all()}
    assert "filebrowser" in identities
    assert "extensionmanager.main-view" not in identities
    assert tour.page.locator(".Toastify__toast").count() == 0


def test_a_request_to_another_host_is_recorded_and_fails(tour: LabPage) -> None:
    """Otherwise `external_requests` would prove nothing."""
    page = LabPage(tour.launched, tour.page.context.new_page())
    outcome = page.page.evaluate("fetch('http://outside.invalid/').then(() => 'sent', () => 'failed')")
    assert outcome == "failed"
    assert page.external_requests == ["http://outside.invalid/"]
    page.page.close()
