"""The tour as a user sees it: in JupyterLab, in a browser, from top to bottom."""

from __future__ import annotations

import re

import pytest
from labpage import LabPage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tour(lab_page: LabPage) -> LabPage:
    """The Lab with the tour run once; the tests look at what it has left."""
    lab_page.open_notebook("01_tour.ipynb")
    lab_page.run_all()
    return lab_page


def test_it_runs_from_top_to_bottom(tour: LabPage) -> None:
    assert tour.failures() == []
    assert tour.outputs() != []


@pytest.mark.parametrize("kind", ["btk-weight", "btk-accounts"])
def test_both_panels_show_live_numbers(tour: LabPage, kind: str) -> None:
    text = tour.panel(kind).inner_text()
    assert "SANDBOX" in text
    assert re.search(r"[1-9]", text), f"no number but nought in the panel: {text!r}"


def test_nothing_goes_out(tour: LabPage) -> None:
    assert tour.outside == []


def test_the_page_has_no_errors(tour: LabPage) -> None:
    assert tour.console_errors == []


def test_nobody_asks_for_news_or_offers_extensions(tour: LabPage) -> None:
    tabs = tour.page.locator(".jp-SideBar [data-id]")
    identities = {tab.get_attribute("data-id") for tab in tabs.all()}
    assert "filebrowser" in identities
    assert "extensionmanager.main-view" not in identities
    assert tour.page.locator(".Toastify__toast").count() == 0


def test_what_goes_out_would_be_seen(tour: LabPage) -> None:
    """Last words on `outside`: a request to another host is noted, and gets nowhere."""
    page = LabPage(tour.desk, tour.page.context.new_page())
    outcome = page.page.evaluate("fetch('http://outside.invalid/').then(() => 'out', () => 'nowhere')")
    assert outcome == "nowhere"
    assert page.outside == ["http://outside.invalid/"]
    page.page.close()
