"""The notebook about market data in the browser: its charts are whole in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

THEMES = ("JupyterLab Light", "JupyterLab Dark")
CHARTS = 4


@pytest.fixture(scope="module")
def notebook(lab_page: LabPage) -> Iterator[LabPage]:
    """The notebook, run once."""
    lab_page.open_notebook("05_market.ipynb")
    lab_page.run_all()
    yield lab_page
    lab_page.choose_theme(THEMES[0])


def test_the_notebook_runs_without_errors(notebook: LabPage) -> None:
    assert notebook.failures() == []
    assert notebook.external_requests == []
    assert notebook.console_errors == []
    pictures = [output for output in notebook.outputs() if "image/png" in output.get("data", {})]
    assert len(pictures) == CHARTS
    assert all(picture["metadata"]["image/png"]["alt"] for picture in pictures)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [700, 1400])
def test_every_chart_is_whole(notebook: LabPage, theme: str, width: int) -> None:
    before = notebook.page.viewport_size
    assert before is not None
    notebook.choose_theme(theme)
    notebook.page.set_viewport_size({"width": width, "height": before["height"]})
    try:
        charts = notebook.pictures(CHARTS)
    finally:
        notebook.page.set_viewport_size(before)
    assert len(charts) == CHARTS
    for chart in charts:
        assert 0.4 * width < chart["width"] < width
        assert chart["cut_off"] <= 1  # in pixels
        assert chart["corner"] == 0  # the theme is seen through it
        assert chart["background"] == "rgba(0, 0, 0, 0)"
        assert chart["ink"] > 0.05
